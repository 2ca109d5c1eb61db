"""Weights of classes and separated features in the loop: identities, processes, checkpoints."""

import copy
import os
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.train.pairs import run_in_two  # noqa: E402
from workbench.reweighting import ClassBalance, FeatureSeparation, supcon_loss  # noqa: E402
from workbench.train import (  # noqa: E402
    MLP,
    Batch,
    Sgd,
    Training,
    classification,
    fit,
    torch_generator,
)
from workbench.train.batches import order_of  # noqa: E402
from workbench.train.micro import Micro  # noqa: E402

COUNTS = (40, 16, 8)


def world(seed=0):
    rng = torch_generator(seed)
    y = torch.repeat_interleave(torch.arange(3), torch.tensor(COUNTS))
    y = y[torch.randperm(len(y), generator=rng)]
    return torch.rand(len(y), 5, generator=rng, dtype=torch.float64), y


def network():
    return MLP(5, 8, 3, generator=torch_generator(1)).double()


def params(model):
    return torch.cat([param.detach().flatten() for param in model.parameters()])


def attack(model, micro, generator):
    """One signed step from a random start."""
    x = micro.x + 0.1 * torch.rand(micro.x.shape, generator=generator, dtype=micro.x.dtype)
    x = x.detach().requires_grad_()
    slope, = torch.autograd.grad(classification(model(x), micro.y).sum(), x)
    return replace(micro, x=(x + 0.05 * slope.sign()).detach())


def go(weighter=None, penalty=None, *, data=None, perturb=attack, **options):
    model = network()
    how = Training(Sgd(0.2), **({"epochs": 3, "batch_size": 16, "log_every": 1,
                                 "device": "cpu"} | options))
    done = fit(model, data or world(), how, weighter=weighter, penalty=penalty,
               perturb=perturb, progress="nowhere")
    return params(model), done


def test_identity_no_weights_and_no_separation_are_plain_adversarial_training():
    plain, _ = go()
    for weighter in (ClassBalance(COUNTS, beta=0.0), ClassBalance(COUNTS, emphasis=1.0),
                     ClassBalance(COUNTS, beta=0.9, defer=1.0), ClassBalance(beta=0.0)):
        found, _ = go(weighter, FeatureSeparation(0.0))
        assert torch.equal(plain, found)
    assert not torch.equal(plain, go(ClassBalance(COUNTS, beta=0.9))[0])
    assert not torch.equal(plain, go(None, FeatureSeparation(0.1))[0])


@pytest.mark.parametrize("strength", [0.0, 0.7])
def test_matches_a_loop_written_out_by_hand(strength):
    """Weights are w_y / n, the separation is of the features under attack, each step alone."""
    weighter = ClassBalance(COUNTS, beta=0.9, defer=0.5)
    found, _ = go(weighter, FeatureSeparation(strength, 0.2), max_steps=4,
                  perturb=lambda model, micro, _: attack(model, micro, torch_generator(5)))
    raw = np.array([0.1 / (1 - 0.9 ** n) for n in COUNTS])
    w = torch.as_tensor(3 * raw / raw.sum())
    model, (x, y) = network(), world()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    order = order_of(len(x), 0, 0)
    for step in range(4):
        rows = order[step * 16:][:16]
        moved = attack(model, Micro(x[rows], y[rows]), torch_generator(5)).x
        optimiser.zero_grad()
        hidden = moved
        for layer in model.layers[:-1]:
            hidden = torch.relu(layer(hidden))
        losses = torch.nn.functional.cross_entropy(model.layers[-1](hidden), y[rows],
                                                   reduction="none")
        scale = w[y[rows]] if step >= 2 else torch.ones(16, dtype=torch.float64)
        ((scale * losses).mean() + strength * supcon_loss(hidden, y[rows], 0.2)).backward()
        optimiser.step()
    assert torch.allclose(found, params(model), rtol=0, atol=1e-12)


def told(weighter, y, *, step=0, group=None):
    batch = Batch(losses=torch.ones(len(y), dtype=torch.float64), step=step, total_steps=10,
                  epoch=0, rank=0, world_size=1, generator=torch_generator(0), targets=y,
                  group=group, gather=lambda rows: rows, local=lambda rows: rows)
    return weighter(batch)


def test_matches_a_batch_of_one_class_that_keeps_its_weight():
    weighter = ClassBalance((90, 10), emphasis=9.0)
    rare = told(weighter, torch.tensor([1, 1, 1]))
    assert rare.tolist() == pytest.approx([0.6] * 3)             # 1.8 / 3, summing to 1.8
    assert told(weighter, torch.tensor([0, 0])).tolist() == pytest.approx([0.1] * 2)


def test_matches_classes_that_stand_in_a_third_column():
    y, group = torch.tensor([0, 0, 0, 0]), torch.tensor([1, 0, 1, 1])
    weighter = ClassBalance.of([0] * 9 + [1], emphasis=9.0, by="group")
    assert weighter.needs == {"group", "step"}
    assert told(weighter, y, group=group).tolist() == pytest.approx([0.45, 0.05, 0.45, 0.45])
    x, labels = world()
    by_target, _ = go(ClassBalance.of(labels, beta=0.9))
    by_group, _ = go(ClassBalance.of(labels, beta=0.9, by="group"), data=(x, labels, labels))
    assert torch.equal(by_target, by_group)


def test_rejects_classes_without_a_count_where_looking_would_wait(monkeypatch):
    """On a graphics card they weigh NaN, -1 too, and the loop names the step."""
    monkeypatch.setattr(ClassBalance, "_classes", lambda _, batch: batch.targets)
    weighter = ClassBalance((3, 1), emphasis=3.0)
    found = told(weighter, torch.tensor([0, -1, 2, 1]))
    assert found.isnan().tolist() == [False, True, True, False]
    assert found[[0, 3]].tolist() == pytest.approx([0.5 / 4, 1.5 / 4])
    with pytest.raises(ValueError, match=r"ClassBalance must give .* at step 1"):
        go(weighter)


def test_matches_weights_that_wait():
    weighter = ClassBalance((9, 1), beta=0.9, defer=0.4)
    y = torch.tensor([0, 1])
    assert told(weighter, y, step=3).tolist() == [0.5, 0.5]
    assert told(weighter, y, step=4)[1] > 0.5


def both(folder):
    """What each of two processes does."""
    for name, weighter, penalty in (("weights", ClassBalance(COUNTS, beta=0.9), None),
                                    ("both", ClassBalance(COUNTS, beta=0.9),
                                     FeatureSeparation(0.5))):
        found, _ = go(weighter, penalty, batch_size=8, devices=2,
                      perturb=lambda model, micro, _: attack(model, micro, torch_generator(5)))
        if os.environ["RANK"] == "0":
            np.save(folder / f"{name}.npy", found.numpy())


def test_matches_one_process_when_two_share_the_step(tmp_path):
    """Weights of rows do not ask how a step is divided; separation is of each micro-batch."""
    def same(model, micro, _):
        return attack(model, micro, torch_generator(5))
    run_in_two(__file__, tmp_path)
    alone, _ = go(ClassBalance(COUNTS, beta=0.9), batch_size=8, accumulate=2, perturb=same)
    assert np.abs(np.load(tmp_path / "weights.npy") - alone.numpy()).max() < 1e-12
    alone, _ = go(ClassBalance(COUNTS, beta=0.9), FeatureSeparation(0.5), batch_size=8,
                  accumulate=2, perturb=same)
    assert np.abs(np.load(tmp_path / "both.npy") - alone.numpy()).max() < 1e-12


def test_identity_a_step_in_parts_has_the_weights_of_the_whole_step():
    def same(model, micro, _):
        return replace(micro, x=micro.x + 0.1 * torch.sin(9 * micro.index.double())[:, None])
    whole, _ = go(ClassBalance(COUNTS, beta=0.99), batch_size=16, perturb=same)
    parts, _ = go(ClassBalance(COUNTS, beta=0.99), batch_size=4, accumulate=4, perturb=same)
    assert torch.allclose(whole, parts, rtol=0, atol=1e-12)


def test_identity_resumed_training_is_that_without_a_break(tmp_path):
    class Stop:
        asked = 0

        def is_set(self):
            self.asked += 1
            return self.asked == 5
    weighter, penalty = ClassBalance(COUNTS, beta=0.9, defer=0.5), FeatureSeparation(0.5)
    whole, _ = go(weighter, penalty, save_every=2)
    how = Training(Sgd(0.2), epochs=3, batch_size=16, log_every=1, device="cpu", save_every=2)
    model = network()
    part = fit(model, world(), how, weighter=weighter, penalty=penalty, perturb=attack,
               folder=tmp_path, stop=Stop(), progress="nowhere")
    assert part.status == "stopped"
    again = copy.deepcopy(model)
    fit(again, world(), how, weighter=weighter, penalty=penalty, perturb=attack,
        folder=tmp_path, progress="nowhere")
    assert torch.equal(whole, params(again))
    assert not torch.equal(params(model), params(again))


def test_matches_a_training_that_diverged():
    x, y = world()
    _, done = go(ClassBalance.of(y, beta=0.9), FeatureSeparation(), data=(x * 1e200, y),
                 perturb=lambda _, micro, __: replace(micro, x=micro.x * 1e200))
    assert done.status == "diverged"


@pytest.mark.parametrize(("ask", "words"), [
    (lambda: ClassBalance(), "counts must tell the rows of each class, got None"),
    (lambda: ClassBalance((3, 0)), "counts must hold at least two numbers >= 1"),
    (lambda: ClassBalance((3, float("nan"))), "counts must hold at least two numbers >= 1"),
    (lambda: ClassBalance(5), "counts must hold at least two numbers >= 1"),
    (lambda: ClassBalance((3, 1), emphasis=float("inf")), "emphasis must be positive and finite"),
    (lambda: ClassBalance((3, 1), beta=1.0), r"beta must lie in \[0, 1\)"),
    (lambda: ClassBalance((3, 1), defer=1.5), r"defer must lie in \[0, 1\], got 1.5"),
    (lambda: ClassBalance((3, 1), normalise="mean1"), "normalise must be one of"),
    (lambda: ClassBalance((3, 1), emphasis=-2.0), "emphasis"),
    (lambda: ClassBalance((3, 1), by="index"), "by must be one of"),
    (lambda: ClassBalance.of([0, 0], classes=2), "counts must hold"),
    (lambda: go(ClassBalance((3, 1))), "targets must lie in 0 to 1.*got 2"),
    (lambda: go(ClassBalance(COUNTS, by="group")), "data must tell the group of each row"),
    (lambda: ClassBalance((3, 1))(torch.ones(3)), "told must be a Batch"),
    (lambda: told(ClassBalance((3, 1)), torch.rand(3)), "whole class number for each row"),
    (lambda: go(None, FeatureSeparation(), batch_size=1), "n >= 2, got")])
def test_rejects_what_does_not_fit(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()
