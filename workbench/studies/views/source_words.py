"""What weights of sources bought, in tables, in numbers with intervals and in sentences."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, Interval, Result, Summary, effective_size
from workbench.reweighting.by_source.allocation import allocate
from workbench.reweighting.by_source.courses import (
    ALONE,
    AS_THEY_ARE,
    ORACLE,
    UNIFORM,
    Courses,
)
from workbench.reweighting.by_source.language import TextCourse
from workbench.reweighting.by_source.splits import mixture_of, most_rows
from workbench.reweighting.by_source.tables import SourceTable
from workbench.reweighting.by_source.worlds import Sources
from workbench.reweighting.seeds import mean_over_seeds, means_over_seeds

__all__ = ["LEVEL", "headline", "tables_of"]

LEVEL = 0.9
KINDS = {UNIFORM: "equal weights", "learnt": "learnt weights", "w": "networks that learn them",
         "u": "networks that learn them", ALONE: "other rows", AS_THEY_ARE: "other rows",
         ORACLE: "other rows"}


def tables_of(params: Any, courses: Courses, first: Sources, text: TextCourse | None,
              rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Tables that figures and downloads need; means over seeds have Student's intervals."""
    weights = means_over_seeds(courses.weights, ["alpha", "source"], "weight")
    own = weights[weights["alpha"] == params.alpha].reset_index(drop=True)
    allocation, mixture = _mixture(params, own, first, rng)
    path = courses.path.melt(["alpha", "seed", "step", "source"], ["weight", "gap"], "kind")
    tables = {"weights": weights, "weights_by_seed": courses.weights,
              "path": means_over_seeds(path, ["alpha", "kind", "step", "source"], "value"),
              "losses": means_over_seeds(courses.losses, ["alpha", "kind", "step"], "loss"),
              "scores": _scores(courses.scores), "scores_by_seed": courses.scores,
              "allocation": allocation, "mixture": mixture,
              "about": pd.DataFrame({"key": ["alpha", "measure", "own"], "value": [
                  f"{params.alpha:g}", _measure(first), "1" if params.data else "0"]})}
    if text is not None:
        tables |= {"text_weights": means_over_seeds(text.weights, ["source", "kind"], "weight"),
                   "text_scores": text.scores}
    return tables


def headline(params: Any, courses: Courses, tables: Mapping[str, pd.DataFrame],
             table: SourceTable | None) -> Result:
    """What rows taken by learnt weights gain, and where the weight goes."""
    measure = dict(tables["about"].set_index("key")["value"])["measure"]
    wide = _wide(courses.scores, params.alpha)
    gain = _gain(wide, UNIFORM)
    k = courses.weights["source"].nunique()
    numbers = {f"{measure}, learnt weights minus uniform": gain,
               f"{measure}, uniform": mean_over_seeds(wide[UNIFORM].to_numpy(), level=LEVEL)}
    by_seed = courses.weights[courses.weights["alpha"] == params.alpha]
    if AS_THEY_ARE in wide:
        numbers[f"{measure}, learnt weights minus {AS_THEY_ARE}"] = _gain(wide, AS_THEY_ARE)
    if table is None:
        numbers["rank correlation of weights with less noise; uniform is 0"] = _correlation(
            by_seed, params.rates)
    rows = by_seed.pivot_table(index="seed", columns="source", values="weight", sort=False)
    sizes = np.array([effective_size(row / row.sum()) for row in rows.to_numpy(float)])
    numbers[f"sources that the weights count like, of {k}"] = mean_over_seeds(sizes, level=LEVEL)
    said = [_verdict(gain, params), *_best(tables, table), *_cautions(params, tables)]
    if "text_scores" in tables:
        numbers |= _text(tables)
        said.append("The language model shows where weights go; it is far too small to tell what "
                    "they buy a large one.")
    return Result(Summary(numbers, (*said, *(table.notes if table else ()))), dict(tables))


def _gain(wide: pd.DataFrame, other: str) -> Estimate:
    """Of learnt weights over another arm, paired by seed."""
    return mean_over_seeds((wide["learnt"] - wide[other]).round(12).to_numpy(), level=LEVEL)


def _verdict(gain: Estimate, params: Any) -> str:
    low, high = gain.ends
    word = ("unknown, since a training diverged, beside" if gain.interval is None else
            "better than" if low > 0 else "worse than" if high < 0 else "not to be told from")
    shared = " Seeds split the same file: intervals are too narrow for new files." if (
        params.data) else ""
    return (f"Over {params.trainings} seeds a new network on rows taken by the weights of alpha = "
            f"{params.alpha:g} is {word} one on equal shares of the sources.{shared}")


def _best(tables: Mapping[str, pd.DataFrame], table: SourceTable | None) -> list[str]:
    about = dict(tables["about"].set_index("key")["value"])
    own = tables["weights"][tables["weights"]["alpha"] == float(about["alpha"])]
    heavy = own.iloc[int(own["weight"].to_numpy().argmax())]
    k = len(own)
    told = Estimate(k * heavy["weight"], Interval(k * heavy["low"], k * heavy["high"], LEVEL)
                    if np.isfinite(heavy["low"]) else None, "times uniform", "one seed")
    said = [f"The heaviest is {heavy['source']}: {told}."]
    if table is not None:
        score = tables["scores"].set_index("name")["value"]
        said.append(f"The validation rows alone give {score[ALONE]:.3g}: where that is more, "
                    "train on them.")
    return said


def _cautions(params: Any, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    most = params.source_rate * params.n_steps / 2
    said = [f"With {params.n_steps} steps at {params.source_rate:g} a logit moves by about "
            f"{most:.2g} at most, so that weights of two sources differ by a factor of "
            f"{np.exp(min(2 * most, 50)):.2g} at most."] if 0 < most < 2 else []
    short = tables["allocation"].query("rows < share_rows")
    if len(short):
        said.append(f"{', '.join(map(str, short['source']))} gave all their rows to the mixture; "
                    "others gave more than their share.")
    said.append("Sources that are alike in kind drift apart, and far where networks learn noise "
                "by heart: trust weights whose intervals agree and whose new network gains.")
    if params.with_validation:
        said.append("The mixture holds the validation rows: they can test nothing any more.")
    return said


def _mixture(params: Any, own: pd.DataFrame, first: Sources, rng: np.random.Generator
             ) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of each source to take, and which."""
    weights, sizes = own["weight"].to_numpy(float), first.sizes
    total = params.n_total or most_rows(weights, sizes)
    counts = allocate(weights, sizes, total, params.on_short)
    table = pd.DataFrame({"source": own["source"], "weight": own["weight"], "low": own["low"],
                          "high": own["high"], "uniform": 1 / len(own), "size": sizes,
                          "share_rows": np.floor(weights * total), "rows": counts})
    return table, mixture_of(first, counts, rng, with_validation=params.with_validation)


def _correlation(by_seed: pd.DataFrame, rates: Any) -> Estimate:
    """Spearman's correlation of weights with minus the noise, a number for each seed."""
    from scipy.stats import spearmanr

    if len(set(rates)) < 2:
        return Estimate(np.nan, why="all sources have the same noise")
    rows = by_seed.pivot_table(index="seed", columns="source", values="weight", sort=False)
    if not rows.nunique(axis=1).gt(1).all():
        return Estimate(0.0, why="the weights stayed equal")
    found = [spearmanr(row, -np.asarray(rates, float)).statistic for row in rows.to_numpy()]
    return mean_over_seeds(np.array(found), level=LEVEL)


def _text(tables: Mapping[str, pd.DataFrame]) -> dict[str, Estimate]:
    wide = tables["text_scores"].pivot_table(index="seed", columns="name", values="loss",
                                             dropna=False)
    return {"text: loss of uniform minus learnt weights": mean_over_seeds(
        (wide["uniform"] - wide["learnt"]).to_numpy(), level=LEVEL, unit="nats per character"),
        "text: loss, uniform": mean_over_seeds(wide["uniform"].to_numpy(), level=LEVEL,
                                               unit="nats per character")}


def _measure(first: Sources) -> str:
    return "test accuracy" if first.classes else "explained share of the variance"


def _wide(scores: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """A column for each name, a row for each seed, of one penalty."""
    some = scores[scores["alpha"].isna() | (scores["alpha"] == alpha)]
    return some.pivot_table(index="seed", columns="name", values="score", dropna=False)


def _scores(scores: pd.DataFrame) -> pd.DataFrame:
    """A row for each training with its mean and interval."""
    table = scores.assign(name=[_called(name, alpha) for name, alpha in zip(
        scores["name"], scores["alpha"], strict=True)], kind=scores["name"].map(KINDS))
    found = means_over_seeds(table, ["name", "kind"], "score").rename(columns={"score": "value"})
    place = {kind: at for at, kind in enumerate(dict.fromkeys(KINDS.values()))}
    return found.sort_values("kind", key=lambda one: one.map(place), kind="stable").reset_index(
        drop=True)


def _called(name: str, alpha: float) -> str:
    if np.isnan(alpha):
        return name
    return f"{alpha:g}, new" if name == "learnt" else f"{alpha:g}, {name}"
