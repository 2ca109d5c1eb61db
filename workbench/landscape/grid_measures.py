"""Measures of every network and cell of a grid, those of one load at a time in one stack.

Trace of the Hessian on 200 training rows; trained curves and straight lines between all pairs of
seeds; CKA of softmax outputs on mixed inputs; and what the phase should predict: averages of pairs
as they are and aligned, and pruned networks. Definitions: the modules of the measures.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.landscape import zoo
from workbench.landscape.grids import TrainedGrid
from workbench.landscape.load_measures import MEASURED, LoadMeasures, Probing
from workbench.train.threads import one_thread

__all__ = ["GridMeasures", "measure_grid", "save_grid"]

@dataclass(frozen=True, eq=False)
class GridMeasures:
    """What was measured.

    Parameters
    ----------
    models : DataFrame
        One row per network: settings, seed, status, loss and test_loss [nats], train_accuracy and
        test_accuracy [%], trace and its trace_stderr, pruned_accuracy [%], transfer_gain
        [percentage points]. NaN where a network diverged.
    pairs : DataFrame
        One row per pair of seeds of one cell that did not diverge: load, temperature, first,
        second (rows of `models`), connectivity [percentage points of training error], barrier of
        the straight line, similarity, distance, gain and gain_aligned: test accuracy of the
        average minus mean of the two [percentage points].
    cells : DataFrame
        One row per cell: load, temperature, models, diverged, means of all of those, and of the
        greedy soup of its seeds soup_members (how many stayed), soup_gain and its stderr
        [percentage points].
    curves : DataFrame
        Places of the curves between pairs: pair (row of `pairs`), t, train_error, test_error [%].
    """

    models: pd.DataFrame
    pairs: pd.DataFrame
    cells: pd.DataFrame
    curves: pd.DataFrame


def measure_grid(found: TrainedGrid, how: Probing | None = None, *, seed: int = 0,
                 workers: int = 1, on_load: Callable[[int, int], None] | None = None
                 ) -> GridMeasures:
    """Measure every network and cell of a trained grid.

    Parameters
    ----------
    found : TrainedGrid
    how : Probing, optional
    seed : int >= 0
        Of probes, curves and mixing; each load draws from its own generator.
    workers : int > 0
        Loads measured at a time on the processor.
    on_load : function of the numbers of measured and of all loads, optional
    """
    how = how or Probing()
    loads = list(found.grid.loads)
    done: list[LoadMeasures] = []
    with one_thread(), ThreadPoolExecutor(workers) as pool:
        for one in pool.map(lambda load: LoadMeasures(found, load, how, seed), loads):
            done.append(one)
            if on_load is not None:
                on_load(len(done), len(loads))
    models = pd.concat([one.models.reindex(columns=[*found.table, *MEASURED]) for one in done
                        ]).sort_index()
    pairs = _together([one.pairs for one in done])
    offsets = np.cumsum([0, *(len(one.pairs) for one in done)])
    curves = _together([one.curves.assign(pair=one.curves["pair"] + offset)
                        for one, offset in zip(done, offsets[:-1], strict=True)])
    soups = _together([one.soups for one in done])
    return GridMeasures(models, pairs, _cells(found, models, pairs, soups), curves)


def save_grid(folder: str | Path, found: TrainedGrid, measures: GridMeasures, *,
              overwrite: bool = False) -> zoo.Zoo:
    """Save the networks of a grid with what was measured as a zoo.

    Parameters
    ----------
    folder : str or Path
    found : TrainedGrid
    measures : GridMeasures
    overwrite : bool
        Replace the zoo that is there.

    Returns
    -------
    zoo : Zoo
        Row `k` of ``measures.models`` is network `k`; one that diverged holds NaN.
    """
    grid, images = found.grid, found.images
    about = (f"Every network of a grid over {grid.load} and {grid.temperature}, {grid.seeds} "
             f"seeds per cell, trained for {grid.epochs} epochs on {images.name} "
             f"({images.origin}, sha256 {images.sha256}).")
    models = [found.trained.model(k) for k in range(len(found.trained))]
    return zoo.save(folder, models, measures.models, about=about, overwrite=overwrite,
                    title=f"{grid.family} networks over {grid.load} and {grid.temperature}")


def _together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Rows of all parts; the types of the first one that has any."""
    some = [part for part in parts if len(part)]
    return pd.concat(some, ignore_index=True) if some else parts[0]


def _cells(found: TrainedGrid, models: pd.DataFrame, pairs: pd.DataFrame,
           soups: pd.DataFrame) -> pd.DataFrame:
    key = [found.grid.load, found.grid.temperature]
    by_cell = models.groupby(key)
    counts = pd.DataFrame({"models": by_cell.size(), "diverged": by_cell["status"].agg(
        lambda status: int((status == "diverged").sum()))})
    means = by_cell[[name for name in MEASURED if name != "trace_stderr"]].mean()
    between = pairs.drop(columns=["first", "second"]).groupby(key).mean()
    return counts.join(means).join(between).join(soups.set_index(key)).reset_index()
