"""Too few rows: ends are infinite, and a sentence says how many rows it takes."""

import numpy as np
import pytest

from workbench.core import generator
from workbench.inference.conformal import TooFewRowsWarning, calibrate
from workbench.inference.conformal_cross import cross_calibrate
from workbench.inference.quantiles.conformity import rank_of, rows_needed

LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])


def rows(n):
    return generator(0).normal(size=n), np.tile([-1.0, -0.5, 0.0, 0.5, 1.0], (n, 1))


@pytest.mark.parametrize("alpha", [0.5, 0.2, 0.1, 0.05, 0.02, 1 / 3])
def test_matches_the_fewest_rows_with_a_finite_shift(alpha):
    needed = rows_needed(alpha)
    assert rank_of(alpha, needed) <= needed
    assert needed == 1 or rank_of(alpha, needed - 1) > needed - 1


@pytest.mark.parametrize(("method", "needed"), [("symmetric", 9), ("asymmetric", 19)])
def test_matches_one_row_more_or_less(method, needed):
    y, quantiles = rows(needed)
    enough = calibrate(y, quantiles, LEVELS, method=method)
    assert np.isfinite(enough.apply(quantiles)).all()
    assert enough.notes == ()
    assert len(enough.infinite_levels) == 0
    with pytest.warns(TooFewRowsWarning, match=f"takes at least {needed} rows, and there are "
                                               f"{needed - 1}"):
        few = calibrate(y[1:], quantiles[1:], LEVELS, method=method)
    found = few.apply(quantiles)
    assert (found[:, [0, 4]] == [-np.inf, np.inf]).all()
    assert np.isfinite(found[:, 1:4]).all()
    np.testing.assert_array_equal(few.infinite_levels, [0.05, 0.95])
    assert few.notes[0].startswith("The intervals of level 90 % have infinite ends")


def test_matches_a_small_group_and_one_never_seen():
    y, quantiles = rows(40)
    groups = np.array(["many"] * 35 + ["few"] * 5)
    with pytest.warns(TooFewRowsWarning, match="level 90 % of group 'few' have infinite ends"):
        made = calibrate(y, quantiles, LEVELS, groups=groups)
    with pytest.warns(TooFewRowsWarning, match="1 of 3 new rows have infinite ends"):
        found = made.apply(quantiles[:3], groups=["many", "few", "new"])
    np.testing.assert_array_equal(np.isinf(found).sum(axis=1), [0, 2, 4])


def test_matches_weights_that_leave_few_rows():
    y, quantiles = rows(40)
    weight = np.append(np.full(30, 1e-3), np.full(10, 1.0))
    assert np.isfinite(calibrate(y, quantiles, LEVELS, sample_weight=weight).shifts).all()
    with pytest.warns(TooFewRowsWarning, match="there are 4.0"):
        calibrate(y, quantiles, LEVELS,
                  sample_weight=np.append(np.full(36, 1e-3), np.full(4, 1.0)))
    plain = calibrate(y, quantiles, LEVELS)
    with pytest.warns(TooFewRowsWarning, match="2 of 3 new rows have infinite ends"):
        found = plain.apply(quantiles[:3], weights=[1.0, 10.0, 1000.0])
    np.testing.assert_array_equal(np.isinf(found).sum(axis=1), [0, 2, 4])


def test_matches_cross_calibration_of_few_rows():
    y, quantiles = rows(8)
    with pytest.warns(TooFewRowsWarning, match="level 90 % have infinite ends"):
        made = cross_calibrate(y, quantiles, LEVELS, np.arange(8) % 2)
    found = made.apply(np.zeros((3, 2, 5)) + quantiles[0])
    assert (found[:, [0, 4]] == [-np.inf, np.inf]).all()
    assert np.isfinite(found[:, 1:4]).all()
    np.testing.assert_array_equal(made.infinite_levels, [0.05, 0.95])
