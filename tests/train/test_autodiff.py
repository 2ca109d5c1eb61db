"""Gradients of single rows against one backward pass for each."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from workbench.train import (  # noqa: E402
    CharTransformer,
    Sgd,
    Training,
    causal_lm,
    classification,
    fit,
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


def bert():
    transformers = pytest.importorskip("transformers")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return transformers.BertForSequenceClassification(transformers.BertConfig(
            vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=8, max_position_embeddings=8, hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0)).train()


def texts(n=5, length=6):
    tokens = torch.randint(30, (n, length), generator=torch_generator(3))
    seen = (torch.arange(length) < torch.arange(2, n + 2)[:, None]).long()      # shorter texts
    return {"input_ids": tokens, "attention_mask": seen}, tokens[:, 0] % 2


def test_matches_a_backward_pass_of_each_row_where_masks_look_at_values():
    """Masks of Hugging Face ask whether all is seen, which no map over rows can answer."""
    model, (x, y) = bert(), texts()
    found = per_sample_gradients(model, classification, x, y, chunk_size=2)
    held = dict(model.named_parameters())
    assert set(found) == set(held)
    for row in range(len(y)):
        outputs = model(**{name: part[row:row + 1] for name, part in x.items()})
        slopes = torch.autograd.grad(classification(outputs, y[row:row + 1]).sum(),
                                     list(held.values()), allow_unused=True)
        for name, slope in zip(held, slopes, strict=True):
            wanted = torch.zeros_like(held[name]) if slope is None else slope
            assert torch.allclose(found[name][row], wanted, atol=1e-6), name


@pytest.mark.parametrize("need", ["passes:2", "gradient_norms"])
def test_matches_training_of_a_network_of_hugging_face_that_is_looked_at(need):
    class Equal:
        needs = frozenset({need})

        def __call__(self, batch):
            return torch.ones_like(batch.losses) / len(batch.losses)
    ends = []
    for weighter in (None, Equal()):
        model, (x, y) = bert(), texts(8)
        done = fit(model, {**x, "labels": y}, Training(Sgd(0.1), epochs=2, batch_size=4),
                   weighter=weighter, progress="nowhere")
        assert done.status == "finished"
        ends.append(torch.cat([param.detach().flatten() for param in model.parameters()]))
    assert torch.allclose(*ends, atol=1e-6)


def test_rejects_an_error_that_is_the_networks_own():
    class Broken(nn.Linear):
        def forward(self, x):
            raise RuntimeError(f"cannot read {tuple(x.shape)}")
    with pytest.raises(RuntimeError, match="cannot read"):
        per_sample_gradients(Broken(2, 2), classification, torch.zeros(3, 2),
                             torch.zeros(3, dtype=torch.int64))
