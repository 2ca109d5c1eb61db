"""One width of network: the mixture of posterior draws beside single optima, on the same data.

Every arm has the same number of gradients. Chains of all data sets are trained as one stack.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.inference.mixtures.chains import Sampled
from workbench.inference.mixtures.ensemble import PosteriorEnsemble, log_loss
from workbench.inference.mixtures.fisher import Curvature, fisher
from workbench.inference.mixtures.langevin import SGLDSampler
from workbench.inference.mixtures.mixing import effective_draws
from workbench.train.device import torch_generator
from workbench.train.models import MLP
from workbench.train.stacked import train_stacked
from workbench.train.stacked_batches import Sample
from workbench.train.stacked_settings import StackedTraining

__all__ = ["METHODS", "Arms", "Rows", "compare_arms", "summarised"]

METHODS = ("SGLD mixture", "one posterior draw", "single optimum", "optimum with the prior",
           "ensemble of optima", "averaged logits", "averaged parameters", "class shares")
RATE = 0.1               # of plain gradient descent with momentum on the mean loss


@dataclass(frozen=True, eq=False)
class Rows:
    """Training rows of r data sets, shapes (r, n, p) and (r, n), and test rows of all."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int


@dataclass(frozen=True, eq=False)
class Arms:
    """What each method lost on the test rows.

    Parameters
    ----------
    losses : mapping of method to array, shape (r, m)
        Log-loss of each test row [nats], by data set.
    proba : mapping of method to array, shape (m, c)
        Predicted probabilities, of the first data set.
    sampled : Sampled
        The chains.
    curvature : Curvature
        At the optimum with the prior, of the first data set.
    draws : float
        Effective number of independent draws, by the mean test log-loss of the members, summed
        over data sets.
    ensemble : PosteriorEnsemble
    """

    losses: Mapping[str, np.ndarray]
    proba: Mapping[str, np.ndarray]
    sampled: Sampled
    curvature: Curvature
    draws: float
    ensemble: PosteriorEnsemble


def compare_arms(rows: Rows, width: int, how: SGLDSampler, *, rng: np.random.Generator,
                 depth: int = 1) -> Arms:
    """Sample and descend, then predict the test rows.

    Parameters
    ----------
    rows : Rows
    width, depth : int > 0
        Hidden units of a layer, hidden layers.
    how : SGLDSampler
        `n_chains` chains for each data set.
    rng : numpy.random.Generator
    """
    groups, k = len(rows.x), len(rows.x) * how.n_chains
    draws = torch_generator(rng)
    models = [MLP(rows.x.shape[-1], width, rows.classes, depth=depth, generator=draws)
              for _ in range(k)]
    x, y = (np.repeat(one, how.n_chains, axis=0) for one in (rows.x, rows.y))
    sampled = how.sample(models, (x, y), rng=rng, is_own=True)
    cold = replace(how, temperature=0.0, snapshots=1, schedule="constant")
    descended = cold.sample(models[::how.n_chains], (rows.x, rows.y), rng=rng, is_own=True)
    ensemble, with_prior = PosteriorEnsemble(sampled.draws), PosteriorEnsemble(descended.draws)
    plain = _plain_logs(models, rows, how)
    logs = {"SGLD mixture": ensemble.predict_log_proba(rows.x_test, by_group=groups),
            "averaged logits": ensemble.average_logits(rows.x_test, by_group=groups),
            "averaged parameters": ensemble.average_parameters(rows.x_test, by_group=groups),
            "ensemble of optima": torch.logsumexp(plain.unflatten(0, (groups, -1)), 1)
            - np.log(how.n_chains)}
    logs = {name: _grouped(one, groups) for name, one in logs.items()}
    members = log_loss(ensemble.member_log_proba(rows.x_test), rows.y_test)
    losses = {name: log_loss(one, rows.y_test) for name, one in logs.items()} | {
        "one posterior draw": members.mean(0).unflatten(0, (groups, -1)).mean(1),
        "single optimum": log_loss(plain, rows.y_test).unflatten(0, (groups, -1)).mean(1),
        "optimum with the prior": log_loss(with_prior.member_log_proba(rows.x_test)[0],
                                           rows.y_test)}
    proba = {name: one[0].exp() for name, one in logs.items()} | {
        "single optimum": plain[0].exp()}
    found = {name: one.double().cpu().numpy() for name, one in losses.items()}
    found["class shares"] = _share_losses(rows)
    means = np.split(members.mean(-1).T.double().cpu().numpy(), groups)
    return Arms({name: found[name] for name in METHODS},
                {name: one.double().cpu().numpy() for name, one in proba.items()}, sampled,
                fisher(_first(descended), rows.x[0], prior_std=how.prior_std, fan_in=how.fan_in),
                sum(effective_draws(one) for one in means), ensemble)


def _plain_logs(models: Sequence[nn.Module], rows: Rows, how: SGLDSampler) -> Tensor:
    """Log-probabilities, shape (k, m, c), after gradient descent without a prior."""
    groups, n = rows.y.shape
    batch = min(n, how.batch_size or n)
    own = [torch.arange(group * n, (group + 1) * n) for group in range(groups)
           for _ in range(how.n_chains)]
    sample = Sample(torch.as_tensor(rows.x).flatten(0, 1), torch.as_tensor(rows.y).flatten(),
                    rows=own)
    trained = train_stacked(models, sample, StackedTraining(
        learning_rate=RATE, weight_decay=0.0, batch_size=batch,
        epochs=max(1, how.n_steps // (n // batch)), device=how.device))
    stacked = trained.stack(range(len(models)))
    x = torch.as_tensor(rows.x_test)[None].to(next(iter(stacked.params.values())))
    with torch.no_grad():
        return stacked.forward(stacked.params, stacked.buffers, x)[0].log_softmax(-1)


def _first(sampled: Sampled) -> nn.Module:
    """The first network of the last draw, on the processor."""
    draws = sampled.draws
    last = draws.stack.replace(draws.tensors(len(draws.params) - 1))
    return last.to("cpu").model(0)


def _grouped(logs: Tensor, groups: int) -> Tensor:
    return logs[None] if groups == 1 and logs.ndim == 2 else logs


def _share_losses(rows: Rows) -> np.ndarray:
    """Log-loss of the training shares of the classes, each class counted once more."""
    counts = np.array([np.bincount(y, minlength=rows.classes) for y in rows.y]) + 1.0
    logs = np.log(counts / counts.sum(axis=1, keepdims=True))
    return -logs[:, rows.y_test]


def summarised(losses: Any, entropy: float = 0.0) -> tuple[float, float]:
    """Mean and its standard error: over data sets where there are several, else over rows."""
    table = np.asarray(losses) - entropy
    each = table.mean(axis=1) if len(table) > 1 else table[0]
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))
