"""Oracle: least squares on a task whose features the source has, or has not."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from workbench.datasets import load_images
from workbench.landscape.transfer import fine_tune, transfer_gains, turned, with_new_head
from workbench.train.models import MLP, ConvNet


def drawn(seed):
    return torch.Generator().manual_seed(seed)


def head_of(model):
    return [layer for layer in model.modules() if isinstance(layer, nn.Linear)][-1]


@pytest.mark.parametrize("model", [MLP(4, 5, 3, generator=drawn(0)),
                                   ConvNet(1, 5, 3, generator=drawn(0))], ids=["mlp", "conv"])
def test_identity_only_the_head_is_new(model):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = with_new_head(model, 7, generator=drawn(1))
    assert head_of(found).out_features == 7
    changed = {name for name, tensor in found.state_dict().items()
               if tensor.shape != before[name].shape or not torch.equal(tensor, before[name])}
    assert {name.rpartition(".")[0] for name in changed} == {
        name for name, layer in model.named_modules() if layer is head_of(model)}
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert head_of(found).weight.detach().abs().max().item() <= 1 / math.sqrt(5)


def test_recovers_that_known_features_help():
    """The task is linear in the features of one source, and beyond those of a constant one."""
    x = torch.randn(200, 6, generator=drawn(2))
    good, blind = MLP(6, 8, 3, depth=1, generator=drawn(3)), MLP(6, 8, 3, depth=1,
                                                               generator=drawn(4))
    with torch.no_grad():
        blind.layers[0].weight.zero_()
        y = torch.relu(good.layers[0](x)).sum(1, keepdim=True)

    def fit_head(model):
        with torch.no_grad():
            features = torch.cat([torch.relu(model.layers[0](x)), torch.ones(200, 1)], 1)
            found = torch.linalg.lstsq(features, y, driver="gelsd").solution
            model.layers[1].weight.copy_(found[:-1].T)
            model.layers[1].bias.copy_(found[-1])
        return model

    table = fine_tune({"good": good, "blind": blind}, train=fit_head, scratch=blind,
                      adapt=lambda model: with_new_head(model, 1, generator=drawn(5)),
                      score=lambda model: -(model(x) - y).square().mean().item())
    rows = table.set_index("source")
    assert rows.loc["good", "after"] == pytest.approx(0, abs=1e-6)
    assert rows.loc["blind", "gain"] == pytest.approx(0, abs=1e-6)
    assert rows.loc["blind", "after"] == pytest.approx(-float(y.var(correction=0)), rel=1e-4)
    assert (rows["before"] < rows["after"]).all()


def test_rejects_what_has_no_head():
    with pytest.raises(ValueError, match="linear layer inside, got none in ReLU"):
        with_new_head(nn.ReLU(), 2, generator=drawn(0))
    with pytest.raises(ValueError, match="at least one network"):
        fine_tune({}, adapt=lambda m: m, train=lambda m: m, score=lambda _: 0.0)


@pytest.fixture(scope="module")
def images():
    return load_images("digits", train_size=300, rng=np.random.default_rng(0))


def test_matches_images_turned_by_a_quarter(images):
    train, test = turned(images, 50)
    assert len(train.y) == 50
    np.testing.assert_array_equal(train.x[3, 0], np.rot90(images.train_inputs[253, 0]))
    np.testing.assert_array_equal(train.y, images.train_labels[250:])
    assert len(test.y) == len(images.test_labels)


def test_identity_company_changes_no_gain(images):
    model, wide = (MLP(64, width, 10, generator=drawn(0)) for width in (6, 9))
    some = transfer_gains([model, wide, copy.deepcopy(model)], [3, 3, 3], images, 40)
    assert some[0] == some[2]
    one_row = 100 / len(images.test_labels)          # rounding may move a row over a border
    alone = transfer_gains([model], [3], images, 40)[0]
    assert some[0] == pytest.approx(alone, abs=1.01 * one_row)


def test_recovers_that_knowing_the_task_helps(images):
    """A network trained on the turned images before beats a fresh one there."""
    train, _ = turned(images, 300)
    knowing = MLP(64, 32, 10, generator=drawn(1))
    descent = torch.optim.SGD(knowing.parameters(), lr=0.1, momentum=0.9)
    for _ in range(100):
        descent.zero_grad()
        torch.nn.functional.cross_entropy(knowing(train.x), train.y).backward()
        descent.step()
    gains = transfer_gains([knowing] * 4, [0, 1, 2, 3], images, 20)
    assert gains.mean() > 4 * gains.std(ddof=1) / 2 > 0


def test_matches_other_inputs_turned_by_a_half(images):
    rng, labels = np.random.default_rng(0), np.arange(40) % 2
    wide, rows = (load_images((rng.normal(size=shape), labels)) for shape in ((40, 3, 5), (40, 6)))
    np.testing.assert_array_equal(turned(wide, 4)[1].x, wide.test_inputs[:, :, ::-1, ::-1])
    np.testing.assert_array_equal(turned(rows, 4)[1].x, rows.test_inputs[:, ::-1])


def test_rejects_networks_without_fresh_ones(images):
    with pytest.raises(ValueError, match="got Sequential"):
        transfer_gains([nn.Sequential(nn.Flatten(), nn.Linear(64, 10))], [0], images, 5)
