"""Which source of data helps a trusted validation set? Weights of sources, without Hessians.

Training rows weigh ``p_j / n_j`` with ``p = softmax(logits)`` over the sources. Two copies of a
network are trained: ``u`` on the weighted rows alone, ``w`` on ``alpha`` times the same loss plus
that of the validation rows. Where ``w`` fits a source worse than ``u`` does, the source pulls away
from the validation set and its weight falls: the gradient in the logits is
``p_j * (g_j - p @ g)`` with ``g_j = alpha * (loss of w on j - loss of u on j)``. For large
``alpha`` it is the gradient of the validation loss of the trained network.

Source: R. Pan, D. Zhang, H. Zhang, X. Pan, M. Xu, J. Zhang, R. Pi, X. Wang, T. Zhang, "ScaleBiO:
Scalable Bilevel Optimization for LLM Data Reweighting", ACL (2025), arXiv:2406.19976.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.core import check
from workbench.core.card import Card
from workbench.reweighting.by_source.allocation import allocate
from workbench.reweighting.by_source.layers import LISA
from workbench.reweighting.by_source.objective import (
    penalty_hypergradient,
    row_weights,
    slope,
    source_softmax_loss,
    source_sums,
)
from workbench.reweighting.by_source.stratified import Stratified
from workbench.reweighting.by_source.twins import (
    counted_sources,
    descend,
    gradients,
    refuse_adapters,
    row_losses,
    sources_of,
    told,
    twin_of,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from workbench.train.meta import MetaStep, StepResult

__all__ = ["CARD", "LISA", "ScaleBiO", "Stratified", "allocate", "penalty_hypergradient",
           "source_softmax_loss", "source_weights"]

CARD = Card(
    source="pan2025scalebio",
    weighs="sources of training rows, by what they do to a trusted validation set",
    range="simplex",
    neutral={"source_rate": 0.0}, baseline="equal weight of each source",
    cost={"forward": 3.0, "backward": 2.0},
)
DECAY = 0.01             # of AdamW, the optimiser of the logits


@dataclass(frozen=True)
class ScaleBiO:
    """Source weights that are learnt while a network is trained by :func:`workbench.train.fit`.

    The source of each row is its `group`; the validation rows are `meta`. The network that is
    trained is ``w``, with the run's own optimiser and schedule.

    Parameters
    ----------
    n_sources : int > 1, optional
        Without, it is found in the training data.
    alpha : float > 0
        Penalty. Large: less bias, but gaps are small differences and noisy.
    twin_rate : float > 0, optional
        Learning rate of ``u``; that of ``w`` without.
    source_rate : float >= 0
        Learning rate of the logits by AdamW; all rates follow the run's schedule. A logit moves
        by at most about this much in a step. With 0 sources keep equal weights.
    clip : float > 0
        Largest norm of gradients of ``u`` and ``w``, times alpha.
    tau : float > 0
        In each outer round alpha is multiplied by it and rates are divided by it.
    outer : int > 0
        Rounds into which the steps are divided.
    warm_up : int >= 0
        Steps, the first ones, in which ``u`` stands still and is not asked.
    lisa : LISA, optional
        Trains a few blocks of each network at a time.

    Raises
    ------
    ValueError
        For a number out of range; at work, if rows have no source or there is no `meta`.

    Notes
    -----
    A step costs two passes over training rows and one over validation rows, about three times
    plain training, and twice the memory. The history has ``weight_<j>``, that of the step, and
    ``gap_<j>`` (loss of ``w`` minus loss of ``u``) of each source, ``validation_loss``, and
    ``twin_loss``, that of ``u`` on weighted rows. The twin is ``weighter_state["twin"]``.

    Examples
    --------
    >>> import torch
    >>> from workbench.train import Sgd, Training, fit, regression, torch_generator
    >>> x = torch.randn(64, 1, generator=torch_generator(0))
    >>> source = torch.arange(64) % 2                       # the second source has a wrong sign
    >>> y = torch.where(source == 1, -x[:, 0], x[:, 0])
    >>> done = fit(torch.nn.Linear(1, 1), (x, y, source), Training(Sgd(0.01), epochs=20,
    ...            batch_size=16), weighter=ScaleBiO(source_rate=0.1), meta=(x, x[:, 0]),
    ...            loss=regression, progress="nowhere")
    >>> bool(source_weights(done)[0] > 0.9)
    True
    """

    n_sources: int | None = None
    alpha: float = 10.0
    twin_rate: float | None = None
    source_rate: float = 1e-2
    clip: float = 1.0
    tau: float = 1.0
    outer: int = 1
    warm_up: int = 0
    lisa: LISA | None = None

    def __post_init__(self) -> None:
        if self.n_sources is not None:
            check.whole(2, n_sources=self.n_sources)
        rate = 1.0 if self.twin_rate is None else self.twin_rate
        check.positive(alpha=self.alpha, clip=self.clip, tau=self.tau, twin_rate=rate)
        check.whole(1, outer=self.outer)
        check.whole(0, warm_up=self.warm_up)
        if not check.holds(lambda one: 0 <= one < float("inf"), self.source_rate):
            raise ValueError(f"source_rate must be a number >= 0, got {self.source_rate!r}. Pass "
                             "0.01.")
        if self.lisa is not None and not isinstance(self.lisa, LISA):
            raise TypeError(f"lisa must be a LISA, got {type(self.lisa).__name__}. Pass "
                            "LISA(n_layers=4).")

    def prepare(self, step: "MetaStep") -> dict[str, Any]:
        """The twin, both optimisers and the logits, all zero."""
        import torch
        from torch import nn

        try:
            step.next_batch("meta")
        except ValueError as trouble:
            raise ValueError("meta must be the trusted validation rows of ScaleBiO: "
                             f"{trouble} Pass meta=(x, y) with at least one batch.") from trouble
        k = self.n_sources or counted_sources(step)
        if self.lisa is not None:
            refuse_adapters(step.model)
            self.lisa.draw(step.model, torch.Generator())
        twin, optimiser = twin_of(step.model, step.optimiser)
        device = next(step.model.parameters()).device
        logits = nn.Parameter(torch.zeros(k, device=device, dtype=torch.float64))
        return {"twin": twin, "twin_optimiser": optimiser, "logits": nn.ParameterList([logits]),
                "optimiser": torch.optim.AdamW([logits], lr=self.source_rate,
                                               weight_decay=DECAY, fused=True),
                "rate": float(step.optimiser.param_groups[0]["lr"]), "drawn": {}}

    def step(self, state: dict[str, Any], step: "MetaStep"
             ) -> "tuple[dict[str, Any], StepResult]":
        """One step of ``u``, of ``w`` and of the logits, all from where they were."""
        import torch

        alpha = self._set_rates(state, step)
        state = self._drawn(state, step)
        logits = state["logits"][0]
        k, fixed = len(logits), logits.detach().clone()     # the step below moves logits in place
        sources = [sources_of(step, micro, k) for micro in step.micros]
        counts = step.all_reduce(sum(source_sums(torch.ones_like(one, dtype=fixed.dtype), one, k)
                                     for one in sources))     # mean over processes, as losses are
        weights = [row_weights(one, fixed, counts) for one in sources]
        twin_sums, asked = fixed.new_zeros(k), step.step >= self.warm_up
        if asked:
            with self._only(state, "twin", state["twin"]):
                losses, _ = self._train(step, state["twin"], state["twin_optimiser"],
                                        weights, alpha)
            twin_sums = _sums(losses, sources, k)
        with self._only(state, "model", step.model):
            losses, ahead = self._train(step, step.model, step.optimiser, weights, alpha,
                                        validates=True)
        sums = step.all_reduce(torch.stack([_sums(losses, sources, k), twin_sums]))
        means = sums / counts.clamp(min=1e-12)
        gaps, present = means[0] - means[1], counts > 0
        logits.grad = slope(alpha * gaps, fixed, present)
        state["optimiser"].step()
        return state, told(losses, weights, fixed.softmax(0), (means, gaps, ahead))

    def _set_rates(self, state: dict[str, Any], step: "MetaStep") -> float:
        """Rates of this step, which follow the run's schedule; alpha of this round."""
        turn = min(self.outer - 1, step.step * self.outer // max(1, step.total_steps))
        shrunk = self.tau ** -turn
        factor = step.optimiser.param_groups[0]["lr"] / state["rate"] * shrunk
        for own, twin in zip(step.optimiser.param_groups, state["twin_optimiser"].param_groups,
                             strict=True):
            own["lr"] *= shrunk
            twin["lr"] = own["lr"] if self.twin_rate is None else self.twin_rate * factor
        state["optimiser"].param_groups[0]["lr"] = self.source_rate * factor
        return self.alpha * self.tau ** turn

    def _drawn(self, state: dict[str, Any], step: "MetaStep") -> dict[str, Any]:
        """Blocks of each network that are trained now."""
        if self.lisa is None or step.step % self.lisa.every:
            return state
        return state | {"drawn": {name: self.lisa.draw(step.model, step.generator)
                                  for name in ("twin", "model")}}

    def _only(self, state: dict[str, Any], name: str, model: "nn.Module"
              ) -> AbstractContextManager[None]:
        return nullcontext() if self.lisa is None else self.lisa.only(model, state["drawn"][name])

    def _train(self, step: "MetaStep", model: "nn.Module", optimiser: Any,
               weights: "list[Tensor]", alpha: float, *, validates: bool = False
               ) -> "tuple[list[Tensor], Any]":
        """One step of a network; losses of training rows and of validation rows before it."""
        params = [param for param in model.parameters() if param.requires_grad]
        found, kept, ahead = None, [], 0.0
        for micro, weight in zip(step.micros, weights, strict=True):
            losses = row_losses(step, model, micro)
            loss = alpha * (weight.to(losses) @ losses)
            if validates:
                judged = row_losses(step, model, step.next_batch("meta")).mean() / len(weights)
                loss, ahead = loss + judged, ahead + judged.detach()
            found = gradients(loss, params, found)
            kept.append(losses.detach())
        descend(step, optimiser, params, found or [], self.clip * alpha)
        return kept, ahead


def source_weights(trained: Any) -> Any:
    """Weights of the sources after a training, array of shape (K,).

    Parameters
    ----------
    trained : Trained, or the state of a `ScaleBiO`
    """
    state = getattr(trained, "weighter_state", trained)
    return state["logits"][0].detach().softmax(0).numpy(force=True)


def _sums(losses: "list[Tensor]", sources: "list[Tensor]", k: int) -> "Tensor":
    """In double precision: AdamW would turn what rounding leaves of equal gaps into steps."""
    import torch

    return source_sums(torch.cat(losses).double(), torch.cat(sources), k)
