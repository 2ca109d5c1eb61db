"""Oracles: numpy's own means and Laplace and normal laws; hand-made parts."""

import numpy as np
import pytest
from scipy import stats

from workbench.inference import (
    BudgetExhaustedError,
    EmpiricalMechanism,
    GaussianMechanism,
    LaplaceMechanism,
    SparseValidate,
    SplitMechanism,
    Thresholdout,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def told(mechanism, values, count):
    answers = mechanism.answer_batch(np.tile(values, (count, 1)))
    return np.array([answer.value for answer in answers])


def test_identity_the_plain_holdout_tells_exact_means(rng):
    x = rng.random(100)
    asked = EmpiricalMechanism(x)
    assert asked.answer(lambda rows: rows**2).value == pytest.approx(np.mean(x**2))
    assert not asked.certify(0.1).holds
    assert "exact means" in asked.certify(0.1).theorem


def test_matches_fresh_rows_to_parts_of_the_rows(rng):
    x = rng.random(103)
    asked = SplitMechanism(x, 10)
    answers = [asked.answer(lambda rows: rows).value for _ in range(10)]
    np.testing.assert_allclose(answers, x[:100].reshape(10, 10).mean(axis=1))
    with pytest.raises(BudgetExhaustedError, match="All 10 answers of the budget are spent"):
        asked.answer(lambda rows: rows)
    assert asked.certify(0.5).tau == pytest.approx(np.sqrt(np.log(2 * 10 / 0.05) / 20))
    assert asked.ledger.tau() == asked.certify(0.5).tau
    assert asked.ledger.epsilon == np.inf                        # exact means are not private


def test_matches_laplace_noise_to_its_scale_and_cost():
    asked = LaplaceMechanism(2, queries=100_000, epsilon=4e6, rng=np.random.default_rng(1))
    assert asked.scale == pytest.approx(1 / (2 * 40))
    noise = told(asked, np.array([0.5, 0.5]), 100_000) - 0.5
    assert stats.kstest(noise, stats.laplace(scale=1 / 80).cdf).pvalue > 1e-3
    assert np.std(noise) == pytest.approx(np.sqrt(2) / 80, rel=0.02)
    assert asked.ledger.epsilon == pytest.approx(4e6)
    assert asked.ledger.remaining == 0


def test_matches_advanced_composition_in_the_ledger(rng):
    asked = LaplaceMechanism(1000, queries=500, epsilon=1.0, delta=1e-6, rng=rng)
    told(asked, np.full(1000, 0.5), 500)
    assert asked.ledger.epsilon == pytest.approx(1.0)
    assert asked.ledger.delta == 1e-6
    assert asked.scale < 1 / (1000 * (1.0 / 500))


def test_matches_normal_noise_to_its_spread_and_cost():
    asked = GaussianMechanism(2, sigma=0.05, queries=100_000, rng=np.random.default_rng(2))
    noise = told(asked, np.array([0.5, 0.5]), 100_000) - 0.5
    assert stats.kstest(noise, stats.norm(scale=0.05).cdf).pvalue > 1e-3
    rho = 100_000 / (2 * 2**2 * 0.05**2)
    assert asked.ledger.rho == pytest.approx(rho)
    assert asked.ledger.epsilon == pytest.approx(rho + 2 * np.sqrt(rho * np.log(1e6)))
    assert asked.ledger.delta == 1e-6


def test_matches_answers_to_their_range(rng):
    asked = GaussianMechanism(np.zeros(10), sigma=5.0, value_range=(-1, 3), rng=rng)
    answers = [asked.answer(lambda rows: rows).value for _ in range(50)]
    assert min(answers) == -1
    assert max(answers) == 3


def test_matches_sparse_validation_until_failures_are_spent():
    asked = SparseValidate(np.array([0.0, 1.0]), budget=2)
    failing = [False, True, False, False, True]
    answers = [asked.answer(lambda _, bad=bad: bad).value for bad in failing]
    assert answers == [float(bad) for bad in failing]
    assert asked.ledger.remaining == 0
    with pytest.raises(BudgetExhaustedError, match="All 2 failures"):
        asked.answer(lambda _: False)
    assert SparseValidate(np.zeros(3), budget=1).chance(0.01) == pytest.approx(0.01)
    assert asked.chance(0.01) == pytest.approx(0.01 * (1 + 6))    # asked 6 times: comb(6, 0..1)


def test_rejects_a_claim_that_is_no_claim():
    asked = SparseValidate(np.zeros(3), budget=1)
    with pytest.raises(ValueError, match="claim must be a function of the rows, got "):
        asked.answer(0.5)
    with pytest.raises(ValueError, match="beta must lie strictly between 0 and 1, got -1"):
        asked.chance(-1)
    with pytest.raises(ValueError, match=r"claim must give true or false, got 0\.5"):
        SparseValidate(np.zeros(3), budget=1).answer(lambda _: 0.5)


SECRET_ROWS = np.random.default_rng(9).random(100)
SECRET = float(SECRET_ROWS.mean())


def secrets_in(thing, depth=3):
    """Public names of an object, and below, under which a number close to the secret stands."""
    found = []
    for name in (name for name in dir(thing) if not name.startswith("_")):
        value = getattr(thing, name)
        if isinstance(value, float) and abs(value - SECRET) < 1e-6:
            found.append(name)
        if isinstance(value, np.ndarray | list) and np.asarray(value).dtype.kind == "f" and (
                np.isclose(value, SECRET).any()):
            found.append(name)
        if depth and type(value).__module__.startswith("workbench"):
            found += [f"{name}.{each}" for each in secrets_in(value, depth - 1)]
    return found


@pytest.mark.parametrize("make", [
    lambda rows, rng: GaussianMechanism(rows, 0.1, rng=rng),
    lambda rows, rng: LaplaceMechanism(rows, 5, rng=rng),
    lambda rows, _: SplitMechanism(rows, 5),
    lambda rows, rng: Thresholdout(np.full(100, 0.9), rows, threshold=0.1, rng=rng)])
def test_rejects_every_public_way_to_the_exact_mean(make, rng):
    asked = make(SECRET_ROWS, rng)
    answer = asked.answer(lambda x: x)
    assert secrets_in(asked) == []
    assert secrets_in(answer) == []
    assert f"{SECRET:.6f}" not in f"{asked!r} {asked.ledger!r} {vars(asked.ledger)}"
    assert not np.isclose(asked.ledger.table()["answer"], SECRET).any()
    shown = asked.reveal()
    assert shown["exact"].tolist() == pytest.approx([SECRET])
    with pytest.raises(BudgetExhaustedError, match="The exact means were revealed"):
        asked.answer(lambda x: x)


def test_rejects_the_generator_of_the_analyst_as_that_of_the_noise():
    """Who made the generator cannot draw the same noise from it."""
    mine, copy = np.random.default_rng(5), np.random.default_rng(5)
    asked = GaussianMechanism(10, 0.1, rng=mine)
    noise = asked.answer(np.full(10, 0.5), "values").value - 0.5
    assert not np.isclose(copy.normal(0, 0.1, 100), noise).any()


@pytest.mark.parametrize(("make", "words"), [
    (lambda _: SplitMechanism(5, 6), "queries must lie between 1 and the 5 rows, got 6"),
    (lambda rng: LaplaceMechanism(5, 3, -1.0, rng=rng), "epsilon must be positive and fin"),
    (lambda rng: GaussianMechanism(5, 0.0, rng=rng), "sigma must be positive and finite, got 0"),
    (lambda _: EmpiricalMechanism([]), "holdout must have rows, got 0"),
    (lambda _: EmpiricalMechanism((np.zeros(3), np.zeros(4))), "one entry per row each"),
    (lambda _: EmpiricalMechanism(5, 0), "queries must be a whole number of at least 1, got 0"),
    (lambda rng: LaplaceMechanism(5, 2.5, rng=rng), "queries must be a whole number .* got 2.5"),
    (lambda _: SplitMechanism(5, 2.5), "queries must be a whole number of at least 1, got 2.5"),
    (lambda rng: GaussianMechanism(5, 0.1, float("inf"), rng=rng), "queries must be a whole"),
    (lambda rng: GaussianMechanism(5, 0.1, delta=1, rng=rng), r"delta must lie in \[0, 1\)"),
    (lambda _: SparseValidate(np.zeros(3), 2.5), "budget must be a whole number .* got 2.5"),
    (lambda _: SparseValidate(np.zeros(3), 0), "budget must be a whole number of at least 1")])
def test_rejects_settings(make, words, rng):
    with pytest.raises(ValueError, match=words):
        make(rng)
