"""Draws from the posterior of networks by stochastic gradient Langevin dynamics, many at once.

``theta += (eta/2) G [grad log prior + (n/B) sum over the batch of grad log P(y|x)] + sqrt(eta T G)
xi``. Chains are the rows of one matrix; a step is one pass through all of them.

The preconditioner G is one, the prior variances, or, as in RMSprop, one over the root of the mean
squared gradient, which adapts in the burn-in and is then frozen. A G that goes on depending on
theta needs its divergence as a further drift, ``(eta/2) sum_j dG_ij/dtheta_j``, without which the
draws are not from the posterior; of a constant G that term is exactly zero. With prior variances
the steps are those of parameters measured in prior standard deviations, and their size need not
shrink with width.

Sources: M. Welling, Y. W. Teh, ICML 2011; preconditioning, C. Li et al., AAAI 2016; cycles, R.
Zhang et al., ICLR 2020.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.core import check
from workbench.inference.mixtures.chains import Chains, Draws, Sampled, checked_models
from workbench.inference.mixtures.step_sizes import Plan, checked_heat, plan_of
from workbench.train.device import device_for
from workbench.train.losses import RowLoss, classification
from workbench.train.stack import Stack, stack

__all__ = ["SGLDSampler", "prior_stds"]

STEADY = 0.01            # of the preconditioner's running mean that each step replaces
LOOKS = 200              # rows of the trace
STARTS = ("prior", "given")
SCALES = ("none", "prior", "rmsprop")


@dataclass(frozen=True)
class SGLDSampler:
    """How to draw from the posterior.

    Parameters
    ----------
    lr : float > 0 or None
        Step size eta; None takes ``0.01 / n``.
    n_steps, n_chains, snapshots : int > 0
        Steps; chains, where one network is given; draws kept of each chain.
    temperature : float >= 0
        Times the variance of the noise: 1 is the posterior, 0 plain gradient descent.
    prior_std : float > 0
        Of the independent normal prior of every number; infinity is no prior.
    fan_in : bool
        Divide it by the square root of the inputs of a unit, for weights: then the prior of the
        function has a limit as the network widens.
    batch_size : int > 0 or None
        Rows of a step, drawn with replacement; None takes all.
    schedule : {"constant", "decay", "cyclical"}
    burn_in, explore : float in [0, 1)
        Share of the steps, and of each cycle, whose parameters are not kept.
    cycles : int > 0
    precondition : {"none", "prior", "rmsprop"}
        What scales the steps, see above.
    damping : float > 0
        Keeps the entries of "rmsprop" at or below ``1 / damping``.
    start : {"prior", "given"}
        Draw the first parameters from the prior, in which directions that the data leave alone are
        stationary from the first step; or take those of the networks.
    device : {"auto", "cpu", "cuda"}
    """

    lr: float | None = None
    n_steps: int = 20_000
    n_chains: int = 4
    snapshots: int = 50
    temperature: float = 1.0
    prior_std: float = 1.0
    fan_in: bool = False
    batch_size: int | None = None
    schedule: str = "constant"
    burn_in: float = 0.3
    cycles: int = 4
    explore: float = 0.5
    precondition: str = "none"
    damping: float = 0.1
    start: str = "prior"
    device: str = "auto"

    def __post_init__(self) -> None:
        check.positive(prior_std=self.prior_std, damping=self.damping)
        check.whole(1, n_chains=self.n_chains,
                    batch_size=1 if self.batch_size is None else self.batch_size)
        check.one_of(STARTS, start=self.start)
        check.one_of(SCALES, precondition=self.precondition)
        checked_heat(self.temperature)
        if self.precondition == "prior" and math.isinf(self.prior_std):
            raise ValueError("prior_std must be finite where precondition='prior', got infinity. "
                             "Pass precondition='none'.")
        early = self.explore if self.schedule == "cyclical" else self.burn_in
        if self.precondition == "rmsprop" and not early > 0:
            raise ValueError("burn_in, or explore of cycles, must be above 0 where "
                             f"precondition='rmsprop', which adapts in it, got {early!r}. "
                             "Pass 0.3.")
        self.plan(1)

    def plan(self, n: int) -> Plan:
        """Step sizes and kept steps for `n` rows."""
        return plan_of(self.schedule, 0.01 / n if self.lr is None else self.lr, self.n_steps,
                       snapshots=self.snapshots, burn_in=self.burn_in, cycles=self.cycles,
                       explore=self.explore)

    def sample(self, models: nn.Module | Sequence[nn.Module], data: tuple[Any, Any], *,
               rng: np.random.Generator, loss: RowLoss = classification, form: str = "auto",
               is_own: bool = False) -> Sampled:
        """Draw parameters.

        Parameters
        ----------
        models : torch.nn.Module, or one per chain
            Of one shape, without dropout and batch normalisation, which would mix rows or add a
            noise that is none of the posterior's. They stay as they are.
        data : (x, y)
            Arrays or tensors of n rows.
        rng : numpy.random.Generator
        loss : function of outputs and targets that gives one loss per row
            Minus the log-probability of the row [nats].
        form : {"auto", "closed", "stacked", "vmap", "loop"}
            How gradients are taken.
        is_own : bool
            Whether x and y have a first axis with rows of its own for each of the given networks.

        Returns
        -------
        sampled : Sampled

        Raises
        ------
        ValueError
            If networks or data are not what they must be.
        FloatingPointError
            If a chain leaves the finite numbers, with the step.
        """
        given = [models] * self.n_chains if isinstance(models, nn.Module) else list(models)
        device = device_for(self.device)
        x, y = checked_models(given, data, is_own=is_own, loss=loss)
        generator = torch.Generator(device).manual_seed(int(rng.integers(2 ** 31)))
        chains = Chains(stack(given).to(device), x.to(device), y.to(device), loss=loss, form=form,
                        is_own=is_own)
        return _Walk(self, chains, generator).run()


class _Walk:
    """State of all chains."""

    def __init__(self, how: SGLDSampler, chains: Chains, generator: torch.Generator):
        self.how, self.chains, self.generator = how, chains, generator
        self.plan, self.params = how.plan(chains.n), chains.params
        self.batch = min(how.batch_size or chains.n, chains.n)
        stds = prior_stds(chains.stack, how.prior_std, fan_in=how.fan_in)
        self.precision = stds ** -2
        if how.start == "prior" and math.isfinite(how.prior_std):
            self.params.copy_(stds * self.noise())
        self.scale: Tensor | None = stds ** 2 if how.precondition == "prior" else None
        self.square = torch.zeros_like(self.params) if how.precondition == "rmsprop" else None
        self.trace: list[tuple[int, Tensor]] = []

    def noise(self) -> Tensor:
        """Standard normal numbers in the shape of the parameters."""
        return torch.randn(self.params.shape, generator=self.generator, dtype=self.params.dtype,
                           device=self.params.device)

    def run(self) -> Sampled:
        """All steps."""
        kept: list[Tensor] = []
        wanted, every = {*self.plan.kept.tolist()}, max(1, self.how.n_steps // LOOKS)
        watch = 1 if self.params.device.type == "cpu" else 50
        with self.chains.gradient.without_tape():
            for step in range(self.how.n_steps):
                losses = self.step(step)
                if step % watch == 0 or step in wanted:
                    self.refuse_broken(losses, step)
                if step % every == 0:
                    self.trace.append((step, losses.clone()))
                if step in wanted:
                    kept.append(self.params.clone())
        draws = Draws(self.chains.stack, self.chains.layout, torch.stack(kept),
                      torch.tensor(self.plan.weights, dtype=torch.float64))
        values = torch.stack([one for _, one in self.trace]).double().cpu().numpy()
        return Sampled(draws, np.array([step for step, _ in self.trace]), values / self.chains.n,
                       self.plan, self.chains.n)

    def step(self, step: int) -> Tensor:
        """Move all chains; their losses before it, summed over all n rows."""
        losses, grad = self.chains.losses(self.batch, self.generator)
        grad.addcmul_(self.params, self.precision)        # minus the gradient of the log posterior
        size = float(self.plan.sizes[step])
        hot = bool(self.plan.noisy[step]) and self.how.temperature > 0
        if self.square is not None:
            self._adapt(grad, step)
        if self.scale is None:
            self.params.add_(grad, alpha=-size / 2)
        else:
            self.params.addcmul_(grad, self.scale, value=-size / 2)
        if hot:
            spread = math.sqrt(size * self.how.temperature)
            noise = self.noise()
            self.params.add_(noise if self.scale is None else noise.mul_(self.scale.sqrt()),
                             alpha=spread)
        return losses

    def _adapt(self, grad: Tensor, step: int) -> None:
        """Renew the preconditioner in the burn-in; afterwards it stays as it is."""
        if step >= self.plan.burn_in or self.square is None:
            return
        rate = max(STEADY, 1 / (step + 1))
        self.square.lerp_(grad ** 2, rate)
        typical = self.square.mean(dim=1, keepdim=True).clamp_min(1e-30)
        self.scale = 1 / (self.how.damping + (self.square / typical).sqrt())

    def refuse_broken(self, losses: Tensor, step: int) -> None:
        """Refuse to go on from numbers that are not finite."""
        total = self.params.sum(1) + losses.to(self.params)
        if not bool(total.isfinite().all()):
            bad = int((~total.isfinite()).nonzero()[0, 0])
            raise FloatingPointError(
                f"the gradient or the parameters of chain {bad} are not finite at step {step}. "
                f"Pass a smaller lr than {self.plan.sizes.max():.3g}, or scale the features.")


def prior_stds(one: Stack, prior_std: float, *, fan_in: bool) -> Tensor:
    """Prior standard deviation of each number of a network, shape (d,), as the layout orders."""
    parts = []
    for tensor in one.params.values():
        inputs = tensor[0, 0].numel() if fan_in and tensor.ndim > 2 else 1
        parts.append(tensor.new_full((tensor[0].numel(),), prior_std / math.sqrt(inputs)))
    return torch.cat(parts)
