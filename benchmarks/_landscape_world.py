"""48 small networks trained on digits, and the exact ends and traces of their Hessians.

The variable ``LANDSCAPE_WORLD`` names a file in which trained parameters are kept between
processes of one run.
"""

import os
from pathlib import Path

import numpy as np
import torch
from torch import nn

MODELS, ROWS, TRAINED_ROWS, STEPS = 48, 200, 1024, 600
FAMILIES = {"MLP 8": 8, "MLP 16": 16, "MLP 64": 64, "CNN 4": 4}


def digits():
    """Standardised images, shape (n, 64), and labels."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return torch.tensor((x - x.mean()) / x.std(), dtype=torch.float32), torch.tensor(y)


def world(family):
    """Trained networks, as a list and as a stack, with the rows of their curvature."""
    from workbench.train.models import MLP, ConvNet
    from workbench.train.stack import stack

    x, y = digits()
    drawn, width = torch.Generator().manual_seed(0), FAMILIES[family]
    if family.startswith("MLP"):
        models = [MLP(64, width, 10, generator=drawn) for _ in range(MODELS)]
    else:
        x = x.view(-1, 1, 8, 8)
        models = [ConvNet(1, width, 10, norm="batch", generator=drawn) for _ in range(MODELS)]
    whole = stack([model.eval() for model in models])
    trained = kept(lambda: train(whole, x, y, drawn))
    for position, model in enumerate(models):
        with torch.no_grad():
            for name, param in model.named_parameters():
                param.copy_(trained[name][position])
    return models, stack([model.eval() for model in models]), x[:ROWS], y[:ROWS]


def kept(make):
    """Parameters from the file of this run, made and written if there is none."""
    path = Path(os.environ.get("LANDSCAPE_WORLD", "/nowhere"))
    if path.exists():
        return torch.load(path, weights_only=True)
    made = make()
    if path.parent.exists():
        torch.save(made, path)
    return made


def train(whole, x, y, drawn):
    """Parameters of the stack after some steps of descent with momentum."""
    from workbench.landscape import stack_objective

    leaves = {name: tensor.clone().requires_grad_() for name, tensor in whole.params.items()}
    optimiser = torch.optim.SGD(leaves.values(), lr=0.05, momentum=0.9)
    for _ in range(STEPS):
        rows = torch.randint(TRAINED_ROWS, (32,), generator=drawn)
        optimiser.zero_grad()
        stack_objective(whole, x[rows], y[rows])(leaves).sum().backward()
        optimiser.step()
    return {name: tensor.detach() for name, tensor in leaves.items()}


def exact_trace(model, x):
    """The trace by all per-row derivatives of the logits, in double precision.

    For these piecewise linear networks it is the trace of ``J' (diag(p) - p p') J / n``.
    """
    params = {name: param.detach().double() for name, param in model.named_parameters()}
    held = {name: tensor.double() for name, tensor in model.named_buffers()}

    def logits(params, row):
        return torch.func.functional_call(model, (params, held), (row[None],))[0]
    total = 0.0
    for rows in x.double().split(20):
        jacobians = torch.func.vmap(torch.func.jacrev(logits), (None, 0))(params, rows)
        J = torch.cat([part.flatten(2) for part in jacobians.values()], 2)
        p = torch.stack([logits(params, row) for row in rows]).softmax(1)
        middle = torch.diag_embed(p) - p[:, :, None] * p[:, None]
        total += float(torch.einsum("ncd,nce,ned->", J, middle, J))
    return total / len(x)


def exact_dominant(model, x, y):
    """The eigenvalue of largest magnitude by ARPACK on products in double precision."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    params = {name: param.detach().double().requires_grad_()
              for name, param in model.named_parameters()}
    held = {name: tensor.double() for name, tensor in model.named_buffers()}
    outputs = torch.func.functional_call(model, (params, held), (x.double(),))
    leaves = list(params.values())
    loss = nn.functional.cross_entropy(outputs, y)

    def flat(parts):
        return torch.cat([part.flatten() for part in parts])
    gradient = flat(torch.autograd.grad(loss, leaves, create_graph=True))

    def product(v):
        found = torch.autograd.grad(gradient, leaves, torch.from_numpy(v.ravel()),
                                    retain_graph=True)
        return flat(found).numpy()
    size = len(gradient)
    start = np.random.default_rng(0).normal(size=size)
    found = eigsh(LinearOperator((size, size), matvec=product, dtype=float), k=1, which="LM",
                  v0=start, tol=1e-10, return_eigenvectors=False)
    return float(found[0])
