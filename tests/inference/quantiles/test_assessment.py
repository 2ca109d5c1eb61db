"""Oracles: the t interval, scipy's bootstrap of a ratio, linear interpolation by hand."""

import numpy as np
import pytest
from scipy import stats

from workbench.inference.quantiles.assessment import (
    at_level,
    mean_of,
    ratio_of,
    relative_scores,
    tell_models,
    weights_along,
    widths_and_coverage,
    with_levels,
)


@pytest.fixture
def losses():
    rng = np.random.default_rng(2)
    hard = rng.gamma(2.0, size=400)
    return {"ours": 0.7 * hard + 0.1 * rng.random(400), "average": hard}


def test_matches_the_t_interval_of_a_mean(losses):
    found = mean_of(losses["ours"], rng=np.random.default_rng(0))
    wanted = stats.t.interval(0.9, 399, losses["ours"].mean(), stats.sem(losses["ours"]))
    assert found.value == losses["ours"].mean()
    # The ends come from 2000 draws: their error is some percent of the width.
    np.testing.assert_allclose(found.ends, wanted, atol=0.1 * np.ptp(wanted))


def test_matches_scipys_bootstrap_of_paired_rows(losses):
    found = ratio_of(losses["ours"], losses["average"], rng=np.random.default_rng(0))
    wanted = stats.bootstrap(
        tuple(losses.values()), lambda a, b, axis: a.mean(axis=axis) / b.mean(axis=axis),
        paired=True, confidence_level=0.9, method="percentile", n_resamples=4000,
        rng=np.random.default_rng(1)).confidence_interval
    np.testing.assert_allclose(found.ends, wanted, atol=0.1 * (wanted.high - wanted.low))
    # Pairing removes what makes a row hard: the interval is far narrower than unpaired.
    assert found.ends[1] - found.ends[0] < 0.03


def test_identity_a_method_over_itself_is_one(losses):
    table = relative_scores(losses, "average", rng=np.random.default_rng(0)).set_index("method")
    assert table.loc["average", ["ratio", "low", "high"]].tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="Did you mean 'average'"):
        relative_scores(losses, "averages", rng=np.random.default_rng(0))


def test_matches_interpolation_between_levels():
    quantiles = np.sort(np.random.default_rng(3).normal(size=(5, 3)), axis=1)
    wide, levels = with_levels(quantiles, [0.25, 0.5, 0.75], [0.1, 0.5, 0.6, 0.9])
    np.testing.assert_allclose(levels, [0.1, 0.25, 0.5, 0.6, 0.75, 0.9])
    for row, found in zip(quantiles, wide, strict=True):
        np.testing.assert_allclose(found, np.interp(levels, [0.25, 0.5, 0.75], row))
    assert (np.diff(wide, axis=1) >= 0).all()


def test_matches_coverage_and_width_by_hand():
    quantiles = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, np.inf], [0.0, 1.0, 4.0]])
    table = widths_and_coverage([1.0, 5.0, -1.0], quantiles, [0.1, 0.5, 0.9])
    assert table["promised"].tolist() == pytest.approx([0.8])
    assert table["coverage"].tolist() == pytest.approx([2 / 3])
    assert table["width"].tolist() == [3.0]             # of the two rows that end
    assert table["endless"].tolist() == pytest.approx([1 / 3])


def test_identity_equal_weights_stay_uniform_along_a_feature():
    x = np.append(np.arange(50.0), np.nan)
    table = weights_along(x, np.full((51, 4), 0.25), list("abcd"), bins=5)
    np.testing.assert_allclose(table["weight"], 1.0)
    assert table.groupby("model")["n"].sum().tolist() == [50] * 4


def test_matches_weights_that_change_with_a_feature():
    x = np.arange(40.0)
    first = (x < 20).astype(float)
    table = weights_along(x, np.column_stack([first, 1 - first]), ["a", "b"], bins=2)
    assert table.query("model == 'a'").sort_values("x")["weight"].tolist() == [2, 0]


def test_matches_models_in_words():
    assert tell_models([[0.2, 0.5, 0.3]], list("abc"), most=2) == ["b 50 %, c 30 %"]


def test_identity_weights_of_two_are_rows_written_twice(losses):
    rng = np.random.default_rng(4)
    times = rng.integers(1, 4, size=400)
    twice = {name: np.repeat(each, times) for name, each in losses.items()}
    found = relative_scores(losses, "average", rng=np.random.default_rng(0), sample_weight=times)
    wanted = relative_scores(twice, "average", rng=np.random.default_rng(0))
    np.testing.assert_allclose(found[["wis", "ratio"]], wanted[["wis", "ratio"]])
    assert mean_of(losses["ours"], rng=rng, sample_weight=times).value == pytest.approx(
        twice["ours"].mean())
    y, quantiles = rng.normal(size=60), np.sort(rng.normal(size=(60, 5)), axis=1)
    levels, times = [0.1, 0.25, 0.5, 0.75, 0.9], times[:60]
    shares = ["coverage", "width", "endless"]
    np.testing.assert_allclose(
        widths_and_coverage(y, quantiles, levels, sample_weight=times)[shares],
        widths_and_coverage(np.repeat(y, times), np.repeat(quantiles, times, axis=0),
                            levels)[shares])


def test_matches_the_error_of_a_weighted_mean(losses):
    weight = np.random.default_rng(5).gamma(1.0, size=400)
    found = mean_of(losses["average"], rng=np.random.default_rng(0), sample_weight=weight)
    shares = weight / weight.sum()
    error = np.sqrt(shares ** 2 @ (losses["average"] - found.value) ** 2)     # linearised
    np.testing.assert_allclose(found.ends, found.value + 1.645 * error * np.array([-1, 1]),
                               atol=0.1 * 3.29 * error)


def test_matches_weighted_rows_along_a_feature():
    weights = np.column_stack([np.array([1.0, 0.0]), np.array([0.0, 1.0])])
    table = weights_along([5.0, 5.0], weights, ["a", "b"], sample_weight=[3, 1])
    assert table["weight"].tolist() == [1.5, 0.5]


def test_matches_rivals_that_lose_nothing():
    """Both right: equal. One right: as much better as can be."""
    nothing, some = np.zeros(20), np.ones(20)
    same, worse = (ratio_of(ours, nothing, rng=np.random.default_rng(0)) for ours in (nothing,
                                                                                      some))
    assert (same.value, *same.ends) == (1, 1, 1)
    assert (worse.value, *worse.ends) == (np.inf, np.inf, np.inf)


def test_matches_a_level_beside_infinite_ends():
    rows = np.array([[-np.inf, 1.0, 3.0, np.inf]])
    levels = np.array([0.1, 0.4, 0.6, 0.9])
    found = [float(at_level(rows, levels, level)[0]) for level in (0.1, 0.2, 0.4, 0.5, 0.9)]
    np.testing.assert_allclose(found, [-np.inf, -np.inf, 1, 2, np.inf])
