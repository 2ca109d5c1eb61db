"""Objectives of stacks against each model alone; traces from the side of the outputs."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from workbench.landscape import (
    Hessian,
    gauss_newton_trace,
    hessian_trace,
    stack_objective,
    stack_outputs,
)
from workbench.train.models import MLP, ConvNet
from workbench.train.stack import stack


def perceptrons(small, widths=(5, 5, 5)):
    drawn = small.generator()
    return [MLP(4, width, 3, generator=drawn).double() for width in widths]


def convnets(small):
    drawn = small.generator()
    return [ConvNet(1, 4, 3, norm="batch", generator=drawn).double().eval() for _ in range(2)]


def pictures(small, rows=12):
    return (torch.randn(rows, 1, 6, 6, generator=small.generator(), dtype=torch.float64),
            torch.randint(3, (rows,), generator=small.generator()))


def test_matches_the_loss_of_each_model_alone(small):
    for models, (x, y) in ((perceptrons(small), small.data()), (convnets(small), pictures(small))):
        whole = stack(models)
        truth = [functional.cross_entropy(model(x), y).item() for model in models]
        assert np.allclose(stack_objective(whole, x, y)(whole.params), truth, rtol=1e-10)
        own = torch.stack([y.roll(shift) for shift in range(len(models))])
        found = stack_objective(whole, x, own)
        truth = [functional.cross_entropy(model(x), labels).item()
                 for model, labels in zip(models, own, strict=True)]
        assert np.allclose(found(whole.params), truth, rtol=1e-10)
        kept = torch.tensor([1])
        params = {name: tensor[kept] for name, tensor in whole.params.items()}
        assert np.allclose(found.take(kept)(params), truth[1:2], rtol=1e-10)
        outputs = stack_outputs(whole, x)(whole.params)
        assert torch.allclose(outputs, torch.stack([model(x) for model in models]), atol=1e-10)


def test_matches_another_loss(small):
    whole, (x, y) = stack(perceptrons(small)), small.data()
    found = stack_objective(whole, x, y, loss=lambda outputs, y: (
        (outputs - y[:, None]) ** 2).mean((1, 2)))(whole.params)
    truth = [((model(x) - y[:, None]) ** 2).mean().item() for model in perceptrons(small)]
    assert np.allclose(found, truth)


@pytest.mark.parametrize("family", ["perceptrons", "convnets"])
def test_recovers_the_hessians_trace_of_piecewise_linear_networks(small, family):
    models, (x, y) = {"perceptrons": (perceptrons(small), small.data()),
                      "convnets": (convnets(small), pictures(small))}[family]
    whole = stack(models)
    objective = stack_objective(whole, x, y)
    found = gauss_newton_trace(stack_outputs(whole, x), whole.params, rng=small.generator(),
                               probes=400)
    hessian = Hessian(objective, whole.params)
    units = torch.eye(hessian.length, dtype=torch.float64)[:, None].expand(-1, len(models), -1)
    exact = hessian.curvatures(units).sum(0)
    assert (np.abs(found.mean - exact.sum(1).numpy()) < 4 * found.stderr).all()
    for position, name in enumerate(whole.params):
        mean, stderr = found.tensors[name]
        assert (np.abs(mean - exact[:, position].numpy()) < 5 * stderr + 1e-12).all(), name


def test_identity_padding_adds_nothing(small):
    models, (x, y) = perceptrons(small, (3, 5)), small.data()
    whole = stack(models)
    found, hutchinson = (measure(function, whole.params, rng=small.generator(), probes=300,
                                 masks=whole.masks)
                         for measure, function in ((gauss_newton_trace, stack_outputs(whole, x)),
                                                   (hessian_trace, stack_objective(whole, x, y))))
    gap = np.abs(found.mean - hutchinson.mean)
    assert (gap < 4 * np.hypot(found.stderr, hutchinson.stderr)).all()


def test_recovers_nothing_where_a_model_diverged(small):
    whole, (x, _) = stack(perceptrons(small)), small.data()
    whole.params["layers.1.bias"][1] = torch.nan
    found = gauss_newton_trace(stack_outputs(whole, x), whole.params, rng=small.generator())
    assert np.isnan(found.mean).tolist() == [False, True, False]


def test_rejects_rows_and_outputs_that_do_not_fit(small):
    whole, (x, y) = stack(perceptrons(small)), small.data()
    with pytest.raises(ValueError, match="the same rows and some"):
        stack_objective(whole, x, y[:-1])
    with pytest.raises(ValueError, match="outputs must have shape"):
        gauss_newton_trace(stack_objective(whole, x, y), whole.params, rng=small.generator())
    with pytest.raises(ValueError, match="probes must be at least 2"):
        gauss_newton_trace(stack_outputs(whole, x), whole.params, rng=small.generator(), probes=1)
