"""Weights of the worst case against closed forms, and in the loop on processes and resumed."""

import math
import os

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy import optimize  # noqa: E402

from tests.train.pairs import run_in_two  # noqa: E402
from workbench.reweighting.robust_adversarial import (  # noqa: E402
    KullbackLeiblerWeighter,
    kl_dro_objective,
    kl_dro_weights,
)
from workbench.reweighting.under_attack.barrier import Barrier, ImplicitGradient  # noqa: E402
from workbench.train import MLP, Pgd, Sgd, Training, fit, torch_generator  # noqa: E402

ATTACK = Barrier(eps=0.1, steps=3, random_start=False)
DONE = {"weighter": KullbackLeiblerWeighter(temperature=0.5), "perturb": ATTACK,
        "penalty": ImplicitGradient(ATTACK)}
WEIGHTS = {"weighter": KullbackLeiblerWeighter(temperature=0.3, w_max=2.0, burn_in=0.3),
           "perturb": Pgd(eps=0.1, steps=3, random_start=False)}


def draws(n=50, seed=0, scale=2.0):
    return scale * torch.rand(n, generator=torch_generator(seed), dtype=torch.float64)


def test_matches_the_constrained_maximum_by_a_solver():
    losses = draws(6).numpy()
    found = optimize.minimize(
        lambda w: 0.7 * float(w @ np.log(6 * w)) - float(w @ losses), np.full(6, 1 / 6),
        bounds=[(1e-9, 1)] * 6, constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 500})
    ours = kl_dro_weights(torch.as_tensor(losses), 0.7).numpy()
    assert np.allclose(ours, found.x, atol=1e-5)
    assert float(kl_dro_objective(torch.as_tensor(losses), 0.7)) == pytest.approx(
        -found.fun, abs=1e-9)


def test_matches_the_gradient_of_the_objective():
    losses = draws().requires_grad_()
    for r in (0.1, 1.0, 30.0):
        slope, = torch.autograd.grad(kl_dro_objective(losses, r), losses)
        assert torch.allclose(slope, kl_dro_weights(losses.detach(), r), rtol=1e-10)
    assert kl_dro_objective(losses, 1e6).item() == pytest.approx(losses.mean().item(), abs=1e-5)
    assert kl_dro_objective(losses, 1e-4).item() == pytest.approx(losses.max().item(), abs=1e-3)
    gap = kl_dro_objective(losses, 100.0) - losses.mean()
    assert gap.item() == pytest.approx(losses.var(correction=0).item() / 200, rel=0.02)


def test_identity_large_temperatures_are_uniform():
    losses = draws()
    assert torch.allclose(kl_dro_weights(losses, 1e6), torch.full_like(losses, 1 / 50),
                          atol=1e-5 / 50)
    weighter = KullbackLeiblerWeighter(temperature=math.inf)
    for some in (losses, losses.float(), 1e4 * losses):
        uniform = torch.full_like(some, 1 / 50)
        assert torch.equal(weighter(some), uniform)
        assert torch.equal(weighter.update(weighter.init(0), some)[1], uniform)


def test_identity_a_constant_added_to_all_losses():
    losses = draws()
    assert torch.allclose(kl_dro_weights(losses + 7, 0.5), kl_dro_weights(losses, 0.5),
                          rtol=1e-9)


def test_identity_without_memory_it_is_a_softmax():
    weighter = KullbackLeiblerWeighter(temperature=0.5, eta=1.0)
    state = weighter.init(0)
    assert not weighter.free_sum
    for seed in range(3):
        losses = draws(seed=seed)
        state, weights = weighter.update(state, losses)
        assert torch.allclose(weights, (losses / 0.5).softmax(0), rtol=1e-10)


def test_matches_the_moving_average_in_plain_numbers():
    weighter = KullbackLeiblerWeighter(temperature=0.8, eta=0.3)
    state, u = weighter.init(0), None
    for seed in range(6):
        losses = draws(seed=seed, scale=1.0 + seed % 2)
        now = float((losses / 0.8).exp().mean())
        u = now if u is None else 0.7 * u + 0.3 * now
        state, weights = weighter.update(state, losses)
        expected = np.minimum(np.exp(losses.numpy() / 0.8) / u, 1 / 0.3) / 50
        assert np.allclose(weights.numpy(), expected, rtol=1e-10)
        assert weighter.metrics(state)["worst_case"].item() == pytest.approx(0.8 * math.log(u))


def test_matches_finite_weights_of_huge_losses():
    weighter = KullbackLeiblerWeighter(temperature=0.1, eta=0.1)
    state, _ = weighter.update(weighter.init(0), torch.tensor([0.0, 1e4]))
    for losses in (torch.tensor([800.0, 1e4]), torch.zeros(4), torch.full((4,), 1e4)):
        state, weights = weighter.update(state, losses)
        assert bool(torch.isfinite(weights).all())
        assert float(weights.max()) <= 10 / len(losses) * (1 + 1e-6)
    calm = KullbackLeiblerWeighter(temperature=1.0, eta=0.1)
    state, _ = calm.update(calm.init(0), torch.zeros(8))
    _, weights = calm.update(state, torch.full((8,), 100.0))       # all jump: exactly 1 / eta
    assert torch.allclose(weights, torch.full((8,), 10 / 8))
    assert bool(torch.isfinite(kl_dro_objective(torch.tensor([0.0, 1e4]), 0.1)))


def test_matches_weights_that_do_not_vanish_after_a_large_loss():
    weighter = KullbackLeiblerWeighter(temperature=0.05)
    state, _ = weighter.update(weighter.init(0), torch.tensor([40.0, 1.0]))
    state, weights = weighter.update(state, torch.tensor([0.1, 0.2, 0.15]))
    assert float(state["log_u"]) == pytest.approx(800 + math.log(0.5) + math.log(0.9), rel=1e-9)
    assert 0 < float(weights.sum()) < 1e-30
    assert float(weights[1] / weights[0]) == pytest.approx(math.exp(2), rel=1e-4)
    x, y = data()
    model = MLP(5, 8, 3, generator=torch_generator(6)).double()
    with torch.no_grad():
        model.layers[-1].bias[0] = 600.0              # a start that is far off
    done = fit(model, (x, y), Training(Sgd(1.0), epochs=60, batch_size=16, clip=None),
               weighter=KullbackLeiblerWeighter(temperature=0.05, eta=0.01), progress="nowhere")
    assert done.status == "finished"


def data():
    rng = torch_generator(5)
    return torch.rand(64, 5, generator=rng, dtype=torch.float64), torch.randint(
        3, (64,), generator=rng)


def go(options, **how):
    model = MLP(5, 8, 3, generator=torch_generator(6)).double()
    done = fit(model, data(), Training(Sgd(0.2), epochs=2, log_every=1, device="cpu", **how),
               progress="nowhere", **options)
    return np.concatenate([param.detach().flatten() for param in model.parameters()]), done


def both(folder):
    for name, options in (("done", DONE), ("weights", WEIGHTS)):
        numbers, _ = go(options, batch_size=4, accumulate=2, devices=2)
        if os.environ["RANK"] == "0":
            np.save(folder / f"{name}.npy", numbers)


def test_matches_one_process_when_two_share_the_step(tmp_path):
    run_in_two(__file__, tmp_path)
    for name, options in (("done", DONE), ("weights", WEIGHTS)):
        alone, _ = go(options, batch_size=16)
        assert np.abs(np.load(tmp_path / f"{name}.npy") - alone).max() < 1e-12, name


def test_matches_a_whole_step_with_micro_batches():
    for options in (DONE, WEIGHTS):
        whole, _ = go(options, batch_size=16)
        parts, _ = go(options, batch_size=4, accumulate=4)
        assert np.abs(whole - parts).max() < 1e-12


def test_identity_neutral_training_is_adversarial_training():
    attack = Pgd(eps=0.1, steps=3)
    plain, _ = go({"perturb": attack}, batch_size=16)
    ours, done = go({"perturb": attack, "weighter": KullbackLeiblerWeighter(math.inf)},
                    batch_size=16)
    assert np.array_equal(plain, ours)
    assert done.history.effective_size.tolist() == pytest.approx([16.0] * 8)


def test_identity_a_resumed_training_remembers(tmp_path):
    attack = Barrier(eps=0.1, steps=3)                   # with random starts
    options = {**DONE, "perturb": attack, "penalty": ImplicitGradient(attack)}
    whole, _ = go(options, batch_size=16, save_every=3)

    class Enough:
        steps = 0

        def is_set(self):
            self.steps += 1
            return self.steps == 4
    model = MLP(5, 8, 3, generator=torch_generator(6)).double()
    how = Training(Sgd(0.2), epochs=2, log_every=1, device="cpu", batch_size=16, save_every=3)
    for stop in (Enough(), None):
        done = fit(model, data(), how, progress="nowhere", folder=tmp_path, stop=stop, **options)
    assert done.status == "finished"
    assert np.array_equal(whole, np.concatenate(
        [param.detach().flatten() for param in model.parameters()]))
    with pytest.raises(ValueError, match="a resumed run must keep its settings"):
        fit(model, data(), how, progress="nowhere", folder=tmp_path, **{
            **options, "weighter": KullbackLeiblerWeighter(temperature=9.0)})


def test_identity_burn_in_is_uniform_and_ends_in_time():
    _, done = go(WEIGHTS, batch_size=16)
    size = done.history.effective_size.to_numpy()
    assert size[:3] == pytest.approx(16, rel=1e-9)
    assert (size[3:] < 15.99).all()
    assert (done.history.worst_case.to_numpy() > done.history.loss.to_numpy().min()).all()


def test_matches_divergence_that_is_reported():
    x, y = data()
    for options in (DONE, WEIGHTS):
        model = MLP(5, 8, 3, generator=torch_generator(6)).double()
        done = fit(model, (x, y), Training(Sgd(1e200), epochs=4, batch_size=16),
                   progress="nowhere", **options)
        assert done.status == "diverged"


@pytest.mark.parametrize(("options", "message"), [
    ({"temperature": 0.0}, "temperature must be positive"),
    ({"temperature": math.nan}, "temperature must be positive"),
    ({"eta": 0.0}, r"eta must lie in \(0, 1\]"), ({"eta": 1.5}, "eta must lie in"),
    ({"w_max": 0.5}, "w_max must be at least 1"), ({"burn_in": 1.0}, "burn_in must lie in"),
    ({"scope": "epoch"}, "scope must be one of"),
])
def test_rejects_weighters_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        KullbackLeiblerWeighter(**options)


def test_rejects_losses_without_rows():
    for some in (torch.zeros(0), torch.zeros(())):
        with pytest.raises(ValueError, match="losses must have rows"):
            kl_dro_weights(some, 1.0)
    with pytest.raises(ValueError, match="temperature must be positive"):
        kl_dro_objective(draws(), -1.0)
