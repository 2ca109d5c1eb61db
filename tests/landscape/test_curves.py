"""Bezier curves: their ends, their schedule, their descent, one pair among many."""

import pytest
import torch

from workbench.landscape.curves import (
    CurveTraining,
    bezier,
    curve_rate,
    midpoint,
    speeds,
    train_curves,
)


def ends(small, pairs=3):
    return small.params(pairs, seed=1), small.params(pairs, seed=2)


def losses_of(small):
    x, y = small.data(rows=64)
    return lambda params, rows: small.losses(params, x[rows], y[rows])


def test_identity_ends_are_kept_bit_for_bit(small):
    a, b = ends(small)
    a["2.bias"][0, 0] = -0.0
    bend = {name: tensor * 1e30 for name, tensor in a.items()}
    for t, end in ((0.0, a), (1.0, b)):
        for name, tensor in bezier(a, bend, b, t).items():
            assert torch.equal(tensor.view(torch.int64), end[name].view(torch.int64))
    mixed = bezier(a, bend, b, torch.tensor([0.0, 1.0, 0.0]))
    assert torch.equal(mixed["0.bias"], torch.stack([a["0.bias"][0], b["0.bias"][1],
                                                     a["0.bias"][2]]))


def test_identity_the_midpoint_gives_the_straight_line(small):
    a, b = ends(small)
    for t in (0.1, 0.5, 0.8):
        for name, tensor in bezier(a, midpoint(a, b), b, t).items():
            assert torch.allclose(tensor, (1 - t) * a[name] + t * b[name], atol=1e-14)
    distance = sum(((a[name] - b[name]) ** 2).flatten(1).sum(1) for name in a).sqrt()
    assert torch.allclose(speeds(a, midpoint(a, b), b, 0.3), distance)


def test_matches_the_derivative_of_the_curve(small):
    a, b = ends(small)
    bend = small.params(3, seed=5)
    step = 1e-6
    ahead, behind = (bezier(a, bend, b, 0.3 + sign * step) for sign in (1, -1))
    slope = sum((((ahead[name] - behind[name]) / 2 / step) ** 2).flatten(1).sum(1)
                for name in a).sqrt()
    assert torch.allclose(speeds(a, bend, b, 0.3), slope, rtol=1e-8)


def test_identity_the_schedule_is_a_function_of_the_epoch_alone():
    assert [curve_rate(epoch, 50) for epoch in (1, 25)] == [1, 1]
    assert curve_rate(35, 50) == pytest.approx(1 - 0.99 * 0.5)
    assert curve_rate(45, 50) == curve_rate(50, 50) == pytest.approx(0.01)


def test_matches_plain_descent_of_one_bend(small):
    a, b = ends(small, pairs=1)
    losses, how = losses_of(small), CurveTraining(epochs=3, batch_size=16, learning_rate=0.1)
    seen = []

    def noted(params, rows):
        seen.append((rows, {name: tensor.detach().clone() for name, tensor in params.items()}))
        return losses(params, rows)
    found = train_curves(noted, a, b, 64, how, rng=small.generator())
    assert len(seen) == 3 * 4
    bend = {name: tensor.clone().requires_grad_() for name, tensor in midpoint(a, b).items()}
    optimiser = torch.optim.SGD(bend.values(), lr=0.1, momentum=0.9)
    for step, (rows, point) in enumerate(seen):
        optimiser.param_groups[0]["lr"] = 0.1 * (1, 1 - 0.99 * (2 / 3 - 0.5) / 0.4,
                                                 0.01)[step // 4]
        t = place_of(a["0.bias"], bend["0.bias"].detach(), b["0.bias"], point["0.bias"])
        point = {name: (1 - t) ** 2 * a[name] + 2 * t * (1 - t) * bend[name] + t * t * b[name]
                 for name in a}
        decay = sum((tensor ** 2).sum() for tensor in point.values())
        optimiser.zero_grad()
        (losses(point, rows).sum() + 5e-4 / 2 * decay).backward()
        optimiser.step()
    for name, tensor in bend.items():
        assert torch.allclose(found[name], tensor, atol=1e-9)


def place_of(a, bend, b, point):
    """The t of a point by Gauss-Newton steps."""
    t = torch.tensor(0.5, dtype=torch.float64)
    for _ in range(60):
        gap = (1 - t) ** 2 * a + 2 * t * (1 - t) * bend + t * t * b - point
        slope = 2 * (1 - t) * (bend - a) + 2 * t * (b - bend)
        t = t - (gap * slope).sum() / (slope ** 2).sum()
    assert gap.abs().max() < 1e-13
    return t


def test_recovers_a_lower_loss_than_the_straight_line(small):
    a, b = ends(small)
    losses = losses_of(small)
    bend = train_curves(losses, a, b, 64, CurveTraining(epochs=20, learning_rate=0.2),
                        rng=small.generator())
    rows = torch.arange(64)
    middles = [losses(bezier(a, one, b, 0.5), rows) for one in (bend, midpoint(a, b))]
    assert (middles[0] < middles[1]).all()


def test_identity_a_pair_does_not_feel_the_others(small):
    a, b = ends(small)
    how = CurveTraining(epochs=2, batch_size=16)
    whole = train_curves(losses_of(small), a, b, 64, how, rng=small.generator())
    first = ({name: tensor[:1] for name, tensor in end.items()} for end in (a, b))
    alone = train_curves(losses_of(small), *first, 64, how, rng=small.generator())
    a["0.bias"][2] = torch.nan
    holed = train_curves(losses_of(small), a, b, 64, how, rng=small.generator())
    for name, tensor in whole.items():
        assert torch.allclose(tensor[:1], alone[name], atol=1e-12)
        assert torch.equal(tensor[:2], holed[name][:2])
    assert holed["0.bias"][2].isnan().all()


def test_identity_no_epochs_leave_the_straight_line(small):
    a, b = ends(small)
    found = train_curves(losses_of(small), a, b, 64, CurveTraining(epochs=0),
                         rng=small.generator())
    assert all(torch.equal(tensor, midpoint(a, b)[name]) for name, tensor in found.items())


def test_rejects_places_off_the_curve_and_bad_settings(small):
    a, b = ends(small)
    with pytest.raises(ValueError, match="t must lie in"):
        bezier(a, a, b, 1.5)
    with pytest.raises(ValueError, match="momentum must lie in"):
        CurveTraining(momentum=1.0)
    with pytest.raises(ValueError, match="epochs must be >= 0"):
        CurveTraining(epochs=-1)
