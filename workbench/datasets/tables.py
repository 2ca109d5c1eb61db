"""Small real tables from ``data/raw``, verified by checksum.

Source and licence of every file: ``data/raw/SOURCES.md``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from workbench.core import check
from workbench.datasets import corpora
from workbench.datasets.raw import raw_file

__all__ = ["SHIPPED", "TABLES", "Shipped", "load_table", "presidents_approval"]

PRESIDENTS = "us-presidents-approval/presidents.csv"


def presidents_approval() -> pd.DataFrame:
    """Quarterly approval of the US president, 1945 to 1974.

    Returns
    -------
    approval : DataFrame, shape (n, 3)
        ``date``: the first day of the quarter's middle month, so that a quarter stands near its
        centre [day]; ``score`` [percent], NaN in the quarters without a survey; ``source``.
    """
    quarters = pd.read_csv(raw_file(PRESIDENTS))
    date = pd.to_datetime({"year": quarters["year"], "month": 3 * quarters["quarter"] - 1,
                           "day": 1})
    return pd.DataFrame({"date": date, "score": quarters["approval_pct"].astype(float),
                         "source": "gallup"})


@dataclass(frozen=True)
class Shipped:
    """A shipped table of scores: what it is, its files, its scale and its reader."""

    about: str
    files: tuple[str, ...]
    scale: tuple[float, float]
    read: Callable[[], pd.DataFrame]


SHIPPED = {
    "us-presidents-approval": Shipped(
        "Quarterly approval of the US president 1945-1974, Gallup [percent]",
        (PRESIDENTS,), (0.0, 100.0), presidents_approval),
    "fomc-statements": Shipped(
        "Economic outlook in the FOMC statements 1994-2016, lexicon score [-1 to 1]",
        ("fomc-statements/statements.jsonl", "fomc-statements/lexicon_outlook.json"),
        (-1.0, 1.0), corpora.fomc_scores),
}

TABLES = {name: table.about for name, table in SHIPPED.items()}


def load_table(name: str) -> pd.DataFrame:
    """Load a shipped table of scores.

    Parameters
    ----------
    name : str
        One of `TABLES`.

    Returns
    -------
    table : DataFrame
        At least ``date`` [day], ``score`` (NaN where missing) and ``source``.

    Raises
    ------
    ValueError
        If the name is unknown or a file was changed.
    FileNotFoundError
        If the data folder is not there.
    """
    check.one_of(SHIPPED, name=name)
    return SHIPPED[name].read()
