"""Weights by loss: what a strategy gives, which rows of a batch got it, what domains had of it."""

from collections.abc import Mapping

import holoviews as hv
import numpy as np
import pandas as pd

from workbench.plots.hovers import DIGITS, hover
from workbench.plots.settings import Panel, panel_figure
from workbench.plots.theme import ROLES, STACKED, Figure, dimension, frame, written_legend

__all__ = ["domain_panels", "weights_and_batch"]

LEAST = 2.0 ** -10        # smaller relative weights are drawn on this floor


def weights_and_batch(  # noqa: PLR0913 - parts of a figure
        curves: Panel, batch: pd.DataFrame, *, roles: Mapping[str, str],
        kinds: Mapping[str, str], title: str, x: tuple[str, str],
        sizes: Panel | None = None) -> Figure:
    """Weights by the place of a loss, above those of one batch, or of all rows of a table.

    Parameters
    ----------
    curves : Panel
        Weight times uniform by place, a series for each strategy.
    batch : DataFrame
        Columns loss, weight (times uniform), kind.
    roles : mapping of series to role
    kinds : mapping of kind to role
    title : str
        Of the batch.
    x : (str, str)
        Label and unit of the losses.
    sizes : Panel, optional
        A third picture: the largest weight over training.
    """
    if batch.empty:
        raise ValueError(f"batch must have rows, got {len(batch)}. Weigh something first.")
    pictures = [panel_figure(curves, roles), _rows(batch, kinds, title, x)]
    if sizes is not None:
        pictures.append(panel_figure(sizes, roles))
    return hv.Layout(pictures).cols(1).opts(hv.opts.Layout(**STACKED))


def domain_panels(shares: Panel, gains: pd.DataFrame, *, roles: Mapping[str, str],
                  title: str) -> Figure:
    """Share of the weight of each domain over training, above what its loss gained.

    Parameters
    ----------
    shares : Panel
        A series for each domain.
    gains : DataFrame
        Columns name, value, low, high: loss of uniform weights minus that with weights, by
        domain; low and high are NaN without an interval.
    roles : mapping of domain to role
    title : str
        Of the gains.
    """
    if gains.empty:
        raise ValueError(f"gains must have rows, got {len(gains)}. Train something first.")
    return hv.Layout([panel_figure(shares, roles), _gains(gains, title)]).cols(1).opts(
        hv.opts.Layout(**STACKED))


def _rows(batch: pd.DataFrame, kinds: Mapping[str, str], title: str,
          x: tuple[str, str]) -> hv.Element:
    across, up = dimension("loss", *x), dimension("weight", "weight", "times uniform")
    drawn = batch.assign(weight=batch["weight"].clip(lower=LEAST))
    low, high = min(0.5, float(drawn["weight"].min())), max(2.0, float(drawn["weight"].max()))
    ends = float(drawn["loss"].min()), float(drawn["loss"].max())
    entries = list(kinds.items())        # also those without a row: figures change in place
    layers: list[hv.Element] = [hv.Curve((ends, (1.0, 1.0)), across, up).opts(
        **ROLES["uniform"].curve())]
    for kind, role in entries:
        some = drawn[drawn["kind"] == kind]
        layers.append(hv.Scatter(some, across, up).opts(
            size=8 if role == "alarm" else 6, alpha=0.7, **ROLES[role].points(),
            tools=[hover([("", kind), (x[0], "@loss" + DIGITS),
                          ("weight", "@weight" + DIGITS + " times uniform")])]))
    step = (high / low) ** 0.11
    entries = [*entries, ("uniform", "uniform")]
    layers += written_legend(entries, across, up, at=(ends[0], [
        low / step ** (1.2 + at) for at in range(len(entries))]))
    first, last = int(np.floor(np.log2(low))), int(np.ceil(np.log2(high)))
    ticks = [(2.0 ** k, f"{2 ** k}" if k >= 0 else f"1/{2 ** -k}") for k in range(first, last + 1)]
    room = 0.03 * (ends[1] - ends[0]) or 0.5
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=title, logy=True, yticks=ticks, show_legend=False,
        xlim=(ends[0] - room, ends[1] + room),
        ylim=(low / step ** (len(entries) + 0.9), high * step ** 0.6), **frame()))


def _gains(gains: pd.DataFrame, title: str) -> hv.Element:
    placed = gains.assign(place=np.arange(len(gains))[::-1].astype(float))
    x = dimension("value", "gain over uniform", "nats / character")
    y = dimension("place", "domain", "the right side is better")
    seen = placed[["value", "low", "high"]].to_numpy(float)
    reach = float(np.nanmax(np.abs(seen))) * 1.1 or 1.0
    tips = [("", "@name"), ("gain", "@value" + DIGITS),
            ("interval", "@low" + DIGITS + " to @high" + DIGITS)]
    some = placed.dropna(subset=["low", "high"])
    layers = [hv.Curve(([0.0, 0.0], [-0.5, len(placed) - 0.5]), x, y).opts(
        **ROLES["uniform"].curve()),
        hv.Segments((some["low"], some["place"], some["high"], some["place"]),
                    [x.clone("from"), y, "to", "end"]).opts(
                        color=ROLES["ours"].colour, line_width=2, alpha=0.6),
        hv.Scatter(placed, x, [y, "name", "low", "high"]).opts(
            size=9, tools=[hover(tips)], **ROLES["ours"].points())]
    ticks = [(at, str(name)) for at, name in enumerate(placed["name"].tolist()[::-1])]
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=title, yticks=ticks, xlim=(-reach, reach), ylim=(-0.5, len(placed) - 0.5),
        show_legend=False, **frame(height=max(240, 150 + 36 * len(placed)))))
