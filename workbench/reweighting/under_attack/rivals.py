"""Two earlier ways to weigh rows under attack, by rules instead of a worst case.

GAIRAT: ``w ~ (1 + tanh(shift + 5 (1 - 2 kappa / steps))) / 2``, where kappa counts the steps of
the attack at which a row is still right. MAIL: ``w ~ sigmoid(-slope (margin - bias))``, where the
margin is the probability of the class minus the largest of another.

Sources: J. Zhang et al., "Geometry-aware Instance-reweighted Adversarial Training", ICLR (2021);
Q. Wang et al., "Probabilistic Margins for Instance Reweighting in Adversarial Training",
NeurIPS (2021).
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from workbench.core import check
from workbench.train.attack import Pgd, attacking, input_gradient
from workbench.train.micro import Micro
from workbench.train.ranges import checked_inputs

__all__ = ["CountingPgd", "GairatWeighter", "MailWeighter"]


@dataclass(frozen=True)
class CountingPgd:
    """PGD that tells of each row, as its group, at how many of its steps it was still right.

    Parameters
    ----------
    attack : Pgd
        Of one restart.
    """

    attack: Pgd

    def __post_init__(self) -> None:
        if self.attack.restarts != 1:
            raise ValueError(f"restarts must be 1 where steps are counted, got "
                             f"{self.attack.restarts}. Pass Pgd(restarts=1).")

    def __call__(self, model: nn.Module, micro: Micro,
                 generator: torch.Generator | None = None) -> Micro:
        attack, x = self.attack, micro.x
        checked_inputs(x, attack.clip)
        right = torch.zeros(len(x), dtype=torch.long, device=x.device)
        at = attack.begin(x, generator)
        with attacking(model):
            for _ in range(attack.steps):
                gradient, logits = input_gradient(model, attack.loss, at, micro.y)
                right += logits.argmax(1) == micro.y
                at = attack.ascend(at, x, gradient)
        return replace(micro, x=at, group=right)


@dataclass(frozen=True)
class GairatWeighter:
    """Rows that fall early weigh more; with :class:`CountingPgd` as the `perturb`.

    Parameters
    ----------
    steps : int > 0
        Those of the attack.
    shift : float
    burn_in : float in [0, 1)
        Share of the steps of the training, the first ones, with equal weights.
    """

    steps: int = 10
    shift: float = -1.0
    burn_in: float = 0.5
    needs: frozenset[str] = frozenset({"group", "step"})
    scope: str = "step"

    def __post_init__(self) -> None:
        check.whole(1, steps=self.steps)
        _checked_burn_in(self.burn_in)

    def __call__(self, batch: Any) -> Tensor:
        """Weights on the simplex, shape (n,)."""
        losses = batch.losses
        if batch.step < self.burn_in * batch.total_steps:
            return torch.full_like(losses, 1 / len(losses))
        kappa = batch.group.to(losses) / self.steps
        amounts = (1 + torch.tanh(self.shift + 5 * (1 - 2 * kappa))) / 2
        return amounts / amounts.sum()


@dataclass(frozen=True)
class MailWeighter:
    """Rows with a small margin under attack weigh more.

    Parameters
    ----------
    slope : float > 0
    bias : float
        Margin of a row that counts half of the most.
    burn_in : float in [0, 1)
    """

    slope: float = 10.0
    bias: float = 0.5
    burn_in: float = 0.5
    needs: frozenset[str] = frozenset({"logits", "targets", "step"})
    scope: str = "step"

    def __post_init__(self) -> None:
        check.positive(slope=self.slope)
        _checked_burn_in(self.burn_in)

    def __call__(self, batch: Any) -> Tensor:
        """Weights on the simplex, shape (n,)."""
        losses = batch.losses
        if batch.step < self.burn_in * batch.total_steps:
            return torch.full_like(losses, 1 / len(losses))
        shares = batch.logits.to(losses).softmax(1)
        own = shares.gather(1, batch.targets[:, None])
        others = shares.scatter(1, batch.targets[:, None], -1.0).amax(1)
        amounts = torch.sigmoid(-self.slope * (own[:, 0] - others - self.bias))
        return amounts / amounts.sum()


def _checked_burn_in(burn_in: float) -> None:
    if not check.holds(lambda share: 0 <= share < 1, burn_in):
        raise ValueError(f"burn_in must lie in [0, 1), got {burn_in!r}. Pass the share of the "
                         "steps, such as 0.5.")
