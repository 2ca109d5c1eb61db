"""Train networks on unequal classes, plainly or under attack, and see what survives where.

Networks of one seed start from the same numbers and see the same rows in the same order, so that
their differences are paired.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.reweighting.by_class.contrastive import FeatureSeparation
from workbench.reweighting.by_class.worlds import Split
from workbench.reweighting.separable_adversarial import ClassBalance

__all__ = ["LOSSES", "Arm", "Plan", "judge", "network_of", "train_arm", "train_arms"]

LOSSES = ("ce", "focal", "ldam", "bsl")


@dataclass(frozen=True)
class Plan:
    """How networks are trained, attacked and judged.

    Parameters
    ----------
    eps : float >= 0
        Largest change of an input, in their unit.
    steps : int > 0
        Of the attack in training, each a quarter of `eps`.
    epochs, batch_size, width : int > 0
    rate, weight_decay : float
        Of stochastic gradient descent with momentum; the rate falls to a tenth at 80 % and again
        at 90 % of the steps.
    judged_by : sequence of str
        Attacks on the test rows.
    device : {"auto", "cpu", "cuda"}
    """

    eps: float = 0.1
    steps: int = 7
    epochs: int = 60
    batch_size: int = 128
    width: int = 64
    rate: float = 0.1
    weight_decay: float = 2e-4
    judged_by: tuple[str, ...] = ("pgd-20",)
    device: str = "auto"

    def __post_init__(self) -> None:
        check.whole(1, steps=self.steps, epochs=self.epochs, batch_size=self.batch_size,
                    width=self.width)

    def rows_of_a_step(self, n: int) -> int:
        """Rows of each step, near `batch_size`, so that few of n wait for another epoch."""
        return max(2, n // max(1, round(n / self.batch_size)))


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Parameters
    ----------
    attacked : bool
        Whether training rows are moved.
    balance : mapping or None
        Options of `ClassBalance`; None is equal weights.
    strength, temperature : float
        Of `FeatureSeparation`; strength 0 is none.
    loss : {"ce", "focal", "ldam", "bsl"}
        Cross-entropy, focal loss, margins, or the balanced softmax.
    """

    attacked: bool = True
    balance: dict[str, Any] | None = field(default=None)
    strength: float = 0.0
    temperature: float = 0.1
    loss: str = "ce"

    def __post_init__(self) -> None:
        check.one_of(LOSSES, loss=self.loss)


def network_of(split: Split, plan: Plan, seed: int, *, cosine: bool = False) -> Any:
    """A perceptron with two hidden layers; with cosines at its end for margins."""
    from workbench.reweighting.by_class.margins import CosineLinear
    from workbench.train import MLP, torch_generator

    classes = len(split.counts)
    model = MLP(split.train_x.shape[1], plan.width, classes, generator=torch_generator(seed))
    if cosine:
        last = CosineLinear(plan.width, classes, bias=False)
        last.weight.data.copy_(model.layers[-1].weight.data)
        model.layers[-1] = last
    return model


def loss_of(arm: Arm, counts: np.ndarray) -> Callable[[Any, Any], Any]:
    """Its loss of rows."""
    from workbench.reweighting.by_class.margins import BalancedSoftmax, Focal, Ldam
    from workbench.train import classification

    n = tuple(int(each) for each in counts)
    made: dict[str, Callable[[], Any]] = {
        "ce": lambda: classification, "focal": Focal, "ldam": lambda: Ldam(n),
        "bsl": lambda: BalancedSoftmax(n)}
    found: Callable[[Any, Any], Any] = made[arm.loss]()
    return found


def train_arm(split: Split, arm: Arm, plan: Plan, *, seed: int) -> tuple[Any, Any]:
    """Train one network.

    Returns
    -------
    model : torch.nn.Module
    done : Trained
    """
    from workbench.train import Sgd, Training, fit, steps
    from workbench.train.attack import Pgd

    n = len(split.train_y)
    model = network_of(split, plan, seed, cosine=arm.loss == "ldam")
    how = Training(Sgd(plan.rate, weight_decay=plan.weight_decay), epochs=plan.epochs,
                   batch_size=plan.rows_of_a_step(n), schedule=steps((0.8, 0.9), 0.1), clip=5.0,
                   seed=seed, device=plan.device)
    weighter = None if arm.balance is None else ClassBalance(tuple(split.counts), **arm.balance)
    penalty = FeatureSeparation(arm.strength, arm.temperature) if arm.strength else None
    done = fit(model, (split.train_x, split.train_y), how, weighter=weighter, penalty=penalty,
               loss=loss_of(arm, split.counts), progress="nowhere",
               perturb=Pgd(plan.eps, plan.steps) if arm.attacked else None)
    return model, done


def judge(model: Any, split: Split, plan: Plan, *, seed: int = 0,
          attacks: Sequence[str] | None = None, most: int = 0) -> pd.DataFrame:
    """Accuracy of each class on the test rows.

    Parameters
    ----------
    model : torch.nn.Module
    split : Split
    plan : Plan
    seed : int
        Of random starts.
    attacks : sequence of str, optional
        In place of those of the plan.
    most : int >= 0
        Test rows of each class, the first ones; 0 for all.

    Returns
    -------
    table : DataFrame
        Columns class, rare, rows (training), clean, robust.
    """
    from workbench.train.robustness import evaluate_robust

    kept = np.arange(len(split.test_y)) if not most else np.sort(np.concatenate([
        np.flatnonzero(split.test_y == each)[:most] for each in range(len(split.counts))]))
    found = evaluate_robust(model, split.test_x[kept], split.test_y[kept], eps=plan.eps,
                            attacks=attacks or plan.judged_by, seed=seed)
    table = found.per_class.sort_values("class", ignore_index=True)
    return pd.DataFrame({"class": table["class"], "rare": split.rare[table["class"]],
                         "rows": split.counts[table["class"]], "clean": table["clean"],
                         "robust": table["robust"]})


def train_arms(splits: dict[int, Split], arms: dict[str, Arm], plan: Plan, *,
               on_trained: Callable[[int, int], None] | None = None
               ) -> tuple[pd.DataFrame, dict[tuple[str, int], Any]]:
    """Train and judge every arm on every split, those that are alike at once.

    Parameters
    ----------
    splits : mapping of seed to Split
    arms : mapping of name to Arm
    plan : Plan
    on_trained : function of the numbers of trained and of all networks, optional

    Returns
    -------
    scores : DataFrame
        As of `judge`, with columns arm, seed; accuracies are NaN where training diverged.
    models : mapping of (arm, seed) to network
    """
    from workbench.reweighting.by_class.together import Runner, train_together

    scores, models = list[pd.DataFrame](), dict[tuple[str, int], Any]()
    for names in _alike(arms).values():
        who = [(name, seed) for name in names for seed in splits]
        runners = [Runner(network_of(splits[seed], plan, seed, cosine=arms[name].loss == "ldam"),
                          splits[seed], arms[name], seed, loss_of(arms[name], splits[seed].counts))
                   for name, seed in who]
        known = train_together(runners, plan)
        for (name, seed), runner, good in zip(who, runners, known, strict=True):
            split = splits[seed]
            found = judge(runner.model, split, plan, seed=seed) if good else _unknown(split)
            scores.append(found.assign(arm=name, seed=seed))
            models[name, seed] = runner.model
        if on_trained is not None:
            on_trained(len(models), len(arms) * len(splits))
    return pd.concat(scores, ignore_index=True), models


def _alike(arms: dict[str, Arm]) -> dict[Any, list[str]]:
    """Names of arms that differ in their weights only."""
    found: dict[Any, list[str]] = {}
    for name, arm in arms.items():
        defer = (arm.balance or {}).get("defer", 0.0)
        key = (arm.attacked, arm.strength, arm.temperature, arm.loss, defer)
        found.setdefault(key, []).append(name)
    return found


def _unknown(split: Split) -> pd.DataFrame:
    return pd.DataFrame({"class": np.arange(len(split.counts)), "rare": split.rare,
                         "rows": split.counts, "clean": np.nan, "robust": np.nan})
