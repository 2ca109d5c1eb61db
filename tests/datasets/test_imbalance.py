"""Unequal classes: the published counts, nested choices, and refusals."""

import numpy as np
import pytest

from workbench.core import generator
from workbench.datasets.imbalance import imbalanced_counts, subsample_imbalanced


def test_matches_the_published_counts_of_long_tailed_cifar():
    assert imbalanced_counts(10, 5000, 100, "exp").tolist() == [
        5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    assert imbalanced_counts(10, 5000, 100, "step").tolist() == [5000] * 5 + [50] * 5
    assert imbalanced_counts(5, 100, 10).tolist() == [100, 100, 100, 10, 10]
    assert imbalanced_counts(4, 3, 100).tolist() == [3, 3, 1, 1]


def test_identity_factor_one_keeps_classes_equal():
    for profile in ("step", "exp"):
        assert set(imbalanced_counts(7, 20, 1, profile).tolist()) == {20}


@pytest.mark.parametrize("profile", ["step", "exp"])
def test_matches_a_larger_factor_that_takes_a_part_of_the_smaller(profile):
    y = generator(0).permutation(np.repeat(np.arange(6), [60, 50, 55, 50, 70, 52]))
    before = None
    for factor in (1, 2, 5, 20):
        index, counts = subsample_imbalanced(y, profile, factor, rng=generator(3))
        assert np.bincount(y[index]).tolist() == counts.tolist()
        assert counts.max() == 50
        assert (np.diff(index) > 0).all()
        assert before is None or set(index) < before
        before = set(index.tolist())
    other, _ = subsample_imbalanced(y, profile, 20, rng=generator(4))
    assert set(other.tolist()) != before


@pytest.mark.parametrize(("y", "options", "words"), [
    ([0, 1, 0, 1], {"factor": 0.5}, "factor must be >= 1, got 0.5"),
    ([0, 1, 0, 1], {"factor": np.nan}, "factor must be >= 1"),
    ([0, 1, 0, 1], {"profile": "stair"}, "profile must be one of 'step', 'exp'"),
    ([0, 2, 0, 2], {}, "class 1 has no row"),
    ([0, -1], {}, "whole class numbers >= 0"),
    ([0.0, 1.0], {}, "got float64"),
    ([0, 0, 1], {"largest": 2, "factor": 1}, "class 1 has 1 of 2. Pass at most 1"),
    ([0, 1], {"largest": 0}, "largest")])
def test_rejects_what_cannot_be_chosen(y, options, words):
    with pytest.raises(ValueError, match=words):
        subsample_imbalanced(np.asarray(y), rng=generator(0), **options)
