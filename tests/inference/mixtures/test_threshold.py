"""Oracle: every network of a small class, one by one, and the published table."""

import itertools
import math

import numpy as np
import pytest

from workbench.inference.mixtures import threshold
from workbench.inference.mixtures.bounds import soft_log_weight
from workbench.inference.universal_mixture import FiniteMixture

# hidden units: log10 of the class, weights and regrets of constant, x1, AND, XOR
PUBLISHED = {2: (4.3, (.3793, .0430, .0335, .00274), (.95, 3.08, 3.31, 5.62)),
             4: (8.1, (.2819, .0515, .0394, .00858), (1.23, 2.89, 3.15, 4.58)),
             16: (31.0, (.1714, .0633, .0476, .01777), (1.72, 2.69, 2.96, 3.89)),
             32: (61.5, (.1466, .0662, .0505, .01973), None)}


@pytest.mark.parametrize("hidden", [1, 2])
def test_matches_enumeration_of_all_networks(hidden):
    points = list(itertools.product((-1, 1), repeat=2))
    units = [tuple(v * (1 if w1 * a + w2 * b + c >= 0 else -1) for a, b in points)
             for w1, w2, c, v in itertools.product((-1, 0, 1), repeat=4)]
    counts = {}
    for chosen in itertools.product(units, repeat=hidden):
        for bias in (-1, 0, 1):
            signs = tuple(1 if sum(unit[at] for unit in chosen) + bias >= 0 else -1
                          for at in range(4))
            counts[signs] = counts.get(signs, 0) + 1
    total = 3 ** (4 * hidden + 1)
    found = threshold.function_weights(hidden)
    expected = [counts.get(tuple(row), 0) / total for row in threshold.FUNCTIONS]
    np.testing.assert_allclose(found, expected, atol=1e-14)
    assert sum(counts.values()) == total


@pytest.mark.parametrize("hidden", PUBLISHED)
def test_matches_the_published_table(hidden):
    size, weights, regrets = PUBLISHED[hidden]
    assert threshold.log10_class_size(hidden) == pytest.approx(size, abs=0.05)
    found = threshold.function_weights(hidden)
    own = [found[place] for place in threshold.TARGETS.values()]
    np.testing.assert_allclose(own, weights, atol=6e-5)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    for target, expected in zip(threshold.TARGETS, regrets or (), strict=False):
        measured = threshold.expected_regret(found, target, 30, 0.1,
                                             rng=np.random.default_rng(0))
        assert measured.value == pytest.approx(expected, abs=0.04)


def test_matches_one_unit_that_cannot_compute_xor():
    weights = threshold.function_weights(1)
    assert weights[threshold.TARGETS["XOR"]] == 0
    assert (weights > 0).sum() == 14
    with np.errstate(divide="ignore"):
        soft = -soft_log_weight(np.log(weights), threshold.divergences("XOR", 0.1), 30)
    assert math.isfinite(soft)


@pytest.mark.parametrize("target", threshold.TARGETS)
def test_matches_regret_to_sequences_and_under_its_bounds(target):
    rng, weights = np.random.default_rng(1), threshold.function_weights(4)
    measured = threshold.expected_regret(weights, target, 12, 0.2, rng=rng)
    place = threshold.TARGETS[target]
    mixture, found = FiniteMixture(np.log(weights)), []
    for _ in range(1500):
        labels, at = threshold.simulated(target, 12, 0.2, rng=rng)
        path = mixture.follow(threshold.loglik(labels, at, 0.2))
        found.append(path.regret()[-1, place])
    error = np.std(found) / math.sqrt(len(found))
    assert np.mean(found) == pytest.approx(measured.value, abs=4 * math.hypot(error,
                                                                              measured.stderr))
    soft = -soft_log_weight(np.log(weights), threshold.divergences(target, 0.2), 12)
    assert measured.value <= soft + 4 * measured.stderr
    assert soft <= -math.log(weights[place]) + 1e-12


def test_recovers_a_price_that_does_not_grow_with_the_class():
    rng, regrets = np.random.default_rng(2), []
    for hidden in (2, 8, 32):
        weights = threshold.function_weights(hidden)
        regrets.append(threshold.expected_regret(weights, "XOR", 30, 0.1, rng=rng).value)
    assert regrets[0] > regrets[1] > regrets[2]


def test_matches_divergence_to_the_definition():
    flip = 0.1
    chance = np.where(threshold.FUNCTIONS == 1, 1 - flip, flip)
    own = chance[threshold.TARGETS["AND"]]
    expected = (own * np.log(own / chance) + (1 - own) * np.log((1 - own) / (1 - chance))).mean(1)
    np.testing.assert_allclose(threshold.divergences("AND", flip), expected, atol=1e-12)
    assert threshold.name_of(threshold.TARGETS["x1"]) == "x1"
    assert len({threshold.name_of(place) for place in range(16)}) == 16


def test_rejects_sizes_and_shares():
    with pytest.raises(ValueError, match=r"hidden must be a whole number in \[1, 64\], got 65"):
        threshold.function_weights(65)
    with pytest.raises(ValueError, match="flip must lie strictly between 0"):
        threshold.divergences("XOR", 0.5)
    with pytest.raises(ValueError, match=r"hidden must be a whole number in \[1, 64\], got '4'"):
        threshold.function_weights("4")
    with pytest.raises(ValueError, match="labels must be -1 or 1, got"):
        threshold.loglik(np.array([0, 1]), np.array([0, 1]), 0.1)
    with pytest.raises(ValueError, match="n must be a whole number"):
        threshold.expected_regret(np.full(16, 1 / 16), "XOR", 2.5, 0.1,
                                  rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="Did you mean 'XOR'"):
        threshold.divergences("XORR", 0.1)
