"""Calibration of given quantiles: MAPIE and definitions written out, weights, groups, refusals."""

import math
import warnings

import numpy as np
import pytest

from workbench.core import generator
from workbench.core.weights import effective_size
from workbench.inference.conformal import TooFewRowsWarning, calibrate
from workbench.inference.quantiles.levels import even_levels, pairs


def rows(n=60, q=9, seed=0):
    """Outcomes, quantiles that are too narrow, and their levels."""
    rng = generator(seed)
    centre, spread = rng.normal(size=n), rng.uniform(0.2, 1.0, n)
    levels = even_levels(q)
    quantiles = centre[:, None] + spread[:, None] * (levels - 0.5)
    return centre + spread * rng.standard_t(4, n), quantiles, levels


def by_definition(calibration, new, levels, method, *, amounts=None, own=1.0):
    """Low and high ends of new rows by a loop over the definition, not nested."""
    y, quantiles = calibration
    weight = np.ones(len(y)) if amounts is None else amounts
    made = new.copy()
    for low, high, alpha in pairs(levels):
        below, above = quantiles[:, low] - y, y - quantiles[:, high]
        both = np.maximum(below, above)
        parts = ((both, both, alpha) if method == "symmetric" else (below, above, alpha / 2))
        for column, scores, sign in ((low, parts[0], -1), (high, parts[1], 1)):
            enough = [score for score in scores if weight[scores <= score].sum()
                      >= (1 - parts[2]) * (weight.sum() + own) - 1e-9]
            made[:, column] = new[:, column] + sign * min(enough, default=math.inf)
    return made


@pytest.mark.parametrize("method", ["symmetric", "asymmetric"])
@pytest.mark.parametrize("n", [19, 20, 60])
def test_matches_the_definition(method, n):
    y, quantiles, levels = rows(n)
    new = rows(30, seed=1)[1]
    expected = np.sort(by_definition((y, quantiles), new, levels, method), axis=1)
    found = calibrate(y, quantiles, levels, method=method).apply(new)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


class Column:
    """A fitted model that returns one column of its features, as MAPIE asks for."""

    def __init__(self, column):
        self.column, self.fitted_ = column, True

    def fit(self, *_):
        return self

    def predict(self, X):
        return np.asarray(X)[:, self.column]


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("alpha", [0.2, 0.1])
def test_matches_mapie(symmetric, alpha):
    from mapie.regression import ConformalizedQuantileRegressor

    y, quantiles, _ = rows(97, 3, seed=2)
    new = rows(50, 3, seed=3)[1]
    models = [Column(0), Column(2), Column(1)]
    other = ConformalizedQuantileRegressor(models, confidence_level=1 - alpha, prefit=True)
    with warnings.catch_warnings():
        # MAPIE warns of models without a fit of scikit-learn, and of crossing ends.
        warnings.simplefilter("ignore")
        expected = other.conformalize(quantiles, y).predict_interval(
            new, symmetric_correction=symmetric)[1][:, :, 0]
    levels = [alpha / 2, 0.5, 1 - alpha / 2]
    found = calibrate(y, quantiles, levels,
                      method="symmetric" if symmetric else "asymmetric").apply(new)
    np.testing.assert_allclose(found[:, [0, 2]], expected, rtol=1e-12)
    np.testing.assert_array_equal(found[:, 1], new[:, 1])


def test_identity_equal_weights_are_no_weights():
    y, quantiles, levels = rows(41)
    new = rows(20, seed=1)[1]
    plain = calibrate(y, quantiles, levels).apply(new)
    for amount in (1.0, 0.1, 7.0):
        equal = calibrate(y, quantiles, levels, sample_weight=np.full(41, amount))
        np.testing.assert_array_equal(equal.apply(new), plain)
        np.testing.assert_array_equal(equal.apply(new, weights=np.full(20, amount)), plain)


def test_identity_rows_of_no_weight_are_left_out_and_scale_does_not_matter():
    y, quantiles, levels = rows(80)
    new, weight = rows(20, seed=1)[1], generator(4).uniform(0.5, 2, 80)
    weight[::3] = 0
    kept = weight > 0
    some = calibrate(y, quantiles, levels, sample_weight=weight).apply(new)
    np.testing.assert_array_equal(
        some, calibrate(y[kept], quantiles[kept], levels, sample_weight=weight[kept]).apply(new))
    np.testing.assert_array_equal(
        some, calibrate(y, quantiles, levels, sample_weight=1000 * weight).apply(new))


@pytest.mark.parametrize("method", ["symmetric", "asymmetric"])
def test_matches_the_definition_with_weights(method):
    y, quantiles, levels = rows(70)
    new, rng = rows(25, seed=1)[1], generator(5)
    amounts, own = rng.uniform(0, 3, 70), rng.uniform(0, 60, 25)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TooFewRowsWarning)     # heavy rows are the point
        made = calibrate(y, quantiles, levels, method=method, sample_weight=amounts)
        found = made.apply(new, weights=own)
        average = made.apply(new)
    for row in range(25):
        expected = by_definition((y, quantiles), new[[row]], levels, method, amounts=amounts,
                                 own=own[row])
        np.testing.assert_allclose(found[[row]], np.sort(expected, axis=1), rtol=1e-12)
    assert np.isinf(found).any()
    assert np.isfinite(found).any()
    own = amounts.sum() / effective_size(amounts)
    np.testing.assert_allclose(average, np.sort(by_definition(
        (y, quantiles), new, levels, method, amounts=amounts, own=own), axis=1), rtol=1e-12)


def test_matches_each_group_calibrated_by_itself():
    y, quantiles, levels = rows(200)
    new, rng = rows(60, seed=1)[1], generator(6)
    groups, theirs = rng.choice(["a", "b", "c"], 200), rng.choice(["a", "b", "c"], 60)
    weight = rng.uniform(1, 2, 200)
    found = calibrate(y, quantiles, levels, groups=groups, sample_weight=weight).apply(
        new, groups=theirs)
    for label in "abc":
        own = groups == label
        alone = calibrate(y[own], quantiles[own], levels, sample_weight=weight[own])
        np.testing.assert_array_equal(found[theirs == label], alone.apply(new[theirs == label]))


def test_matches_the_order_that_was_asked_for():
    y, levels = np.linspace(-1, 1, 99), [0.1, 0.4, 0.5, 0.6, 0.9]
    wide = np.tile([-2.0, -1.9, 0.0, 1.9, 2.0], (99, 1))
    made = calibrate(y, wide, levels)
    narrow, crossing = np.array([[-1.1, -1.0, 0.0, 1.0, 1.1]]), made.shifts[0, [0, 1, 0, 1, 0]]
    raw = narrow - crossing * [1, 1, 0, -1, -1]
    assert not (np.diff(raw) >= 0).all()
    sorted_rows, widened = (made.apply(narrow, nest=nest) for nest in ("sort", "widen"))
    np.testing.assert_allclose(sorted_rows, np.sort(raw))
    assert (widened[:, [0, 1]] <= raw[:, [0, 1]]).all()
    assert (widened[:, [3, 4]] >= raw[:, [3, 4]]).all()
    assert (np.diff(widened) >= 0).all()


@pytest.mark.parametrize("nest", ["sort", "widen"])
@pytest.mark.parametrize("method", ["symmetric", "asymmetric"])
def test_matches_the_compiled_loops_of_many_rows(monkeypatch, method, nest):
    y, quantiles, levels = rows(3000)
    quantiles[::5] = quantiles[::5, ::-1] + 0.0                        # some rows cross
    for new in (rows(2000, seed=1)[1], rows(500, seed=2)[1] * 0.01):
        few = calibrate(y, quantiles, levels, method=method).apply(new, nest=nest)
        with monkeypatch.context() as patch:
            patch.setattr("workbench.inference.quantiles.conformity.MANY", 0)
            many = calibrate(y, quantiles, levels, method=method).apply(new, nest=nest)
        np.testing.assert_array_equal(many, few)


def test_rejects_what_cannot_be_calibrated():
    y, quantiles, levels = rows()
    with pytest.raises(ValueError, match="must be symmetric about"):
        calibrate(y, quantiles, np.linspace(0.1, 0.8, 9))
    with pytest.raises(ValueError, match="must hold an interval"):
        calibrate(y, quantiles[:, [4]], [0.5])
    with pytest.raises(ValueError, match="Did you mean 'symmetric'"):
        calibrate(y, quantiles, levels, method="symetric")
    with pytest.raises(ValueError, match="quantiles must be finite"):
        calibrate(y, np.where(quantiles > 1, np.inf, quantiles), levels)
    made = calibrate(y, quantiles, levels)
    with pytest.raises(ValueError, match="groups must be given for new rows if and only if"):
        made.apply(quantiles, groups=np.zeros(60))
    with pytest.raises(ValueError, match="weights must be finite and >= 0"):
        made.apply(quantiles, weights=np.full(60, -1.0))
    with pytest.raises(ValueError, match="nest must be one of"):
        made.apply(quantiles, nest="sorted")
