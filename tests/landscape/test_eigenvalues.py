"""Ends of the spectrum against eigenvalues of the exact matrix."""

import numpy as np
import pytest
import torch

from workbench.landscape import Objective, hessian_eigenvalues


def quadratic(matrices):
    return Objective(lambda params, H: torch.einsum("ki,kij,kj->k", params["w"], H,
                                                    params["w"]) / 2, stacked={"H": matrices})


def ends(small, models=6):
    params, objective = small.params(models=models), small.objective()
    return params, objective, torch.linalg.eigvalsh(small.exact(objective, params)).numpy()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_matches_the_exact_ends(small, dtype):
    params, objective, truth = ends(small)
    found = hessian_eigenvalues(objective, params, rng=small.generator(), largest=3, smallest=2,
                                tol=1e-3, dtype=dtype)
    scale = np.abs(truth).max(1, keepdims=True)
    assert found.converged.all()
    assert (np.abs(found.largest - truth[:, :-4:-1]) < 1e-3 * scale).all()
    assert (np.abs(found.smallest - truth[:, :2]) < 1e-3 * scale).all()


def test_identity_bounds_hold_when_stopped_early(small):
    params, objective, truth = ends(small)
    found = hessian_eigenvalues(objective, params, rng=small.generator(), largest=2, smallest=1,
                                max_steps=6)
    assert not found.converged.any()
    for values, bounds in ((found.largest, found.largest_bounds),
                           (found.smallest, found.smallest_bounds)):
        distance = np.abs(values[:, :, None] - truth[:, None]).min(2)
        assert (distance <= bounds + 1e-12).all()


def test_identity_dropping_ready_models_changes_nothing(small):
    params, objective, _ = ends(small)
    for scale, position in ((1e-3, 0), (30.0, 4)):
        for tensor in params.values():
            tensor[position] *= scale
    dropped = hessian_eigenvalues(objective, params, rng=small.generator())
    kept = hessian_eigenvalues(lambda one: objective(one), params, rng=small.generator())
    assert len(set(dropped.steps)) > 1
    assert np.array_equal(dropped.steps, kept.steps)
    assert np.allclose(dropped.largest, kept.largest, rtol=1e-9)
    assert np.allclose(dropped.smallest, kept.smallest, rtol=1e-6)


def test_identity_a_model_alone_gives_the_same_number(small):
    params, objective, _ = ends(small)
    whole = hessian_eigenvalues(objective, params, rng=small.generator())
    alone = hessian_eigenvalues(objective, {name: one[:1] for name, one in params.items()},
                                rng=small.generator())
    assert abs(whole.largest[0, 0] / alone.largest[0, 0] - 1) < 1e-9


def test_recovers_the_largest_of_trained_networks_from_any_start(small):
    params, objective = small.params(models=8), small.objective()
    for _ in range(200):
        leaves = {name: tensor.requires_grad_() for name, tensor in params.items()}
        slopes = torch.autograd.grad(objective(leaves).sum(), leaves.values())
        params = {name: (tensor - 0.3 * slope).detach()
                  for (name, tensor), slope in zip(leaves.items(), slopes, strict=True)}
    truth = torch.linalg.eigvalsh(small.exact(objective, params)).numpy()[:, -1]
    found = np.stack([hessian_eigenvalues(objective, params, rng=small.generator(seed)
                                          ).largest[:, 0] for seed in range(20)])
    assert (np.abs(found / truth - 1) < 1e-3).all()


def test_recovers_negative_dominant_eigenvalues(small):
    H = torch.diag_embed(torch.tensor([[1.0, -5.0, 2.0, 0.0], [3.0, -1.0, 2.0, 1.0]],
                                      dtype=torch.float64))
    found = hessian_eigenvalues(quadratic(H), {"w": torch.ones(2, 4, dtype=torch.float64)},
                                rng=small.generator(), smallest=1)
    assert np.allclose(found.dominant, [-5, 3])
    assert np.allclose(found.largest[:, 0], [2, 3])


def test_matches_repeated_eigenvalues_once_the_basis_is_exhausted(small):
    H = torch.diag_embed(torch.tensor([[2.0, 2.0, 2.0, -1.0]], dtype=torch.float64))
    found = hessian_eigenvalues(quadratic(H), {"w": torch.ones(1, 4, dtype=torch.float64)},
                                rng=small.generator(), largest=4)
    assert np.allclose(found.largest, [[2, 2, 2, -1]])


def test_matches_a_narrow_model_whose_basis_ends_between_two_looks(small):
    drawn = torch.randn(2, 9, 9, generator=small.generator(), dtype=torch.float64)
    mask = torch.ones(2, 9, dtype=torch.float64)
    mask[0, 5:] = 0
    exact = -(drawn @ drawn.mT + torch.eye(9, dtype=torch.float64)) * mask[:, :, None] * \
        mask[:, None]
    found = hessian_eigenvalues(quadratic(exact), {"w": mask.clone()}, masks={"w": mask}, tol=1e-9,
                                rng=small.generator(), largest=2)
    truth = torch.linalg.eigvalsh(exact[0, :5, :5]).numpy()
    assert np.allclose(found.largest[0], truth[:-3:-1])
    assert (found.largest < 0).all()


def test_recovers_eigenvectors(small):
    params, objective, truth = ends(small)
    found = hessian_eigenvalues(objective, params, rng=small.generator(), largest=2, tol=1e-8,
                                with_vectors=True)
    _, exact = np.linalg.eigh(small.exact(objective, params).numpy())
    overlap = np.einsum("knd,kdn->kn", found.vectors, exact[:, :, :-3:-1])
    assert np.allclose(np.abs(overlap), 1, atol=1e-3)
    assert truth.shape[1] == found.vectors.shape[2]


def test_recovers_nothing_where_a_model_diverged(small):
    params, objective, truth = ends(small)
    params["2.bias"][1] = torch.nan
    found = hessian_eigenvalues(objective, params, rng=small.generator())
    assert np.isnan(found.largest[:, 0]).tolist() == [False, True, False, False, False, False]
    assert found.converged.tolist() == [True, False, True, True, True, True]
    assert abs(found.largest[5, 0] / truth[5, -1] - 1) < 1e-3


def test_identity_a_flat_loss_has_eigenvalue_zero(small):
    found = hessian_eigenvalues(lambda params: params["w"].sum(1), {"w": torch.ones(2, 5)},
                                rng=small.generator())
    assert found.largest.tolist() == [[0.0], [0.0]]
    assert found.converged.all()


def test_identity_tables_and_measures_hold_the_bound(small):
    params, objective, _ = ends(small, models=2)
    found = hessian_eigenvalues(objective, params, rng=small.generator(), largest=2)
    assert found.measure(1).stderr == found.largest_bounds[1, 0]
    assert len(found.table()) == 2 * (2 + 1)


def test_rejects_wishes_that_cannot_be_met(small):
    params, objective = small.params(), small.objective()
    with pytest.raises(ValueError, match="largest and smallest must be >= 0 and not both 0"):
        hessian_eigenvalues(objective, params, rng=small.generator(), largest=0)
    with pytest.raises(ValueError, match="tol must be positive"):
        hessian_eigenvalues(objective, params, rng=small.generator(), tol=0)
