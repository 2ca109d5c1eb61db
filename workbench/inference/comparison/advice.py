"""What to use for how many rows and for which purpose, with the reasons."""

from dataclasses import dataclass

from workbench.core import check

__all__ = ["LARGE", "PURPOSES", "Advice", "recommend"]

PURPOSES = ("performance", "selection", "comparison")
LARGE = 2000             # rows from which a test set of its own is affordable


@dataclass(frozen=True)
class Advice:
    """A recommendation.

    Parameters
    ----------
    purpose : str
    methods : tuple of str
        What to use, best first.
    reasons : tuple of str
        One sentence each.
    tests : tuple of str
        Names of ``TESTS`` that belong to it.
    """

    purpose: str
    methods: tuple[str, ...]
    reasons: tuple[str, ...]
    tests: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.purpose}: {', or '.join(self.methods)}. {' '.join(self.reasons)}"


RULES = {
    ("performance", True): (
        ("a stratified holdout with Wilson's interval",),
        ("A test set of hundreds of rows is precise by itself, and one fit is enough.",
         "Its interval needs no assumption about how training sets overlap.")),
    ("performance", False): (
        ("repeated 10-fold cross-validation", "the .632+ bootstrap with its percentile interval"),
        ("A holdout would waste rows and vary much with the split.",
         "Repeating averages that out; .632+ corrects what the bootstrap's smaller training sets "
         "cost without trusting an overfitted fit.")),
    ("selection", True): (
        ("a three-way holdout: train, validate, test",),
        ("Settings are chosen on rows that the reported score never sees.",
         "Refit on training and validation rows, score once.")),
    ("selection", False): (
        ("10-fold cross-validation with the one-standard-error rule", "nested cross-validation "
         "where the score is reported, too"),
        ("There are too few rows for a validation part of its own.",
         "The best of several noisy scores flatters: nested folds report one that choosing has "
         "not seen.")),
    ("comparison", True): (
        ("McNemar's test of two models, Cochran's Q of more, on one test set",),
        ("With a large test set the models are compared on the very rows they are used for, "
         "after one fit each.", "Pairs after Cochran's Q pay for their number, as by Holm.")),
    ("comparison", False): (
        ("the 5x2cv F test", "10-fold or repeated folds with Nadeau and Bengio's correction"),
        ("Halves do not share training rows within a replication, so that its level holds.",
         "Uncorrected t tests over holdouts that share rows find differences where there are "
         "none.")),
}
TESTS_OF = {True: ("mcnemar", "cochran_q"), False: ("5x2f", "kfold_corrected")}


ELSEWHERE = {
    "predictions": (
        ("McNemar's test of two models, Cochran's Q of more",),
        ("The models have predicted the same rows, so that rows on which both are right, or both "
         "wrong, say nothing.", "No score of folds is there, so that chance in training is not "
         "seen.")),
    "splits": (
        ("Nadeau and Bengio's corrected t test", "the Bayesian correlated t test"),
        ("Splits of one data set share training rows, which both account for.",
         "The second also says how probable it is that the difference does not matter.")),
    "datasets": (
        ("Wilcoxon's signed-rank test of two models, Friedman's with pairs by Holm of more",
         "the Bayesian signed-rank test"),
        ("Data sets differ in difficulty and scale, so that ranks of differences count.",
         "The second also says how probable it is that the difference does not matter.")),
}
GIVEN = ("table", *ELSEWHERE)


def recommend(n: int, purpose: str = "comparison", *, given: str = "table") -> Advice:
    """Methods for a table of so many rows.

    Parameters
    ----------
    n : int > 0
        Rows of the table; some 2000 and more count as many.
    purpose : {"performance", "selection", "comparison"}
        Report a score; choose settings; compare algorithms.
    given : {"table", "predictions", "splits", "datasets"}
        Rows to fit on; or predictions, scores of splits or of data sets from elsewhere, which
        leave comparison as the one purpose.

    Examples
    --------
    >>> recommend(150, "comparison").methods[0]
    'the 5x2cv F test'
    >>> recommend(50_000, "performance").methods
    ("a stratified holdout with Wilson's interval",)
    """
    check.one_of(PURPOSES, purpose=purpose)
    check.whole(1, n=n, hint="Count the rows.")
    check.one_of(GIVEN, given=given)
    if given != "table":
        return Advice("comparison", *ELSEWHERE[given])
    many = n >= LARGE
    rule = RULES[purpose, many]
    methods: tuple[str, ...] = rule[0]
    reasons: tuple[str, ...] = rule[1]
    if purpose == "selection" and n < 50:
        methods = ("leave-one-out cross-validation", *methods)
        reasons = ("Below some 50 rows each one is needed for training; mind the variance.",
                   *reasons)
    return Advice(purpose, methods, reasons, TESTS_OF[many] if purpose == "comparison" else ())
