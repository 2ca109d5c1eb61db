"""Oracles: the theorems' own inequalities at their edge, brute force over transcripts."""

import itertools
import math

import numpy as np
import pytest

from workbench.inference import plan_thresholdout, sample_size, transfer
from workbench.inference.validity.bounds import (
    claims_bound,
    hoeffding_tau,
    majority_bias,
    most_beforehand,
    most_queries,
    published_claims_bound,
    split_tau,
)
from workbench.inference.validity.certificates import (
    certified_laplace,
    certified_thresholdout,
    tightest,
)
from workbench.inference.validity.composition import (
    advanced_epsilon,
    per_query_epsilon,
    zcdp_epsilon,
)


def max_information_holds(tau, n, epsilon, beta):
    """Failure chance of a fixed query, times what privacy lets through, stays below beta / 2."""
    told = epsilon**2 * n / 2 + epsilon * math.sqrt(n * math.log(4 / beta) / 2)
    return math.log(2) + told - 2 * n * tau**2 <= math.log(beta / 2) + 1e-9


@pytest.mark.parametrize(("n", "epsilon", "beta"), [
    (1000, 0.001, 0.05), (100_000, 0.01, 0.05), (2000, 1.0, 0.2), (10**7, 1e-4, 1e-6)])
def test_matches_the_inequalities_of_pure_privacy(n, epsilon, beta):
    found = transfer(n, epsilon, beta=beta)
    first = epsilon <= found.tau / 2 and n >= 12 * math.log(4 / beta) / found.tau**2 * (1 - 1e-9)
    second = max_information_holds(found.tau, n, epsilon, beta)
    assert first or second
    less = 0.999 * found.tau
    assert not (epsilon <= less / 2 and n >= 12 * math.log(4 / beta) / less**2)
    assert not max_information_holds(less, n, epsilon, beta)


@pytest.mark.parametrize("beta", [0.5, 0.05, 1e-6, 1e-12])
def test_matches_t1_to_what_max_information_implies(beta):
    """At T1's own epsilon and n, max-information proves T1's conclusion with room to spare."""
    tau = 0.1
    n = sample_size(tau, beta=beta)
    assert max_information_holds(tau, n, tau / 2, beta)
    assert transfer(n, tau / 2, beta=beta).tau <= tau


def test_matches_the_inequalities_of_approximate_privacy():
    tau, beta = 0.1, 0.05
    n, delta = sample_size(tau, beta=beta, pure=False), math.exp(-4 * math.log(8 / beta) / tau)
    found = transfer(n, tau / 4, delta, beta=beta)
    assert found.theorem == "T2"
    assert found.tau == pytest.approx(tau, rel=1e-6)
    assert transfer(n, 0.3, delta, beta=beta).tau == pytest.approx(1.2)
    assert transfer(n, tau / 4, 1e-3, beta=beta).tau > 0.1


def test_matches_a_union_over_queries():
    assert transfer(5000, 0.01, beta=0.05, queries=10).tau == pytest.approx(
        transfer(5000, 0.01, beta=0.005).tau)
    assert split_tau(1000, queries=10) == pytest.approx(hoeffding_tau(100, queries=10))
    assert split_tau(5, queries=10) == math.inf


def test_matches_affordable_queries_by_trying_all():
    tried = [m for m in range(1, 3001) if split_tau(3000, queries=m) <= 0.1]
    assert most_queries(3000, 0.1) == max(tried)
    assert most_queries(50, 0.1) == 0
    most = most_beforehand(1000, 0.1)
    assert hoeffding_tau(1000, queries=int(most)) <= 0.1 < hoeffding_tau(1000,
                                                                         queries=int(most) + 2)


@pytest.mark.parametrize("budget", [1, 2, 3, 5])
def test_matches_transcripts_by_brute_force(budget):
    for asked in range(1, 9):
        running = sum(sum(answers) < budget
                      for answers in itertools.product((0, 1), repeat=asked - 1))
        assert claims_bound(asked, budget) == running
        assert claims_bound(asked, budget) <= published_claims_bound(asked, budget)
        assert claims_bound(asked, budget) <= asked**budget


def test_identity_one_query_costs_what_it_costs():
    assert per_query_epsilon(0.7, 1) == per_query_epsilon(0.7, 1, 1e-6) == 0.7
    assert per_query_epsilon(0.7, 10) == pytest.approx(0.07)


def test_matches_composition_formulas():
    assert advanced_epsilon(0.1, 50, 1e-5) == pytest.approx(
        0.1 * math.sqrt(2 * 50 * math.log(1e5)) + 50 * 0.1 * (math.exp(0.1) - 1))
    for queries in (200, 1000, 10_000):
        each = per_query_epsilon(1.0, queries, 1e-6)
        assert each > 1 / queries
        assert advanced_epsilon(each, queries, 1e-6) == pytest.approx(1.0)
    assert zcdp_epsilon(0.5, 1e-5) == pytest.approx(0.5 + 2 * math.sqrt(0.5 * math.log(1e5)))


def test_matches_monotony_in_the_number_of_queries():
    for delta in (0.0, 1e-6):
        each = [per_query_epsilon(1.0, m, delta) for m in range(1, 400, 7)]
        assert all(high > low for high, low in itertools.pairwise(each))
    assert majority_bias(2000, 500) == pytest.approx(0.155, abs=5e-4)
    assert majority_bias(2000, 2000) == pytest.approx(0.288, abs=5e-4)
    assert majority_bias(2000, 8000) == pytest.approx(0.445, abs=5e-4)


def test_recovers_a_certificate_that_no_other_setting_beats():
    best = tightest(10**5, 50).tau
    assert best <= min(certified_laplace(10**5, 50, epsilon).tau
                       for epsilon in np.geomspace(1e-4, 1, 200)) * 1.001
    threshold, sigma, found = plan_thresholdout(10**6, 100, 5)
    assert found.tau == certified_thresholdout(10**6, 100, 5, threshold, sigma).tau
    for factor in (0.5, 2.0):
        moved = threshold + 6 * (factor - 1) * sigma * math.log(100 / 0.05)
        assert certified_thresholdout(10**6, 100, 5, moved, factor * sigma).tau > 0.98 * found.tau


@pytest.mark.parametrize(("call", "words"), [
    (lambda: transfer(0, 0.1), "n must be a whole number of at least 1, got 0"),
    (lambda: transfer(10, -0.1), "epsilon must be 0 or more, got -0.1"),
    (lambda: transfer(10, 0.1, 1.0), r"delta must lie in \[0, 1\), got 1.0"),
    (lambda: transfer(10, 0.1, beta="5%"), "beta must lie strictly between 0 and 1, got '5%'"),
    (lambda: plan_thresholdout(10, 5, 5, beta=1), "beta must lie strictly between 0 and 1, got 1"),
    (lambda: certified_laplace(10, 5, 1.0, beta=0), "beta must lie strictly between 0 and 1"),
    (lambda: hoeffding_tau(0), "n must be a whole number of at least 1, got 0"),
    (lambda: zcdp_epsilon(-1.0, 0.1), "rho must be 0 or more, got -1.0"),
    (lambda: transfer(10, 0.1, beta=0), "beta must lie strictly between 0 and 1, got 0"),
    (lambda: sample_size(0), "tau must be positive"),
    (lambda: advanced_epsilon(0.1, 5, 0.0), "delta must lie strictly between 0 and 1"),
    (lambda: per_query_epsilon(1.0, 5, 1.0), r"delta must lie in \[0, 1\)"),
    (lambda: per_query_epsilon(-1.0, 5), "epsilon must be positive and finite, got -1.0"),
    (lambda: per_query_epsilon(1.0, 0), "queries must be a whole number of at least 1, got 0"),
    (lambda: zcdp_epsilon(1.0, 0.0), "delta must lie strictly")])
def test_rejects_what_has_no_meaning(call, words):
    with pytest.raises(ValueError, match=words):
        call()
