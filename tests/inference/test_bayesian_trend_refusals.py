"""Each misuse gets one message that names the argument, the rule and the remedy."""

import numpy as np
import pandas as pd
import pytest

from workbench.core import generator
from workbench.inference import BayesianTrend

DATES = pd.date_range("2024-01-01", periods=12, freq="10D")
SCORES = np.linspace(6.0, 4.0, 12) + 0.1 * (-1) ** np.arange(12)


@pytest.mark.parametrize(("options", "told"), [
    ({"trend": "smoth"}, "Did you mean 'smooth'"),
    ({"likelihood": "gauss"}, "likelihood must be one of 'student', 'normal'"),
    ({"sampler": "hmc"}, "sampler must be one of"),
    ({"nu": 2.0}, "nu must be above 2"),
    ({"nu": float("nan")}, "nu must be above 2"),
    ({"time_scale": 0.0}, "time_scale must be positive"),
    ({"draws": 0}, "draws must be positive"),
    ({"changepoints": -1}, "changepoints and horizon must be >= 0"),
    ({"horizon": float("nan")}, "changepoints and horizon must be >= 0"),
    ({"sampler": "exact"}, "likelihood='normal'"),
    ({"sampler": "exact", "likelihood": "normal", "trend": "smooth"}, "trend='line'"),
    ({"sampler": "exact", "likelihood": "normal", "changepoints": 1}, "changepoints=0"),
])
def test_rejects_models_that_cannot_be(options, told):
    with pytest.raises(ValueError, match=told):
        BayesianTrend(**options)


def swapped(values, place, value):
    changed = np.array(values, dtype=float)
    changed[place] = value
    return changed


@pytest.mark.parametrize(("change", "told"), [
    ({"dates": DATES[:4], "scores": SCORES[:4]}, "must number at least 5 with .* got 4"),
    ({"dates": [DATES[0]] * 12}, "dates must differ"),
    ({"dates": DATES[:11]}, "one entry per row each"),
    ({"dates": [*DATES[:11], pd.NaT]}, "dates must be finite, got 1 NaN"),
    ({"scores": swapped(SCORES, 3, np.nan)}, "the first at position 3"),
    ({"scores": swapped(SCORES, 3, np.inf)}, "scores must be finite"),
    ({"scores": swapped(SCORES, 3, 10.5)}, "scale 0 to 10, got 1 outside, the first is 10.5"),
    ({"sample_weight": swapped(np.ones(12), 0, np.nan)}, "sample_weight must be finite"),
    ({"sample_weight": swapped(np.ones(12), 0, -1)}, "sample_weight and error must be >= 0"),
    ({"sample_weight": np.zeros(12)}, "with a weight above 0, got 0"),
    ({"error": swapped(np.zeros(12), 0, -0.1)}, "sample_weight and error must be >= 0"),
    ({"error": swapped(np.zeros(12), 0, np.nan)}, "error must be finite"),
    ({"source": ["a"] * 11}, "source has 11"),
])
def test_rejects_data_that_cannot_be_fitted(change, told):
    rows = {"dates": DATES, "scores": SCORES} | change
    with pytest.raises(ValueError, match=told):
        BayesianTrend(scale=(0, 10)).fit(rng=generator(0), **rows)


def test_rejects_equal_scores_without_a_scale():
    with pytest.raises(ValueError, match="Pass scale="):
        BayesianTrend().fit(DATES, np.full(12, 3.0), rng=generator(0))


def test_rejects_measurement_errors_on_the_exact_path():
    model = BayesianTrend(likelihood="normal", sampler="exact", scale=(0, 10))
    with pytest.raises(ValueError, match="error must be zero for sampler='exact'"):
        model.fit(DATES, SCORES, error=np.full(12, 0.1), rng=generator(0))


@pytest.mark.parametrize("names", [("north", "south"), ("north",)])
def test_rejects_an_unknown_source(names):
    model = BayesianTrend(likelihood="normal", sampler="exact", scale=(0, 10))
    fit = model.fit(DATES, SCORES, source=np.resize(names, 12), rng=generator(0))
    with pytest.raises(ValueError, match="Did you mean 'north'"):
        fit.predict(source="nort", rng=generator(0))


def test_rejects_a_smooth_prediction_far_beyond_the_horizon():
    model = BayesianTrend(trend="smooth", scale=(0, 10), draws=100, tune=100, chains=1, basis=8)
    fit = model.fit(DATES, SCORES, rng=generator(0))
    with pytest.raises(ValueError, match="Fit with a larger horizon"):
        fit.trend([DATES[-1] + pd.Timedelta(days=400)])
