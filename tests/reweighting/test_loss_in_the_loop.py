"""Weights by loss inside the training loop: processes, micro-batches, lengths, checkpoints."""

import math
import os
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tests.train.pairs import run_in_two  # noqa: E402
from workbench.reweighting import (  # noqa: E402
    Lagged,
    LossWeighter,
    Watched,
    annealed,
    loss_weights,
)
from workbench.train import Batch, CharTransformer, Sgd, Training, causal_lm, fit  # noqa: E402
from workbench.train.run import Run  # noqa: E402


class UpperHalf:
    """The ten lines of a user: losses above the median, all alike."""

    scope = "step"

    def __call__(self, losses):
        chosen = (losses >= losses.median()).to(losses)
        return chosen / chosen.sum()


WEIGHTERS = {"linupper": LossWeighter("linupper", temperature=0.5, burn_in=0.3),
             "annealed": LossWeighter("extremes", temperature=annealed("cosine", start=9.0)),
             "own": UpperHalf()}
EQUAL = Lagged(LossWeighter(temperature=math.inf))      # whose losses are those of one process


def draws(seed):
    return torch.Generator().manual_seed(seed)


def go(weighter, **options):
    x = torch.randn(64, 5, generator=draws(0), dtype=torch.float64)
    y = torch.randint(3, (64,), generator=draws(1))
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    with torch.no_grad():
        for param in model.parameters():
            param.uniform_(-0.5, 0.5, generator=draws(param.numel()))
    how = Training(Sgd(0.2), epochs=2, log_every=1, device="cpu", **options)
    done = fit(model, (x, y), how, weighter=weighter, progress="nowhere")
    return np.concatenate([param.detach().flatten() for param in model.parameters()]), done


def both(folder):
    """What each of two processes does, each with two micro-batches."""
    for name, weighter in WEIGHTERS.items():
        numbers, _ = go(weighter, batch_size=4, accumulate=2, devices=2)
        if os.environ["RANK"] == "0":
            np.save(folder / f"{name}.npy", numbers)
    _, done = go(EQUAL, batch_size=4, accumulate=2, devices=2)
    np.save(folder / f"range-{os.environ['RANK']}.npy", done.weighter_state["now"].numpy())


def test_matches_one_process_when_two_share_the_step(tmp_path):
    run_in_two(__file__, tmp_path)
    for name, weighter in WEIGHTERS.items():
        alone, _ = go(weighter, batch_size=16)
        assert np.abs(np.load(tmp_path / f"{name}.npy") - alone).max() < 1e-12, name
    whole = go(EQUAL, batch_size=16)[1].weighter_state["now"].numpy()
    for rank in (0, 1):                                   # lowest and highest loss of all rows
        assert np.abs(np.load(tmp_path / f"range-{rank}.npy") - whole).max() < 1e-12


def test_matches_a_whole_step_with_micro_batches():
    for weighter in WEIGHTERS.values():
        whole, _ = go(weighter, batch_size=16)
        parts, _ = go(weighter, batch_size=4, accumulate=4)
        assert np.abs(whole - parts).max() < 1e-12
    apart, _ = go(LossWeighter(temperature=0.5, scope="batch"), batch_size=4, accumulate=4)
    whole, _ = go(LossWeighter(temperature=0.5, scope="batch"), batch_size=16)
    assert np.abs(whole - apart).max() > 1e-3           # the published scope is another method


def test_identity_burn_in_is_uniform_and_ends_in_time():
    weighter = LossWeighter(temperature=0.5, burn_in=0.5)
    size = go(weighter, batch_size=16)[1].history["effective_size"].to_numpy()   # 8 steps
    assert size[:4] == pytest.approx(16, rel=1e-12)
    assert (size[4:] < 15.9).all()


def test_identity_resumed_training_has_the_temperature_it_must_have(tmp_path):
    weighter = WEIGHTERS["annealed"]
    whole, _ = go(weighter, batch_size=16, save_every=3)

    class Stop:
        def __init__(self):
            self.asked = 0

        def is_set(self):
            self.asked += 1
            return self.asked >= 3
    model = [None]

    def part(stop):
        x = torch.randn(64, 5, generator=draws(0), dtype=torch.float64)
        y = torch.randint(3, (64,), generator=draws(1))
        model[0] = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double()
        with torch.no_grad():
            for param in model[0].parameters():
                param.uniform_(-0.5, 0.5, generator=draws(param.numel()))
        how = Training(Sgd(0.2), epochs=2, log_every=1, device="cpu", batch_size=16, save_every=3)
        return fit(model[0], (x, y), how, weighter=weighter, folder=tmp_path, stop=stop,
                   progress="nowhere")
    assert part(Stop()).status == "stopped"
    assert part(None).status == "finished"
    resumed = np.concatenate([param.detach().flatten() for param in model[0].parameters()])
    assert np.array_equal(resumed, whole)


def language(weighter, tokens, labels=None, seed=3, loss=causal_lm):
    model = CharTransformer(11, 8, layers=1, heads=2, context=12, generator=draws(seed))
    how = Training(Sgd(0.5), epochs=1, batch_size=len(tokens), log_every=1)
    done = fit(model, (tokens, tokens if labels is None else labels), how, loss=loss,
               weighter=weighter, progress="nowhere")
    return torch.cat([param.detach().flatten() for param in model.parameters()]), done


def test_matches_token_counts_where_lengths_count():
    tokens = torch.randint(11, (6, 12), generator=draws(0))
    labels = tokens.clone()
    for row, kept in enumerate((12, 9, 7, 5, 3, 12)):
        labels[row, kept:] = -100
    losses = causal_lm(CharTransformer(11, 8, layers=1, heads=2, context=12,
                                       generator=draws(3))(tokens), labels).detach()
    amounts = loss_weights(losses, temperature=0.4) * torch.tensor([11, 8, 6, 4, 2, 11])
    fixed = amounts / amounts.sum()

    class Fixed:
        needs = frozenset({"index"})

        def __call__(self, batch):
            return fixed[batch.index]
    ours, _ = language(LossWeighter(temperature=0.4, burn_in=0.0, length_norm="tokens"), tokens,
                       labels)
    assert torch.allclose(ours, language(Fixed(), tokens, labels)[0], atol=1e-7)
    assert not torch.allclose(ours, language(LossWeighter(temperature=0.4, burn_in=0.0), tokens,
                                             labels)[0], atol=1e-5)
    same, _ = language(LossWeighter(burn_in=0.0, length_norm="tokens"), tokens)
    assert torch.allclose(same, language(LossWeighter(burn_in=0.0), tokens)[0], atol=1e-7)


def test_identity_skipped_rows_are_as_if_they_were_not_there():
    tokens = torch.randint(11, (6, 12), generator=draws(0))
    labels = tokens.clone()
    labels[2] = labels[5] = -100
    kept = labels[:, 1] != -100
    skips = LossWeighter(temperature=0.4, burn_in=0.0, skip_empty=True)
    ours, _ = language(skips, tokens, labels)
    without, _ = language(LossWeighter(temperature=0.4, burn_in=0.0), tokens[kept])
    assert torch.allclose(ours, without, atol=1e-6)
    nothing, done = language(skips, tokens, torch.full_like(tokens, -100))
    assert done.status == "finished"
    assert torch.isfinite(nothing).all()


@pytest.mark.parametrize("waits", [False, True])
def test_rejects_rows_without_a_token_unless_they_are_skipped(monkeypatch, waits):
    if waits:                                    # as on a graphics card or on several processes
        monkeypatch.setattr(Run, "immediate", False)
    tokens = torch.randint(11, (6, 12), generator=draws(0))
    labels = tokens.clone()
    labels[2] = -100
    where = "a row has none at step 0" if waits else "row 2 of the data has none at step 0"
    for weighter in (LossWeighter(), LossWeighter(burn_in=0.5), Watched(LossWeighter())):
        with pytest.raises(ValueError, match=where) as refused:
            language(weighter, tokens, labels)
        assert "skip_empty=True" in str(refused.value)
    for weighter in (LossWeighter(skip_empty=True), LossWeighter(length_norm="tokens"), None,
                     UpperHalf()):
        assert language(weighter, tokens, labels)[1].status == "finished"
    padded = torch.where(labels == -100, 0, labels.clamp(min=1))
    with pytest.raises(ValueError, match=where):
        language(LossWeighter(), tokens, padded, loss=partial(causal_lm, ignored=0))


def test_rejects_lengths_of_what_is_no_text():
    for options in ({"skip_empty": True}, {"length_norm": "tokens"}):
        weighter = LossWeighter(**options)
        with pytest.raises(ValueError, match=r"targets must be token numbers \(n, t\)"):
            go(weighter, batch_size=16)
        with pytest.raises(ValueError, match="got NoneType"):
            weighter(torch.ones(3))


def test_rejects_a_schedule_that_leaves_the_numbers_above_zero():
    for bad in (0.0, -1.0, math.nan, None, "cold"):
        with pytest.raises(ValueError, match="Let the schedule give numbers above zero"):
            go(LossWeighter(temperature=lambda t, bad=bad: 1.0 if t < 0.5 else bad),
               batch_size=16)


def test_identity_weights_stay_in_single_precision_under_bf16():
    seen = []

    def spy(losses):
        weights = LossWeighter(burn_in=0.0)(losses)
        seen.append((losses.dtype, weights.dtype))
        return weights
    x = torch.randn(32, 4, generator=draws(0))
    done = fit(nn.Linear(4, 2), (x, (x[:, 0] > 0).long()),
               Training(epochs=1, batch_size=8, precision="bf16-mixed", device="cpu"),
               weighter=spy, progress="nowhere")
    assert done.status == "finished"
    assert set(seen) == {(torch.float32, torch.float32)}


@pytest.mark.parametrize(("spoil", "words"), [
    (lambda w: w * math.nan, "smallest nan and sum nan"),
    (lambda w: w[:-1], r"shape \(15,\) for 16 rows"),
    (lambda w: w - 1, "smallest -"), (lambda w: w * 0, "smallest 0 and sum 0")])
def test_rejects_bad_weights_with_name_step_and_remedy(spoil, words):
    class Broken:
        calls = 0

        def __call__(self, losses):
            self.calls += 1
            good = torch.full_like(losses, 1 / len(losses))
            return good if self.calls < 3 else spoil(good)
    with pytest.raises(ValueError, match=words) as refused:
        go(Broken(), batch_size=16)
    assert "Broken must give each row one weight" in str(refused.value)
    assert "at step 2. Divide by the sum" in str(refused.value)


def test_identity_hugging_face_model_takes_the_weighter():
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(vocab_size=13, n_positions=8, n_embd=8, n_layer=1, n_head=2,
                                     resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    tokens = torch.randint(13, (16, 8), generator=draws(0))

    def trained(weighter):
        model = transformers.GPT2LMHeadModel(config).train()
        with torch.no_grad():
            for param in model.parameters():
                param.normal_(0, 0.3, generator=draws(param.numel()))
        how = Training(Sgd(0.1), epochs=1, batch_size=8)
        done = fit(model, {"input_ids": tokens, "labels": tokens}, how, loss=causal_lm,
                   weighter=weighter, progress="nowhere")
        return model.lm_head.weight.detach().clone(), done
    neutral, _ = trained(LossWeighter(temperature=math.inf))
    assert torch.equal(neutral, trained(None)[0])
    ours, done = trained(LossWeighter(temperature=0.3, burn_in=0.0))
    assert done.status == "finished"
    assert not torch.equal(ours, neutral)


def told(losses, step):
    return Batch(losses=losses, step=step, total_steps=9, epoch=0, rank=0, world_size=1,
                 generator=draws(0), gather=lambda rows: rows, local=lambda rows: rows)


def test_matches_the_range_of_the_step_before():
    steps = torch.randn(3, 2, 5, generator=draws(4), dtype=torch.float64).exp()
    weighter = Lagged(LossWeighter("linear", temperature=0.3, burn_in=0.0))
    state = weighter.init(0)
    for step in range(3):
        for part in range(2):
            state, weights = weighter.update(state, told(steps[step, part], step))
            losses = steps[step, part].numpy()
            if step:
                low, high = steps[step - 1].min().item(), steps[step - 1].max().item()
            else:                                   # what was seen of the first step so far
                low, high = steps[0, :part + 1].min().item(), steps[0, :part + 1].max().item()
            places = np.clip((losses - low) / (high - low), 0, 1)     # (h + 1) / 2
            amounts = np.exp(places / 0.3)
            assert np.allclose(weights.numpy(), amounts / amounts.sum(), atol=1e-12)


def test_identity_as_the_temperature_grows():
    plain, _ = go(None, batch_size=4, accumulate=4)
    ours, _ = go(Lagged(LossWeighter(temperature=math.inf)), batch_size=4, accumulate=4)
    assert np.abs(plain - ours).max() < 1e-14


def test_matches_one_forward_pass_for_each_micro_batch(monkeypatch):
    passes = []
    plain = torch.nn.Sequential.forward
    monkeypatch.setattr(torch.nn.Sequential, "forward",
                        lambda self, x: (passes.append(len(x)), plain(self, x))[1])
    count = {}
    for name, weighter in (("plain", None), ("lagged", Lagged()), ("step", LossWeighter())):
        passes.clear()
        go(weighter, batch_size=4, accumulate=4)
        count[name] = len(passes)
    assert count["lagged"] == count["plain"] < count["step"]
    schedule = Lagged(LossWeighter(temperature=annealed("cosine", start=9.0), burn_in=0.3))
    assert go(schedule, batch_size=4, accumulate=4)[1].status == "finished"


def test_rejects_lengths_and_other_weighters():
    for wrong in (LossWeighter(skip_empty=True), LossWeighter(length_norm="tokens"), len):
        with pytest.raises(ValueError, match="must be a LossWeighter that counts no lengths"):
            Lagged(wrong)
