"""Oracle: NumPy least squares on simulated scores, tolerance four standard errors."""

import numpy as np
import pytest

from workbench.core import generator
from workbench.datasets import opinion_scores


def slopes(count, **options):
    found = []
    for seed in range(count):
        scores = opinion_scores(rng=generator(seed), **options)
        months = (scores["date"] - scores["date"].iloc[0]).dt.days / 30
        found.append(np.polyfit(months, scores["score"], 1)[0])
    return np.array(found)


def test_recovers_the_planted_slope_without_outliers():
    found = slopes(200, outliers=0, sigma=0.4)
    assert abs(found.mean() + 0.27) < 4 * found.std(ddof=1) / np.sqrt(len(found))


def test_recovers_level_and_noise():
    scores = opinion_scores(4000, slope=0.1, sigma=0.5, outliers=0, rng=generator(1))
    months = (scores["date"] - scores["date"].iloc[0]).dt.days / 30
    rest = scores["score"] - 5.0 - 0.1 * months
    assert abs(rest.mean()) < 4 * 0.5 / np.sqrt(4000)
    assert abs(rest.std() - 0.5) < 4 * 0.5 / np.sqrt(8000)


def test_matches_the_planted_number_of_outliers():
    scores = opinion_scores(200, outliers=12, sigma=0.05, slope=0.0, rng=generator(2))
    assert (abs(scores["score"] - 5.0) >= 4 * 0.05).sum() == 12


def test_matches_scores_stay_within_the_scale_and_off_its_ends():
    scores = opinion_scores(2000, level=0.5, slope=0.0, sigma=1.0, rng=generator(3))
    assert scores["score"].between(0, 10).all()
    assert not scores["score"].isin([0.0, 10.0]).any(), "redrawn, not clipped"


def test_matches_shape_dates_and_sources():
    scores = opinion_scores(300, sources=3, days=90, slope=0.0, rng=generator(4))
    assert list(scores.columns) == ["date", "score", "source"]
    assert len(scores) == 300
    assert scores["date"].is_monotonic_increasing
    assert (scores["date"].iloc[-1] - scores["date"].iloc[0]).days <= 90
    assert set(scores["source"]) == {"source 1", "source 2", "source 3"}


def test_identity_same_seed_same_scores():
    first, second = (opinion_scores(rng=generator(5)) for _ in range(2))
    assert first.equals(second)
    assert not first.equals(opinion_scores(rng=generator(6)))


@pytest.mark.parametrize(("options", "told"), [
    ({"slope": -1.0}, "keep the line within the scale"),
    ({"level": 11.0}, "keep the line within the scale"),
    ({"level": float("nan")}, "keep the line within the scale"),
    ({"sigma": 0.0}, "sigma must be positive"),
    ({"n": 1, "outliers": 0}, "n must be at least 2"),
    ({"outliers": 49}, "outliers must lie between 0 and n"),
    ({"days": 0}, "days must be positive"),
    ({"sources": 0}, "sources must be positive"),
    ({"scale": (10, 0)}, "scale must be two finite numbers in order"),
    ({"slope": 0.0, "sigma": 2.0}, "leave room for outliers"),
])
def test_rejects_worlds_that_cannot_be(options, told):
    with pytest.raises(ValueError, match=told):
        opinion_scores(rng=generator(0), **options)
