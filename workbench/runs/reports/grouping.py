"""Which runs of a study make up one sweep: those in which all but a few parameters agree."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.runs.storage.rows import Row

__all__ = ["best_group", "code", "is_repeat"]

MOST_VARIED = 5          # parameters in which the runs of one sweep may differ, seeds not counted
MOST_SETS = 200
ANCHORS = 6              # runs around which a group is sought
PRICE = 0.15             # of each further name, as a share of the runs that it must gather


def is_repeat(name: str) -> bool:
    """Whether a parameter only repeats: another seed, nothing else."""
    return name == "seed" or name.endswith("_seed")


def best_group(rows: list[Row], coded: Mapping[str, Mapping[str, str]]) -> list[Row]:
    """The best group around some of the runs: many runs, and few names in which they differ.

    Parameters
    ----------
    rows : list of Row
    coded : mapping of str to mapping
        Each run's parameters as :func:`code` writes them, by the run's name.
    """
    found = [_around(row, rows, coded) for row in rows[::max(1, len(rows) // ANCHORS)]]
    return max(found, key=lambda each: each[0])[1]


def _around(anchor: Row, rows: list[Row],
            coded: Mapping[str, Mapping[str, str]]) -> tuple[float, list[Row]]:
    first = coded[anchor.id]
    apart = [frozenset(name for name in {**first, **coded[row.id]}
                       if first.get(name) != coded[row.id].get(name)) for row in rows]
    counts = Counter(names for names in apart if len(_knobs(names)) <= MOST_VARIED)
    sets = [names for names, _ in counts.most_common(MOST_SETS)]
    joined = {one | other for one in sets for other in sets[:20]
              if len(_knobs(one | other)) <= MOST_VARIED}
    scores = {names: sum(count for each, count in counts.items() if each <= names)
              / (1 + PRICE * len(_knobs(names))) for names in joined}
    best = max(sorted(joined, key=sorted), key=lambda names: scores[names])
    return scores[best], [row for row, names in zip(rows, apart, strict=True) if names <= best]


def _knobs(names: Iterable[str]) -> list[str]:
    return [name for name in names if not is_repeat(name)]


def code(value: Any) -> str:
    """A value as a text that equal values share."""
    return json.dumps(value, sort_keys=True, default=repr)
