"""Source weights: exact gradients, against quadratics, autograd and an inverted Hessian."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy.optimize import minimize  # noqa: E402

from workbench.core import generator  # noqa: E402
from workbench.reweighting import ScaleBiO  # noqa: E402
from workbench.reweighting.bilevel import (  # noqa: E402
    LISA,
    penalty_hypergradient,
    source_softmax_loss,
)
from workbench.train import Sgd, Training, fit, regression  # noqa: E402


def tensor(values):
    return torch.as_tensor(np.asarray(values), dtype=torch.float64)


@pytest.mark.parametrize("alpha", [0.1, 1.0, 10.0, 100.0])
def test_matches_the_exact_hypergradient_of_quadratics(alpha):
    """With sources ``|w - c_j|^2 / 2`` everything has a closed form."""
    rng = generator(3)
    centres, target, logits = rng.normal(size=(4, 6)), rng.normal(size=6), rng.normal(size=4)
    p = np.exp(logits) / np.exp(logits).sum()
    u = p @ centres
    w = (target + alpha * u) / (1 + alpha)
    losses = [((point - centres) ** 2).sum(1) / 2 for point in (w, u)]
    found = penalty_hypergradient(*map(tensor, losses), tensor(logits), alpha).numpy()
    exact = (np.diag(p) - np.outer(p, p)) @ centres @ (u - target)
    assert np.abs(found - alpha / (1 + alpha) * exact).max() < 1e-12 * max(1, alpha)


def test_matches_autograd_of_the_penalty():
    draws = torch.Generator().manual_seed(0)
    source = torch.arange(30) % 5
    counts = torch.bincount(source)
    of_w, of_u = (torch.rand(30, generator=draws, dtype=torch.float64) for _ in range(2))
    logits = torch.randn(5, generator=draws, dtype=torch.float64, requires_grad=True)
    penalty = 7 * (source_softmax_loss(of_w, source, logits, counts)
                   - source_softmax_loss(of_u, source, logits, counts))
    exact, = torch.autograd.grad(penalty, logits)
    means = [losses.view(6, 5).mean(0) for losses in (of_w, of_u)]
    found = penalty_hypergradient(*means, logits.detach(), 7)
    assert torch.allclose(found, exact, atol=1e-14)
    assert found.sum().abs() < 1e-14
    moved = penalty_hypergradient(means[0] + 3, means[1], logits.detach(), 7)
    assert torch.allclose(moved, found, atol=1e-12)


def test_identity_equal_networks_give_no_gradient():
    losses, logits = torch.rand(3), torch.randn(3)
    assert torch.equal(penalty_hypergradient(losses, losses, logits, 10), torch.zeros(3))


def test_matches_sources_that_are_there_when_some_are_not():
    logits = torch.tensor([0.3, -1.0, 0.5], dtype=torch.float64)
    of_w = torch.tensor([2.0, 9.0, 1.0], dtype=torch.float64)
    of_u = torch.tensor([1.5, 0.0, 1.2], dtype=torch.float64)
    some = penalty_hypergradient(of_w, of_u, logits, 2, torch.tensor([True, False, True]))
    p, g = logits.softmax(0), 2 * (of_w - of_u)
    mean = (p[0] * g[0] + p[2] * g[2]) / (p[0] + p[2])
    assert some[1] == 0
    assert some.sum().abs() < 1e-15
    assert torch.allclose(some[[0, 2]], p[[0, 2]] * (g[[0, 2]] - mean))


def logistic(points, labels):
    """Value, gradient and Hessian of a mean logistic loss, in NumPy."""
    def of(w):
        odds = labels * (points @ w)
        share = 1 / (1 + np.exp(odds))
        slope = -(share * labels) @ points / len(points)
        return np.logaddexp(0, -odds).mean(), slope, (
            points * (share * (1 - share))[:, None]).T @ points / len(points)
    return of


def test_matches_an_inverted_hessian_on_logistic_regression():
    rng = generator(5)
    truth, parts = rng.normal(size=5), []
    for flips in (0.05, 0.25, 0.45, 0.1):                    # the last one validates
        x = rng.normal(size=(400, 5))
        y = np.sign(x @ truth) * np.where(rng.random(400) < flips, -1, 1)
        parts.append(logistic(x, y))
    *sources, ahead = parts
    logits = np.array([0.2, -0.1, 0.3])
    p = np.exp(logits) / np.exp(logits).sum()

    def solve(alpha, extra):
        def both(w):
            found = [one(w) for one in sources]
            return tuple(alpha * sum(share * part[at] for share, part in zip(
                p, found, strict=True)) + extra * ahead(w)[at] for at in (0, 1))
        return minimize(both, np.zeros(5), jac=True, method="BFGS",
                        options={"gtol": 1e-10, "maxiter": 5000}).x
    u, w = solve(1.0, 0.0), solve(100.0, 1.0)
    hessian = sum(share * one(u)[2] for share, one in zip(p, sources, strict=True))
    slopes = np.stack([one(u)[1] for one in sources])
    exact = -(np.diag(p) - np.outer(p, p)) @ slopes @ np.linalg.solve(hessian, ahead(u)[1])
    found = penalty_hypergradient(*(tensor([one(point)[0] for one in sources])
                                    for point in (w, u)), tensor(logits), 100.0).numpy()
    cosine = found @ exact / np.linalg.norm(found) / np.linalg.norm(exact)
    assert cosine > 0.99
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(exact), rel=0.1)


def world(signs, n=240):
    x = torch.randn(n, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    group = torch.arange(n) % len(signs)
    return x, tensor(signs)[group] * x[:, 0], group


def train(data, meta, weighter, rate=0.005, **options):
    model = torch.nn.Linear(2, 1, bias=False).double()
    torch.nn.init.zeros_(model.weight)
    how = Training(Sgd(rate, momentum=0.0), **{"epochs": 10, "batch_size": 24} | options)
    return model, fit(model, data, how, weighter=weighter, meta=meta, loss=regression,
                      progress="nowhere")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_recovers_uniform_weights_of_the_same_rows_in_single_precision(seed):
    """Losses of a perceptron by the same rows; AdamW would walk on what rounding leaves."""
    from workbench.reweighting.bilevel import source_weights
    from workbench.train import MLP, AdamW, classification, torch_generator

    x = torch.randn(60, 4, generator=torch_generator(0))
    rows, group = torch.arange(60) // 3, torch.arange(60) % 3
    y = (x[:, 0] > 0).long()
    done = fit(MLP(4, 8, 2, depth=1, generator=torch_generator(seed)), (x[rows], y[rows], group),
               Training(AdamW(1e-2), max_steps=200, batch_size=60, seed=seed), meta=(x, 1 - y),
               weighter=ScaleBiO(), loss=classification, progress="nowhere")
    assert np.abs(source_weights(done) - 1 / 3).max() < 0.001


def test_recovers_uniform_weights_of_sources_that_are_alike():
    """The same rows in each source, so that only rounding tells them apart."""
    from workbench.reweighting.bilevel import source_weights

    x, y, _ = world([1.0], n=60)
    noisy = y + torch.randn(60, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rows, group = torch.arange(240) // 4, torch.arange(240) % 4
    _, done = train((x[rows], noisy[rows], group), (x[rows], y[rows]), ScaleBiO(), epochs=300,
                    batch_size=240)
    assert np.abs(source_weights(done) - 0.25).max() < 0.02


def test_recovers_the_source_that_validation_rows_come_from():
    from workbench.reweighting.bilevel import source_weights

    signs = [-1.0, 0.5, 2.0]
    for chosen, sign in enumerate(signs):
        x, y, group = world(signs)
        _, done = train((x, y, group), (x, sign * x[:, 0]), ScaleBiO(source_rate=0.05),
                        epochs=20)
        assert source_weights(done).argmax() == chosen
        assert source_weights(done)[chosen] > 0.5


def test_identity_without_a_rate_sources_stay_equal_and_the_twin_is_plain_training():
    from workbench.reweighting.bilevel import source_weights

    data = world([1.0, -1.0])
    data = tuple(torch.cat([part[data[2] == one] for one in (0, 1)]).clone() for part in data)
    weighter = ScaleBiO(2, alpha=1.0, source_rate=0.0, clip=1e9)
    _, done = train(data, data[:2], weighter, batch_size=240)     # n_j equal: rows weigh alike
    plain = torch.nn.Linear(2, 1, bias=False).double()
    torch.nn.init.zeros_(plain.weight)
    fit(plain, data, Training(Sgd(0.005, momentum=0.0), epochs=10, batch_size=240),
        loss=regression, progress="nowhere")
    assert np.array_equal(source_weights(done), [0.5, 0.5])
    twin = done.weighter_state["twin"].weight
    assert torch.allclose(twin, plain.weight, atol=1e-14)


def test_recovers_no_movement_as_alpha_falls_without_adaptive_steps():
    """Gaps times alpha, which are the gradient, vanish with alpha: both networks start alike."""
    x, y, group = world([1.0, -1.0])
    gaps = []
    for alpha in (1e-6, 1.0):
        _, done = train((x, y, group), (x, x[:, 0]), ScaleBiO(2, alpha=alpha), epochs=1)
        gaps.append(alpha * done.history["gap_1"].abs().max())
    assert gaps[0] < 1e-5 * gaps[1]


@pytest.mark.parametrize(("options", "said"), [
    ({"n_sources": 1}, "n_sources must be a whole number of at least 2"),
    ({"alpha": 0.0}, "alpha must be positive"), ({"alpha": float("nan")}, "alpha must be"),
    ({"clip": -1.0}, "clip must be positive"), ({"twin_rate": 0.0}, "twin_rate must be"),
    ({"source_rate": -1.0}, "source_rate must be a number >= 0"),
    ({"warm_up": -1}, "warm_up must be a whole number"), ({"outer": 0}, "outer must be")])
def test_rejects_options_out_of_range(options, said):
    with pytest.raises(ValueError, match=said):
        ScaleBiO(**options)


def test_rejects_what_is_no_loss_by_source():
    three, logits = torch.zeros(3), torch.zeros(3)
    with pytest.raises(ValueError, match=r"gaps between the networks must be finite"):
        penalty_hypergradient(torch.tensor([1.0, torch.nan, 0.0]), three, logits, 1)
    with pytest.raises(ValueError, match="one loss of each network for each logit"):
        penalty_hypergradient(three, torch.zeros(2), logits, 1)
    source = torch.tensor([0, 3, 1])
    with pytest.raises(ValueError, match=r"source must lie in 0 to 2, got 3"):
        source_softmax_loss(three, source, logits, torch.ones(3))
    with pytest.raises(ValueError, match="counts must be at least 1"):
        source_softmax_loss(three, torch.tensor([0, 2, 1]), logits, torch.tensor([1, 0, 1]))
    with pytest.raises(ValueError, match="losses and sources"):
        source_softmax_loss(three, source[:2], logits, torch.ones(3))
    with pytest.raises(TypeError, match="lisa must be a LISA"):
        ScaleBiO(lisa=4)
    assert ScaleBiO(lisa=LISA(2)).lisa.n_layers == 2
