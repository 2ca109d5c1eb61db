"""Oracles: problems planted on purpose, leave-one-out by refitting, clean simulated scores."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from workbench.core import generator
from workbench.datasets import opinion_scores
from workbench.inference import BayesianTrend, compare, warnings_of

START = np.datetime64("2024-01-01")


def wave(n, period, rng, noise=0.3):
    days = np.linspace(0, 360, n).round().astype(int)
    score = 5 + 1.5 * np.sin(2 * np.pi * days / period) + noise * rng.normal(size=n)
    return START + days.astype("timedelta64[D]"), score


def test_identity_clean_scores_raise_no_warning():
    for seed in range(3):
        scores = opinion_scores(rng=generator(seed))
        fit = BayesianTrend(scale=(0, 10)).fit(scores["date"], scores["score"],
                                               rng=generator(seed))
        assert warnings_of(fit) == ()


def test_matches_planted_bends_missed_by_a_line():
    dates, score = wave(120, 360, generator(0))
    fit = BayesianTrend(scale=(0, 10), draws=500).fit(dates, score, rng=generator(0))
    told = " ".join(warnings_of(fit))
    assert "Neighbouring scores miss the trend together" in told
    assert "trend='smooth'" in told
    smooth = BayesianTrend(trend="smooth", scale=(0, 10)).fit(dates, score, rng=generator(0))
    assert warnings_of(smooth) == ()


def test_matches_planted_bends_too_fast_for_the_basis():
    for period, told in ((90, "set basis to"), (30, "raise basis")):
        dates, score = wave(240, period, generator(1))
        fit = BayesianTrend(trend="smooth", scale=(0, 10), basis=12, draws=500).fit(
            dates, score, rng=generator(1))
        assert told in " ".join(warnings_of(fit))


def test_matches_planted_short_runs():
    scores = opinion_scores(rng=generator(2))
    fit = BayesianTrend(scale=(0, 10), draws=20, tune=20).fit(
        scores["date"], scores["score"], rng=generator(2))
    assert "raise draws" in " ".join(warnings_of(fit))


def test_matches_planted_sampler_faults():
    scores = opinion_scores(rng=generator(3))
    fit = BayesianTrend(scale=(0, 10)).fit(scores["date"], scores["score"], rng=generator(3))
    apart = replace(fit, coefficients=fit.coefficients + np.arange(4)[:, None, None])
    assert "The chains disagree" in " ".join(warnings_of(apart))
    broken = replace(fit, stats={"diverging": np.ones((4, 1000), dtype=bool)})
    assert "4000 of 4000 transitions diverged" in " ".join(warnings_of(broken))
    rough = replace(fit, sampler="laplace", pareto_k=0.9)
    assert "do not trust these numbers" in " ".join(warnings_of(rough))
    unknown = replace(fit, sampler="laplace", pareto_k=float("nan"))
    assert "do not trust these numbers" in " ".join(warnings_of(unknown))


def test_matches_leave_one_out_by_refitting():
    """Exact path: the predictive density of a left-out score is a Student-t in closed form."""
    scores = opinion_scores(16, outliers=0, rng=generator(4))
    date, y = scores["date"], scores["score"].to_numpy()
    t = ((date - date.iloc[0]).dt.days / 30).to_numpy()
    A = np.column_stack([np.ones(16), t])
    logs = []
    for i in range(16):
        X, rest = np.delete(A, i, 0), np.delete(y, i)
        precision = 0.04 * np.diag([1 / 25, 1 / 4])
        V = np.linalg.inv(precision + X.T @ X)
        m = V @ (precision @ [5, 0] + X.T @ rest)
        a = 0.5 + 15 / 2
        b = 0.02 + (rest @ rest + 0.04 - m @ np.linalg.inv(V) @ m) / 2
        logs.append(stats.t.logpdf(y[i], 2 * a, A[i] @ m,
                                   np.sqrt(b / a * (1 + A[i] @ V @ A[i]))))
    model = BayesianTrend(likelihood="normal", sampler="exact", scale=(0, 10))
    fits = {name: model.fit(date, y, rng=generator(seed)) for seed, name in enumerate("ab")}
    table = compare(fits, rng=generator(0))
    np.testing.assert_allclose(table["elpd"], np.mean(logs), atol=0.02)
    assert table["weight"].sum() == pytest.approx(1.0)
    assert table["behind"].iloc[0] == 0.0


def test_recovers_the_bent_model_in_a_comparison():
    dates, score = wave(120, 300, generator(5))
    fits = {trend: BayesianTrend(trend=trend, scale=(0, 10), draws=500).fit(
        dates, score, rng=generator(5)) for trend in ("line", "smooth")}
    table = compare(fits, rng=generator(0))
    assert list(table["model"]) == ["smooth", "line"]
    assert table["behind"].iloc[1] > 4 * table["behind_stderr"].iloc[1]
    assert table["weight"].iloc[0] > 0.9
