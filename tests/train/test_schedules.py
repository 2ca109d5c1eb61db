"""Schedules against PyTorch's own, which count steps instead of taking the share that is done."""

import numpy as np
import pytest

from workbench.train import constant, cosine, one_cycle, steps, warm_up

TOTAL = 50


def theirs(make):
    torch = pytest.importorskip("torch")
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule, rates = make(torch.optim.lr_scheduler, optimiser), []
    for _ in range(TOTAL):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return rates


@pytest.mark.parametrize(("ours", "make"), [
    (steps((0.5, 0.8), 0.2), lambda s, o: s.MultiStepLR(o, [25, 40], gamma=0.2)),
    (cosine(0.1), lambda s, o: s.CosineAnnealingLR(o, TOTAL, eta_min=0.1)),
    (warm_up(0.2, cosine()), lambda s, o: s.SequentialLR(o, [
        s.LambdaLR(o, lambda k: k / 10), s.CosineAnnealingLR(o, 40)], milestones=[10])),
])
@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
def test_matches_pytorch(ours, make):
    assert [ours(step / TOTAL) for step in range(TOTAL)] == pytest.approx(theirs(make), abs=1e-9)


def test_matches_one_cycle_of_pytorch():
    pytest.importorskip("torch")
    rates = theirs(lambda s, o: s.OneCycleLR(o, 1.0, total_steps=TOTAL + 2, pct_start=0.3,
                                             div_factor=25, final_div_factor=1e4,
                                             cycle_momentum=False))
    peak = (0.3 * (TOTAL + 2) - 1) / (TOTAL + 1)           # theirs ends on its last step
    ours = one_cycle(peak)
    assert [ours(step / (TOTAL + 1)) for step in range(TOTAL)] == pytest.approx(rates, abs=1e-9)


def test_identity_a_schedule_is_a_function_of_its_argument_alone():
    for schedule in (constant, steps(), cosine(), one_cycle(), warm_up(0.1, cosine())):
        forwards = [schedule(t) for t in np.linspace(0, 1, 20)]
        assert forwards[::-1] == [schedule(t) for t in np.linspace(0, 1, 20)[::-1]]


@pytest.mark.parametrize("make", [lambda: steps((1.5,)), lambda: cosine(-1), lambda: one_cycle(0),
                                  lambda: warm_up(1.0), lambda: steps(factor=0)])
def test_rejects_shares_out_of_range(make):
    with pytest.raises(ValueError, match="must"):
        make()
