"""Trainings under attack, paired by seed: the same split, first parameters and order of rows.

Methods differ in what meets the losses: nothing, weights of a worst case, the reaction of the
attack, or both; or the weights of two earlier rules. All are judged by PGD with 20 steps and, on
some rows, by attacks of another's making.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.core import check
from workbench.reweighting.robust_adversarial import KullbackLeiblerWeighter
from workbench.reweighting.under_attack.scoring import by_class, look_of, scores_of
from workbench.reweighting.under_attack.worlds import Problem, Rows, split

if TYPE_CHECKING:
    from workbench.train import RobustReport

__all__ = ["BASELINE", "COMPARISONS", "METHODS", "OURS", "Settings", "Trials", "arm_of",
           "train_methods"]

BASELINE, OURS = "adversarial training", "DONE"
METHODS = (BASELINE, "KL weights only", "implicit gradient only", OURS, "GAIRAT", "MAIL")
COMPARISONS = {"parts": METHODS[:4], "rivals": (BASELINE, "GAIRAT", "MAIL", OURS)}
JUDGE, LIBRARY = ("pgd-20",), ("pgd-20", "apgd-ce", "apgd-t")
REACHES = (0.0, 0.5, 1.0, 2.0)                      # sizes of attacks, times eps


@dataclass(frozen=True)
class Settings:
    """How networks are trained and attacked.

    Parameters
    ----------
    eps : float > 0
        Of training and of testing, in the unit of the inputs.
    attack_steps : int > 0
        Of training, each of a quarter of `eps`.
    temperature, eta : float
        Of `KullbackLeiblerWeighter`.
    lam, c : float
        Of `Barrier`.
    epochs, width, batch_size : int > 0; batches are filled evenly
    learning_rate : float > 0
        Divided by ten after 75 % and 90 % of the steps.
    looks : int >= 0
        Times at which a training is looked at on its way.
    checked_rows, checked_seeds, checked_methods
        Test rows that APGD tries, 0 for none; of how many seeds, the first; of which methods.
    reaches : sequence of float
        Sizes of attacks after training, times `eps`.
    make : function of the shape of a row, the number of classes and a seed, optional
        Your own network for each seed, of torch or Hugging Face; None is a perceptron of two
        hidden layers of `width`. Every method gets the same network.
    """

    eps: float = 0.1
    attack_steps: int = 7
    temperature: float = 2.0
    eta: float = 0.1
    lam: float = 1.0
    c: float = 1e-3
    epochs: int = 40
    width: int = 64
    batch_size: int = 128
    learning_rate: float = 0.1
    looks: int = 4
    checked_rows: int = 100
    checked_seeds: int = 1
    checked_methods: Sequence[str] = METHODS
    reaches: Sequence[float] = REACHES
    make: Callable[[tuple[int, ...], int, int], Any] | None = None


@dataclass(frozen=True, eq=False)
class Trials:
    """What came of the trainings.

    Parameters
    ----------
    scores : DataFrame
        method, seed, attack ("PGD-20", or "APGD" for both), n (rows), clean, robust, tail, worst:
        accuracies in percent, means over classes; tail, of the weakest 30 % of classes; worst,
        of the weakest; lost, rows that fall to APGD though not to PGD. NaN where it diverged.
    classes : DataFrame
        method, seed, class, n, clean, robust.
    course, curve : DataFrame
        method, seed, epoch, robust, tail, effective (what a batch counts like, percent); and
        method, seed, eps, robust.
    """

    scores: pd.DataFrame
    classes: pd.DataFrame
    course: pd.DataFrame
    curve: pd.DataFrame


@dataclass
class _Found:
    scores: list[dict[str, Any]] = field(default_factory=list)
    classes: list[pd.DataFrame] = field(default_factory=list)
    course: list[dict[str, Any]] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)


def train_methods(rows: Rows, methods: Sequence[str], how: Settings, *,  # noqa: PLR0913 - options
                  seeds: Sequence[int], imbalance: str = "none", most: int = 10 ** 6,
                  on_trained: Callable[[int, int], None] | None = None) -> Trials:
    """Train with every method on every seed's split, and attack what came of it.

    Parameters
    ----------
    rows, how
    methods : sequence of str, of `METHODS`
    seeds : sequence of int >= 0
        Of split, first parameters and order.
    imbalance, most
        See :func:`~workbench.reweighting.under_attack.worlds.split`.
    on_trained : function of numbers of trained and of all networks, optional
    """
    for name in methods:
        check.one_of(METHODS, methods=name)
    found, plain = _Found(), replace(how, checked_rows=0)
    for place, seed in enumerate(seeds):
        problem = split(rows, seed=seed, imbalance=imbalance, most=most)
        for number, name in enumerate(methods):
            is_checked = place < how.checked_seeds and name in how.checked_methods
            _one(found, problem, rows, name, how if is_checked else plain, seed)
            if on_trained is not None:
                on_trained(place * len(methods) + number + 1, len(seeds) * len(methods))
    none = pd.DataFrame(columns=["class", "n", "clean", "robust", "method", "seed"])
    classes = pd.concat(found.classes or [none], ignore_index=True)
    return Trials(pd.DataFrame(found.scores), classes,
                  pd.DataFrame(found.course, columns=["method", "seed", "epoch", "robust", "tail",
                                                      "effective"]),
                  pd.DataFrame(found.curve, columns=["method", "seed", "eps", "robust"]))


def arm_of(name: str, how: Settings, clip: Any) -> dict[str, Any]:
    """What `fit` is given for a method: weighter, perturb and penalty."""
    from workbench.reweighting.under_attack import rivals
    from workbench.reweighting.under_attack.barrier import Barrier, ImplicitGradient
    from workbench.train import Pgd

    check.one_of(METHODS, method=name)
    plain = Pgd(eps=how.eps, steps=how.attack_steps, clip=clip)
    smooth = Barrier(eps=how.eps, steps=how.attack_steps, lam=how.lam, c=how.c, clip=clip)
    weights = KullbackLeiblerWeighter(how.temperature, eta=how.eta)
    arms: dict[str, dict[str, Any]] = {
        BASELINE: {"perturb": plain},
        "KL weights only": {"perturb": plain, "weighter": weights},
        "implicit gradient only": {"perturb": smooth, "penalty": ImplicitGradient(smooth)},
        OURS: {"perturb": smooth, "penalty": ImplicitGradient(smooth), "weighter": weights},
        "GAIRAT": {"perturb": rivals.CountingPgd(plain),
                   "weighter": rivals.GairatWeighter(how.attack_steps)},
        "MAIL": {"perturb": plain, "weighter": rivals.MailWeighter()}}
    return arms[name]


@dataclass(frozen=True, eq=False)
class _Judge:
    """A network beside the rows that it is tested on."""

    model: Any
    rows: Rows
    test: tuple[Any, Any]
    seed: int

    def __call__(self, eps: float, attacks: Sequence[str] = JUDGE,
                 count: int | None = None) -> "RobustReport":
        from workbench.train import evaluate_robust

        usable = tuple(name for name in attacks if name != "apgd-t" or len(self.rows.classes) > 3)
        return evaluate_robust(self.model, self.test[0][:count], self.test[1][:count], eps=eps,
                               attacks=usable, clip=self.rows.clip, seed=self.seed)


def _one(found: _Found, problem: Problem, rows: Rows, name: str, how: Settings,
         seed: int) -> None:
    """Train one network and note what came of it."""
    import torch

    told = {"method": name, "seed": seed}
    model = _network(problem.train[0].shape[1:], len(rows.classes), how, seed)
    test_x, test_y = (torch.as_tensor(part) for part in problem.test)
    judge = _Judge(model, rows, (test_x, test_y), seed)
    course = _train(judge, problem, name, how)
    report = None if course is None else judge(how.eps)
    if course and report is not None:
        course[-1] |= look_of(report)
    found.course += [told | row for row in course or ()]
    found.scores.append({**told, "attack": "PGD-20", "n": len(test_y), **scores_of(report)})
    if how.checked_rows:
        count = min(how.checked_rows, len(test_y))
        checked = None if course is None else judge(how.eps, LIBRARY, count)
        found.scores.append({**told, "attack": "APGD", "n": count, **scores_of(checked)})
    if report is None:
        return
    found.classes.append(by_class(report, rows).assign(method=name, seed=seed))
    known = {0.0: report.balanced_clean, 1.0: report.balanced}
    for reach in how.reaches:
        at = reach * how.eps
        share = known[reach] if reach in known else judge(at).balanced
        found.curve.append({**told, "eps": at, "robust": 100 * share})


def _network(shape: tuple[int, ...], classes: int, how: Settings, seed: int) -> Any:
    from workbench.train import MLP, torch_generator

    if how.make is not None:
        return how.make(shape, classes, seed)
    return MLP(math.prod(shape), how.width, classes, generator=torch_generator(seed))


def _train(judge: _Judge, problem: Problem, name: str,
           how: Settings) -> list[dict[str, float]] | None:
    """Train in place; what was seen on the way, or nothing where it diverged."""
    from workbench.train import Sgd, Training, fit, steps

    x, y = problem.train
    size = len(y) // -(-len(y) // how.batch_size)
    total = how.epochs * (len(y) // size)
    seen = list[dict[str, float]]()

    def look(row: Any) -> None:
        if how.looks and "effective_size" in row:
            seen.append({"epoch": row["step"] * how.epochs / total,
                         "effective": 100 * row["effective_size"] / size,
                         **(look_of(judge(how.eps)) if row["step"] < total else {})})

    done = fit(judge.model, (x, y), Training(
        Sgd(how.learning_rate, weight_decay=2e-4), epochs=how.epochs, batch_size=size, clip=5.0,
        schedule=steps((0.75, 0.9)), seed=judge.seed, device="cpu",
        log_every=max(1, total // max(1, how.looks))), callbacks=(look,), progress="nowhere",
        **arm_of(name, how, judge.rows.clip))
    return None if done.status == "diverged" else seen
