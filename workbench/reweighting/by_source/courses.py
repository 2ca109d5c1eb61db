"""Learn source weights, take rows by them, and train anew: with uniform weights beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check, generator
from workbench.reweighting.bilevel import ScaleBiO, Stratified, source_weights
from workbench.reweighting.by_source.worlds import Sources

__all__ = ["ALONE", "AS_THEY_ARE", "ORACLE", "UNIFORM", "Courses", "Plan", "learn", "retrain",
           "run_courses"]

UNIFORM, ORACLE, ALONE = "uniform", "cleanest source", "validation rows"
AS_THEY_ARE = "all rows, as they are"
POINTS = 60              # of a path
AHEAD = 8                # times that validation rows stand in an epoch of theirs


@dataclass(frozen=True)
class Plan:
    """How networks are trained, those that learn weights and those after them.

    Parameters
    ----------
    steps, batch_size : int > 0
    rate, source_rate : float
        Learning rates of the networks and of the logits.
    width : int > 0
        Hidden units of the perceptron; 0 for a linear model.
    stratified : bool
        Whether batches hold all sources alike.
    """

    steps: int = 600
    batch_size: int = 128
    rate: float = 1e-2
    source_rate: float = 1e-2
    width: int = 32
    stratified: bool = True

    def __post_init__(self) -> None:
        check.positive(steps=self.steps, batch_size=self.batch_size, rate=self.rate)


@dataclass(frozen=True, eq=False)
class Courses:
    """What trainings over seeds and penalties gave.

    Parameters
    ----------
    weights : DataFrame
        Columns alpha, seed, source, weight: at the end.
    path : DataFrame
        Columns alpha, seed, step, source, weight, gap.
    losses : DataFrame
        Columns alpha, seed, step, kind (of what), loss.
    scores : DataFrame
        Columns seed, name, alpha (NaN where there is none), score: accuracy, or the share of the
        variance that is explained, on test rows; NaN where training diverged.
    """

    weights: pd.DataFrame
    path: pd.DataFrame
    losses: pd.DataFrame
    scores: pd.DataFrame


def run_courses(make: Callable[[int], Sources], alphas: Sequence[float], plan: Plan, *,
                seeds: Sequence[int], cleanest: int | None = None) -> Courses:
    """Learn weights for each penalty and seed; train new networks on rows taken by them.

    Parameters
    ----------
    make : function of a seed that gives the rows
    alphas : sequence of float > 0
    plan : Plan
    seeds : sequence of int >= 0
    cleanest : int, optional
        A source whose rows alone are trained on too, where it is known.

    Returns
    -------
    courses : Courses
        `scores` has the names "uniform", "learnt", "w", "u", "validation rows" and, where
        it is known, "cleanest source"; where sources differ in size, "all rows, as they
        are".

    Raises
    ------
    ValueError
        If learning weights diverges.
    """
    found: dict[str, list[Any]] = {"weights": [], "path": [], "losses": [], "scores": []}
    for seed in seeds:
        sources = make(seed)
        k = len(sources.names)
        arms: dict[tuple[str, float], np.ndarray | None] = {
            (UNIFORM, np.nan): np.full(k, 1 / k), (ALONE, np.nan): None}
        if np.ptp(sources.sizes) > 1:
            arms[AS_THEY_ARE, np.nan] = sources.sizes / sources.sizes.sum()
        if cleanest is not None:
            arms[ORACLE, np.nan] = np.eye(k)[cleanest]
        scores = dict[tuple[str, float], float]()
        for alpha in alphas:
            learnt = learn(sources, alpha, plan, seed)
            arms["learnt", alpha] = learnt.p
            scores |= {("w", alpha): learnt.score, ("u", alpha): learnt.twin_score}
            mark = {"alpha": alpha, "seed": seed}
            found["weights"].append(pd.DataFrame({"source": sources.names, "weight": learnt.p}
                                                 ).assign(**mark))
            found["path"].append(learnt.path.assign(**mark))
            found["losses"].append(learnt.losses.assign(**mark))
        again = retrain(sources, list(arms.values()), plan, seed)
        scores = dict(zip(arms, again, strict=True)) | scores
        found["scores"].append(pd.DataFrame(
            [{"seed": seed, "name": name, "alpha": alpha, "score": score}
             for (name, alpha), score in scores.items()]))
    return Courses(*(pd.concat(found[name], ignore_index=True) for name in (
        "weights", "path", "losses", "scores")))


@dataclass(frozen=True, eq=False)
class Learnt:
    """Weights of sources with their path, and how both networks do on test rows."""

    p: np.ndarray
    path: pd.DataFrame
    losses: pd.DataFrame
    score: float
    twin_score: float


def learn(sources: Sources, alpha: float, plan: Plan, seed: int) -> Learnt:
    """Weights of the sources, learnt while a perceptron is trained."""
    from workbench.train import fit

    model = _network(sources, plan, seed)
    data = (sources.x, _targets(sources.y, sources), sources.group)
    batch = min(plan.batch_size, len(sources.x))
    rows: Any = Stratified(data, batch) if plan.stratified else data
    weighter = ScaleBiO(len(sources.names), alpha=alpha, source_rate=plan.source_rate)
    x, y = sources.ahead
    again = np.resize(np.arange(len(y)), AHEAD * max(len(y), batch))    # whole batches of them
    done = fit(model, rows, _how(plan, seed, batch), weighter=weighter, loss=_loss(sources),
               meta=(x[again], _targets(y[again], sources)), progress="nowhere")
    if done.status == "diverged":
        raise ValueError(f"learning weights must stay finite, but diverged at alpha = {alpha:g}, "
                         f"seed {seed}. Lower rate, or alpha.")
    return Learnt(source_weights(done).astype(float), *_paths(done.history, sources.names),
                  _score(model, sources), _score(done.weighter_state["twin"], sources))


def retrain(sources: Sources, shares: Sequence[np.ndarray | None], plan: Plan, seed: int
            ) -> list[float]:
    """Test score of a new network for each share of the sources, on as many rows drawn by it.

    The networks begin with the same numbers; None is the validation rows alone.
    """
    import torch

    from workbench.train import Sample, StackedTraining, cosine, train_stacked

    batch, own = min(plan.batch_size, len(sources.x)), len(sources.x)
    count, (ahead, targets) = plan.steps * batch, sources.ahead
    rows = [torch.as_tensor(
        own + generator(seed).integers(len(ahead), size=count) if p is None
        else _rows_by(sources, p, count, generator(seed))) for p in shares]
    pool = Sample(torch.as_tensor(np.concatenate([sources.x, ahead])),
                  torch.as_tensor(_targets(np.concatenate([sources.y, targets]), sources)),
                  rows=rows)
    how = StackedTraining(learning_rate=plan.rate, weight_decay=0.01, optimiser="adamw",
                          batch_size=batch, epochs=1, schedule=cosine(), order_seed=seed,
                          drop_last=True, form="stacked", device="cpu")
    models = [_network(sources, plan, seed + 1) for _ in shares]
    done = train_stacked(models, pool, how, loss=_loss(sources))
    return [_score(done.model(at), sources) for at in range(len(shares))]


def _rows_by(sources: Sources, p: np.ndarray, count: int, rng: np.random.Generator
             ) -> np.ndarray:
    """Rows with replacement: a source by its weight, then a row of it."""
    order = np.argsort(sources.group, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sources.sizes)])[:-1]
    chosen = rng.choice(len(p), size=count, p=p / p.sum())
    at = starts[chosen] + (rng.random(count) * sources.sizes[chosen]).astype(int)
    rows: np.ndarray = order[at]
    return rows


def _network(sources: Sources, plan: Plan, seed: int) -> Any:
    from torch import nn

    from workbench.train import MLP, torch_generator

    if plan.width:
        return MLP(sources.x.shape[1], plan.width, sources.classes or 1, depth=1,
                   generator=torch_generator(seed))
    model = nn.Linear(sources.x.shape[1], sources.classes or 1)
    for param in model.parameters():
        nn.init.zeros_(param)
    return model


def _how(plan: Plan, seed: int, batch: int) -> Any:
    from workbench.train import AdamW, Training, cosine

    return Training(AdamW(plan.rate), max_steps=plan.steps, batch_size=batch, seed=seed,
                    schedule=cosine(), log_every=max(1, plan.steps // POINTS))


def _loss(sources: Sources) -> Any:
    from workbench.train import classification, regression

    return classification if sources.classes else regression


def _targets(y: np.ndarray, sources: Sources) -> np.ndarray:
    return y.astype(np.int64 if sources.classes else np.float32)


def _score(model: Any, sources: Sources) -> float:
    """Accuracy, or the share of the variance of the test targets that is explained."""
    import torch

    x, y = sources.test
    with torch.no_grad():
        found = model(torch.as_tensor(x)).numpy()
    if not np.isfinite(found).all():
        return np.nan
    if sources.classes:
        return float((found.argmax(1) == y).mean())
    return float(1 - ((found[:, 0] - y) ** 2).mean() / max(float(y.var()), 1e-12))


def _paths(history: pd.DataFrame, names: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weights and gaps of each source, and the losses, step by step."""
    parts = [pd.DataFrame({"step": history["step"], "source": name,
                           "weight": history[f"weight_{at}"], "gap": history[f"gap_{at}"]})
             for at, name in enumerate(names)]
    kinds = {"validation rows, w": "validation_loss", "weighted rows, w": "weighted_loss",
             "weighted rows, u": "twin_loss"}
    losses = [pd.DataFrame({"step": history["step"], "kind": kind, "loss": history[column]})
              for kind, column in kinds.items()]
    return pd.concat(parts, ignore_index=True), pd.concat(losses, ignore_index=True)
