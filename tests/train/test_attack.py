"""Attacks against another library's, by their bounds, and what survives them by hand."""

import itertools
import sys
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from workbench.train import (  # noqa: E402
    MLP,
    ConvNet,
    Pgd,
    RobustReport,
    Sgd,
    Training,
    box,
    evaluate_robust,
    fit,
    pgd,
    torch_generator,
)
from workbench.train.batches import order_of  # noqa: E402


def world(n=300, p=12, classes=5, seed=0):
    rng = torch_generator(seed)
    centres = torch.rand(classes, p, generator=rng)
    y = torch.randint(classes, (n,), generator=rng)
    x = centres[y] + 0.35 * torch.randn(n, p, generator=rng)
    return x.clamp(0, 1), y


@pytest.fixture(scope="module")
def fixed():
    x, y = world()
    model = MLP(12, 32, 5, generator=torch_generator(1))
    fit(model, (x, y), Training(Sgd(0.1), epochs=20, batch_size=50), progress="nowhere")
    return model.eval(), x, y


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_matches_another_library_without_a_random_start(fixed, norm):
    attacks = pytest.importorskip("foolbox.attacks")
    from foolbox import PyTorchModel

    model, x, y = fixed
    kind = {"linf": attacks.LinfPGD, "l2": attacks.L2PGD}[norm]
    theirs = kind(abs_stepsize=0.03, steps=7, random_start=False).run(
        PyTorchModel(model, bounds=(0, 1), device="cpu"), x, y, epsilon=0.1)
    ours = pgd(model, x, y, eps=0.1, steps=7, step_size=0.03, norm=norm, random_start=False)
    assert torch.allclose(ours, theirs, rtol=0, atol=2e-6)


def test_matches_another_library_within_a_point(fixed):
    attacks = pytest.importorskip("foolbox.attacks")
    from foolbox import PyTorchModel

    model, x, y = fixed
    with torch.random.fork_rng():
        torch.random.set_rng_state(torch.Generator().manual_seed(3).get_state())
        moved = attacks.LinfPGD(rel_stepsize=0.25, steps=20).run(
            PyTorchModel(model, bounds=(0, 1), device="cpu"), x, y, epsilon=0.05)
    theirs = float((model(moved).argmax(1) == y).float().mean())
    ours = evaluate_robust(model, x, y, eps=0.05)
    assert abs(ours.robust - theirs) <= 0.01
    assert ours.robust < ours.clean - 0.1


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("restarts", [1, 3])
def test_matches_the_ball_and_the_range(fixed, norm, restarts):
    model, x, y = fixed
    moved = pgd(model, x, y, eps=0.2, steps=5, norm=norm, restarts=restarts,
                generator=torch_generator(0))
    change = (moved - x).flatten(1)
    size = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
    assert float(size.max()) <= 0.2 + 1e-6
    assert 0 <= float(moved.min()) <= float(moved.max()) <= 1


def test_matches_the_box_by_hand():
    low, high = box(torch.tensor([0.0, 0.05, 0.5, 1.0]), 0.1)
    assert low.tolist() == pytest.approx([0.0, -0.05, -0.1, -0.1])
    assert high.tolist() == pytest.approx([0.1, 0.1, 0.1, 0.0])
    low, high = box(torch.tensor([-3.0]), 0.1, clip=None)
    assert (float(low), float(high)) == pytest.approx((-0.1, 0.1))


def test_matches_the_worst_corner_of_a_linear_network():
    model, (x, y) = nn.Linear(12, 5), world()
    moved = pgd(nn.Sequential(model), x, y, eps=0.1, steps=1, step_size=1.0, clip=None,
                random_start=False)
    p = torch.softmax(model(x), 1)
    p[torch.arange(len(y)), y] -= 1
    assert torch.allclose(moved - x, 0.1 * (p @ model.weight).sign(), atol=1e-6)


def test_identity_eps_zero_is_clean(fixed):
    model, x, y = fixed
    report = evaluate_robust(model, x, y, eps=0.0, attacks=("pgd-5",))
    assert report.robust == report.clean == float((model(x).argmax(1) == y).double().mean())
    assert torch.equal(pgd(model, x, y, eps=0.0), x)


def test_matches_fewer_survivors_by_more_steps_and_restarts(fixed):
    model, x, y = fixed
    found = [evaluate_robust(model, x, y, eps=0.06, attacks=[Pgd(0.06, steps, restarts=many)])
             for steps, many in ((1, 1), (5, 1), (20, 1), (20, 4))]
    for before, after in itertools.pairwise(found):
        assert not (after.safe & ~before.safe).any()
    assert found[0].robust > found[-1].robust


def test_matches_an_independent_attacker(fixed):
    pytest.importorskip("pyautoattack")
    model, x, y = fixed
    state = torch.get_rng_state()
    ours = evaluate_robust(model, x, y, eps=0.05)
    theirs = evaluate_robust(model, x, y, eps=0.05, attacks=("apgd-ce", "apgd-t"))
    every = evaluate_robust(model, x, y, eps=0.05, attacks=("pgd-20", "apgd-ce", "apgd-t"))
    assert torch.equal(state, torch.get_rng_state())
    assert every.robust <= min(ours.robust, theirs.robust)
    assert 0 <= ours.robust - every.robust <= 0.03
    shifted = nn.Sequential(Back(), model)          # the same problem in other units
    again = evaluate_robust(shifted, 10 * x - 5, y, eps=0.5, attacks=("apgd-ce", "apgd-t"),
                            clip=(-5, 5))
    assert abs(again.robust - theirs.robust) <= 0.01
    free = evaluate_robust(model, x, y, eps=0.05, attacks=("apgd-ce",), clip=None)
    assert free.robust <= theirs.survived["apgd-ce"].mean() + 0.01


class Back(nn.Module):
    def forward(self, x):
        return (x + 5) / 10


def test_matches_a_report_counted_by_hand():
    y = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    right = np.array([1, 1, 1, 1, 1, 0, 1, 1], bool)
    first = np.array([1, 0, 1, 1, 0, 0, 1, 1], bool)
    second = np.array([0, 1, 1, 1, 1, 0, 1, 0], bool)
    report = RobustReport(y, right, {"a": first, "b": second}, 0.1, 4)
    assert report.clean == 7 / 8
    assert report.robust == 3 / 8                   # not the mean of 5 / 8 and 5 / 8
    assert report.per_class["class"].tolist() == [2, 0, 3, 1]
    assert report.per_class["robust"].tolist() == [0, 0, 0.5, 1]
    assert (report.tail(0.3), report.tail(0.75)) == (0, pytest.approx(1 / 6))
    assert (report.worst_class, report.balanced, report.balanced_clean) == (2, 0.375, 0.875)


def test_identity_modes_statistics_and_gradients_are_left_alone():
    x = torch.rand(32, 1, 8, 8, generator=torch_generator(0))
    y = torch.arange(32) % 3
    model = ConvNet(1, 4, 3, generator=torch_generator(1)).train()
    model.norms[1].eval()
    before = [part.training for part in model.modules()]
    kept = [buffer.clone() for buffer in model.buffers()]
    for run in (lambda: pgd(model, x, y, eps=0.1, steps=3),
                lambda: evaluate_robust(model, x, y, eps=0.1, attacks=("pgd-3",))):
        run()
        assert [part.training for part in model.modules()] == before
        assert all(torch.equal(*pair) for pair in zip(kept, model.buffers(), strict=True))
        assert all(param.grad is None for param in model.parameters())
    with pytest.raises(ValueError, match="must be a floating tensor"):
        pgd(model, x.long(), y, eps=0.1)
    assert [part.training for part in model.modules()] == before


def test_matches_adversarial_training_by_hand():
    x, y = (part[:60] for part in world())
    how = Pgd(eps=0.1, steps=3, random_start=False)
    ours, other = (MLP(12, 8, 5, generator=torch_generator(2)) for _ in range(2))
    fit(ours, (x, y), Training(Sgd(0.1), max_steps=6, batch_size=20), perturb=how,
        progress="nowhere")
    optimiser = torch.optim.SGD(other.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(2):
        for rows in order_of(60, 0, epoch).split(20):
            at = x[rows].clone()
            for _ in range(3):
                at.requires_grad_()
                slope, = torch.autograd.grad(nn.functional.cross_entropy(
                    other(at), y[rows], reduction="sum"), at)
                at = (at.detach() + 0.025 * slope.sign()).clamp(0, 1)
            optimiser.zero_grad()
            nn.functional.cross_entropy(other(at), y[rows]).backward()
            optimiser.step()
    for one, two in zip(ours.parameters(), other.parameters(), strict=True):
        assert torch.allclose(one, two, rtol=0, atol=1e-6)


def test_recovers_a_network_that_stands_attacks():
    (x, y), found = world(), {}
    for name, perturb in (("plain", None), ("attacked", Pgd(eps=0.1, steps=5))):
        model = MLP(12, 32, 5, generator=torch_generator(1))
        fit(model, (x, y), Training(Sgd(0.1), epochs=40, batch_size=50), perturb=perturb,
            progress="nowhere")
        found[name] = evaluate_robust(model, x, y, eps=0.1).robust
    assert found["attacked"] > found["plain"] + 0.05


@pytest.mark.parametrize(("options", "message"), [
    ({"eps": -0.1}, "eps must be a number >= 0, got -0.1"),
    ({"eps": float("nan")}, "eps must be a number >= 0"),
    ({"eps": 0.1, "steps": 0}, "steps must be a whole number of at least 1"),
    ({"eps": 0.1, "restarts": 0}, "restarts must be a whole number"),
    ({"eps": 0.1, "step_size": -1.0}, "step_size must be positive"),
    ({"eps": 0.1, "norm": "l1"}, "norm must be one of"),
    ({"eps": 0.1, "clip": (1, 0)}, "clip must be two rising numbers"),
    ({"eps": 0.1, "clip": (0, 0.5)}, r"lie within clip \(0, 0.5\)"),
])
def test_rejects_attacks_that_cannot_be(fixed, options, message):
    with pytest.raises(ValueError, match=message):
        pgd(*fixed, **options)


def test_rejects_networks_and_rows_that_cannot_be_attacked(fixed, monkeypatch):
    model, x, y = fixed
    broken = MLP(12, 4, 5, generator=torch_generator(0))
    with torch.no_grad():
        broken.layers[0].weight.fill_(torch.nan)
    with pytest.raises(ValueError, match="losses must be finite to be attacked"):
        pgd(broken, x, y, eps=0.1)
    for options, message in (
            ({"model": broken}, "outputs must be finite logits"),
            ({"y": y + 4}, "labels must lie between 0 and 4"), ({"y": y[:4]}, "each of 300 rows"),
            ({"x": 3 * x}, "within clip"), ({"attacks": ("pgd-x",)}, "attacks must be one of"),
            ({"batch_size": 0}, "batch_size must be a whole")):
        given = {"model": model, "x": x, "y": y, "eps": 0.1} | options
        with pytest.raises(ValueError, match=message):
            evaluate_robust(**given)
    with pytest.raises(TypeError, match="attacks must be names or perturbations"):
        evaluate_robust(model, x, y, eps=0.1, attacks=(3,))
    with pytest.raises(ValueError, match="share must lie"):
        evaluate_robust(model, x, y, eps=0.1).tail(0)
    monkeypatch.setitem(sys.modules, "pyautoattack", None)
    monkeypatch.setitem(sys.modules, "pyautoattack.autopgd_base", None)
    with pytest.raises(ImportError, match=r"pip install 'workbench\[attacks\]'"):
        evaluate_robust(model, x, y, eps=0.1, attacks=("apgd-ce",))


def test_rejects_targets_for_too_few_classes():
    pytest.importorskip("pyautoattack")
    x, y = world(classes=2)
    model = MLP(12, 4, 2, generator=torch_generator(0))
    with pytest.raises(ValueError, match="attacks must fit 2 classes, got 'apgd-t'"):
        evaluate_robust(model, x, y, eps=0.1, attacks=("apgd-t",))
    assert evaluate_robust(model, x, y, eps=0.1, attacks=("apgd-ce",)).robust <= 1


def test_matches_perturbations_of_ones_own(fixed):
    model, x, y = fixed
    grey = evaluate_robust(model, x, y, eps=1.0, attacks=[
        lambda _, micro, __: replace(micro, x=torch.full_like(micro.x, 0.5))])
    answer = int(model(torch.full((1, 12), 0.5)).argmax())
    assert set(grey.y[grey.safe]) <= {answer}


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("clip", [(0.0, 1.0), None])
def test_identity_nothing_is_left_to_attack(fixed, norm, clip):
    pytest.importorskip("pyautoattack")
    model, x, _ = fixed
    wrong = (model(x).argmax(1) + 1) % 5
    report = evaluate_robust(model, x, wrong, eps=0.1, norm=norm, clip=clip,
                             attacks=("pgd-3", "apgd-ce", "apgd-t"))
    assert report.clean == report.robust == 0
    assert pgd(model, x[:0], wrong[:0], eps=0.1, norm=norm).shape == (0, 12)


class Torn(nn.Module):
    """Class 0 for certain at 0.5 alone, and no number beside it."""

    def forward(self, x):
        first = torch.where((x - 0.5).abs().sum(1) > 0, torch.nan, 1.0)
        return torch.stack([first, x.sum(1) * 0], 1)


class Rough(nn.Module):
    """A gradient that is no number, for the square root at zero."""

    def forward(self, x):
        return torch.stack([(x * 0).pow(2).sum(1).sqrt() + 1, x.sum(1) * 0], 1)


def test_identity_a_gradient_that_is_no_number_moves_nothing():
    x, y = torch.full((3, 4), 0.5), torch.zeros(3, dtype=torch.long)
    for norm in ("linf", "l2"):
        moved = pgd(Rough(), x, y, eps=0.1, steps=2, norm=norm, random_start=False)
        assert torch.equal(moved, x)


def test_matches_rows_without_an_answer_that_count_as_fallen():
    x, y = torch.full((3, 4), 0.5), torch.zeros(3, dtype=torch.long)
    report = evaluate_robust(Torn(), x, y, eps=0.1, attacks=[
        lambda _, micro, __: replace(micro, x=micro.x + 0.05), Pgd(0.1, 2)])
    assert report.clean == 1
    assert not report.survived[next(iter(report.survived))].any()
    assert evaluate_robust(Torn(), x, y, eps=0.1).robust == 0


def test_rejects_inputs_that_are_no_numbers(fixed):
    model, x, y = fixed
    for bad in (float("nan"), float("inf")):
        broken = x.clone()
        broken[3, 4] = bad
        for clip in ((0.0, 1.0), None):
            with pytest.raises(ValueError, match="inputs must be finite to be attacked"):
                evaluate_robust(model, broken, y, eps=0.1, clip=clip)
