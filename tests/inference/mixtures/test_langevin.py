"""Oracle: conjugate normal posteriors, and the recursion of mean and variance that they obey."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from workbench.inference.mixtures.ensemble import PosteriorEnsemble
from workbench.inference.mixtures.langevin import SGLDSampler
from workbench.inference.mixtures.langevin_optimiser import Sgld
from workbench.inference.mixtures.mixing import effective_draws, split_rhat
from workbench.inference.mixtures.step_sizes import plan_of, stationary_variance
from workbench.train import MLP, ConvNet, Training, fit

CHAINS = 2000


def squared(outputs, y):
    return 0.5 * (outputs[:, 0] - y) ** 2


class Line(nn.Module):
    """A linear regression without a constant, in float64."""

    def __init__(self, p=2):
        super().__init__()
        self.line = nn.Linear(p, 1, bias=False).double()
        with torch.no_grad():
            self.line.weight.zero_()

    def forward(self, x):
        return self.line(x)


@pytest.fixture(scope="module")
def regression():
    """Rows whose posterior has precisions 4 and 2 under the prior N(0, 1), and its mean."""
    rng = np.random.default_rng(0)
    X = np.linalg.qr(rng.normal(size=(40, 2)))[0] * np.sqrt([3.0, 1.0])
    y = X @ [1.0, -1.0] + rng.normal(size=40)
    return X, y, np.linalg.solve(X.T @ X + np.eye(2), X.T @ y)


def drawn(regression, model=None, **options):
    X, y, mean = regression
    how = SGLDSampler(**({"n_steps": 400, "n_chains": CHAINS, "snapshots": 8} | options))
    sampled = how.sample(model or Line(), (X, y), rng=np.random.default_rng(1), loss=squared)
    return (sampled.draws.params.numpy() - mean), sampled


def error_of_variance(variance, count):
    return 4 * variance * math.sqrt(2 / count)


@pytest.mark.parametrize(("lr", "temperature"), [(0.1, 1.0), (0.4, 1.0), (0.1, 2.5)])
def test_matches_the_stationary_variance_of_a_constant_step(regression, lr, temperature):
    away, _ = drawn(regression, lr=lr, temperature=temperature)
    last = away[-1]
    for place, precision in enumerate((4.0, 2.0)):
        expected = stationary_variance(precision, lr, temperature=temperature)
        assert last[:, place].var() == pytest.approx(
            expected, abs=error_of_variance(expected, CHAINS))
        assert last[:, place].mean() == pytest.approx(0, abs=4 * math.sqrt(expected / CHAINS))
    assert stationary_variance(4.0, 0.1) == pytest.approx(0.2778, abs=5e-5)
    assert stationary_variance(4.0, 0.4) == pytest.approx(0.4167, abs=5e-5)
    assert abs(np.corrcoef(last.T)[0, 1]) < 4 / math.sqrt(CHAINS)


def test_recovers_the_conjugate_posterior_as_steps_shrink(regression):
    away, _ = drawn(regression, lr=0.02, n_steps=600)
    flat = away.reshape(-1, 2)
    np.testing.assert_allclose(flat.var(axis=0), [0.25, 0.5], rtol=0.05)
    assert (np.abs(flat.mean(axis=0)) < 0.05 * np.sqrt([0.25, 0.5])).all()


def test_matches_a_frozen_preconditioner_to_the_posterior(regression):
    """Its scale enters the variance by the step size alone: no further drift is missing."""
    away, _ = drawn(regression, lr=0.02, precondition="rmsprop", n_steps=800)
    flat = away.reshape(-1, 2)
    np.testing.assert_allclose(flat.var(axis=0), [0.25, 0.5], rtol=0.05)
    assert (np.abs(flat.mean(axis=0)) < 0.05).all()


def test_matches_prior_variances_as_scales_to_their_stationary_variance():
    rng = np.random.default_rng(2)
    X = np.linalg.qr(rng.normal(size=(30, 2)))[0] * math.sqrt(3.0)
    y, s = X @ [0.5, 0.5] + rng.normal(size=30), 0.5                # precision 3 + 1 / s^2 = 7
    how = SGLDSampler(lr=0.4, prior_std=s, precondition="prior", n_steps=400, n_chains=CHAINS,
                      snapshots=4)
    found = how.sample(Line(), (X, y), rng=rng, loss=squared).draws.params.numpy()[-1]
    expected = stationary_variance(7.0, 0.4, scale=s ** 2)
    np.testing.assert_allclose(found.var(axis=0), expected, atol=error_of_variance(expected,
                                                                                   CHAINS))


@pytest.mark.parametrize("schedule", ["cyclical", "decay"])
def test_matches_other_schedules_to_the_recursion_of_the_variance(regression, schedule):
    """``v = (1 - eta l / 2)^2 v + eta`` where there is noise, from the prior on."""
    away, sampled = drawn(regression, lr=0.3, schedule=schedule, explore=0.4, cycles=3,
                          n_steps=600, snapshots=12)
    plan, mean = sampled.plan, regression[2]
    for place, precision in enumerate((4.0, 2.0)):
        variance, centre, expected = 1.0, -mean[place], []
        for step, size in enumerate(plan.sizes):
            shrink = 1 - size * precision / 2
            variance, centre = shrink ** 2 * variance + size * plan.noisy[step], shrink * centre
            if step in plan.kept:
                expected.append((variance, centre))
        for found, (spread, middle) in zip(away[:, :, place], expected, strict=True):
            assert found.var() == pytest.approx(spread, abs=error_of_variance(spread, CHAINS))
            assert found.mean() == pytest.approx(middle, abs=4 * math.sqrt(spread / CHAINS))


def test_matches_cycles_that_keep_nothing_while_they_explore():
    plan = plan_of("cyclical", 0.1, 1000, cycles=4, explore=0.6, snapshots=40)
    share = (plan.kept % 250) / 250
    assert share.min() >= 0.6
    assert not plan.noisy[(np.arange(1000) % 250) < 150].any()
    assert plan.sizes[0] == 0.1
    assert plan.sizes[249] < 1e-5
    decay = plan_of("decay", 0.1, 1000, snapshots=10)
    assert plan.weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(decay.weights / decay.weights[0],
                               decay.sizes[decay.kept] / decay.sizes[decay.kept[0]])
    assert decay.sizes[-1] == pytest.approx(0.1 * (1 + 9.99) ** -0.55)
    assert decay.kept.min() >= 300


def test_identity_temperature_zero_descends_to_the_optimum(regression):
    away, _ = drawn(regression, lr=0.2, temperature=0.0, n_chains=2)
    np.testing.assert_allclose(away[-1], 0, atol=1e-12)


def test_identity_a_direction_that_the_data_leave_alone_keeps_its_prior():
    """An input that is always zero: its weight stays N(0, 1), the others do not notice."""
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.normal(size=20), np.zeros(20)])
    y = X[:, 0] + rng.normal(size=20)
    how = SGLDSampler(lr=0.01, n_steps=300, n_chains=CHAINS, snapshots=3)
    found = how.sample(Line(), (X, y), rng=rng, loss=squared).draws.params.numpy()[-1]
    expected = stationary_variance(1.0, 0.01)
    assert found[:, 1].var() == pytest.approx(expected, abs=error_of_variance(expected, CHAINS))
    assert abs(np.corrcoef(found.T)[0, 1]) < 4 / math.sqrt(CHAINS)


def test_matches_batches_to_the_whole_up_to_their_own_noise(regression):
    """Without the factor n / B the posterior would be far too wide."""
    away, _ = drawn(regression, lr=0.01, batch_size=20, n_steps=800)
    np.testing.assert_allclose(away.reshape(-1, 2).var(axis=0), [0.25, 0.5], rtol=0.1)


def test_matches_rows_of_its_own_to_each_chain_alone():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 15, 2)), rng.normal(size=(2, 15))
    how = SGLDSampler(lr=0.02, temperature=0.0, n_steps=600, snapshots=1)
    found = how.sample([Line(), Line()], (x, y), rng=rng, loss=squared, is_own=True)
    for chain in range(2):
        exact = np.linalg.solve(x[chain].T @ x[chain] + np.eye(2), x[chain].T @ y[chain])
        np.testing.assert_allclose(found.draws.params[0, chain].numpy(), exact, atol=1e-6)


@pytest.mark.parametrize("form", ["closed", "stacked", "vmap", "loop"])
def test_identity_every_way_of_taking_gradients_gives_the_same_chain(form):
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(12, 3)).astype("float32"), rng.integers(0, 3, 12)
    model = MLP(3, 4, 3, generator=torch.Generator().manual_seed(0))
    how = SGLDSampler(lr=1e-3, n_steps=30, n_chains=3, snapshots=2)
    chains = [how.sample(model, (x, y), rng=np.random.default_rng(6), form=one).draws.params
              for one in ("closed", form)]
    torch.testing.assert_close(chains[0], chains[1], rtol=1e-4, atol=1e-5)


def test_matches_images_through_a_convolutional_network():
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(8, 1, 4, 4)).astype("float32"), rng.integers(0, 2, 8)
    model = ConvNet(1, 2, 2, norm="group", generator=torch.Generator().manual_seed(0))
    how = SGLDSampler(lr=1e-4, n_steps=20, n_chains=2, snapshots=2, start="given")
    sampled = how.sample(model, (x, y), rng=rng)
    assert PosteriorEnsemble(sampled.draws).predict_log_proba(x).shape == (8, 2)


def test_matches_fan_in_to_the_prior_of_each_layer():
    model = MLP(2, 50, 2, depth=1, generator=torch.Generator().manual_seed(0))
    how = SGLDSampler(lr=1e-9, prior_std=3.0, fan_in=True, n_steps=50, n_chains=200, snapshots=1)
    found = how.sample(model, (np.zeros((1, 2), "float32"), np.zeros(1, int)),
                       rng=np.random.default_rng(8)).draws
    tensors = found.tensors(0)
    for name, std in (("layers.0.weight", 3 / math.sqrt(2)), ("layers.0.bias", 3.0),
                      ("layers.1.weight", 3 / math.sqrt(50))):
        own = tensors[name]
        assert float(own.std()) == pytest.approx(std, rel=4 / math.sqrt(2 * own.numel()))


def test_matches_the_shared_loop_to_the_posterior(regression):
    """The optimiser of the loop, one parameter vector per column of many independent lines."""
    X, y, mean = regression
    k = 2000

    class Lines(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(2, k, dtype=torch.float64))

        def forward(self, x):
            return x @ self.weight

    model = Lines()
    fit(model, (X, y), Training(Sgld(0.1, n=40), batch_size=40, max_steps=150),
        loss=lambda outputs, target: 0.5 * ((outputs - target[:, None]) ** 2).sum(1),
        progress="nowhere")
    away = model.weight.detach().numpy().T - mean
    for place, precision in enumerate((4.0, 2.0)):
        expected = stationary_variance(precision, 0.1)
        assert away[:, place].var() == pytest.approx(expected, abs=error_of_variance(expected, k))


@pytest.mark.parametrize(("options", "words"), [
    ({"temperature": -1.0}, "temperature must be finite and >= 0, got -1.0"),
    ({"prior_std": 0.0}, "prior_std must be positive, got 0.0"),
    ({"lr": 0.0}, "lr must be positive and finite, got 0.0"),
    ({"lr": math.inf}, "lr must be positive and finite, got inf"),
    ({"lr": "fast"}, "lr must be positive and finite, got 'fast'"),
    ({"temperature": "hot"}, "temperature must be finite and >= 0, got 'hot'"),
    ({"n_steps": 100.5}, "steps must be a whole number of at least 1, got 100.5"),
    ({"n_chains": 2.5}, "n_chains must be a whole number"),
    ({"batch_size": 8.5}, "batch_size must be a whole number"),
    ({"schedule": "cosine"}, "schedule must be one of"),
    ({"precondition": "adam"}, "precondition must be one of"),
    ({"precondition": "prior", "prior_std": math.inf}, "prior_std must be finite"),
    ({"precondition": "rmsprop", "burn_in": 0.0}, "burn_in, or explore of cycles"),
    ({"n_steps": 20}, "snapshots must not exceed the steps that may be kept, got 50 for 14 of"),
    ({"burn_in": 1.0}, r"burn_in must lie in \[0, 1\), got 1.0"),
])
def test_rejects_settings(options, words):
    with pytest.raises(ValueError, match=words):
        SGLDSampler(**options)


def test_rejects_layers_data_and_steps_that_break_the_chain(regression):
    X, y, _ = regression
    how = SGLDSampler(lr=0.1, n_steps=300, n_chains=2, snapshots=4)
    with pytest.raises(FloatingPointError, match=r"chain 0 are not finite at step \d+. Pass a sm"):
        replace(how, lr=1e6, n_steps=5000).sample(Line(), (X, y), rng=np.random.default_rng(0),
                                                  loss=squared)
    for layer in (nn.Dropout(0.5), nn.BatchNorm1d(2)):
        with pytest.raises(ValueError, match="treat rows one by one and draw nothing itself"):
            how.sample(nn.Sequential(layer, nn.Linear(2, 2)), (X.astype("float32"), y > 0),
                       rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="one target per row, got x"):
        how.sample(Line(), (X, y[:5]), rng=np.random.default_rng(0), loss=squared)
    with pytest.raises(ValueError, match="x must be finite"):
        how.sample(Line(), (X * np.nan, y), rng=np.random.default_rng(0), loss=squared)
    with pytest.raises(ValueError, match="labels must lie in 0 to 1"):
        how.sample(nn.Linear(2, 2), (X.astype("float32"), np.full(40, 2)),
                   rng=np.random.default_rng(0))
    for y_half in (y.round() * 0.5, np.where(y > 0, np.nan, 0.0)):
        with pytest.raises(ValueError, match="y must hold whole numbers of classes from zero"):
            how.sample(nn.Linear(2, 2), (X.astype("float32"), np.abs(y_half)),
                       rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="x must be rows that the network takes, but"):
        how.sample(Line(), (X[:, :1], y), rng=np.random.default_rng(0), loss=squared)
    with pytest.raises(ValueError, match="lr must lie below 4"):
        stationary_variance(4.0, 1.0)
    with pytest.raises(ValueError, match="temperature must be finite and >= 0"):
        Sgld(temperature=-1.0)


def test_matches_mixing_measures_by_hand():
    rng = np.random.default_rng(9)
    good = rng.normal(size=(4, 1000))
    assert split_rhat(good) == pytest.approx(1, abs=0.01)
    assert split_rhat(good + np.arange(4)[:, None]) > 1.3
    assert math.isnan(split_rhat(good[:, :3]))
    walk = np.zeros((4, 4000))
    for step in range(1, 4000):
        walk[:, step] = 0.9 * walk[:, step - 1] + rng.normal(size=4)
    assert effective_draws(walk) == pytest.approx(16_000 / 19, rel=0.35)


class Logistic(nn.Module):
    """Log odds without a constant, in float64."""

    def __init__(self):
        super().__init__()
        self.line = nn.Linear(2, 1, bias=False).double()

    def forward(self, x):
        return self.line(x)


def events(outputs, y):
    return nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], y, reduction="none")


@pytest.fixture(scope="module")
def logistic():
    """Rows of a logistic regression, and Langevin draws of its coefficients."""
    rng = np.random.default_rng(10)
    x = rng.normal(size=(80, 2))
    y = (rng.random(80) < 1 / (1 + np.exp(-x @ [1.0, -0.5]))).astype(float)
    how = SGLDSampler(lr=0.005, n_steps=800, n_chains=1500, snapshots=5)
    return x, y, how.sample(Logistic(), (x, y), rng=rng, loss=events).draws.params.numpy()


def test_matches_logistic_regression_to_quadrature(logistic):
    x, y, draws = logistic
    grid = np.stack(np.meshgrid(*[np.linspace(-3, 3, 301)] * 2), axis=-1).reshape(-1, 2)
    odds = grid @ x.T
    logs = (y * odds - np.logaddexp(0, odds)).sum(axis=1) - 0.5 * (grid ** 2).sum(axis=1)
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    mean = weights @ grid
    covariance = (weights[:, None] * (grid - mean)).T @ (grid - mean)
    flat = draws.reshape(-1, 2)
    assert (np.abs(flat.mean(axis=0) - mean) < 0.08 * np.sqrt(np.diag(covariance))).all()
    np.testing.assert_allclose(np.cov(flat.T), covariance, atol=0.05 * covariance.max())


@pytest.mark.slow
def test_matches_logistic_regression_to_pymc(logistic):
    pm = pytest.importorskip("pymc")
    x, y, draws = logistic
    with pm.Model():
        beta = pm.Normal("beta", 0, 1, shape=2)
        pm.Bernoulli("y", logit_p=x @ beta, observed=y)
        trace = pm.sample(2000, tune=1000, chains=4, cores=1, random_seed=0, progressbar=False,
                          compute_convergence_checks=False)
    exact, flat = trace.posterior["beta"].to_numpy().reshape(-1, 2), draws.reshape(-1, 2)
    assert (np.abs(flat.mean(0) - exact.mean(0)) < 0.1 * exact.std(0)).all()
    np.testing.assert_allclose(flat.std(0), exact.std(0), rtol=0.06)
