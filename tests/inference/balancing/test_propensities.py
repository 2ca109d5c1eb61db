"""Propensities beside statsmodels and Bayes' rule, and risks that are right on average."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit
from sklearn.exceptions import NotFittedError

from workbench.inference.balancing.propensities import (
    PropensityLogistic,
    naive_bayes_propensity,
)
from workbench.inference.balancing.risks import dr_risk, ips_risk, snips


def world(n=4000, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    chance = expit(-1 + x[:, 0])
    return x, chance, rng.random(n) < chance, 1 + x[:, 0] + rng.normal(size=n)


def test_matches_bayes_rule_by_counting():
    rng = np.random.default_rng(0)
    ratings = rng.integers(1, 6, 20_000)
    seen = rng.random(20_000) < ratings / 20
    drawn = ratings[:4000]
    found = naive_bayes_propensity(ratings[seen], drawn, seen.sum(), 20_000)
    for value in range(1, 6):
        share = ((ratings == value) & seen).sum() / 20_000 / (drawn == value).mean()
        assert found[ratings[seen] == value] == pytest.approx(share, abs=1e-12)
    assert np.abs(found - ratings[seen] / 20).max() < 0.03


def test_identity_all_observed_is_certain():
    np.testing.assert_array_equal(naive_bayes_propensity([0, 1, 1], [0, 1, 1], 3, 3), 1)


@pytest.mark.parametrize(("args", "words"), [
    (([1, 5], [1, 1], 2, 10), "got none of 5 among 2"), (([1], [1], 3, 2), "n_obs must lie"),
    (([1], [1], 0, 2), "n_obs must lie"), (([np.nan], [1], 1, 2), "y_obs must be finite"),
    (([1], [], 1, 2), "with 1 and 0 ratings"), (([1], [1], "1", 2), "n_obs must lie"),
    ((["good"], [1], 1, 2), "y_obs must hold numbers")])
def test_rejects_impossible_counts(args, words):
    with pytest.raises(ValueError, match=words):
        naive_bayes_propensity(*args)


def test_matches_statsmodels_without_a_penalty():
    x, _, seen, _ = world()
    found = PropensityLogistic(0.0).fit(x, seen).predict(x)
    plain = sm.Logit(seen.astype(float), sm.add_constant(x)).fit(disp=0)
    np.testing.assert_allclose(found, plain.predict(sm.add_constant(x)), atol=1e-7)


def test_matches_statsmodels_with_squares_and_products():
    x, _, seen, _ = world(1500)
    found = PropensityLogistic(0.0, quadratic=True).fit(x, seen).predict(x)
    terms = np.column_stack([np.ones(len(x)), x, x ** 2, x[:, 0] * x[:, 1]])
    plain = sm.Logit(seen.astype(float), terms).fit(disp=0)
    np.testing.assert_allclose(found, plain.predict(terms), atol=1e-7)


def test_identity_an_endless_penalty_leaves_the_share():
    x, _, seen, _ = world()
    np.testing.assert_allclose(PropensityLogistic(1e9).fit(x, seen).predict(x), seen.mean(),
                               atol=1e-7)
    with pytest.raises(ValueError, match="penalty must be finite and at least 0"):
        PropensityLogistic(-1.0)


def test_recovers_the_risk_with_true_propensities():
    """Unbiased over selections, whatever the imputation says."""
    x, chance, _, loss = world()
    guess = 3 * x[:, 1] - 5                               # far off
    rng = np.random.default_rng(1)
    found = []
    for _ in range(300):
        seen = rng.random(len(loss)) < chance
        own, far = chance[seen], 1 / chance[seen]
        found.append((ips_risk(loss[seen], own, len(loss)), snips(loss[seen], own),
                      dr_risk(loss[seen], guess, seen, far)))
    each = np.array(found)
    error = each.std(axis=0) / np.sqrt(len(each))
    assert (np.abs(each.mean(axis=0) - loss.mean()) < 4 * error).all()


def test_matches_dr_with_perfect_imputation_for_any_weights():
    _, _, seen, loss = world()
    weights = np.random.default_rng(0).exponential(size=seen.sum())
    assert dr_risk(loss[seen], loss, seen, weights) == pytest.approx(loss.mean(), abs=1e-12)
    assert dr_risk(loss[seen], 0 * loss, seen, weights) == pytest.approx(
        weights @ loss[seen] / len(loss))


@pytest.mark.parametrize("chance", [0.0, -0.1, 1.1])
def test_rejects_propensities_outside_the_unit_interval(chance):
    for risk in (lambda p: ips_risk([1.0], p, 2), lambda p: snips([1.0], p)):
        with pytest.raises(ValueError, match="propensity must lie above 0 and not above 1"):
            risk([chance])
    with pytest.raises(ValueError, match="propensity must be finite"):
        snips([1.0], [np.nan])
    for call, words in ((lambda: snips([], []), "losses must have one number per observed item"),
                        (lambda: ips_risk([1.0, 2.0], [0.5, 0.5], 1), "n must be a whole number"),
                        (lambda: dr_risk([1.0], [0.5, 2.0], [True, False], [-2.0]), "weights mus"),
                        (lambda: dr_risk([1.0], [0.5, 2.0], ["yes", "no"], [2.0]), "true or fal"),
                        (lambda: PropensityLogistic(np.inf), "penalty must be finite")):
        with pytest.raises(ValueError, match=words):
            call()


def test_rejects_other_features_than_those_of_the_fit():
    X, _, seen, _ = world()
    model = PropensityLogistic()
    with pytest.raises(NotFittedError):
        model.predict(X)
    model.fit(X, seen)
    with pytest.raises(ValueError, match=f"X must have {X.shape[1]} features, as in fit"):
        model.predict(X[:, :1])
    with pytest.raises(ValueError, match="X must be finite"):
        model.predict(X * np.nan)
