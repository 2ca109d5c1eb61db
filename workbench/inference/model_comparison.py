"""Is this model any better than that one, and how good is it? Scores, tests and what they cost.

A resample weighs each row by how often it was drawn; the rows it left out test. How much their
error counts beside the flattering one of the training rows is a weight again:
``error = weights @ [resubstitution error, out-of-bag error]`` with ``weights = (1 - w, w)``, from
``w = 0.632`` up to 1 the more the model overfits. Between two models a test weighs their
differences against how much they vary, and pays for rows that splits share:
``t = mean / (sd sqrt(1/k + n_test/n_train))``.

Source: S. Raschka, "Model Evaluation, Model Selection, and Algorithm Selection in Machine
Learning", arXiv:1811.12808 (2018). The correction is of Nadeau and Bengio (2003), the Bayesian
tests of Corani, Benavoli and others (2014 to 2017).
"""

from workbench.core.card import Card
from workbench.datasets import Rivals
from workbench.inference.comparison.accuracies import (
    cochran_q,
    f_test,
    mcnemar,
    mcnemar_table,
    mcnemar_tables,
    proportion_difference,
)
from workbench.inference.comparison.advice import Advice, recommend
from workbench.inference.comparison.bayes import bayesian_signed_rank, correlated_t
from workbench.inference.comparison.bootstrap import Bootstrap, bootstrap_score
from workbench.inference.comparison.comparing import (
    TESTS,
    compare_models,
    compare_predictions,
    compare_scores,
)
from workbench.inference.comparison.coverage import miss_rates
from workbench.inference.comparison.fitting import predict_splits, score_splits
from workbench.inference.comparison.intervals import accuracy_interval, mean_interval
from workbench.inference.comparison.levels import SIMULATED, error_rates, power, type_one_error
from workbench.inference.comparison.out_of_bag import BootstrapResult, no_information_rate
from workbench.inference.comparison.outcomes import Posterior, ScoreResult, TestResult
from workbench.inference.comparison.paired import cv5x2_f, cv5x2_t, paired_t, permutation_test
from workbench.inference.comparison.peeking import peeking
from workbench.inference.comparison.selection import (
    Nested,
    NestedResult,
    nested_cv,
    one_standard_error,
    three_way_holdout,
)
from workbench.inference.comparison.several import (
    friedman,
    multiple,
    nemenyi,
    pairwise_mcnemar,
    pairwise_wilcoxon,
    wilcoxon,
)
from workbench.inference.comparison.splits import (
    BootstrapOOB,
    Splits,
    each_left_out,
    folds,
    halves,
    holdouts,
    same_rows,
)
from workbench.inference.comparison.stages import Request, Told, answered

__all__ = [
    "CARD", "SIMULATED", "TESTS", "Advice", "Bootstrap", "BootstrapOOB", "BootstrapResult",
    "Nested", "NestedResult", "Posterior", "ScoreResult", "Splits", "TestResult",
    "accuracy_interval", "bayesian_signed_rank", "bootstrap_score", "cochran_q", "compare_models",
    "compare_predictions", "compare_scores", "compare_table", "correlated_t", "cv5x2_f",
    "cv5x2_t", "each_left_out", "error_rates", "f_test", "folds", "friedman", "halves",
    "holdouts", "mcnemar", "mcnemar_table", "mcnemar_tables", "mean_interval", "miss_rates",
    "multiple", "nemenyi", "nested_cv", "no_information_rate", "one_standard_error", "paired_t",
    "pairwise_mcnemar", "pairwise_wilcoxon", "peeking", "permutation_test", "power",
    "predict_splits", "proportion_difference", "recommend", "same_rows", "score_splits",
    "three_way_holdout", "type_one_error", "wilcoxon",
]

CARD = Card(
    source="raschka2018evaluation",
    weighs="rows, by how often a resample drew them, and errors inside and outside of it",
    range="simplex",
    neutral={"method": "oob"}, baseline="out-of-bag accuracy",
)


def compare_table(rivals: Rivals, request: Request) -> Told:
    """Everything that a table says of two of its models.

    Parameters
    ----------
    rivals : Rivals
        As from ``workbench.datasets.load_rivals``: features to fit on, scores, or predictions.
    request : Request
        The two models, further ones, and how they are scored.

    Returns
    -------
    told : Told
        Estimates, every test that the table allows, pairs, posteriors, and notes.

    Raises
    ------
    ValueError
        Naming the model that the table or the zoo does not have, or what scoring needs.
    """
    return answered(rivals, request)
