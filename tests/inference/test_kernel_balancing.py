"""Laws of the weights: identity, exactness, invariance, and what is refused."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from workbench.datasets import selected_pairs
from workbench.inference.kernel_balancing import BalanceInfeasible, KernelBalancer


def sample(n=800, seed=0):
    world = selected_pairs(n, rng=np.random.default_rng(seed))
    return (world.filter(regex="^x").to_numpy(), world["observed"].to_numpy(),
            world["loss"].to_numpy())


def test_identity_infinite_slack_is_the_mean_of_the_observed():
    X, seen, loss = sample()
    fit = KernelBalancer(slack=math.inf).fit(X, seen)
    np.testing.assert_allclose(fit.weights_, 1 / seen.sum(), rtol=1e-12)
    assert fit.estimate(loss).value == pytest.approx(loss[seen].mean(), abs=1e-12)
    assert fit.effective_size_ == pytest.approx(seen.sum())
    base = np.random.default_rng(0).uniform(1, 3, seen.sum())
    weighed = KernelBalancer(slack=math.inf, base_weights=base).fit(X, seen)
    np.testing.assert_allclose(weighed.weights_, base / base.sum(), rtol=1e-12)


@pytest.mark.parametrize("kernel", ["gaussian", "laplace"])
def test_matches_the_mean_of_whatever_the_functions_span(kernel):
    """The theory in one test: without slack, nothing in the span is biased."""
    X, seen, _ = sample(1500)
    fit = KernelBalancer(kernel, n_functions=15, slack=0.0, gamma="dimension").fit(X, seen)
    slopes = np.random.default_rng(1).normal(size=15)
    outcome = 3 + fit.functions_(X) @ slopes
    assert fit.estimate(outcome[seen]).value == pytest.approx(outcome.mean(), abs=1e-8)
    assert abs(outcome[seen].mean() - outcome.mean()) > 0.1


def test_matches_entropy_balancing_of_the_features_themselves():
    X, seen, _ = sample()
    fit = KernelBalancer(lambda items, centres: items @ centres.T, n_functions=12, slack=0.0)
    fit.fit(X, seen)
    G = X[seen] - X.mean(axis=0)

    def dual(slopes):
        amounts = np.exp(-G @ slopes)
        return np.log(amounts.sum()), -(G.T @ amounts) / amounts.sum()

    solved = minimize(dual, np.zeros(6), jac=True, method="BFGS", options={"gtol": 1e-11})
    amounts = np.exp(-G @ solved.x)
    np.testing.assert_allclose(fit.weights_, amounts / amounts.sum(), atol=1e-8)


@pytest.mark.parametrize("selection", ["random", "adaptive", "worst"])
def test_identity_units_of_the_features_change_nothing(selection):
    X, seen, loss = sample()
    fits = [KernelBalancer(selection=selection, n_functions=10).fit(items, seen, loss)
            for items in (X, X * [3, 0.01, 5, 1, 1e4, 2] + [0, 9, 0, -4, 1, 0],
                          X * [1e-200, 1e-12, 1, 1e155, 1e200, 1])]
    for other in fits[1:]:
        np.testing.assert_allclose(fits[0].weights_, other.weights_, atol=1e-8)


def test_identity_order_of_the_items_permutes_the_weights():
    """With functions at all items, so that none is drawn."""
    X, seen, _ = sample(60, seed=5)
    order = np.random.default_rng(0).permutation(60)
    fits = [KernelBalancer(n_functions=60, slack=0.5, gamma="dimension").fit(*each)
            for each in ((X, seen), (X[order], seen[order]))]
    back = np.empty(60)
    back[np.flatnonzero(seen)] = fits[0].weights_
    np.testing.assert_allclose(back[order][seen[order]], fits[1].weights_, atol=1e-8)


@pytest.mark.parametrize("selection", ["random", "adaptive", "worst"])
def test_matches_balance_as_promised(selection):
    X, seen, loss = sample()
    fit = KernelBalancer(selection=selection, n_functions=12, gamma="dimension").fit(X, seen, loss)
    table = fit.imbalance_
    assert len(table) == 12 + (selection != "random")
    assert table["after"].abs().max() <= 0.01 + 1e-8
    assert table["before"].abs().max() > 0.2
    again = fit.functions_(X[seen]).T @ fit.weights_ - fit.functions_(X).mean(axis=0)
    np.testing.assert_allclose(again, table["after"], atol=1e-9)
    held = fit.held_out(30, rng=np.random.default_rng(0))
    assert (held["after"] ** 2).mean() < (held["before"] ** 2).mean() / 4


def test_recovers_the_fitted_function_among_the_adaptive_ones():
    """One kernel that explains the loss is found and balanced."""
    X, seen, _ = sample(1000)
    probe = KernelBalancer(n_functions=100, gamma="dimension", slack=0.3).fit(X, seen)
    at = int(probe.centres_[7])
    loss = 5 * probe.functions_(X)[:, 7]
    fit = KernelBalancer(selection="adaptive", n_functions=3, n_candidates=1000, ridge=1e-9,
                         gamma="dimension").fit(X, seen, loss)
    assert fit.centres_[0] == at


def test_matches_nearly_uniform_weights_where_all_are_alike_to_be_seen():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 3))
    fit = KernelBalancer(n_functions=20).fit(X, rng.random(4000) < 0.5)
    assert fit.imbalance_["before"].abs().max() < 4 / math.sqrt(2000)
    assert np.abs(fit.weights_ * 2000 - 1).max() < 0.5
    assert fit.effective_size_ > 0.98 * len(fit.weights_)


def test_identity_sample_weights_stand_for_repeated_items():
    X, seen, _ = sample(300)
    twice = np.vstack([X, X[~seen]])
    marks = np.concatenate([seen, np.zeros((~seen).sum(), dtype=bool)])
    options = {"gamma": 0.1, "n_functions": 300, "slack": 0.2}
    repeated = KernelBalancer(**{**options, "n_functions": len(twice)}).fit(twice, marks)
    weighed = KernelBalancer(**options).fit(X, seen, sample_weight=np.where(seen, 1.0, 2.0))
    np.testing.assert_allclose(weighed.weights_, repeated.weights_, atol=1e-8)


def test_matches_scikit_learns_grammar():
    model = KernelBalancer(n_functions=7, slack=0.1)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert copy.set_params(slack=0.2).slack == 0.2
    X, seen, _ = sample()
    frame = pd.DataFrame(X)
    np.testing.assert_array_equal(model.fit(frame, seen).weights_, copy.set_params(
        slack=0.1).fit(X, seen.astype(int)).weights_)


@pytest.mark.parametrize(("options", "words"), [
    ({"slack": -1}, "slack must be at least 0"), ({"slack": math.nan}, "slack must be"),
    ({"slack": "small"}, "slack must be at least 0, got 'small'"),
    ({"n_functions": 0}, "n_functions must be a whole number of at least 1, got 0"),
    ({"n_functions": 2.5}, "n_functions must be a whole number of at least 1, got 2.5"),
    ({"n_functions": 801}, "n_functions must not exceed the 800 items, got 801"),
    ({"gamma": 0.0}, "gamma must be positive"), ({"gamma": math.inf}, "gamma must be positive"),
    ({"gamma": None}, "gamma must be positive and finite, got None"),
    ({"ridge": "small"}, "ridge must be positive, got 'small'"),
    ({"n_candidates": 2.5}, "n_candidates must be a whole number"),
    ({"gamma": "medium"}, "Did you mean 'median'"), ({"kernel": "gauss"}, "kernel must be one of"),
    ({"selection": "best"}, "selection must be one of"), ({"ridge": 0}, "ridge must be positive"),
    ({"selection": "adaptive"}, "error must hold the losses"),
    ({"base_weights": [1.0]}, "base_weights must have one entry"),
    ({"random_state": -1}, "seed must be a whole number"),
    ({"kernel": lambda a, _: a}, "kernel must give finite numbers of shape")])
def test_rejects_options(options, words):
    X, seen, _ = sample()
    with pytest.raises(ValueError, match=words):
        KernelBalancer(**options).fit(X, seen)


def test_rejects_data():
    X, seen, loss = sample()
    fit = KernelBalancer(n_functions=5)
    for items, marks, words in (
            (X, np.zeros(800), "got none of 800 items"), (X, np.ones(800), "got all 800 items"),
            (X[:5], seen, "X has 5"), (np.where(X > 3, np.nan, X), seen, "X must be finite"),
            (X[:, 0], seen, "row per item"), (X, seen + 1, "true or false"),
            (X, seen[:, None], r"observed must have one entry per item, got shape \(800, 1\)"),
            (X.astype(str) + "m", seen, "X must hold numbers, but could not convert")):
        with pytest.raises(ValueError, match=words):
            fit.fit(items, marks)
    with pytest.raises(NotFittedError):
        KernelBalancer().estimate(loss)
    with pytest.raises(ValueError, match="sample_weight must be >= 0 and above 0 somewhere"):
        fit.fit(X, seen, sample_weight=-np.ones(800))
    fit.fit(X, seen)
    for groups in (np.zeros(800), ["one"] * 800):
        with pytest.raises(ValueError, match="groups must be at least two"):
            fit.estimate(loss, groups=groups)
    with pytest.raises(ValueError, match="values must hold numbers"):
        fit.estimate(["a"] * 800)
    with pytest.raises(ValueError, match=r"values must have one number for each of .* observed"):
        fit.estimate(loss[:3])
    with pytest.raises(ValueError, match="values must be finite"):
        fit.estimate(np.full(800, np.nan))
    with pytest.raises(ValueError, match="imputed must have one number for each of 800"):
        fit.estimate(loss, imputed=loss[seen])
    with pytest.raises(BalanceInfeasible, match="Raise slack well above"):
        KernelBalancer(n_functions=300, slack=0.0, gamma=2.0).fit(X, seen)
