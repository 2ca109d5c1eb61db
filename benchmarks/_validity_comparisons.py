"""Worlds of tests between models: equally good ones, refitted on resamples of the same rows."""

from functools import partial

from _promises import Promise

from workbench.inference.comparison.coverage import INTERVAL_LABELS, miss_rates
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

REPEATED = [name for name in INTERVAL_LABELS if not name.startswith("holdout_")]
WHY_INTERVAL = {
    "kfold_t": "folds share training rows, which the interval ignores; use the corrected one",
    "resampled_t": "control: splits share rows, which the interval ignores; use the corrected one",
    "bootstrap_percentile": "bags of one table vary less than fresh tables do; .632+ has no "
                            "interval of proven level",
    "bootstrap_normal": "as the percentile interval",
    "bootstrap_delta": "the infinitesimal jackknife knows how the test rows vary, and not how "
                       "the model does",
}


def covered(rng, replications, interval):
    """Intervals from splits or bags that hold the accuracy, on fresh rows, of the final model."""
    found = miss_rates([interval], replications=replications, alpha=ALPHA, rng=rng)
    return round((1 - float(found["rate"].iloc[0])) * replications)


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
    *(Promise("model_comparison", f"accuracy, {INTERVAL_LABELS[interval]}", "300 rows", LEVEL,
              kind="at least", why=WHY_INTERVAL.get(interval, ""),
              batch=partial(covered, interval=interval)) for interval in REPEATED),
]
