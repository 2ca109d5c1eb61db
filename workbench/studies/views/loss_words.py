"""What weights by loss bought, in numbers with intervals and in sentences."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, Interval, Result, Summary, effective_size
from workbench.reweighting import STRATEGIES, Trials, largest_weight
from workbench.reweighting.seeds import mean_over_seeds
from workbench.reweighting.strategies import score_range

__all__ = ["LEVEL", "about_table", "regression_headline", "table_headline", "text_numbers"]

LEVEL = 0.9
UNIFORM = "uniform"
ROWS = 32                # of a step on a table
CLEAN, SHIFTED = "no outliers", "outliers"


def about_table(told: Mapping[str, Any]) -> pd.DataFrame:
    """Facts that figures need, as texts."""
    return pd.DataFrame({"key": list(told), "value": [str(value) for value in told.values()]})


def regression_headline(params: Any, tables: Mapping[str, pd.DataFrame],
                        text: Trials | None) -> Result:
    """Loss of the weighter over that of uniform weights, and what it costs."""
    chosen, ends = params.weighter, tables["ends"]
    uniform = _wide(ends, CLEAN)[UNIFORM].to_numpy()
    share = tables["share"]["effective"].to_numpy()
    told = f"after {params.n_steps} steps"
    numbers = {
        f"test loss {told}, {chosen} over uniform": _ratio(_wide(ends, CLEAN), chosen),
        f"the same with {100 * params.outliers:g} % outliers": _ratio(
            _wide(ends, SHIFTED), chosen),
        f"test loss {told}, uniform": mean_over_seeds(uniform, level=LEVEL, unit="unit of y²"),
        f"share of a batch that counts, {chosen}": mean_over_seeds(
            100 * share, level=LEVEL, unit="%")}
    said = [f"Intervals are over {params.worlds} simulated worlds; below 1 the weights win.",
            "The regression is made of redundant rows, where one vector fits all: it shows what "
            "weights by loss can do, not what they do on your data.",
            *_caution(params, params.batch_size)]
    if text is not None:
        more, words = text_numbers(text, params)
        numbers |= more
        said += words
    return Result(Summary(numbers, tuple(said)), dict(tables))


def text_numbers(text: Trials, params: Any) -> tuple[dict[str, Estimate], list[str]]:
    """Gain of the mean over domains and of the hardest domain of the character model."""
    names = [str(name) for name in dict.fromkeys(text.scores["name"])]
    plain, ours = (np.stack([text.losses(who, name) for name in names])
                   for who in (UNIFORM, params.weighter))
    gaps, hardest = plain - ours, int(plain.mean(1).argmax())
    gain = mean_over_seeds(gaps.mean(0), level=LEVEL, unit="nats per character")
    numbers = {"text: mean loss of uniform minus this": gain,
               f"text: the hardest domain, {names[hardest]}": mean_over_seeds(
                   gaps[hardest], level=LEVEL, unit="nats per character")}
    low, high = gain.ends
    found = ("nothing, since one diverged" if gain.interval is None else
             "a gain of the mean" if low > 0 else "a loss of the mean" if high < 0 else
             "no gain of the mean that could be told from none")
    return numbers, [
        f"The character model, {params.trainings} trainings of {params.text_steps} steps each, "
        f"shows {found}. At this size no gain is to be expected: published ones are of models "
        "with 124 million parameters and more, which were not trained here. The demonstration "
        "of a gain is the regression.", "Uniform mean loss of the text: "
        f"{mean_over_seeds(plain.mean(0), level=LEVEL)}."]


def table_headline(params: Any, table: Any, trials: Trials,
                   tables: Mapping[str, pd.DataFrame]) -> Result:
    """Test loss on the user's table with the weighter and without."""
    chosen = params.weighter
    unit = "nats" if table.classes else "variances of the target"
    gain = trials.gain(chosen, level=LEVEL)
    weights = trials.weights[chosen].dropna().to_numpy()
    numbers = {
        "test loss of uniform minus " + chosen: Estimate(gain.value, gain.interval, unit,
                                                         gain.why)}
    for name in dict.fromkeys((chosen, UNIFORM)):
        loss = trials.loss(name, level=LEVEL)
        numbers[f"test loss, {name}"] = Estimate(loss.value, loss.interval, unit, loss.why)
    numbers["rows that the training rows count like"] = Estimate(
        effective_size(weights), why=f"of {len(weights)}, by the mean weight of each over the "
        "training")
    low, high = gain.ends
    verdict = ("unknown, since a training diverged" if gain.interval is None else
               "lower" if low > 0 else "higher" if high < 0 else "not clearly different")
    said = [f"Over {params.trainings} splits the test loss with {chosen} is {verdict}. Splits "
            "share rows, so that the interval is too narrow for rows that are yet to come."]
    return Result(Summary(numbers, (*said, *_caution(params, ROWS), *table.notes)), dict(tables))


def _caution(params: Any, n: int) -> Sequence[str]:
    """What a row of n may count at most, where the theory of the source does not allow it."""
    if params.weighter not in STRATEGIES:
        return [f"{params.weighter} has its own options: temperature, schedule, burn-in, delta "
                "and alpha are those of the weighters beside it."]
    apart = score_range(params.weighter, delta=params.delta, alpha=params.alpha)
    most = largest_weight(params.temperature / apart, n) if apart else 1.0
    if most <= 2:
        return []
    return [f"At temperature {params.temperature:g} a row may count {most:.3g} times uniform; the "
            "theory of the source assumes at most 2, which a temperature of "
            f"{1.45 * apart:.3g} guarantees."]


def _wide(ends: pd.DataFrame, panel: str) -> pd.DataFrame:
    return ends[ends["panel"] == panel].pivot_table(index="seed", columns="weighter",
                                                    values="loss")


def _ratio(wide: pd.DataFrame, chosen: str) -> Estimate:
    """Geometric mean of the ratio to uniform weights, with Student's interval of its logarithm."""
    ratios = (wide[chosen] / wide[UNIFORM]).to_numpy(float)
    logs = mean_over_seeds(np.log(ratios), level=LEVEL)
    if logs.interval is None:
        return Estimate(math.exp(logs.value), why=logs.why)
    low, high = logs.ends
    return Estimate(math.exp(logs.value), Interval(math.exp(low), math.exp(high), LEVEL))
