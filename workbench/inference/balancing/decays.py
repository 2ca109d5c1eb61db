"""How well recommenders rank by weight decay: unweighted, inverse propensities, kernels, robust.

Inverse propensities are large, so that they change the size of the loss beside the weight decay:
each way has its own best decay, and only ways that are tuned alike can be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.core.rng import seed_from
from workbench.inference.balancing.ranking_scores import auc, ndcg_at

__all__ = ["RankingSlice", "decay_sweep", "tuned_scores"]

FIRST = 5                # items of the ranking measure
RESAMPLES = 200


@dataclass(frozen=True, eq=False)
class RankingSlice:
    """Ratings of 0 and 1 that score rankings: one half tunes, the other one tests.

    Parameters
    ----------
    users, items : array of int, shape (m,)
    ratings : array of 0 and 1, shape (m,)
    tests : array of bool, shape (m,)
        The half that tests; it is never looked at while a decay is chosen.
    """

    users: np.ndarray
    items: np.ndarray
    ratings: np.ndarray
    tests: np.ndarray


def decay_sweep(ratings: tuple[np.ndarray, np.ndarray, np.ndarray],  # noqa: PLR0913
                sizes: tuple[int, int], amounts: Mapping[str, np.ndarray],
                robust: Mapping[str, np.ndarray], scored: RankingSlice,
                decays: Sequence[float], *, seeds: int, rng: np.random.Generator,
                batch: int = 128) -> pd.DataFrame:
    """Train every way at every decay, several times.

    Parameters
    ----------
    ratings : (users, items, ratings of 0 and 1)
    sizes : (int, int)
        Users and items.
    amounts, robust : mapping of way to array, shape (n,)
        How much each loss counts: plain ways, and doubly robust ones.
    scored : RankingSlice
    decays : sequence of float
    seeds : int > 0
        Trainings with other first embeddings and batches.
    rng : numpy.random.Generator
    batch : int > 0

    Returns
    -------
    table : DataFrame
        Columns way, decay, seed, tuning (AUC of the tuning half), auc, ndcg (of the first 5), and
        scores, the predictions of the test half.
    """
    from workbench.inference.balancing.alternating import MatrixFactorisation

    rows = []
    for seed in range(seeds):
        state = seed_from(rng)
        for ways, is_robust in ((amounts, False), (robust, True)):
            if not ways:
                continue
            names = [(way, decay) for way in ways for decay in decays]
            stacked = np.stack([ways[way] for way, _ in names])
            model = MatrixFactorisation(
                *sizes, weight_decay=[decay for _, decay in names], robust=is_robust, batch=batch,
                epochs=150, random_state=state, device="cpu")
            model.fit(*ratings, stacked if len(names) > 1 else stacked[0])
            found = np.atleast_2d(model.predict(scored.users, scored.items))
            rows += [{"way": way, "decay": decay, "seed": seed, **_scores(scored, guess)}
                     for (way, decay), guess in zip(names, found, strict=True)]
    return pd.DataFrame(rows)


def tuned_scores(table: pd.DataFrame, scored: RankingSlice, *, level: float = 0.95,
                 rng: np.random.Generator) -> pd.DataFrame:
    """Each way at the decay that the tuning half prefers, scored on the test half.

    Parameters
    ----------
    table : DataFrame
        Of `decay_sweep`.
    scored : RankingSlice
    level : float
        Of the intervals, by resampling the users of the test half.
    rng : numpy.random.Generator

    Returns
    -------
    table : DataFrame
        Columns way, decay, auc, low, high, ndcg, spread (standard deviation of the AUC over
        trainings).
    """
    own = scored.users[scored.tests]
    truth = scored.ratings[scored.tests]
    known, codes = np.unique(own, return_inverse=True)
    draws = rng.integers(len(known), size=(RESAMPLES, len(known)))
    rows = []
    for way, some in table.groupby("way", sort=False):
        decay = some.groupby("decay")["tuning"].mean().idxmax()
        best = some[some["decay"] == decay]
        resampled = []
        for drawn in draws:
            counts = np.bincount(drawn, minlength=len(known))[codes]
            picked = np.repeat(np.arange(len(codes)), counts)
            if 0 < truth[picked].sum() < len(picked):
                resampled.append(np.mean([auc(truth[picked], guess[picked])
                                          for guess in best["scores"]]))
        low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
        rows.append({"way": way, "decay": decay, "auc": best["auc"].mean(), "low": low,
                     "high": high, "ndcg": best["ndcg"].mean(),
                     "spread": best["auc"].std(ddof=1) if len(best) > 1 else np.nan})
    return pd.DataFrame(rows)


def _scores(scored: RankingSlice, guess: np.ndarray) -> dict[str, object]:
    tests = scored.tests
    truth = scored.ratings
    return {"tuning": auc(truth[~tests], guess[~tests]), "auc": auc(truth[tests], guess[tests]),
            "ndcg": ndcg_at(FIRST, scored.users[tests], truth[tests], guess[tests]),
            "scores": guess[tests]}
