"""Arms of the benchmark: the published selection experiment three ways, attacks, weights."""

import math
import time

import numpy as np
import pandas as pd

from workbench.core import generator
from workbench.inference import attack_errors, guarantee_trials, simulate_selection
from workbench.inference.validity.attacks import MECHANISMS, Setting
from workbench.inference.validity.bit_worlds import crossing, draw_world
from workbench.inference.validity.selection import Part, Settings, select_on_rows, signal_means

BLOCK = 500              # columns that are in memory at a time
FEATURES = [20, 100, 500]


def right(votes, own, others, outcome):
    """Share of rows on which the votes have the sign of the outcome."""
    del votes, own
    return float(np.mean(np.sign(others) == outcome))


def plain(n, d, *, signal, rng):
    """Full matrices of double precision, as anybody would write the experiment."""
    parts = []
    for _ in range(3):
        y = np.sign(rng.normal(size=n))
        X = rng.normal(size=(n, d))
        if signal:
            X[:, :20] += 6 / math.sqrt(n) * y[:, None]
        parts.append(Part(X, y))
    return select_on_rows(parts, Settings(), right, rng=rng)[0]


def streamed(n, d, *, signal, rng):
    """All values of training rows and holdout in single precision, a block of columns at a time.

    Only columns that may vote are kept, a third; fresh rows are drawn for those.
    """
    means = signal_means(n, d, signal=signal).astype(np.float32)
    outcomes = [np.sign(rng.standard_normal(n, dtype=np.float32)) for _ in range(3)]
    kept, places = ([], []), []
    for start in range(0, d, BLOCK):
        here = means[start:start + BLOCK, None]
        block = [rng.standard_normal((len(here), n), dtype=np.float32) for _ in range(2)]
        for X, y in zip(block, outcomes[:2], strict=True):
            if here.any():
                X += here * y
        may = np.flatnonzero(np.abs(block[0] @ outcomes[0]) / n > 1 / math.sqrt(n))
        for held, X in zip(kept, block, strict=True):
            held.append(X[may])
        places.append(start + may)
    order = np.concatenate(places)
    fresh = rng.standard_normal((len(order), n), dtype=np.float32)
    if signal:
        fresh += means[order][:, None] * outcomes[2]
    columns = (np.concatenate(kept[0]), np.concatenate(kept[1]), fresh)
    parts = [Part(X.T, y) for X, y in zip(columns, outcomes, strict=True)]
    return select_on_rows(parts, Settings(), right, rng=rng)[0]


def sufficient(n, d, *, signal, rng):
    """What the package does: correlations and votes drawn from their own distribution."""
    return simulate_selection(n, d, signal=signal, rng=rng)


def seconds(arm, n, d, repeats, seed=0):
    """Processor seconds of one repetition, by repeats."""
    each = []
    for repeat in range(repeats):
        begun = time.process_time()
        arm(n, d, signal=False, rng=generator(seed + repeat))
        each.append(time.process_time() - begun)
    return each


def scores(arm, n, d, repetitions, seed=0):
    """Mean and standard error of accuracies at 20, 100 and 500 features."""
    rng, rows = generator(seed), []
    for signal in (False, True):
        found = pd.concat([arm(n, d, signal=signal, rng=rng) for _ in range(repetitions)])
        for (method, k), some in found[found["k"].isin(FEATURES)].groupby(["method", "k"]):
            rows.append((signal, method, k, *(
                (some[part].mean(), some[part].std(ddof=1) / math.sqrt(repetitions))
                for part in ("train", "answer", "fresh"))))
    return rows


def attacks(columns, repetitions, seed=0):
    """Bias of the last answer, by mechanism and number of columns, n = 2,000."""
    setting = Setting(threshold=4 / math.sqrt(2000), sigma=0.25 / math.sqrt(2000), budget=50,
                      spread=0.05)
    found = attack_errors(MECHANISMS, 2000, columns, setting, repetitions=repetitions,
                          rng=generator(seed))
    return found.groupby(["mechanism", "columns"])["error"].agg(
        mean="mean", error="sem", rms=lambda each: math.sqrt(np.mean(each**2)),
        answered=lambda each: each.notna().mean()).reset_index()


def answered(limit, seed=0):
    """Queries that Thresholdout answers before 50 readings are spent, for two noises."""
    rows = []
    for sigma in (1 / math.sqrt(2000), 0.25 / math.sqrt(2000)):
        setting = Setting(threshold=4 / math.sqrt(2000), sigma=sigma, budget=50)
        counts = [_until_refused(setting, limit, generator(seed + at)) for at in range(10)]
        rows.append((sigma, float(np.mean(counts)), min(counts), max(counts)))
    return rows


def _until_refused(setting, limit, rng):
    from workbench.inference.validity.attacks import mechanism, signs

    asked, count = mechanism("thresholdout", 2000, limit, setting, rng), 0
    while count < limit:
        pair = [signs(2000, 500, rng) for _ in range(2)]
        flags = [answer.flag for answer in asked.answer_batch(*pair)]
        count += flags.count("")
        if "refused" in flags:
            break
    return count


def weights(counts, seeds):
    """Largest errors of multiplicative weights and of noise that grows, mean over worlds."""
    found = [crossing(draw_world(2000, rng=rng), counts, rng=rng)[0]
             for rng in map(generator, seeds)]
    return pd.concat(found).groupby("queries").agg(["mean", "min", "max"])


def guarantees(trials, seed=0):
    """Trials in which an error exceeded what was certified; n = 4,000, 400 queries."""
    setting = Setting(threshold=0.1, sigma=0.005, budget=3, epsilon=0.3, delta=0.0, spread=0.05)
    return [guarantee_trials(name, 4000, 400, setting, trials=trials, rng=generator(seed))
            for name in MECHANISMS]
