"""Weights on outcomes, models and hypotheses.

Each name is loaded by its first use: importing this room loads no PyMC, torch or scikit-learn.
"""

from typing import TYPE_CHECKING

from workbench.core.lazy import lazy
from workbench.inference.faces import FILES

if TYPE_CHECKING:
    from workbench.inference.adaptive_queries import (
        NoisyThresholdWarning,
        Thresholdout,
        thresholdout_batch,
    )
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
    from workbench.inference.design.planning import aggregate_units, draw, suggest_sampling
    from workbench.inference.design.results import DSLResults
    from workbench.inference.design.rivals import ppi
    from workbench.inference.design.solution import DesignWarning
    from workbench.inference.design_based import DSLRegression, dsl_moments
    from workbench.inference.kernel_balancing import KernelBalancer
    from workbench.inference.mixtures.bounds import (
        effective_dimension,
        eps_grid,
        mixture_regret_bound,
        soft_bound,
        soft_log_weight,
    )
    from workbench.inference.mixtures.classifier import UniversalClassifier
    from workbench.inference.mixtures.ensemble import PosteriorEnsemble
    from workbench.inference.mixtures.experts import follow_experts
    from workbench.inference.mixtures.langevin import SGLDSampler
    from workbench.inference.mixtures.langevin_optimiser import Sgld
    from workbench.inference.mixtures.weight import WeightEstimator
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
    from workbench.inference.ordinal.parallel import ProportionalOdds
    from workbench.inference.ordinal.paths import presto_path
    from workbench.inference.presto import PRESTO
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
    from workbench.inference.trend.checks import compare, ranking, warnings_of
    from workbench.inference.trend.design import Prior
    from workbench.inference.trend.fit import TrendFit
    from workbench.inference.universal_mixture import FiniteMixture
    from workbench.inference.validity.answers import Answer, BudgetExhaustedError
    from workbench.inference.validity.attacks import MajorityAttack, attack_errors
    from workbench.inference.validity.bounds import sample_size, transfer
    from workbench.inference.validity.certificates import Certificate, plan_thresholdout
    from workbench.inference.validity.guarantees import GuaranteeTrials, guarantee_trials
    from workbench.inference.validity.ledger import ValidityLedger
    from workbench.inference.validity.mechanisms import EmpiricalMechanism, SplitMechanism
    from workbench.inference.validity.multiplicative import (
        IdleWeightsWarning,
        PrivateMultiplicativeWeights,
    )
    from workbench.inference.validity.noisy import GaussianMechanism, LaplaceMechanism
    from workbench.inference.validity.scorers import (
        ReusableHoldoutScorer,
        accuracy_by_row,
        brier_by_row,
    )
    from workbench.inference.validity.selection import simulate_selection
    from workbench.inference.validity.sparse_validate import SparseValidate
    from workbench.inference.validity.splits import HoldoutSplit

__all__ = [
    "BASE_MODELS", "PRESTO", "AdaptiveConformal", "Advice", "Answer", "BalanceInfeasible",
    "BalanceResult", "BayesianTrend", "BoostedQuantiles", "Bootstrap", "BootstrapOOB",
    "BootstrapResult", "BudgetExhaustedError", "Calibration", "Certificate",
    "ConformalQuantileRegressor", "CrossCalibration", "CrossConformalQuantileRegressor",
    "DSLRegression", "DSLResults", "DesignWarning", "EmpiricalMechanism", "EncodedQuantiles",
    "FiniteMixture", "GaussianMechanism", "GaussianNetwork", "GuaranteeTrials", "HoldoutSplit",
    "IdleWeightsWarning", "KernelBalancedMF", "KernelBalancer", "LaplaceMechanism", "LeakWarning",
    "LinearAggregation", "LinearQuantiles", "MajorityAttack", "MatrixFactorisation", "Nested",
    "NestedConformalStack", "NestedResult", "NoisyThresholdWarning", "NormalInverseGamma",
    "PerLevel", "Posterior", "PosteriorEnsemble", "Prior", "PrivateMultiplicativeWeights",
    "PropensityLogistic", "ProportionalOdds", "QuantileAggregator", "QuantileForest",
    "QuantileModel", "QuantileNetwork", "ReusableHoldoutScorer", "SGLDSampler", "ScoreResult",
    "Sgld", "SimpleAggregation", "SimultaneousNetwork", "SparseValidate", "SplitMechanism",
    "StackedQuantileRegressor", "TestResult", "Thresholdout", "TooFewRowsWarning", "TrendFit",
    "UniversalClassifier", "ValidityLedger", "WeightEstimator", "accuracy_by_row",
    "accuracy_interval", "aggregate_units", "attack_errors", "bayesian_signed_rank",
    "best_single", "bootstrap_score", "brier_by_row", "calibrate", "check_for_leak", "cochran_q",
    "compare", "compare_models", "compare_predictions", "compare_scores", "correlated_t",
    "coverage", "coverage_by_group", "coverage_trials", "cross_calibrate", "crossings", "crps",
    "cv5x2_f", "cv5x2_t", "dr_risk", "draw", "dsl_moments", "each_left_out",
    "effective_dimension", "eps_grid", "error_rates", "even_levels", "f_test", "folds",
    "follow_experts", "friedman", "guarantee_trials", "halves", "holdouts", "interval_score",
    "ips_risk", "isotonise", "kernel_imputation", "mace", "mcnemar", "mcnemar_table",
    "mcnemar_tables", "mean_interval", "miss_rates", "mixture_regret_bound", "multiple",
    "naive_bayes_propensity", "nemenyi", "nested_cv", "no_information_rate", "one_standard_error",
    "out_of_fold", "paired_t", "pairwise_mcnemar", "pairwise_wilcoxon", "peeking",
    "permutation_test", "picp_error", "pinball", "plan_thresholdout", "power", "ppi",
    "predict_splits", "presto_path", "proportion_difference", "ranking", "recommend",
    "reliability", "same_rows", "sample_size", "score_splits", "simulate_selection", "snips",
    "soft_bound", "soft_log_weight", "suggest_sampling", "table_encoder", "three_way_holdout",
    "thresholdout_batch", "transfer", "tune", "type_one_error", "warnings_of", "width",
    "wilcoxon", "wis",
]

__getattr__, __dir__ = lazy(__name__, FILES)
