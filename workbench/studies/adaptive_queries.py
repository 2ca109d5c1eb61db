"""How far does a holdout mislead who asks it again and again? Attacks, protection, a game.

An analyst selects features by a plain and by a protected holdout, on simulated rows or on the
user's own; an attacker asks all mechanisms; a game lets the reader overfit by hand.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import param

from workbench.core import Column, Result, generator
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.core.threads import one_thread
from workbench.datasets import OUTCOME_TABLES, Outcomes, load_outcomes, unknown_data
from workbench.datasets.outcomes import OUTCOME_NAMES
from workbench.inference.validity.attacks import Setting
from workbench.inference.validity.bit_worlds import crossing, draw_world
from workbench.inference.validity.findings import (
    by_features,
    certified,
    errors_by_queries,
    learned,
    table_world,
)
from workbench.inference.validity.game import draw_board, table_board
from workbench.inference.validity.selection import (
    FEATURES,
    Settings,
    signal_means,
    simulate_selection,
)
from workbench.inference.validity.tables import encode, repeat_on_table
from workbench.studies.views.reuse import PRESETS, SELECT, VIEW, details, downloads, figures
from workbench.studies.views.reuse_words import about, headline, setting_of

__all__ = ["PRESETS", "SELECT", "SMOKE", "TITLE", "VIEW", "Params", "details", "downloads",
           "figures", "is_quick", "read_notes", "run"]

TITLE = "Adaptive queries"
SMOKE = {"n": 400, "d": 300, "k_list": [0, 10, 30, 60], "queries": 60, "repetitions": 2}
SIMULATED = "simulated"
SHOWN = ("plain", "split", "gaussian", "thresholdout")
BIT_QUERIES = [200, 2000, 20_000]
ATTACKERS = 10           # at least, since their errors differ much
QUICK = 2.0              # seconds of the slow stages, below which a page computes at once
FILES: Recent[Outcomes] = Recent(4)
SELECTIONS: Recent[Any] = Recent(8)
ATTACKS: Recent[pd.DataFrame] = Recent(16)
WEIGHTS: Recent[Any] = Recent(8)
BOUNDS: Recent[pd.DataFrame] = Recent(16)


class Params(Declared):
    """Where the rows come from, what the analyst tries, and what protects the holdout."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "table"}
    columns: ClassVar = {"target": Column("name", names=OUTCOME_NAMES),
                         "positive": Column("value", of="target")}

    data = param.String(SIMULATED, doc=(
        f"'{SIMULATED}', a shipped table ({', '.join(OUTCOME_TABLES)}) or the path of a CSV or "
        "Parquet file with a column to predict."))
    target = param.String("", doc=(
        "Column of the outcome, a class or a score with bounds; empty takes one with a usual name "
        "or the last."))
    positive = param.String("", doc="Class that counts as 1; empty chooses one.")
    low = param.Number(None, allow_None=True, doc="Lowest possible score; none takes the table's.")
    high = param.Number(None, allow_None=True, doc=(
        "Highest possible score; none takes the table's."))
    n = param.Integer(2000, bounds=(50, 200_000), doc="Simulated rows of each part.")
    d = param.Integer(2000, bounds=(2, 200_000), doc="Simulated features.")
    signal = param.Boolean(default=False, doc=(
        "Let the first 20 simulated features say something about the outcome."))
    pairs = param.Boolean(default=False, doc="Try products of pairs of a table's columns, too.")
    probes = param.Integer(0, bounds=(0, 5000), doc=(
        "Shuffled columns added to a table, which carry nothing: how many are kept tells how many "
        "others are kept by chance."))
    k_list = param.List(list(FEATURES), item_type=int, bounds=(1, 50), doc=(
        "Numbers of features that vote, increasing; a table tries those that it has."))
    mechanism = param.Selector(
        default="thresholdout", objects=["thresholdout", "laplace", "gaussian", "split", "plain"],
        doc="What protects the holdout in the game, and whose bound is told.")
    threshold = param.Number(None, bounds=(0, 1), softbounds=(0, 0.3), allow_None=True, doc=(
        "Gap between training rows and holdout above which it is read; none takes 4 / sqrt(n)."))
    sigma = param.Number(None, bounds=(1e-6, 1), softbounds=(0.001, 0.1), allow_None=True, doc=(
        "Noise of answers; none takes 1 / sqrt(n), and a quarter of it for Thresholdout with a "
        "budget."))
    budget = param.Integer(50, bounds=(1, 1_000_000), softbounds=(1, 200), doc=(
        "Readings of the holdout by Thresholdout."))
    epsilon = param.Number(1.0, bounds=(1e-6, 100), softbounds=(0.1, 10), doc=(
        "Privacy of all answers with Laplace noise."))
    delta = param.Number(1e-6, bounds=(0, 0.1), doc="Chance that this privacy fails.")
    beta = param.Number(0.05, bounds=(1e-6, 0.5), doc="Chance that certified bounds fail.")
    queries = param.Integer(1000, bounds=(20, 20_000), softbounds=(20, 5000), doc=(
        "Queries of the attacker, and those that bounds hold for."))
    repetitions = param.Integer(5, bounds=(2, 100), doc="Simulated samples, or divisions.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of samples, divisions and noise.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse what no run could use: missing data, features or bounds out of order."""
        found = unknown_data(values["data"], (SIMULATED, *OUTCOME_TABLES))
        try:
            Settings(values["k_list"])
        except ValueError as trouble:
            found.append(str(trouble))
        ends = values["low"], values["high"]
        if None not in ends and not ends[0] < ends[1]:
            found.append(f"low must lie below high, got {ends[0]!r} and {ends[1]!r}. Swap them.")
        table = ("target", "positive", "low", "high", "pairs", "probes")
        given = [name for name in table if values[name] not in ("", None, False, 0)
                 or (name in ("low", "high") and values[name] is not None)]
        if values["data"] == SIMULATED:
            found += [f"{name} must be left out for simulated rows, got {values[name]!r}. Pass "
                      "data= a table." for name in given]
        elif values["signal"]:
            found.append(f"signal must be left out for a table, got True: {values['data']!r} has "
                         "its own. Leave signal out.")
        return found


@one_thread()
def run(params: Params) -> Result:
    """Select, attack, learn weights, bound, and gather headline and tables."""
    table = None if params.data == SIMULATED else _table(params)
    selection, features, board, world = _selected(params, table)
    n = int((board["part"] == 1).sum()) if table is not None else params.n
    setting = setting_of(params, n)
    errors = _errors(params, n, setting)
    bits, asked = WEIGHTS.get((_selection_key(params, table), params.seed), lambda: crossing(
        world, BIT_QUERIES, rng=generator(params.seed + 1)))
    tables = {
        "scores": by_features(selection, divisions=table is not None), "selection": selection,
        "errors": errors, "bits": bits, "points": learned(world, asked), "board": board,
        "bounds": BOUNDS.get((params.queries, params.beta, params.budget),
                             lambda: certified(params.queries, setting)),
        "about": about(params, n, setting, table)}
    if features is not None:
        tables["features"] = features
    notes = () if table is None else table.notes
    return Result(headline(params, n, tables, asked.weights, notes), tables,
                  arrays={"weights": asked.weights})


def is_quick(params: Params) -> bool:
    """Whether a page may compute as soon as a widget changes: the slow stages took little."""
    return params.repetitions * params.queries <= 10_000 and (
        SELECTIONS.seconds + ATTACKS.seconds < QUICK)


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the table interprets and leaves out; refuses what a run could not read."""
    return () if params.data == SIMULATED else _table(params).notes


def _table(params: Params) -> Outcomes:
    """The table, read again only when its file has changed."""
    path = Path(params.data).expanduser()
    seen = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else ()
    named = {name: getattr(params, name) for name in ("target", "positive", "low", "high")}
    return FILES.get((params.data, seen, *named.values()),
                     lambda: load_outcomes(params.data, **named))


def _selection_key(params: Params, table: Outcomes | None) -> tuple[Any, ...]:
    own = (params.n, params.d, params.signal) if table is None else (
        table.sha256, params.target, params.positive, params.low, params.high, params.pairs,
        params.probes)
    return (*own, tuple(params.k_list), params.threshold, params.sigma, params.repetitions,
            params.seed)


def _selected(params: Params, table: Outcomes | None) -> Any:
    """Scores of the analyst, features kept, the game's board, and a world of bits."""
    return SELECTIONS.get(_selection_key(params, table), lambda: (
        _on_table(params, table) if table is not None else _on_simulated(params)))


def _on_simulated(params: Params) -> Any:
    rng = generator(params.seed)
    settings = Settings(params.k_list, params.threshold, params.sigma)
    found = [simulate_selection(params.n, params.d, signal=params.signal, settings=settings,
                                rng=rng).assign(repetition=at)
             for at in range(params.repetitions)]
    board = draw_board(params.n, params.d, signal_means(params.n, params.d, signal=params.signal),
                       rng=rng)
    return pd.concat(found, ignore_index=True), None, board, draw_world(params.n, rng=rng)


def _on_table(params: Params, table: Outcomes) -> Any:
    settings = Settings(params.k_list, params.threshold, params.sigma)
    encoded = encode(table.features, table.y, is_class=table.is_class)
    found, features, divided = repeat_on_table(
        encoded, settings, pairs=params.pairs, probes=params.probes,
        repetitions=params.repetitions, rng=generator(params.seed))
    return found, features, table_board(divided), table_world(divided)[0]


def _errors(params: Params, n: int, setting: Setting) -> pd.DataFrame:
    """Errors under attack, of the mechanism that was chosen and of those that it is shown with."""
    names = [*dict.fromkeys([*SHOWN[:2], params.mechanism, *SHOWN[2:]])]
    key = (n, params.queries, setting, tuple(names), params.repetitions, params.seed)
    return ATTACKS.get(key, lambda: errors_by_queries(
        names, n, params.queries, setting, repetitions=max(ATTACKERS, params.repetitions),
        rng=generator(params.seed + 2)))
