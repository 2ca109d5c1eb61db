"""What an interval or a test promises, how often it kept it in simulated worlds, and the verdict.

A trial draws one world under the assumptions of a method and tells whether its interval held the
truth, or whether its test cried out although nothing was there. Trials are independent, so that
the number of successes is binomial; the bands are Clopper and Pearson's (Biometrika 26, 1934).
"""

import math
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from scipy.stats import beta

__all__ = ["KINDS", "Kept", "Promise", "band", "judged", "kept", "measured"]

KINDS = ("equal", "at least", "at most")


@dataclass(frozen=True)
class Promise:
    """One promise of one method.

    Parameters
    ----------
    method : str
        Name of its card.
    what : str
        The interval or the test.
    world : str
        What its trials draw.
    level : float
        Promised probability of a success: coverage of an interval, type-I error of a test.
    trial : callable or None
        From a generator to bool; module level, so that other processes can run it.
    kind : {"equal", "at least", "at most"}
        Whether both sides of the level break the promise, or one.
    why : str
        What is known of a promise that does not hold, or of one that nobody gives.
    seconds : float
        CPU seconds of one trial, about; the shortened version leaves out the slow ones.
    batch : callable or None
        From a generator and a number of trials to the number of successes, where many trials at
        once take less time.
    """

    method: str
    what: str
    world: str
    level: float
    trial: Callable[[np.random.Generator], bool] | None = None
    kind: str = "equal"
    why: str = ""
    seconds: float = 0.01
    batch: Callable[[np.random.Generator, int], int] | None = None

    def successes(self, seeds):
        """Number of successes, one trial per seed."""
        if self.batch is not None:
            return int(self.batch(np.random.default_rng(seeds[0]), len(seeds)))
        return sum(bool(self.trial(np.random.default_rng(seed))) for seed in seeds)


@dataclass(frozen=True)
class Kept:
    """How often a promise was kept."""

    promise: Promise
    successes: int
    replications: int
    seconds: float

    @property
    def share(self) -> float:
        """Empirical level."""
        return self.successes / self.replications


def band(successes, replications, error):
    """Exact interval of the probability behind a count, which misses it with at most `error`."""
    low = beta.ppf(error / 2, successes, replications - successes + 1) if successes else 0.0
    high = (beta.ppf(1 - error / 2, successes + 1, replications - successes)
            if successes < replications else 1.0)
    return float(low), float(high)


def judged(found: Kept, error):
    """Verdict: ``holds``, ``cautious`` (errs on the safe side of an exact promise) or ``fails``.

    Coverage above its level and type-I error below it are the safe sides.
    """
    low, high = band(found.successes, found.replications, error)
    level, kind = found.promise.level, found.promise.kind
    if low <= level <= high:
        return "holds"
    safe = found.share > level if level > 0.5 else found.share < level
    if kind == "at least":
        return "holds" if found.share > level else "fails"
    if kind == "at most":
        return "holds" if found.share < level else "fails"
    return "cautious" if safe else "fails"


def kept(promise, replications, seeds):
    """Run trials, one per seed; a trial that raises ends the run with the name of its promise."""
    began = time.process_time()
    try:
        successes = promise.successes(seeds)
    except Exception as lost:
        lost.add_note(f"in a trial of {promise.method}, {promise.what}, seeds from {seeds[0]}")
        raise
    return Kept(promise, successes, replications, time.process_time() - began)


def measured(promises, replications, seed, *, workers=1, chunks=20):
    """Every promise, in their order; the same numbers whatever the number of workers.

    Parameters
    ----------
    promises : sequence of Promise
    replications : int
    seed : int
    workers : int
        Processes.
    chunks : int
        Parts in which one promise is handed out.
    """
    roots = np.random.SeedSequence(seed).spawn(len(promises))
    parts = [(place, part) for place, root in enumerate(roots)
             for part in np.array_split(np.array(root.spawn(replications), dtype=object),
                                        max(1, min(chunks, replications // 10)))]
    if workers == 1:
        found = [kept(promises[place], len(part), part) for place, part in parts]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
            found = list(pool.map(kept, [promises[place] for place, _ in parts],
                                  [len(part) for _, part in parts], [part for _, part in parts]))
    whole = []
    for place, promise in enumerate(promises):
        mine = [each for (at, _), each in zip(parts, found, strict=True) if at == place]
        whole.append(Kept(promise, sum(each.successes for each in mine), replications,
                          math.fsum(each.seconds for each in mine)))
    return whole
