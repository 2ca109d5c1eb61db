"""Gradients of single rows against one backward pass for each."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from workbench.train import (  # noqa: E402
    CharTransformer,
    causal_lm,
    classification,
    per_sample_gradient_norms,
    per_sample_gradients,
    torch_generator,
)


def network():
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.GroupNorm(1, 3), nn.Tanh(), nn.Flatten(),
                         nn.Linear(48, 4)).double()


def world(n=7):
    rng = torch_generator(0)
    return (torch.randn(n, 1, 6, 6, generator=rng, dtype=torch.float64),
            torch.randint(4, (n,), generator=rng))


@pytest.mark.parametrize("chunk_size", [None, 3])
def test_matches_a_backward_pass_of_each_row(chunk_size):
    model, (x, y) = network(), world()
    model[1].weight.requires_grad_(False)  # noqa: FBT003
    found = per_sample_gradients(model, classification, x, y, chunk_size=chunk_size)
    assert "1.weight" not in found
    held = {name: param for name, param in model.named_parameters() if param.requires_grad}
    norms = per_sample_gradient_norms(model, classification, x, y)
    for row in range(7):
        loss = classification(model(x[row:row + 1]), y[row:row + 1]).sum()
        slopes = torch.autograd.grad(loss, list(held.values()))
        for name, slope in zip(held, slopes, strict=True):
            assert torch.allclose(found[name][row], slope, atol=1e-12)
        size = torch.cat([slope.flatten() for slope in slopes]).norm()
        assert norms[row].item() == pytest.approx(size.item(), rel=1e-10)


def test_matches_a_backward_pass_of_each_text():
    model = CharTransformer(9, 8, layers=1, heads=2, context=6, generator=torch_generator(1))
    tokens = torch.randint(9, (4, 6), generator=torch_generator(2))
    found = per_sample_gradients(model, causal_lm, {"tokens": tokens}, tokens)
    slope, = torch.autograd.grad(causal_lm(model(tokens[2:3]), tokens[2:3]).sum(),
                                 [model.tokens.weight])
    assert torch.allclose(found["tokens.weight"][2], slope, atol=1e-6)


def test_rejects_layers_that_mix_rows():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    x, y = torch.zeros(4, 2), torch.zeros(4, dtype=torch.int64)
    with pytest.raises(ValueError, match="'1' in training mode"):
        per_sample_gradients(model, classification, x, y)
    assert per_sample_gradient_norms(model.eval(), classification, x, y).shape == (4,)
