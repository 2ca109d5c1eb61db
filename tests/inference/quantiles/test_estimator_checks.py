"""scikit-learn's own checks, none excused."""

import warnings

import pytest
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator

from workbench.inference.conformal import TooFewRowsWarning
from workbench.inference.quantile_aggregation import QuantileAggregator
from workbench.inference.quantiles.boosting import BoostedQuantiles
from workbench.inference.quantiles.encoded import EncodedQuantiles
from workbench.inference.quantiles.forests import QuantileForest
from workbench.inference.quantiles.leaks import LeakWarning
from workbench.inference.quantiles.linear import LinearQuantiles
from workbench.inference.quantiles.nested import NestedConformalStack
from workbench.inference.quantiles.networks import (
    GaussianNetwork,
    QuantileNetwork,
    SimultaneousNetwork,
)
from workbench.inference.quantiles.per_level import PerLevel
from workbench.inference.quantiles.stacking import StackedQuantileRegressor

LEVELS = [0.25, 0.5, 0.75]
SMALL = {"hidden": 8, "layers": 1, "max_steps": 100, "learning_rate": 0.05}
MODELS = [("qrf", QuantileForest(n_estimators=3)), ("linear", LinearQuantiles())]
EXACT = QuantileAggregator(resolution="coarse", local=False, solver="lp", penalty=0)
SKIPPED = {"check_array_api_input"}          # needs an environment variable before SciPy is loaded

ESTIMATORS = [
    QuantileForest(LEVELS, n_estimators=5), QuantileForest(LEVELS, extra=True, n_estimators=5),
    BoostedQuantiles(LEVELS, n_estimators=20), LinearQuantiles(LEVELS),
    LinearQuantiles(LEVELS, penalty=0.01), PerLevel(quantile_levels=LEVELS),
    PerLevel(GradientBoostingRegressor(loss="quantile", n_estimators=10, max_depth=2,
                                       learning_rate=0.3, random_state=0), LEVELS),
    GaussianNetwork(LEVELS, **SMALL), SimultaneousNetwork(LEVELS, **SMALL),
    QuantileNetwork(LEVELS, penalty=1.0, huber=0.01, **SMALL),
    StackedQuantileRegressor(MODELS, EXACT, quantile_levels=LEVELS, cv=3),
    NestedConformalStack(MODELS, EXACT, quantile_levels=LEVELS, cv=3),
    EncodedQuantiles(LinearQuantiles(LEVELS)),
]
SLOW = [StackedQuantileRegressor(
    MODELS, QuantileAggregator(hidden=8, max_steps=100), quantile_levels=LEVELS, cv=3)]


def failures(estimator):
    with warnings.catch_warnings():
        for expected in (SkipTestWarning, LeakWarning, TooFewRowsWarning):
            warnings.simplefilter("ignore", expected)       # of a handful of rows
        found = check_estimator(estimator, on_fail=None)
    assert len(found) > 40
    return [(one["check_name"], one["exception"]) for one in found
            if one["status"] != "passed" and one["check_name"] not in SKIPPED]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_matches_what_scikit_learn_expects(estimator):
    assert failures(estimator) == []


@pytest.mark.slow
@pytest.mark.parametrize("estimator", SLOW, ids=lambda one: type(one).__name__)
def test_matches_what_scikit_learn_expects_of_a_local_stack(estimator):
    assert failures(estimator) == []
