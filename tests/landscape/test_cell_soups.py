"""Oracle: cells whose best soup is known: copies, permuted copies, one good among random ones."""

import numpy as np
import pytest
import torch

from workbench.landscape.cell_soups import soup_gains
from workbench.landscape.matching import permute
from workbench.landscape.permutation_axes import symmetries
from workbench.train.models import MLP, ConvNet
from workbench.train.stack import stack

ROWS = 201


def drawn(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def inputs():
    return torch.randn(ROWS, 1, 4, 4, generator=drawn(1))


def shuffled(model, build):
    """The same network with its hidden units in other places."""
    axes, state = symmetries(model), model.state_dict()
    sizes = {one: state[name].shape[axis] for name in axes
             for axis, one in enumerate(axes[name]) if one}
    other = build()
    other.load_state_dict(permute(state, axes, {
        one: torch.randperm(size, generator=drawn(3)) for one, size in sizes.items()}))
    return other


@pytest.mark.parametrize("build", [lambda: MLP(16, 5, 3, generator=drawn(2)),
                                   lambda: ConvNet(1, 5, 3, generator=drawn(2))],
                         ids=["mlp", "convnet"])
def test_identity_permuted_copies_gain_nothing_and_all_stay(build, inputs):
    models, y = stack([build(), shuffled(build(), build)]), torch.arange(ROWS) % 3
    found = soup_gains(models, ["a", "a"], inputs, (inputs, y)).iloc[0]
    assert (found["soup_members"], found["soup_gain"]) == (2, 0)


def test_matches_one_good_network_among_random_ones(inputs):
    models = [MLP(16, 6, 3, generator=drawn(seed)) for seed in (4, 5, 6, 7)]
    with torch.no_grad():
        y = models[2](inputs).argmax(1)
        right = np.array([(model(inputs).argmax(1) == y).numpy() for model in models])
    found = soup_gains(stack(models), ["b", "a", "a", "a"], inputs, (inputs, y)).set_index("cell")
    assert found.loc["a", "soup_members"] == 1
    expected = 100 - 100 * right[1:, 1::2].mean()
    assert found.loc["a", "soup_gain"] == pytest.approx(expected)
    assert (found.loc["b", "soup_members"], found.loc["b", "soup_gain"]) == (1, 0)
