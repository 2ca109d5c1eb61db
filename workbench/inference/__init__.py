"""Weights on outcomes, models and hypotheses.

Each name is loaded by its first use: importing this room loads no PyMC, torch or scikit-learn.
"""

from typing import TYPE_CHECKING

from workbench.core.lazy import lazy

if TYPE_CHECKING:
    from workbench.inference.balancing.alternating import MatrixFactorisation
    from workbench.inference.balancing.balanced_factors import KernelBalancedMF
    from workbench.inference.balancing.dual import BalanceInfeasible
    from workbench.inference.balancing.estimates import BalanceResult
    from workbench.inference.balancing.imputation import kernel_imputation
    from workbench.inference.balancing.propensities import (
        PropensityLogistic,
        naive_bayes_propensity,
    )
    from workbench.inference.balancing.risks import dr_risk, ips_risk, snips
    from workbench.inference.balancing.trials import coverage_trials
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
    from workbench.inference.kernel_balancing import KernelBalancer
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
    "BASE_MODELS", "AdaptiveConformal", "BalanceInfeasible", "BalanceResult", "BayesianTrend",
    "BoostedQuantiles", "Calibration", "ConformalQuantileRegressor", "CrossCalibration",
    "CrossConformalQuantileRegressor", "DSLRegression", "DSLResults", "DesignWarning",
    "EncodedQuantiles", "GaussianNetwork", "KernelBalancedMF", "KernelBalancer", "LeakWarning",
    "LinearAggregation", "LinearQuantiles", "MatrixFactorisation", "NestedConformalStack",
    "NormalInverseGamma", "PerLevel", "Prior", "PropensityLogistic", "QuantileAggregator",
    "QuantileForest", "QuantileModel", "QuantileNetwork", "SimpleAggregation",
    "SimultaneousNetwork", "StackedQuantileRegressor", "TooFewRowsWarning", "TrendFit",
    "aggregate_units", "best_single", "calibrate", "check_for_leak", "compare", "coverage",
    "coverage_by_group", "coverage_trials", "cross_calibrate", "crossings", "crps", "dr_risk",
    "draw", "dsl_moments", "even_levels", "interval_score", "ips_risk", "isotonise",
    "kernel_imputation", "mace", "naive_bayes_propensity", "out_of_fold", "picp_error",
    "pinball", "ppi", "ranking", "reliability", "snips", "suggest_sampling", "table_encoder",
    "tune", "warnings_of", "width", "wis",
]

FILES = {
    "balancing.alternating": ("MatrixFactorisation",),
    "balancing.balanced_factors": ("KernelBalancedMF",),
    "balancing.dual": ("BalanceInfeasible",),
    "balancing.estimates": ("BalanceResult",),
    "balancing.imputation": ("kernel_imputation",),
    "balancing.propensities": ("PropensityLogistic", "naive_bayes_propensity"),
    "balancing.risks": ("dr_risk", "ips_risk", "snips"),
    "balancing.trials": ("coverage_trials",),
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
    "kernel_balancing": ("KernelBalancer",),
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
