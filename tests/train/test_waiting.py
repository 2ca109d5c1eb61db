"""A busy device is waited for at rows of the history only, and faults are told with their step."""

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from workbench.train import Ema, Sgd, Training, fit, regression, torch_generator  # noqa: E402
from workbench.train.run import Run  # noqa: E402

HOW = Training(Sgd(0.1), max_steps=24, batch_size=4, log_every=8, clip=1.0, average=Ema(0.9),
               save_every=100)


@pytest.fixture
def busy(monkeypatch):
    """A processor that is treated as a graphics card."""
    monkeypatch.setattr(Run, "immediate", False)


def world(n=32):
    x = torch.randn(n, 3, generator=torch_generator(0))
    return x, x[:, :2].clone()


def network():
    model = nn.Linear(3, 2)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    return model


def test_identity_waiting_later_changes_nothing(monkeypatch):
    ends = []
    for immediate in (True, False):
        monkeypatch.setattr(Run, "immediate", immediate)
        model = network()
        done = fit(model, world(), HOW, loss=regression, progress="nowhere")
        ends.append((model.weight, done.history.loss.tolist()))
    assert torch.equal(ends[0][0], ends[1][0])
    assert ends[0][1] == ends[1][1]


def test_identity_nothing_is_waited_for_between_rows(busy, monkeypatch):
    waits, steps = [], []

    def loss(outputs, y):
        steps.append(0)
        return regression(outputs, y)

    for name in ("item", "__bool__", "__float__", "__int__", "tolist"):
        plain = getattr(torch.Tensor, name)

        def counted(tensor, *given, plain=plain):
            waits.append(len(steps))
            return plain(tensor, *given)

        monkeypatch.setattr(torch.Tensor, name, counted)
    fit(network(), world(), HOW, loss=loss, progress="nowhere")
    assert len(steps) == 24 + 1                     # and a look at where the last step led
    assert {8, 16, 24} <= set(waits) <= {0, 8, 16, 24, 25}


@pytest.mark.parametrize("accumulate", [1, 2])
def test_matches_the_step_that_diverged(busy, accumulate):
    calls = []

    def loss(outputs, y):
        calls.append(0)
        return regression(outputs, y) * (math.nan if len(calls) == 11 * accumulate else 1.0)

    done = fit(network(), world(), replace(HOW, accumulate=accumulate), loss=loss,
               progress="nowhere")
    assert (done.status, done.step) == ("diverged", 10)
    assert done.history.step.tolist() == [8]


def test_rejects_weights_with_the_step_that_was_wrong(busy):
    calls = []

    def odd(losses):
        calls.append(0)
        return torch.full_like(losses, 1.0 if len(calls) == 11 else 1 / len(losses))

    with pytest.raises(ValueError, match=r"odd must .* at step 10\."):
        fit(network(), world(), HOW, loss=regression, weighter=odd, progress="nowhere")
