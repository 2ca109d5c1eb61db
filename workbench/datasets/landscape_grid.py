"""The published grid of loss landscapes: ResNet-18 on CIFAR-10, 14 widths by 15 batch sizes.

Measurements of Y. Yang et al., Taxonomizing local versus global structure in neural network loss
landscapes, NeurIPS 2021 (arXiv:2107.11228). Licence and columns: ``data/raw/SOURCES.md``.
"""

from dataclasses import dataclass

import pandas as pd

from workbench.datasets.raw import checksum, raw_file

__all__ = ["LandscapeGrid", "landscape_grid"]

FILES = ("loss-landscape-taxonomy-grid/cells.csv", "loss-landscape-taxonomy-grid/models.csv")
KEY = ["width", "batch_size"]
MODELS = {"train_loss": "loss", "train_acc": "train_accuracy", "test_acc": "test_accuracy",
          "hessian_top_eigenvalue": "top_eigenvalue", "hessian_trace": "trace"}
CELLS = {"mc_train_error": "connectivity", "cka_softmax": "similarity",
         "cka_logits": "similarity_logits", "l2_distance": "distance"}
TIMES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class LandscapeGrid:
    """A grid of trained networks in three tables.

    Parameters
    ----------
    models : DataFrame
        One row per network: width, batch_size, seed, loss [nats], train_accuracy, test_loss,
        test_accuracy [%], top_eigenvalue and trace of the Hessian of the training loss.
    cells : DataFrame
        One row per width and batch size: the means of those columns over seeds, models (how
        many), and connectivity [percentage points of training error], similarity (of softmax
        outputs), similarity_logits, distance. NaN where the authors did not evaluate, or where
        outputs were constant.
    curves : DataFrame
        Five rows per cell: t, train_error and test_error [%], train_loss and test_loss [nats] on
        the curve between two seeds.
    sha256 : str
        Checksum of both files.
    """

    models: pd.DataFrame
    cells: pd.DataFrame
    curves: pd.DataFrame
    sha256: str


def landscape_grid() -> LandscapeGrid:
    """Read the published grid.

    Returns
    -------
    grid : LandscapeGrid
        1050 models in 210 cells.

    Raises
    ------
    FileNotFoundError, ValueError
        If the shipped files are missing or were changed.

    Examples
    --------
    >>> grid = landscape_grid()
    >>> len(grid.models), len(grid.cells)
    (1050, 210)
    """
    shipped = pd.read_csv(raw_file(FILES[0]))
    models = pd.read_csv(raw_file(FILES[1])).rename(columns=MODELS)
    measured = [column for column in models.columns if column not in (*KEY, "seed")]
    by_cell = models.groupby(KEY)
    means = by_cell[measured].mean().assign(models=by_cell.size()).reset_index()
    cells = means.merge(shipped[[*KEY, *CELLS]].rename(columns=CELLS), on=KEY,
                        validate="one_to_one")
    return LandscapeGrid(models, cells, _curves(shipped), checksum(FILES))


def _curves(shipped: pd.DataFrame) -> pd.DataFrame:
    """Values at the five points, one row each."""
    names = {"train_error": "tr_err", "test_error": "te_err", "train_loss": "tr_nll",
             "test_loss": "te_nll"}
    points = [shipped[KEY].assign(t=t, **{name: shipped[f"curve_{short}_t{place}"]
                                          for name, short in names.items()})
              for place, t in enumerate(TIMES)]
    return pd.concat(points).sort_values([*KEY, "t"], ignore_index=True)
