"""The character transformer against PyTorch's own layers, and what it can learn."""

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from workbench.train import (  # noqa: E402
    AdamW,
    CharTransformer,
    Training,
    causal_lm,
    fit,
    torch_generator,
)


def made(**options):
    return CharTransformer(11, 16, **{"layers": 2, "heads": 4, "context": 8} | options,
                           generator=torch_generator(0))


def copied(block):
    layer = nn.TransformerEncoderLayer(16, 4, 64, dropout=0.0, activation="gelu",
                                       batch_first=True, norm_first=True)
    layer.load_state_dict({
        "self_attn.in_proj_weight": block.asks.weight, "self_attn.in_proj_bias": block.asks.bias,
        "self_attn.out_proj.weight": block.adds.weight,
        "self_attn.out_proj.bias": block.adds.bias,
        "linear1.weight": block.widens.weight, "linear1.bias": block.widens.bias,
        "linear2.weight": block.narrows.weight, "linear2.bias": block.narrows.bias,
        **{f"norm{at}.{name}": getattr(norm, name) for at, norm in
           ((1, block.first), (2, block.second)) for name in ("weight", "bias")}})
    return layer


def test_matches_the_layers_of_pytorch():
    model = made()
    tokens = torch.randint(11, (3, 6), generator=torch_generator(1))
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    x = model.tokens.weight[tokens] + model.places.weight[:6]
    for block in model.blocks:
        x = copied(block)(x, src_mask=mask, is_causal=True)
    expected = model.norm(x) @ model.tokens.weight.T
    assert torch.allclose(model(tokens), expected, atol=1e-5)


def test_identity_what_comes_later_changes_nothing_before():
    model = made()
    tokens = torch.randint(11, (1, 8), generator=torch_generator(1))
    other = tokens.clone()
    other[0, 5:] = (other[0, 5:] + 1) % 11
    assert torch.allclose(model(tokens)[0, :5], model(other)[0, :5], atol=1e-6)
    assert sum(param.numel() for param in CharTransformer(
        64, 384, layers=6, heads=6, context=64, generator=torch_generator(0)).parameters()) > 1e7


@pytest.mark.slow
def test_recovers_a_rule():
    start = torch.randint(11, (256, 1), generator=torch_generator(2))
    tokens = (start + 3 * torch.arange(8)) % 11
    model = made(dropout=0.1)
    how = Training(AdamW(3e-3), epochs=12, batch_size=16)
    done = fit(model, (tokens, tokens), how, loss=causal_lm, progress="nowhere")
    assert done.history.loss[0] == pytest.approx(math.log(11), abs=0.5)
    model.eval()
    assert (model(tokens)[:, :-1].argmax(2) == tokens[:, 1:]).all()


@pytest.mark.parametrize(("options", "sentence"), [
    ({"heads": 3}, "heads must divide"), ({"layers": 0}, "layers"), ({"dropout": 1.0}, "dropout")])
def test_rejects_sizes(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        made(**options)


def test_rejects_texts_that_are_too_long():
    with pytest.raises(ValueError, match="at most 8 a row, got 9"):
        made()(torch.zeros(1, 9, dtype=torch.int64))
