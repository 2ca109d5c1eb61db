"""Langevin dynamics as an optimiser of the shared training loop.

``Training(optimiser=Sgld(lr, n=len(x)))``: the loop's gradient is that of the mean loss, which n
turns into that of all rows; weight decay must stay out, since the prior is in the step.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim import Optimizer

from workbench.core import check
from workbench.inference.mixtures.step_sizes import checked_heat
from workbench.train.randomness import seed_of

__all__ = ["Sgld"]


@dataclass(frozen=True)
class Sgld:
    """Setting that makes a Langevin optimiser for given parameters.

    Parameters
    ----------
    learning_rate : float > 0
        Step size eta.
    n : int > 0
        Training rows.
    prior_std : float > 0
        Of the normal prior; infinity is none.
    temperature : float >= 0
    seed : int >= 0
        Of the noise; each step has its own, so that a run that goes on repeats nothing.

    Examples
    --------
    >>> import torch
    >>> weight = torch.nn.Parameter(torch.zeros(3))
    >>> Sgld(1e-3, n=10)([weight]).param_groups[0]["lr"]
    0.001
    """

    learning_rate: float = 1e-4
    n: int = 100
    prior_std: float = 1.0
    temperature: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        check.positive(learning_rate=self.learning_rate, n=self.n, prior_std=self.prior_std)
        checked_heat(self.temperature)

    def __call__(self, params: Iterable[Any]) -> Optimizer:
        """The optimiser of `params`."""
        return _Langevin(params, {
            "lr": self.learning_rate, "n": self.n, "precision": self.prior_std ** -2,
            "temperature": self.temperature, "seed": self.seed})


class _Langevin(Optimizer):
    """One Langevin step of all parameters; the state is a count of steps."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None if closure is None else closure()
        with torch.no_grad():
            for place, group in enumerate(self.param_groups):
                for number, param in enumerate(group["params"]):
                    if param.grad is not None:
                        self._move(param, group, (place, number))
        return loss

    def _move(self, param: Any, group: dict[str, Any], place: tuple[int, int]) -> None:
        state = self.state[param]
        count = int(state.get("step", 0))
        state["step"] = count + 1
        size, heat = group["lr"], group["temperature"]
        drift = group["n"] * param.grad + group["precision"] * param
        param.add_(drift, alpha=-size / 2)
        if heat > 0 and size > 0:
            draws = torch.Generator(param.device).manual_seed(
                seed_of(group["seed"], *place, count))
            noise = torch.randn(param.shape, generator=draws, dtype=param.dtype,
                                device=param.device)
            param.add_(noise, alpha=(size * heat) ** 0.5)
