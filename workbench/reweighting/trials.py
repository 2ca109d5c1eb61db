"""What did weighting buy? The same networks, rows and orders, with each weighter and without.

Every seed trains one network per weighter, from the same first parameters and in the same order of
rows, so that differences to uniform weights are paired.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, Interval, check
from workbench.reweighting.watched import Watched, relative_weights

if TYPE_CHECKING:
    from workbench.train import Training

__all__ = ["Trials", "compare_weighters", "mean_of_known", "mean_over_seeds"]

UNIFORM = "uniform"


@dataclass(frozen=True, eq=False)
class Trials:
    """Test losses of every weighter and seed.

    Parameters
    ----------
    scores : DataFrame
        Columns weighter, seed, name (of the test set), loss; NaN where training diverged.
    history : DataFrame
        That of every training, with columns weighter, seed; `heaviest` is the largest weight of
        a step, times uniform.
    weights, last : DataFrame, n rows
        A column for each weighter: mean weight of each training row, times uniform, and its loss
        when it was last seen; means over seeds.
    """

    scores: pd.DataFrame
    history: pd.DataFrame
    weights: pd.DataFrame
    last: pd.DataFrame

    def loss(self, weighter: str, name: str = "test", *, level: float = 0.9) -> Estimate:
        """Mean test loss over seeds, with Student's interval."""
        return mean_over_seeds(self.losses(weighter, name), level=level)

    def gain(self, weighter: str, name: str = "test", *, level: float = 0.9) -> Estimate:
        """Mean test loss of uniform weights minus that of a weighter, paired by seed."""
        gaps = self.losses(UNIFORM, name) - self.losses(weighter, name)
        return mean_over_seeds(gaps, level=level)

    def losses(self, weighter: str, name: str = "test") -> np.ndarray:
        """Test losses in the order of the seeds, shape (seeds,)."""
        some = self.scores[(self.scores["weighter"] == weighter) & (self.scores["name"] == name)]
        if some.empty:
            known = ", ".join(f"{one!r}" for one in self.scores["weighter"].unique())
            raise ValueError(f"weighter must be one that was trained, got {weighter!r} on "
                             f"{name!r}. Trained: {known}.")
        return some.sort_values("seed")["loss"].to_numpy(float)


def mean_over_seeds(values: np.ndarray, *, level: float = 0.9, unit: str = "") -> Estimate:
    """Mean with Student's interval over seeds; without one for fewer than two finite values."""
    from scipy.stats import t

    values = np.asarray(values, float)
    if len(values) < 2 or not np.isfinite(values).all():
        why = "one seed" if len(values) < 2 else "a training diverged"
        return Estimate(float(values.mean()) if len(values) else math.nan, unit=unit, why=why)
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))
    half = float(t.ppf(0.5 + level / 2, len(values) - 1)) * error
    return Estimate(mean, Interval(mean - half, mean + half, level), unit)


def compare_weighters(  # noqa: PLR0913 - what is trained and what is compared
        make: Callable[[int], Any], data: Any, test: Any, weighters: Mapping[str, Any],
        how: "Training | None" = None, *, loss: Callable[[Any, Any], Any] | None = None,
        groups: Sequence[str] = (), seeds: Sequence[int] = (0, 1, 2),
        on_trained: Callable[[int, int], None] | None = None) -> Trials:
    """Train with each weighter and with uniform weights, and score on rows not seen.

    Parameters
    ----------
    make : function of a seed that gives a network
        Your own torch.nn.Module, or one of Hugging Face. Every weighter gets the same network.
    data : as of :func:`workbench.train.fit`
        Rows to train on; with a group for each row where `groups` are named.
    test : as `data`, or mapping of name to such data
        A mapping whose values are not tensors or arrays holds several test sets.
    weighters : mapping of name to weighter
        "uniform" is added where it is missing.
    how : Training, optional
        Its seed is replaced by each of `seeds`.
    loss : function of outputs and targets that gives one loss per row, optional
        `classification` without.
    groups : sequence of str
        Names of the groups 0, 1, ... of the rows.
    seeds : sequence of int >= 0
        At least two give intervals.
    on_trained : function of the numbers of trained and of all networks, optional

    Returns
    -------
    trials : Trials

    Raises
    ------
    ValueError, TypeError
        As :func:`workbench.train.fit`; the message names the weighter.

    Examples
    --------
    >>> import torch
    >>> from workbench.reweighting import LossWeighter
    >>> from workbench.train import MLP, Training, torch_generator
    >>> x = torch.randn(96, 3, generator=torch_generator(0))
    >>> y = (x[:, 0] > 0).long()
    >>> found = compare_weighters(
    ...     lambda seed: MLP(3, 8, 2, generator=torch_generator(seed)), (x[:64], y[:64]),
    ...     (x[64:], y[64:]), {"linupper": LossWeighter()}, Training(epochs=5), seeds=(0, 1))
    >>> found.gain("linupper").interval.level
    0.9
    """
    from workbench.train import Training, classification, mean_loss

    for seed in seeds:
        check.whole(0, seeds=seed)
    arms = {UNIFORM: lambda losses: losses.new_full(losses.shape, 1 / len(losses))} | dict(
        weighters)
    judged, plan = loss or classification, how or Training()
    tests = test if _is_several(test) else {"test": test}
    scores, histories = list[dict[str, Any]](), list[pd.DataFrame]()
    amounts: dict[str, list[Any]] = {name: [] for name in arms}
    lasts: dict[str, list[Any]] = {name: [] for name in arms}
    for seed in seeds:
        for name, weighter in arms.items():
            model = make(seed).train()
            done = _trained(model, data, replace(plan, seed=seed), (name, weighter), judged,
                            tuple(groups))
            good = done.status != "diverged"
            scores += [{"weighter": name, "seed": seed, "name": kind,
                        "loss": mean_loss(model, rows, judged) if good else math.nan}
                       for kind, rows in tests.items()]
            histories.append(done.history.assign(weighter=name, seed=seed))
            amounts[name].append(relative_weights(done.weighter_state).numpy(force=True))
            lasts[name].append(done.weighter_state["last"].numpy(force=True))
            if on_trained is not None:
                on_trained(len(histories), len(seeds) * len(arms))
    rows = (pd.DataFrame({name: mean_of_known(np.stack(one)) for name, one in part.items()})
            for part in (amounts, lasts))
    return Trials(pd.DataFrame(scores), pd.concat(histories, ignore_index=True), *rows)


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is finite; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(0)
    total = np.where(known, values, 0.0).sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _trained(model: Any, data: Any, how: "Training", arm: tuple[str, Any], loss: Any,
             groups: tuple[str, ...]) -> Any:
    from workbench.train import fit

    name, weighter = arm
    try:
        return fit(model, data, how, weighter=Watched(weighter, groups), loss=loss,
                   progress="nowhere")
    except (ValueError, TypeError) as trouble:
        raise type(trouble)(f"weighter {name!r}: {trouble}") from trouble


def _is_several(test: Any) -> bool:
    return isinstance(test, Mapping) and all(
        isinstance(value, tuple | list | Mapping) for value in test.values())
