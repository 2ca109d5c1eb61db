"""Oracle: random permutations that these tests know, and every permutation of a tiny network."""

import itertools

import pytest
import torch
from torch import nn

from workbench.landscape.averaging import average
from workbench.landscape.matching import align, match, permute
from workbench.landscape.permutation_axes import symmetries
from workbench.train.models import MLP, ConvNet


def drawn(seed):
    return torch.Generator().manual_seed(seed)


def randomised(model, seed):
    """Numbers for scales, shifts and moments too, so that units differ in them."""
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=drawn(seed)) + 0.1)
            seed += 1
    return model.eval()


BUILDS = {
    "mlp": lambda seed: MLP(7, 9, 4, depth=3, generator=drawn(seed)),
    "conv": lambda seed: ConvNet(1, 6, 4, stages=3, norm="none", generator=drawn(seed)),
    "batch": lambda seed: randomised(ConvNet(1, 6, 4, generator=drawn(seed)), seed),
    "group": lambda seed: ConvNet(1, 6, 4, norm="group", generator=drawn(seed)).eval(),
    "sequential": lambda seed: randomised(nn.Sequential(
        nn.Linear(7, 5, bias=False), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(),
        nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)), seed),
}


def inputs_of(name):
    shape = (6, 7) if name in ("mlp", "sequential") else (6, 1, 8, 8)
    return torch.rand(shape, generator=drawn(100))


def shuffled(model, seed):
    """State of a model with its hidden units in random places."""
    state, axes = model.state_dict(), symmetries(model)
    sizes = {one: state[name].shape[axis] for name in axes
             for axis, one in enumerate(axes[name]) if one}
    return permute(state, axes, {one: torch.randperm(size, generator=drawn(seed))
                                 for one, size in sizes.items()})


@pytest.mark.parametrize("name", BUILDS)
def test_identity_permuted_network_computes_the_same(name):
    model, x = BUILDS[name](0), inputs_of(name)
    before = model(x)
    state = shuffled(model, 5)
    assert any(not torch.equal(state[key], one) for key, one in model.state_dict().items())
    model.load_state_dict(state)
    torch.testing.assert_close(model(x), before)


@pytest.mark.parametrize("name", BUILDS)
@pytest.mark.parametrize("seed", range(3))
def test_recovers_a_random_permutation_exactly(name, seed):
    model = BUILDS[name](seed)
    state, other = model.state_dict(), shuffled(model, seed + 10)
    found = match(state, other, symmetries(model))
    back = permute(other, symmetries(model), found.permutations)
    assert found.distance_after == 0
    for key, tensor in state.items():
        assert torch.equal(back[key], tensor), key
    merged = average(align([state, other], symmetries(model)))
    for key, tensor in state.items():
        assert torch.equal(merged[key], tensor), key


@pytest.mark.parametrize("name", BUILDS)
def test_matches_distance_that_never_grows(name):
    for seed in range(5):
        a, b = BUILDS[name](seed), BUILDS[name](seed + 50)
        found = match(a.state_dict(), b.state_dict(), symmetries(a))
        params, moved = dict(a.named_parameters()), permute(
            b.state_dict(), symmetries(a), found.permutations)
        after = sum(float((params[key].detach().double() - moved[key].double()).square().sum())
                    for key in params) ** 0.5
        assert found.distance_after == pytest.approx(after)
        assert found.distance_after <= found.distance_before


def test_matches_the_best_of_all_permutations_of_one_layer():
    a, b = (MLP(3, 4, 2, depth=1, generator=drawn(seed)).state_dict() for seed in (1, 2))
    axes = {"layers.0.weight": ("h", None), "layers.0.bias": ("h",),
            "layers.1.weight": (None, "h"), "layers.1.bias": (None,)}
    every = [sum(float((a[key].double() - moved[key].double()).square().sum()) for key in a) ** 0.5
             for order in itertools.permutations(range(4))
             for moved in [permute(b, axes, {"h": torch.tensor(order)})]]
    assert match(a, b, axes).distance_after == pytest.approx(min(every))


def test_matches_members_aligned_with_one_of_them():
    model = BUILDS["mlp"](0)
    members = [shuffled(model, seed) for seed in range(4)]
    found = align(members, symmetries(model), reference=2)
    for key, tensor in members[2].items():
        assert torch.equal(found[key], tensor.expand(4, *tensor.shape))


@pytest.mark.parametrize(("call", "words"), [
    (lambda: symmetries(nn.Transformer(8, 2, 1, 1, 8, batch_first=True)), "got Transformer"),
    (lambda: symmetries(nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 2))), "got 4 inputs"),
    (lambda: symmetries(nn.Sequential(nn.Linear(2, 3), nn.PReLU())), "'1' must be linear"),
    (lambda: symmetries(nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4))), "GroupNorm"),
    (lambda: match({"w": torch.zeros(2)}, {"w": torch.zeros(3)}, {"w": ("p",)}), "one shape"),
    (lambda: match({"w": torch.zeros(2)}, {"w": torch.zeros(2)}, {"v": ("p",)}), "axes must move"),
    (lambda: match({"w": torch.zeros(2, 2)}, {"w": torch.zeros(2, 2)}, {"w": ("p",)}),
     "must have 2 entries"),
    (lambda: align([{"w": torch.zeros(2)}], {"w": ("p",)}, reference=1), r"\[0, 0\]"),
])
def test_rejects_what_cannot_be_matched(call, words):
    with pytest.raises(ValueError, match=words):
        call()
