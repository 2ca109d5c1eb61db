"""Rows of training: whole weights are rows, order and units do not matter."""

import numpy as np
import pytest

from workbench.core import generator
from workbench.inference.quantiles.linear import LinearQuantiles
from workbench.inference.quantiles.network_training import _parts
from workbench.inference.quantiles.training_rows import (
    equal_rows,
    location,
    training_rows,
    written_out,
)


def test_identity_whole_weights_are_rows_in_any_order():
    rng = generator(0)
    X, y = rng.integers(0, 3, (50, 2)).astype(float), rng.integers(0, 4, 50).astype(float)
    amounts = rng.integers(0, 5, 50)
    again = rng.permutation(np.repeat(np.arange(50), amounts))
    weighted = training_rows(LinearQuantiles(), X, y, amounts)
    repeated = training_rows(LinearQuantiles(), X[again], y[again])
    assert len(weighted) == amounts.sum()
    assert weighted.varying_weight is None
    for name in ("X", "y", "weight"):
        np.testing.assert_array_equal(getattr(weighted, name), getattr(repeated, name))


def test_identity_other_weights_stay_with_their_rows_in_any_order():
    rng = generator(1)
    X, y = rng.integers(0, 2, (50, 1)).astype(float), rng.integers(0, 2, 50).astype(float)
    amounts = rng.uniform(0.5, 2, 50) * (np.arange(50) > 4)
    order = rng.permutation(50)
    rows, moved = (training_rows(LinearQuantiles(), X[at], y[at], amounts[at])
                   for at in (np.arange(50), order))
    np.testing.assert_array_equal(rows.weight, moved.weight)
    np.testing.assert_array_equal(rows.y, moved.y)
    assert len(rows) == 45
    for kind in (0.0, 1.0):
        assert rows.weight[rows.y == kind].sum() == pytest.approx(
            amounts[y == kind].sum() / amounts[5:].mean())


@pytest.mark.parametrize(("amounts", "rows", "weight"), [
    ([2, 0, 1], [0, 0, 2], [1, 1, 1]), ([0.5, 0, 1.5], [0, 2], [0.5, 1.5]),
    ([1000, 0, 3000], [0, 2], [0.5, 1.5]),            # people that a row stands for, not rows
    ([1e300, 3e300], [0, 1], [0.5, 1.5]), ([5e-324, 0.0], [0], [1])])
def test_matches_rows_written_out_by_hand(amounts, rows, weight):
    found = written_out(np.array(amounts, dtype=float))
    assert found[0].tolist() == rows
    assert found[1].tolist() == weight


def test_identity_rows_that_stop_a_network_take_no_kind_of_row_away():
    X = np.repeat([[0.0], [1.0]], 300, axis=0)
    rows = training_rows(LinearQuantiles(), X, np.tile([0.0, 1.0, 2.0], 200))
    for part in _parts(rows, 0.2, generator(2)):
        assert len(np.unique(np.column_stack([part.X, part.y]), axis=0)) == 6


@pytest.mark.parametrize("unit", [1.0, 1e-200, 1e200])
def test_matches_moments_by_hand(unit):
    columns = unit * np.array([[1.0, 5.0, np.nan], [3.0, 5.0, 4.0], [np.nan, 5.0, np.nan]])
    centre, scale = location(columns, np.array([1.0, 3.0, 2.0]))
    np.testing.assert_allclose(centre, np.array([2.5, 5.0, 4.0]) * unit)
    np.testing.assert_allclose(scale, [np.sqrt(0.75) * unit, 1.0, 1.0])


def test_identity_merged_rows_add_their_weights_in_any_order():
    rng = generator(1)
    X, y = rng.integers(0, 3, (60, 2)).astype(float), rng.integers(0, 2, 60).astype(float)
    X[X[:, 1] == 0, 1] = np.nan
    amounts = rng.integers(0, 3, 60).astype(float)
    order = rng.permutation(60)
    rows, moved = (training_rows(LinearQuantiles(), X[at], y[at], amounts[at], allow_nan=True)
                   .merged() for at in (np.arange(60), order))
    known = {}
    for row, truth, amount in zip(X, y, amounts, strict=True):
        key = (*np.nan_to_num(row, nan=-1.0), truth)
        known[key] = known.get(key, 0.0) + amount
    told = {(*np.nan_to_num(row, nan=-1.0), truth): weight
            for row, truth, weight in zip(rows.X, rows.y, rows.weight, strict=True)}
    assert told == {key: amount for key, amount in known.items() if amount}
    np.testing.assert_array_equal(rows.X, moved.X)
    np.testing.assert_array_equal(rows.weight, moved.weight)


def test_matches_groups_of_equal_rows():
    X = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0], [0.0, 2.0]])
    assert equal_rows(X, np.array([5.0, 5.0, 5.0, 4.0])).tolist() == [1, 1, 2, 0]
