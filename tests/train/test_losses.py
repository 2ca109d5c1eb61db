"""Losses of single rows against PyTorch's reduced ones, and what they refuse."""

import types

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from workbench.train import (  # noqa: E402
    ByTokens,
    causal_lm,
    classification,
    regression,
    torch_generator,
)
from workbench.train.losses import labels_in_range, logits_of, token_counts  # noqa: E402


def normal(*shape, seed=0, **options):
    return torch.randn(*shape, generator=torch_generator(seed), **options)


def test_matches_the_mean_cross_entropy():
    logits, y = normal(7, 4, dtype=torch.float64), torch.arange(7) % 4
    by_hand = -torch.log(torch.exp(logits) / torch.exp(logits).sum(1, keepdim=True))
    expected = np.array([by_hand[i, y[i]] for i in range(7)])
    assert classification(logits, y).numpy() == pytest.approx(expected, rel=1e-12)
    assert classification(logits.bfloat16(), y).dtype == torch.float32
    assert torch.equal(classification(logits, y.to(torch.uint8)), classification(logits, y))


@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 3)])
def test_matches_the_mean_squared_error(shape):
    predicted, y = normal(*shape), normal(*shape, seed=1)
    losses = regression(predicted, y)
    assert losses.shape == (6,)
    assert losses.mean().item() == pytest.approx(
        torch.nn.functional.mse_loss(predicted, y).item(), rel=1e-6)


def test_matches_the_language_loss_token_by_token():
    logits = normal(3, 5, 11, dtype=torch.float64)
    labels = torch.randint(11, (3, 5), generator=torch_generator(1))
    labels[0, 3:], labels[2] = -100, -100
    logs = logits.log_softmax(2)
    expected = [np.mean([-logs[row, at, labels[row, at + 1]] for at in range(4)
                         if labels[row, at + 1] >= 0] or [0.0]) for row in range(3)]
    assert causal_lm(logits, labels).numpy() == pytest.approx(np.array(expected), rel=1e-12)
    assert token_counts(labels).tolist() == [2, 4, 0]


def test_identity_chunks_of_tokens_change_neither_losses_nor_gradients():
    labels = torch.randint(11, (3, 5), generator=torch_generator(1))
    whole, pieces = (normal(3, 5, 11, requires_grad=True) for _ in range(2))
    one, many = causal_lm(whole, labels), causal_lm(pieces, labels, chunk_tokens=5)
    one.sum().backward()
    many.sum().backward()
    assert torch.equal(one, many)
    assert torch.equal(whole.grad, pieces.grad)


def test_matches_the_answers_of_hugging_face():
    logits = normal(2, 3)
    assert logits_of(types.SimpleNamespace(logits=logits)) is logits
    assert logits_of((logits, None)) is logits


@pytest.mark.parametrize(("loss", "outputs", "y", "sentence"), [
    (classification, torch.zeros(2, 3), torch.tensor([0, 3]), "0 to 2 for 3 outputs, got 3"),
    (classification, torch.zeros(2, 3), torch.tensor([-1, 0]), "got -1"),
    (classification, torch.zeros(2, 3), torch.tensor([-100, 0]), "got -100"),
    (causal_lm, torch.zeros(1, 2, 5), torch.tensor([[-100, 5]]), "0 to 4 .* got 5"),
    (classification, torch.zeros(2, 3), torch.zeros(2), "whole class numbers"),
    (classification, torch.zeros(2, 3), torch.zeros(3, dtype=torch.int64), r"\(2, 3\)"),
    (regression, torch.zeros(4, 2), torch.zeros(4), r"\(4, 2\) and \(4,\)"),
    (regression, torch.zeros(4, 1), torch.zeros(4, 4), "shape of y"),
    (causal_lm, torch.zeros(2, 3, 5), torch.zeros(2, 4, dtype=torch.int64), "next|labels"),
])
def test_rejects_what_does_not_fit(loss, outputs, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        loss(outputs, y)


def test_rejects_answers_without_a_tensor():
    with pytest.raises(TypeError, match="'labels' or 'y'"):
        classification(torch.zeros(2, 3), None)
    with pytest.raises(TypeError, match="loss="):
        logits_of({"a": 1})
    labels_in_range(torch.zeros(0, dtype=torch.int64), 1)


def test_identity_rows_without_a_token_count_alike():
    rows = torch.tensor([[1, 2, 3, -100], [1, 2, -100, -100]])
    for targets, expected in ((rows, [2 / 3, 1 / 3]), (torch.full((2, 4), -100), [0.5, 0.5])):
        weights = ByTokens()(types.SimpleNamespace(targets=targets, losses=torch.zeros(2)))
        assert weights.tolist() == pytest.approx(expected)
