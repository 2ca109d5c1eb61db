"""Two networks compared: against the parts computed by hand, and left as they were."""

import numpy as np
import pytest
import torch
from torch import nn

from workbench.landscape import CurveTraining, compare, linear_cka


def network(small, seed=0, hidden=8):
    model = nn.Sequential(nn.Linear(4, hidden), nn.BatchNorm1d(hidden), nn.ReLU(),
                          nn.Dropout(0.2), nn.Linear(hidden, 3)).double()
    drawn = small.generator(seed)
    with torch.no_grad():
        for param in model.parameters():
            param.normal_(generator=drawn)
    return model


def settled(model, x):
    """The network with the moments of its inputs, in evaluation mode."""
    model.eval()
    hidden = model[0](x).detach()
    model[1].running_mean.copy_(hidden.mean(0))
    model[1].running_var.copy_(hidden.var(0))
    return model


def test_matches_the_parts_computed_by_hand(small):
    x, y = small.data()
    first, second = (settled(network(small, seed), x) for seed in (1, 2))
    found = compare(first, second, nn.CrossEntropyLoss(), (x, y), rng=small.generator())
    with torch.no_grad():
        logits = first(x), second(x)
    assert found["CKA"].value == pytest.approx(linear_cka(*(one.softmax(1) for one in logits)))
    same = (logits[0].argmax(1) == logits[1].argmax(1)).double().mean().item()
    assert found["agreement"].value == pytest.approx(same)
    gap = torch.cat([(a - b).detach().flatten() for a, b in zip(
        first.parameters(), second.parameters(), strict=True)]).norm().item()
    assert found["distance"].value == pytest.approx(gap)
    ends = [nn.functional.cross_entropy(one, y).item() for one in logits]
    assert np.allclose(found.line.values["loss"][0, [0, -1]], ends)
    middle = network(small)
    with torch.no_grad():
        for param, a, b in zip(middle.parameters(), first.parameters(), second.parameters(),
                               strict=True):
            param.copy_((a + b) / 2)
        loss = nn.functional.cross_entropy(settled(middle, x)(x), y).item()
    assert found.line.values["loss"][0, 5] == pytest.approx(loss)
    assert len(found.table()) == 6


def test_identity_the_networks_are_left_as_they_were(small):
    x, y = small.data()
    first, second = network(small, 1), network(small, 2).eval()
    before = [{name: tensor.clone() for name, tensor in model.state_dict().items()}
              for model in (first, second)]
    found = compare(first, second, nn.CrossEntropyLoss(), [(x[:20], y[:20]), (x[20:], y[20:])],
                    rng=small.generator(), curve=CurveTraining(epochs=2, batch_size=10))
    for model, state in zip((first, second), before, strict=True):
        assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    assert first.training
    assert first[1].training
    assert not second.training
    assert np.isfinite(found["connectivity of error"].value)


def test_recovers_better_networks_along_a_trained_curve(small):
    data = small.data(rows=60)
    first, second = network(small, 1), network(small, 2)
    found = compare(first, second, nn.CrossEntropyLoss(), data, rng=small.generator(),
                    curve=CurveTraining(epochs=60, batch_size=20, learning_rate=0.2))
    middle = found.curve.values["loss"][0, 2]
    assert middle < found.line.values["loss"][0, 5]
    assert found["connectivity of loss"].value > 0       # these ends were never trained


def test_matches_language_models(small):
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.random.fork_rng(devices=[]):
        first, second = (GPT2LMHeadModel(GPT2Config(
            vocab_size=17, n_positions=8, n_embd=8, n_layer=1, n_head=2, bos_token_id=0,
            eos_token_id=0)) for _ in range(2))
    tokens = torch.randint(17, (3, 8), generator=small.generator())
    found = compare(first, second, None, {"input_ids": tokens, "labels": tokens},
                    rng=small.generator(), curve=CurveTraining(epochs=1, batch_size=2))
    with torch.no_grad():
        logits = [model.eval()(tokens).logits.flatten(0, 1) for model in (first, second)]
    assert found["CKA"].value == pytest.approx(linear_cka(*(one.softmax(1) for one in logits)))
    assert "barrier of error" not in found.measures
    assert np.isfinite(found["connectivity of loss"].value)


def test_rejects_networks_of_other_shapes(small):
    with pytest.raises(ValueError, match=r"other ones for 0\.bias, 0\.weight, 1\.bias"):
        compare(network(small), network(small, hidden=9), nn.CrossEntropyLoss(), small.data(),
                rng=small.generator())
