"""Networks whose output is weights on base quantiles, and the quantiles these weights mix.

``quantile_k = sum_i weights_ik * Z_i``, where i runs over models (coarse, medium) or over models
and their levels (fine), and ``weights = softmax(logits)`` over i. Global logits are parameters
that start at zero; local ones are a perceptron of the features.

Source: aggregators (1)-(3) of R. Fakoor et al., JMLR 24 (2023).
"""

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.inference.quantiles.aggregation_rows import Scales
from workbench.inference.quantiles.mixing import last_layer_weights, mix
from workbench.inference.quantiles.perceptron import Shape, perceptron
from workbench.inference.quantiles.resolution import Form, combine

__all__ = ["GlobalWeights", "LocalAnswers", "LocalWeights", "network_for"]


def network_for(form: Form, features: int | None, shape: Shape, *,
                generator: torch.Generator) -> "GlobalWeights | LocalWeights":
    """A new network; without features its weights are the same for all rows."""
    if features is None:
        return GlobalWeights(form)
    return LocalWeights(form, features, shape, generator=generator)


class GlobalWeights(nn.Module):
    """One set of weights for all rows; their logits start at zero."""

    def __init__(self, form: Form):
        super().__init__()
        self.form = form
        self.logits = nn.Parameter(torch.zeros(form.inputs, *form.shape[1:][-1:]))

    def forward(self, _: Tensor | None, Z: Tensor) -> Tensor:
        weights = _normalised(self.logits, self.form)
        if self.form.resolution == "coarse":
            mixed = torch.einsum("k,nkq->nq", weights, Z)
        elif self.form.resolution == "medium":
            mixed = (weights * Z).sum(1)
        else:
            mixed = Z.flatten(1) @ weights
        return _tempered(mixed, Z, self.form)

    def weights(self, _: Tensor | None = None) -> Tensor:
        """Weights before the share of the average, in double precision, (1, *form.shape)."""
        return _normalised(self.logits.double(), self.form).reshape(1, *self.form.shape)


class LocalWeights(nn.Module):
    """Weights of each row from its features; the last layer is kept level by level.

    Row ``j * q + l`` of input (model j, level l) and output level k is ``head[k, j * q + l]``.
    """

    def __init__(self, form: Form, features: int, shape: Shape, *, generator: torch.Generator):
        super().__init__()
        self.form = form
        outputs = 1 if form.resolution == "coarse" else form.levels
        *body, last = perceptron(features, form.inputs * outputs, shape, generator=generator)
        self.body = nn.Sequential(*body)
        head = last.weight.detach().view(form.inputs, outputs, shape.hidden)
        self.head = nn.Parameter(head.transpose(0, 1).contiguous())
        self.bias = nn.Parameter(last.bias.detach().view(form.inputs, outputs).T.contiguous())

    def forward(self, x: Tensor, Z: Tensor) -> Tensor:
        return _tempered(self.mixed(x, Z), Z, self.form)

    def mixed(self, x: Tensor, Z: Tensor) -> Tensor:
        """Quantiles before the share of the average, shape (n, q)."""
        hidden = self.body(x)
        if self.form.resolution == "fine":
            return mix(hidden, self.head, self.bias, Z.flatten(1), normalise=self.form.normalise)
        return (self._of(hidden).transpose(1, 2) * Z).sum(1)

    def weights(self, x: Tensor) -> Tensor:
        """Weights before the share of the average, shape (n, *form.shape)."""
        return self._of(self.body(x)).transpose(1, 2).reshape(len(x), *self.form.shape)

    def _of(self, hidden: Tensor) -> Tensor:
        return last_layer_weights(hidden, self.head, self.bias, normalise=self.form.normalise)


class LocalAnswers:
    """Weights and quantiles of a trained local network, from NumPy to NumPy.

    Coarse and medium weights mix in double precision; fine ones, too many to hold, in single
    precision of standardised quantiles, all but the share of the average.
    """

    def __init__(self, network: LocalWeights, scales: Scales, device: torch.device):
        at_home = next(network.parameters()).device == device
        self.network = network if at_home else copy.deepcopy(network).to(device)
        self.form, self.scales, self.device = network.form, scales, device

    def quantiles(self, X: np.ndarray, Z: np.ndarray) -> np.ndarray:
        """Quantiles of some rows, shape (n, q)."""
        if self.form.resolution != "fine":
            mean = self.scales.y_mean
            return combine(self.weights(X), Z - mean) + mean
        base = torch.as_tensor(self.scales.outcomes(Z), device=self.device)
        with torch.no_grad():
            mixed = self.network.mixed(self._features(X), base).cpu().numpy()
        return _tempered(self.scales.original(mixed), Z, self.form)

    def weights(self, X: np.ndarray) -> np.ndarray:
        """Weights of some rows, shape (n, *form.shape)."""
        with torch.no_grad():
            found = self.network.weights(self._features(X)).cpu().numpy()
        return self.form.tempered(self.form.simplex(found))

    def _features(self, X: np.ndarray) -> Tensor:
        return torch.as_tensor(self.scales.features(X), device=self.device)


def _normalised(logits: Tensor, form: Form) -> Tensor:
    """Softmax over the inputs, the first axis, or free weights that start at equal ones."""
    return torch.softmax(logits, 0) if form.normalise else logits + 1 / form.inputs


def _tempered(mixed: Any, Z: Any, form: Form) -> Any:
    """Quantiles with the share of the average, tensors or arrays."""
    if not form.average_share:
        return mixed
    return (1 - form.average_share) * mixed + form.average_share * Z.mean(1)
