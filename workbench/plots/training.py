"""Training and the landscape it moves in: curves over epochs, paths, slices and spectra."""

import holoviews as hv
import numpy as np
import pandas as pd

from workbench.plots.theme import LEGEND_BELOW, ROLES, Figure, dimension, frame

__all__ = ["eigenvalue_density", "loss_slice", "path_profile", "training_curves"]

SERIES = ("ours", "rival", "variant", "uniform")
PATHS = {"trained curve": "ours", "straight line": "uniform", "straight line, aligned": "variant"}


def training_curves(history: pd.DataFrame, *, label: str = "training loss", unit: str = "nats",
                    step: tuple[str, str] = ("epoch", "passes over the rows"),
                    log: bool = False) -> Figure:
    """A number over training, one curve per series.

    Parameters
    ----------
    history : DataFrame
        Columns series (at most four), epoch, value, and low and high where a band is known; a
        curve ends where its values are not finite, as those of a network that diverged.
    label, unit : str
        Of the number.
    step : (str, str)
        Label and unit of the horizontal axis, whose column is ``epoch``.
    log : bool
        Draw the number on a logarithmic axis.
    """
    _some(history=history)
    names = list(dict.fromkeys(history["series"]))
    if len(names) > len(SERIES):
        raise ValueError(f"history must have at most {len(SERIES)} series, got {len(names)}. "
                         "Choose some, or average over seeds.")
    x, y = dimension("epoch", *step), dimension("value", label, unit)
    layers: list[hv.Element] = []
    for name, role in zip(names, SERIES, strict=False):
        some = history[history["series"] == name].sort_values("epoch")
        some = some[np.isfinite(some["value"]) & ((some["value"] > 0) | (not log))]
        if {"low", "high"} <= {*some.columns} and len(some):
            layers.append(hv.Area((some["epoch"], some["low"], some["high"]), x, [y, "high"],
                                  label=f"{name}, band").opts(show_legend=False,
                                                              **ROLES[role].band()))
        layers.append(hv.Curve((some["epoch"], some["value"]), x, y, label=str(name)).opts(
            **ROLES[role].curve()))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=f"{label[:1].upper()}{label[1:]} over training", logy=log,
        **frame(**LEGEND_BELOW, height=464)))


def path_profile(profile: pd.DataFrame, *, label: str = "training error", unit: str = "%"
                 ) -> Figure:
    """A number along paths between two networks.

    Parameters
    ----------
    profile : DataFrame
        Columns path (of "trained curve", "straight line", "straight line, aligned"), t (0 at one
        network, 1 at the other), value.
    label, unit : str
        Of the number.

    Returns
    -------
    figure : Overlay
        The dotted line joins the ends; its title tells the largest step away from their mean.
    """
    _some(profile=profile)
    x = dimension("t", "way between the networks", "share")
    y = dimension("value", label, unit)
    layers: list[hv.Element] = []
    told = ""
    for path, role in PATHS.items():
        some = profile[profile["path"] == path].sort_values("t")
        if some.empty:
            continue
        values = some["value"].to_numpy(dtype=float)
        if not layers:
            layers.append(hv.Curve(([0.0, 1.0], [values[0], values[-1]]), x, y,
                                   label="no barrier").opts(**ROLES["truth"].curve()))
            middle = (values[0] + values[-1]) / 2
            farthest = values[np.abs(values - middle).argmax()]
            told = f"{path[:1].upper()}{path[1:]}: {middle - farthest:+.3g} {unit} at its farthest"
        layers.append(hv.Curve((some["t"], values), x, y, label=path).opts(**ROLES[role].curve()))
        layers.append(hv.Scatter((some["t"], values), x, y, label=path).opts(
            size=6, **ROLES[role].points()))
    if not layers:
        raise ValueError(f"path must be one of {', '.join(map(repr, PATHS))}, got "
                         f"{', '.join(map(repr, profile['path'].unique()))}. Rename the paths.")
    return hv.Overlay(layers).opts(hv.opts.Overlay(title=told, **frame(**LEGEND_BELOW,
                                                                       height=464)))


def loss_slice(losses: pd.DataFrame, *, label: str = "loss", unit: str = "nats") -> Figure:
    """Loss around a network, along one random direction or over two.

    Parameters
    ----------
    losses : DataFrame
        Columns first and loss, and second where there are two directions: steps in units of the
        filter-normalised direction. Two directions must form a regular grid.
    label, unit : str
        Of the loss.
    """
    _some(losses=losses)
    x = dimension("first", "first direction", "filter norms")
    if "second" not in losses:
        some = losses.sort_values("first")
        y = dimension("loss", label, unit)
        curve = hv.Curve((some["first"], some["loss"]), x, y, label=label)
        here = hv.Curve(([0.0, 0.0], [some["loss"].min(), some["loss"].max()]), x, y,
                        label="the network")
        return (curve.opts(**ROLES["ours"].curve()) * here.opts(**ROLES["truth"].curve())).opts(
            hv.opts.Overlay(title=f"{label[:1].upper()}{label[1:]} around the network",
                            **frame(**LEGEND_BELOW, height=464)))
    table = losses.pivot_table(index="second", columns="first", values="loss")
    if table.isna().to_numpy().any():
        raise ValueError(f"losses must form a regular grid, got {len(losses)} rows for "
                         f"{table.shape[0]} x {table.shape[1]} cells. Evaluate every cell.")
    image = hv.QuadMesh((table.columns, table.index, table.to_numpy()),
                        [x, dimension("second", "second direction", "filter norms")],
                        dimension("loss", label, unit))
    around = {name: value for name, value in frame(height=400).items() if name != "legend_opts"}
    return image.opts(hv.opts.QuadMesh(
        cmap="cividis", colorbar=True, clabel=f"{label} [{unit}]", tools=["hover"],
        title=f"{label[:1].upper()}{label[1:]} around the network", **around))


def eigenvalue_density(density: pd.DataFrame, *, unit: str = "nats / parameter²") -> Figure:
    """Spectral density of the Hessian.

    Parameters
    ----------
    density : DataFrame
        Columns eigenvalue, density, and low and high where a band is known.
    unit : str
        Of the eigenvalues.
    """
    _some(density=density)
    some = density.sort_values("eigenvalue")
    heights = some["density"].to_numpy(dtype=float)
    floor = heights[heights > 0].min(initial=1.0)
    floor = max(floor, heights.max(initial=1.0) * 1e-8)
    x = dimension("eigenvalue", "eigenvalue of the Hessian", unit)
    y = dimension("density", "density", f"1 / ({unit})")
    layers: list[hv.Element] = []
    if {"low", "high"} <= {*some.columns}:
        layers.append(hv.Area((some["eigenvalue"], some["low"].clip(lower=floor),
                               some["high"].clip(lower=floor)), x, [y, "high"],
                              label="Monte-Carlo band").opts(**ROLES["ours"].band()))
    layers.append(hv.Curve((some["eigenvalue"], np.maximum(heights, floor)), x, y,
                           label="density").opts(**ROLES["ours"].curve()))
    layers.append(hv.Curve(([0.0, 0.0], [floor, max(heights.max(initial=floor), 10 * floor)]), x,
                           y, label="flat direction").opts(**ROLES["truth"].curve()))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="How curved the loss is", logy=True, **frame(**LEGEND_BELOW, height=464)))


def _some(**tables: pd.DataFrame) -> None:
    for name, table in tables.items():
        if table.empty:
            raise ValueError(f"{name} must have rows, got 0. Train or measure first.")
