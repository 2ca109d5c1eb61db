"""Predictions of a mixture of networks: probabilities are averaged, nothing else.

``q(y|x) = weights @ P_s(y|x)``. The average of logits, or of parameters, is no mixture: it is
there to be compared with.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.core import check
from workbench.inference.mixtures.chains import Draws
from workbench.train.micro import as_tensor

__all__ = ["PosteriorEnsemble", "distil", "log_loss"]


@dataclass(frozen=True, eq=False)
class PosteriorEnsemble:
    """A mixture of the draws of all chains.

    Parameters
    ----------
    draws : Draws
    """

    draws: Draws

    @property
    def weights(self) -> Tensor:
        """How much each draw of each chain counts, shape (s, k), summing to one."""
        k = self.draws.chains
        return (self.draws.weights / k)[:, None].expand(-1, k)

    def member_log_proba(self, x: Any) -> Tensor:
        """Log-probabilities of each member, shape (s, k, m, c)."""
        rows = self._rows(x)
        return torch.stack([functional.log_softmax(self.draws.outputs(rows, draw), -1)
                            for draw in range(len(self.draws.params))])

    def predict_log_proba(self, x: Any, *, by_group: int = 1) -> Tensor:
        """Log-probabilities of the mixture, shape (m, c).

        Parameters
        ----------
        x : array or tensor, shape (m, ...)
        by_group : int > 0
            Groups of neighbouring chains that are mixtures of their own; then the shape is
            (groups, m, c).
        """
        rows, found = self._rows(x), torch.tensor(-math.inf)
        weights, found = self.draws.weights.to(rows.device), found.to(rows.device)
        for draw in range(len(self.draws.params)):        # one draw at a time bounds memory
            logs = functional.log_softmax(self.draws.outputs(rows, draw), -1)
            grouped = logs.unflatten(0, (by_group, -1))
            each = torch.logsumexp(grouped, 1) - math.log(grouped.shape[1])
            each = each + weights[draw].log().to(each)
            found = torch.logaddexp(found.to(each), each)
        return found[0] if by_group == 1 else found

    def average_logits(self, x: Any, *, by_group: int = 1) -> Tensor:
        """Log-probabilities of averaged logits, which are no mixture; shapes as above."""
        rows, weights = self._rows(x), self.draws.weights
        total = torch.stack([weight * self.draws.outputs(rows, draw).unflatten(
            0, (by_group, -1)).mean(1) for draw, weight in enumerate(weights.tolist())]).sum(0)
        found = functional.log_softmax(total, -1)
        return found[0] if by_group == 1 else found

    def average_parameters(self, x: Any, *, by_group: int = 1) -> Tensor:
        """Log-probabilities of the network with averaged parameters, which is no mixture."""
        k = self.draws.chains
        mean = torch.einsum("s,skd->kd", self.draws.weights.to(self.draws.params),
                            self.draws.params).unflatten(0, (by_group, -1)).mean(1)
        whole = mean.repeat_interleave(k // by_group, 0)
        one = Draws(self.draws.stack, self.draws.layout, whole[None], torch.ones(1))
        logs = functional.log_softmax(one.outputs(self._rows(x), 0), -1)
        found = logs.unflatten(0, (by_group, -1))[:, 0]
        return found[0] if by_group == 1 else found

    def _rows(self, x: Any) -> Tensor:
        params = self.draws.params
        found = as_tensor(x).to(params.device)
        return found.to(params.dtype) if found.is_floating_point() else found


def log_loss(log_proba: Tensor, y: Any) -> Tensor:
    """Minus the log-probability of each label, shape (..., m), of (..., m, c) and (..., m)."""
    labels = as_tensor(y).to(log_proba.device).long().expand(log_proba.shape[:-1])
    return -log_proba.gather(-1, labels.unsqueeze(-1)).squeeze(-1)


def distil(ensemble: PosteriorEnsemble, model: nn.Module, x: Any, how: Any = None) -> Any:
    """Train one network, in place, to predict what the mixture predicts, by their divergence.

    Parameters
    ----------
    ensemble : PosteriorEnsemble
    model : torch.nn.Module
        Gives logits of the same classes.
    x : array or tensor, shape (m, ...)
        Inputs; no labels are needed.
    how : Training, optional

    Returns
    -------
    trained : Trained
        Of :func:`workbench.train.fit`.
    """
    from workbench.train.loop import fit

    rows = as_tensor(x)
    check.positive(rows=len(rows))
    wanted = ensemble.predict_log_proba(rows).exp().cpu()

    def divergence(outputs: Any, target: Tensor) -> Tensor:
        logs = functional.log_softmax(outputs, -1)
        return functional.kl_div(logs, target, reduction="none").sum(-1)

    return fit(model, (rows, wanted), how, loss=divergence, progress="nowhere")
