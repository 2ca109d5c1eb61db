"""The smooth attack and its reaction, against bisection and finite differences."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from workbench.reweighting.robust_adversarial import (  # noqa: E402
    KullbackLeiblerWeighter,
    kl_dro_objective,
    kl_dro_weights,
)
from workbench.reweighting.under_attack.barrier import (  # noqa: E402
    Barrier,
    ImplicitGradient,
    barrier_attack,
    implicit_cross_term,
)
from workbench.train import (  # noqa: E402
    MLP,
    Sgd,
    Training,
    box,
    evaluate_robust,
    fit,
    torch_generator,
)
from workbench.train.micro import Micro  # noqa: E402

N, P = 12, 6


class Margin(nn.Module):
    """A linear score, whose attack objective is linear in the change."""

    def __init__(self, w):
        super().__init__()
        self.w = nn.Parameter(w.clone())

    def forward(self, x):
        return x @ self.w


def linear_loss(outputs, y):
    return -y * outputs


def softplus_loss(outputs, y):
    return nn.functional.softplus(-y * outputs)


def world(seed=0):
    rng = torch_generator(seed)
    x = torch.rand(N, P, generator=rng, dtype=torch.float64)
    y = torch.randint(2, (N,), generator=rng).double() * 2 - 1
    return x, y, torch.randn(P, generator=rng, dtype=torch.float64)


def solved(w, x, y, attack):
    """The lower problem of a linear attack, coordinate by coordinate, by bisection."""
    low = torch.clamp(-x, min=-attack.eps)
    high = torch.clamp(1 - x, max=attack.eps)
    pull = -y[:, None] * w                           # gradient of the attack's loss in d
    a, b = low.clone(), high.clone()
    for _ in range(200):
        d = (a + b) / 2
        slope = 2 * attack.lam * d - pull + attack.c * (1 / (high - d) - 1 / (d - low))
        a, b = torch.where(slope < 0, d, a), torch.where(slope < 0, b, d)
    return (a + b) / 2


def objective(w, x, y, attack, temperature):
    d = solved(w, x, y, attack)
    return kl_dro_objective(softplus_loss((x + d) @ w, y), temperature)


def by_differences(w, *given, size=1e-5):
    steps = size * torch.eye(P, dtype=torch.float64)
    return torch.stack([(objective(w + step, *given) - objective(w - step, *given)) / (2 * size)
                        for step in steps])


def test_matches_finite_differences_of_the_worst_case():
    """Direct and implicit gradients of the smooth worst case, where the formula is exact.

    The attack maximises -y <w, d>; the chain to the loss is sigmoid(-m) of the same gradient, so
    the term of the loss is <grad_d loss, H^-1 grad_d objective>, with both differentiated in w.
    """
    x, y, w = world()
    attack = Barrier(eps=0.1, lam=0.5, c=0.01, loss=linear_loss)
    d = solved(w, x, y, attack)
    model = Margin(w)
    at = (x + d).requires_grad_()
    losses = softplus_loss(model(at), y)
    weights = kl_dro_weights(losses.detach(), 0.7)
    share = torch.sigmoid(-y * (at.detach() @ w))          # of the loss by the attack's objective
    rows = implicit_cross_term(linear_loss(model(at), y), at, x, attack)
    direct, = torch.autograd.grad(weights @ losses, model.w, retain_graph=True)
    term, = torch.autograd.grad((weights * share) @ rows, model.w)
    exact = by_differences(w, x, y, attack, 0.7)
    assert torch.allclose(direct + term, exact, rtol=0, atol=1e-6)
    assert float((direct - exact).abs().max()) > 0.003       # what leaving it out costs


def test_matches_the_sign_of_the_reaction():
    """Without the cross term the gradient is off, with the other sign it is off by twice that."""
    x, y, w = world(3)
    attack = Barrier(eps=0.1, lam=0.5, c=0.01, loss=linear_loss)
    model = Margin(w)
    at = (x + solved(w, x, y, attack)).requires_grad_()
    losses = linear_loss(model(at), y)
    direct, = torch.autograd.grad(losses.mean(), model.w, retain_graph=True)
    term, = torch.autograd.grad(implicit_cross_term(losses, at, x, attack).mean(), model.w)
    size = 1e-5
    exact = torch.stack([sum(sign * linear_loss((x + solved(v, x, y, attack)) @ v, y).mean()
                             for sign, v in ((1, w + step), (-1, w - step))) / (2 * size)
                         for step in size * torch.eye(P, dtype=torch.float64)])
    gaps = [float((direct + factor * term - exact).abs().max()) for factor in (1, 0, -1)]
    assert gaps[0] < 1e-6
    assert gaps[2] == pytest.approx(2 * gaps[1], rel=1e-3)


@pytest.mark.parametrize(("mode", "size", "steps", "slack"), [
    ("adam", 1e-3, 3000, 2e-3), ("gd", 5e-4, 4000, 1e-4)])
def test_matches_the_solution_by_bisection(mode, size, steps, slack):
    x, y, w = world(1)
    attack = Barrier(eps=0.1, steps=steps, step_size=size, lam=1.0, c=0.01, mode=mode,
                     random_start=False, loss=linear_loss)
    moved = attack.attacked(Margin(w), x, y)
    assert float((moved - x - solved(w, x, y, attack)).abs().max()) < slack


@pytest.mark.parametrize("mode", ["sign", "gd", "adam"])
def test_matches_the_inside_of_the_box_at_every_step(mode):
    rng = torch_generator(0)
    x, y = torch.rand(40, 9, generator=rng), torch.randint(3, (40,), generator=rng)
    x[:5], x[5:10] = 0.0, 1.0
    model = MLP(9, 8, 3, generator=rng)
    low, high = box(x, 0.1)
    for at in Barrier(eps=0.1, steps=30, mode=mode).path(model, x, y, generator=rng):
        assert bool((at - x > low).all() and (at - x < high).all())


def test_identity_without_a_price_it_is_the_corner_of_the_box():
    x, y, w = world()
    low, high = box(x, 0.1)
    corner = torch.where(-y[:, None] * w > 0, high, low)
    gaps = []
    for c in (1e-2, 1e-3, 1e-4):
        attack = Barrier(eps=0.1, steps=60, lam=0.0, c=c, loss=linear_loss)
        gaps.append(float((solved(w, x, y, attack) - corner).abs().max()))
    assert gaps[0] > gaps[1] > gaps[2]
    sharp = Barrier(eps=0.1, steps=60, lam=0.0, c=1e-8, loss=linear_loss)
    moved = sharp.attacked(Margin(w), x, y, generator=torch_generator(0)) - x
    assert torch.allclose(moved, corner, atol=0.01 * 0.2 + 1e-9)


def test_identity_a_large_price_leaves_the_centre_and_no_reaction():
    x, y, w = world()
    attack = Barrier(eps=0.1, lam=1e9, c=1e-9, loss=linear_loss)
    d = solved(w, x, y, attack)
    assert float(d.abs().max()) < 1e-6
    model = Margin(w)
    at = (x + d).requires_grad_()
    rows = implicit_cross_term(linear_loss(model(at), y), at, x, attack)
    assert float(torch.autograd.grad(rows.sum(), model.w)[0].abs().max()) < 1e-6


def network(seed=0):
    return MLP(5, 8, 3, activation="tanh", generator=torch_generator(seed)).double()


def params(model):
    return torch.cat([param.detach().flatten() for param in model.parameters()])


def rows(n=48):
    rng = torch_generator(7)
    return torch.rand(n, 5, generator=rng, dtype=torch.float64), torch.randint(
        3, (n,), generator=rng)


def by_hand(data, attack, steps, size):
    """Equations (5) to (8), with a Hessian-vector product in place of the double backward."""
    from workbench.train.batches import order_of

    model, (x, y) = network(), data
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    log_u = None
    for step in range(steps):
        some = order_of(len(x), 0, 0)[step * size:][:size]
        clean, labels = x[some], y[some]
        at = attack(model, Micro(clean, labels), torch_generator(0)).x.detach().requires_grad_()
        losses = nn.functional.cross_entropy(model(at), labels, reduction="none")
        mean = (losses.detach() / 2.0).exp().mean()
        log_u = mean if log_u is None else 0.9 * log_u + 0.1 * mean
        weights = (losses.detach() / 2.0).exp() / log_u / size
        slope = torch.autograd.grad(losses.sum(), at)[0]
        d, low, high = at.detach() - clean, *box(clean, attack.eps)
        reaction = slope / (2 * attack.lam + attack.c / (high - d) ** 2
                            + attack.c / (d - low) ** 2)
        small, start = 1e-4, at.detach()
        ahead, here, behind = (nn.functional.cross_entropy(
            model(start + far * reaction), labels, reduction="none")
            for far in (small, 0.0, -small))
        optimiser.zero_grad()
        (weights * (here + (ahead - behind) / (2 * small))).sum().backward()
        optimiser.step()
    return model


def test_matches_the_whole_method_written_out_by_hand():
    attack = Barrier(eps=0.1, steps=4, lam=0.1, random_start=False)
    model = network()
    fit(model, rows(), Training(Sgd(0.1), max_steps=4, batch_size=12),
        weighter=KullbackLeiblerWeighter(), perturb=attack, penalty=ImplicitGradient(attack),
        progress="nowhere")
    assert torch.allclose(params(model), params(by_hand(rows(), attack, 4, 12)), rtol=0,
                          atol=1e-7)


def test_matches_a_history_of_losses_alone():
    attack, found = Barrier(eps=0.1, steps=4), []
    for penalty in (None, ImplicitGradient(attack)):
        done = fit(network(), rows(), Training(Sgd(0.1), max_steps=2, batch_size=12, log_every=1),
                   perturb=attack, penalty=penalty, progress="nowhere")
        found.append(done.history.loss.tolist())
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    assert found[0][1] != found[1][1]


def test_rejects_attacks_that_cannot_be():
    for options, message in (
            ({"eps": 0.0}, "eps must be positive"), ({"c": 0.0}, "c must be positive"),
            ({"lam": -1.0}, "lam must be a finite number >= 0"),
            ({"lam": float("nan")}, "lam must be a finite"), ({"steps": 0}, "steps must be"),
            ({"mode": "newton"}, "mode must be one of"),
            ({"step_size": 0.0}, "step_size must be positive"),
            ({"clip": (1, 1)}, "clip must be two rising")):
        with pytest.raises(ValueError, match=message):
            Barrier(**options)
    x, y, w = world()
    with pytest.raises(ValueError, match="inputs must lie within clip"):
        barrier_attack(Margin(w), 2 * x, y, eps=0.1, loss=linear_loss)
    with pytest.raises(ValueError, match="must be a floating tensor"):
        barrier_attack(Margin(w), x.long(), y, eps=0.1, loss=linear_loss)


class Attentive(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix, self.last = nn.Linear(2, 6), nn.Linear(8, 3)

    def forward(self, x):
        parts = self.mix(x.reshape(len(x), 1, 4, 2)).chunk(3, dim=-1)
        return self.last(nn.functional.scaled_dot_product_attention(*parts).flatten(1))


def test_rejects_attention_whose_gradient_has_no_gradient():
    from torch.nn.attention import SDPBackend, sdpa_kernel

    rng = torch_generator(0)
    data = torch.rand(24, 8, generator=rng), torch.randint(3, (24,), generator=rng)
    attack = Barrier(eps=0.1, steps=2)
    told = {"perturb": attack, "penalty": ImplicitGradient(attack), "progress": "nowhere"}
    with pytest.raises(ValueError, match=r"network must be differentiable twice.*sdpa_kernel"):
        fit(Attentive(), data, Training(epochs=1, batch_size=12), **told)
    with sdpa_kernel(SDPBackend.MATH):
        assert fit(Attentive(), data, Training(epochs=1, batch_size=12), **told
                   ).status == "finished"


def test_matches_a_network_of_hugging_face():
    transformers = pytest.importorskip("transformers")
    rng = torch_generator(0)
    x, y = torch.rand(24, 1, 8, 8, generator=rng), torch.arange(24) % 3
    torch.manual_seed(0)
    model = transformers.ViTForImageClassification(transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        image_size=8, patch_size=4, num_channels=1, num_labels=3, attn_implementation="eager"))
    attack = Barrier(eps=0.1, steps=2)
    done = fit(model.train(), (x, y), Training(Sgd(0.1), epochs=2, batch_size=12, log_every=1),
               weighter=KullbackLeiblerWeighter(temperature=0.1), perturb=attack,
               penalty=ImplicitGradient(attack), progress="nowhere")
    assert done.status == "finished"
    assert done.history.effective_size.max() < 12
    report = evaluate_robust(model, x, y, eps=0.1, attacks=("pgd-3",))
    assert report.robust <= report.clean
    with pytest.raises(ValueError, match=r"Pass rows as one tensor: \(x, y\)"):
        fit(model.train(), {"pixel_values": x, "labels": y}, Training(epochs=1, batch_size=12),
            perturb=attack, progress="nowhere")


def test_rejects_a_reaction_of_no_attack():
    attack = Barrier(eps=0.1, steps=2)
    for perturb in (None, lambda _, micro, __: replace(micro, x=micro.x + 0.0)):
        with pytest.raises(ValueError, match="penalty must come with the attack"):
            fit(network(), rows(), Training(epochs=1, batch_size=12), perturb=perturb,
                penalty=ImplicitGradient(attack), progress="nowhere")
