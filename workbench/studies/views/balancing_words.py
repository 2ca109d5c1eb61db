"""What a result of balanced kernels says in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from workbench.core import Estimate, Interval, Result, Summary
from workbench.inference.balancing.cases import Found
from workbench.inference.balancing.comparison import KERNEL_WAYS, WAYS
from workbench.inference.kernel_balancing import KernelBalancer
from workbench.studies.views.balancing_cases import Source

__all__ = ["estimates", "headline", "kind_of"]

CHECK = "held-back slice"
OURS = "balanced kernels"
FEW = 30                 # effective observations below which normal intervals are doubtful


def kind_of(way: str) -> str:
    """Kind of a way, as figures tell it by colour."""
    if way in KERNEL_WAYS:
        return "robust" if KERNEL_WAYS[way][1] else "kernels"
    return "no weights" if way in ("naive", "random slice", CHECK) else "propensities"


def estimates(found: Mapping[str, Found], source: Source, alpha: float) -> pd.DataFrame:
    """One row per way: value, ends, effective share, kind."""
    told = dict(found)
    if source.kind == "ratings":
        told.pop("random slice", None)
        if source.checked is not None and len(source.checked) > 1:
            told[CHECK] = Found(float(source.checked.mean()), float(
                source.checked.std(ddof=1) / np.sqrt(len(source.checked))))
    z = float(norm.ppf(1 - alpha / 2))
    order = [way for way in (*WAYS, CHECK) if way in told]
    return pd.DataFrame([{
        "way": way, "kind": kind_of(way), "value": told[way].value,
        "low": told[way].value - z * told[way].se, "high": told[way].value + z * told[way].se,
        "se": told[way].se, "share": told[way].share} for way in order])


def headline(params: Any, source: Source, chosen: KernelBalancer,
             tables: dict[str, pd.DataFrame], raised: tuple[str, ...] = ()) -> Result:
    """Numbers, and what a reader must know before trusting them."""
    table = tables["estimates"].set_index("way").astype({"kind": object})
    own = f"{params.selection} kernels{', robust' if params.estimator == 'dr' else ''}"
    level = 1 - params.alpha
    numbers: dict[str, Estimate] = {}
    for way, told in ((own, "balanced"), ("naive", "unweighted"), (CHECK, "of the random slice")):
        if way in table.index:
            value, low, high = _row(table, way, "value", "low", "high")
            numbers[f"mean {source.label} over all {source.items}, {told}"] = Estimate(
                value, Interval(low, high, level))
    if source.truth is not None:
        numbers[f"mean {source.label} over all {source.items}, truth"] = Estimate(
            source.truth, why="known, since this world is simulated")
    seen = len(chosen.weights_)
    numbers["effective share of the observed"] = Estimate(
        chosen.effective_size_ / seen,
        why=f"exact: {seen} count like {chosen.effective_size_:.0f}").percent()
    after = tables["balance"].query("kind == 'held out'")
    numbers["imbalance of held-out kernels, root mean square"] = Estimate(
        float(np.sqrt((after["after"] ** 2).mean())),
        why=f"exact for these kernels; {np.sqrt((after['before'] ** 2).mean()):.3g} before",
        unit="sd")
    lost = [way for way in KERNEL_WAYS if way not in table.index]
    notes = [*raised, *([f"No weights balance {', '.join(lost)} so closely; they are left out."]
                        if lost else []), *_worlds(tables, own, numbers),
             *_promise(tables, params, numbers), *_rankings(tables, numbers, level)]
    users = 0 if source.case.groups is None else len(np.unique(source.case.groups))
    if 0 < users < FEW:
        notes.append(f"The ratings come from {users} users only: intervals over so few groups "
                     "are too short.")
    if chosen.effective_size_ < FEW:
        notes.append(f"The observed count like {chosen.effective_size_:.0f} only; normal "
                     "intervals are then too short. Raise slack, or balance fewer functions.")
    tables["about"] = pd.DataFrame({"key": ["own", "alpha", "label", "items", "kind", "truth",
                                            "estimator", "gamma"],
                                    "value": [own, repr(params.alpha), source.label, source.items,
                                              source.kind, repr(source.truth), params.estimator,
                                              repr(chosen.gamma_)]})
    return Result(Summary(numbers, (_first(source), *dict.fromkeys([*notes, *source.notes]))),
                  tables)


def _first(source: Source) -> str:
    told = ("Intervals hold if balanced functions explain the outcome up to noise, and what is "
            "observed depends on nothing but the features: where the outcome itself "
            "decides what is observed, a bias is left that no interval tells.")
    if source.kind == "ratings":
        told += (" Features of pairs are made from these very ratings and taken as given, so that "
                 "intervals come out too short; ratings of one user may err together.")
    return told


def _worlds(tables: Mapping[str, pd.DataFrame], own: str,
            numbers: dict[str, Estimate]) -> list[str]:
    """Bias over worlds, and the shares of intervals that hold the truth there."""
    if "worlds" not in tables:
        return []
    worlds = tables["worlds"].set_index("way")
    for way, told in ((own, "balanced"), ("naive", "unweighted")):
        if way in worlds.index:
            bias, error = _row(worlds, way, "bias", "bias_error")
            numbers[f"relative bias over worlds, {told}"] = Estimate(bias, Interval(
                bias - 1.645 * error, bias + 1.645 * error, 0.9)).percent()
    best = worlds.index[int(worlds["rmse"].argmin())]
    covered = {way: _row(worlds, way, "coverage")[0] for way in (own, "random slice")
               if way in worlds.index}
    told = ", ".join(f"{100 * share:.0f} % of those of {way}" for way, share in covered.items())
    return [f"In these worlds the loss is no combination of the balanced functions, so that "
            f"intervals miss by what bias is left: the truth lies in {told}. The smallest error "
            f"is that of {best}."]


def _promise(tables: Mapping[str, pd.DataFrame], params: Any,
             numbers: dict[str, Estimate]) -> list[str]:
    """Coverage where the assumptions hold."""
    if "promise" not in tables:
        return []
    table = tables["promise"]
    row = table.iloc[int((table["slack"] - min(params.slack, 0.03)).abs().argmin())]
    low, high = (float(np.clip(row["coverage"] + side * 1.645 * row["coverage_error"], 0, 1))
                 for side in (-1, 1))
    numbers[f"simulated coverage of {100 * (1 - params.alpha):g} % intervals under their "
            f"assumptions, slack {row['slack']:g}"] = Estimate(
        float(row["coverage"]), Interval(low, high, 0.9)).percent()
    worst = table.iloc[-1]
    return [f"Under the assumptions {100 * row['coverage']:.0f} % of intervals hold the truth at "
            f"slack {row['slack']:g}, {100 * worst['coverage']:.0f} % at {worst['slack']:g}: the "
            "interval does not count what slack leaves."]


def _rankings(tables: Mapping[str, pd.DataFrame], numbers: dict[str, Estimate],
              level: float) -> list[str]:
    """AUC of recommenders, each tuned alike, and the lesson."""
    if "tuned" not in tables:
        return []
    best = tables["tuned"].set_index("way")
    weighted = best.drop(index="unweighted")
    top = str(weighted["auc"].idxmax())
    for way in dict.fromkeys(["unweighted", top, *weighted.index.intersection([OURS])]):
        value, low, high = _row(best, way, "auc", "low", "high")
        numbers[f"AUC, {way}, tuned"] = Estimate(value, Interval(
            min(low, value), max(high, value), level))
    plain, _, reach = _row(best, "unweighted", "auc", "low", "high")
    rival = float(weighted["auc"].max())
    apart = "is not behind" if plain >= rival else (
        "is behind by less than its interval" if reach >= rival else "is behind")
    return [f"Once each way has its own weight decay, the unweighted recommender {apart}: ranking "
            "measures such as AUC hardly show what balancing does for a mean. Inverse "
            "propensities change the size of the loss beside the weight decay, so that ways "
            "compared at one decay are not compared."]


def _row(table: pd.DataFrame, name: str, *columns: str) -> list[float]:
    """Numbers of one row."""
    return [float(each) for each in table.loc[[name], list(columns)].to_numpy(float)[0]]
