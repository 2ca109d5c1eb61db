"""Networks of growing width as tables: losses beside rivals, traces, reliability, maps."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from workbench.core import Estimate, Interval, generator

if TYPE_CHECKING:
    from workbench.inference.mixtures.arms import Arms, Rows
    from workbench.inference.mixtures.langevin import SGLDSampler

__all__ = ["RIVALS", "Widths", "gain", "mean_interval", "rows_of_moons", "rows_of_table", "widths"]

BINS = 8                 # of predicted probabilities
SIDE = 48                # places per side of a map
LEVEL = 0.9
TEST_ROWS = 2000
RIVALS = ("optimum with the prior", "single optimum")


@dataclass(frozen=True, eq=False)
class Widths:
    """Tables of networks of several widths.

    Parameters
    ----------
    scores : DataFrame
        Columns width, method, loss, low, high: test log-loss, less the entropy where it is known.
    facts : DataFrame, one row per width
        parameters, dimensions (that the rows decide), price (Laplace's ``-log W_n / n``), counted
        (``d log n / (2 n)``), rhat, draws.
    trace, confidence, map : DataFrame
        Of the widest network.
    gains : mapping of width to mapping of rival to Estimate
        Log-loss of each of `RIVALS` minus that of the mixture on the same rows [nats].
    entropy : float
        Least possible log-loss, 0 where it is unknown.
    rows, classes, sets : int
        Training rows of a data set, classes, data sets.
    """

    scores: pd.DataFrame
    facts: pd.DataFrame
    trace: pd.DataFrame
    confidence: pd.DataFrame
    map: pd.DataFrame
    gains: Mapping[int, Mapping[str, Estimate]]
    entropy: float
    rows: int
    classes: int
    sets: int


def rows_of_moons(n: int, sets: int, flip: float, *, rng: np.random.Generator) -> "Rows":
    """Data sets of two arcs, and one test set."""
    from workbench.datasets.moons import moons
    from workbench.inference.mixtures.arms import Rows

    drawn = [moons(n, flip=flip, rng=rng) for _ in range(sets)]
    x_test, y_test = moons(TEST_ROWS, flip=flip, rng=rng)
    return Rows(np.stack([x for x, _ in drawn]).astype(np.float32),
                np.stack([y for _, y in drawn]), x_test.astype(np.float32), y_test, 2)


def rows_of_table(features: pd.DataFrame, y: np.ndarray, *, test_share: float = 0.3,
                  most: int = 0, rng: np.random.Generator) -> "Rows":
    """Training and test rows of a table, each class in both, features encoded by the first.

    Parameters
    ----------
    features : DataFrame, shape (n, p)
    y : array of int, shape (n,)
    test_share : float in (0, 1)
    most : int
        Training rows at most; 0 takes all.
    rng : numpy.random.Generator
    """
    from workbench.inference.mixtures.arms import Rows
    from workbench.inference.quantiles.encoding import table_encoder

    test = np.zeros(len(y), dtype=bool)
    for one in np.unique(y):
        own = rng.permutation(np.flatnonzero(y == one))
        test[own[:max(1, round(test_share * len(own)))]] = True
    train, held = rng.permutation(np.flatnonzero(~test)), np.flatnonzero(test)
    if most and most < len(train):
        train = _each_class(train, y, most)
    encoder = table_encoder()
    x = np.asarray(encoder.fit_transform(features.iloc[train]), np.float32)
    later = np.asarray(encoder.transform(features.iloc[held[:TEST_ROWS]]), np.float32)
    return Rows(x[None], y[train][None], np.clip(later, -10, 10), y[held[:TEST_ROWS]],
                int(y.max()) + 1)


def widths(rows: "Rows", sizes: Sequence[int], how: "SGLDSampler", *, seed: int,
           entropy: float = 0.0) -> Widths:
    """Compare all methods at each width."""
    from workbench.inference.mixtures.arms import compare_arms
    from workbench.train.threads import one_thread

    scores, facts, gains = [], [], {}
    chosen = sorted({int(one) for one in sizes})
    with one_thread():
        for size in chosen:
            arms = compare_arms(rows, size, how, rng=generator(seed))
            scores += _scores(arms, size, entropy)
            facts.append(_facts(arms, size, rows))
            gains[size] = {rival: gain(arms.losses[rival], arms.losses["SGLD mixture"])
                           for rival in RIVALS}
        drawn = _map(arms, rows)
    return Widths(pd.DataFrame(scores), pd.DataFrame(facts), _trace(arms), _confidence(arms, rows),
                  drawn, gains, entropy, rows.y.shape[1], rows.classes, len(rows.y))


def mean_interval(losses: Any, level: float = LEVEL) -> tuple[float, float, float]:
    """Mean of losses, shape (sets, rows), with the ends of its interval.

    Over data sets by Student's t where there are several, else over test rows; then it says
    nothing of other training rows.
    """
    table = np.asarray(losses, float)
    each = table.mean(axis=1) if len(table) > 1 else table[0]
    factor = student.ppf(0.5 + level / 2, len(each) - 1) if len(table) > 1 else norm.ppf(
        0.5 + level / 2)
    half = float(factor * each.std(ddof=1) / math.sqrt(len(each)))
    mean = float(each.mean())
    return mean, mean - half, mean + half


def gain(worse: Any, better: Any, level: float = LEVEL) -> Estimate:
    """Mean difference of two losses on the same rows, with its interval [nats]."""
    mean, low, high = mean_interval(np.asarray(worse) - np.asarray(better), level)
    return Estimate(mean, Interval(low, high, level), "nats")


def _each_class(train: np.ndarray, y: np.ndarray, most: int) -> np.ndarray:
    """So many rows, the first of each class among them."""
    _, first = np.unique(y[train], return_index=True)
    order = np.concatenate([first, np.setdiff1d(np.arange(len(train)), first,
                                                assume_unique=True)])
    return train[order[:max(most, len(first))]]


def _scores(arms: "Arms", size: int, entropy: float) -> list[dict[str, Any]]:
    found = []
    for method, losses in arms.losses.items():
        mean, low, high = mean_interval(losses - entropy)
        found.append({"width": size, "method": method, "loss": mean, "low": low, "high": high})
    return found


def _facts(arms: "Arms", size: int, rows: "Rows") -> dict[str, Any]:
    from workbench.inference.mixtures.fisher import soft_price

    n, d = rows.y.shape[1], arms.curvature.parameters
    return {"width": size, "parameters": d, "dimensions": arms.curvature.dimensions(n),
            "price": soft_price(arms.curvature, n), "counted": d * math.log(n) / (2 * n),
            "rhat": arms.sampled.rhat(len(rows.y)), "draws": arms.draws}


def _trace(arms: "Arms") -> pd.DataFrame:
    sampled = arms.sampled
    chains = min(4, sampled.losses.shape[1])
    return pd.concat([pd.DataFrame({"epoch": sampled.steps, "value": sampled.losses[:, chain],
                                    "series": f"chain {chain + 1}"})
                      for chain in range(chains)], ignore_index=True).assign(
        burn_in=sampled.plan.burn_in)


def _confidence(arms: "Arms", rows: "Rows") -> pd.DataFrame:
    """How often classes happen that are given a probability, by bins of equal counts."""
    found = []
    for method in ("SGLD mixture", "single optimum"):
        shares = arms.proba[method]
        said = (shares[:, 1] if rows.classes == 2 else shares.max(axis=1))
        right = (rows.y_test == 1 if rows.classes == 2
                 else shares.argmax(axis=1) == rows.y_test).astype(float)
        for part in np.array_split(np.argsort(said, kind="stable"), min(BINS, len(said))):
            share, count = right[part].mean(), len(part)
            centre = (right[part].sum() + 1.35) / (count + 2.71)    # Wilson, 90 %
            half = 1.645 / (count + 2.71) * math.sqrt(count * share * (1 - share) + 0.68)
            found.append({"method": method, "said": said[part].mean(), "happened": share,
                          "low": max(0.0, centre - half), "high": min(1.0, centre + half),
                          "rows": count})
    return pd.DataFrame(found)


def _map(arms: "Arms", rows: "Rows") -> pd.DataFrame:
    """Probability of class 1 by two features; no rows where there are others."""
    import torch

    if rows.x.shape[-1] != 2 or rows.classes != 2:
        return pd.DataFrame(columns=["first", "second", "share"])
    low, high = rows.x_test.min(axis=0) - 0.5, rows.x_test.max(axis=0) + 0.5
    sides = [np.linspace(start, stop, SIDE) for start, stop in zip(low, high, strict=True)]
    first, second = (one.ravel() for one in np.meshgrid(*sides))
    points = torch.as_tensor(np.column_stack([first, second]).astype(np.float32))
    logs = arms.ensemble.predict_log_proba(points, by_group=len(rows.x))
    own = logs if len(rows.x) == 1 else logs[0]
    return pd.DataFrame({"first": first, "second": second,
                         "share": own[:, 1].double().exp().cpu().numpy()})
