"""Language models on domains of text: own texts, own models, paired losses by domain."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from workbench.core import generator  # noqa: E402
from workbench.reweighting import LossWeighter, compare_weighters  # noqa: E402
from workbench.reweighting.by_loss.language import train_language  # noqa: E402
from workbench.train import Sgd, Training, causal_lm, torch_generator  # noqa: E402

SMALL = {"steps": 12, "batch_size": 16, "width": 8, "context": 12, "seeds": (0, 1)}


def texts():
    rng = generator(0)
    return {"easy": "abab" * 2000, "hard": "".join(rng.choice(list("abcdefghij"), 8000))}


def test_identity_neutral_weights_gain_nothing():
    found = train_language({"neutral": LossWeighter(temperature=float("inf"))}, domains=texts(),
                           **SMALL)
    assert list(dict.fromkeys(found.scores["name"])) == ["easy", "hard"]
    assert np.array_equal(found.losses("neutral", "hard"), found.losses("uniform", "hard"))


def test_recovers_which_domain_is_hard():
    """The easy domain is learnt, and the weight moves to the hard one."""
    found = train_language({"linupper": LossWeighter(temperature=0.3)}, domains=texts(),
                           **{**SMALL, "steps": 150})
    last = found.history[found.history["weighter"] == "linupper"].groupby("seed").tail(10)
    assert last["share_hard"].mean() > 0.8
    assert found.losses("linupper", "easy").max() < found.losses("linupper", "hard").min()


def test_matches_a_model_of_hugging_face():
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(vocab_size=13, n_positions=8, n_embd=8, n_layer=1, n_head=2,
                                     resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    starts = torch.randint(13, (48, 1), generator=torch_generator(0))
    tokens = (starts + torch.arange(8)) % 13              # it can be learnt
    data = {"input_ids": tokens[:32], "labels": tokens[:32]}
    test = {"input_ids": tokens[32:], "labels": tokens[32:]}

    def make(seed):
        model = transformers.GPT2LMHeadModel(config)
        with torch.no_grad():
            for param in model.parameters():
                param.normal_(0, 0.1, generator=torch_generator(seed))
        return model
    found = compare_weighters(make, data, test, {"linupper": LossWeighter()},
                              Training(Sgd(0.1), epochs=8, batch_size=8), loss=causal_lm,
                              seeds=(0, 1))
    own = make(1)(tokens[32:]).logits
    start = float(causal_lm(own, tokens[32:]).detach().mean())
    assert found.losses("uniform")[1] < start
    assert found.weights["linupper"].notna().all()
    assert np.isfinite(found.gain("linupper").ends).all()


def test_rejects_sizes_and_short_texts():
    with pytest.raises(ValueError, match="steps must be positive, got 0"):
        train_language({}, domains=texts(), **{**SMALL, "steps": 0})
    with pytest.raises(ValueError, match="domains must have at least ten windows"):
        train_language({}, domains={"a": "short"}, **SMALL)
