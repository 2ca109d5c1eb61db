"""Arms of the benchmark: calls of mlxtend and of ours on the same problem, and their seconds."""

import math
import statistics
import time
import warnings

import numpy as np
from joblib import parallel_config
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from workbench.core import generator
from workbench.inference import model_comparison as own

RESAMPLES = 1000


def predictions(n=500):
    """Truth and predictions of three models."""
    rng = generator(0)
    y = rng.integers(3, size=n)
    return y, [np.where(rng.random(n) < share, y, (y + 1) % 3) for share in (0.85, 0.8, 0.75)]


def shared(peer):
    """Pairs of calls by name: ours, theirs."""
    y, said = predictions()
    table = own.mcnemar_table(y, *said[:2])
    few, more = (generator(1).normal(0.1, 1, n) for n in (12, 50))
    X, labels = load_breast_cancer(return_X_y=True)
    pair = GaussianNB(), KNeighborsClassifier()

    def compared(test, **options):
        return lambda: own.compare_models(*pair, X, labels, test, rng=generator(0), **options)

    def theirs(function, **options):
        return lambda: function(*pair, X, labels, random_seed=0, **options)

    return {
        "mcnemar_table": (lambda: own.mcnemar_table(y, *said[:2]),
                          lambda: peer.mcnemar_table(y, *said[:2])),
        "mcnemar_tables, 3 models": (
            lambda: own.mcnemar_tables(y, dict(zip("abc", said, strict=True))),
            lambda: peer.mcnemar_tables(y, *said)),
        "mcnemar, corrected": (lambda: own.mcnemar(table, exact=False),
                               lambda: peer.mcnemar(table)),
        "mcnemar, exact": (lambda: own.mcnemar(table, exact=True),
                           lambda: peer.mcnemar(table, exact=True)),
        "cochran_q, 3 models": (lambda: own.cochran_q(y, *said),
                                lambda: peer.cochrans_q(y, *said)),
        "f_test, 3 models": (lambda: own.f_test(y, *said), lambda: peer.ftest(y, *said)),
        "proportion_difference": (lambda: own.proportion_difference(0.84, 0.92, 100),
                                  lambda: peer.proportion_difference(0.84, 0.92, 100)),
        "permutation_test, 12 pairs, exact": (
            lambda: own.permutation_test(few, np.zeros(12)),
            lambda: peer.permutation_test(few, np.zeros(12), paired=True, method="exact")),
        "permutation_test, 50 pairs, 1000 draws": (
            lambda: own.permutation_test(more, np.zeros(50), draws=1000, rng=generator(0)),
            lambda: peer.permutation_test(more, np.zeros(50), paired=True, num_rounds=1000,
                                          method="approximate", seed=0)),
        "5x2cv t": (compared("5x2t"), theirs(peer.paired_ttest_5x2cv)),
        "5x2cv F": (compared("5x2f"), theirs(peer.combined_ftest_5x2cv)),
        "10-fold t": (compared("kfold_t"), theirs(peer.paired_ttest_kfold_cv, cv=10)),
        "30 holdouts, t": (compared("resampled_t"),
                           theirs(peer.paired_ttest_resampled, num_rounds=30)),
        "RandomHoldoutSplit of 569, stratified": (
            lambda: own.holdouts(labels, rng=generator(0)),
            lambda: list(peer.RandomHoldoutSplit(0.3, random_seed=0, stratify=True).split(
                X, labels))),
        "BootstrapOutOfBag, 200 splits of 569": (
            lambda: list(own.BootstrapOOB(200).split(X)),
            lambda: list(peer.BootstrapOutOfBag(200, random_seed=0).split(X))),
    }


def seconds(pairs, repeats=9):
    """Median CPU seconds of each pair of calls, in turn."""
    found = {}
    for name, calls in pairs.items():
        each = ([], [])
        number = max(1, math.ceil(0.02 / max(_cpu(calls[1], 1), 1e-5)))
        for _ in range(repeats):
            for times, call in zip(each, calls, strict=True):
                times.append(_cpu(call, number) / number)
        found[name] = tuple(statistics.median(times) for times in each)
    return found


def _cpu(call, number):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begun = time.process_time()
        for _ in range(number):
            call()
        return time.process_time() - begun


def bootstraps(peer, resamples=RESAMPLES, repeats=3):
    """CPU and wall seconds of .632+ on breast cancer: theirs once, ours by convention.

    CPU seconds are of this process, which waits where there are two jobs.
    """
    X, y = load_breast_cancer(return_X_y=True)

    def timed(call):
        begun, used = time.perf_counter(), time.process_time()
        value = call()
        return time.process_time() - used, time.perf_counter() - begun, value

    def median(runs):
        return (*(statistics.median(run[at] for run in runs) for at in (0, 1)), runs[0][2])

    def ours(convention):
        return own.bootstrap_score(GaussianNB(), X, y, n_splits=resamples, convention=convention,
                                   rng=generator(0)).estimate

    theirs = timed(lambda: float(np.mean(peer.bootstrap_point632_score(
        GaussianNB(), X, y, n_splits=resamples, method=".632+", random_seed=0))))
    found = {"mlxtend": theirs}
    with parallel_config(n_jobs=2):
        ours("aggregate")                    # workers start once
        for convention in ("per_split", "aggregate"):
            found[f"workbench, {convention}, 2 jobs"] = median(
                [timed(lambda c=convention: ours(c)) for _ in range(repeats)])
    for convention in ("per_split", "aggregate"):
        found[f"workbench, {convention}, 1 job"] = median(
            [timed(lambda c=convention: ours(c)) for _ in range(repeats)])
    return found


def same_scores(peer):
    """Largest difference of replicates on the same splits, where mlxtend has no bounds either."""
    X, y = load_wine(return_X_y=True)
    trains = [train for train, _ in peer.BootstrapOutOfBag(25, random_seed=0).split(X)]
    gaps = {}
    for method in ("oob", ".632", ".632+"):
        right = peer.bootstrap_point632_score(GaussianNB(), X, y, n_splits=25, method=method,
                                              random_seed=0)
        told = own.bootstrap_score(GaussianNB(), X, y, method, convention="per_split",
                                   splits=trains)
        gaps[method] = float(np.abs(told.replicates - right).max())
    return gaps


def bias(replicates=25, seeds=20):
    """Errors of the nearest neighbour on wine by method, mean and range over seeds."""
    X, y = load_wine(return_X_y=True)
    found = {}
    for method in ("oob", ".632", ".632+"):
        errors = [1 - own.bootstrap_score(KNeighborsClassifier(1), X, y, method,
                                          n_splits=replicates, rng=generator(seed)).estimate
                  for seed in range(seeds)]
        found[method] = (float(np.mean(errors)), min(errors), max(errors))
    return found
