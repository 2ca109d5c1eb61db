"""Which phase was each network trained into, and what does it predict? Landscapes on a grid.

Trains a grid of networks over load and temperature, or reads the published one, measures the loss
landscape of each, names the phase of each cell, and sets beside it what the phase should predict.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import param

from workbench import landscape, plots
from workbench.core import Params as Declared
from workbench.core import Result, Summary, generator
from workbench.core.recent import Recent
from workbench.datasets import IMAGE_SETS, Images, landscape_grid, load_images, unknown_data
from workbench.landscape.axes import axis_faults
from workbench.landscape.phase_findings import gains_by_phase, notes_of, numbers_of
from workbench.landscape.phases import Thresholds
from workbench.studies.views.phases import KNOBS, SELECT, VIEW, details, downloads, named_cells

__all__ = ["PRESETS", "SELECT", "SMOKE", "TITLE", "VIEW", "Params", "details", "downloads",
           "figures", "is_quick", "remember", "run"]

TITLE = "Phases of the loss landscape"
SMOKE = {"loads": [4, 16], "temperatures": [32, 256], "seeds": 2, "epochs": 5, "curve_epochs": 2,
         "probes": 4}
AXES: dict[str, list[float]] = {
    "width": [2, 4, 8, 16, 32, 64], "train_size": [256, 384, 512, 768, 1024],
    "label_noise": [0.0, 0.05, 0.1, 0.2, 0.4], "batch_size": [8, 16, 32, 64, 128, 256],
    "learning_rate": [0.4, 0.2, 0.1, 0.05, 0.025, 0.0125],
    "weight_decay": [0.01, 0.005, 0.002, 0.001, 0.0005, 0.0]}
KNOB_OF = {"loads": "load", "temperatures": "temperature"}
PRESETS: dict[str, dict[str, Any]] = {
    "none": {},
    "full": {"data": "mnist-10k", "load": "width", "temperature": "batch_size",
             "loads": [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128],
             "temperatures": [8, 16, 32, 64, 128, 256, 512, 1024], "seeds": 5, "epochs": 150,
             "probes": 100},
    "gpu": {"data": "fashion-mnist-4k", "family": "convnet", "device": "cuda",
            "load": "width", "temperature": "batch_size", "loads": [4, 6, 8, 16, 32, 48, 64, 128],
            "temperatures": [16, 32, 64, 128, 256, 512, 1024, 2048], "epochs": 60}}
BORDERS = {"published": (1.0, 0.6), "own": (2.0, 0.8)}
WORKERS = 2
MEASURED: Recent[Any] = Recent(4)        # so that a page answers at once when only thresholds
IMAGES: Recent[Images] = Recent(4)       # change
SHADES = (("trace", "trace of the Hessian", "nats / parameter²", "log"),
          ("connectivity", "connectivity", "percentage points", "diverging"),
          ("similarity", "similarity", "CKA", "linear"),
          ("test_accuracy", "test accuracy", "%", "linear"))


class Params(Declared):
    """Which grid, how it is trained and measured, and where the borders of the phases lie."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "images"}

    grid = param.Selector(default="own", objects=["own", "published"], doc=(
        "Train a grid, or read the published one: ResNet-18 on CIFAR-10, 210 cells."))
    preset = param.Selector(default="none", objects=list(PRESETS), doc=(
        "full (hours) and gpu replace data, family, axes, seeds, epochs and device below."))
    data = param.String("digits", doc=(
        f"Shipped images ({', '.join(IMAGE_SETS)}) or the path of an .npz file with images and "
        "labels."))
    family = param.Selector(default="mlp", objects=["mlp", "convnet"], doc=(
        "Two hidden layers, or two convolutions with batch normalisation."))
    load = param.Selector(default="width", objects=["width", "train_size", "label_noise"],
                          doc="What changes the load, that is data per parameter.")
    loads = param.List([], item_type=(int, float), doc=(
        "Values of the load axis; empty takes its own, for widths 2 to 64."))
    temperature = param.Selector(
        default="batch_size", objects=["batch_size", "learning_rate", "weight_decay"],
        doc="What changes the temperature, that is the noise of training.")
    temperatures = param.List([], item_type=(int, float), doc=(
        "Values of the temperature axis; empty takes its own, for batch sizes 8 to 256."))
    seeds = param.Integer(3, bounds=(2, 20), doc="Networks per cell.")
    epochs = param.Integer(100, bounds=(1, 2000), doc="Passes over the training rows.")
    width = param.Integer(64, bounds=(1, 4096), doc="Where width is no axis.")
    batch_size = param.Integer(32, bounds=(1, 65536), doc="Where batch size is no axis.")
    learning_rate = param.Number(0.05, bounds=(0, 10), inclusive_bounds=(False, True),
                                 doc="Where learning rate is no axis.")
    weight_decay = param.Number(5e-4, bounds=(0, 1), doc="Where weight decay is no axis.")
    label_noise = param.Number(0.0, bounds=(0, 1), doc="Share of wrong labels, where no axis.")
    probes = param.Integer(50, bounds=(2, 10000), doc="Random vectors of the Hessian's trace.")
    curve_epochs = param.Integer(50, bounds=(0, 1000), doc=(
        "Passes that train the curve between two seeds; at 0 it is the straight line."))
    sparsity = param.Number(0.8, bounds=(0, 1), doc="Share of entries that pruning takes away.")
    transfer_size = param.Integer(128, bounds=(0, 100000), doc=(
        "Images, turned by a quarter, that networks are trained on afterwards; 0 for none."))
    sharp_by = param.Selector(default="loss", objects=["loss", "trace"], doc=(
        "What tells an under-fitted network."))
    tau_loss = param.Number(0.1, bounds=(0, 3), doc="Loss above which it is [nats].")
    tau_trace = param.Number(None, bounds=(0, None), allow_None=True, doc=(
        "Trace above which it is, needed for sharp_by=trace."))
    tau_connectivity = param.Number(None, bounds=(0, 50), softbounds=(2, 5), allow_None=True, doc=(
        "Height of a barrier that cuts off [percentage points]; none takes 1 for the published "
        "grid and 2 for an own one."))
    tau_similarity = param.Number(None, bounds=(0, 1), softbounds=(0.8, 1), allow_None=True, doc=(
        "CKA below which seeds are unlike; none takes 0.6 for the published grid and 0.8 for an "
        "own one."))
    device = param.Selector(default="auto", objects=["auto", "cpu", "cuda"],
                            doc="Where networks are trained.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of the split, the networks, the probes.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse what no run could use: a missing file, a repeated value, a border not given."""
        data = values["data"]
        found = unknown_data(data, IMAGE_SETS)
        for name, axis in KNOB_OF.items():
            if values[name]:
                found += axis_faults(name, values[axis], values[name])
        if values["sharp_by"] == "trace" and values["tau_trace"] is None:
            found.append("tau_trace must be a number where sharp_by='trace', got none. The trace "
                         "grows with the network: look at its map first.")
        return found


def run(params: Params) -> Result:
    """Train and measure, or read, then classify and gather what the phases predict."""
    notes: tuple[str, ...] = ()
    networks: Mapping[str, Any] = {}
    if params.grid == "published":
        cells, tables = landscape_grid().cells, {}
    else:
        images = _images(params)
        kept = MEASURED.get(_key(params, images), lambda: _measured(params, images))
        cells, notes, networks = kept.cells, images.notes, kept.networks
        tables = dict(kept.tables)
    classified = landscape.classify(cells, _thresholds(params), sharp_by=params.sharp_by)
    tables |= {"cells": classified, "phases": landscape.by_phase(classified, "test_accuracy"),
               "gains": gains_by_phase(classified, params.sparsity), "about": _about(params)}
    told = notes_of(classified, _thresholds(params), sharp_by=params.sharp_by)
    return Result(Summary(numbers_of(classified), (*told, *notes)), tables, networks=networks)


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """The phase map, the measures behind it, similarity against accuracy, gains by phase."""
    del view
    cells, about = named_cells(result), result.tables["about"].set_index("key")["value"]
    axes = {axis: plots.Knob(about[name], *KNOBS[about[name]])
            for axis, name in (("x", "load"), ("y", "temperature"))}
    told = ("loss", "trace", "connectivity", "similarity", "test_accuracy")
    gains = result.tables["gains"]
    shades = [shade for shade in SHADES if _can_be_drawn(cells, shade)]
    judged = cells["phase"].notna() & cells[["similarity", "test_accuracy"]].notna().all(axis=1)
    none = plots.blank("No cell has the measures of this figure")
    return {
        "map": plots.phase_map(cells, x=axes["x"], y=axes["y"], told=told, name="cell"),
        "measures": plots.measure_maps(cells, [plots.Shade(*shade) for shade in shades], **axes)
        if shades else none,
        "outcome": plots.measure_scatter(cells, "similarity", "test_accuracy",
                                         x=("similarity of seeds", "CKA"),
                                         y=("test accuracy", "%")) if judged.any() else none,
        "gains": plots.phase_gains(gains, label=about["gain"]) if len(gains) else none,
    }


def _can_be_drawn(cells: pd.DataFrame, shade: tuple[str, str, str, str]) -> bool:
    known = cells[shade[0]].dropna()
    return bool((known > 0).any() if shade[3] == "log" else len(known))


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes: nothing is to be trained."""
    with contextlib.suppress(ValueError, OSError):
        return params.grid == "published" or _key(params, _images(params)) in MEASURED
    return False


def remember(params: Params, result: Result) -> None:
    """Take over what a saved run measured, so that thresholds need no training."""
    if params.grid == "own" and {"models", "pairs", "curves", "history"} <= {*result.tables}:
        MEASURED.get(_key(params, _images(params)), lambda: landscape.KeptGrid.of(result))


def _chosen(params: Params) -> dict[str, Any]:
    """Values of the parameters, those of the preset on top."""
    found = {**params.values(), **PRESETS[params.preset]}
    for values, axis in KNOB_OF.items():
        found[values] = tuple(found[values] or AXES[found[axis]])
    return found


def _images(params: Params) -> Images:
    data = _chosen(params)["data"]
    path = Path(data).expanduser()
    seen = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else ()
    return IMAGES.get((data, seen, params.seed),
                      lambda: load_images(data, rng=generator(params.seed)))


def _key(params: Params, images: Images) -> Any:
    """What decides the measures."""
    later = {"grid", "preset", "sharp_by", "tau_loss", "tau_trace", "tau_connectivity",
             "tau_similarity"}
    return (images.sha256, *((name, value) for name, value in sorted(_chosen(params).items())
                             if name not in later))


def _measured(params: Params, images: Images) -> landscape.KeptGrid:
    how = _chosen(params)
    fixed = {name: how[name] for name in ("width", "label_noise", "batch_size", "learning_rate",
                                          "weight_decay")}
    grid = landscape.Grid(how["loads"], how["temperatures"], how["load"], how["temperature"],
                          how["seeds"], how["family"], how["epochs"], fixed)
    workers = 1 if how["device"] == "cuda" else WORKERS
    trained = landscape.train_grid(grid, images, seed=how["seed"], workers=workers,
                                   device=how["device"])
    curves = landscape.CurveTraining(epochs=how["curve_epochs"], learning_rate=0.05)
    probing = landscape.Probing(probes=how["probes"], curves=curves, sparsity=how["sparsity"],
                                transfer_size=how["transfer_size"])
    measures = landscape.measure_grid(trained, probing, seed=how["seed"], workers=workers)
    return landscape.KeptGrid.from_training(trained, measures)


def _thresholds(params: Params) -> Thresholds:
    own = BORDERS[params.grid]
    connectivity, similarity = params.tau_connectivity, params.tau_similarity
    return Thresholds(
        loss=params.tau_loss, trace=params.tau_trace,
        connectivity=own[0] if connectivity is None else connectivity,
        similarity=own[1] if similarity is None else similarity)


def _about(params: Params) -> pd.DataFrame:
    """Words of the figures."""
    own, how = params.grid == "own", _chosen(params)
    told = {"load": how["load"] if own else "width",
            "temperature": how["temperature"] if own else "batch_size",
            "gain": "gain in test accuracy" if own else "test accuracy above the mean"}
    if own:
        told |= {"family": how["family"], "data": how["data"], "seed": str(params.seed),
                 "sha256": _images(params).sha256}
    return pd.DataFrame({"key": list(told), "value": list(told.values())})
