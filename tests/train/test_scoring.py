"""Scores of stacked models, and running moments taken again."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.train.alone import draws, images, networks
from workbench.train.losses import regression
from workbench.train.models import MLP
from workbench.train.scoring import normalise_again, score
from workbench.train.stack import stack
from workbench.train.stacked_batches import Sample


@pytest.mark.parametrize("kind", ["mlp", "batch"])
def test_matches_losses_and_errors_of_each_model(kind):
    (x, y), models = images(), networks(kind, (2, 4))
    losses, errors = score(stack(models), Sample(x, y))
    for k, model in enumerate(models):
        outputs = model.eval()(x)
        assert losses[k].item() == pytest.approx(functional.cross_entropy(outputs, y).item())
        assert errors[k].item() == pytest.approx((outputs.argmax(1) != y).double().mean().item())


def test_matches_amounts_own_labels_and_rows_in_chunks(monkeypatch):
    monkeypatch.setattr("workbench.train.scoring.NUMBERS", 1)
    (x, y), models = images(200), networks("mlp", (2, 4))
    own = torch.stack([y, (y + 1) % 3])
    weight = torch.rand(2, 200, generator=draws(), dtype=torch.float64)
    rows = [torch.arange(100), torch.arange(50, 150)]
    losses, errors = score(stack(models[::-1]), Sample(x, own, is_own=True, weight=weight,
                                                       rows=rows), models=[1, 0])
    for position, k in enumerate([1, 0]):
        outputs, amounts = models[k](x[rows[k]]), weight[k][rows[k]]
        each = functional.cross_entropy(outputs, own[k][rows[k]], reduction="none")
        wrong = (outputs.argmax(1) != own[k][rows[k]]).double()
        assert losses[position].item() == pytest.approx(
            ((each * amounts).sum() / amounts.sum()).item())
        assert errors[position].item() == pytest.approx(
            ((wrong * amounts).sum() / amounts.sum()).item())


def test_identity_what_has_no_classes_has_no_error():
    model = MLP(3, 2, 1, generator=draws())
    x = torch.randn(10, 3, generator=draws())
    losses, errors = score(stack([model]), Sample(x, x[:, 0]), loss=regression)
    assert losses[0].item() == pytest.approx((model(x)[:, 0] - x[:, 0]).square().mean().item())
    assert errors.isnan().all()


@pytest.mark.parametrize(("kind", "momentum"), [("batch", 0.1), ("any", 0.1), ("any", 0.3),
                                                ("any", None)])
def test_matches_the_cumulative_average_of_pytorch(kind, momentum):
    x, _ = images(40)
    if kind == "batch":
        models = networks("batch", (2, 4))
    else:
        models = [nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, momentum=momentum),
                                nn.ReLU(), nn.Flatten(), nn.Linear(32, 2)).double()
                  for _ in range(2)]
    found = normalise_again(stack(models), x[None], batch_size=16)
    for k, model in enumerate(models):
        alone = copy.deepcopy(model).train()
        norms = [part for part in alone.modules() if isinstance(part, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        for rows in x.split(16)[:2]:
            alone(rows)
        again = [part for part in found.model(k).modules() if isinstance(part, nn.BatchNorm2d)]
        for norm, own in zip(norms, again, strict=True):
            torch.testing.assert_close(own.running_mean, norm.running_mean)
            torch.testing.assert_close(own.running_var, norm.running_var)


def test_identity_without_moments_nothing_is_done():
    both = stack(networks("mlp", (2, 4)))
    assert normalise_again(both, images()[0][None]) is both
