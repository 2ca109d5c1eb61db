"""Spectral densities and power iteration against the exact eigenvalues."""

import numpy as np
import pytest
import torch

from workbench.landscape import Hessian, Objective, power_iteration, spectral_density
from workbench.landscape.krylov import Krylov


def quadratic(matrices):
    return Objective(lambda params, H: torch.einsum("ki,kij,kj->k", params["w"], H,
                                                    params["w"]) / 2, stacked={"H": matrices})


def truth_of(small, models=4):
    params, objective = small.params(models=models, width=3), small.objective()
    return params, objective, torch.linalg.eigvalsh(small.exact(objective, params)).numpy()


def test_recovers_moments_and_the_share_of_negative_eigenvalues(small):
    params, objective, truth = truth_of(small)
    found = spectral_density(objective, params, rng=small.generator(), probes=50, steps=27)
    for model in range(4):
        for power in (1, 2, 3):
            mean = found.average(lambda nodes, power=power: nodes ** power, model)
            assert abs(mean.value - (truth[model] ** power).mean()) < 4 * mean.stderr
        share = found.negative_share(model)
        edge = -1e-4 * np.abs(truth[model]).max()
        assert abs(share.value - (truth[model] < edge).mean()) < 4 * share.stderr


def test_recovers_the_exact_density(small):
    params, objective, truth = truth_of(small)
    found = spectral_density(objective, params, rng=small.generator(), probes=50, steps=27,
                             width=0.05)
    z = (found.grid[:, :, None] - truth[:, None]) / found.width[:, None, None]
    exact = np.exp(-z ** 2 / 2).mean(2) / found.width[:, None] / np.sqrt(2 * np.pi)
    held = found.stderr > 0.02 * exact.max()         # a t-value of few effective probes is no test
    gaps = (found.density - exact)[held] / found.stderr[held]
    assert (np.abs(gaps) < 5).all()                  # among hundreds of points that move together
    assert np.sqrt((gaps ** 2).mean()) < 2


def test_identity_densities_integrate_to_one(small):
    params, objective, _ = truth_of(small)
    found = spectral_density(objective, params, rng=small.generator(), probes=3, steps=10)
    assert np.allclose(np.trapezoid(found.density, found.grid, axis=1), 1, atol=1e-3)
    assert np.allclose(found.weights.sum(2), 1)
    assert len(found.table()) == 4 * 200


def test_identity_few_steps_keep_the_moments_of_each_start(small):
    params, objective, _ = truth_of(small)
    short, long = (spectral_density(objective, params, rng=small.generator(), probes=2,
                                    steps=steps) for steps in (5, 12))
    for power in range(10):                      # 2 * 5 - 1 = 9
        a, b = ((one.weights * one.nodes ** power).sum(2) for one in (short, long))
        assert np.allclose(a, b, rtol=1e-8)


def test_recovers_nothing_where_a_model_diverged(small):
    params, objective, _ = truth_of(small)
    params["2.bias"][1] = torch.nan
    found = spectral_density(objective, params, rng=small.generator(), probes=2, steps=5)
    assert np.isnan(found.density).all(1).tolist() == [False, True, False, False]


def test_rejects_a_single_probe(small):
    params, objective, _ = truth_of(small)
    with pytest.raises(ValueError, match="probes must be at least 2"):
        spectral_density(objective, params, rng=small.generator(), probes=1)


def test_matches_the_dominant_eigenvalues_by_power_iteration(small):
    H = torch.diag_embed(torch.tensor([[1.0, -5.0, 2.0, 0.1], [9.0, -1.0, 2.0, 1.0]],
                                      dtype=torch.float64))
    found = power_iteration(quadratic(H), {"w": torch.ones(2, 4, dtype=torch.float64)},
                            rng=small.generator(), n=2, tol=1e-9, max_steps=1000)
    assert np.allclose(found, [[-5, 2], [9, 2]], rtol=1e-4)


def test_identity_power_iteration_drops_ready_models(small):
    params, objective, truth = truth_of(small, models=6)
    params["2.bias"][1] = torch.nan
    dropped = power_iteration(objective, params, rng=small.generator())
    kept = power_iteration(lambda one: objective(one), params, rng=small.generator())
    held = [0, 2, 3, 4, 5]
    assert np.isnan(dropped[1]).all()
    assert np.allclose(dropped[held], kept[held], rtol=1e-9)
    largest = truth[held][np.arange(5), np.abs(truth[held]).argmax(1)]
    assert np.median(np.abs(dropped[held, 0] / largest - 1)) < 0.02


def test_identity_the_basis_stays_orthogonal_in_single_precision(small):
    spread = torch.linalg.qr(torch.randn(3, 80, 80, generator=small.generator())).Q
    H = spread * torch.logspace(2, -4, 80) @ spread.mT
    hessian = Hessian(quadratic(H), {"w": torch.ones(3, 80)})
    krylov = Krylov(hessian, torch.ones(3, 80), [small.generator(seed) for seed in range(3)])
    for _ in range(60):
        krylov.extend()
    basis = krylov.vectors(torch.eye(60).expand(3, -1, -1))
    assert (basis @ basis.mT - torch.eye(60)).abs().max() < 1e-5       # some 80 roundings of 1e-7
