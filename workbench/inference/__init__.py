"""Weights on outcomes, models and hypotheses.

Each name is loaded by its first use: importing this room loads no PyMC, torch or scikit-learn.
"""

from typing import TYPE_CHECKING

from workbench.core.lazy import lazy

if TYPE_CHECKING:
    from workbench.inference.bayesian_trend import BayesianTrend
    from workbench.inference.conformal import Calibration, TooFewRowsWarning, calibrate
    from workbench.inference.conformal_cross import CrossCalibration, cross_calibrate
    from workbench.inference.conformal_folds import CrossConformalQuantileRegressor
    from workbench.inference.conformal_online import AdaptiveConformal
    from workbench.inference.conformal_split import ConformalQuantileRegressor
    from workbench.inference.conjugate import NormalInverseGamma
    from workbench.inference.design_based import DSLRegression, dsl_moments
    from workbench.inference.design_planning import aggregate_units, draw, suggest_sampling
    from workbench.inference.design_results import DSLResults
    from workbench.inference.design_rivals import ppi
    from workbench.inference.design_solution import DesignWarning
    from workbench.inference.ordinal.parallel import ProportionalOdds
    from workbench.inference.presto import PRESTO, presto_path
    from workbench.inference.quantile_aggregation import QuantileAggregator
    from workbench.inference.quantiles.base_models import BASE_MODELS, QuantileModel
    from workbench.inference.quantiles.baselines import (
        LinearAggregation,
        SimpleAggregation,
        best_single,
    )
    from workbench.inference.quantiles.boosting import BoostedQuantiles
    from workbench.inference.quantiles.encoded import EncodedQuantiles
    from workbench.inference.quantiles.encoding import table_encoder
    from workbench.inference.quantiles.forests import QuantileForest
    from workbench.inference.quantiles.isotonic import isotonise
    from workbench.inference.quantiles.leaks import LeakWarning, check_for_leak
    from workbench.inference.quantiles.levels import even_levels
    from workbench.inference.quantiles.linear import LinearQuantiles
    from workbench.inference.quantiles.nested import NestedConformalStack
    from workbench.inference.quantiles.networks import (
        GaussianNetwork,
        QuantileNetwork,
        SimultaneousNetwork,
    )
    from workbench.inference.quantiles.out_of_fold import out_of_fold
    from workbench.inference.quantiles.per_level import PerLevel
    from workbench.inference.quantiles.scores import (
        coverage,
        coverage_by_group,
        crossings,
        crps,
        interval_score,
        mace,
        picp_error,
        pinball,
        reliability,
        width,
        wis,
    )
    from workbench.inference.quantiles.stacking import StackedQuantileRegressor
    from workbench.inference.quantiles.tuning import tune
    from workbench.inference.trend_checks import compare, ranking, warnings_of
    from workbench.inference.trend_design import Prior
    from workbench.inference.trend_fit import TrendFit

__all__ = [
    "BASE_MODELS", "PRESTO", "AdaptiveConformal", "BayesianTrend", "BoostedQuantiles",
    "Calibration", "ConformalQuantileRegressor", "CrossCalibration",
    "CrossConformalQuantileRegressor", "DSLRegression", "DSLResults", "DesignWarning",
    "EncodedQuantiles", "GaussianNetwork", "LeakWarning", "LinearAggregation", "LinearQuantiles",
    "NestedConformalStack", "NormalInverseGamma", "PerLevel", "Prior", "ProportionalOdds",
    "QuantileAggregator", "QuantileForest", "QuantileModel", "QuantileNetwork",
    "SimpleAggregation", "SimultaneousNetwork", "StackedQuantileRegressor", "TooFewRowsWarning",
    "TrendFit", "aggregate_units", "best_single", "calibrate", "check_for_leak", "compare",
    "coverage", "coverage_by_group", "cross_calibrate", "crossings", "crps", "draw",
    "dsl_moments", "even_levels", "interval_score", "isotonise", "mace", "out_of_fold",
    "picp_error", "pinball", "ppi", "presto_path", "ranking", "reliability", "suggest_sampling",
    "table_encoder", "tune", "warnings_of", "width", "wis",
]

FILES = {
    "bayesian_trend": ("BayesianTrend",),
    "conformal": ("Calibration", "TooFewRowsWarning", "calibrate"),
    "conformal_cross": ("CrossCalibration", "cross_calibrate"),
    "conformal_folds": ("CrossConformalQuantileRegressor",),
    "conformal_online": ("AdaptiveConformal",),
    "conformal_split": ("ConformalQuantileRegressor",),
    "conjugate": ("NormalInverseGamma",),
    "design_based": ("DSLRegression", "dsl_moments"),
    "design_planning": ("aggregate_units", "draw", "suggest_sampling"),
    "design_results": ("DSLResults",),
    "design_rivals": ("ppi",),
    "design_solution": ("DesignWarning",),
    "ordinal.parallel": ("ProportionalOdds",),
    "presto": ("PRESTO", "presto_path"),
    "quantile_aggregation": ("QuantileAggregator",),
    "quantiles.base_models": ("BASE_MODELS", "QuantileModel"),
    "quantiles.baselines": ("LinearAggregation", "SimpleAggregation", "best_single"),
    "quantiles.boosting": ("BoostedQuantiles",),
    "quantiles.encoded": ("EncodedQuantiles",),
    "quantiles.encoding": ("table_encoder",),
    "quantiles.forests": ("QuantileForest",),
    "quantiles.isotonic": ("isotonise",),
    "quantiles.leaks": ("LeakWarning", "check_for_leak"),
    "quantiles.levels": ("even_levels",),
    "quantiles.linear": ("LinearQuantiles",),
    "quantiles.nested": ("NestedConformalStack",),
    "quantiles.networks": ("GaussianNetwork", "QuantileNetwork", "SimultaneousNetwork"),
    "quantiles.out_of_fold": ("out_of_fold",),
    "quantiles.per_level": ("PerLevel",),
    "quantiles.scores": (
        "coverage", "coverage_by_group", "crossings", "crps", "interval_score", "mace",
        "picp_error", "pinball", "reliability", "width", "wis"),
    "quantiles.stacking": ("StackedQuantileRegressor",),
    "quantiles.tuning": ("tune",),
    "trend_checks": ("compare", "ranking", "warnings_of"),
    "trend_design": ("Prior",),
    "trend_fit": ("TrendFit",),
}

__getattr__, __dir__ = lazy(__name__, FILES)
