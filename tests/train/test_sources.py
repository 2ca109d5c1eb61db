"""Rows in any form train alike; networks of Hugging Face train through their own answers."""

import copy
import math
import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from workbench.train import (  # noqa: E402
    AdamW,
    ByTokens,
    Ema,
    Sgd,
    Swa,
    Training,
    causal_lm,
    classification,
    fit,
    mean_loss,
    recalibrate,
    regression,
    torch_generator,
    with_params,
)
from workbench.train.batches import order_of  # noqa: E402

HOW = Training(Sgd(0.1), epochs=3, batch_size=8, log_every=1)


def world(n=32):
    rng = torch_generator(0)
    return torch.randn(n, 3, generator=rng), torch.randint(2, (n,), generator=rng)


def network():
    model = nn.Linear(3, 2)
    with torch.no_grad():
        model.weight.copy_(torch.arange(6.0).view(2, 3) / 6)
        model.bias.zero_()
    return model


class Rows(torch.utils.data.Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, at):
        return {"input": self.x[at], "labels": self.y[at]}


class InOrder:
    """The batches that the loop would draw, as a loader gives them."""

    def __init__(self, x, y):
        self.x, self.y, self.epoch = x, y, 0

    def __len__(self):
        return len(self.x) // 8

    def __iter__(self):
        order = order_of(len(self.x), 0, self.epoch)
        self.epoch += 1
        for rows in order.split(8):
            yield self.x[rows], self.y[rows]


@pytest.mark.parametrize("form", [
    lambda x, y: (x.double().numpy(), y.numpy()), lambda x, y: {"input": x, "labels": y},
    lambda x, y: TensorDataset(x, y), Rows, InOrder])
def test_identity_forms_of_data_train_alike(form):
    x, y = world()
    plain, other = network(), network()
    fit(plain, (x, y), HOW, progress="nowhere")
    fit(other, form(x, y), HOW, progress="nowhere")
    assert torch.equal(plain.weight, other.weight)


def test_identity_a_loader_that_shuffles_goes_on_where_it_was(tmp_path):
    x, y = world()
    ends = []
    for folder in (None, tmp_path, tmp_path):
        model, stop = nn.Sequential(nn.Dropout(0.3), network()), threading.Event()
        if folder and not list(tmp_path.iterdir()):
            def end(row, stop=stop):
                if row["step"] == 6:
                    stop.set()
        else:
            def end(row):
                return None
        loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)
        fit(model, loader, HOW, folder=folder, stop=stop, callbacks=[end], progress="nowhere")
        ends.append(model[1].weight)
    assert torch.equal(ends[0], ends[2])
    assert not torch.equal(ends[0], ends[1])


def test_matches_the_best_step_by_validation():
    x, y = world()
    seen = {}
    model = network()

    def score(network):
        scores = [3.0, 2.0, 2.5, 2.6, 1.0]
        seen[len(seen)] = copy.deepcopy(network.weight.detach())
        assert not network.training
        return scores[len(seen) - 1]

    how = Training(Sgd(0.1), epochs=9, batch_size=8, check_every=2, patience=2)
    done = fit(model, (x, y), how, validation=score, progress="nowhere")
    assert (done.status, done.step, done.kept_step, done.score) == ("early", 6, 2, 2.0)
    assert done.checks.step.tolist() == [0, 2, 4, 6]
    assert torch.equal(model.weight, seen[1])
    assert model.training


def test_matches_the_mean_loss_of_validation_rows():
    x, y = world()
    model = network()
    done = fit(model, (x, y), HOW, validation=TensorDataset(x[:20], y[:20]), progress="nowhere")
    expected = classification(model(x[:20]), y[:20]).mean().item()
    assert done.score == pytest.approx(expected, rel=1e-6)
    assert mean_loss(model, [(x[:20], y[:20])], classification) == pytest.approx(expected)


@pytest.mark.parametrize(("average", "weights"), [
    (Swa(0.5), [0, 0, 0, 0, 0, 1 / 7, 1 / 7, 1 / 7, 1 / 7, 1 / 7, 1 / 7, 1 / 7]),
    (Ema(0.0), [0] * 11 + [1])])
def test_matches_weights_at_params(average, weights):
    seen = []
    model = network()
    done = fit(model, world(), Training(Sgd(0.1), epochs=3, batch_size=8, log_every=1,
                                        average=average),
               callbacks=[lambda _: seen.append(model.weight.detach().clone())],
               progress="nowhere")
    by_hand = sum(weight * params for weight, params in zip(weights, seen, strict=True))
    assert torch.allclose(done.average["weight"], by_hand, atol=1e-6)
    assert torch.equal(with_params(model, done.average).weight, done.average["weight"])


def test_matches_batch_statistics_of_all_rows():
    x, _ = world()
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2))
    recalibrate(model, x.split(8))
    parts = [(part.mean(0), part.var(0)) for part in x.split(8)]
    for at, kept in enumerate((model[0].running_mean, model[0].running_var)):
        assert torch.allclose(kept, torch.stack([part[at] for part in parts]).mean(0), atol=1e-6)
    assert model.training
    assert model[0].momentum == 0.1


def test_identity_frozen_parts_stay_frozen():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2))
    model[0].eval()
    fit(model, world(), HOW, validation=world(), progress="nowhere")
    assert not model[0].training
    assert model[0].running_mean.abs().sum() == 0


def test_identity_a_thread_can_stop_a_run():
    stop = threading.Event()
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    done = fit(network(), world(), Training(Sgd(0.1), max_steps=10 ** 8), stop=stop,
               progress="nowhere")
    timer.join()
    assert done.status == "stopped"
    assert 0 < done.step < 10 ** 8


def language():
    rng = torch_generator(2)
    tokens = torch.randint(1, 16, (24, 7), generator=rng)
    labels = tokens.clone()
    for row in range(24):
        labels[row, 2 + row % 5:] = -100
    return tokens, labels


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["GPT2", "Llama"])
def test_matches_hugging_face(kind):
    transformers = pytest.importorskip("transformers")
    tokens, labels = language()
    with torch.random.fork_rng():
        torch.set_rng_state(torch_generator(0).get_state())
        if kind == "GPT2":
            model = transformers.GPT2LMHeadModel(transformers.GPT2Config(
                vocab_size=16, n_positions=8, n_embd=16, n_layer=2, n_head=2, resid_pdrop=0,
                embd_pdrop=0, attn_pdrop=0))
        else:
            model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
                vocab_size=16, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
                num_attention_heads=2))
    model.train()
    theirs = model(input_ids=tokens, labels=labels).loss.item()
    how = Training(AdamW(1e-3), max_steps=1, batch_size=24)
    data = {"input_ids": tokens, "labels": labels}
    done = fit(copy.deepcopy(model), data, how, loss=causal_lm, weighter=ByTokens(),
               progress="nowhere")
    assert done.history.weighted_loss[0] == pytest.approx(theirs, rel=1e-5)
    learnt = fit(model, data, Training(AdamW(1e-2), epochs=40, batch_size=8), loss=causal_lm,
                 progress="nowhere")
    assert learnt.history.loss.iloc[-1] < math.log(16) / 2


def test_matches_least_squares():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(128, 3))
    y = x @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=128)
    amounts = rng.uniform(size=128)

    class Amounts:
        needs = frozenset({"index"})

        def __call__(self, batch):
            held = torch.as_tensor(amounts)[batch.index]
            return held / held.sum()

    model = nn.Linear(3, 1, bias=False).double()
    fit(model, (x, y), Training(Sgd(0.1), epochs=900, batch_size=128), loss=regression,
        weighter=Amounts(), progress="nowhere")
    root = np.sqrt(amounts)
    expected = np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0]
    assert model.weight.detach().numpy()[0] == pytest.approx(expected, abs=1e-9)
