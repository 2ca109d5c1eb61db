"""Weights of classes against exact fractions and the laws of their source."""

from fractions import Fraction

import numpy as np
import pytest

from workbench.reweighting.by_class.class_weights import (
    class_balanced_weights,
    class_counts,
    emphasised_weights,
    rare_classes,
)


def exact(counts, beta):
    """The formula in exact fractions."""
    share = Fraction(beta)
    raw = [(1 - share) / (1 - share ** n) for n in counts]
    return [float(len(raw) * each / sum(raw)) for each in raw]


@pytest.mark.parametrize("beta", [0.9, 0.99, 0.999, 0.9999])
def test_matches_exact_fractions(beta):
    counts = [1, 5, 10, 104, 400]
    assert class_balanced_weights(counts, beta) == pytest.approx(exact(counts, beta), rel=1e-9)
    raw = class_balanced_weights([1, 2], beta, normalise="raw")
    assert raw[0] == pytest.approx(1, rel=1e-9)            # one row: (1 - beta) / (1 - beta)
    assert raw[1] == pytest.approx(1 / (1 + beta), rel=1e-9)


def test_matches_the_laws():
    counts = np.array([5000, 1000, 100, 1])
    for beta in (0.5, 0.99, 0.9999):
        weights = class_balanced_weights(counts, beta)
        assert weights.sum() == pytest.approx(4)
        assert (np.diff(weights) > -1e-12).all()
        by_rows = class_balanced_weights(counts, beta, normalise="sample")
        assert by_rows @ counts / counts.sum() == pytest.approx(1)
        assert by_rows / by_rows.sum() == pytest.approx(weights / 4)
    inverse = (1 / counts) / (1 / counts).sum() * 4
    assert class_balanced_weights(counts, 1 - 1e-13) == pytest.approx(inverse, rel=1e-3)


def test_identity_beta_zero_equal_counts_and_emphasis_one_are_ones():
    assert class_balanced_weights([7, 1], 0.0).tolist() == [1.0, 1.0]
    assert class_balanced_weights([7, 7, 7], 0.99) == pytest.approx(1)
    assert emphasised_weights([7, 1], 1.0, normalise="raw").tolist() == [1.0, 1.0]


def test_matches_an_emphasis_by_hand():
    counts = [100, 100, 10, 10]
    assert emphasised_weights(counts, 9, normalise="raw").tolist() == [1, 1, 9, 9]
    assert emphasised_weights(counts, 9) == pytest.approx([0.2, 0.2, 1.8, 1.8])
    assert emphasised_weights(counts, 9, normalise="sample") == pytest.approx(
        np.array([1, 1, 9, 9]) * 220 / 380)
    assert rare_classes([100, 50, 49]).tolist() == [False, False, True]
    assert rare_classes([100, 50, 49], 0.2).tolist() == [False] * 3
    assert class_counts([2, 0, 0], classes=4).tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize(("ask", "words"), [
    (lambda: class_balanced_weights([3, 0], 0.9), "counts must hold at least two numbers >= 1"),
    (lambda: class_balanced_weights([3], 0.9), "at least two"),
    (lambda: class_balanced_weights([3, np.nan], 0.9), "at least two"),
    (lambda: class_balanced_weights([3, 1], 1.0), r"beta must lie in \[0, 1\), got 1.0"),
    (lambda: class_balanced_weights([3, 1], -0.1), "beta must lie"),
    (lambda: class_balanced_weights([3, 1], 0.9, normalise="mean"), "normalise must be one of"),
    (lambda: class_balanced_weights([3, 1], 0.0, normalise="mean"), "normalise must be one of"),
    (lambda: emphasised_weights([3, 1], 1, normalise="mean"), "normalise must be one of"),
    (lambda: class_balanced_weights([3.5, 1], 0.9), "whole"),
    (lambda: class_balanced_weights(["many", 1], 0.9), "counts must hold numbers"),
    (lambda: emphasised_weights([3, 1], np.inf), "emphasis must be positive and finite, got inf"),
    (lambda: emphasised_weights([3, 1], 0), "emphasis must be positive"),
    (lambda: rare_classes([3, 1], 0), r"rare_below must lie in \(0, 1\]"),
    (lambda: class_counts([0.5]), "whole class numbers"),
    (lambda: class_counts([3], classes=2), "y must lie in 0 to 1, got 3")])
def test_rejects_what_is_out_of_range(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()
