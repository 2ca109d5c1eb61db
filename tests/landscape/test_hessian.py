"""Products with the Hessian against torch.func's full matrix."""

import pytest
import torch

from workbench.landscape import Hessian, Objective

ROUNDING = 1e-12      # of sums of some hundred terms of size one in double precision


def test_matches_the_exact_matrix(small):
    params, objective = small.params(), small.objective()
    hessian = Hessian(objective, params)
    v = torch.randn(3, hessian.length, generator=small.generator(), dtype=torch.float64)
    full = small.exact(objective, params)
    assert (hessian.product(v) - (full @ v[..., None])[..., 0]).abs().max() < ROUNDING
    along = hessian.curvatures(v[None])[0].sum(1)
    assert (along - (v * hessian.product(v)).sum(1)).abs().max() < ROUNDING
    assert torch.equal(hessian.losses, objective(params))


@pytest.mark.parametrize("keep_graphs", [True, False])
def test_matches_batches_weighted_by_their_rows(small, keep_graphs):
    x, y = small.data()
    batches = [Objective(small.losses, shared={"x": x[rows], "y": y[rows]}, size=len(x[rows]))
               for rows in (slice(0, 10), slice(10, 14), slice(14, 30))]
    params = small.params()
    whole, parts = (Hessian(one, params, keep_graphs=keep_graphs)
                    for one in (small.objective(), batches))
    v = torch.randn(3, whole.length, generator=small.generator(), dtype=torch.float64)
    assert (whole.product(v) - parts.product(v)).abs().max() < ROUNDING
    assert (whole.losses - parts.losses).abs().max() < ROUNDING


@pytest.mark.parametrize("keep_graphs", [True, False])
def test_identity_models_in_several_graphs(small, monkeypatch, keep_graphs):
    params, x = small.params(models=5), small.data()[0]
    labels = torch.randint(3, (5, len(x)), generator=small.generator())
    objective = Objective(small.losses, stacked={"y": labels}, shared={"x": x})
    v = torch.randn(5, Hessian(objective, params).length, generator=small.generator(),
                    dtype=torch.float64)
    whole = Hessian(objective, params)
    monkeypatch.setattr("workbench.landscape.hessian.TOGETHER", 2)
    parts = Hessian([objective, objective], params, keep_graphs=keep_graphs)
    assert (whole.product(v) - parts.product(v)).abs().max() < ROUNDING
    assert (whole.curvatures(v[None]) - parts.curvatures(v[None])).abs().max() < ROUNDING
    assert (whole.gradient - parts.gradient).abs().max() < ROUNDING
    assert (whole.losses - parts.losses).abs().max() < ROUNDING
    kept = torch.tensor([4, 0, 3])
    assert (parts.take(kept).product(v[kept]) - whole.product(v)[kept]).abs().max() < ROUNDING


def test_identity_padding_changes_nothing(small):
    narrow, objective = small.params(models=2), small.objective()
    shapes = {"0.weight": (8, 4), "0.bias": (8,), "2.weight": (3, 8), "2.bias": (3,)}
    padded, masks = {}, {}
    for name, tensor in narrow.items():
        corner = tuple(slice(0, size) for size in tensor.shape[1:])
        padded[name] = tensor.new_zeros(2, *shapes[name])
        masks[name] = torch.zeros_like(padded[name])
        padded[name][:, *corner], masks[name][:, *corner] = tensor, 1
    wide = Hessian(objective, padded, masks=masks)
    plain = Hessian(objective, narrow)
    assert wide.lengths.tolist() == [plain.length] * 2
    held = wide.mask[0] > 0
    v = torch.randn(2, wide.length, generator=small.generator(), dtype=torch.float64)
    found = wide.product(v)
    assert (found[:, held] - plain.product(v[:, held])).abs().max() < ROUNDING
    assert not found[:, ~held].any()


def test_matches_the_models_that_are_taken(small):
    params, objective = small.params(), small.objective()
    kept = torch.tensor([2, 0])
    v = torch.randn(3, Hessian(objective, params).length, generator=small.generator(),
                    dtype=torch.float64)
    whole = Hessian(objective, params)
    assert (whole.take(kept).product(v[kept]) - whole.product(v)[kept]).abs().max() < ROUNDING


def test_matches_single_precision_data_taken_in_double(small):
    params = {name: tensor.float() for name, tensor in small.params().items()}
    objective = small.objective(dtype=torch.float32)
    hessian = Hessian(objective, params, dtype=torch.float64)
    full = small.exact(objective.to(torch.float64),
                       {name: tensor.double() for name, tensor in params.items()})
    v = torch.ones(3, hessian.length, dtype=torch.float64)
    assert (hessian.product(v) - full.sum(2)).abs().max() < ROUNDING


def test_recovers_a_model_beside_one_that_diverged(small):
    params, objective = small.params(), small.objective()
    broken = {name: tensor.clone() for name, tensor in params.items()}
    broken["0.weight"][1] = torch.nan
    v = torch.ones(3, Hessian(objective, params).length, dtype=torch.float64)
    whole, holed = (Hessian(objective, one).product(v) for one in (params, broken))
    assert torch.equal(whole[[0, 2]], holed[[0, 2]])
    assert holed[1].isnan().any()


def test_identity_flat_and_unused_parameters_have_no_curvature():
    params = {"used": torch.ones(2, 3), "linear": torch.ones(2, 2), "unused": torch.ones(2, 1)}
    hessian = Hessian(lambda one: (one["used"] ** 2).sum(1) + one["linear"].sum(1), params)
    assert hessian.product(torch.ones(2, 6)).tolist() == [[2.0, 2, 2, 0, 0, 0]] * 2
    flat = Hessian(lambda one: one["linear"].sum(1), {"linear": params["linear"]})
    assert not flat.product(torch.ones(2, 2)).any()


def test_rejects_losses_and_stacks_of_wrong_shape(small):
    params = small.params()
    with pytest.raises(ValueError, match="one mean per model"):
        Hessian(lambda one: small.objective()(one).sum(), params)
    with pytest.raises(ValueError, match="first axis counts the models"):
        Hessian(small.objective(), params | {"2.bias": params["2.bias"][:2]})
    with pytest.raises(ValueError, match="at least one batch"):
        Hessian([], params)
    with pytest.raises(ValueError, match="size must be positive"):
        Objective(small.losses, size=0)
