"""Stacked models compute what each computes alone."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call

from workbench.train.buckets import plan, price
from workbench.train.models import MLP, ConvNet
from workbench.train.stack import can_be_padded, stack
from workbench.train.stacked_layers import one_after_another, vectorised


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def family_of(kind, widths):
    if kind == "mlp":
        made = [MLP(12, width, 3, activation="gelu", generator=draws(width)) for width in widths]
    else:
        made = [ConvNet(1, width, 3, stages=3, norm=kind, generator=draws(width))
                for width in widths]
    return [model.double() for model in made]


CASES = [("mlp", (2, 5, 8)), ("none", (2, 5, 3)), ("batch", (4, 2, 3)), ("group", (4, 4, 4))]


@pytest.mark.parametrize(("kind", "widths"), CASES)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_matches_each_model_alone(kind, widths, training, shared):
    models = family_of(kind, widths)
    both = stack(models)
    shape = (1 if shared else 3, 6, 1, 8, 8) if kind != "mlp" else (1 if shared else 3, 6, 3, 4)
    x = torch.randn(shape, generator=draws(), dtype=torch.float64)
    outputs, buffers = both.forward(both.params, both.buffers, x, training=training)
    after = both.replace(both.params, buffers)
    for k, model in enumerate(models):
        alone = copy.deepcopy(model).train(training)
        expected = alone(x[0 if shared else k])
        torch.testing.assert_close(outputs[k], expected, rtol=1e-12, atol=1e-13)
        assert not after.model(k).training
        for (name, own), other in zip(after.model(k).named_buffers(), alone.buffers(),
                                      strict=True):
            torch.testing.assert_close(own, other, rtol=1e-12, atol=1e-13, msg=name)


@pytest.mark.parametrize(("kind", "widths"), CASES)
def test_matches_the_gradient_of_each_model_and_fillings_get_none(kind, widths):
    models = family_of(kind, widths)
    both = stack(models)
    x = torch.randn((3, 6, 1, 8, 8) if kind != "mlp" else (3, 6, 12), generator=draws(),
                    dtype=torch.float64)
    params = {name: one.requires_grad_() for name, one in both.params.items()}
    outputs, _ = both.forward(params, both.buffers, x, training=True)
    found = torch.autograd.grad(outputs.square().sum(), list(params.values()))
    if both.masks is not None:
        for one, mask in zip(found, both.masks.values(), strict=True):
            assert not one[mask == 0].any()
    for k, model in enumerate(models):
        model.train()(x[k]).square().sum().backward()
        for one, own in zip(found, model.parameters(), strict=True):
            inside = one[k][tuple(map(slice, own.shape))]
            torch.testing.assert_close(inside, own.grad, rtol=1e-10, atol=1e-11)


def test_identity_a_model_comes_back_as_it_went_in():
    models = family_of("batch", (4, 2))
    both = stack(models)
    for part in (both, both.take([0, 1]), both.take([1, 0]).take([1, 0])):
        for k, model in enumerate(models):
            back = part.model(k)
            assert back.width == model.width
            own, other = back.state_dict(), model.state_dict()
            assert all(torch.equal(own[name], other[name]) for name in other)
    assert len(both.take([1])) == 1
    assert both.take([1]).masks is not None


def test_matches_any_module_by_vmap():
    models = [nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.LazyLinear(2))
              for _ in range(2)]
    x = torch.randn(2, 5, 1, 5, 5, generator=draws())
    for model in models:
        model(x[0])
    both = stack(models)
    outputs, buffers = both.forward(both.params, both.buffers, x, training=True)
    assert torch.equal(both.buffers["1.running_mean"][0], models[0][1].running_mean)
    for k, model in enumerate(models):
        torch.testing.assert_close(outputs[k], model.train()(x[k]), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(buffers["1.running_mean"][k], model[1].running_mean)
        assert torch.equal(buffers["1.num_batches_tracked"][k], model[1].num_batches_tracked)
        alone = functional_call(both.model(k), {}, (x[k],))
        torch.testing.assert_close(alone.shape, outputs[k].shape)


class Tied(nn.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        self.first, self.second, self.scale = nn.Linear(5, 5), nn.Linear(5, 5), scale
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.scale * self.second(torch.tanh(self.first(x)))


@pytest.mark.parametrize("form", [vectorised, one_after_another])
def test_identity_tied_parameters_stay_tied(form):
    models, x = [Tied(), Tied()], torch.randn(1, 7, 5, generator=draws())
    both = stack(models)
    outputs, _ = form(both.widest, both.params, both.buffers, x, True)  # noqa: FBT003 - one of Forward
    for k, model in enumerate(models):
        alone = both.model(k)
        torch.testing.assert_close(outputs[k], model(x[0]))
        assert torch.equal(alone(x[0]), model(x[0]))
        assert alone.first.weight is alone.second.weight
    assert price(models[0], x[0]).params == sum(one.numel() for one in models[0].parameters())


def test_rejects_settings_that_the_shapes_do_not_show():
    with pytest.raises(ValueError, match=r"got scale 1.0 and, at position 1, 5.0"):
        stack([Tied(), Tied(5.0)])
    found = plan([Tied(), Tied(5.0), Tied()], [4] * 3, [8] * 3,
                 [price(Tied(), torch.ones(2, 5))] * 3)
    assert sorted(bucket.models for bucket in found) == [(0, 2), (1,)]


def test_identity_masks_count_the_parameters_of_each_model():
    models = family_of("mlp", (2, 5))
    both = stack(models)
    for k, model in enumerate(models):
        counted = sum(int(mask[k].sum()) for mask in both.masks.values())
        assert counted == sum(one.numel() for one in model.parameters())
    assert stack(models[:1] * 2).masks is None


def test_rejects_what_cannot_share_a_stack():
    with pytest.raises(ValueError, match="at least one model"):
        stack([])
    with pytest.raises(ValueError, match="one architecture, got MLP"):
        stack([MLP(4, 2, 3, generator=draws()), MLP(5, 2, 3, generator=draws())])
    groups = family_of("group", (2, 4))
    with pytest.raises(ValueError, match="zeros would not stay zero"):
        stack(groups)
    sigmoid = [MLP(4, width, 3, activation="sigmoid", generator=draws()) for width in (2, 3)]
    assert not can_be_padded(sigmoid[0])
    with pytest.raises(ValueError, match="Stack each width on its own"):
        stack(sigmoid)
