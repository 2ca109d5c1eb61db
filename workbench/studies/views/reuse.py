"""Figures of a reused holdout, the game on it, and what can be taken away."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import param

from workbench import plots
from workbench.core import Params, Result, effective_size
from workbench.core.details import Choice, Chosen
from workbench.inference.validity.attacks import Setting
from workbench.inference.validity.game import play, singles

__all__ = ["PRESETS", "SELECT", "VIEW", "details", "downloads", "figures", "moves_of"]

PRESETS: dict[str, dict[str, Any]] = {
    "Features that say something": {"signal": True},
    "Real grades of wine, pairs tried": {"data": "wine_quality_red", "pairs": True},
    "The paper's size": {"n": 10_000, "d": 10_000}}
NAMES = {"plain": "the plain holdout", "split": "fresh rows", "laplace": "Laplace noise",
         "gaussian": "normal noise", "thresholdout": "Thresholdout"}
AUTOMATIC = 12           # submissions of the automatic player
SHOWN = {"laplace": ("plain", "split", "laplace", "thresholdout")}
THEORY = (
    "T1: answers of a mechanism with privacy epsilon <= tau / 2 lie within tau of the population "
    "with probability 1 - beta if n >= 12 ln(4 / beta) / tau². T2, for privacy up to a small "
    "chance delta: epsilon <= tau / 4, delta <= exp(-4 ln(8 / beta) / tau), "
    "n >= 48 ln(8 / beta) / tau². T3: for m adaptive queries, noise needs rows in proportion to "
    "sqrt(m) / tau^2.5, multiplicative weights to sqrt(ln N) (ln m)^1.5 / tau^3.5, up to "
    "logarithms. T4: exact answers can err by the order of sqrt(m / n).")


def choices(result: Result) -> list[str]:
    """Columns that a player can submit, with how often each alone is right, as it is told."""
    if "board" not in result.tables:           # of a run that cannot be drawn
        return []
    told = about(result)
    found = singles(result.tables["board"], told["mechanism"], _setting(told),
                    seed=int(told["seed"]))
    return [f"{name} ({100 * share:.1f} %)" if share == share else f"{name} (refused)"
            for name, share in found.items()]


class VIEW(Params):
    """The player's submissions: one column more each time."""

    redraws = ("game",)
    offers: ClassVar = {"columns": choices}

    columns = param.List([], item_type=str, doc=(
        "Play: pick columns; in the order of the list each is a submission more, in which all so "
        "far vote. In brackets what the leaderboard tells of a column alone. Who takes one back "
        "plays again from the start. None lets a machine play."))
    reveal = param.Boolean(default=True, doc=(
        "Draw the fresh rows, too: switch it off while you play, and on to see."))


def submissions(result: Result, picks: Mapping[str, Any]) -> list[str]:
    """Numbers of submissions."""
    del picks
    return [str(at) for at in range(1, len(choices(result)) + 1)]


SELECT = {"submission": Choice("game", "Submission whose ledger is shown", submissions)}


def figures(result: Result, view: Any = None) -> dict[str, plots.Figure]:
    """The game, scores by features, errors under attack, learned weights, theoretical bounds."""
    tables, told = result.tables, about(result)
    own = told["data"] != "simulated"
    points = tables["points"]
    name = told["mechanism"]
    return {
        "game": _game(result, view),
        "scores": plots.scores_by_features(tables["scores"], label=told["score"]),
        "errors": plots.errors_by_reuse(tables["errors"], names=SHOWN.get(
            name, ("plain", "split", "gaussian", "thresholdout"))),
        "learned": plots.learned_weights(
            points, tables["bits"], truth="fresh rows" if own else "the truth",
            effective=effective_size(points["weight"].to_numpy())),
        "bounds": plots.bounds_by_rows(
            tables["bounds"], (int(told["n"]), float(told["tau"]), "as set here"),
            queries=int(told["queries"]))}


def details(result: Result, chosen: Chosen) -> Mapping[str, Any]:
    """The ledger up to a submission, and what theory says."""
    if chosen.get("submission") is None:
        return {}
    moves = moves_of(result, chosen.view)
    at = min(int(chosen.get("submission")), len(moves))
    last = moves.iloc[at - 1]
    left = "no end" if np.isnan(last["remaining"]) else f"{last['remaining']:.0f} left"
    told = "was refused" if np.isnan(last["told"]) else f"was told {100 * last['told']:.1f} %"
    bound = float(last["tau"])
    certified = "The answers so far are certified " + (
        f"within {100 * bound:.2g} points." if bound < 0.5 else
        "nowhere: bounds above 50 points say nothing.")
    shown = moves.iloc[:at][["submission", "column", "told", "used_holdout", "remaining",
                             "epsilon"]]
    return {"submission": (
        f"Submission {at} added {last['column']} and {told}; the plain holdout would have said "
        f"{100 * last['plain']:.1f} %. Budget: {left}. {certified}"),
        "Ledger of the submissions": shown, "theory": THEORY}


def downloads(result: Result, params: Any) -> Mapping[str, Callable[[], bytes]]:
    """Scores of every repetition, the ledger of the game, and the features that were kept."""
    del params
    if "board" not in result.tables:
        return {}
    tables = {"scores.csv": result.tables["selection"], "leaderboard.csv": moves_of(result, None)}
    if "features" in result.tables:
        tables["features_kept.csv"] = result.tables["features"]
    return {name: partial(_spelled, table) for name, table in tables.items()}


def _spelled(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def moves_of(result: Result, view: Any) -> pd.DataFrame:
    """Submissions of the player, or of a machine that adds what it is told to be best."""
    told, board = about(result), result.tables["board"]
    offered = [text.rpartition(" (")[0] for text in choices(result)]
    asked = [] if view is None else [text.rpartition(" (")[0] for text in view.columns]
    columns = [name for name in asked if name in offered] or offered[:AUTOMATIC]
    return play(board, columns, told["mechanism"], _setting(told), seed=int(told["seed"]))


def _game(result: Result, view: Any) -> plots.Figure:
    """The player's board, and beside it what a machine reaches on the plain holdout."""
    told, board = about(result), result.tables["board"]
    moves = moves_of(result, view).drop(columns=["plain", "train"])
    who = "you" if view is not None and view.columns else "a machine"
    styles = {"told": (f"{who}, told by {NAMES[told['mechanism']]}", "ours"),
              "fresh": ("the same on fresh rows", "truth")}
    if told["mechanism"] != "plain":
        setting, seed = _setting(told), int(told["seed"])
        best = singles(board, "plain", setting, seed=seed).index[:len(moves)]
        plain = play(board, [str(name) for name in best], "plain", setting, seed=seed)
        moves = moves.assign(machine=plain["told"], machine_fresh=plain["fresh"])
        styles |= {"machine": ("a machine, told by the plain holdout", "uniform"),
                   "machine_fresh": ("its columns on fresh rows", "rival")}
    if view is not None and not view.reveal:
        styles = {name: style for name, style in styles.items() if "fresh" not in name}
    return plots.leaderboard(moves, styles=styles)


def _setting(told: Mapping[str, str]) -> Setting:
    return Setting(float(told["threshold"]), float(told["sigma"]), int(told["budget"]),
                   float(told["epsilon"]), float(told["delta"]), spread=float(told["spread"]))


def about(result: Result) -> dict[str, str]:
    """Words of the figures."""
    return dict(result.tables["about"].set_index("key")["value"])
