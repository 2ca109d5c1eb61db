"""Oracle: sums written out, PyTorch's own running moments, and networks that are linear."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from workbench.landscape.averaging import (
    average,
    average_model,
    gain,
    reestimate_moments,
    running_average,
)
from workbench.train.models import MLP, ConvNet


def drawn(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def models():
    return [ConvNet(1, 4, 3, generator=drawn(seed)) for seed in range(3)]


@pytest.fixture
def images():
    return torch.randn(40, 1, 8, 8, generator=drawn(9)) * 3 + 1


def test_identity_all_weight_on_one_member_is_that_member(models):
    found = average(models, [0.0, 1.0, 0.0])
    for name, tensor in models[1].state_dict().items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=0)


def test_identity_copies_average_to_themselves(models, images):
    found = average_model([models[0], copy.deepcopy(models[0])])
    torch.testing.assert_close(found(images), models[0](images), rtol=0, atol=0)


def test_matches_the_sum_of_every_floating_tensor(models):
    weights = [0.5, 0.3, 0.2]
    models[0].norms[0].running_mean += 5
    models[1].norms[0].num_batches_tracked += 7
    found = average(models, weights)
    states = [model.state_dict() for model in models]
    assert set(found) == set(states[0])
    for name, tensor in found.items():
        if tensor.is_floating_point():
            expected = sum(w * state[name] for w, state in zip(weights, states, strict=True))
            torch.testing.assert_close(tensor, expected)
    assert found["norms.0.num_batches_tracked"] == 7


def test_identity_order_of_members_does_not_matter(models):
    one, other = average(models, [0.5, 0.3, 0.2]), average(models[::-1], [0.2, 0.3, 0.5])
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name])


def test_matches_linear_networks_whose_average_averages_outputs(images):
    layers = [nn.Linear(64, 3) for _ in range(2)]
    found = average_model(layers)
    x = images.flatten(1)
    torch.testing.assert_close(found(x), (layers[0](x) + layers[1](x)) / 2)


def test_matches_average_in_the_memory_of_one(models):
    found, count = running_average(iter(models))
    assert count == 3
    for name, tensor in average(models).items():
        torch.testing.assert_close(found[name], tensor)
        assert found[name].dtype == tensor.dtype


def test_matches_halves_summed_in_whole():
    members = [{"w": torch.full((1,), value, dtype=torch.bfloat16)} for value in (256.0, 2.0)]
    assert average(members)["w"] == 129              # 258 is no bfloat16, 129 is
    assert average(members)["w"].dtype == torch.bfloat16


def test_matches_moments_of_all_batches(models, images):
    model = average_model(models, recalibrate=lambda one: reestimate_moments(one, [images]))
    layer = model.norms[0]
    with torch.no_grad():
        inputs = model.convs[0](images)
    torch.testing.assert_close(layer.running_mean, inputs.mean((0, 2, 3)))
    torch.testing.assert_close(layer.running_var, inputs.var((0, 2, 3)))
    twice = reestimate_moments(model, images.split(20))
    assert (twice, layer.momentum, model.training) == (2, 0.1, models[0].training)
    torch.testing.assert_close(layer.running_mean, inputs.mean((0, 2, 3)))


def test_identity_models_without_moments_are_left_alone(images):
    model = MLP(64, 4, 3, generator=drawn(0))
    assert reestimate_moments(model, [images]) == 0


def test_recovers_gain_and_its_standard_error():
    rng = np.random.default_rng(0)
    found = [gain(rng.random(400) < 0.9, rng.random((3, 400)) < 0.7) for _ in range(200)]
    values = np.array([one.value for one in found])
    assert abs(values.mean() - 20) < 4 * values.std() / np.sqrt(200)
    ratio = np.mean([one.stderr for one in found]) / values.std()
    assert abs(ratio - 1) < 4 / np.sqrt(2 * 199)
    same = np.array([True, False])
    assert gain(same, np.tile(same, (2, 1))).value == 0


@pytest.mark.parametrize(("call", "words"), [
    (lambda: average([]), "at least one network"),
    (lambda: running_average([]), "at least one network"),
    (lambda: average([nn.Linear(2, 2), nn.Linear(2, 3)]), r"'weight' is \(2, 2\).*\(3, 2\)"),
    (lambda: average([nn.Linear(2, 2), nn.Linear(2, 2, bias=False)]), "'bias'.*nothing"),
    (lambda: average([nn.Linear(2, 2)] * 2, [0.5, 0.6]), "sum to 1"),
    (lambda: average([nn.Linear(2, 2)] * 2, [1.0]), "one entry per row"),
    (lambda: average({"a": torch.zeros(2, 1), "b": torch.zeros(3)}), "leading axis"),
    (lambda: reestimate_moments(nn.BatchNorm1d(2), []), "at least one batch"),
    (lambda: gain(np.ones(3), np.ones((2, 4))), "same test rows"),
])
def test_rejects_what_has_no_average(call, words):
    with pytest.raises(ValueError, match=words):
        call()
