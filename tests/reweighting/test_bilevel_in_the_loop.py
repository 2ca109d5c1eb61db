"""Source weights inside the training loop: processes, micro-batches, checkpoints, texts."""

import os
import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tests.train.pairs import run_in_two  # noqa: E402
from workbench.reweighting import LISA, ScaleBiO, Stratified, source_weights  # noqa: E402
from workbench.train import Sgd, Training, causal_lm, cosine, fit, regression  # noqa: E402

K = 3
WEIGHTER = ScaleBiO(K, alpha=4.0, source_rate=0.1)


def draws(seed):
    return torch.Generator().manual_seed(seed)


def world(n=72):
    x = torch.randn(n, 5, generator=draws(0), dtype=torch.float64)
    group = torch.arange(n) % K
    clean = (x[:, 0] > 0).long()
    noise = torch.randint(3, (n,), generator=draws(1))
    return x, torch.where(torch.rand(n, generator=draws(2)) < group / 3, noise, clean), group


def go(weighter=WEIGHTER, *, stratified=False, dropout=0.0, meta=None, **options):
    """Parameters of both networks and the weights of sources, in one array."""
    data = world()
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Dropout(dropout),
                          nn.Linear(8, 3)).double()
    with torch.no_grad():
        for param in model.parameters():
            param.uniform_(-0.5, 0.5, generator=draws(param.numel()))
    own = {key: options.pop(key) for key in ("folder", "stop", "callbacks") if key in options}
    how = Training(Sgd(0.02), **{"epochs": 2, "schedule": cosine(), "log_every": 1,
                                 "device": "cpu"} | options)
    rows = Stratified(data, how.batch_size) if stratified else data
    ahead = (data[0], (data[0][:, 0] > 0).long())
    done = fit(model, rows, how, weighter=weighter, meta=meta or ahead, progress="nowhere",
               **own)
    parts = [*model.parameters(), *done.weighter_state["twin"].parameters()]
    return np.concatenate([*(part.detach().flatten() for part in parts),
                           source_weights(done)]), done


class Ahead:
    """Validation batches that a cut step shares out: rows 0 to 5 in order, for ever."""

    def __init__(self, size, rank=0, world_size=1):
        self.size, self.rank, self.world = size, rank, world_size

    def __len__(self):
        return 6 // self.size // self.world

    def __iter__(self):
        x = world(6)[0]
        parts = list(zip(x.split(self.size), (x[:, 0] > 0).long().split(self.size), strict=True))
        return iter(parts[self.rank::self.world])


def both(folder):
    """What each of two processes does, each with three micro-batches."""
    rank = int(os.environ["RANK"])
    for name, options in {"arrays": {}, "stratified": {"stratified": True}}.items():
        numbers, done = go(meta=Ahead(1, rank, 2), batch_size=6, accumulate=1 if options else 3,
                           devices=2, **options, max_steps=6)
        if not rank:
            np.save(folder / f"{name}.npy", numbers)
            done.history.to_csv(folder / f"{name}.csv")
    _, done = go(ScaleBiO(), batch_size=6, devices=2, max_steps=2)
    assert len(source_weights(done)) == K


def test_matches_one_process_when_two_share_the_step(tmp_path):
    run_in_two(__file__, tmp_path)
    for name, options in {"arrays": {"batch_size": 36, "meta": Ahead(6)},
                          "stratified": {"batch_size": 12, "stratified": True,
                                         "meta": Ahead(2)}}.items():
        alone, _ = go(**options, max_steps=6)
        assert np.abs(np.load(tmp_path / f"{name}.npy") - alone).max() < 1e-12, name


def test_matches_a_whole_step_with_micro_batches():
    whole, first = go(meta=Ahead(6), batch_size=6, max_steps=9)
    parts, second = go(meta=Ahead(2), batch_size=2, accumulate=3, max_steps=9)
    assert np.abs(whole - parts).max() < 1e-12
    for column in ("gap_0", "weight_2", "validation_loss", "twin_loss", "weighted_loss"):
        assert first.history[column].to_numpy() == pytest.approx(
            second.history[column].to_numpy(), abs=1e-12), column


@pytest.mark.parametrize("weighter", [WEIGHTER, ScaleBiO(alpha=2.0, tau=2.0, outer=2, warm_up=2)])
def test_identity_resumed_training_is_the_same_bit_for_bit(tmp_path, weighter):
    ends = []
    for folder, last in ((None, 0), (tmp_path, 3), (tmp_path, 0)):
        stop = threading.Event()
        ends.append(go(weighter, dropout=0.3, stratified=True, batch_size=9, folder=folder,
                       stop=stop, callbacks=[lambda row, last=last, stop=stop:
                                             stop.set() if row.get("step") == last else None])[0])
    assert np.array_equal(ends[0], ends[2])
    assert not np.array_equal(ends[0], ends[1])


def test_matches_rates_of_the_schedule_and_rounds():
    _, done = go(ScaleBiO(K, source_rate=0.1, tau=2.0, outer=2, alpha=3.0, twin_rate=0.04),
                 batch_size=9, epochs=1)                       # eight steps
    state = done.weighter_state
    share = cosine()(7 / 8) / 2
    assert state["optimiser"].param_groups[0]["lr"] == pytest.approx(0.1 * share)
    assert state["twin_optimiser"].param_groups[0]["lr"] == pytest.approx(0.04 * share)
    assert done.history["rate"].iloc[-1] == pytest.approx(0.02 * share)


def test_matches_the_twin_standing_still_in_the_warm_up():
    _, done = go(ScaleBiO(K, warm_up=100), batch_size=9, epochs=1)
    fresh = nn.Linear(5, 8).double()
    with torch.no_grad():
        fresh.weight.uniform_(-0.5, 0.5, generator=draws(40))
    assert torch.equal(done.weighter_state["twin"][0].weight, fresh.weight)
    assert (done.history["twin_loss"] == 0).all()


def test_identity_weights_are_a_simplex_of_sources_and_rows():
    _, done = go(stratified=True, batch_size=9)
    columns = [f"weight_{at}" for at in range(K)]
    assert done.history[columns].sum(axis=1).to_numpy() == pytest.approx(1)
    assert done.history[columns].iloc[0].to_numpy() == pytest.approx(1 / K)
    assert done.history["effective_size"].iloc[0] == pytest.approx(9)
    gaps = done.history[[f"gap_{at}" for at in range(K)]].to_numpy()
    mean = (done.history[columns].to_numpy() * gaps).sum(1)     # of the weights of the same step
    apart = (done.history["weighted_loss"] - done.history["twin_loss"]).to_numpy()
    assert apart == pytest.approx(mean, abs=1e-12)
    assert np.abs(gaps).max() > 1e-3


def test_matches_single_precision_in_bfloat16_and_any_kind_of_data():
    x, y, group = (part.float() if part.is_floating_point() else part for part in world())
    rows = torch.utils.data.TensorDataset(x, y, group)
    ends = []
    for data, precision in (((x, y, group), "32"), ((x, y, group), "bf16-mixed"), (rows, "32"),
                            (torch.utils.data.DataLoader(rows, batch_size=24), "32")):
        model = nn.Linear(5, 3)
        nn.init.zeros_(model.weight)
        nn.init.zeros_(model.bias)
        done = fit(model, data, Training(Sgd(0.02), max_steps=12, batch_size=24, log_every=1,
                                         precision=precision), weighter=ScaleBiO(),
                   meta=(x, y), progress="nowhere")
        assert len(source_weights(done)) == K
        ends.append(done.history)
    assert ends[0]["validation_loss"].to_numpy() == pytest.approx(
        ends[1]["validation_loss"].to_numpy(), abs=2e-2)
    assert ends[0].drop(columns=["seconds", "samples_per_second"]).equals(
        ends[2].drop(columns=["seconds", "samples_per_second"]))


def test_rejects_rows_without_source_or_without_validation():
    x, y, group = world()
    model = nn.Linear(5, 3).double()

    def fails(data, said, weighter=None, meta=(x, y)):
        with pytest.raises(ValueError, match=said):
            fit(model, data, Training(batch_size=8), weighter=weighter or ScaleBiO(), meta=meta,
                progress="nowhere")
    fails((x, y), "data must tell the source of each row, got none")
    fails((x, y, group), "meta must be the trusted validation rows", meta=None)
    fails((x, y, group), "at least the 8 rows of one step, got 3", meta=(x[:3], y[:3]))
    fails((x, y, 0 * group), "data must have at least 2 sources, got 1")
    fails((x, y, 2 * group), "got none of source 1")
    fails((x, y, group - 1), "sources must lie in 0 to")
    fails((x, y, group), r"sources must lie in 0 to 1, got 2", ScaleBiO(2))
    fails((x, y, group + 0.5), "sources must be whole numbers, got torch.float32 at step 0",
          ScaleBiO(4))
    fails((x, y, group), "the network has none", ScaleBiO(lisa=LISA(1)))


def test_matches_divergence_of_the_twin_reported_and_not_hidden():
    x, _, group = world()
    data, model = (x, x[:, 0], group), nn.Linear(5, 1).double()
    done = fit(model, data, Training(Sgd(1e-3), epochs=2, batch_size=9), loss=regression,
               weighter=ScaleBiO(K, twin_rate=1e250), meta=data[:2], progress="nowhere")
    assert done.status == "diverged"
    assert torch.isfinite(model.weight).all()


def test_matches_a_language_model_of_hugging_face(tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(vocab_size=17, n_positions=8, n_embd=8, n_layer=3, n_head=2,
                                     resid_pdrop=0.1, embd_pdrop=0.0, attn_pdrop=0.0)
    tokens = torch.randint(17, (24, 8), generator=draws(3))
    ends = []
    for folder, last in ((None, 0), (tmp_path, 2), (tmp_path, 0)):
        torch.random.default_generator.manual_seed(0)
        model, stop = transformers.GPT2LMHeadModel(config).train(), threading.Event()
        before = [block.mlp.c_fc.weight.clone() for block in model.transformer.h]
        done = fit(model, {"input_ids": tokens, "labels": tokens, "group": torch.arange(24) % 2},
                   Training(batch_size=6, max_steps=5, log_every=1), loss=causal_lm,
                   weighter=ScaleBiO(lisa=LISA(1, every=10, blocks="transformer.h")),
                   meta={"input_ids": tokens, "labels": tokens}, progress="nowhere",
                   folder=folder, stop=stop, callbacks=[
                       lambda row, last=last, stop=stop:
                       stop.set() if row.get("step") == last else None])
        moved = [not torch.equal(old, block.mlp.c_fc.weight)
                 for old, block in zip(before, model.transformer.h, strict=True)]
        assert sum(moved) == 1
        assert moved[done.weighter_state["drawn"]["model"][0]]
        assert source_weights(done).sum() == pytest.approx(1)
        ends.append(model.lm_head.weight.detach().clone())
    assert torch.equal(ends[0], ends[2])
