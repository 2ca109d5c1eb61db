"""Weights by loss: laws, closed forms, and independent code beside them."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.func import vmap  # noqa: E402

from workbench.core.weights import effective_size  # noqa: E402
from workbench.reweighting import (  # noqa: E402
    STRATEGIES,
    LossWeighter,
    annealed,
    largest_weight,
    loss_weights,
    normalise_losses,
    piecewise,
    strategy_score,
)
from workbench.reweighting.strategies import score_range  # noqa: E402
from workbench.train import Sgd, Training, Uniform, fit, regression  # noqa: E402

SHAPED = [name for name in STRATEGIES if name != "uniform"]


def draws(n=32, seed=0, dtype=torch.float64):
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=dtype).exp()


def published(losses, r, name):
    """The formulas of the public trainer, in NumPy: a two-term normalisation, then exp and sum."""
    losses = np.asarray(losses, float)
    low, high = losses.min(), losses.max()
    h = 2 * losses / (high - low) - (high + low) / (high - low)
    score = {"linupper": np.minimum(h + 1, 1), "quadratic": 1 - h ** 2,
             "extremes": np.abs(h), "linear": h / 2}[name]
    amounts = np.exp(score / r)
    return amounts / amounts.sum()


@pytest.mark.parametrize("strategy", SHAPED)
@pytest.mark.parametrize("temperature", [0.1, 0.4, 1.0, 30.0])
def test_matches_the_published_formulas(strategy, temperature):
    for seed in range(5):
        losses = draws(seed=seed)
        ours = loss_weights(losses, strategy, temperature=temperature)
        assert ours.numpy() == pytest.approx(published(losses, temperature, strategy), rel=1e-9)


@pytest.mark.parametrize("strategy", SHAPED)
def test_matches_softmax_of_the_score(strategy):
    losses = draws(dtype=torch.float32)
    score = strategy_score(normalise_losses(losses), strategy)
    assert torch.equal(loss_weights(losses, strategy, temperature=0.7), (score / 0.7).softmax(0))


def test_matches_robust_optimisation_under_a_divergence():
    """Linear weights maximise w @ h - 2 r KL(w, uniform): no other point of the simplex beats."""
    h, r = normalise_losses(draws(6)), 0.8
    ours = loss_weights(draws(6), "linear", temperature=r)
    assert ours.numpy() == pytest.approx((h / (2 * r)).softmax(0).numpy(), rel=1e-12)

    def worth(weights):
        return weights @ h - 2 * r * (weights * (weights * 6).log()).sum()
    amounts = torch.rand(3000, 6, generator=torch.Generator().manual_seed(1)).double()
    others = amounts / amounts.sum(1, keepdim=True)
    near = 0.999 * ours + 0.001 * others
    assert all(worth(ours) >= worth(one) for one in [*others, *near])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_identity_infinite_temperature_is_uniform(strategy):
    losses = draws(48, dtype=torch.float32)
    assert torch.equal(loss_weights(losses, strategy, temperature=math.inf), Uniform()(losses))
    assert torch.equal(loss_weights(losses, "uniform", temperature=0.3), Uniform()(losses))
    assert (loss_weights(losses, strategy, temperature=1e6) - 1 / 48).abs().max() < 1e-6
    assert torch.equal(loss_weights(torch.full((7,), 3.3), strategy), torch.full((7,), 1 / 7))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_identity_neutral_training_is_unweighted_bit_for_bit(strategy):
    def trained(weighter):
        model = torch.nn.Linear(3, 1)
        with torch.no_grad():
            model.weight.fill_(0.1), model.bias.zero_()
        x = draws(96, dtype=torch.float32).view(32, 3)
        fit(model, (x, x.sum(1)), Training(Sgd(0.05), epochs=3, batch_size=8), loss=regression,
            weighter=weighter, progress="nowhere")
        return torch.cat([model.weight.flatten(), model.bias]).detach()
    neutral = LossWeighter(strategy, temperature=math.inf)
    assert torch.equal(trained(neutral), trained(None))
    if strategy != "uniform":
        assert not torch.equal(trained(LossWeighter(strategy, temperature=0.3)), trained(None))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_matches_invariance_permutation_and_bound(strategy):
    for seed in range(40):
        n, r = 2 + seed, 0.05 * 1.2 ** seed
        losses = draws(n, seed)
        weights = loss_weights(losses, strategy, temperature=r)
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
        assert weights.sum().item() == pytest.approx(1, abs=1e-12)
        assert weights.min() >= 0
        assert torch.allclose(loss_weights(losses[order], strategy, temperature=r),
                              weights[order], atol=1e-14, rtol=1e-9)
        moved = loss_weights(3.7 * losses + 11, strategy, temperature=r)
        assert torch.allclose(moved, weights, rtol=1e-6)
        most = largest_weight(r, n)
        assert n * weights.max().item() <= most * (1 + 1e-9)
        assert most < largest_weight(r) * (1 + 1e-12)
        assert 1 <= effective_size(weights) <= n * (1 + 1e-12)
    assert largest_weight(1 / math.log(2)) == pytest.approx(2)


def test_matches_closed_forms_of_few_losses():
    two = torch.tensor([1.0, 5.0], dtype=torch.float64)
    for r in (0.3, 1.0, 4.0):
        for name in ("quadratic", "extremes"):
            assert loss_weights(two, name, temperature=r).tolist() == [0.5, 0.5]
        low = math.exp(-1 / r)
        assert loss_weights(two, "linupper", temperature=r).tolist() == pytest.approx(
            [low / (1 + low), 1 / (1 + low)], rel=1e-12)
    losses = torch.tensor([0.0, 6.0, 7.0, 8.0, 10.0])
    upper = loss_weights(losses, "linupper")
    assert upper[1:].unique().numel() == 1
    middle = loss_weights(losses, "quadratic")
    assert middle[0] == middle[-1] == middle.min()


def test_matches_a_cap():
    places = torch.tensor([-1.0, 0.0, 0.5, 1.0])
    assert strategy_score(places, "linupper", alpha=1.5).tolist() == [0.0, 1.0, 1.5, 1.5]
    assert strategy_score(places, "linupper", alpha=0.5).tolist() == [0.0, 0.5, 0.5, 0.5]
    assert strategy_score(2 * places, "quadratic", delta=2.0, alpha=3.0).tolist() == [
        0.0, 3.0, 2.25, 0.0]


def test_identity_rows_of_a_matrix_and_vmap():
    losses = draws(60).view(5, 12)
    each = torch.stack([loss_weights(row, "extremes") for row in losses])
    assert torch.equal(loss_weights(losses, "extremes"), each)
    mapped = vmap(LossWeighter("extremes", burn_in=0.0))(losses)
    assert torch.allclose(mapped, each, rtol=1e-12)


def test_identity_bfloat_and_gradients():
    rough = draws(16).bfloat16()
    weights = loss_weights(rough)
    assert weights.dtype == torch.float32
    assert torch.equal(weights, loss_weights(rough.float()))
    losses = draws(16).requires_grad_()
    assert not loss_weights(losses).requires_grad
    (loss_weights(losses) @ losses).backward()
    assert torch.equal(losses.grad, loss_weights(losses))      # as if weights were constants


def test_matches_temperatures_over_training():
    falls = [annealed(kind, start=10.0, end=1.0) for kind in ("constant", "step", "linear",
                                                              "cosine")]
    assert [fall(0.0) for fall in falls] == [1.0, 10.0, 10.0, 10.0]
    assert [fall(0.25) for fall in falls] == pytest.approx(
        [1.0, 1.0, 7.75, 1 + 9 * (1 + math.sqrt(0.5)) / 2])
    assert [fall(1.0) for fall in falls] == [1.0, 1.0, 1.0, 1.0]
    weighter = LossWeighter(temperature=piecewise((5.0, 0.5), (0.5,)), burn_in=0.1)
    assert [weighter.temperature_at(step, 100) for step in (0, 9, 10, 49, 50, 99)] == [
        math.inf, math.inf, 5.0, 5.0, 0.5, 0.5]


@pytest.mark.parametrize(("call", "words"), [
    (lambda: loss_weights(torch.ones(3), "upper"), "strategy must be one of 'linupper'"),
    (lambda: loss_weights(torch.ones(3), temperature=0.0), "temperature must be positive, got 0"),
    (lambda: loss_weights(torch.ones(3), delta=-1.0), "delta must be positive, got -1.0"),
    (lambda: loss_weights(torch.ones(0)), "losses must be one number per row, got shape"),
    (lambda: loss_weights(torch.tensor(1.0)), "losses must be one number per row"),
    (lambda: loss_weights(torch.tensor([1.0, math.nan])), "losses must be finite, got nan at pos"),
    (lambda: LossWeighter(burn_in=-0.1), r"burn_in must lie in \[0, 1\), got -0.1"),
    (lambda: LossWeighter(temperature=math.nan), "temperature must be positive, got nan"),
    (lambda: LossWeighter(length_norm="sum"), "length_norm must be one of 'mean', 'tokens'"),
    (lambda: LossWeighter(scope="epoch"), "scope must be one of 'step', 'batch'"),
    (lambda: annealed("exponential"), "kind must be one of 'constant', 'step'"),
    (lambda: annealed("linear", start=math.inf), "start must be finite to glide"),
    (lambda: piecewise((1.0,), (0.5,)), "marks must be one fewer than temperatures")])
def test_rejects_with_one_clear_error(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_identity_huge_losses_are_weighed_like_small_ones():
    small = torch.tensor([0.0, 1.0, 2.0, 3.0])
    for strategy in STRATEGIES:
        huge = loss_weights(small * 1e38, strategy)
        assert torch.allclose(huge, loss_weights(small, strategy), atol=1e-6), strategy


def test_matches_the_highest_scores_alone_as_the_temperature_vanishes():
    for cold in (1e-30, 1e-200, 1e-320):
        found = loss_weights(torch.tensor([1.0, 2.0, 3.0]), temperature=cold)
        assert found.tolist() == [0.0, 0.5, 0.5]


def test_matches_the_most_a_row_counts_for_other_scores():
    losses = draws(1800).reshape(200, 9)
    for strategy in STRATEGIES:
        for delta, alpha in ((1.0, 1.0), (2.0, 0.5), (0.5, 3.0)):
            apart = score_range(strategy, delta=delta, alpha=alpha)
            most = 9 * float(loss_weights(losses, strategy, delta=delta, alpha=alpha).max())
            allowed = largest_weight(1 / apart, 9) if apart else 1.0
            assert most <= allowed * (1 + 1e-9), (strategy, delta, alpha)
    assert largest_weight(1e-3) == math.inf


def test_rejects_what_is_no_tensor_and_what_is_infinite():
    for wrong in ([1.0, 2.0], np.ones(2)):
        for door in (loss_weights, normalise_losses, LossWeighter(burn_in=0.0)):
            with pytest.raises(TypeError, match="losses must be a tensor, got"):
                door(wrong)
    for name in ("delta", "alpha"):
        with pytest.raises(ValueError, match=f"{name} must be finite, got inf"):
            loss_weights(torch.ones(2), **{name: math.inf})
        with pytest.raises(ValueError, match=f"{name} must be finite, got inf"):
            LossWeighter(**{name: math.inf})
    for wrong in ({"burn_in": "0.1"}, {"burn_in": None}, {"skip_empty": "no"}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
            LossWeighter(**wrong)
    with pytest.raises(ValueError, match="n must be a whole number of at least 1"):
        largest_weight(1.0, 0)
    with pytest.raises(ValueError, match="end must be finite to glide"):
        annealed("linear", end=math.inf)
    with pytest.raises(TypeError, match="temperatures and marks must be tuples"):
        piecewise(1.0, ())
