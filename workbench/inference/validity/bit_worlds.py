"""Rows of a few bits, whose distribution is known, and queries about three of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.inference.validity.multiplicative import PrivateMultiplicativeWeights
from workbench.inference.validity.universe import binary_points

__all__ = ["BitWorld", "bit_queries", "crossing", "draw_world"]

RHO = 1.0                # concentrated privacy of all answers with normal noise
CHUNK = 1000             # queries at a time


@dataclass(frozen=True, eq=False)
class BitWorld:
    """A distribution over all rows of some bits and a sample of it.

    Parameters
    ----------
    points : array of int, shape (N, p)
    truth : array, shape (N,)
    codes : array of int, shape (n,)
    """

    points: np.ndarray
    truth: np.ndarray
    codes: np.ndarray


def draw_world(n: int, bits: int = 8, *, rng: np.random.Generator) -> BitWorld:
    """A distribution with uneven weights, and n rows of it."""
    truth = rng.dirichlet(np.full(2**bits, 0.5))
    return BitWorld(binary_points(bits), truth, rng.choice(2**bits, n, p=truth))


def bit_queries(points: np.ndarray, count: int, *, rng: np.random.Generator) -> np.ndarray:
    """Conjunctions and parities of three bits each, shape (count, N), one half of either kind.

    Of points with fewer bits all are taken.
    """
    bits = np.argsort(rng.random((count, points.shape[1])), axis=1)[:, :3]
    flips = rng.integers(0, 2, bits.shape)
    chosen = points.T[bits] ^ flips[:, :, None]
    parity = rng.random(count) < 0.5
    return np.where(parity[:, None], chosen.sum(axis=1) % 2, chosen.all(axis=1)).astype(float)


def crossing(world: BitWorld, counts: list[int], *, threshold: float = 0.06,
             sigma: float = 0.005, eta: float = 0.1, rng: np.random.Generator
             ) -> tuple[pd.DataFrame, PrivateMultiplicativeWeights]:
    """Largest error of weights and of noise that grows with the root of the number of queries.

    Returns
    -------
    errors : DataFrame
        Columns queries, weights, noise, updates: largest |answer - population mean|.
    asked : PrivateMultiplicativeWeights
        After the largest number of queries.
    """
    sample = np.bincount(world.codes, minlength=len(world.truth)) / len(world.codes)
    found = []
    for count in counts:
        asked = PrivateMultiplicativeWeights(
            world.codes, world.points, alpha=2 * threshold, max_queries=count,
            threshold=threshold, sigma=sigma, eta=eta, rng=rng)
        spread = np.sqrt(count / (2 * RHO)) / len(world.codes)
        worst = np.zeros(2)
        for start in range(0, count, CHUNK):
            values = bit_queries(world.points, min(CHUNK, count - start), rng=rng)
            truth = values @ world.truth
            told = np.array([answer.value for answer in asked.answer_batch(values)])
            noisy = np.clip(values @ sample + spread * rng.standard_normal(len(values)), 0, 1)
            worst = np.maximum(worst, [np.abs(told - truth).max(), np.abs(noisy - truth).max()])
        found.append((count, *worst, asked.ledger.readings))
    return pd.DataFrame(found, columns=["queries", "weights", "noise", "updates"]), asked
