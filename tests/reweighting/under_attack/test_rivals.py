"""Earlier weights under attack, by their formulas in plain numbers."""

import math

import pytest

torch = pytest.importorskip("torch")

from workbench.reweighting.under_attack.rivals import (  # noqa: E402
    CountingPgd,
    GairatWeighter,
    MailWeighter,
)
from workbench.train import MLP, Batch, Pgd, Sgd, Training, fit, torch_generator  # noqa: E402
from workbench.train.micro import Micro  # noqa: E402


def told(losses, **more):
    return Batch(losses=losses, total_steps=10, epoch=0, rank=0, world_size=1,
                 generator=torch_generator(0), gather=lambda rows: rows,
                 local=lambda rows: rows, **more)


def test_matches_the_formula_of_geometry():
    kappa = torch.tensor([0, 5, 10])
    weights = GairatWeighter(steps=10)(told(torch.ones(3).double(), step=9, group=kappa))
    amounts = [(1 + math.tanh(-1 + 5 * (1 - 2 * k / 10))) / 2 for k in kappa.tolist()]
    assert weights.tolist() == pytest.approx([one / sum(amounts) for one in amounts])


def test_matches_the_formula_of_margins():
    logits, y = torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]]), torch.tensor([0, 2])
    weights = MailWeighter()(told(torch.ones(2), step=9, logits=logits, targets=y))
    amounts = []
    for row, own in zip(logits.tolist(), y.tolist(), strict=True):
        p = [math.exp(one) / sum(map(math.exp, row)) for one in row]
        margin = p[own] - max(p[:own] + p[own + 1:])
        amounts.append(1 / (1 + math.exp(10 * (margin - 0.5))))
    assert weights.tolist() == pytest.approx([one / sum(amounts) for one in amounts], rel=1e-5)


def test_identity_burn_in_is_uniform():
    for weighter in (GairatWeighter(), MailWeighter()):
        batch = told(torch.ones(4), step=4, group=torch.arange(4))
        assert weighter(batch).tolist() == [0.25] * 4


def test_matches_the_attack_that_does_not_count():
    rng = torch_generator(0)
    x, y = torch.rand(30, 5, generator=rng), torch.randint(3, (30,), generator=rng)
    model, attack = MLP(5, 8, 3, generator=rng), Pgd(eps=0.1, steps=4)
    counted = CountingPgd(attack)(model, Micro(x, y), torch_generator(1))
    plain = attack(model, Micro(x, y), torch_generator(1))
    assert torch.equal(counted.x, plain.x)
    right = model(x).argmax(1) == y
    assert 0 <= int(counted.group.min()) <= int(counted.group.max()) <= 4
    assert float(counted.group[right].float().mean()) > float(
        counted.group[~right].float().mean())


def test_matches_a_run_in_the_loop():
    rng = torch_generator(0)
    x, y = torch.rand(60, 5, generator=rng), torch.randint(3, (60,), generator=rng)
    attack = Pgd(eps=0.1, steps=4)
    for weighter, perturb in ((GairatWeighter(4, burn_in=0.0), CountingPgd(attack)),
                              (MailWeighter(burn_in=0.0), attack)):
        done = fit(MLP(5, 8, 3, generator=torch_generator(1)), (x, y),
                   Training(Sgd(0.1), epochs=2, batch_size=20, log_every=1), weighter=weighter,
                   perturb=perturb, progress="nowhere")
        assert done.status == "finished"
        assert (done.history.effective_size < 19.99999999).all()
        assert done.history.effective_size.min() > 1


def test_rejects_what_cannot_be():
    with pytest.raises(ValueError, match="steps must be a whole number"):
        GairatWeighter(steps=0)
    with pytest.raises(ValueError, match="slope must be positive"):
        MailWeighter(slope=0.0)
    with pytest.raises(ValueError, match="burn_in must lie"):
        MailWeighter(burn_in=1.0)
    with pytest.raises(ValueError, match="restarts must be 1"):
        CountingPgd(Pgd(eps=0.1, restarts=2))
