"""Given quantiles in every layout, type and unit, and labels of every kind: the same intervals."""

import pickle

import numpy as np
import pandas as pd
import pytest

from workbench.core import generator
from workbench.inference.conformal import calibrate

LEVELS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])


def rows(n=60, seed=0):
    rng = generator(seed)
    return rng.integers(-9, 9, n).astype(float), np.sort(rng.integers(-9, 9, (n, 5)), axis=1) * 1.0


def frame(values):
    """With an index that tells nothing."""
    return (pd.DataFrame if values.ndim == 2 else pd.Series)(values, index=-7 * np.arange(
        len(values)))


def read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


FORMS = [
    lambda values: values.tolist(), lambda values: values.astype(object), frame, read_only,
    lambda values: values.astype(np.float32), np.asfortranarray,
    lambda values: values[::-1].copy()[::-1],
    lambda values: np.repeat(values, 2, axis=-1)[..., ::2]]


@pytest.mark.parametrize("given", [*FORMS, lambda values: values.astype(np.int8)])
def test_identity_type_and_layout_do_not_matter(given):
    (y, quantiles), new = rows(), rows(seed=1)[1]
    plain = calibrate(y, quantiles, LEVELS).apply(new)
    found = calibrate(given(y), given(quantiles), LEVELS).apply(given(new))
    np.testing.assert_array_equal(found, plain)


@pytest.mark.parametrize("given", FORMS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rejects_a_single_bad_entry_in_every_layout(given, bad):
    y, quantiles = rows()
    with pytest.raises(ValueError, match=r"quantiles must be finite, got 1 .* position 137"):
        calibrate(given(y), given(np.where(np.arange(300).reshape(60, 5) == 137, bad, quantiles)),
                  LEVELS)
    with pytest.raises(ValueError, match=r"y must be finite, got 1 .* position 41"):
        calibrate(given(np.where(np.arange(60) == 41, bad, y)), given(quantiles), LEVELS)


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1e12, 1e306])
def test_identity_intervals_are_in_the_unit_of_y(scale):
    (y, quantiles), new = rows(), rows(seed=1)[1]
    for method in ("symmetric", "asymmetric"):
        plain = calibrate(y, quantiles, LEVELS, method=method).apply(new)
        found = calibrate(y * scale, quantiles * scale, LEVELS, method=method).apply(new * scale)
        np.testing.assert_allclose(found / scale, plain, atol=1e-13)


def test_identity_a_calibration_is_kept_and_does_not_follow_its_arguments():
    (y, quantiles), new, levels = rows(), rows(seed=1)[1], LEVELS.copy()
    weight = np.full(60, 2.0)
    made = calibrate(y, quantiles, levels, sample_weight=weight)
    before, again = made.apply(new), pickle.loads(pickle.dumps(made))
    for changed in (y, quantiles, weight, levels):
        changed[:] = 0.3
    np.testing.assert_array_equal(made.apply(new, weights=2.0), before)
    np.testing.assert_array_equal(again.apply(new, weights=2.0), before)


@pytest.mark.parametrize("labels", [
    ["a", None], ["a", np.nan], [1, None], pd.array([1, None], dtype="Int64"),
    np.array(["2020-01-01", "2020-02-01"], dtype="M8[ns]"),
    np.array(["2020-01-01", "NaT"], dtype="M8[D]"), pd.period_range("2020", periods=2, freq="M"),
    pd.Categorical(["high", "low"], categories=["unseen", "low", "high"]), pd.cut([1, 5], 2),
    pd.Series([("a", 1), ("a", 2)]), [True, False]])
def test_matches_groups_by_number_whatever_their_labels(labels):
    (y, quantiles), new = rows(), rows(6, seed=1)[1]
    codes, theirs = np.arange(60) % 3 % 2, np.array([0, 1, 1, 0, 1, 0])
    labels = pd.Series(labels)
    plain = calibrate(y, quantiles, LEVELS, groups=codes)
    made = calibrate(y, quantiles, LEVELS, groups=labels.iloc[codes])
    np.testing.assert_array_equal(made.apply(new, groups=labels.iloc[theirs]),
                                  plain.apply(new, groups=theirs))
    for code, missing in enumerate(labels.isna()):       # alone, a label may be of another type
        alone = pd.Series([None if missing else labels[code]] * 6, dtype=object)
        np.testing.assert_array_equal(made.apply(new, groups=alone),
                                      plain.apply(new, groups=[code] * 6))


def test_rejects_labels_and_weights_that_are_not_one_per_row():
    (y, quantiles), new = rows(), rows(6, seed=1)[1]
    with pytest.raises(ValueError, match=r"label for each of the 60 rows, got shape \(60, 2\)"):
        calibrate(y, quantiles, LEVELS, groups=np.zeros((60, 2)))
    with pytest.raises(ValueError, match=r"label for each of the 60 rows, got shape \(\)"):
        calibrate(y, quantiles, LEVELS, groups="a")
    made = calibrate(y, quantiles, LEVELS)
    for weights in (np.ones(5), np.ones((6, 1)), [1.0]):
        with pytest.raises(ValueError, match="weights must have one entry for each of the 6 new"):
            made.apply(new, weights=weights)
