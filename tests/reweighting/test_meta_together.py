"""Meta rescaling on two processes, and with networks of Hugging Face that take mappings."""

import os
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tests.train.pairs import run_in_two  # noqa: E402
from workbench.reweighting import Storm  # noqa: E402
from workbench.train import AdamW, Sgd, Training, fit, torch_generator  # noqa: E402

HOW = Training(Sgd(0.1), epochs=3, batch_size=8, log_every=1, device="cpu")


def rows():
    draws = torch_generator(0)
    x = torch.randn(64, 4, generator=draws, dtype=torch.float64)
    return x, (x[:, 0] > 0).long()


def network():
    model = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.2), nn.Tanh(), nn.Linear(6, 2))
    with torch.no_grad():
        for param in model.parameters():
            param.copy_(0.3 * torch.randn(param.shape, generator=torch_generator(1)))
    return model.double()


def ends_of(weighter, how, model=None):
    model = model or network()
    done = fit(model, rows(), how, weighter=weighter, progress="nowhere")
    return {"params": torch.cat([param.detach().flatten() for param in model.parameters()]),
            "rescaler": done.weighter_state["rescaler"].first.detach(),
            "last": done.weighter_state["rescaler"].last.detach()}


def plain():
    model = network()
    model[1] = nn.Identity()
    return model


def both(folder):
    how = replace(HOW, devices=2)
    ends = {inner: ends_of(Storm(inner=inner), how) for inner in ("sign", "sgd")}
    ends["neutral"] = ends_of(Storm(strength=0.0, inner="sgd"), how, plain())
    torch.save(ends, folder / f"rank{os.environ['RANK']}.pt")


def test_identity_on_two_processes(tmp_path):
    """Network and rescaler are equal on both; without strength two are one with twice the rows."""
    run_in_two(__file__, tmp_path)
    first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1))
    for name in ("sign", "sgd", "neutral"):
        for part in ("params", "rescaler", "last"):
            assert torch.equal(first[name][part], second[name][part]), (name, part)
            assert bool(torch.isfinite(first[name][part]).all())
    start = network()
    before = torch.cat([param.detach().flatten() for param in start.parameters()])
    assert not torch.equal(first["sgd"]["params"], before)
    alone = ends_of(Storm(strength=0.0, inner="sgd"), replace(HOW, batch_size=16), plain())
    assert first["neutral"]["params"].numpy() == pytest.approx(
        alone["params"].numpy(), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("inner", ["sign", "sgd"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_matches_both_ways_back_through_a_transformer(inner, attention):
    """Texts as token numbers, handed over by name; dropout inside the encoder is repeated."""
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=30, hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=12, num_labels=2,
        attn_implementation=attention)
    draws = torch_generator(0)
    tokens = torch.randint(30, (48, 10), generator=draws)
    data = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens),
            "labels": (tokens[:, 0] > 14).long()}
    ends = []
    for mode in (True, False):
        model = transformers.BertForSequenceClassification(config).train()
        with torch.no_grad():
            again = torch_generator(3)
            for param in model.parameters():
                param.copy_(0.1 * torch.randn(param.shape, generator=again))
        done = fit(model, data, Training(AdamW(1e-2), epochs=2, batch_size=16),
                   weighter=Storm(inner=inner, inner_rate=0.01, forward_mode=mode, rows=48),
                   progress="nowhere")
        assert done.status == "finished"
        assert not done.weighter_state["history"].isnan().any()
        ends.append((done.weighter_state["forward_mode"],
                     done.weighter_state["rescaler"].last.detach()))
    assert [mode for mode, _ in ends] == [True, False]
    assert ends[0][1].numpy() == pytest.approx(ends[1][1].numpy(), rel=2e-3, abs=2e-4)


def test_matches_a_deeper_look_at_the_dropout_of_an_encoder():
    """Passes differ by the network's own dropout where inputs are token numbers."""
    from workbench.reweighting.by_meta.passes import looked_at
    from workbench.train import MetaStep, classification
    from workbench.train.micro import Micro

    class Encoder(nn.Module):
        def __init__(self, share):
            super().__init__()
            self.table, self.drop = nn.Embedding(9, 4), nn.Dropout(share)
            self.last = nn.Linear(4, 2)

        def forward(self, input_ids):
            return self.last(self.drop(self.table(input_ids).mean(1)))

    for share, varies in ((0.0, False), (0.5, True)):
        model = Encoder(share)
        from contextlib import nullcontext
        step = MetaStep(model, None, classification, [], None, None, nullcontext, 0, 1, 0, None)
        micro = Micro({"input_ids": torch.arange(12).view(4, 3) % 9}, torch.tensor([0, 1, 0, 1]))
        _, told = looked_at(step, step.params, micro, 4, dropout=0.1, moves=True)
        assert bool((told[:, 1] > 0).all()) is varies
