"""Traces by random probes against the exact matrix and the closed form of their variance."""

import numpy as np
import pytest
import torch

from workbench.landscape import Objective, hessian_trace, hutch_plus_plus

NAMES = ["0.weight", "0.bias", "2.weight", "2.bias"]


def quadratic(matrices):
    """Half of ``w' H w`` for each model."""
    return Objective(lambda params, H: torch.einsum("ki,kij,kj->k", params["w"], H,
                                                    params["w"]) / 2, stacked={"H": matrices})


def symmetric(small, models, size, seed=3):
    drawn = torch.randn(models, size, size, generator=small.generator(seed), dtype=torch.float64)
    return (drawn + drawn.mT) / 2


def test_recovers_the_exact_traces(small):
    params, objective = small.params(), small.objective()
    full = small.exact(objective, params)
    found = hessian_trace(objective, params, rng=small.generator(5), probes=400)
    truth = full.diagonal(dim1=1, dim2=2).sum(1).numpy()
    assert (np.abs(found.mean - truth) < 4 * found.stderr).all()
    edges = np.cumsum([0] + [params[name][0].numel() for name in NAMES])
    for name, low, high in zip(NAMES, edges[:-1], edges[1:], strict=True):
        block = full[:, low:high, low:high].diagonal(dim1=1, dim2=2).sum(1).numpy()
        mean, stderr = found.tensors[name]
        assert (np.abs(mean - block) < 4 * stderr + 1e-12).all()


def test_matches_the_variance_in_closed_form(small):
    H = symmetric(small, 40, 6)
    probes = 500
    found = hessian_trace(quadratic(H), {"w": torch.ones(40, 6, dtype=torch.float64)},
                          rng=small.generator(), probes=probes)
    off = H - torch.diag_embed(H.diagonal(dim1=1, dim2=2))
    expected = (2 * (off ** 2).sum((1, 2))).sqrt().numpy() / probes ** 0.5
    # the relative error of a standard deviation is about sqrt((kurtosis - 1) / 4n) < 0.1
    assert np.allclose(found.stderr, expected, rtol=4 * 0.1)
    gaps = (found.mean - H.diagonal(dim1=1, dim2=2).sum(1).numpy()) / expected
    assert abs(gaps.mean()) < 4 / 40 ** 0.5


def test_identity_tensors_sum_to_the_whole(small):
    found = hessian_trace(small.objective(), small.params(), rng=small.generator(), probes=8)
    assert np.allclose(sum(mean for mean, _ in found.tensors.values()), found.mean, atol=1e-12)
    table = found.table()
    assert len(table) == 3 * 5
    assert table.query("tensor == 'all'")["trace"].tolist() == found.mean.tolist()
    assert found.measure(2).stderr == found.stderr[2]


def test_identity_a_model_alone_sees_the_same_probes(small):
    params, objective = small.params(), small.objective()
    whole = hessian_trace(objective, params, rng=small.generator(), probes=8)
    first = {name: tensor[:1] for name, tensor in params.items()}
    alone = hessian_trace(objective, first, rng=small.generator(), probes=8)
    assert abs(whole.mean[0] - alone.mean[0]) < 1e-10


def test_identity_a_diagonal_hessian_needs_one_probe_only(small):
    H = torch.diag_embed(torch.tensor([[1.0, -4.0, 0.5]]))
    found = hessian_trace(quadratic(H), {"w": torch.ones(1, 3)}, rng=small.generator(), probes=5)
    assert found.mean.tolist() == [-2.5]
    assert found.stderr.tolist() == [0.0]


def test_recovers_traces_by_hutch_plus_plus(small):
    params, objective = small.params(), small.objective()
    truth = small.exact(objective, params).diagonal(dim1=1, dim2=2).sum(1).numpy()
    found = hutch_plus_plus(objective, params, rng=small.generator(5), products=30)
    assert (np.abs(found.mean - truth) < 4 * found.stderr).all()
    assert found.products == 30


def test_recovers_more_by_hutch_plus_plus_where_few_eigenvalues_hold_the_trace(small):
    turn = torch.linalg.qr(symmetric(small, 5, 60)).Q
    H = turn * 0.5 ** torch.arange(60) @ turn.mT
    params = {"w": torch.ones(5, 60, dtype=torch.float64)}
    found = hutch_plus_plus(quadratic(H), params, rng=small.generator(), products=30)
    plain = hessian_trace(quadratic(H), params, rng=small.generator(), probes=30)
    assert (np.abs(found.mean - 2) < 4 * found.stderr).all()
    assert (found.stderr < 0.1 * plain.stderr).all()


def test_identity_hutch_plus_plus_is_exact_for_low_rank(small):
    factor = torch.randn(4, 12, 2, generator=small.generator(), dtype=torch.float64)
    H = factor @ factor.mT
    found = hutch_plus_plus(quadratic(H), {"w": torch.ones(4, 12, dtype=torch.float64)},
                            rng=small.generator(), products=12)
    assert np.allclose(found.mean, H.diagonal(dim1=1, dim2=2).sum(1), rtol=1e-10)
    assert (found.stderr < 1e-10).all()


@pytest.mark.parametrize("estimate", [hessian_trace, hutch_plus_plus])
def test_recovers_nothing_where_a_model_diverged(small, estimate):
    params = small.params()
    params["2.bias"][1] = torch.inf
    found = estimate(small.objective(), params, rng=small.generator())
    assert np.isnan(found.mean).tolist() == [False, True, False]
    assert np.isnan(found.stderr).tolist() == [False, True, False]


def test_rejects_too_few_probes_and_other_generators(small):
    with pytest.raises(ValueError, match="probes must be at least 2"):
        hessian_trace(small.objective(), small.params(), rng=small.generator(), probes=1)
    with pytest.raises(ValueError, match="products must be at least 6"):
        hutch_plus_plus(small.objective(), small.params(), rng=small.generator(), products=5)
    with pytest.raises(TypeError, match=r"rng must be a torch\.Generator"):
        hessian_trace(small.objective(), small.params(), rng=np.random.default_rng(0))
