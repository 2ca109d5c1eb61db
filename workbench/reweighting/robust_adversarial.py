"""Which rows would hurt most if they counted more? Weights of a worst case, under attack.

``loss = weights @ losses`` at the weights that an opponent would choose who pays for leaving
equal ones, ``max_w w @ losses - temperature * KL(w || uniform)``. They are ``w ~ exp(losses /
temperature)``, and their gradient is that of the smooth objective ``F = temperature * log mean
exp(losses / temperature)``. The mean inside the logarithm is that of all rows; a moving average
over steps stands for it, so that weights do not sum to one: a step of hard rows is a longer step.
Losses are those under an attack (:mod:`workbench.reweighting.under_attack.barrier`).

Source: D. Sow, S. Lin, Z. Wang, Y. Liang, "Doubly Robust Instance-Reweighted Adversarial
Training", ICLR (2024), OpenReview OF5x1dzWSS.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.core import check
from workbench.core.card import Card

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CARD", "KullbackLeiblerWeighter", "kl_dro_objective", "kl_dro_weights"]

MARGIN = 5.0            # of the logarithm of the largest weight above the least of its type

CARD = Card(
    source="sow2024doubly",
    weighs="rows under attack, by what a worst case under a Kullback-Leibler price gives them",
    range="positive",
    neutral={"temperature": math.inf}, baseline="adversarial training, the mean loss under attack",
)


def kl_dro_objective(losses: "Tensor", temperature: float) -> "Tensor":
    """The smooth worst case ``temperature * log mean exp(losses / temperature)``, a number.

    Parameters
    ----------
    losses : tensor, shape (n,)
        Finite [nats].
    temperature : float > 0
        In the unit of losses; infinity gives their mean, small ones their maximum.

    Raises
    ------
    ValueError
        If it is not positive, or there are no losses.

    Notes
    -----
    Above the mean by ``variance / (2 temperature)`` to first order. Its gradient by the losses is
    :func:`kl_dro_weights`.

    Examples
    --------
    >>> import torch
    >>> losses = torch.tensor([0.0, 1.0])
    >>> [round(float(kl_dro_objective(losses, r)), 3) for r in (0.01, 1.0, math.inf)]
    [0.993, 0.62, 0.5]
    """
    losses = _checked(losses, temperature)
    if temperature == math.inf:
        return losses.mean(-1)
    scores = losses / temperature
    return temperature * (scores.logsumexp(-1) - math.log(losses.shape[-1]))


def kl_dro_weights(losses: "Tensor", temperature: float,
                   log_u: "Tensor | float | None" = None) -> "Tensor":
    """Weights of the worst case, shape (n,): ``exp(losses / temperature) / (n u)``.

    Parameters
    ----------
    losses : tensor, shape (n,)
        Finite [nats].
    temperature : float > 0
        Infinity gives equal weights.
    log_u : number, optional
        Logarithm of the mean of ``exp(losses / temperature)`` over all rows. Without, it is that
        of these rows, and weights sum to one.

    Raises
    ------
    ValueError
        If `temperature` is not positive, or there are no losses.

    Examples
    --------
    >>> import torch
    >>> kl_dro_weights(torch.tensor([0.0, math.log(3.0)]), 1.0)
    tensor([0.2500, 0.7500])
    >>> kl_dro_weights(torch.tensor([0.0, math.log(3.0)]), 1.0, log_u=0.0)
    tensor([0.5000, 1.5000])
    """
    losses = _checked(losses, temperature)
    n = losses.shape[-1]
    if temperature == math.inf:
        return losses.new_full(losses.shape, 1 / n)
    scores = losses / temperature
    if log_u is None:
        return scores.softmax(-1)
    return (scores - log_u).exp() / n


@dataclass(frozen=True)
class KullbackLeiblerWeighter:
    """Weights of the worst case with a memory, for :func:`workbench.train.fit`.

    Parameters
    ----------
    temperature : float > 0
        The price of leaving equal weights [nats]; infinity is equal weights, bit for bit. Below
        one it often hurts, see the paper's page.
    eta : float in (0, 1]
        Share of the step in the moving average ``u`` of ``mean exp(losses / temperature)``; at 1
        there is no memory, and weights are the softmax of the step.
    w_max : float >= 1 or None
        Most that a row may count, times uniform. None is ``1 / eta``, what a step in which all
        losses jump gives; for `eta` of 1 no limit.
    burn_in : float in [0, 1)
        Share of the steps, the first ones, with equal weights; the average is kept meanwhile.
    scope : {"step", "batch"}
        Over which rows the mean of a step is taken: all, over micro-batches and processes; or
        those of each micro-batch, which saves a second forward pass where there are several.

    Raises
    ------
    ValueError
        If a number is out of range.

    Notes
    -----
    The state is `log_u`, NaN before the first step. After losses that were larger by a hundred
    times `temperature`, weights of a step would all round to zero: the largest then is kept just
    above, and the others in proportion. Called with losses alone, it forgets: the
    weights are those of these rows on their own, and sum to one.

    Examples
    --------
    >>> import torch
    >>> weighter = KullbackLeiblerWeighter(temperature=1.0, eta=0.25)
    >>> state, weights = weighter.update(weighter.init(0), torch.tensor([0.0, 1.0]))
    >>> weights.sum().round(decimals=4)                             # the first step: a softmax
    tensor(1.)
    >>> state, weights = weighter.update(state, torch.tensor([1.0, 2.0]))
    >>> weights.sum().round(decimals=4)                             # of losses that rose
    tensor(1.9015)
    """

    temperature: float = 2.0
    eta: float = 0.1
    w_max: float | None = None
    burn_in: float = 0.0
    scope: str = "step"

    def __post_init__(self) -> None:
        check.positive(temperature=self.temperature)
        check.one_of(("step", "batch"), scope=self.scope)
        if not check.holds(lambda share: 0 < share <= 1, self.eta):
            raise ValueError(f"eta must lie in (0, 1], got {self.eta!r}. Pass the share of a step "
                             "in the moving average, such as 0.1; 1 for no memory.")
        if self.w_max is not None and not check.holds(lambda most: most >= 1, self.w_max):
            raise ValueError(f"w_max must be at least 1, got {self.w_max!r}. Pass how many times "
                             "uniform a row may count, or None.")
        if not check.holds(lambda share: 0 <= share < 1, self.burn_in):
            raise ValueError(f"burn_in must lie in [0, 1), got {self.burn_in!r}. Pass the share "
                             "of the steps, such as 0.1.")

    @property
    def free_sum(self) -> bool:
        """Whether weights may sum to another number than one."""
        return self.eta < 1 or self.w_max is not None

    @property
    def needs(self) -> frozenset[str]:
        """The time, where it matters."""
        return frozenset({"step"} if self.burn_in else ())

    def init(self, n: int) -> dict[str, Any]:
        """The first state."""
        import torch

        del n
        return {"log_u": torch.full((), math.nan, dtype=torch.float64)}

    def update(self, state: dict[str, Any], told: Any) -> tuple[dict[str, Any], "Tensor"]:
        """The next state, and weights, shape (n,), of losses, shape (n,), or of a `Batch`."""
        import torch

        losses = getattr(told, "losses", told).detach()
        if self.temperature == math.inf:
            return state, kl_dro_weights(losses, math.inf)
        n = losses.shape[-1]
        scores = losses.double() / self.temperature
        log_u = self._averaged(state["log_u"], scores.logsumexp(-1) - math.log(n))
        if self.burn_in and told.step < self.burn_in * told.total_steps:
            return {"log_u": log_u}, kl_dro_weights(losses, math.inf)
        logs = (scores - log_u).clamp(max=math.log(self._most)) - math.log(n)
        faint = math.log(torch.finfo(losses.dtype).tiny) + MARGIN - logs.amax()
        return {"log_u": log_u}, (logs + faint.clamp(min=0)).exp().to(losses)

    def metrics(self, state: dict[str, Any]) -> dict[str, Any]:
        """The smooth worst case over the last steps, ``temperature * log u`` [nats]."""
        return {"worst_case": self.temperature * state["log_u"]} if (
            self.temperature < math.inf) else {}

    def __call__(self, losses: "Tensor") -> "Tensor":
        """Weights of these rows on their own, on the simplex, shape (n,)."""
        return kl_dro_weights(losses.detach(), self.temperature)

    @property
    def _most(self) -> float:
        if self.w_max is not None:
            return float(self.w_max)
        return 1 / self.eta if self.eta < 1 else math.inf

    def _averaged(self, before: "Tensor", now: "Tensor") -> "Tensor":
        import torch

        if self.eta == 1:
            return now
        mixed = torch.logaddexp(before + math.log(1 - self.eta), now + math.log(self.eta))
        return torch.where(torch.isnan(before), now, mixed)


def _checked(losses: "Tensor", temperature: float) -> "Tensor":
    check.positive(temperature=temperature)
    if not losses.ndim or not losses.shape[-1]:
        raise ValueError(f"losses must have rows, got shape {tuple(losses.shape)}. Pass one loss "
                         "for each row.")
    return losses
