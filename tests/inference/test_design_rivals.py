"""Oracles: the losses of prediction-powered inference minimised by SciPy; statsmodels."""

import numpy as np
import pytest
from scipy.optimize import minimize

from tests.inference.design_worlds import hc0, world
from workbench.core import generator
from workbench.inference import ppi
from workbench.inference.design.rivals import _best_power, _estimate
from workbench.inference.design.trials import METHODS, trials
from workbench.inference.design_based import DSLRegression

Y = {"predicted": ["y"], "surrogate": ["y_llm"], "g": "surrogate"}


def arrays(binary):
    table = world(binary=binary, n=1200, labelled=300)
    X = np.column_stack([np.ones(1200), table[["x", "z"]]])
    held = table["y"].notna().to_numpy()
    return X, table["y"].fillna(0).to_numpy(), table["y_llm"].to_numpy(), held, table


def rectified(theta, X, y, predicted, held, power, *, everywhere=False):
    """The loss whose minimiser is the prediction-powered logit."""
    line = X @ theta
    own, guess = (np.logaddexp(0, line) - each * line for each in (y, predicted))
    others = slice(None) if everywhere else ~held
    return (power * guess[others].mean() + own[held].mean() - power * guess[held].mean())


def minimised(*given, **more):
    return minimize(lambda theta: rectified(theta, *given, **more), np.zeros(3), method="BFGS",
                    options={"gtol": 1e-10}).x


@pytest.mark.parametrize("power", [0.0, 0.4, 1.0])
def test_matches_the_minimiser_of_the_rectified_loss(power):
    X, y, predicted, held, _ = arrays(binary=True)
    found = ppi(X, y, predicted, held, model="logit", power=power)
    np.testing.assert_allclose(found.theta, minimised(X, y, predicted, held, power), atol=1e-6)


def test_identity_power_zero_is_the_regression_on_gold_labels():
    for binary in (False, True):
        X, y, predicted, held, _ = arrays(binary)
        found = ppi(X, y, predicted, held, model="logit" if binary else "ols", power=0.0)
        right = hc0(y[held], X[held], logit=binary)
        np.testing.assert_allclose(found.theta, right.params, atol=1e-8)
        p = right.predict(X)
        inverse = np.linalg.inv((X.T * (p * (1 - p) if binary else 1.0)) @ X / len(X))
        spread = np.cov((X * (y - p)[:, None])[held].T)
        np.testing.assert_allclose(
            found.se, np.sqrt(np.diag(inverse @ spread @ inverse) / held.sum()), rtol=1e-7)


def test_matches_dsl_at_power_one_over_all_rows():
    X, y, predicted, held, table = arrays(binary=True)
    fit = DSLRegression("logit", **Y).fit("y ~ x + z", table)
    right = minimised(X, y, predicted, held, 1.0, everywhere=True)
    np.testing.assert_allclose(fit.params, right, atol=1e-6)


@pytest.mark.parametrize("binary", [False, True])
def test_matches_the_best_power_on_a_grid(binary):
    """The power makes the trace of the variance least at the estimate of power one."""
    X, y, predicted, held, _ = arrays(binary)
    theta = _estimate(X, y, predicted, held, 1.0, logit=binary)
    best = _best_power(theta, X, y, predicted, held, logit=binary)
    line = X @ theta
    p = 1 / (1 + np.exp(-line)) if binary else line
    gold, guess = X * (p - y)[:, None], X * (p - predicted)[:, None]
    slope = p * (1 - p) if binary else np.ones(len(p))
    inverse = np.linalg.inv((X.T * slope) @ X / len(X))
    n, more = held.sum(), (~held).sum()

    pairs = np.cov(gold[held].T, guess[held].T, ddof=0)[:3, 3:]
    spread = np.cov(guess.T)

    def trace(power):       # all but the part without the power
        return np.trace(inverse @ (power ** 2 * (1 + n / more) * spread
                                   - power * (pairs + pairs.T)) @ inverse)

    grid = np.linspace(0, 1, 1001)
    assert best == pytest.approx(grid[np.argmin([trace(power) for power in grid])], abs=1e-3)


def test_matches_surrogate_and_gold_to_statsmodels():
    X, y, predicted, held, table = arrays(binary=True)
    own = DSLRegression("logit", **Y).fit("y ~ x + z", table).compare().set_index("method")
    for method, right in (("gold only", hc0(y[held], X[held], logit=True)),
                          ("surrogate only", hc0(predicted, X, logit=True))):
        np.testing.assert_allclose(own.loc[method, "estimate"], right.params, atol=1e-8)
        np.testing.assert_allclose(own.loc[method, "se"], right.bse, atol=1e-8)


def test_matches_prediction_powered_rows_where_they_apply():
    X, y, predicted, held, table = arrays(binary=True)
    own = DSLRegression("logit", **Y).fit("y ~ x + z", table).compare().set_index("method")
    right = ppi(X, y, predicted, held, model="logit")
    np.testing.assert_allclose(own.loc["PPI++", "estimate"], right.theta, atol=1e-10)
    np.testing.assert_allclose(own.loc["PPI++", "se"], right.se, atol=1e-10)
    for options, formula in (({"cluster": "unit"}, "y ~ x"), ({}, "x ~ y")):
        other = DSLRegression(**Y, **options).fit(formula, table)
        assert set(other.compare()["method"]) == {"surrogate only", "gold only", "DSL"}


def test_recovers_coverage_of_every_method_in_a_few_worlds():
    table = trials([0.88, 1.0], 30, rng=generator(0), n=1000, labelled=300)
    assert set(table["method"]) == set(METHODS)
    exact = table[(table["accuracy"] == 1) & (table["method"] == "surrogate only")]
    assert (exact["coverage"] > 0.95 - 4 * (0.05 * 0.95 / 30) ** 0.5).all()
    assert (exact["bias"].abs() < 4 * exact["bias_error"]).all()


@pytest.mark.slow
def test_recovers_coverage_of_dsl_and_not_of_surrogates():
    """Two hundred worlds of 3,000 documents with 500 labels, seed 1."""
    table = trials([0.88], 200, rng=generator(1)).set_index(["method", "term"])
    covered, bias = table["coverage"], table["bias"].abs()
    assert covered["DSL"].between(0.90, 0.98).all()
    assert (covered["surrogate only"] < 0.8).all()
    assert (bias["DSL"] < 4 * table.loc["DSL", "bias_error"]).all()
    rmse = table["rmse"]
    assert (rmse["DSL"] < rmse["gold only"]).all()
    assert (rmse["DSL"] < rmse["surrogate only"])["x1"]


@pytest.mark.slow
def test_recovers_unequal_probabilities_that_must_not_be_ignored():
    """Documents of y = 1 are drawn four times as often; 200 worlds."""
    errors = {"pi": [], None: []}
    for seed in range(200):
        table, rng = world(n=1000, binary=True, seed=seed), np.random.default_rng(seed)
        chance = np.where(table["y_llm"] == 1, 0.4, 0.1)
        table = table.assign(pi=chance, y=table["truth"].where(rng.random(1000) < chance),
                             y_llm=1.0 - table["y_llm"] * 0.5)
        for name, found in errors.items():
            fit = DSLRegression("mean", sample_prob=name, **Y).fit("y ~ 1", table)
            found.append((fit.params["mean"] - table["truth"].mean(), fit.bse["mean"]))
    right, wrong = (np.array(errors[name]) for name in ("pi", None))
    assert abs(right[:, 0].mean()) < 4 * right[:, 0].std() / 200 ** 0.5
    assert abs(wrong[:, 0].mean()) > 10 * wrong[:, 0].std() / 200 ** 0.5
    assert (np.abs(wrong[:, 0]) < 1.96 * wrong[:, 1]).mean() < 0.5


def test_recovers_the_same_coefficients_from_any_shift_of_predictions():
    """A constant added to predicted outcomes moves estimates by chance only, on average none."""
    moved = []
    for seed in range(40):
        table = world(seed=seed)
        here, there = (DSLRegression(**Y).fit("y ~ x", rows).params for rows in (
            table, table.assign(y_llm=table["y_llm"] + 1)))
        moved.append(here - there)
    moved = np.array(moved)
    assert (moved.std(axis=0) > 0.01)[1]
    assert (np.abs(moved.mean(axis=0)) < 4 * moved.std(axis=0) / 40 ** 0.5 + 1e-12).all()
