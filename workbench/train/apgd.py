"""Attacks by the authors of AutoAttack, from their package, which is imported when it is asked."""

import importlib
import logging
from typing import Any

import torch
from torch import Tensor, nn

from workbench.train.losses import logits_of
from workbench.train.ranges import Clip

__all__ = ["LIBRARY", "apgd_survivors", "still_right"]

LIBRARY = ("apgd-ce", "apgd-t", "apgd-dlr")
FEWEST = {"apgd-ce": 2, "apgd-dlr": 3, "apgd-t": 4}    # classes, for its differences of logits
NORMS = {"linf": "Linf", "l2": "L2"}
STEPS = 100


class _Scaled(nn.Module):
    """The network for inputs in [0, 1], which is all that the package knows."""

    def __init__(self, model: nn.Module, low: float, width: float, dtype: torch.dtype):
        super().__init__()
        self.model, self.low, self.width, self.dtype = model, low, width, dtype

    def forward(self, x: Tensor) -> Tensor:
        return logits_of(self.model((self.low + self.width * x).to(self.dtype))).float()


def apgd_survivors(model: nn.Module, x: Tensor, y: Tensor,
                   asked: tuple[str, float, str, Clip], seed: int) -> Tensor:
    """Rows that APGD does not fool, bool, shape (n,).

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode.
    x, y : tensor, shape (n, ...), and tensor of int, shape (n,)
        Rows that are right without attack.
    asked : (name, eps, norm, clip)
    seed : int >= 0

    Raises
    ------
    ImportError
        Without the package.
    ValueError
        If there are too few classes for the attack.
    """
    name, eps, norm, clip = asked
    attacks = _attacks()
    with torch.no_grad():
        classes = logits_of(model(x[:1])).shape[1]
    if classes < FEWEST[name]:
        raise ValueError(f"attacks must fit {classes} classes, got {name!r}, which needs "
                         f"{FEWEST[name]}. Pass 'apgd-ce'.")
    if not eps:
        return torch.ones(len(x), dtype=torch.bool, device=x.device)
    low, high = clip if clip is not None else (float(x.min()) - eps, float(x.max()) + eps)
    scaled = _Scaled(model, low, high - low, x.dtype).eval()
    given = ((x - low) / (high - low)).clamp(0, 1).float()
    shared: dict[str, Any] = {
        "n_restarts": 1, "n_iter": STEPS, "eps": eps / (high - low), "norm": NORMS[norm],
        "seed": seed, "device": x.device, "logger": logging.getLogger(__name__)}
    if name == "apgd-t":
        attack = attacks.APGDAttack_targeted(scaled, n_target_classes=min(9, classes - 1),
                                             **shared)
    else:
        attack = attacks.APGDAttack(scaled, loss=name.removeprefix("apgd-"), **shared)
    cards = [x.device] if x.device.type == "cuda" else []
    with torch.random.fork_rng(devices=cards):             # it seeds the generator of all
        moved = attack.perturb(given, y)
    with torch.no_grad():
        return still_right(scaled(moved), y)


def still_right(logits: Tensor, y: Tensor) -> Tensor:
    """Rows whose class is found, bool, shape (n,); not those with an output that is not finite."""
    return (logits.argmax(1) == y) & torch.isfinite(logits).all(1)


def _attacks() -> Any:
    try:
        return importlib.import_module("pyautoattack.autopgd_base")
    except ImportError:
        raise ImportError("attacks must be installed to be tried, and pyautoattack is not. "
                          "Install it with pip install 'workbench[attacks]', or pass "
                          "attacks=('pgd-20',).") from None
