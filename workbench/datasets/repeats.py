"""Repeated scores of one document become one score with a standard error.

Repeats share the document's own deviation from the trend; taken as independent documents they
would make the trend look surer than it is.
"""

import numpy as np
import pandas as pd

__all__ = ["collapse"]

KEYS = ["document", "source", "date"]


def collapse(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """One row per document, source and date.

    Parameters
    ----------
    table : DataFrame, shape (n, p)
        ``document``, ``source``, ``date``, ``score`` and ``weight``; of further columns the
        first repeat's cell is kept.

    Returns
    -------
    documents : DataFrame, shape (m, p + 1)
        ``score`` is the mean of r repeats and ``error`` its standard error, sd / sqrt(r), in the
        unit of the scores. A document scored once takes the sd pooled over all repeats.
    notes : list of str
    """
    groups = table.groupby(KEYS, sort=False)
    documents = groups.first()
    documents["score"] = groups["score"].mean()
    documents["weight"] = groups["weight"].mean()
    repeats, spread = groups["score"].size(), groups["score"].std(ddof=1)
    degrees = int((repeats - 1).sum())
    pooled = float(np.sqrt((spread.fillna(0.0) ** 2 * (repeats - 1)).sum() / max(degrees, 1)))
    documents["error"] = spread.where(repeats > 1, pooled) / np.sqrt(repeats)
    documents = documents.reset_index()
    return documents[[*table.columns, "error"]], _notes(repeats, pooled, documents)


def _notes(repeats: pd.Series, pooled: float, documents: pd.DataFrame) -> list[str]:
    many, once = int((repeats > 1).sum()), int((repeats == 1).sum())
    notes = []
    if many:
        notes.append(f"Documents scored more than once: {many}, with {repeats[repeats > 1].sum()} "
                     "scores; each counts once, by its mean and the standard error of the mean.")
        if once:
            notes.append(f"Documents scored once: {once}; their standard error is the sd pooled "
                         f"over all repeats, {pooled:.3g}.")
    else:
        notes.append("No document was scored twice, so the error of a score is unknown and "
                     "taken as 0.")
    apart = len(documents) - documents["document"].nunique()
    if apart:
        notes.append(f"Rows of a document that also has another date or source: {apart}; they "
                     "were kept apart.")
    return notes
