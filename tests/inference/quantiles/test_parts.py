"""Oracle: counting, and pandas' own cut."""

import numpy as np
import pandas as pd
import pytest

from workbench.core.recent import Recent
from workbench.inference.quantiles.parts import binned, named, split


@pytest.mark.parametrize("n", [4, 40, 308, 9568])
@pytest.mark.parametrize("ordered", [True, False])
def test_identity_parts_hold_each_row_once(n, ordered):
    parts = split(n, rng=None if ordered else np.random.default_rng(0))
    rows = np.concatenate(list(vars(parts).values()))
    np.testing.assert_array_equal(np.sort(rows), np.arange(n))
    assert min(map(len, vars(parts).values())) >= 1
    if ordered:
        np.testing.assert_array_equal(rows, np.arange(n))


def test_rejects_fewer_rows_than_parts():
    with pytest.raises(ValueError, match="at least 4 rows"):
        split(3, rng=None)


def test_matches_bins_of_pandas():
    rng = np.random.default_rng(1)
    reference, values = rng.normal(size=200), rng.normal(size=500)
    groups = binned(values, reference, 4)
    edges = [-np.inf, *np.quantile(reference, [0.25, 0.5, 0.75]), np.inf]
    wanted = pd.cut(values, edges, labels=groups.order)
    assert groups.labels.tolist() == wanted.astype(str).tolist()


@pytest.mark.parametrize(("reference", "order"), [
    (np.ones(9), ("all",)), ([0] * 90 + [1, 2], ("up to 0", "above 0"))])
def test_matches_ties_to_fewer_groups(reference, order):
    groups = binned(reference, reference, 4)
    assert groups.order == order
    assert set(groups.labels) == set(order)


def test_matches_near_edges_to_names_that_differ():
    near = 1000 + np.arange(8) / 100
    groups = binned(near, near, 4)
    assert len(set(groups.order)) == 4
    assert np.unique(groups.labels, return_counts=True)[1].tolist() == [2] * 4


def test_matches_missing_numbers_to_a_group_of_their_own():
    groups = binned([1.0, np.nan, 9.0], [1.0, 2.0, 3.0, 4.0], 2)
    assert groups.labels.tolist() == ["up to 2.5", "missing", "above 2.5"]
    assert groups.order[-1] == "missing"


def test_matches_frequent_categories():
    reference = ["a"] * 5 + ["b"] * 3 + ["c"] * 2 + ["d"]
    groups = named(["d", "a", "z", "b"], reference, 3)
    assert groups.labels.tolist() == ["other", "a", "other", "b"]
    assert groups.order == ("a", "b", "other")
    assert named(["a", "c"], reference, 3).labels.tolist() == ["a", "other"]
    assert named(["a", "c"], reference, 4).order == ("a", "b", "c", "d")
    assert named(["a", "z"], reference, 4).labels.tolist() == ["a", "other"]


def test_matches_recent_results_until_they_are_pushed_out():
    kept, made = Recent(2), []
    for key in (1, 2, 1, 3, 1, 2):      # 2 is pushed out by 3, since 1 was used later
        assert kept.get(key, lambda key=key: made.append(key) or key) == key
    assert made == [1, 2, 3, 2]
    assert 1 in kept
    assert 3 not in kept


def test_matches_codes_in_their_own_order():
    reference = [10.0, 10.0, 2.0, 2.0, 2.0, 1.5, np.nan]
    groups = named(np.array([2.0, np.nan, 10.0, 3.0]), np.array(reference), 4)
    assert groups.labels.tolist() == ["2", "missing", "10", "other"]
    assert groups.order == ("1.5", "2", "10", "missing", "other")
