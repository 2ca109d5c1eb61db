"""The separation of features against another library, closed forms and finite differences."""

import math
import warnings

import pytest

torch = pytest.importorskip("torch")

from workbench.reweighting.by_class.contrastive import FeatureSeparation, supcon_loss  # noqa: E402
from workbench.train import torch_generator  # noqa: E402


def rows(n, d=5, seed=0):
    return torch.randn(n, d, generator=torch_generator(seed), dtype=torch.float64)


@pytest.mark.parametrize("labels", [
    [0, 0, 1, 1, 2, 2], [0, 1, 2, 0, 0, 0], [0, 1, 2, 3, 4, 4],
    [7, 7, 7, 1, 2, 1]])
@pytest.mark.parametrize("temperature", [0.05, 0.1, 1.0])
def test_matches_pytorch_metric_learning(labels, temperature):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        losses = pytest.importorskip("pytorch_metric_learning.losses")
    y, features = torch.tensor(labels), rows(6)
    told = losses.SupConLoss(temperature=temperature)(features, y)
    assert supcon_loss(features, y, temperature).item() == pytest.approx(told.item(), abs=1e-12)


def test_matches_rows_of_one_class_where_the_library_gives_nothing():
    """It leaves out batches without a second class; the formula does not."""
    z = rows(3)
    unit = z / z.norm(dim=1, keepdim=True)
    alike = (unit @ unit.T).tolist()
    told = [math.log(sum(math.exp(alike[i][a]) for a in range(3) if a != i))
            - sum(alike[i][a] for a in range(3) if a != i) / 2 for i in range(3)]
    assert supcon_loss(z, torch.full((3,), 4), 1.0).item() == pytest.approx(sum(told) / 3)


def test_matches_two_opposite_collapsed_classes():
    ends = torch.tensor([[1.0, 2.0], [-1.0, -2.0]], dtype=torch.float64)
    y = torch.tensor([0, 0, 0, 1, 1, 1])
    for temperature in (0.1, 0.5, 2.0):
        expected = math.log(2 + 3 * math.exp(-2 / temperature))
        assert supcon_loss(ends[y], y, temperature).item() == pytest.approx(expected, abs=1e-12)


def test_matches_a_loop_over_pairs_row_by_row():
    y, z = torch.tensor([0, 1, 0, 2, 1, 0]), rows(6)
    unit = z / z.norm(dim=1, keepdim=True)
    found = supcon_loss(z, y, 0.3, reduction="none")
    for i in range(6):
        others = [a for a in range(6) if a != i]
        mates = [p for p in others if y[p] == y[i]]
        whole = sum(math.exp(float(unit[i] @ unit[a]) / 0.3) for a in others)
        loss = -sum(float(unit[i] @ unit[p]) / 0.3 - math.log(whole) for p in mates) / (
            len(mates) or 1)
        assert found[i].item() == pytest.approx(loss, abs=1e-12)


def test_identity_scale_of_features_does_not_matter():
    y, z = torch.tensor([0, 1, 0, 1]), rows(4)
    sizes = torch.tensor([[1e-3], [2.0], [50.0], [1e4]], dtype=torch.float64)
    assert supcon_loss(z * sizes, y).item() == pytest.approx(supcon_loss(z, y).item(), rel=1e-10)


def test_matches_finite_differences_and_vmap():
    y = torch.tensor([0, 1, 0, 2, 1])
    z = rows(5).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: supcon_loss(z, y, 0.2), (z,))
    many = torch.stack([rows(5, seed=seed) for seed in range(3)])
    together = torch.func.vmap(lambda z: supcon_loss(z, y, 0.2))(many)
    assert together.tolist() == pytest.approx([supcon_loss(z, y, 0.2).item() for z in many])


def test_identity_rows_of_different_classes_give_nothing():
    z = rows(4).requires_grad_()
    loss = supcon_loss(z, torch.arange(4))
    loss.backward()
    assert loss.item() == 0
    assert z.grad.abs().max() == 0
    zeros = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)     # no direction at all
    supcon_loss(zeros, torch.tensor([0, 0, 1, 1])).backward()
    assert zeros.grad.abs().max() == 0
    dead = rows(4) * torch.tensor([[1.0], [0.0], [1.0], [1.0]])
    dead.requires_grad_()                           # the others learn as if nothing had happened
    supcon_loss(dead, torch.tensor([0, 0, 1, 1])).backward()
    assert dead.grad[1].abs().max() == 0
    assert 0 < dead.grad.abs().max() < 100


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_matches_half_precision_that_is_widened(kind):
    y, z = torch.tensor([0, 1, 0, 1, 2]), rows(5).to(kind)
    z[4] = 0
    z.requires_grad_()
    loss = supcon_loss(z, y, 0.05)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(supcon_loss(z.detach().double(), y, 0.05).item(), rel=1e-5)
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize(("ask", "words"), [
    (lambda: supcon_loss(rows(3), torch.arange(3), 0.0), "temperature must"),
    (lambda: supcon_loss(rows(1), torch.arange(1)), "n >= 2, got"),
    (lambda: supcon_loss(rows(3)[..., None], torch.arange(3)), r"got \(3, 5, 1\)"),
    (lambda: supcon_loss(rows(3), torch.arange(4)), r"and \(4,\)"),
    (lambda: supcon_loss(rows(3), torch.arange(3), reduction="sum"), "reduction must be one of"),
    (lambda: FeatureSeparation(-1.0), "strength must be >= 0, got -1.0"),
    (lambda: FeatureSeparation(math.nan), "strength must be >= 0"),
    (lambda: FeatureSeparation(temperature=-1), "temperature must")])
def test_rejects_what_has_no_meaning(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()
