"""The door for labelled images: a shipped set, the user's own arrays, or a PyTorch data set.

Inputs are standardised by one mean and one standard deviation, those of all training pixels, so
that nothing of the test part is known before the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core import check
from workbench.datasets import raw
from workbench.datasets.image_arrays import Labelled, both_parts, content_digest, open_archive

__all__ = ["IMAGE_SETS", "Images", "load_images"]

IMAGE_SETS = {
    "digits": "1,797 handwritten digits of 8 x 8 pixels, part of scikit-learn",
    "fashion-mnist-4k": "4,440 articles of clothing of 28 x 28 pixels",
    "mnist-10k": "10,000 handwritten digits of 28 x 28 pixels",
}
FILES = {"fashion-mnist-4k": "fashion-mnist-4k/fashion_mnist_4k.npz",
         "mnist-10k": "mnist-10k/mnist_10k.npz"}
TRAIN_ROWS = {"digits": 1024, "fashion-mnist-4k": 3400, "mnist-10k": 8000}
TEST_SHARE = 0.25        # of the user's own rows


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images in two parts.

    Parameters
    ----------
    train_inputs, test_inputs : array, shape (n, channels, height, width) or (n, p)
        Standardised by `centre` and `spread`; 32-bit floats.
    train_labels, test_labels : array, shape (n,)
        Whole numbers from 0 to `classes` - 1.
    classes : int
    centre, spread : float
        Mean and standard deviation of all training pixels, in the unit of the data.
    name, origin, sha256 : str
        Name of the data, where they were read, checksum of the content.
    notes : tuple of str
        Every interpretation, one sentence each.
    """

    train_inputs: np.ndarray
    train_labels: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray
    classes: int
    centre: float
    spread: float
    name: str
    origin: str
    sha256: str
    notes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return tuple(self.train_inputs.shape[1:])


@dataclass(frozen=True, eq=False)
class _Opened:
    train: Labelled
    test: Labelled | None
    name: str
    origin: str
    sha256: str


def load_images(data: Any, *, train_size: int | None = None,
                rng: np.random.Generator | None = None) -> Images:
    """Read labelled images and split them.

    Parameters
    ----------
    data : str, Path, mapping of name to array, (inputs, labels), or data set
        One of `IMAGE_SETS`; an ``.npz`` file or a mapping with ``images`` and ``labels``, and
        with ``test_images`` and ``test_labels`` where the test part is known; a pair of arrays;
        or anything with a length whose items are (input, label), as PyTorch's data sets are.
    train_size : int > 0, optional
        Keep so many training rows, the first ones.
    rng : numpy.random.Generator, optional
        Shuffles the rows before they are split; None keeps their order, whose first rows train.

    Returns
    -------
    images : Images

    Raises
    ------
    ValueError, FileNotFoundError
        Naming what cannot be read and the remedy: labels out of range, shapes that differ, pixels
        that are not finite or never vary, no rows.

    Examples
    --------
    >>> digits = load_images("digits")
    >>> digits.train_inputs.shape, digits.test_inputs.shape
    ((1024, 1, 8, 8), (773, 1, 8, 8))
    """
    opened = _open(data)
    train, test, notes = _split(opened, rng)
    if train_size is not None:
        if not 0 < train_size <= len(train.labels):
            raise ValueError(f"train_size must lie in [1, {len(train.labels)}], the training "
                             f"rows, got {train_size!r}. Pass None for all of them.")
        train = Labelled(train.inputs[:train_size], train.labels[:train_size], train.notes)
    _refuse_mismatch(train, test)
    classes = 1 + int(max(train.labels.max(), test.labels.max()))
    centre, spread = _scale(train.inputs)
    missing = sorted({*range(classes)} - {*train.labels.tolist()})
    if missing:
        notes.append(f"Classes without a training row: {', '.join(map(str, missing))}.")
    return Images((train.inputs - np.float32(centre)) / np.float32(spread), train.labels,
                  (test.inputs - np.float32(centre)) / np.float32(spread), test.labels,
                  classes, centre, spread, opened.name, opened.origin, opened.sha256,
                  (*dict.fromkeys((*train.notes, *test.notes)), *notes))


def _open(data: Any) -> _Opened:
    if not isinstance(data, str | Path):
        train, test = both_parts(data)
        kind = "arrays" if isinstance(data, Mapping | tuple) else type(data).__name__
        return _Opened(train, test, kind, "memory", content_digest((train, test)))
    name = str(data).strip()
    if name == "digits":
        from sklearn.datasets import load_digits

        train, _ = both_parts(tuple(load_digits(return_X_y=True)))
        square = Labelled(train.inputs.reshape(-1, 1, 8, 8), train.labels)
        return _Opened(square, None, name, "scikit-learn", content_digest((square,)))
    if name in FILES:
        train, _ = both_parts(open_archive(raw.raw_file(FILES[name])))
        return _Opened(train, None, name, f"data/raw/{FILES[name]}",
                       raw.checksum((FILES[name],)))
    path = Path(name).expanduser()
    if not name or not (path.exists() or path.suffix or len(path.parts) > 1):
        raise ValueError(f"data must be one of {', '.join(map(repr, IMAGE_SETS))}, or the path of "
                         f"an .npz file, got {name!r}.{check.suggestion(name, IMAGE_SETS)}")
    train, test = both_parts(open_archive(path))
    return _Opened(train, test, path.stem, str(path), content_digest((train, test)))


def _split(opened: _Opened, rng: np.random.Generator | None
           ) -> tuple[Labelled, Labelled, list[str]]:
    train, test = opened.train, opened.test
    n = len(train.labels)
    order = np.arange(n) if rng is None else rng.permutation(n)
    if test is not None:
        return _rows(train, order), test, []
    kept = TRAIN_ROWS.get(opened.name, n - max(1, round(TEST_SHARE * n)))
    if not 0 < kept < n:
        raise ValueError(f"data must have at least 2 rows, to train and to test, got {n}. Add "
                         "rows, or bring test_images and test_labels.")
    how = "the first" if rng is None else "shuffled"
    return (_rows(train, order[:kept]), _rows(train, order[kept:]),
            [f"Training part: {kept} of {n} rows, {how}; the others test."])


def _rows(part: Labelled, order: np.ndarray) -> Labelled:
    return Labelled(part.inputs[order], part.labels[order], part.notes)


def _refuse_mismatch(train: Labelled, test: Labelled) -> None:
    if train.inputs.shape[1:] != test.inputs.shape[1:]:
        raise ValueError("test inputs must have the shape of training inputs, "
                         f"{train.inputs.shape[1:]}, got {test.inputs.shape[1:]}. Resize them.")
    if np.unique(train.labels).size < 2:
        raise ValueError("labels must have at least 2 classes in the training part, got "
                         f"{np.unique(train.labels).tolist()}. Shuffle the rows with rng=, or "
                         "add classes.")


def _scale(inputs: np.ndarray) -> tuple[float, float]:
    centre, spread = (float(inputs.mean(dtype=np.float64)), float(inputs.std(dtype=np.float64)))
    if not 0 < spread < np.inf:
        raise ValueError(f"inputs must vary, got a standard deviation of {spread:g} over all "
                         "training pixels. Check the images.")
    return centre, spread
