"""CKA: its invariances, its Gram form, its bias; features and mixed inputs."""

import numpy as np
import pytest
import torch
from torch import nn

from workbench.landscape import cka, features_of, linear_cka, mixup


def normal(small, *shape, seed=0):
    return torch.randn(*shape, generator=small.generator(seed), dtype=torch.float64)


def gram_cka(X, Y):
    """CKA from centred Gram matrices."""
    n = len(X)
    centre = torch.eye(n, dtype=X.dtype) - 1 / n
    K, L = centre @ X @ X.T @ centre, centre @ Y @ Y.T @ centre
    return float((K * L).sum() / K.norm() / L.norm())


def song(X, Y):
    """The unbiased estimate of HSIC, word by word."""
    n = len(X)
    K, L = X @ X.T, Y @ Y.T
    K, L = K - torch.diag(K.diag()), L - torch.diag(L.diag())
    one = torch.ones(n, dtype=X.dtype)
    return float(((K @ L).trace() + (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
                  - 2 / (n - 2) * (one @ K @ L @ one)) / (n * (n - 3)))


@pytest.mark.parametrize("size", [3, 80])        # features below and above the rows
def test_matches_the_gram_form(small, size):
    X, Y = normal(small, 30, size), normal(small, 30, 5, seed=1)
    assert linear_cka(X, Y) == pytest.approx(gram_cka(X, Y), abs=1e-12)
    both = torch.stack([X, X ** 2])
    assert cka([both]).cka[0, 1] == pytest.approx(gram_cka(*both), abs=1e-12)


@pytest.mark.parametrize("size", [3, 80])
def test_matches_the_unbiased_estimate(small, size):
    X, Y = normal(small, 30, size) + 2, normal(small, 30, size, seed=1) + 0.3
    Y = Y + X
    expected = song(X, Y) / np.sqrt(song(X, X) * song(Y, Y))
    assert linear_cka(X, Y, debiased=True) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("debiased", [False, True])
def test_identity_rotation_shift_and_scale(small, debiased):
    X = normal(small, 40, 6)
    turn = torch.linalg.qr(normal(small, 6, 6, seed=1)).Q
    assert linear_cka(X, 3 * X @ turn + 7, debiased=debiased) == pytest.approx(1, abs=1e-10)


def test_recovers_zero_for_independent_features_without_bias(small):
    plain, unbiased = (np.array([
        linear_cka(normal(small, 20, 50, seed=2 * seed), normal(small, 20, 50, seed=2 * seed + 1),
                   debiased=debiased) for seed in range(100)]) for debiased in (False, True))
    assert plain.mean() > 0.5
    assert abs(unbiased.mean()) < 4 * unbiased.std(ddof=1) / 10


def test_identity_batches_are_pooled_as_told(small):
    batches = [normal(small, 3, 25, 4, seed=seed) + torch.arange(3)[:, None, None]
               for seed in range(6)]
    for batch in batches:
        batch[1] += batch[0]
    averaged, whole = (cka(batches, pool=pool) for pool in ("averaged", "concatenated"))
    each = [linear_cka(batch[0], batch[1]) for batch in batches]
    assert averaged.cka[0, 1] == pytest.approx(np.mean(each), abs=1e-12)
    assert averaged.stderr[0, 1] == pytest.approx(np.std(each, ddof=1) / 6 ** 0.5, abs=1e-12)
    joined = torch.cat(batches, 1)
    assert whole.cka[0, 1] == pytest.approx(linear_cka(joined[0], joined[1]), abs=1e-12)
    assert (whole.batches, whole.rows) == (6, 150)
    sums = [[np.mean([song(batch[a], batch[b]) for batch in batches]) for b in (0, 1)]
            for a in (0, 1)]
    debiased = cka(iter(batches), debiased=True)
    assert debiased.cka[0, 1] == pytest.approx(
        sums[0][1] / np.sqrt(sums[0][0] * sums[1][1]), abs=1e-12)
    assert len(whole.table()) == 3
    assert whole.mean().value == pytest.approx(whole.table()["cka"].mean())
    assert whole.mean([0, 1]).stderr == whole.measure(0, 1).stderr


def test_recovers_its_standard_error(small):
    def drawn(seed):
        batches = [normal(small, 2, 40, 3, seed=100 * seed + part) for part in range(12)]
        for batch in batches:
            batch[1] += batch[0]
        return cka(batches, debiased=True)
    found = [drawn(seed) for seed in range(60)]
    spread = np.std([one.cka[0, 1] for one in found], ddof=1)
    told = np.mean([one.stderr[0, 1] for one in found])
    # a standard deviation of 60 values is known to 1 / sqrt(2 * 59) = 9 %, told ones of 12 batches
    assert abs(told / spread - 1) < 4 * 0.1


def test_recovers_nothing_from_constant_or_broken_features(small):
    features = normal(small, 3, 20, 4)
    features[1] = 0.1
    assert np.isnan(cka([features]).cka).tolist() == [[False, True, False], [True] * 3,
                                                      [False, True, False]]
    features[1, 0, 0] = torch.nan
    assert np.isnan(cka([features], debiased=True).cka[1]).all()
    assert np.isnan(linear_cka(torch.ones(5, 2), normal(small, 5, 2)))


def test_matches_features_of_named_modules_and_keeps_the_mode(small):
    model = nn.Sequential(nn.Linear(4, 5), nn.Dropout(0.5), nn.ReLU(), nn.Linear(5, 3)).double()
    model.train()
    model[3].eval()
    x, _ = small.data(rows=6)
    logits = features_of(model, x)
    hidden = features_of(model, x, layer="2")
    assert torch.allclose(logits, model[3](hidden))
    assert torch.allclose(features_of(model, x, layer="softmax"), logits.softmax(-1))
    assert [module.training for module in model.modules()] == [True, True, True, True, False]
    with pytest.raises(ValueError, match="layer must be one of 'logits', 'softmax', '0'"):
        features_of(model, x, layer="head")


def test_identity_mixing_keeps_the_mean_and_is_shared(small):
    x = normal(small, 50, 3)
    first, second = (mixup(x, rng=small.generator(4)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.allclose(first.mean(0), x.mean(0))
    assert not torch.equal(first, x)
    with pytest.raises(ValueError, match="alpha must be positive"):
        mixup(x, rng=small.generator(), alpha=0)


def test_rejects_few_rows_no_batches_and_single_models(small):
    with pytest.raises(ValueError, match="4 rows at least"):
        linear_cka(normal(small, 3, 2), normal(small, 3, 2), debiased=True)
    with pytest.raises(ValueError, match="one batch at least"):
        cka([])
    with pytest.raises(ValueError, match="two networks at least"):
        cka([normal(small, 1, 9, 2)]).mean()
    with pytest.raises(ValueError, match="pool must be one of"):
        cka([normal(small, 2, 9, 2)], pool="mean")
    with pytest.raises(ValueError, match="one entry per row"):
        linear_cka(normal(small, 3, 2), normal(small, 4, 2))
