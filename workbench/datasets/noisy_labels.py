"""The door for tables whose labels may be wrong: texts or features, a label, sometimes the truth.

A text column is taken where one is named or plainly there; else all other columns are features.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.datasets import cells
from workbench.datasets.class_table import by_size, read_features, target_column
from workbench.datasets.files import Opened
from workbench.datasets.raw import checksum, raw_file
from workbench.datasets.shipped import open_table
from workbench.datasets.words import words_of

__all__ = ["SPAM", "NoisyLabels", "SpamPart", "load_noisy_labels", "load_spam"]

SPAM = {"youtube-spam": "comments below music videos, spam or not",
        "sms-spam": "text messages, spam or not"}
PARTS = ("train", "valid", "test")
TEXTS = ("text", "sentence", "sentence1", "message", "comment", "content", "review", "tweet",
         "document", "body", "description")
WORDY = 3.0              # words of a cell on average from which a column is one of texts
MOST_CLASSES, FEWEST_OF_CLASS, FEWEST = 50, 5, 40
SHOWN = 20


@dataclass(frozen=True, eq=False)
class NoisyLabels:
    """Rows with labels that may be wrong.

    Parameters
    ----------
    texts : Series of str, shape (n,), or None
    features : DataFrame, shape (n, p), or None
        Floats, and objects for categories; where there is no text. Their index, as that of
        texts, holds the rows of the file.
    y : array of int, shape (n,)
        Position of each label in `classes`.
    truth : array of int, shape (n,), or None
        Position of the true label, -1 where it is not told or no class of `y`.
    wrong : array of float, shape (n,), or None
        1 where the label differs from the true one, 0 where not, NaN where that is not told.
    classes : tuple of str
    label, name, sha256 : str
    notes : tuple of str
    """

    texts: pd.Series | None
    features: pd.DataFrame | None
    y: np.ndarray
    truth: np.ndarray | None
    wrong: np.ndarray | None
    classes: tuple[str, ...]
    label: str
    name: str
    sha256: str
    notes: tuple[str, ...]

    @property
    def index(self) -> pd.Index:
        """Rows of the file."""
        part = self.texts if self.texts is not None else self.features
        return part.index if part is not None else pd.RangeIndex(len(self.y))


@dataclass(frozen=True, eq=False)
class SpamPart:
    """Texts, shape (n,), their TF-IDF matrix, sparse of shape (n, p), and labels, 1 for spam."""

    texts: pd.Series
    weights: object
    y: np.ndarray


def load_spam(name: str) -> dict[str, SpamPart]:
    """A shipped collection of texts in three parts: train, valid, test.

    Parameters
    ----------
    name : {"youtube-spam", "sms-spam"}

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no such collection, or if it was changed or is missing.

    Examples
    --------
    >>> parts = load_spam("youtube-spam")
    >>> {part: rows.weights.shape for part, rows in parts.items()}
    {'train': (1586, 3916), 'valid': (120, 3916), 'test': (250, 3916)}
    """
    from scipy.sparse import load_npz

    check.one_of(SPAM, name=name)
    found = {}
    for part in PARTS:
        table = pd.read_csv(raw_file(f"{name}/{part}.tsv"), sep="\t", quoting=3,
                            keep_default_na=False)
        found[part] = SpamPart(table["sentence1"].astype(str),
                               load_npz(raw_file(f"{name}/{part}_tfidf.npz")),
                               table["label"].to_numpy(np.int64))
    return found


def spam_checksum(name: str) -> str:
    """The sha256 of all files of a shipped collection."""
    return checksum(tuple(f"{name}/{part}{end}" for part in PARTS
                          for end in (".tsv", "_tfidf.npz")))


def load_noisy_labels(data: str | Path, *, text: str = "", label: str = "",
                      truth: str = "") -> NoisyLabels:
    """Read a table of labels.

    Parameters
    ----------
    data : str or Path
        A CSV, TSV or Parquet file.
    text : str
        Column of texts; empty takes one with a usual name, or the first with several words in
        most cells; where there is none, other columns are features.
    label : str
        Column of labels; empty takes one with a usual name, or the last with few values.
    truth : str
        Column of true labels, where some are known; empty for none. No model sees it.

    Raises
    ------
    ValueError, FileNotFoundError
        Naming the column, what it must hold, what it holds, and the remedy.
    """
    opened = open_table(data, {})
    frame = opened.frame.rename(columns=str)
    for named in {"text": text, "label": label, "truth": truth}.items():
        _refuse_unknown(frame, *named)
    _refuse_same(text, label, truth)
    told = text or _wordy(frame.drop(columns=[name for name in (label, truth) if name]))
    rest = frame.drop(columns=[name for name in (told, truth) if name])
    chosen = target_column(rest, label)
    words = words_of(frame[chosen])
    classes, notes = _classes(words, chosen)
    kept = words[words.isin(classes)].index
    if told:
        filled = cells.stripped(frame.loc[kept, told]).notna()
        notes += [f"{int((~filled).sum())} rows without a text were left out."] * bool(
            (~filled).any())
        kept = kept[filled.to_numpy()]
    if len(kept) < FEWEST:
        raise ValueError(f"data must give at least {FEWEST} rows with a label, to learn from and "
                         f"to test on, but {len(frame)} rows gave {len(kept)}. Add rows.")
    place = {name: at for at, name in enumerate(classes)}
    y = words.loc[kept].map(place).astype(int)
    own, wrong = _known(frame.loc[kept, truth], words.loc[kept], place) if truth else (None, None)
    notes = [*opened.notes, *_guessed(told, text, chosen, label), *notes]
    features = None
    if not told:
        features, read = read_features(rest.loc[kept].drop(columns=chosen), y, opened)
        notes += read
    texts = frame.loc[kept, told].astype(str) if told else None
    return NoisyLabels(texts, features, y.to_numpy(), own, wrong, classes, chosen, opened.name,
                       _digest(opened, told, chosen, truth), tuple(notes))


def _refuse_unknown(frame: pd.DataFrame, what: str, name: str) -> None:
    if name and name not in frame:
        names = [str(each) for each in frame]
        told = ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")
        raise ValueError(f"{what} must name a column of the data, got {name!r}."
                         f"{check.suggestion(name, names)} Columns: {told}.")


def _refuse_same(text: str, label: str, truth: str) -> None:
    named = [name for name in (text, label, truth) if name]
    if len(set(named)) < len(named):
        raise ValueError("text, label and truth must name different columns, got "
                         f"{text!r}, {label!r} and {truth!r}. Name each column once.")


def _wordy(frame: pd.DataFrame) -> str:
    """The column that is plainly one of texts, or nothing."""
    lower = {str(name).casefold().strip(): str(name) for name in frame}
    for word in TEXTS:
        if word in lower and _is_text(frame[lower[word]], least=1.0):
            return lower[word]
    return next((str(name) for name in frame if _is_text(frame[name], least=WORDY)), "")


def _is_text(column: pd.Series, *, least: float) -> bool:
    held = column.dropna()
    if not len(held) or not all(isinstance(cell, str) for cell in held.head(SHOWN)):
        return False
    words = held.astype(str).map(lambda cell: len(cell.split()))
    numbers = pd.to_numeric(held, errors="coerce").notna().mean()
    return bool(words.mean() >= least and numbers < 0.5 and held.nunique() > len(held) / 2)


def _classes(words: pd.Series, label: str) -> tuple[tuple[str, ...], list[str]]:
    counts = words.value_counts()
    if len(counts) > MOST_CLASSES:
        raise ValueError(f"label must be one of at most {MOST_CLASSES} classes, but {label!r} "
                         f"holds {len(counts)} different values. Name another column, or group "
                         "its values.")
    rare = counts[counts < FEWEST_OF_CLASS]
    classes = sorted((str(one) for one in counts.index if one not in rare.index), key=by_size)
    if len(classes) < 2:
        told = ", ".join(f"{name!r} {count}" for name, count in counts.items())
        raise ValueError(f"label must hold at least 2 classes of {FEWEST_OF_CLASS} rows each, "
                         f"but {label!r} holds {told or 'nothing'}. Name another column.")
    gone = int(words.isna().sum())
    notes = [f"{gone} rows without a label were left out."] if gone else []
    if len(rare):
        notes.append(f"Labels of fewer than {FEWEST_OF_CLASS} rows were left out: "
                     f"{', '.join(map(repr, rare.index[:SHOWN]))}.")
    return tuple(classes), notes


def _known(column: pd.Series, labels: pd.Series, place: dict[str, int]
           ) -> tuple[np.ndarray, np.ndarray]:
    words = words_of(column)
    if words.isna().all():
        raise ValueError(f"truth must hold some true labels, but {column.name!r} is empty in all "
                         "rows with a label. Name another column, or none.")
    own = words.map(place).fillna(-1).astype(int).to_numpy()
    if (own < 0).all():
        raise ValueError(f"truth must hold labels as the column of labels does, but none of "
                         f"{column.name!r} is one, such as {words.dropna().iloc[0]!r}. Spell "
                         "them alike, or name another column.")
    wrong = (words != labels).astype(float).where(words.notna())
    return own, wrong.to_numpy()


def _guessed(told: str, text: str, chosen: str, label: str) -> list[str]:
    notes = [] if label else [f"The label is column {chosen!r}; pass label= for another."]
    if told and not text:
        notes.append(f"The text is column {told!r}; other columns are not used.")
    return notes


def _digest(opened: Opened, *columns: str) -> str:
    return f"{opened.sha256}:{'|'.join(columns)}"
