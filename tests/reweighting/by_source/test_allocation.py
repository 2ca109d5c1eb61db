"""Rows to take from each source."""

import numpy as np
import pytest

from workbench.core import generator
from workbench.reweighting.by_source.allocation import allocate


def test_matches_the_total_and_the_sizes_whatever_comes():
    rng = generator(0)
    for _ in range(300):
        k = int(rng.integers(1, 8))
        weights, sizes = rng.dirichlet(np.full(k, 0.4)), rng.integers(0, 60, k)
        total = int(rng.integers(1, sizes.sum() + 2))
        if total > sizes.sum():
            with pytest.raises(ValueError, match=r"n_total must be at most|must hold the share"):
                allocate(weights, sizes, total, "redistribute")
            continue
        counts = allocate(weights, sizes, total, "redistribute")
        assert counts.sum() == total
        assert (counts <= sizes).all()
        assert (counts >= 0).all()


def test_matches_the_largest_remainders():
    assert allocate([0.47, 0.33, 0.2], [99] * 3, 10).tolist() == [5, 3, 2]
    exact = np.array([0.1, 0.2, 0.3, 0.4])
    counts = allocate(exact, [1000] * 4, 103)
    assert np.abs(counts - 103 * exact).max() < 1
    assert allocate([1, 1, 1], [9] * 3, 4).tolist() == [2, 1, 1]


def test_matches_what_happens_to_a_source_that_is_too_small():
    assert allocate([0.9, 0.1], [5, 50], 20, "repeat").tolist() == [18, 2]
    assert allocate([0.9, 0.05, 0.05], [5, 50, 50], 25, "redistribute").tolist() == [5, 10, 10]
    assert allocate([1.0, 0.0], [3, 9], 5, "redistribute").tolist() == [3, 2]
    with pytest.raises(ValueError, match="source 0 has 5 rows for a share of 18"):
        allocate([0.9, 0.1], [5, 50], 20)
    with pytest.raises(ValueError, match="source 0 has 0 rows"):
        allocate([0.9, 0.1], [0, 50], 20, "repeat")


@pytest.mark.parametrize(("given", "said"), [
    (([1.0], [2, 3], 1), "one number for each source"), (([-1.0, 2], [2, 3], 1), "weights must"),
    (([0.0, 0.0], [2, 3], 1), "not all zero"), (([1.0, 2], [2.5, 3], 1), "whole numbers >= 0"),
    (([1.0, 2], [2, 3], 0), "n_total must be a whole number"),
    (([1.0, 2], [2, 3], 1, "drop"), "on_short must be one of")])
def test_rejects_what_cannot_be_shared_out(given, said):
    with pytest.raises(ValueError, match=said):
        allocate(*given)
