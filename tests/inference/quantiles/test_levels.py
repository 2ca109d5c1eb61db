"""Grids of quantile levels and the intervals they hold."""

import numpy as np
import pytest

from workbench.inference.quantiles.levels import checked_levels, even_levels, middle, pairs


def test_matches_the_percentiles():
    np.testing.assert_allclose(even_levels(99), np.linspace(0.01, 0.99, 99), atol=1e-15)
    np.testing.assert_array_equal(checked_levels(None), even_levels(19))


@pytest.mark.parametrize("q", [2, 3, 6, 9, 19, 99])
def test_matches_levels_in_single_precision(q):
    levels = even_levels(q).astype(np.float32)
    np.testing.assert_allclose(checked_levels(levels, symmetric=True), even_levels(q), atol=5.1e-8)
    assert checked_levels(np.float32([0.1, 0.9])).tolist() == [0.1, 0.9]


def test_identity_levels_are_a_copy():
    given = np.array([0.1, 0.5, 0.9])
    found = checked_levels(given)
    given[0] = 0.2
    assert found[0] == 0.1


@pytest.mark.parametrize("q", [1, 2, 9, 99])
def test_identity_pairs_are_symmetric(q):
    levels = even_levels(q)
    found = pairs(levels)
    assert len(found) == q // 2
    for low, high, alpha in found:
        assert levels[low] + levels[high] == pytest.approx(1, abs=1e-12)
        assert levels[high] - levels[low] == pytest.approx(1 - alpha, abs=1e-12)
    assert middle(levels) == (q - 1) // 2


@pytest.mark.parametrize(("levels", "words"), [
    ([], "row of levels"), ([[0.1, 0.9]], "row of levels"), ([0.0, 0.5], "between 0 and 1"),
    ([10, 50, 90], "Divide percents"), ([0.9, 0.1], "increase"), ([0.1, 0.1, 0.9], "repeats"),
    ([float("nan"), 0.5], "between 0 and 1")])
def test_rejects_no_grid(levels, words):
    with pytest.raises(ValueError, match=words):
        checked_levels(levels)


def test_rejects_a_lopsided_grid():
    assert checked_levels([0.1, 0.5]).tolist() == [0.1, 0.5]
    with pytest.raises(ValueError, match="symmetric about"):
        pairs([0.1, 0.5])


@pytest.mark.parametrize("q", [0, -1, 2.5])
def test_rejects_no_number_of_levels(q):
    with pytest.raises(ValueError, match="whole number"):
        even_levels(q)
