"""What the phases predict: a measure against an outcome, and gains by phase."""

import holoviews as hv
import numpy as np
import pandas as pd

from workbench.plots.hovers import DIGITS, hover
from workbench.plots.phase_maps import PHASE_STYLES
from workbench.plots.theme import LEGEND_BELOW, ROLES, Figure, dimension, frame

__all__ = ["measure_scatter", "phase_gains"]

KINDS = (("ours", "circle"), ("variant", "square"), ("rival", "triangle"), ("truth", "diamond"))


def measure_scatter(  # noqa: PLR0913 - two axes, each with column, label and unit
        cells: pd.DataFrame, measure: str, outcome: str, *, x: tuple[str, str],
        y: tuple[str, str], log: bool = False, told: str = "") -> Figure:
    """A measure of each cell against an outcome, by phase.

    Parameters
    ----------
    cells : DataFrame
        Columns phase, and those of the measure and the outcome; rows without one of them are
        left out.
    measure, outcome : str
        Columns.
    x, y : (str, str)
        Label and unit of the measure and of the outcome.
    log : bool
        Draw the measure on a logarithmic axis; what is not positive is left out.
    told : str
        Sentence of the title, for instance the rank correlation.
    """
    known = cells[[measure, outcome, "phase"]].dropna()
    known = known[known[measure] > 0] if log else known
    if known.empty:
        raise ValueError(f"cells must have rows with phase, {measure} and {outcome}, got 0 of "
                         f"{len(cells)}. Measure and classify a grid first.")
    across, up = dimension("measure", *x), dimension("outcome", *y)
    layers = []
    for phase, style in PHASE_STYLES.items():
        some = known[known["phase"] == phase]
        if len(some):
            telling = hover([("phase", phase), (x[0], f"@measure{DIGITS}"),
                             (y[0], "@outcome{0.[00]}")])
            layers.append(hv.Scatter((some[measure], some[outcome]), across, up,
                                     label=phase).opts(
                color=style.colour, marker=style.marker, size=7, alpha=0.8, tools=[telling]))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=told or f"{y[0][:1].upper()}{y[0][1:]} by {x[0]}", logx=log,
        **frame(**LEGEND_BELOW, height=464)))


def phase_gains(gains: pd.DataFrame, *, label: str = "gain of averaging",
                unit: str = "percentage points") -> Figure:
    """Mean gain in each phase with its interval, beside zero.

    Parameters
    ----------
    gains : DataFrame
        Columns phase, kind (what was done, at most four), gain, low, high.
    label, unit : str
        Of the gain.
    """
    kinds = list(dict.fromkeys(gains["kind"])) if len(gains) else []
    if not 0 < len(kinds) <= len(KINDS):
        raise ValueError(f"gains must have rows of one to four kinds, got {len(kinds)}. Average "
                         "some networks first, or choose kinds.")
    phases = [phase for phase in PHASE_STYLES if (gains["phase"] == phase).any()]
    x, y = dimension("place", "phase", "of the members"), dimension("gain", label, unit)
    layers = [hv.Curve(([-0.5, len(phases) - 0.5], [0.0, 0.0]), x, y,
                       label="as good as a member").opts(**ROLES["uniform"].curve())]
    telling = hover([("phase", "@phase"), ("done", "@kind"), (label, f"@gain{DIGITS}"),
                     ("interval", f"@low{DIGITS} to @high{DIGITS}")])
    for number, (kind, (role, marker)) in enumerate(zip(kinds, KINDS, strict=False)):
        some = gains[gains["kind"] == kind]
        shift = 0.16 * (number - (len(kinds) - 1) / 2)
        some = some.assign(place=[phases.index(phase) + shift for phase in some["phase"]])
        drawn = ROLES[role]
        layers.append(hv.Segments((some["place"], some["low"], some["place"], some["high"]),
                                  [x, y, "end", "high"]).opts(
            color=drawn.colour, line_width=2, alpha=0.6))
        layers.append(hv.Scatter(some, x, [y, "phase", "kind", "low", "high"],
                                 label=str(kind)).opts(
            size=9, tools=[telling], color=drawn.colour, marker=marker))
    ends = np.append(gains[["low", "high", "gain"]].to_numpy().ravel(), 0.0)
    ends = ends[np.isfinite(ends)]
    edge = 0.06 * (np.ptp(ends) or 1.0)
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=f"{label[:1].upper()}{label[1:]} by phase", xticks=list(enumerate(phases)),
        xlim=(-0.5, len(phases) - 0.5), ylim=(ends.min() - edge, ends.max() + edge),
        **frame(**LEGEND_BELOW, height=464)))
