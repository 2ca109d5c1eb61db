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
    from workbench.inference.model_comparison import (
        Advice,
        Bootstrap,
        BootstrapOOB,
        BootstrapResult,
        Nested,
        NestedResult,
        Posterior,
        ScoreResult,
        TestResult,
        accuracy_interval,
        bayesian_signed_rank,
        bootstrap_score,
        cochran_q,
        compare_models,
        compare_predictions,
        compare_scores,
        correlated_t,
        cv5x2_f,
        cv5x2_t,
        each_left_out,
        error_rates,
        f_test,
        folds,
        friedman,
        halves,
        holdouts,
        mcnemar,
        mcnemar_table,
        mcnemar_tables,
        mean_interval,
        miss_rates,
        multiple,
        nemenyi,
        nested_cv,
        no_information_rate,
        one_standard_error,
        paired_t,
        pairwise_mcnemar,
        pairwise_wilcoxon,
        peeking,
        permutation_test,
        power,
        predict_splits,
        proportion_difference,
        recommend,
        same_rows,
        score_splits,
        three_way_holdout,
        type_one_error,
        wilcoxon,
    )
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
    "BASE_MODELS", "AdaptiveConformal", "Advice", "BayesianTrend", "BoostedQuantiles",
    "Bootstrap", "BootstrapOOB", "BootstrapResult", "Calibration", "ConformalQuantileRegressor",
    "CrossCalibration", "CrossConformalQuantileRegressor", "DSLRegression", "DSLResults",
    "DesignWarning", "EncodedQuantiles", "GaussianNetwork", "LeakWarning", "LinearAggregation",
    "LinearQuantiles", "Nested", "NestedConformalStack", "NestedResult", "NormalInverseGamma",
    "PerLevel", "Posterior", "Prior", "QuantileAggregator", "QuantileForest", "QuantileModel",
    "QuantileNetwork", "ScoreResult", "SimpleAggregation", "SimultaneousNetwork",
    "StackedQuantileRegressor", "TestResult", "TooFewRowsWarning", "TrendFit",
    "accuracy_interval", "aggregate_units", "bayesian_signed_rank", "best_single",
    "bootstrap_score", "calibrate", "check_for_leak", "cochran_q", "compare", "compare_models",
    "compare_predictions", "compare_scores", "correlated_t", "coverage", "coverage_by_group",
    "cross_calibrate", "crossings", "crps", "cv5x2_f", "cv5x2_t", "draw", "dsl_moments",
    "each_left_out", "error_rates", "even_levels", "f_test", "folds", "friedman", "halves",
    "holdouts", "interval_score", "isotonise", "mace", "mcnemar", "mcnemar_table",
    "mcnemar_tables", "mean_interval", "miss_rates", "multiple", "nemenyi", "nested_cv",
    "no_information_rate", "one_standard_error", "out_of_fold", "paired_t", "pairwise_mcnemar",
    "pairwise_wilcoxon", "peeking", "permutation_test", "picp_error", "pinball", "power", "ppi",
    "predict_splits", "proportion_difference", "ranking", "recommend", "reliability",
    "same_rows", "score_splits", "suggest_sampling", "table_encoder", "three_way_holdout",
    "tune", "type_one_error", "warnings_of", "width", "wilcoxon", "wis",
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
    "model_comparison": (
        "Advice", "Bootstrap", "BootstrapOOB", "BootstrapResult", "Nested", "NestedResult",
        "Posterior", "ScoreResult", "TestResult", "accuracy_interval", "bayesian_signed_rank",
        "bootstrap_score", "cochran_q", "compare_models", "compare_predictions",
        "compare_scores", "correlated_t", "cv5x2_f", "cv5x2_t", "each_left_out", "error_rates",
        "f_test", "folds", "friedman", "halves", "holdouts", "mcnemar", "mcnemar_table",
        "mcnemar_tables", "mean_interval", "miss_rates", "multiple", "nemenyi", "nested_cv",
        "no_information_rate", "one_standard_error", "paired_t", "pairwise_mcnemar",
        "pairwise_wilcoxon", "peeking", "permutation_test", "power", "predict_splits",
        "proportion_difference", "recommend", "same_rows", "score_splits", "three_way_holdout",
        "type_one_error", "wilcoxon"),
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
