"""Worlds of tests between models: equally good ones, refitted on resamples of the same rows."""

from functools import partial

from _promises import Promise

from workbench.inference.comparison.intervals import accuracy_interval
from workbench.inference.comparison.levels import LABELS, SIMULATED, error_rates

__all__ = ["PROMISES"]

ALPHA, LEVEL, TESTED, ACCURACY = 0.05, 0.95, 100, 0.85
SEVERAL = {"permutation", "wilcoxon", "bayes_signed_rank", "friedman", "nemenyi"}
WHY = {
    "resampled_t": "control: splits share rows, which the test ignores; use the corrected one",
    "kfold_t": "folds share training rows, which the test ignores; use the corrected one",
    "pairs_none": "several tests, none corrected; use Holm's correction",
}


def errors(rng, replications, test):
    """False positives."""
    rates = error_rates([test], replications=replications, alpha=ALPHA, rng=rng)
    return round(float(rates["rate"].iloc[0]) * replications)


def accuracy(rng, replications, method):
    """Intervals that hold the accuracy behind right answers on a test set."""
    made = (accuracy_interval(int(right), TESTED, method=method, level=LEVEL)
            for right in rng.binomial(TESTED, ACCURACY, replications))
    return sum(each.low <= ACCURACY <= each.high for each in made)


PROMISES = [
    *(Promise("model_comparison", LABELS[test],
              "20 data sets" if test in SEVERAL else "300 rows, equal models", ALPHA,
              kind="at most", why=WHY.get(test, ""), batch=partial(errors, test=test))
      for test in SIMULATED),
    *(Promise("model_comparison", f"accuracy, {method} interval", f"{TESTED} test rows", LEVEL,
              kind="at least" if method == "clopper-pearson" else "equal", seconds=0.001,
              batch=partial(accuracy, method=method))
      for method in ("wilson", "clopper-pearson", "normal")),
]
