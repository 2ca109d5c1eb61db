"""A closer look at one cell of a grid: training, curvature, connectivity, similarity of its seeds.

Everything is told from the tables and networks of the result, so that it is there for saved runs
as for new ones.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd
import param

from workbench import landscape, plots
from workbench.core import Estimate, Params, Result, Summary, generator
from workbench.core.details import Choice, Chosen, Pick
from workbench.core.recent import Recent
from workbench.datasets import Images, load_images

__all__ = ["KNOBS", "SELECT", "VIEW", "details", "downloads", "named_cells"]

IMAGES: Recent[Images] = Recent(4)
KNOBS = {
    "width": ("width", "units of a layer; load falls to the right"),
    "train_size": ("training rows", "rows; load rises to the right"),
    "label_noise": ("wrong labels", "share; load rises to the right"),
    "batch_size": ("batch size", "rows; temperature falls upwards"),
    "learning_rate": ("learning rate", "1 / step; temperature rises upwards"),
    "weight_decay": ("weight decay", "1 / step"),
}
MOST_SEEDS = 4
UNITS = {"loss": "nats", "trace": "nats / parameter²", "connectivity": "percentage points",
         "similarity": "CKA", "test_accuracy": "%"}
CONVENTIONS = (
    "The barrier of the straight line is its largest excess over the line between the ends: never "
    "negative, and larger is worse. The connectivity of the curve is the mean of its ends minus "
    "its farthest value: below zero there is a barrier, near zero the networks are connected.")
PUBLISHED = (
    "The published file has the means of each cell alone: its networks, training curves, spectra "
    "and paths are not in it. Choose grid = own to look closer.")
WITHOUT = (
    "The networks of this run were not kept: it is older than that, or they are more than 64 MB. "
    "Run the study again, with a smaller grid if need be, to see spectra, paths and similarity.")


class VIEW(Params):
    """How closely to look at a cell."""

    redraws = ()

    probes = param.Integer(4, bounds=(2, 16), doc="Random starts of the Hessian's spectrum.")
    steps = param.Integer(30, bounds=(5, 80), doc="Lanczos steps of each start.")
    path_epochs = param.Integer(20, bounds=(0, 200), doc=(
        "Passes that train the curve between the two networks; 0 for the straight line alone."))

    @staticmethod
    def fits(result: Result) -> bool:
        """Whether a result has networks to look at; the published grid has none."""
        return "models" in result.tables


def named_cells(result: Result) -> pd.DataFrame:
    """Cells with a column that names each of them."""
    cells, about = result.tables["cells"], _about(result)
    names = [f"{KNOBS[about['load']][0]} {load:g}, "
             f"{KNOBS[about['temperature']][0]} {temperature:g}"
             for load, temperature in zip(cells[about["load"]], cells[about["temperature"]],
                                          strict=True)]
    return cells.assign(cell=names)


def first_networks(result: Result, picks: Mapping[str, Any]) -> list[str]:
    """The networks of the chosen cell, where they were kept."""
    if "cell" not in picks or not len(result.networks):
        return []
    return [_network_name(result, k) for k in _members(result, picks["cell"])]


def second_networks(result: Result, picks: Mapping[str, Any]) -> list[str]:
    """All other networks of the same shape, those of the cell first."""
    own = first_networks(result, picks)
    if not own:
        return []
    first = _index(result, picks.get("first", own[0]))
    same = _grid(result).same_shape(first)
    near = _members(result, picks["cell"])
    return [_network_name(result, k) for k in sorted(same, key=lambda k: (k not in near, k))]


SELECT = {
    "cell": Pick("map", "cell", "Cell", "Click a cell to see how its networks trained, how curved "
                 "their loss is, and how they are connected."),
    "first": Choice("map", "First network", first_networks),
    "second": Choice("map", "Second network, of any cell of this shape", second_networks),
}


def details(result: Result, chosen: Chosen) -> Mapping[str, Any]:
    """What is known of a cell and of the path between two networks."""
    if chosen.get("cell") is None:
        return {}
    cells = named_cells(result)
    found: dict[str, Any] = {"cell": _summary(cells[cells["cell"] == chosen.get("cell")].iloc[0])}
    if "models" not in result.tables:
        return {**found, "missing": PUBLISHED}
    members = _members(result, chosen.get("cell"))
    if not members:
        return {**found, "missing": "All networks of this cell diverged. Choose another cell."}
    if "history" in result.tables:
        found["training"] = _training(result, members)
    if not len(result.networks):
        return {**found, "missing": WITHOUT}
    return found | _looked_at(result, members, chosen)


def downloads(result: Result, params: Any) -> Mapping[str, Callable[[], bytes]]:
    """The zoo of all networks, where they were kept."""
    del params
    if "models" not in result.tables or not len(result.networks):
        return {}
    about = _about(result)
    return {"zoo.zip": partial(
        _grid(result).archive, title=f"Networks over {about['load']} and {about['temperature']}",
        about=f"Every network of a grid trained on {about['data']}.")}


def _looked_at(result: Result, members: list[int], chosen: Chosen) -> dict[str, Any]:
    """Spectrum, paths and similarity, computed from the networks."""
    grid, view = _grid(result), chosen.view or VIEW()
    values: Any = view
    first = _index(result, chosen.get("first") or _network_name(result, members[0]))
    others = second_networks(result, chosen.picks)
    density = grid.spectrum(first, probes=values.probes, steps=values.steps).table()
    density = density.assign(low=(density["density"] - density["stderr"]).clip(lower=0),
                             high=density["density"] + density["stderr"])
    found: dict[str, Any] = {
        "curvature": f"Spectrum of the Hessian of {_network_name(result, first)}, by stochastic "
                     f"Lanczos quadrature with {values.probes} starts of {values.steps} steps, on "
                     "200 training rows.",
        "spectrum": plots.eigenvalue_density(density)}
    if others:
        second = _index(result, chosen.get("second") or others[0])
        found |= _path(result, first, second, values.path_epochs)
    if len(members) > 1:
        names = [f"seed {int(seed)}" for seed in result.tables["models"].loc[members, "seed"]]
        alike = pd.DataFrame(grid.similarity(members), columns=names)
        found["Similarity of the cell's seeds: CKA of outputs on the test part"] = alike.assign(
            **{"": names})[["", *names]]
    return found


def _path(result: Result, first: int, second: int, epochs: int) -> dict[str, Any]:
    told = _grid(result).between(first, second, curve_epochs=epochs)
    parts = {"straight line": told.line} | ({} if told.curve is None else {
        "trained curve": told.curve})
    profile = pd.concat([one.table().assign(path=name, value=lambda t: t["error"])
                         for name, one in parts.items()])
    exact = "no chance in it: both networks are evaluated on all training rows"
    numbers = {"barrier of the straight line": Estimate(
        told["barrier of error"].value, unit="percentage points", why=exact)}
    if told.curve is not None:
        numbers["connectivity of the trained curve"] = Estimate(
            told["connectivity of error"].value, unit="percentage points",
            why=f"one curve, trained for {epochs} passes")
    numbers["distance"] = Estimate(told["distance"].value, unit="parameter", why=exact)
    numbers["similarity (CKA)"] = Estimate(told["CKA"].value, why=exact)
    return {"between": f"From {_network_name(result, first)} to {_network_name(result, second)}.",
            "paths": plots.path_profile(profile), "numbers": Summary(numbers, (CONVENTIONS,))}


def _training(result: Result, members: list[int]) -> plots.Figure:
    """Loss of each seed over training, or the mean and the range of many."""
    history, models = result.tables["history"], result.tables["models"]
    own = history[history["model"].isin(members)].rename(columns={"loss": "value"})
    own = own.assign(epoch=own["epoch"] + 1)
    if len(members) <= MOST_SEEDS:
        seeds = own["model"].map(models["seed"].astype(int))
        return plots.training_curves(own.assign(series="seed " + seeds.astype(str)), log=True)
    means = own.groupby("epoch")["value"].agg(["mean", "min", "max"]).reset_index()
    return plots.training_curves(means.rename(columns={
        "mean": "value", "min": "low", "max": "high"}).assign(
        series=f"mean and range of {len(members)} seeds"), log=True)


def _summary(cell: pd.Series) -> Summary:
    """Measures of a cell, each with its spread where it is known."""
    numbers = {}
    for name, unit in UNITS.items():
        if name not in cell or pd.isna(cell[name]):
            continue
        numbers[name.replace("_", " ")] = Estimate(
            float(cell[name]), unit=unit, why="the mean of the cell's networks or pairs")
    phase = cell["phase"] if pd.notna(cell["phase"]) else f"not told: {cell['why']}"
    return Summary(numbers, (f"{cell['cell']}: phase {phase}.",))


def _members(result: Result, cell: str) -> list[int]:
    """Rows of the networks of a cell that did not diverge."""
    about, models = _about(result), result.tables["models"]
    cells = named_cells(result)
    one = cells[cells["cell"] == cell].iloc[0]
    own = models[(models[about["load"]] == one[about["load"]])
                 & (models[about["temperature"]] == one[about["temperature"]])
                 & (models["status"] != "diverged")]
    return [int(k) for k in own.index]


def _network_name(result: Result, k: int) -> str:
    about, row = _about(result), result.tables["models"].loc[k]
    return (f"{KNOBS[about['load']][0]} {row[about['load']]:g}, "
            f"{KNOBS[about['temperature']][0]} {row[about['temperature']]:g}, "
            f"seed {row['seed']}")


def _index(result: Result, name: str) -> int:
    return next(int(k) for k in result.tables["models"].index if _network_name(result, k) == name)


def _grid(result: Result) -> Any:
    about = _about(result)
    data, seed = about["data"], int(about["seed"])
    images = IMAGES.get((data, seed, about["sha256"]),
                        lambda: load_images(data, rng=generator(seed)))
    if images.sha256 != about["sha256"]:
        raise ValueError(f"data must hold the images of this run, but {data!r} has changed since. "
                         "Restore the file, or run the study again.")
    return landscape.GridNetworks(result.networks, result.tables["models"], about["load"],
                                  about["family"], images, seed)


def _about(result: Result) -> dict[str, str]:
    return dict(result.tables["about"].set_index("key")["value"])
