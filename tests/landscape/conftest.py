"""Small stacked networks whose Hessians are known entry by entry, as the fixture `small`."""

import sys

import pytest
import torch

from workbench.landscape.objective import Objective, cross_entropy

INPUTS, WIDTH, OUTPUTS, ROWS = 4, 5, 3, 30


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def params(models=3, width=WIDTH, *, dtype=torch.float64, seed=0):
    drawn = generator(seed)

    def normal(*shape):
        return torch.randn(models, *shape, generator=drawn, dtype=torch.float64).to(dtype)
    return {"0.weight": normal(width, INPUTS), "0.bias": normal(width),
            "2.weight": normal(OUTPUTS, width), "2.bias": normal(OUTPUTS)}


def data(rows=ROWS, *, dtype=torch.float64, seed=1):
    drawn = generator(seed)
    x = torch.randn(rows, INPUTS, generator=drawn, dtype=torch.float64).to(dtype)
    return x, torch.randint(OUTPUTS, (rows,), generator=drawn)


def losses(params, x, y):
    hidden = torch.tanh(x @ params["0.weight"].mT + params["0.bias"][:, None])
    return cross_entropy(hidden @ params["2.weight"].mT + params["2.bias"][:, None], y)


def objective(rows=ROWS, *, dtype=torch.float64, seed=1):
    x, y = data(rows, dtype=dtype, seed=seed)
    return Objective(losses, shared={"x": x, "y": y}, size=rows)


def exact(objective, params):
    """Hessian of each model by torch.func, shape (K, d, d)."""
    names = list(params)

    def one(flat):
        parts = flat.split([params[name][0].numel() for name in names])
        tree = {name: part.view(1, *params[name].shape[1:])
                for name, part in zip(names, parts, strict=True)}
        return objective(tree)[0]
    rows = torch.cat([params[name].flatten(1) for name in names], 1)
    return torch.stack([torch.func.jacrev(torch.func.jacrev(one))(row) for row in rows])


@pytest.fixture
def small():
    """The functions of this file."""
    return sys.modules[__name__]


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads would only wait for each other on networks of this size."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
