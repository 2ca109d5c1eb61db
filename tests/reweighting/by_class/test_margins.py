"""Losses for rare classes against their formulas written out and against each other."""

import math

import pytest

torch = pytest.importorskip("torch")

from workbench.reweighting.by_class.margins import (  # noqa: E402
    BalancedSoftmax,
    CosineLinear,
    Focal,
    Ldam,
    balanced_softmax_logits,
    ldam_logits,
)
from workbench.train import classification, torch_generator  # noqa: E402

COUNTS = (100, 10, 1)
LOGITS = torch.randn(6, 3, generator=torch_generator(0), dtype=torch.float64)
Y = torch.tensor([0, 1, 2, 2, 1, 0])


def test_matches_the_balanced_softmax_by_hand():
    found = BalancedSoftmax(COUNTS)(LOGITS, Y)
    for row, y, loss in zip(LOGITS.tolist(), Y.tolist(), found.tolist(), strict=True):
        amounts = [n * math.exp(one) for n, one in zip(COUNTS, row, strict=True)]
        assert loss == pytest.approx(-math.log(amounts[y] / sum(amounts)), rel=1e-12)


def test_matches_ldam_by_hand():
    margins = [0.5 * n ** -0.25 for n in COUNTS]                # the rarest has one row
    found = Ldam(COUNTS)(LOGITS, Y)
    for row, y, loss in zip(LOGITS.tolist(), Y.tolist(), found.tolist(), strict=True):
        moved = [30 * (one - (margins[k] if k == y else 0)) for k, one in enumerate(row)]
        top = max(moved)
        whole = top + math.log(sum(math.exp(one - top) for one in moved))
        assert loss == pytest.approx(whole - moved[y], rel=1e-10)


def test_matches_focal_by_hand_and_its_gradient_stays_finite():
    found = Focal(2.0)(LOGITS, Y)
    share = LOGITS.softmax(1)[torch.arange(6), Y]
    assert found.tolist() == pytest.approx((-(1 - share) ** 2 * share.log()).tolist(), rel=1e-9)
    sure = torch.tensor([[60.0, 0.0]], requires_grad=True)
    Focal(0.5)(sure, torch.tensor([0])).sum().backward()
    assert torch.isfinite(sure.grad).all()


def test_identity_neutral_settings_are_cross_entropy():
    plain = classification(LOGITS, Y)
    assert torch.equal(Focal(0.0)(LOGITS, Y), plain)
    assert torch.equal(balanced_softmax_logits(LOGITS, COUNTS, 0.0), LOGITS)
    assert torch.allclose(BalancedSoftmax((5, 5, 5))(LOGITS, Y), plain, rtol=1e-12)
    assert torch.allclose(Ldam(COUNTS, largest=0.0, scale=1.0)(LOGITS, Y), plain, rtol=1e-12)


def test_matches_cosines():
    layer, z = CosineLinear(4, 3).double(), torch.randn(5, 4, dtype=torch.float64,
                                                        generator=torch_generator(1))
    expected = torch.nn.functional.cosine_similarity(z[:, None], layer.weight[None], dim=2)
    assert torch.allclose(layer(z), expected, rtol=1e-10)


@pytest.mark.parametrize(("ask", "words"), [
    (lambda: BalancedSoftmax((3, 0)), "counts must hold"),
    (lambda: Ldam((3,)), "counts must hold"),
    (lambda: BalancedSoftmax((3, 1))(LOGITS, Y), r"got 2 for shape \(6, 3\)"),
    (lambda: balanced_softmax_logits(LOGITS, COUNTS, -1.0), "tau must be >= 0"),
    (lambda: ldam_logits(LOGITS, Y, COUNTS, largest=-1.0), "largest must be >= 0"),
    (lambda: ldam_logits(LOGITS, Y, COUNTS, scale=0.0), "scale"),
    (lambda: Focal(-1.0)(LOGITS, Y), "gamma must be >= 0")])
def test_rejects_what_is_out_of_range(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()
