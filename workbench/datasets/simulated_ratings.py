"""A matrix of ratings that people give where they like, with a random slice and a known truth."""

import numpy as np
import pandas as pd
from scipy.special import expit

from workbench.core import check

__all__ = ["simulated_ratings"]

RANK, EDGES = 3, (-1.6, -0.5, 0.5, 1.6)


def simulated_ratings(n_users: int = 120, n_items: int = 100, *, slice_per_user: int = 16,
                      rng: np.random.Generator) -> pd.DataFrame:
    """Ratings from 1 to 5; the better an item is liked, the likelier it is rated.

    A liking is the sum of a user's and an item's level, an inner product of three tastes, and
    noise; it is rated with probability ``sigmoid(-3.2 + liking + popularity)``.

    Parameters
    ----------
    n_users, n_items, slice_per_user : int > 0
        Size of the matrix, and pairs of each user that are drawn at random and rated anyway.
    rng : numpy.random.Generator

    Returns
    -------
    ratings : DataFrame
        Columns user, item, rating, random (1 for the slice). ``attrs["truth"]`` is the mean
        rating over all pairs.
    """
    check.positive(n_users=n_users, n_items=n_items, slice_per_user=slice_per_user)
    if slice_per_user > n_items:
        raise ValueError(f"slice_per_user must be at most the {n_items} items, got "
                         f"{slice_per_user}. Draw fewer.")
    tastes = rng.normal(size=(n_users, RANK)) @ rng.normal(size=(RANK, n_items)) / np.sqrt(RANK)
    liking = (0.4 * rng.normal(size=(n_users, 1)) + 0.5 * rng.normal(size=(1, n_items)) + tastes
              + 0.5 * rng.normal(size=(n_users, n_items)))
    values = np.digitize(liking, EDGES) + 1
    chosen = rng.random(liking.shape) < expit(
        -3.2 + liking + 0.5 * rng.normal(size=(1, n_items)))
    drawn = rng.random(liking.shape).argsort(axis=1)[:, :slice_per_user]
    users, items = np.nonzero(chosen)
    table = pd.DataFrame({"user": users, "item": items, "rating": values[users, items],
                          "random": 0})
    rows = np.repeat(np.arange(n_users), slice_per_user)
    again = pd.DataFrame({"user": rows, "item": drawn.ravel(),
                          "rating": values[rows, drawn.ravel()], "random": 1})
    whole = pd.concat([table, again], ignore_index=True)
    whole.attrs["truth"] = float(values.mean())
    return whole
