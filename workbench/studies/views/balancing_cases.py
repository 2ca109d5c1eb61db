"""Where a study of balance takes its sample from: a simulated world, ratings, or a table."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core import check, generator
from workbench.core.recent import Recent
from workbench.datasets import (
    load_ratings,
    load_selected,
    rating_columns,
    selected_pairs,
    simulated_ratings,
)
from workbench.datasets.files import EXTENSIONS, open_file
from workbench.datasets.ratings import Ratings
from workbench.inference.balancing.cases import Case
from workbench.inference.balancing.pairs import pair_sample
from workbench.inference.balancing.propensities import naive_bayes_propensity
from workbench.inference.balancing.trials import case_of

__all__ = ["WORLD", "Rated", "Source", "source_of"]

WORLD = "semisynthetic"
MOST_CELLS = 50          # different ratings that naive-Bayes propensities bear
MOST_GROUPS = 8
THIRDS = ("low x1", "middle x1", "high x1")
FILES: Recent["Source"] = Recent(4)
ASKED = ("data", "outcome", "user", "item", "drawn", "group", "base", "positive", "n", "seed")


@dataclass(frozen=True, eq=False)
class Rated:
    """Ratings of 0 and 1 to train recommenders on, and those that score them.

    Parameters
    ----------
    users, items : array of int, shape (n,)
    ratings : array of 0 and 1, shape (n,)
    sizes : (int, int)
    slice_users, slice_items, slice_ratings, slice_tests : array, shape (m,)
        Of the ratings that score; the half that tests.
    drawn : bool
        Whether the slice was drawn at random.
    """

    users: np.ndarray
    items: np.ndarray
    ratings: np.ndarray
    sizes: tuple[int, int]
    slice_users: np.ndarray
    slice_items: np.ndarray
    slice_ratings: np.ndarray
    slice_tests: np.ndarray
    drawn: bool


@dataclass(frozen=True, eq=False)
class Source:
    """A sample with the words for it.

    Parameters
    ----------
    kind : {"world", "ratings", "table"}
    case : Case
    label, items : str
        What the outcome and the items are called.
    groups : array of str, shape (observed,), or None
    truth : float, or None
        Mean over all items, where it is known.
    checked : array, shape (m,), or None
        Outcomes of items drawn at random that nothing else uses, or of all items of a world.
    rated : Rated, or None
    key : tuple
    notes : tuple of str
    """

    kind: str
    case: Case
    label: str
    items: str
    groups: np.ndarray | None
    truth: float | None
    checked: np.ndarray | None
    rated: Rated | None
    key: Any
    notes: tuple[str, ...]


def source_of(params: Any) -> Source:
    """The sample that parameters ask for, read again only when its file has changed."""
    path = Path(params.data).expanduser()
    seen = (path.stat().st_mtime_ns, path.stat().st_size) if path.exists() else ()
    key = (seen, *(str(getattr(params, name)) for name in ASKED), str(params.features))
    return FILES.get(key, lambda: replace(_made(params, path), key=key))


def _made(params: Any, path: Path) -> Source:
    if params.data == WORLD:
        return _world(params)
    if path.is_dir() or _is_rated(params, path):
        return _rated(params)
    return _table(params)


def _is_rated(params: Any, path: Path) -> bool:
    """Whether user and item are named, or found by their usual names."""
    if not path.name.lower().endswith(EXTENSIONS):
        return False
    columns = rating_columns(map(str, open_file(path).frame.columns), {
        "user": params.user, "item": params.item, "rating": params.outcome})
    return bool(columns["user"] and columns["item"] and columns["rating"])


def _world(params: Any) -> Source:
    rng = generator(params.seed)
    world = selected_pairs(params.n, rng=rng)
    case = case_of(world, rng)
    x1 = world["x1"].to_numpy()[case.observed]
    groups = np.array(THIRDS, dtype=object)[np.digitize(x1, (-0.43, 0.43))]
    table = simulated_ratings(rng=rng)
    chosen, drawn = (table[table["random"] == at] for at in (0, 1))
    sizes = (int(table["user"].max()) + 1, int(table["item"].max()) + 1)
    (users, items, likes), scored = (
        (part["user"].to_numpy(), part["item"].to_numpy(), (part["rating"] >= 4).to_numpy(float))
        for part in (chosen, drawn))
    rated = Rated(users, items, likes, sizes, *scored, rng.random(len(drawn)) < 0.5, drawn=True)
    loss = world["loss"].to_numpy()
    return Source("world", case, "loss", "pairs", groups, float(loss.mean()), loss, rated, (), (
        "The pairs are simulated: the likelier a pair is observed, the larger its loss. Ratings "
        "that recommenders are trained on come from another simulated world.",))


def _rated(params: Any) -> Source:
    ratings = load_ratings(params.data, user=params.user, item=params.item,
                           rating=params.outcome, drawn=params.drawn)
    rng = generator(params.seed)
    own = ~ratings.drawn
    sizes = (len(ratings.user_names), len(ratings.item_names))
    tests = rng.random(len(ratings.values)) < 0.5
    has_slice = bool(ratings.drawn.sum() >= 20)
    known = ratings.values[ratings.drawn & ~tests] if has_slice else None
    given = ratings.users[own], ratings.items[own], ratings.values[own]
    sample = pair_sample(given, sizes, known, rng=rng)
    base, notes = _base(params, sample.case)
    case = replace(sample.case, base=base)
    rated, more = _binary(params, ratings, tests, sizes, rng, has_slice=has_slice)
    users = ratings.user_names[ratings.users[own]]
    return Source("ratings", case, "rating", "pairs", _few(users), None,
                  ratings.values[ratings.drawn & tests] if has_slice else None, rated, (),
                  (*ratings.notes, *notes, *more))


def _base(params: Any, case: Case) -> tuple[np.ndarray | None, list[str]]:
    """Base weights by the rating itself, where a random slice tells how common each is."""
    if params.base == "uniform":
        return None, []
    if case.drawn is None:
        return None, ["No ratings of pairs drawn at random are marked, so that weights can follow "
                      "features only: what people choose to rate by the rating itself stays a "
                      "bias that no interval tells."]
    if len(np.unique(case.outcome)) > MOST_CELLS:
        return None, []
    try:
        chance = naive_bayes_propensity(case.outcome, case.drawn, len(case.outcome), case.size)
    except ValueError as trouble:
        return None, [f"Base weights are uniform: {trouble}"]
    return 1 / chance, ["Half of the random slice tells how common each rating is, as base "
                        "weights need; the other half checks the result."]


def _binary(params: Any, ratings: Ratings, tests: np.ndarray,
            sizes: tuple[int, int], rng: np.random.Generator, *,
            has_slice: bool) -> tuple[Rated | None, list[str]]:
    """Ratings as 0 and 1, and the part that scores rankings."""
    different = np.unique(ratings.values)
    middle = float(different[0] + different[-1]) / 2
    from_ = middle if params.positive is None else params.positive
    positive = (ratings.values >= from_).astype(float)
    own = ~ratings.drawn
    scored = ratings.drawn.copy()
    if not has_slice:
        scored = own & (rng.random(len(own)) < 0.2)
    trained = own & ~scored
    parts = (positive[trained], positive[scored & tests], positive[scored & ~tests])
    if any(len(np.unique(each)) < 2 for each in parts):
        return None, [f"Ratings from {from_:g} on count as 1; a part of the data then has one "
                      "value only, so that no recommender was trained. Set positive."]
    notes = [f"For recommenders, ratings from {from_:g} on count as 1, others as 0."]
    if not has_slice:
        notes.append("Recommenders are scored on a fifth of the ratings that users chose to give, "
                     "which says little about those that they did not: mark a random slice.")
    return Rated(ratings.users[trained], ratings.items[trained], positive[trained], sizes,
                 ratings.users[scored], ratings.items[scored], positive[scored], tests[scored],
                 has_slice), notes


def _table(params: Any) -> Source:
    table = load_selected(params.data, outcome=params.outcome, group=params.group,
                          features=params.features)
    from workbench.inference.quantiles.encoding import table_encoder

    X = np.asarray(table_encoder().fit_transform(table.features), dtype=float)
    X = X[:, X.std(axis=0) > 0]
    if not X.shape[1]:
        raise ValueError("features must vary, but none does once categories are told apart. Add "
                         "a covariate.")
    seen = np.isfinite(table.outcome)
    check.finite(features=X)
    groups = None if table.group is None else _few(table.group.to_numpy(dtype=object)[seen])
    return Source("table", Case(X, seen, table.outcome[seen]), table.label, "rows", groups, None,
                  None, None, (), table.notes)


def _few(names: np.ndarray) -> np.ndarray:
    """Groups of which the most frequent keep their names."""
    known, counts = np.unique(names.astype(str), return_counts=True)
    kept = set(known[np.argsort(-counts, kind="stable")][:MOST_GROUPS])
    return np.array([each if each in kept else "others" for each in names.astype(str)],
                    dtype=object)
