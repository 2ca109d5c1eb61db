"""Tests of models: p values and which tests agree, false positives, power, and peeking."""

import holoviews as hv
import numpy as np
import pandas as pd

from workbench.plots.forests import dots, named_rows
from workbench.plots.hovers import DIGITS, hover
from workbench.plots.theme import (
    ROLES,
    STACKED,
    Figure,
    dimension,
    frame,
    written_legend,
)

__all__ = ["agreement", "false_positives"]

FLOOR = 1e-6             # smaller p values are drawn here
SOUND = {"holds": ("keeps its level", "ours"), "mild": ("with care", "variant"),
         "bad": ("do not use", "alarm")}
WORLDS = {"models are equal": ("false positives", "alarm"),
          "one model is worse": ("power", "ours")}
HABITS = {"try": ("a new model each time", "rival"), "look": ("more rows each time", "alarm"),
          "look_bonferroni": ("more rows, alpha / looks", "ours")}
TICKS = [(10.0 ** at, f"{10.0 ** at:g}") for at in range(-6, 1, 2)]
FINE = [(at, f"{at:g}") for at in (0.01, 0.03, 0.1, 0.3, 1.0)]


def agreement(tests: pd.DataFrame, pairs: pd.DataFrame, *, alpha: float, correction: str
                   ) -> Figure:
    """P values of two models by test, and below of all pairs before and after correction.

    Parameters
    ----------
    tests : DataFrame
        Columns label, statistic, pvalue, kind (of `SOUND`).
    pairs : DataFrame
        Columns first, second, test, pvalue, adjusted.
    alpha : float
        Level of the tests.
    correction : str
        How the p values of pairs pay for their number.
    """
    _some(tests=tests, pairs=pairs)
    roles = {told: role for kind, (told, role) in SOUND.items() if (tests["kind"] == kind).any()}
    ordered = tests.sort_values("pvalue", ascending=False, kind="stable")
    one = pd.DataFrame({
        "name": ordered["label"], "value": ordered["pvalue"], "statistic": ordered["statistic"],
        "kind": [SOUND[kind][0] for kind in ordered["kind"]]})
    paid = f"after {correction}" if correction != "none" else "uncorrected, too"
    names = pairs["first"].astype(str) + " / " + pairs["second"].astype(str)
    two = pd.concat([pd.DataFrame({"name": names, "value": pairs[column], "kind": kind,
                                   "statistic": np.nan})
                     for column, kind in (("pvalue", "alone"), ("adjusted", paid))])
    two = two.iloc[::-1].sort_values("name", ascending=False, kind="stable")
    return _stacked([
        _pvalues(one, roles, alpha, "P values by test", y=("test", "smallest on top")),
        _pvalues(two, {"alone": "uniform", paid: "ours"}, alpha,
                 f"{pairs['test'].iloc[0]}, all pairs", y=("two models", "by name"))])


def false_positives(rates: pd.DataFrame, looks: pd.DataFrame, *, alpha: float) -> Figure:
    """How often each test rejects where models are equal and where not; below, peeking.

    Parameters
    ----------
    rates : DataFrame
        Columns label, rate, low, high, world (of `WORLDS`).
    looks : DataFrame
        Columns habit (of `HABITS`), looks, rate, low, high.
    alpha : float
        Nominal level.
    """
    _some(rates=rates, looks=looks)
    order = list(dict.fromkeys(rates["label"]))[::-1]
    x, y = dimension("value", "tables in which it rejects", "%"), dimension(
        "place", "test", "simulated")
    layers: list[hv.Element] = [hv.Curve(([100 * alpha] * 2, [-0.5, len(order) - 0.5]), x, y,
                                         label="nominal level").opts(**ROLES["truth"].curve())]
    for world, (label, role) in WORLDS.items():
        some = rates[rates["world"] == world]
        if len(some):
            drawn = pd.DataFrame({
                "value": 100 * some["rate"], "low": 100 * some["low"], "high": 100 * some["high"],
                "place": [float(order.index(each)) for each in some["label"]],
                "test": some["label"]})
            layers += dots(drawn, x, y, label=label, role=role, tooltips=[
                ("test", "@test"), (label, f"@value{DIGITS} %"),
                ("95 % interval", f"@low{DIGITS} to @high{DIGITS}")])
    options = named_rows(order) | {"show_legend": False}
    above = hv.Overlay([*layers, *written_legend(
        [("nominal level", "truth"), *WORLDS.values()], x, y, at=(
            0, [-1.1 - 0.8 * at for at in range(3)]))]).opts(hv.opts.Overlay(
                title="False positives, power", xlim=(-2, 102),
                ylim=(-3.3, len(order) - 0.5), **options))
    return _stacked([above, _habits(looks, alpha)])


def _habits(looks: pd.DataFrame, alpha: float) -> hv.Element:
    x = dimension("looks", "times somebody tests", "count")
    y = dimension("rate", "at least one false positive", "%")
    ends = float(looks["looks"].min()), float(looks["looks"].max())
    layers: list[hv.Element] = [hv.Curve(([ends[0], max(ends[1], ends[0] + 1)], [100 * alpha] * 2),
                                         x, y).opts(**ROLES["truth"].curve())]
    for habit, (label, role) in HABITS.items():
        some = looks[looks["habit"] == habit].sort_values("looks")
        if some.empty:
            continue
        percent = pd.DataFrame({"looks": some["looks"], **{
            name: 100 * some[name] for name in ("rate", "low", "high")}})
        telling = hover([("habit", label), ("looks", "@looks"), ("false positive", "@rate{0.0} %"),
                         ("95 % interval", "@low{0.0} to @high{0.0}")])
        layers += [hv.Area((percent["looks"], percent["low"], percent["high"]), x,
                           [y, "high"]).opts(**ROLES[role].band(0.15)),
                   hv.Curve(percent, x, y).opts(**ROLES[role].curve()),
                   hv.Scatter(percent, x, [y, "low", "high"]).opts(
                       size=6, tools=[telling], **ROLES[role].points())]
    top = max(100 * float(looks["high"].max()), 300 * alpha)
    entries = [("nominal level", "truth"), *HABITS.values()]
    layers += written_legend(entries, x, y, at=(
        ends[0], [1.28 * top - 0.085 * top * at for at in range(len(entries))]))
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title="Peeking, simulated",
        xlim=_wide(*ends), ylim=(0, 1.38 * top), show_legend=False, **frame()))


def _pvalues(rows: pd.DataFrame, roles: dict[str, str], alpha: float, title: str, *,
             y: tuple[str, str]) -> hv.Element:
    """P values of named rows, the last on top, on a logarithmic axis."""
    names = list(dict.fromkeys(rows["name"]))
    placed = rows.assign(shown=rows["value"].clip(FLOOR, 1.0),
                         place=[float(names.index(name)) for name in rows["name"]])
    x, down = dimension("shown", "p value", "log scale"), dimension("place", *y)
    height = len(names) - 0.5
    layers: list[hv.Element] = [hv.Curve(([alpha, alpha], [-0.5, height]), x, down).opts(
        **ROLES["truth"].curve())]
    for kind, role in roles.items():
        some = placed[placed["kind"] == kind]
        if len(some):
            telling = hover([(y[0], "@name"), ("p value", f"@value{DIGITS}"),
                             ("statistic", f"@statistic{DIGITS}"), ("", kind)])
            layers.append(hv.Scatter(some, x, [down, "name", "value", "statistic"]).opts(
                size=10, tools=[telling], **ROLES[role].points()))
    low = min(float(placed["shown"].min()), alpha, 0.01) / 2
    entries = [(f"alpha {alpha:g}", "truth"), *roles.items()]
    room = 0.75 * len(entries)
    layers += written_legend(entries, x, down, at=(
        low * 1.15, [-0.9 - 0.75 * at for at in range(len(entries))]))
    options = named_rows(names) | {"height": 240 + 26 * len(names) + 18 * len(entries)}
    return hv.Overlay(layers).opts(hv.opts.Overlay(
        title=title, logx=True, xlim=(low, 1.5), ylim=(-0.9 - room, height), show_legend=False,
        xticks=[tick for tick in (FINE if low > 1e-3 else TICKS) if tick[0] >= low], **options))


def _wide(low: float, high: float) -> tuple[float, float]:
    """Ends of an axis with room for marks at both."""
    room = 0.03 * ((high - low) or 1.0)
    return low - room, high + room


def _stacked(parts: list[hv.Element]) -> Figure:
    return hv.Layout(parts).cols(1).opts(hv.opts.Layout(**STACKED))


def _some(**tables: pd.DataFrame) -> None:
    for name, table in tables.items():
        if table.empty:
            raise ValueError(f"{name} must have rows, got {len(table)}. Test two models first.")
