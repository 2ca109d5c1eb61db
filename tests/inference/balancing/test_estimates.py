"""The interval: statsmodels' leave-one-out errors, known limits, and coverage by simulation."""

import numpy as np
import pytest
import statsmodels.api as sm

from workbench.datasets import selected_pairs
from workbench.inference.balancing.estimates import weighted_mean
from workbench.inference.balancing.imputation import kernel_imputation
from workbench.inference.balancing.trials import coverage_trials
from workbench.inference.kernel_balancing import KernelBalancer


def fitted(n=1200, seed=0, **options):
    world = selected_pairs(n, rng=np.random.default_rng(seed))
    X, seen = world.filter(regex="^x").to_numpy(), world["observed"].to_numpy()
    loss = world["loss"].to_numpy()
    options = {"n_functions": 12, "gamma": "dimension", **options}
    return KernelBalancer(**options).fit(X, seen, loss), X, seen, loss


def test_matches_statsmodels_errors_of_a_weighted_regression():
    fit, _, seen, loss = fitted(slack=0.0)
    whole = sm.WLS(loss[seen], sm.add_constant(fit.values_), weights=fit.weights_).fit(
        cov_type="HC3")
    found = weighted_mean(loss[seen], fit.weights_, len(seen), balanced=fit.values_)
    assert found.value == pytest.approx(whole.params[0], abs=1e-9)
    assert found.bse["mean"] == pytest.approx(whole.bse[0], rel=1e-9)
    assert fit.estimate(loss).bse["mean"] < found.bse["mean"]      # these items are known


def test_matches_statsmodels_with_uniform_weights():
    y = np.random.default_rng(0).exponential(size=50)
    found = weighted_mean(y, np.full(50, 0.02), 10**9)
    plain = sm.OLS(y, np.ones(50)).fit(cov_type="HC3")
    assert found.bse["mean"] == pytest.approx(plain.bse[0], rel=1e-9)
    low, high = found.conf_int(0.1).loc["mean"]
    np.testing.assert_allclose([low, high], plain.conf_int(0.1)[0], rtol=1e-9)
    single = weighted_mean(y, np.full(50, 0.02), 10**9, groups=np.arange(50))
    assert single.bse["mean"] == pytest.approx(plain.bse[0] * np.sqrt(50 / 49), rel=1e-9)


def test_matches_finite_populations():
    """Of all items nothing is left to err; of half of them, half of the variance."""
    y = np.random.default_rng(0).normal(size=40)
    whole = weighted_mean(y, np.full(40, 1 / 40), 40, share=1 / 40)
    half = weighted_mean(y, np.full(40, 1 / 40), 80, share=1 / 80)
    none = weighted_mean(y, np.full(40, 1 / 40), 10**9)
    assert whole.bse["mean"] < 0.2 * none.bse["mean"]
    assert half.bse["mean"] == pytest.approx(none.bse["mean"] / np.sqrt(2), rel=0.02)


def test_identity_imputation_of_zero_changes_nothing_and_a_perfect_one_is_exact():
    fit, _, seen, loss = fitted()
    plain, zero = fit.estimate(loss), fit.estimate(loss, imputed=np.zeros(len(seen)))
    assert (plain.value, plain.bse["mean"]) == (zero.value, zero.bse["mean"])
    exact = fit.estimate(loss, imputed=loss)
    assert exact.value == pytest.approx(loss.mean(), abs=1e-12)
    assert exact.bse["mean"] == pytest.approx(0, abs=1e-12)


def test_recovers_more_of_the_mean_with_an_imputation():
    fit, X, seen, loss = fitted(2000, n_functions=80)
    guess = kernel_imputation(X, seen, loss, gamma="dimension", rng=np.random.default_rng(0))
    missed = [abs(each.value - loss.mean()) for each in (
        fit.estimate(loss), fit.estimate(loss, imputed=guess))]
    assert missed[1] < missed[0] / 2


def test_matches_words_of_the_summary():
    fit, _, _, loss = fitted()
    told = fit.estimate(loss).summary(0.1)
    assert "90 % interval" in str(told["mean over all items"])
    assert told["effective size"].value == pytest.approx(fit.effective_size_)
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        fit.estimate(loss).conf_int(1.0)


@pytest.mark.parametrize("functions", [10, 30])
def test_recovers_the_promised_coverage_under_its_assumptions(functions):
    worlds = 120
    table = coverage_trials(worlds, slacks=(0.0, 0.01), n_functions=functions,
                            rng=np.random.default_rng(functions)).set_index("slack")
    error = np.sqrt(0.05 * 0.95 / worlds)
    assert (table["coverage"] > 0.95 - 4 * error).all()
    assert (table["bias"].abs() < 4 * table["rmse"] / np.sqrt(table["worlds"])).all()
    assert (table["infeasible"] == 0).all()


def test_matches_less_coverage_with_more_slack():
    """A limit that the documents tell: what slack leaves is in no interval."""
    table = coverage_trials(150, slacks=(0.01, 0.2), n_functions=10,
                            rng=np.random.default_rng(0)).set_index("slack")
    assert table.loc[0.2, "coverage"] < table.loc[0.01, "coverage"] - 0.1
