"""Coverage and its binomial intervals against SciPy; reliability, width and crossings by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.core import generator
from workbench.inference.quantiles.levels import even_levels
from workbench.inference.quantiles.reliability import binomial_ends
from workbench.inference.quantiles.scores import (
    Crossings,
    coverage,
    coverage_by_group,
    crossings,
    mace,
    picp_error,
    reliability,
    width,
)


@pytest.mark.parametrize("held", [0, 3, 17, 20])
def test_matches_the_exact_binomial_interval_of_scipy(held):
    y = np.where(np.arange(20) < held, 0.0, 9.0)
    found = coverage(y, -1.0, 1.0, level=0.95)
    exact = stats.binomtest(held, 20).proportion_ci(0.95, method="exact")
    assert found.value == pytest.approx(held / 20)
    np.testing.assert_allclose(found.ends, [exact.low, exact.high], atol=1e-12)


def test_recovers_the_confidence_of_the_interval():
    held = generator(0).binomial(50, 0.8, 4000)
    low, high = binomial_ends(held / 50, 50, level=0.9)
    exact = sum(stats.binom.pmf(k, 50, 0.8) for k in range(51)
                if np.less_equal(*np.broadcast_arrays(binomial_ends(k / 50, 50)[0], 0.8))
                and binomial_ends(k / 50, 50)[1] >= 0.8)
    seen = ((low <= 0.8) & (high >= 0.8)).mean()
    assert exact >= 0.9
    assert abs(seen - exact) < 4 * np.sqrt(exact * (1 - exact) / 4000)


def test_matches_each_group_by_itself():
    rng = generator(1)
    y, groups = rng.normal(size=200), rng.choice(["a", "b", "c"], 200)
    weight = rng.uniform(0, 1, 200)
    table = coverage_by_group(y, -1.0, 1.0, groups, sample_weight=weight)
    assert table["group"].tolist() == ["a", "b", "c"]
    for row in table.itertuples():
        own = groups == row.group
        alone = coverage(y[own], -1.0, 1.0, sample_weight=weight[own])
        np.testing.assert_allclose([row.coverage, row.low, row.high],
                                   [alone.value, *alone.ends], rtol=1e-12)
        assert row.n == own.sum()


def test_matches_a_missing_label_and_a_group_without_weight():
    labels = pd.Series(["a", None, "a", "b"])
    table = coverage_by_group(np.zeros(4), [-1, -1, 1, -1], 2.0, labels,
                              sample_weight=[1, 1, 1, 0])
    assert table["n"].tolist() == [2, 1, 1]
    assert table["coverage"].tolist()[0] == 0.5
    assert np.isnan(table["coverage"][1])
    assert (table["low"][1], table["high"][1]) == (0.0, 1.0)
    assert table["coverage"][2] == 1.0


def test_matches_labels_of_any_type_and_weights_of_any_scale():
    codes, y = np.arange(12) % 3, np.arange(12.0)
    plain = coverage_by_group(y, 3.0, 8.0, codes)
    weight = np.full(12, 1e-200)
    for labels in (pd.date_range("2020", periods=3)[codes], pd.Categorical.from_codes(
            codes, ["low", "mid", "high"], ordered=True), np.array(["a", "b", None])[codes],
                   ["a" if code == 0 else "b" if code == 1 else np.nan for code in codes]):
        table = coverage_by_group(y, 3.0, 8.0, labels, sample_weight=weight)
        pd.testing.assert_frame_equal(table.drop(columns="group"), plain.drop(columns="group"))
        assert table["group"].tolist()[0] == labels[0]
    assert pd.isna(table["group"].iloc[2])
    with pytest.raises(ValueError, match="groups must have one label for each of the 12 rows"):
        coverage_by_group(y, 3.0, 8.0, np.zeros((12, 2)))


def test_matches_frequencies_of_planted_quantiles():
    levels = even_levels(9)
    y = (np.arange(1000) + 0.5) / 1000
    quantiles = np.tile(levels + 0.05, (1000, 1))
    table = reliability(y, quantiles, levels)
    np.testing.assert_allclose(table["frequency"], levels + 0.05, atol=1e-12)
    assert mace(y, quantiles, levels) == pytest.approx(0.05)
    assert picp_error(y, quantiles, levels) == pytest.approx(0.0, abs=1e-12)
    wide = np.tile([0.05, 0.5, 0.95], (1000, 1))
    assert picp_error(y, wide, [0.1, 0.5, 0.9]) == pytest.approx(0.1)


def test_identity_integer_weights_are_repeated_rows():
    rng = generator(2)
    y, quantiles, levels = rng.normal(size=30), rng.normal(size=(30, 5)), even_levels(5)
    counts = rng.integers(0, 4, 30)
    many = y.repeat(counts), quantiles.repeat(counts, axis=0)
    for score in (mace, picp_error):
        assert score(y, quantiles, levels, sample_weight=counts) == pytest.approx(
            score(*many, levels), rel=1e-12)
    assert width(quantiles[:, 0], quantiles[:, 1], sample_weight=counts) == pytest.approx(
        width(many[1][:, 0], many[1][:, 1]))
    assert coverage(y, -1.0, 1.0, sample_weight=counts).value == pytest.approx(
        coverage(many[0], -1.0, 1.0).value)


def test_matches_crossings_counted_by_hand():
    inf = np.inf
    assert crossings([[-inf, -inf, 0.0, inf]]) == Crossings(0.0, 0.0, 0.0)
    found = crossings([[3.0, 1.0, 2.0], [1.0, 2.0, 3.0], [1.0, 0.5, 0.25], [0.0, 0.0, 0.0]])
    assert found == Crossings(rows=0.5, pairs=3 / 8, largest=2.0)


def test_rejects_what_has_no_interval():
    with pytest.raises(ValueError, match="must hold an interval"):
        picp_error([0.0], [[0.0]], [0.5])
    with pytest.raises(ValueError, match="level must lie strictly"):
        coverage([0.0], -1.0, 1.0, level=1.0)
    with pytest.raises(ValueError, match="low must hold one number per row"):
        coverage([0.0, 1.0], [np.nan, 0.0], 1.0)
    with pytest.raises(ValueError, match="got shape \\(0, 3\\)"):
        crossings(np.empty((0, 3)))
