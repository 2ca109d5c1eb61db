"""Kernels beside scikit-learn's, moments beside NumPy's, choices beside closed forms."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel

from workbench.inference.balancing import kernels
from workbench.inference.balancing.choosing import Asked, Sample, choose
from workbench.inference.balancing.imputation import kernel_imputation
from workbench.inference.balancing.kernels import Scaling, kernel_functions, moments, width

X = np.random.default_rng(0).normal(size=(50, 3))


def test_matches_scikit_learn_and_is_a_kernel():
    np.testing.assert_allclose(kernel_functions("gaussian", X, X, 0.3), rbf_kernel(X, gamma=0.3),
                               atol=1e-12)
    one = X[:, :1]                                # in one dimension both distances are the same
    np.testing.assert_allclose(kernel_functions("laplace", one, one, 0.3),
                               laplacian_kernel(one, gamma=0.3), atol=1e-7)
    for name in ("gaussian", "laplace"):
        K = kernel_functions(name, X, X, 0.3)
        np.testing.assert_allclose(K, K.T, atol=1e-12)
        np.testing.assert_allclose(np.diag(K), 1, atol=1e-6)
        assert np.linalg.eigvalsh(K).min() > -1e-7


def test_matches_the_median_of_all_distances():
    apart = X[:, None] - X[None]
    distances = np.sqrt((apart ** 2).sum(axis=2))[np.triu_indices(50, 1)]
    assert width("median", X) == pytest.approx(1 / (2 * np.median(distances) ** 2))
    assert width("median", X, "laplace") == pytest.approx(1 / np.median(distances))
    assert width(0.7, X) == 0.7
    assert width("median", np.zeros((5, 2))) == pytest.approx(1 / 4)         # all alike


@pytest.mark.parametrize("shared", [False, True])
def test_matches_moments_in_one_piece(monkeypatch, shared):
    monkeypatch.setattr(kernels, "CHUNK", 7)
    share = np.random.default_rng(1).dirichlet(np.ones(50)) if shared else None
    mean, second = moments("gaussian", X, X[:4], 0.2, share)
    K = rbf_kernel(X, X[:4], gamma=0.2)
    np.testing.assert_allclose(mean, np.average(K, axis=0, weights=share), atol=1e-12)
    np.testing.assert_allclose(second, np.cov(K.T, aweights=share, bias=True) if shared
                               else np.cov(K.T, bias=True), atol=1e-12)


def test_identity_constant_features_say_nothing():
    items = np.column_stack([X, np.full(50, 7.0)])
    scaled = Scaling.of(items)(items)
    assert not scaled[:, 3].any()
    np.testing.assert_allclose(scaled[:, :3].std(axis=0), 1)


@pytest.mark.parametrize("selection", ["adaptive", "worst"])
def test_matches_coefficients_in_closed_form(selection):
    rng = np.random.default_rng(0)
    items = Scaling.of(X)(X)
    seen = rng.random(50) < 0.6
    base = rng.dirichlet(np.ones(seen.sum()))
    error = rng.normal(size=seen.sum())
    asked = Asked("gaussian", 0.2, 4, 12, selection, 0.05, fitted=True)
    chosen = choose(asked, Sample(items, seen, None, base, error, Scaling.of(X)),
                    np.random.default_rng(3))
    drawn = np.random.default_rng(3).choice(50, 12, replace=False)
    K = rbf_kernel(items, items[drawn], gamma=0.2)
    H = (K - K.mean(axis=0)) / K.std(axis=0)
    if selection == "adaptive":
        D = H[seen] - base @ H[seen]
        second, first = D.T @ np.diag(base) @ D, D.T @ (base * (error - base @ error))
    else:
        second, first = H.T @ H / 50, H[seen].T @ base
    ridge = 0.05 * np.trace(second) / 12
    alpha = np.linalg.inv(second + ridge * np.eye(12)) @ first
    taken = np.argsort(-np.abs(alpha))[:4]
    np.testing.assert_array_equal(chosen.centres, drawn[taken])
    np.testing.assert_allclose(chosen.alpha, alpha[taken], rtol=1e-7)
    whole = H @ alpha
    np.testing.assert_allclose(chosen.values[:, 4], ((whole - whole.mean()) / whole.std())[seen],
                               atol=1e-8)
    if selection == "worst":           # no candidate's direction has a larger ratio
        ratio = (first @ alpha) ** 2 / (alpha @ (second + ridge * np.eye(12)) @ alpha)
        others = rng.normal(size=(500, 12))
        rivals = (others @ first) ** 2 / np.einsum(
            "ij,jk,ik->i", others, second + ridge * np.eye(12), others)
        assert ratio >= rivals.max()


def test_recovers_a_smooth_outcome_by_imputation():
    rng = np.random.default_rng(0)
    items = rng.normal(size=(1500, 2))
    outcome = np.sin(items[:, 0]) + items[:, 1]
    seen = rng.random(1500) < 0.4
    guess = kernel_imputation(items, seen, outcome + 0.1 * rng.normal(size=1500), rng=rng)
    assert np.sqrt(((guess - outcome) ** 2).mean()) < 0.15
    assert np.sqrt(((guess - outcome)[seen] ** 2).mean()) < 0.15
    alike = kernel_imputation(np.ones((100, 1)), np.arange(100) < 30, np.arange(100.0), rng=rng)
    np.testing.assert_allclose(alike[30:], np.arange(30).mean())          # no feature, the mean
    with pytest.raises(ValueError, match="at least 10 observed outcomes"):
        kernel_imputation(items, np.arange(1500) < 5, outcome, rng=rng)
