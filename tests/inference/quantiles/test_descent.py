"""Descent on losses whose minimum is known, and generators that leave PyTorch's own alone."""

import math

import numpy as np
import pytest

from workbench.core import generator

torch = pytest.importorskip("torch")

from workbench.inference.quantiles.descent import (  # noqa: E402 - torch may be missing
    Descent,
    descend,
)
from workbench.inference.quantiles.perceptron import (  # noqa: E402
    Dropout,
    Shape,
    perceptron,
)
from workbench.train.device import device_for, torch_generator  # noqa: E402


class Point(torch.nn.Module):
    """A network of one number."""

    def __init__(self, start=0.0):
        super().__init__()
        self.at = torch.nn.Parameter(torch.tensor([start], dtype=torch.float64))


def squares(point, y):
    return lambda rows: ((point.at - y[rows]) ** 2).mean()


def test_recovers_the_mean():
    y = torch.tensor(generator(0).normal(3, 1, 200))
    point = Point()
    done = descend(point, squares(point, y), 200, None, Descent(
        learning_rate=0.01, weight_decay=0, batch_size=200, max_steps=3000),
        generator=torch_generator(0))
    assert done.steps == 3000
    assert math.isnan(done.score)
    assert abs(point.at.item() - y.mean().item()) < 1e-6


def test_matches_plain_adam():
    y = torch.tensor(generator(1).normal(size=4))
    ours, plain = Point(), Point()
    descend(ours, squares(ours, y), 4, None, Descent(batch_size=4, max_steps=50),
            generator=torch_generator(0))
    optimiser = torch.optim.Adam(plain.parameters(), lr=1e-3, weight_decay=1e-7, amsgrad=True)
    for _ in range(50):
        optimiser.zero_grad()
        squares(plain, y)(slice(None)).backward()
        optimiser.step()
    assert ours.at.item() == pytest.approx(plain.at.item(), rel=1e-12)


def test_identity_no_steps_leave_the_network():
    point = Point(2.0)
    done = descend(point, squares(point, torch.zeros(3)), 3, lambda: 1.0, Descent(max_steps=0),
                   generator=torch_generator(0))
    assert (done.steps, done.score, point.at.item()) == (0, 1.0, 2.0)


def test_recovers_the_best_parameters_and_stops():
    point, target = Point(), 0.5
    done = descend(point, squares(point, torch.ones(8, dtype=torch.float64)), 8,
                   lambda: abs(point.at.item() - target),
                   Descent(learning_rate=1e-2, max_steps=1000, patience=30, check_every=10),
                   generator=torch_generator(0))
    scores = dict(done.history)
    assert done.score == min(scores.values()) == scores[done.steps]
    assert abs(point.at.item() - target) == done.score        # restored
    assert max(scores) == done.steps + 30                     # patience ran out
    assert scores[0] == 0.5


@pytest.mark.parametrize(("n", "size"), [(1, 1), (9, 8), (308, 32), (1000, 64), (10**6, 512)])
def test_matches_the_batch_rule(n, size):
    assert Descent().rows_of_a_step(n) == size


@pytest.mark.parametrize(("n", "size"), [(1, None), (3, 1), (10, 4)])
def test_identity_each_epoch_visits_each_row_once(n, size):
    point, seen = Point(), []
    epoch = math.ceil(n / (size or 1))

    def loss(rows):
        seen.extend(rows.tolist())
        return point.at.sum()

    descend(point, loss, n, None, Descent(batch_size=size, max_steps=2 * epoch),
            generator=torch_generator(0))
    assert sorted(seen[:n]) == sorted(seen[n:]) == list(range(n))


def test_identity_one_seed_gives_the_same_bits_and_draws_nothing_global():
    state = torch.random.get_rng_state()
    x = torch.tensor(generator(2).normal(size=(20, 3)), dtype=torch.float32)
    found = []
    for _ in range(2):
        rng = torch_generator(7)
        network = perceptron(3, 1, Shape(hidden=8, dropout=0.2), generator=rng)
        descend(network, lambda rows, net=network: (net(x[rows]) ** 2).mean(), 20, None,
                Descent(max_steps=20), generator=rng)
        found.append(torch.cat([param.detach().ravel() for param in network.parameters()]))
    assert torch.equal(*found)
    assert torch.equal(state, torch.random.get_rng_state())


def test_matches_the_default_initialisation():
    plain = torch.nn.Linear(50, 4000)
    ours = perceptron(50, 4000, Shape(hidden=50, layers=1), generator=torch_generator(0))[-1]
    for param in ("weight", "bias"):
        there = getattr(plain, param).abs().max().item()
        assert getattr(ours, param).abs().max().item() == pytest.approx(there, rel=0.01)


def test_recovers_the_share_that_is_dropped():
    layer, x = Dropout(0.3, generator=torch_generator(0)), torch.ones(100, 100)
    dropped = (layer(x) == 0).float().mean().item()
    assert abs(dropped - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 10_000)
    assert layer(x).max().item() == pytest.approx(1 / 0.7)
    assert torch.equal(layer.eval()(x), x)


def test_rejects_divergence():
    point = Point(1.0)
    with pytest.raises(FloatingPointError, match="loss must stay finite, got nan at step 10"):
        descend(point, lambda rows: (point.at * math.nan * len(rows)).sum(), 4, None,
                Descent(max_steps=10), generator=torch_generator(0))
    with pytest.raises(FloatingPointError, match="validation score"):
        descend(point, lambda rows: point.at.sum() * len(rows), 4, lambda: math.inf, Descent(),
                generator=torch_generator(0))


@pytest.mark.parametrize("options", [{"learning_rate": 0}, {"patience": 0}, {"batch_size": 0},
                                     {"max_steps": -1}, {"weight_decay": -1.0}])
def test_rejects_impossible_settings(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Descent(**options)


def test_rejects_unknown_words():
    with pytest.raises(ValueError, match="Did you mean 'cuda'"):
        device_for("cudo")
    with pytest.raises(ValueError, match="activation must be one of"):
        Shape(activation="gelu")
    with pytest.raises(ValueError, match="dropout must lie"):
        Shape(dropout=1.0)
    with pytest.raises(ValueError, match="random_state must be"):
        torch_generator("seed")


def test_matches_each_kind_of_random_state():
    assert torch_generator(np.int64(3)).initial_seed() == 3
    first, second = (torch_generator(generator(0)).initial_seed() for _ in range(2))
    assert first == second
    assert torch_generator().initial_seed() != torch_generator().initial_seed()
    assert torch_generator(np.random.RandomState(0)).initial_seed() >= 0
