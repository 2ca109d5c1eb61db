"""The game: climb a leaderboard by hand, and see what the holdout makes of it.

A player is told how often each of some columns is right alone, then lets columns vote, one more
with each submission; a row counts where most of its votes are right. All that is told comes from
one mechanism. Beside the player, a machine does the same on the plain holdout.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import generator
from workbench.inference.adaptive_queries import Thresholdout
from workbench.inference.validity.attacks import Setting, mechanism
from workbench.inference.validity.tables import Divided, distinct

__all__ = ["POOL", "draw_board", "play", "singles", "table_board"]

POOL = 12                # columns to choose from
TRAINED = 4              # of them, those that look best on the training rows
MOST_ROWS = 2000         # of each part of a simulated board
PART = "part"


def draw_board(n: int, d: int, means: np.ndarray, *, rng: np.random.Generator) -> pd.DataFrame:
    """Which votes are right, on simulated rows: the columns that look best of d.

    Parameters
    ----------
    n, d : int > 0
        Rows of a part, at most 2,000 of which are drawn; columns.
    means : array, shape (d,)
        Mean of each feature times the outcome.
    rng : numpy.random.Generator

    Returns
    -------
    board : DataFrame
        Column part (0 train, 1 holdout, 2 fresh), and one of 0 and 1 for each voter.
    """
    n = min(n, MOST_ROWS)
    trained, held = means + rng.standard_normal((2, d)) / np.sqrt(n)
    order = _pool(trained, held)
    signs = np.sign(trained[order])
    parts = []
    for centre in (trained, held, None):
        noise = rng.standard_normal((n, len(order)))
        noise += means[order] if centre is None else centre[order] - noise.mean(axis=0)
        parts.append(noise * signs > 0)
    return _named(parts, [f"x{at + 1}" for at in order])


def table_board(divided: Divided) -> pd.DataFrame:
    """Which votes are right on rows of a table, that the outcome is above its training mean."""
    train, holdout, _ = divided.parts
    trained = train.correlations()
    order = _pool(trained, holdout.correlations())
    signs = np.sign(trained[order])
    parts = [((part.X[:, order] * signs) > 0) == (part.y > 0)[:, None] for part in divided.parts]
    return _named(parts, [divided.names[at] for at in order])


def singles(board: pd.DataFrame, name: str, setting: Setting, *, seed: int = 0) -> pd.Series:
    """How often each column alone is right, as a mechanism tells it; the best first."""
    asked = _asked(board, name, setting, seed)
    return _told_alone(asked, board).sort_values(ascending=False, kind="stable")


def play(board: pd.DataFrame, columns: Sequence[str], name: str, setting: Setting, *,
         seed: int = 0) -> pd.DataFrame:
    """Submit the first column, the first two, and so on, after all were told alone.

    Parameters
    ----------
    board : DataFrame
        Of :func:`draw_board` or :func:`table_board`.
    columns : sequence of str
    name : str
        Mechanism that tells scores.
    setting : Setting
    seed : int >= 0

    Returns
    -------
    moves : DataFrame
        Columns submission, column, train, told (NaN where refused), fresh, plain, used_holdout,
        remaining (NaN without end), epsilon, tau (certified error of all answers so far).
    """
    asked = _asked(board, name, setting, seed)
    _told_alone(asked, board)
    parts = [part[list(columns)].to_numpy(float) for part in _parts(board)]
    rows = []
    for at, column in enumerate(columns, start=1):
        right = [_majority(part[:, :at]) for part in parts]
        answer = _answered(asked, right[0], right[1])
        left = asked.ledger.remaining
        rows.append((at, column, right[0].mean(), answer.value, right[2].mean(), right[1].mean(),
                     answer.used_holdout, np.nan if left is None else left,
                     asked.ledger.epsilon, asked.ledger.tau()))
    return pd.DataFrame(rows, columns=["submission", "column", "train", "told", "fresh", "plain",
                                       "used_holdout", "remaining", "epsilon", "tau"])


def _asked(board: pd.DataFrame, name: str, setting: Setting, seed: int) -> Any:
    columns = len(board.columns) - 1
    return mechanism(name, int((board[PART] == 1).sum()), 2 * columns, setting, generator(seed))


def _told_alone(asked: Any, board: pd.DataFrame) -> pd.Series:
    train, holdout, _ = _parts(board)
    return pd.Series({str(name): _answered(asked, train[name].to_numpy(float),
                                           holdout[name].to_numpy(float)).value
                      for name in train})


def _answered(asked: Any, train: np.ndarray, holdout: np.ndarray) -> Any:
    pair = (train[:len(holdout)], holdout)           # thirds differ by a row at most
    return asked.answer(pair if isinstance(asked, Thresholdout) else holdout, "values")


def _parts(board: pd.DataFrame) -> list[pd.DataFrame]:
    return [board[board[PART] == at].drop(columns=PART) for at in range(3)]


def _named(parts: Sequence[np.ndarray], names: Sequence[str]) -> pd.DataFrame:
    names = distinct((PART, *names))[1:]
    table = pd.DataFrame(np.concatenate(parts).astype(np.int8), columns=list(names))
    table.insert(0, PART, np.repeat(np.arange(len(parts), dtype=np.int8),
                                    [len(part) for part in parts]))
    return table


def _majority(right: np.ndarray) -> np.ndarray:
    share = right.mean(axis=1)
    return (share > 0.5) + 0.5 * (share == 0.5)


def _pool(trained: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Columns that look best on the training rows, and those that look best on the holdout."""
    first = np.argsort(-np.abs(trained), kind="stable")[:TRAINED]
    agree = np.argsort(-np.sign(trained) * held, kind="stable")
    return np.concatenate([first, agree[~np.isin(agree, first)][:POOL - TRAINED]])
