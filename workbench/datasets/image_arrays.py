"""Arrays of images and labels from an archive, a mapping, a pair or a PyTorch data set.

Everything becomes inputs (n, channels, height, width), or (n, p) where rows are no images, and
whole-number labels; what cannot be read for certain is refused with its remedy.
"""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core import check

__all__ = ["Labelled", "both_parts", "content_digest", "open_archive"]

INPUTS = ("images", "inputs", "x", "X", "data")
LABELS = ("labels", "y", "targets")
CHANNELS = (1, 3, 4)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Inputs, shape (n, channels, height, width) or (n, p), and labels, shape (n,)."""

    inputs: np.ndarray
    labels: np.ndarray
    notes: tuple[str, ...] = ()


def open_archive(path: Path) -> dict[str, np.ndarray]:
    """Every array of an ``.npz`` file; pickled objects are refused."""
    if not path.is_file():
        beside = [other.name for other in path.parent.glob("*.npz")]
        raise FileNotFoundError(f"data must be a file that exists, but {str(path)!r} does not."
                                f"{check.suggestion(path.name, beside)} Check the path.")
    try:
        # NumPy leaves a file open that it opened itself and could not read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, zipfile.BadZipFile, OSError, EOFError, TypeError) as error:
        raise ValueError(f"data must be an .npz archive of plain arrays, but {path.name!r} is "
                         f"not: {error}. Write it with numpy.savez(path, images=..., "
                         "labels=...).") from error


def both_parts(data: Any) -> tuple[Labelled, Labelled | None]:
    """All rows, or the training rows and the test rows where the data bring both.

    Parameters
    ----------
    data : mapping of name to array, (inputs, labels), or data set of (input, label)
        A mapping holds ``images`` and ``labels``; with ``test_`` before or ``_test`` behind the
        names, the test rows.
    """
    if isinstance(data, Mapping):
        return _from_mapping(data)
    if isinstance(data, tuple) and len(data) == 2:
        return _labelled(*data), None
    if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, list):
        return _from_dataset(data), None
    raise ValueError("data must be a name, a path, a mapping, a pair (inputs, labels) or a data "
                     f"set of (input, label), got {type(data).__name__}. Of a loader, pass "
                     "loader.dataset.")


def content_digest(parts: tuple[Labelled | None, ...]) -> str:
    """The sha256 of arrays: their shapes, types and bytes in order."""
    found = hashlib.sha256()
    for part in parts:
        for array in () if part is None else (part.inputs, part.labels):
            found.update(f"{array.shape} {array.dtype}".encode())
            found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _from_mapping(data: Mapping[str, Any]) -> tuple[Labelled, Labelled | None]:
    test = _pair(data, "test")
    train = _pair(data, "train") or _pair(data, "")
    if train is None:
        raise ValueError(f"data must hold arrays 'images' and 'labels', got "
                         f"{', '.join(map(repr, data)) or 'nothing'}. Rename the arrays.")
    if test is None:
        return _labelled(*train), None
    known = _texts(train[1], test[1])
    return _labelled(*train, known), _labelled(*test, known)


def _texts(*labels: Any) -> np.ndarray | None:
    """All texts that are labels in any part, in order; nothing for numbers."""
    parts = [np.ravel(np.asarray(some)) for some in labels]
    kinds = {part.dtype.kind in "US" for part in parts}
    if len(kinds) > 1:
        raise ValueError("labels must be texts or numbers in both parts, got "
                         f"{' and '.join(str(part.dtype) for part in parts)}. Write them alike.")
    return np.unique(np.concatenate(parts)) if kinds == {True} else None


def _pair(data: Mapping[str, Any], part: str) -> tuple[Any, Any] | None:
    """Inputs and labels of one part, by any of their names."""
    def found(names: tuple[str, ...]) -> Any:
        words = [word for name in names for word in
                 ((f"{part}_{name}", f"{name}_{part}") if part else (name,))]
        return next((data[word] for word in words if word in data), None)

    inputs, labels = found(INPUTS), found(LABELS)
    return None if inputs is None or labels is None else (inputs, labels)


def _from_dataset(data: Any) -> Labelled:
    if not len(data):
        raise ValueError("data must have rows, got a data set of length 0. Add rows.")
    rows = [data[at] for at in range(len(data))]
    if not all(isinstance(row, tuple | list) and len(row) == 2 for row in rows):
        raise ValueError("data must give (input, label) for each position, but some rows are "
                         "none. Wrap the data set so that each row is a pair.")
    try:
        inputs = np.stack([np.asarray(row[0]) for row in rows])
    except ValueError as error:
        raise ValueError(f"inputs must all have one shape: {error}. Resize the images "
                         "first.") from error
    return _labelled(inputs, np.asarray([np.asarray(row[1])[()] for row in rows]))


def _labelled(inputs: Any, labels: Any, known: np.ndarray | None = None) -> Labelled:
    found, names = np.asarray(inputs), np.asarray(labels)
    if names.ndim == 2 and names.shape[1] == 1:
        names = names[:, 0]
    if names.ndim != 1:
        raise ValueError(f"labels must have shape (n,), got {names.shape}. Of one column per "
                         "class, take labels.argmax(1).")
    check.same_length(inputs=found, labels=names)
    if not len(names):
        raise ValueError("data must have rows, got 0. Add rows.")
    if not (np.issubdtype(found.dtype, np.number) or found.dtype == bool):
        raise ValueError(f"inputs must be numbers, got {found.dtype}. Encode them first.")
    shaped, turned = _channels_first(found)
    check.finite(inputs=shaped, hint="Drop the bad images first.")
    codes, told = _codes(names, known)
    return Labelled(shaped.astype(np.float32), codes, (*turned, *told))


def _channels_first(inputs: np.ndarray) -> tuple[np.ndarray, list[str]]:
    if inputs.ndim == 2:
        return inputs, []
    if inputs.ndim == 3:
        return inputs[:, None], []
    if inputs.ndim != 4:
        raise ValueError("inputs must have shape (n, p), (n, height, width) or (n, channels, "
                         f"height, width), got {inputs.shape}. Reshape them.")
    if inputs.shape[1] not in CHANNELS and inputs.shape[3] in CHANNELS:
        return np.moveaxis(inputs, 3, 1), [
            f"Images of shape {inputs.shape[1:]} were read with the channels last."]
    return inputs, []


def _codes(labels: np.ndarray, known: np.ndarray | None) -> tuple[np.ndarray, list[str]]:
    """Labels as 0, 1, ...; texts become codes in alphabetical order, of all that are known."""
    if labels.dtype.kind in "US":
        names = np.unique(labels) if known is None else known
        codes = np.searchsorted(names, labels)
        told = ", ".join(f"{code} {name}" for code, name in enumerate(names))
        return codes.astype(np.int64), [f"Labels are codes of texts: {told}."]
    whole = labels.dtype.kind in "iub" or (labels.dtype.kind == "f"
                                           and bool((labels == np.round(labels)).all()))
    if not whole:
        raise ValueError(f"labels must be whole numbers or texts, got {labels.dtype}. Number the "
                         "classes from 0.")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= max(len(labels), 2):
        raise ValueError(f"labels must lie between 0 and the number of classes - 1, got {low} to "
                         f"{high} in {len(labels)} rows. Number the classes from 0.")
    return labels.astype(np.int64), []
