"""What survives attacks: each row must survive all of them, not their average.

Attacks may be our own, or those of the authors of AutoAttack, which share no code with them:
APGD on the cross-entropy and on a difference of logits towards each of the other classes.

Source: F. Croce, M. Hein, "Reliable Evaluation of Adversarial Robustness with an Ensemble of
Diverse Parameter-free Attacks", ICML (2020), arXiv:2003.01690.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from workbench.core import check
from workbench.train.apgd import LIBRARY, apgd_survivors, still_right
from workbench.train.attack import Pgd, attacking, input_gradient
from workbench.train.losses import logits_of
from workbench.train.micro import Micro
from workbench.train.ranges import Clip, checked_eps, checked_inputs

__all__ = ["RobustReport", "evaluate_robust"]


@dataclass(frozen=True, eq=False)
class RobustReport:
    """Which rows are right, and which stay right under attack.

    Parameters
    ----------
    y : array of int, shape (n,)
    right : array of bool, shape (n,)
        Without attack.
    survived : mapping of attack to array of bool, shape (n,)
        An attack in the middle of the sequence is not tried on rows that fell before.
    eps : float
    classes : int
    """

    y: np.ndarray
    right: np.ndarray
    survived: Mapping[str, np.ndarray]
    eps: float
    classes: int

    @property
    def safe(self) -> np.ndarray:
        """Rows that are right without attack and under each attack, shape (n,)."""
        return np.logical_and.reduce([self.right, *self.survived.values()])

    @property
    def clean(self) -> float:
        """Share of rows that are right without attack."""
        return float(self.right.mean())

    @property
    def robust(self) -> float:
        """Share of rows that survive all attacks."""
        return float(self.safe.mean())

    @property
    def per_class(self) -> pd.DataFrame:
        """One row per class that occurs, weakest first: class, n, clean, robust."""
        names, n, clean, robust = self._classes
        return pd.DataFrame({"class": names, "n": n, "clean": clean, "robust": robust})

    @property
    def balanced_clean(self) -> float:
        """Accuracy without attack, mean over classes."""
        return float(self._classes[2].mean())

    @property
    def balanced(self) -> float:
        """Accuracy under all attacks, mean over classes."""
        return float(self._classes[3].mean())

    @property
    def worst_class(self) -> int:
        """The class that attacks hurt most."""
        return int(self._classes[0][0])

    def tail(self, share: float = 0.3) -> float:
        """Accuracy under attack, mean over this share of classes, the weakest, at least one.

        The weakest are chosen by the same rows, so that noise of small classes lowers it.
        """
        if not check.holds(lambda one: 0 < one <= 1, share):
            raise ValueError(f"share must lie in (0, 1], got {share!r}. Pass 0.3 for the weakest "
                             "30 % of the classes.")
        robust = self._classes[3]
        return float(robust[:max(1, round(share * len(robust)))].mean())

    @property
    def _classes(self) -> tuple[np.ndarray, ...]:
        """Classes that occur, their rows, clean and robust accuracy; weakest first."""
        n = np.bincount(self.y, minlength=self.classes)
        names = np.flatnonzero(n)
        clean, robust = (np.bincount(self.y, weights=part, minlength=self.classes)[names]
                         / n[names] for part in (self.right, self.safe))
        order = np.lexsort((names, clean, robust))
        return names[order], n[names][order], clean[order], robust[order]


def evaluate_robust(model: nn.Module, x: Any, y: Any, *, eps: float,  # noqa: PLR0913 - options
                    attacks: Sequence[Any] = ("pgd-20",), norm: str = "linf",
                    clip: Clip = (0.0, 1.0), batch_size: int = 1000,
                    seed: int = 0) -> RobustReport:
    """Try attacks on every row.

    Parameters
    ----------
    model : torch.nn.Module
        Gives logits, shape (n, c). Normalisation of inputs belongs into it, so that `eps` is in
        the unit of `x`.
    x, y : tensor, shape (n, ...), and tensor of int, shape (n,)
    eps : float >= 0
    attacks : sequence of str, Pgd or perturbations
        "pgd-20" (or another number of steps of a quarter of `eps`), "apgd-ce", "apgd-t" and
        "apgd-dlr" of the package `pyautoattack`, or a function of network, micro-batch and
        generator, whose own `eps` counts. PGD and APGD look at each step of theirs.
    norm : {"linf", "l2"}
    clip : (float, float) or None
    batch_size : int > 0
    seed : int >= 0
        Of random starts: the same for each attack.

    Raises
    ------
    ValueError
        For unknown attacks, inputs out of range, labels that fit no class, or outputs that are
        not finite.
    ImportError
        If an attack needs a package that is missing.

    Examples
    --------
    >>> model = nn.Linear(2, 2)
    >>> with torch.no_grad():
    ...     _ = model.weight.copy_(torch.eye(2)), model.bias.zero_()
    >>> report = evaluate_robust(model, torch.tensor([[0.9, 0.1], [0.45, 0.55]]),
    ...                          torch.tensor([0, 1]), eps=0.1)
    >>> report.clean, report.robust, report.worst_class
    (1.0, 0.5, 1)
    """
    checked_eps(eps)
    check.whole(1, batch_size=batch_size)
    named = dict(_named(attack, eps, norm, clip) for attack in attacks)
    device = next((param.device for param in model.parameters()), torch.device("cpu"))
    x, y = torch.as_tensor(x).to(device), torch.as_tensor(y).to(device)
    checked_inputs(x, clip)
    if not len(x) or y.shape != (len(x),) or y.is_floating_point():
        raise ValueError(f"y must hold one whole class number for each of {len(x)} rows, got "
                         f"{y.dtype} of shape {tuple(y.shape)}. Pass at least one row.")
    right, classes = _right(model, x, y, batch_size)
    left, survived = right.clone(), {}
    for name, attack in named.items():
        rows = left.nonzero().flatten()
        generator = torch.Generator().manual_seed(seed)
        for some in rows.split(batch_size) if len(rows) else ():
            left[some] = _survivors(model, x[some], y[some], attack, generator)
        survived[name] = left.cpu().numpy().copy()
    return RobustReport(y.cpu().numpy(), right.cpu().numpy(), survived, float(eps), classes)


def _named(attack: Any, eps: float, norm: str, clip: Clip) -> tuple[str, Any]:
    if not isinstance(attack, str):
        if not callable(attack) or isinstance(attack, type):
            raise TypeError(f"attacks must be names or perturbations, got {attack!r}. Pass "
                            "'pgd-20' or Pgd(eps=0.1).")
        return repr(attack), attack
    steps = re.fullmatch(r"pgd-([1-9]\d*)", attack)
    if steps:
        return attack, Pgd(eps, int(steps[1]), norm=norm, clip=clip)
    if attack not in LIBRARY:
        check.one_of(("pgd-20", *LIBRARY), attacks=attack)
    return attack, (attack, eps, norm, clip)


def _right(model: nn.Module, x: Tensor, y: Tensor, size: int) -> tuple[Tensor, int]:
    """Rows whose class is found, and the number of classes."""
    with attacking(model), torch.no_grad():
        logits = torch.cat([logits_of(model(some)) for some in x.split(size)])
    if logits.ndim != 2 or not bool(torch.isfinite(logits).all()):
        raise ValueError("outputs must be finite logits (n, classes), got shape "
                         f"{tuple(logits.shape)}, or NaN. Train with a smaller rate.")
    classes = logits.shape[1]
    if not 0 <= int(y.min()) <= int(y.max()) < classes:
        raise ValueError(f"labels must lie between 0 and {classes - 1}, got {int(y.min())} to "
                         f"{int(y.max())}. Give the network an output for each class.")
    return logits.argmax(1) == y, classes


def _survivors(model: nn.Module, x: Tensor, y: Tensor, attack: Any,
               generator: torch.Generator) -> Tensor:
    if isinstance(attack, tuple):
        with attacking(model):
            return apgd_survivors(model, x, y, attack, generator.initial_seed())
    if isinstance(attack, Pgd):
        with attacking(model):
            return _pgd_survivors(model, x, y, attack, generator)
    moved = attack(model, Micro(x, y), generator).x.detach()
    with attacking(model), torch.no_grad():
        return still_right(logits_of(model(moved)), y)


def _pgd_survivors(model: nn.Module, x: Tensor, y: Tensor, attack: Pgd,
                   generator: torch.Generator) -> Tensor:
    """Rows that no step of any restart fools; each step looks at those that are left."""
    safe = torch.ones(len(x), dtype=torch.bool, device=x.device)
    for _ in range(attack.restarts):
        start = attack.begin(x, generator)                  # of all rows, whoever is left
        rows = safe.nonzero().flatten()
        at = start[rows]
        for step in range(attack.steps + 1):
            gradient, logits = input_gradient(model, attack.loss, at, y[rows])
            stays = still_right(logits, y[rows])
            safe[rows[~stays]] = False
            rows, at, gradient = rows[stays], at[stays], gradient[stays]
            if step < attack.steps and len(rows):
                at = attack.ascend(at, x[rows], gradient)
    return safe
