"""Oracle: probabilities averaged one member at a time in NumPy."""

import math

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from workbench.datasets.moons import flip_entropy, moons
from workbench.inference import UniversalClassifier
from workbench.inference.mixtures.arms import METHODS, Rows, compare_arms, summarised
from workbench.inference.mixtures.chains import Draws
from workbench.inference.mixtures.ensemble import PosteriorEnsemble, distil, log_loss
from workbench.inference.mixtures.fisher import fisher, soft_price
from workbench.inference.mixtures.langevin import SGLDSampler
from workbench.train import MLP, AdamW, Training
from workbench.train.stack import stack
from workbench.train.stacked_rows import Rows as Layout


@pytest.fixture(scope="module")
def sampled():
    x, y = moons(60, rng=np.random.default_rng(0))
    model = MLP(2, 8, 2, depth=1, generator=torch.Generator().manual_seed(0))
    how = SGLDSampler(lr=3e-3, prior_std=3.0, fan_in=True, precondition="prior", n_steps=400,
                      n_chains=4, snapshots=6, schedule="decay")
    return how.sample(model, (x.astype("float32"), y), rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def points():
    return moons(50, rng=np.random.default_rng(2))


def members_by_hand(draws, x):
    """Probabilities of each network alone, shape (s, k, m, c)."""
    found = []
    for draw in range(len(draws.params)):
        own = draws.stack.replace(draws.tensors(draw))
        found.append([own.model(chain)(torch.as_tensor(x, dtype=torch.float32)).detach().numpy()
                      for chain in range(draws.chains)])
    logits = np.array(found, dtype=float)
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return logits, shares / shares.sum(-1, keepdims=True)


def test_matches_probabilities_averaged_by_hand(sampled, points):
    ensemble, (x, _) = PosteriorEnsemble(sampled.draws), points
    logits, shares = members_by_hand(sampled.draws, x)
    weights = sampled.plan.weights
    assert np.ptp(weights) > 0
    mean = np.einsum("s,skmc->mc", weights, shares) / 4
    np.testing.assert_allclose(ensemble.predict_log_proba(x).exp(), mean, atol=1e-5)
    np.testing.assert_allclose(ensemble.member_log_proba(x).exp(), shares, atol=1e-5)
    assert float(ensemble.weights.sum()) == pytest.approx(1)
    other = np.einsum("s,skmc->mc", weights, logits) / 4
    other = np.exp(other) / np.exp(other).sum(-1, keepdims=True)
    np.testing.assert_allclose(ensemble.average_logits(x).exp(), other, atol=1e-5)
    assert np.abs(other - mean).max() > 1e-3             # no mixture
    pairs = ensemble.predict_log_proba(x, by_group=2).exp()
    np.testing.assert_allclose(pairs.mean(0), mean, atol=1e-5)


def test_matches_averaged_parameters_to_one_network(sampled, points):
    x, _ = points
    one = sampled.draws.stack.replace({
        name: torch.einsum("s,sk...->k...", sampled.draws.weights.float(), torch.stack(
            [sampled.draws.tensors(draw)[name] for draw in range(6)])).mean(0, keepdim=True)
        .expand_as(tensor) for name, tensor in sampled.draws.tensors(0).items()}).model(0)
    expected = one(torch.as_tensor(x, dtype=torch.float32)).log_softmax(-1).detach()
    torch.testing.assert_close(PosteriorEnsemble(sampled.draws).average_parameters(x), expected,
                               atol=1e-5, rtol=1e-4)


def test_matches_jensen_on_every_batch(sampled, points):
    ensemble, (x, y) = PosteriorEnsemble(sampled.draws), points
    mixed = log_loss(ensemble.predict_log_proba(x), y)
    members = log_loss(ensemble.member_log_proba(x), y)
    weighted = torch.einsum("sk,skm->m", ensemble.weights.float(), members.float())
    assert (mixed <= weighted + 1e-5).all()
    assert float(weighted.mean() - mixed.mean()) > 1e-3


def test_identity_equal_members_are_their_mixture(points):
    x, _ = points
    model = MLP(2, 5, 3, generator=torch.Generator().manual_seed(0))
    many = stack([model, model])
    layout = Layout.of(many)
    draws = Draws(many, layout, layout.matrix(many).expand(3, -1, -1), torch.full((3,), 1 / 3))
    ensemble = PosteriorEnsemble(draws)
    alone = model(torch.as_tensor(x, dtype=torch.float32)).log_softmax(-1).detach()
    for found in (ensemble.predict_log_proba(x), ensemble.average_logits(x),
                  ensemble.average_parameters(x)):
        torch.testing.assert_close(found, alone, atol=1e-5, rtol=1e-4)


def test_matches_distilled_network_to_the_mixture(sampled, points):
    ensemble, (x, _) = PosteriorEnsemble(sampled.draws), points
    many, _ = moons(600, rng=np.random.default_rng(3))
    student = MLP(2, 32, 2, generator=torch.Generator().manual_seed(1))
    before = student(torch.as_tensor(x, dtype=torch.float32)).softmax(-1).detach()
    distil(ensemble, student, many.astype("float32"), Training(AdamW(1e-2), epochs=60))
    after = student(torch.as_tensor(x, dtype=torch.float32)).softmax(-1).detach()
    wanted = ensemble.predict_log_proba(x).exp()
    assert float((after - wanted).abs().mean()) < 0.2 * float((before - wanted).abs().mean())


def test_matches_fisher_to_the_matrix_and_flat_directions():
    """Eigenvalues of the whole matrix by hand, and a unit that nothing reads."""
    model = MLP(2, 3, 2, depth=1, activation="tanh", generator=torch.Generator().manual_seed(0))
    x = torch.as_tensor(np.random.default_rng(4).normal(size=(9, 2)), dtype=torch.float32)
    params = list(model.parameters())
    d = sum(one.numel() for one in params)
    F = torch.zeros(d, d, dtype=torch.float64)
    for row in x:
        for y in range(2):
            model.zero_grad()
            logs = model(row[None]).log_softmax(-1)[0]
            logs[y].backward()
            g = torch.cat([one.grad.flatten() for one in params]).double()
            F += logs[y].exp().item() * torch.outer(g, g) / 9
    found = fisher(model, x)
    exact = torch.linalg.eigvalsh(F).numpy()[::-1]
    np.testing.assert_allclose(np.sort(found.eigenvalues)[::-1][:6], exact[:6], rtol=1e-4)
    assert found.parameters == d
    theta = torch.cat([one.detach().flatten() for one in params]).double().numpy()
    n, values, vectors = 30, *np.linalg.eigh(F.numpy())
    steep = n * values.clip(0)
    at = vectors.T @ theta
    exact_price = 0.5 * np.sum(np.log1p(steep) + at ** 2 * steep / (1 + steep)) / n
    assert soft_price(found, n) == pytest.approx(exact_price, rel=1e-3)
    assert 0 < found.dimensions(n) < d


@pytest.mark.slow
def test_recovers_the_claim_wider_is_no_worse():
    """The mixture's regret stays, the single optimum's is far above it at every width."""
    rng = np.random.default_rng(5)
    drawn = [moons(100, rng=rng) for _ in range(3)]
    x_test, y_test = moons(1500, rng=rng)
    rows = Rows(np.stack([x for x, _ in drawn]).astype("float32"),
                np.stack([y for _, y in drawn]), x_test.astype("float32"), y_test, 2)
    how = SGLDSampler(lr=3e-3, prior_std=3.0, fan_in=True, precondition="prior", n_steps=2000,
                      snapshots=20)
    mixture, optimum = [], []
    for width in (16, 128):
        arms = compare_arms(rows, width, how, rng=np.random.default_rng(0))
        assert tuple(arms.losses) == METHODS
        mixture.append(summarised(arms.losses["SGLD mixture"], flip_entropy(0.1))[0])
        optimum.append(summarised(arms.losses["single optimum"], flip_entropy(0.1))[0])
    assert max(mixture) < 0.7 * min(optimum)
    assert mixture[1] < mixture[0] + 0.02


@pytest.fixture(scope="module")
def fitted():
    x, y = moons(120, flip=0.05, rng=np.random.default_rng(6))
    names = np.array(["left", "right"])[y]
    return UniversalClassifier(16, n_steps=800, snapshots=10, random_state=0).fit(x, names), x


def test_matches_scikit_learns_grammar(fitted):
    model, x = fitted
    shares = model.predict_proba(x)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert model.classes_.tolist() == ["left", "right"]
    assert (model.predict(x) == model.classes_[shares.argmax(1)]).all()
    assert math.isfinite(model.sampled_.rhat())
    again = clone(model).set_params(n_steps=200, snapshots=5)
    x, y = moons(60, rng=np.random.default_rng(7))
    assert cross_val_score(again, x, y, cv=3).mean() > 0.6
    first, second = (clone(again).fit(x, y).predict_proba(x) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_rejects_one_class_and_other_widths(fitted):
    model, _ = fitted
    with pytest.raises(ValueError, match="y must hold at least 2 classes, got one class"):
        UniversalClassifier(4, n_steps=100, snapshots=4).fit(np.ones((5, 2)), np.ones(5))
    with pytest.raises(ValueError, match="3 features"):
        model.predict(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"hidden must be a whole number of at least 1, got 2\.5"):
        UniversalClassifier(2.5).fit(np.ones((4, 2)), [0, 1, 0, 1])


def test_identity_a_constant_feature_says_nothing():
    x = np.column_stack([np.linspace(-1, 1, 20), np.full(20, 0.1)])       # of which rounding
    model = UniversalClassifier(4, n_steps=40, snapshots=4, n_chains=2,   # leaves a spread
                                random_state=0).fit(x, np.arange(20) % 2)
    np.testing.assert_array_equal(model.predict_proba(x), model.predict_proba(x * [1, 2]))
