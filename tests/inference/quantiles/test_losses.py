"""Losses against NumPy written out, gradients against finite differences."""

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from workbench.core import generator

torch = pytest.importorskip("torch")

from workbench.inference.quantiles.losses import (  # noqa: E402 - torch may be missing
    Margin,
    crossing_penalty,
    huber_pinball_loss,
    margin_for,
    pinball_loss,
)

LEVELS = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)


def rows(n=7, q=9, seed=0):
    rng = generator(seed)
    return torch.tensor(rng.normal(size=n)), torch.tensor(rng.normal(size=(n, q)))


def pairs_one_by_one(quantiles, margins):
    n, q = quantiles.shape
    total = sum(max(0.0, quantiles[i, low] - quantiles[i, high] + margins[low, high])
                for i in range(n) for high in range(q) for low in range(high))
    return total / (n * q * (q - 1) / 2)


def margins_of(margin):
    return margin.gap + margin.offsets.numpy()[None, :] - margin.offsets.numpy()[:, None]


def test_matches_scikit_learn():
    y, quantiles = rows()
    theirs = np.mean([mean_pinball_loss(y, quantiles[:, k], alpha=float(level))
                      for k, level in enumerate(LEVELS)])
    assert pinball_loss(y, quantiles, LEVELS).item() == pytest.approx(theirs, rel=1e-12)
    weight = torch.arange(7, dtype=torch.float64) / 3
    theirs = np.mean([mean_pinball_loss(y, quantiles[:, k], alpha=float(level),
                                        sample_weight=weight)
                      for k, level in enumerate(LEVELS)])
    ours = pinball_loss(y, quantiles, LEVELS, sample_weight=weight).item()
    assert ours == pytest.approx(theirs, rel=1e-12)           # these weights have mean one


def test_matches_the_smooth_form_written_out():
    y, quantiles = rows(seed=1)
    u = (y[:, None] - quantiles).numpy()
    rho = np.where(abs(u) < 0.5, u ** 2, abs(u) - 0.25)       # alpha = 0.5
    expected = np.where(u >= 0, LEVELS, 1 - LEVELS) * rho
    found = huber_pinball_loss(y, quantiles, LEVELS, alpha=0.5).item()
    assert found == pytest.approx(expected.mean(), rel=1e-12)


def test_identity_a_smooth_form_without_smoothing_is_pinball():
    y, quantiles = rows(seed=2)
    plain = pinball_loss(y, quantiles, LEVELS)
    assert huber_pinball_loss(y, quantiles, LEVELS, alpha=0).equal(plain)
    assert huber_pinball_loss(y, quantiles, LEVELS, alpha=1e-9).item() == pytest.approx(
        plain.item(), abs=1e-9)


@pytest.mark.parametrize("margin", [
    Margin(torch.zeros(9, dtype=torch.float64)), Margin(torch.zeros(9, dtype=torch.float64), 0.3),
    Margin(0.7 * LEVELS), Margin(0.7 * LEVELS, 0.1)])
def test_matches_all_pairs_one_by_one(margin):
    _, quantiles = rows(seed=3)
    found = crossing_penalty(quantiles, margin)
    expected = pairs_one_by_one(quantiles.numpy(), margins_of(margin))
    assert found.item() == pytest.approx(expected, rel=1e-12)
    weight = torch.arange(7, dtype=torch.float64) / 3
    weighted = np.mean([w * pairs_one_by_one(row[None], margins_of(margin))
                        for w, row in zip(weight.numpy(), quantiles.numpy(), strict=True)])
    assert crossing_penalty(quantiles, margin, sample_weight=weight).item() == pytest.approx(
        weighted, rel=1e-12)


@pytest.mark.parametrize("gap", [0.0, 0.2])
def test_matches_finite_differences(gap):
    y, quantiles = rows(4, seed=4)
    quantiles.requires_grad_()
    margin = Margin(0.3 * LEVELS, gap)

    def loss(found):
        return (crossing_penalty(found, margin) + pinball_loss(y, found, LEVELS)
                + huber_pinball_loss(y, found, LEVELS, alpha=0.1))

    assert torch.autograd.gradcheck(loss, (quantiles,), eps=1e-6, atol=1e-6)


def test_identity_ties_have_the_gradient_of_relu():
    tied = torch.tensor([[0.0, 0.0, 1.0, -1.0]], dtype=torch.float64, requires_grad=True)
    crossing_penalty(tied).backward()
    pairs = tied.detach().clone().requires_grad_()
    upper = torch.ones(4, 4, dtype=torch.float64).triu(1)
    (torch.relu(pairs[:, :, None] - pairs[:, None, :]) * upper).sum().div(6).backward()
    torch.testing.assert_close(tied.grad, pairs.grad, rtol=0, atol=1e-15)


def test_identity_wide_quantiles_have_no_penalty():
    wide = torch.arange(9, dtype=torch.float64).repeat(3, 1)
    for margin in (None, Margin(LEVELS, 0.5)):
        assert crossing_penalty(wide, margin).item() == 0
    assert crossing_penalty(wide[:, :1]).item() == 0          # one level crosses nothing


def test_identity_a_constant_changes_no_penalty():
    _, quantiles = rows(seed=5)
    for margin in (None, Margin(LEVELS), Margin(LEVELS, 0.2)):
        moved = crossing_penalty(quantiles + 8.0, margin).item()
        assert moved == pytest.approx(crossing_penalty(quantiles, margin).item(), rel=1e-12)


def test_matches_the_margins_written_out():
    residuals = generator(6).normal(size=101)
    distance = (LEVELS[None, :] - LEVELS[:, None]).numpy()
    upper = np.triu(np.ones((9, 9), bool), 1)
    np.testing.assert_allclose(margins_of(margin_for("single", 0.2, LEVELS))[upper], 0.2)
    np.testing.assert_allclose(margins_of(margin_for("vec", 0.2, LEVELS))[upper],
                               0.2 * distance[upper], rtol=1e-12)
    at = np.sort(residuals)[[10, 20, 30, 40, 50, 60, 70, 80, 90]]       # ceil(101 * level)
    expected = 0.2 * (at[None, :] - at[:, None])
    found = margins_of(margin_for("adaptive", 0.2, LEVELS, residuals=residuals))
    np.testing.assert_allclose(found[upper], expected[upper], rtol=1e-12)
    assert margin_for("none", 0.2, LEVELS) is None


def test_identity_whole_weights_are_repeated_residuals():
    rng = generator(7)
    residuals, times = rng.normal(size=30), rng.integers(0, 4, 30)
    weighted = margin_for("adaptive", 1.0, LEVELS, residuals=residuals, sample_weight=times)
    repeated = margin_for("adaptive", 1.0, LEVELS, residuals=np.repeat(residuals, times))
    assert torch.equal(weighted.offsets, repeated.offsets)


def test_rejects_impossible_margins():
    with pytest.raises(ValueError, match="Did you mean 'single'"):
        margin_for("singel", 0.1, LEVELS)
    with pytest.raises(ValueError, match="margin_scale must be >= 0"):
        margin_for("vec", -1.0, LEVELS)
    with pytest.raises(ValueError, match="residuals must come"):
        margin_for("adaptive", 0.1, LEVELS)
    with pytest.raises(ValueError, match="alpha must be >= 0"):
        huber_pinball_loss(*rows(), LEVELS, alpha=-1)
