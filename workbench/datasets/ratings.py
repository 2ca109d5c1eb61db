"""The door for ratings: one row for each that was given, and perhaps a slice drawn at random."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.datasets import cells
from workbench.datasets.files import Opened
from workbench.datasets.numbers import read_numbers
from workbench.datasets.shipped import open_table

__all__ = ["RATING_NAMES", "Ratings", "load_ratings", "rating_columns"]

RATING_NAMES = {
    "user": ("user", "user_id", "userid", "uid", "customer", "reviewer", "rater"),
    "item": ("item", "item_id", "itemid", "movie", "movie_id", "movieid", "product", "song",
             "song_id"),
    "rating": ("rating", "ratings", "stars", "score", "watch_ratio"),
    "drawn": ("random", "mcar", "drawn", "uniform", "randomised", "randomized")}
SAID = {"drawn": "mark of pairs drawn at random"}
FEWEST = 50              # ratings
MOST_DIFFERENT = 50      # values of a rating
SHOWN = 20
COAT = (("ratings_selfselected.csv", "ratings_random.csv"), ("train.ascii", "test.ascii"))


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings of items by users.

    Parameters
    ----------
    users, items : array of int, shape (n,)
        Numbers from 0.
    values : array, shape (n,)
    drawn : array of bool, shape (n,)
        Rows of the slice whose pairs were drawn at random; no pair of it counts as chosen.
    user_names, item_names : array of str
    name, origin, sha256 : str
    notes : tuple of str
    """

    users: np.ndarray
    items: np.ndarray
    values: np.ndarray
    drawn: np.ndarray
    user_names: np.ndarray
    item_names: np.ndarray
    name: str
    origin: str
    sha256: str
    notes: tuple[str, ...]

    @property
    def pairs(self) -> int:
        """Users times items."""
        return len(self.user_names) * len(self.item_names)


def rating_columns(columns: Iterable[str], named: dict[str, str]) -> dict[str, str]:
    """Columns of user, item, rating and slice: the named ones, or those with usual names.

    Examples
    --------
    >>> rating_columns(["userId", "movieId", "rating"], {})["item"]
    'movieId'
    """
    known = list(columns)
    words = {column.casefold().replace(" ", "_").replace("-", "_"): column for column in known}
    return {role: named.get(role, "") or next(
        (words[name] for name in usual if name in words), "")
        for role, usual in RATING_NAMES.items()}


def load_ratings(data: str | Path, *, user: str = "", item: str = "", rating: str = "",
                 drawn: str = "") -> Ratings:
    """Read ratings.

    Parameters
    ----------
    data : str or Path
        A CSV, TSV or Parquet file with a row per rating; or a folder with the two files of the
        Coat data, as CSV or as the authors' matrices.
    user, item, rating : str
        Columns; empty takes those with usual names.
    drawn : str
        Column that is 1 for ratings of pairs drawn at random, and 0 or empty for others; empty
        takes a column with a usual name, or none.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read, its first row and the remedy.
    """
    path = Path(data).expanduser()
    if path.is_dir():
        return _coat(path)
    opened = open_table(data, {})
    frame = opened.frame.rename(columns=str)
    named = {"user": user, "item": item, "rating": rating, "drawn": drawn}
    _present(frame, named)
    roles = rating_columns(frame.columns, named)
    lost = [role for role in ("user", "item", "rating") if not roles[role]]
    if lost:
        raise ValueError(f"{lost[0]} must name a column of the data, got none, and no column has "
                         f"a usual name ({', '.join(RATING_NAMES[lost[0]][:4])}). Columns: "
                         f"{', '.join(list(frame.columns)[:SHOWN])}.")
    chosen = [f"The {SAID.get(role, role)} is read from column {name!r}."
              for role, name in roles.items()
              if name and not named[role] and name != role]
    return _made(frame, roles, opened, chosen)


def _made(frame: pd.DataFrame, roles: dict[str, str], opened: Opened,
          chosen: list[str]) -> Ratings:
    values, told = _numbers(frame[roles["rating"]], "rating", opened)
    users, items = (cells.stripped(frame[roles[role]]) for role in ("user", "item"))
    slice_, noted = _slice(frame[roles["drawn"]], opened) if roles["drawn"] else (
        pd.Series(data=False, index=frame.index), [])
    table = pd.DataFrame({"user": users, "item": items, "value": values, "drawn": slice_})
    kept = table.dropna(subset=["user", "item", "value"])
    gone = len(table) - len(kept)
    notes = [*opened.notes, *chosen, *told, *noted, *([
        f"{gone} {'row' if gone == 1 else 'rows'} without user, item or rating "
        f"{'was' if gone == 1 else 'were'} left out."] if gone else [])]
    twice = kept.duplicated(["user", "item", "drawn"], keep="last")
    if twice.any():
        kept = kept[~twice]
        notes.append(f"{int(twice.sum())} earlier ratings of a pair that was rated again were "
                     "left out.")
    own = kept[~kept["drawn"]]
    if len(own) < FEWEST:
        raise ValueError(f"data must hold at least {FEWEST} ratings that users chose to give, got "
                         f"{len(own)} of {len(frame)} rows. {' '.join(notes)} Add ratings.")
    if own["value"].nunique() == 1:
        raise ValueError(f"rating must vary, but is {own['value'].iloc[0]:g} in all {len(own)} "
                         "chosen rows. Name another column.")
    if own["value"].nunique() > MOST_DIFFERENT:
        notes.append(f"Ratings take {own['value'].nunique()} different values; naive-Bayes "
                     "propensities need few, and are left out.")
    user_codes, user_names = pd.factorize(kept["user"].astype(str), sort=True)
    item_codes, item_names = pd.factorize(kept["item"].astype(str), sort=True)
    if len(user_names) * len(item_names) <= len(own):
        raise ValueError(f"data must leave pairs without a rating, but all {len(own)} of "
                         f"{len(user_names)} users and {len(item_names)} items have one. Their "
                         "plain mean is the answer.")
    return Ratings(user_codes, item_codes, kept["value"].to_numpy(float),
                   kept["drawn"].to_numpy(bool), np.asarray(user_names), np.asarray(item_names),
                   opened.name, opened.origin, opened.sha256, tuple(notes))


def _present(frame: pd.DataFrame, named: dict[str, str]) -> None:
    known = list(frame.columns)
    problems = [f"{role} must name a column of the data, got {name!r}."
                f"{check.suggestion(name, known)}"
                for role, name in named.items() if name and name not in known]
    if problems:
        told = ", ".join(known[:SHOWN]) + (" ..." if len(known) > SHOWN else "")
        raise ValueError(" ".join([*problems, f"Columns: {told}."]))


def _numbers(column: pd.Series, role: str, opened: Opened) -> tuple[pd.Series, list[str]]:
    plain = column.astype(float) if column.dtype == bool else column
    try:
        return read_numbers(plain, typed=opened.typed, commas=opened.delimiter == ";")
    except ValueError as trouble:
        raise ValueError(f"{role}: {trouble}") from trouble


def _slice(column: pd.Series, opened: Opened) -> tuple[pd.Series, list[str]]:
    words = {"true": "1", "false": "0", "yes": "1", "no": "0"}
    told = column
    if column.dtype.kind not in "biuf":
        told = cells.stripped(column).map(lambda each: words.get(str(each).lower(), each),
                                          na_action="ignore").rename(str(column.name))
    values, notes = _numbers(told, "drawn", opened)
    cells.refuse(column, values.notna() & ~values.isin([0, 1]), "0 or 1",
                 "Write 1 for ratings of pairs drawn at random.")
    return values.fillna(0).astype(bool), notes


def _coat(folder: Path) -> Ratings:
    """The Coat data from a folder that the user names; it is not shipped."""
    for pair in COAT:
        paths = [folder / name for name in pair]
        if all(path.is_file() for path in paths):
            frames = [_matrix(path) if path.suffix == ".ascii" else pd.read_csv(path)
                      for path in paths]
            _whole(frames, folder)
            frame = pd.concat([each[["user", "item", "rating"]].assign(drawn=at)
                               for at, each in enumerate(frames)], ignore_index=True)
            frame.index += 2
            opened = Opened(frame, folder.name, str(folder), _digest(paths), typed=True)
            made = _made(frame, {role: role for role in RATING_NAMES}, opened, [])
            return replace(made, notes=(*made.notes, "The Coat data are licensed for "
                                        "non-commercial use only."))
    raise ValueError(f"data must be a file, or a folder with {COAT[0][0]} and {COAT[0][1]}, got "
                     f"the folder {str(folder)!r} without them. Name a CSV file.")


def _matrix(path: Path) -> pd.DataFrame:
    try:
        dense = np.loadtxt(path, ndmin=2)
    except (ValueError, UnicodeDecodeError) as trouble:
        raise ValueError(f"data must hold a matrix of ratings in {path.name!r}, users by items "
                         "with 0 for none, but it does not. Download it again.") from trouble
    users, items = np.nonzero(dense)
    return pd.DataFrame({"user": users, "item": items, "rating": dense[users, items]})


def _whole(frames: list[pd.DataFrame], folder: Path) -> None:
    if any({"user", "item", "rating"} - set(each.columns) for each in frames):
        raise ValueError(f"data must have the columns user, item and rating in both files of "
                         f"{str(folder)!r}. Convert the data again.")


def _digest(paths: list[Path]) -> str:
    import hashlib

    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
