"""Weighters that own the step: learnt weights, source weights, and that checkpoints keep them."""

import threading
from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from workbench.train import (  # noqa: E402
    Sgd,
    StepResult,
    Training,
    fit,
    regression,
    torch_generator,
)

SLOPE = 2.0


def world(n=64):
    """Half of the rows have the slope with a wrong sign; their group is 1."""
    x = torch.randn(n, 1, generator=torch_generator(0), dtype=torch.float64)
    group = torch.arange(n) % 2
    return x, torch.where(group == 1, -SLOPE, SLOPE) * x[:, 0], group


def clean(n=32):
    x = torch.randn(n, 1, generator=torch_generator(1), dtype=torch.float64)
    return x, SLOPE * x[:, 0]


def network():
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.zeros_(model.weight)
    return model


@dataclass(frozen=True)
class TwoLevels:
    """Group weights, by the gradient of a clean loss after one step of the network."""

    rate: float = 0.1
    order: int = 2

    def prepare(self, _):
        scores = nn.ParameterList([nn.Parameter(torch.zeros(2, dtype=torch.float64))])
        return {"scores": scores, "steps": 0,
                "optimiser": torch.optim.Adam(scores.parameters(), lr=0.1)}

    def step(self, state, step):
        (micro,), params = step.micros, step.params
        weights = self.weights(state, micro)
        loss = weights @ step.losses(params, micro)
        slopes = torch.autograd.grad(loss, list(params.values()), create_graph=True)
        moved = {name: param - self.rate * slope for (name, param), slope
                 in zip(params.items(), slopes, strict=True)}
        state["optimiser"].zero_grad()
        ahead = step.losses(moved, step.next_batch("meta")).mean()
        scores = list(state["scores"].parameters())
        for score, slope in zip(scores, torch.autograd.grad(ahead, scores), strict=True):
            score.grad = step.all_reduce(slope)
        state["optimiser"].step()
        losses = step.losses(params, micro)
        weights = self.weights(state, micro).detach()
        step.optimiser.zero_grad()
        (weights @ losses).backward()
        step.optimiser.step()
        told = StepResult((weights @ losses).detach(), losses, weights, {"ahead": ahead.detach()})
        return state | {"steps": state["steps"] + 1}, told

    def weights(self, state, micro):
        raw = state["scores"][0].softmax(0)[micro.group]
        return raw / raw.sum()


HOW = Training(Sgd(0.05), epochs=20, batch_size=16, log_every=1)


def test_recovers_which_rows_are_right():
    model, plain = network(), network()
    done = fit(model, world(), HOW, weighter=TwoLevels(), meta=clean(), loss=regression,
               progress="nowhere")
    fit(plain, world(), HOW, loss=regression, progress="nowhere")
    share = done.weighter_state["scores"][0].softmax(0)[0].item()
    assert share > 0.95
    assert abs(model.weight.item() - SLOPE) < abs(plain.weight.item() - SLOPE) / 10
    assert done.history.ahead.iloc[-1] < done.history.ahead.iloc[0] / 100
    assert done.weighter_state["steps"] == 80


def test_identity_a_meta_weighter_goes_on_where_it_was(tmp_path):
    ends = []
    for folder, last in ((None, 0), (tmp_path, 30), (tmp_path, 0)):
        model, stop = network(), threading.Event()
        done = fit(model, world(), HOW, weighter=TwoLevels(), meta=clean(), loss=regression,
                   folder=folder, stop=stop, progress="nowhere",
                   callbacks=[lambda row, last=last, stop=stop:
                              stop.set() if row["step"] == last else None])
        ends.append((model.weight, done.weighter_state["scores"][0]))
    assert torch.equal(ends[0][0], ends[2][0])
    assert torch.equal(ends[0][1], ends[2][1])
    assert not torch.equal(ends[0][0], ends[1][0])


class Loader:
    """Four batches of clean rows in an order of each epoch, with a length or without."""

    def __iter__(self):
        x, y = clean()
        for rows in torch.randperm(32).split(8):
            yield x[rows], y[rows]


class Counted(Loader):
    def __len__(self):
        return 4


def test_identity_a_loader_without_a_length_brings_the_same_rows(tmp_path):
    ends = []
    for loader, folder, last in ((Counted(), None, 0), (Loader(), None, 0),
                                 (Loader(), tmp_path, 30), (Loader(), tmp_path, 0)):
        stop = threading.Event()
        done = fit(network(), world(), HOW, weighter=TwoLevels(), meta=loader, loss=regression,
                   folder=folder, stop=stop, progress="nowhere",
                   callbacks=[lambda row, last=last, stop=stop:
                              stop.set() if row["step"] == last else None])
        ends.append(done.weighter_state["scores"][0])
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[0], ends[3])
    assert not torch.equal(ends[0], ends[2])


def test_rejects_a_loader_that_brings_nothing():
    class Empty:
        def __iter__(self):
            return iter(())
    with pytest.raises(ValueError, match="meta must give at least 1 batches, got none"):
        fit(network(), world(), HOW, weighter=TwoLevels(), meta=Empty(), loss=regression,
            progress="nowhere")


def test_rejects_rows_that_the_run_was_not_given():
    with pytest.raises(ValueError, match="next_batch must be one of 'train', got 'meta'"):
        fit(network(), world(), HOW, weighter=TwoLevels(), loss=regression, progress="nowhere")
