"""Meta rescaling of a transformer on raw texts, on a graphics card: scores by noise, and price.

Run it on a machine with a card: ``python benchmarks/gpu/meta_rescaling.py``. Both shipped spam
collections as words, an encoder of 4 layers of width 256 that starts at random, 10, 20, 30 and
40 % of the labels flipped, uniform weights and rescaled ones, two seeds; then seconds of a step.
``--tiny`` is a model of some thousand parameters for a few steps on any machine: it shows that
the script runs. Writes ``results/meta_rescaling_gpu.md``; the tiny one writes nothing.
"""

import argparse
import re
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).resolve().parents[1]

from workbench.core import generator  # noqa: E402 - one block
from workbench.datasets import SPAM, load_spam  # noqa: E402
from workbench.reweighting import Storm  # noqa: E402
from workbench.reweighting.by_meta.courses import auroc  # noqa: E402
from workbench.reweighting.by_meta.worlds import flipped  # noqa: E402
from workbench.train import AdamW, Training, fit, torch_generator  # noqa: E402


@dataclass(frozen=True)
class Size:
    """Sizes of a run."""

    layers: int = 4
    width: int = 256
    length: int = 48
    words: int = 4000
    epochs: int = 6
    rows: int = 5000
    rates: tuple = (0.1, 0.2, 0.3, 0.4)
    seeds: int = 2
    turns: int = 5
    timed: int = 60
    device: str = "cuda"


TINY = Size(layers=1, width=8, length=8, words=50, epochs=1, rows=96, rates=(0.3,), turns=2,
            timed=2, device="cpu")


class Encoder(nn.Module):
    """A transformer over words, whose mean decides."""

    def __init__(self, size):
        super().__init__()
        self.table = nn.Embedding(size.words, size.width, padding_idx=0)
        self.place = nn.Parameter(torch.zeros(size.length, size.width))
        layer = nn.TransformerEncoderLayer(size.width, 2, 2 * size.width, dropout=0.1,
                                           batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, size.layers, enable_nested_tensor=False)
        self.head = nn.Linear(size.width, 2)

    def forward(self, input_ids):
        """Logits of token numbers; zeros are empty places."""
        held = (input_ids > 0).unsqueeze(-1)
        seen = self.body(self.table(input_ids) + self.place)
        return self.head((seen * held).sum(1) / held.sum(1).clamp(min=1))


def network(size, seed):
    """The encoder with parameters drawn by a generator."""
    model, draws = Encoder(size), torch_generator(seed)
    with torch.no_grad():
        for name, param in model.named_parameters():
            if param.ndim > 1:
                param.copy_(0.05 * torch.randn(param.shape, generator=draws))
            else:
                param.fill_(1.0 if "norm" in name and "weight" in name else 0.0)
    return model


def numbered(name, size):
    """Words as numbers, and labels, in three parts."""
    parts = load_spam(name)
    split = {part: [re.findall(r"\w+", text.lower()) for text in rows.texts[:size.rows]]
             for part, rows in parts.items()}
    counts = Counter(word for words in split["train"] for word in words)
    numbers = {word: at + 2 for at, (word, _) in enumerate(counts.most_common(size.words - 2))}
    found = {}
    for part, texts in split.items():
        tokens = np.zeros((len(texts), size.length), np.int64)
        for at, words in enumerate(texts):
            own = [numbers.get(word, 1) for word in words[:size.length]]
            tokens[at, :len(own)] = own
        found[part] = torch.as_tensor(tokens), parts[part].y[:size.rows]
    return found


def score(model, tokens, y, name):
    """Accuracy [%], or F1 of spam for text messages."""
    model.eval()
    device = next(model.parameters()).device
    with torch.no_grad():
        told = torch.cat([model(part.to(device)).argmax(1).cpu()
                          for part in tokens.split(256)]).numpy()
    model.train()
    if name != "sms-spam":
        return 100 * float((told == y).mean())
    right = float(((told == 1) & (y == 1)).sum())
    return 200 * right / max(1.0, float((told == 1).sum() + (y == 1).sum()))


def training(size, seed=0, **more):
    """Settings of all trainings."""
    return Training(AdamW(3e-4), batch_size=32, epochs=size.epochs, seed=seed, log_every=50,
                    device=size.device, compile="never", deterministic=False, **more)


def compared(name, size):
    """A line per rate."""
    data = numbered(name, size)
    tokens, y = data["train"]
    for rate in size.rates:
        found = {"uniform": [], "STORM": []}
        ranks = []
        for seed in range(size.seeds):
            given = flipped(y, 2, rate=rate, rng=generator(seed))
            for arm in found:
                weighter = Storm(inner="sgd", inner_rate=1e-3, rows=len(y)) if (
                    arm == "STORM") else None
                model = network(size, seed).to(size.device)
                done = fit(model, (tokens, given), training(size, seed), weighter=weighter,
                           progress="nowhere")
                found[arm].append(score(model, *data["test"], name))
                if weighter is not None:
                    last = np.nanmean(done.weighter_state["history"].numpy(force=True)[-3:], 0)
                    ranks.append(auroc(1 - last, given != y))
        yield (f"| {name} | {100 * rate:g} % | " + " | ".join(
            f"{np.mean(each):.1f} ({min(each):.1f} to {max(each):.1f})"
            for each in found.values()) + f" | {np.mean(ranks):.3f} |")


def spent_on(size):
    """Seconds of a step: plain, by both kinds of look ahead, and with a double backward.

    Wall time on a card, time of the processor elsewhere.
    """
    clock = time.perf_counter if size.device == "cuda" else time.process_time
    tokens, y = numbered("youtube-spam", size)["train"]
    arms = {"uniform": None, "sign": Storm(), "sgd": Storm(inner="sgd", inner_rate=1e-3),
            "sgd, double backward": Storm(inner="sgd", inner_rate=1e-3, forward_mode=False)}
    spent = {name: [] for name in arms}
    for turn in range(size.turns + 1):
        for name in list(arms)[::1 if turn % 2 else -1]:
            model = network(size, 0).to(size.device)
            begun = clock()
            fit(model, (tokens, y), training(size, max_steps=size.timed), weighter=arms[name],
                progress="nowhere")
            if size.device == "cuda":
                torch.cuda.synchronize()
            if turn:
                spent[name].append((clock() - begun) / size.timed)
    return spent


def prices(spent):
    """One row per kind of step."""
    plain = statistics.median(spent["uniform"])
    for name, each in spent.items():
        middle = statistics.median(each)
        yield f"| {name} | {1e3 * middle:.1f} | {middle / plain:.2f} |"


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    size = TINY if parser.parse_args().tiny else Size()
    assert size is TINY or torch.cuda.is_available(), "this needs a graphics card; see --tiny"
    where = torch.cuda.get_device_name(0) if size.device == "cuda" else "the processor, tiny"
    text = "\n".join([
        f"# Meta rescaling on {where}", "",
        f"Encoder of {size.layers} layers of width {size.width}, test score [%] after "
        f"{size.epochs} epochs, mean and range over {size.seeds} seeds; accuracy, for text "
        "messages F1 of spam.", "",
        "| data | flipped | uniform | STORM, sgd | area under the ROC curve of 1 - scale |",
        "| --- | --- | --- | --- | --- |",
        *(line for name in SPAM for line in compared(name, size)), "",
        "| step | milliseconds | times uniform |", "| --- | --- | --- |",
        *prices(spent_on(size)), ""])
    sys.stdout.write(text)
    if size is not TINY:
        (HERE / "results" / "meta_rescaling_gpu.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
