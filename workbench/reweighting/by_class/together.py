"""Train several small networks at once, each on its own rows, as `fit` would one by one.

The same weights, penalty, attack, order of rows, clipping and schedule as in
:func:`workbench.train.fit`, with the networks side by side in each product of matrices: small
networks spend most of their time between products.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.reweighting.by_class.contrastive import supcon_loss
from workbench.reweighting.separable_adversarial import ClassBalance
from workbench.train import MLP, classification, steps
from workbench.train.attack import Pgd, attacking, input_gradient
from workbench.train.batches import order_of

if TYPE_CHECKING:
    from workbench.reweighting.by_class.arms import Arm, Plan
    from workbench.reweighting.by_class.worlds import Split

__all__ = ["Networks", "Runner", "train_together"]

LONGEST = 5.0            # norm of a gradient
MOMENTUM = 0.9


class Networks(nn.Module):
    """Perceptrons of one shape side by side.

    Parameters
    ----------
    models : sequence of MLP
        Their numbers are copied.
    is_cosine : bool
        Whether they end in cosines.
    """

    def __init__(self, models: Sequence[MLP], *, is_cosine: bool = False):
        super().__init__()
        self.is_cosine = is_cosine
        self.weights = nn.ParameterList(torch.stack([
            model.layers[at].weight.detach().T for model in models])
            for at in range(len(models[0].layers)))
        self.biases = nn.ParameterList(torch.stack([
            model.layers[at].bias.detach()[None] for model in models])
            for at in range(len(models[0].layers) - is_cosine))

    def features(self, x: Tensor) -> Tensor:
        """Inputs of the last layer, shape (k, n, width), of x, shape (k, n, p)."""
        for weight, bias in zip(self.weights[:-1], self.biases, strict=False):
            x = torch.relu(torch.baddbmm(bias, x, weight))
        return x

    def top(self, features: Tensor) -> Tensor:
        """Logits, shape (k, n, c)."""
        if self.is_cosine:
            return torch.bmm(functional.normalize(features, dim=2),
                             functional.normalize(self.weights[-1], dim=1))
        return torch.baddbmm(self.biases[-1], features, self.weights[-1])

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (k, n, c)."""
        return self.top(self.features(x))

    def hand_back(self, models: Sequence[MLP]) -> None:
        """Copy the numbers into networks of their own."""
        with torch.no_grad():
            for k, model in enumerate(models):
                for at, layer in enumerate(model.layers):
                    layer.weight.copy_(self.weights[at][k].T)
                    if layer.bias is not None:
                        layer.bias.copy_(self.biases[at][k, 0])


@dataclass(frozen=True, eq=False)
class Runner:
    """One network in training.

    Parameters
    ----------
    model : MLP
        Trained in place.
    split : Split
    arm : Arm
    seed : int
        Of the order of rows.
    loss : function of outputs and targets that gives one loss per row
    """

    model: MLP
    split: "Split"
    arm: "Arm"
    seed: int
    loss: Callable[[Any, Tensor], Tensor]


def train_together(runners: Sequence[Runner], plan: "Plan", *,
                   random_start: bool = True) -> list[bool]:
    """Train networks in place.

    Parameters
    ----------
    runners : sequence of Runner, length k
        Of equally many training rows and classes, with arms that differ in their weights only.
    plan : Plan
    random_start : bool
        Of the attack; without, everything is as `fit` has it.

    Returns
    -------
    known : list of bool
        Whether all numbers of each network stayed finite.
    """
    models = [runner.model for runner in runners]
    arm, own = runners[0].arm, models[0].layers[0].weight
    x, y, table = _stacked(runners, own)
    networks = Networks(models, is_cosine=arm.loss == "ldam")
    params = list(networks.parameters())
    optimiser = torch.optim.SGD(params, plan.rate, momentum=MOMENTUM,
                                weight_decay=plan.weight_decay)
    attack = Pgd(plan.eps, plan.steps, random_start=random_start, loss=_attacked_loss)
    draws = {runner.seed: torch.Generator().manual_seed(runner.seed) for runner in runners}
    size, slope = plan.rows_of_a_step(x.shape[1]), steps((0.8, 0.9), 0.1)
    per = x.shape[1] // size
    total, place = plan.epochs * per, torch.arange(len(models), device=own.device)[:, None]
    for step in range(total):
        rows = _rows(runners, x.shape[1], step, size).to(own.device)
        given, targets = x[place, rows], y[place, rows]
        if arm.attacked:
            starts = {seed: _start(attack, given[0], drawn) for seed, drawn in draws.items()}
            start = torch.stack([starts[runner.seed] for runner in runners])
            given = _attacked(attack, networks, given, targets, start)
        late = step >= (arm.balance or {}).get("defer", 0.0) * total
        weights = (table.gather(1, targets) if late else torch.ones_like(given[..., 0])) / size
        optimiser.param_groups[0]["lr"] = plan.rate * slope(step / total)
        optimiser.zero_grad(set_to_none=True)
        _loss(networks, runners, given, targets, weights).backward()
        _clip(params)
        optimiser.step()
    networks.hand_back(models)
    return [bool(torch.isfinite(torch.stack([param[k].sum() for param in params])).all())
            for k in range(len(models))]


def _start(attack: Pgd, like: Tensor, generator: torch.Generator) -> Tensor:
    """A first change of each input of one network; networks of one seed share it."""
    drawn = torch.zeros(like.shape, dtype=like.dtype)
    if attack.random_start:
        drawn.uniform_(-attack.eps, attack.eps, generator=generator)
    return drawn.to(like.device)


def _attacked(attack: Pgd, networks: Networks, x: Tensor, y: Tensor, start: Tensor) -> Tensor:
    """Inputs under attack, as `Pgd` moves those of one network."""
    at = attack.project(x + start, x)
    with attacking(networks):
        for _ in range(attack.steps if attack.eps else 0):
            at = attack.ascend(at, x, input_gradient(networks, attack.loss, at, y)[0])
    return at


def _stacked(runners: Sequence[Runner], own: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, targets and weights of classes, like `own`."""
    x = np.stack([runner.split.train_x for runner in runners])
    y = np.stack([runner.split.train_y for runner in runners])
    table = np.stack([_class_weights(runner.arm, runner.split) for runner in runners])
    return (torch.as_tensor(x).to(own), torch.as_tensor(y).to(own.device),
            torch.as_tensor(table).to(own))


def _rows(runners: Sequence[Runner], n: int, step: int, size: int) -> Tensor:
    """Rows of a step, shape (k, size), in the orders that `fit` draws."""
    epoch, at = divmod(step, n // size)
    return torch.stack([order_of(n, runner.seed, epoch) for runner in runners])[
        :, at * size:][:, :size]


def _loss(networks: Networks, runners: Sequence[Runner], x: Tensor, y: Tensor,
          weights: Tensor) -> Tensor:
    """Weighted losses and separation, summed over networks, which share no number."""
    arm, features = runners[0].arm, networks.features(x)
    losses = _row_losses([runner.loss for runner in runners], networks.top(features), y)
    loss = (weights * losses).sum()
    if not arm.strength:
        return loss
    return loss + arm.strength * _separation(features, y, arm.temperature).sum()


def _class_weights(arm: "Arm", split: "Split") -> np.ndarray:
    if arm.balance is None:
        return np.ones(len(split.counts))
    weights: np.ndarray = ClassBalance(tuple(split.counts), **arm.balance).class_weights
    return weights


def _attacked_loss(outputs: Any, y: Tensor) -> Tensor:
    """Plain cross-entropy, whatever is trained on."""
    return classification(outputs.flatten(0, 1), y.flatten())


def _row_losses(losses: Sequence[Callable[..., Tensor]], logits: Tensor, y: Tensor) -> Tensor:
    """Losses, shape (k, n); together where all networks have one loss."""
    if all(loss is losses[0] or loss == losses[0] for loss in losses):
        return losses[0](logits.flatten(0, 1), y.flatten()).view_as(y)
    return torch.stack([loss(*each) for loss, *each in zip(losses, logits, y, strict=True)])


def _separation(features: Tensor, y: Tensor, temperature: float) -> Tensor:
    def one(z: Tensor, labels: Tensor) -> Tensor:
        return supcon_loss(z, labels, temperature)
    found: Tensor = torch.func.vmap(one)(features, y)
    return found


def _clip(params: list[nn.Parameter]) -> None:
    """Shrink the gradient of each network to the longest that is allowed."""
    grads = [param.grad for param in params if param.grad is not None]
    norms = torch.stack([grad.square().flatten(1).sum(1) for grad in grads]).sum(0).sqrt()
    factor = (LONGEST / norms).clamp(max=1.0)[:, None, None]
    for grad in grads:
        grad.mul_(factor)
