"""What did weighting buy? The same networks, rows and orders, with each weighter and without.

Every seed trains one network per weighter, from the same first parameters and in the same order of
rows, so that differences to uniform weights are paired.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.core import Estimate, check
from workbench.reweighting.seeds import mean_over_seeds
from workbench.reweighting.trainings import UNIFORM, Making, scored, trained
from workbench.reweighting.watched import relative_weights

if TYPE_CHECKING:
    from workbench.train import Training

__all__ = ["Trials", "compare_weighters", "mean_of_known"]


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
    fates : DataFrame
        Columns weighter, seed, status, step, why, rows (passed forward through the network in
        all, what the weighter looks at included; NaN on several devices). The status is that of
        `workbench.train.Trained`, or "stopped" at a step whose weights were wrong, "left out"
        for want of something that the data lack, "failed" by an error of the weighter's own.
    """

    scores: pd.DataFrame
    history: pd.DataFrame
    weights: pd.DataFrame
    last: pd.DataFrame
    fates: pd.DataFrame = field(default_factory=pd.DataFrame)

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


def compare_weighters(  # noqa: PLR0913 - what is trained and what is compared
        make: Callable[[int], Any], data: Any, test: Any, weighters: Mapping[str, Any],
        how: "Training | None" = None, *, loss: Callable[[Any, Any], Any] | None = None,
        meta: Any = None, groups: Sequence[str] = (), seeds: Sequence[int] = (0, 1, 2),
        measure: Callable[[Any, Any], Mapping[str, float]] | None = None, strict: bool = True,
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
        Of any kind; "uniform" is added where it is missing.
    how : Training, optional
        Its seed is replaced by each of `seeds`.
    loss : function of outputs and targets that gives one loss per row, optional
        `classification` without.
    meta : as `data`, optional
        Rows of their own for weighters that learn.
    groups : sequence of str
        Names of the groups 0, 1, ... of the rows.
    seeds : sequence of int >= 0
        Different ones; at least two give intervals.
    measure : function of a network and a test set that gives numbers by name, optional
        More columns of the scores.
    strict : bool
        Whether a weighter that cannot be trained ends it all, or is told in the fates.
    on_trained : function of the numbers of trained and of all networks, optional

    Returns
    -------
    trials : Trials

    Raises
    ------
    ValueError, TypeError
        As :func:`workbench.train.fit`; the message names the weighter. Uniform weights raise
        always: without them there is nothing to compare with. If no seed is given or one twice,
        or if `make` gives a network that was trained already.

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
    from workbench.train import Training, classification

    _check_seeds(seeds)
    arms = {UNIFORM: None} | dict(weighters)
    made = Making(make)
    kept = _Kept({name: [] for name in arms})
    tests = test if _is_several(test) else {"test": test}
    for seed in seeds:
        plan = replace(how or Training(), seed=seed)
        for name, weighter in arms.items():
            ask = {"loss": loss or classification, "meta": meta,
                   "weighter": weighter, "groups": tuple(groups)}
            model = made(seed)
            done, fate = trained(model, data, plan, (name, ask), strict=strict)
            kept.note(done, fate | {"seed": seed})
            kept.scores += [{"weighter": name, "seed": seed, "name": kind, **scored(
                model if fate["good"] else None, rows, ask["loss"], measure)}
                for kind, rows in tests.items()]
            if on_trained is not None:
                on_trained(len(kept.fates), len(seeds) * len(arms))
    return kept.trials()


def _check_seeds(seeds: Sequence[int]) -> None:
    for seed in seeds:
        check.whole(0, seeds=seed)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be one or more different numbers, got {list(seeds)}. Pass "
                         "range(5): a training that is repeated tells nothing new.")


@dataclass(eq=False)
class _Kept:
    """What trainings left, one after another; states of each weighter by its name."""

    states: dict[str, list[Any]]
    scores: list[dict[str, Any]] = field(default_factory=list)
    histories: list[pd.DataFrame] = field(default_factory=list)
    fates: list[dict[str, Any]] = field(default_factory=list)

    def note(self, done: Any, fate: dict[str, Any]) -> None:
        """Keep the history and the weights of a training, and how it ended."""
        name = fate["weighter"]
        self.fates.append({key: value for key, value in fate.items() if key != "good"})
        if done is not None:
            self.histories.append(done.history.assign(weighter=name, seed=fate["seed"]))
            state = done.weighter_state
            self.states[name].append([
                part.numpy(force=True) for part in (relative_weights(state), state["last"])])

    def trials(self) -> Trials:
        """All of it as tables."""
        n = max(len(part) for pairs in self.states.values() for pair in pairs for part in pair)
        weights, last = (pd.DataFrame({name: _mean_rows([pair[at] for pair in pairs], n)
                                       for name, pairs in self.states.items()}) for at in (0, 1))
        told = [one for one in self.histories if len(one)] or self.histories
        return Trials(pd.DataFrame(self.scores), pd.concat(told, ignore_index=True),
                      weights, last, pd.DataFrame(self.fates))


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is finite; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(0)
    total = np.where(known, values, 0.0).sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _mean_rows(parts: list[np.ndarray], n: int) -> np.ndarray:
    """Mean over trainings, shape (n,); rows that a weighter never saw are unknown."""
    every = [np.concatenate([part, np.full(n - len(part), np.nan, part.dtype)]) for part in parts]
    return mean_of_known(np.stack(every or [np.full(n, np.nan)]))


def _is_several(test: Any) -> bool:
    return isinstance(test, Mapping) and all(
        isinstance(value, tuple | list | Mapping) for value in test.values())
