"""Weights of sources of text for a language model, on a graphics card, with LISA and without.

Run it on a machine with a card: ``python benchmarks/gpu/bilevel.py``. Characters of the four text
domains of the project and two corrupted sources (half and all of the characters drawn anew),
validation rows of two domains, 8 layers of width 384, context 256, bf16, 1500 steps, alpha 10.
Prints the weights, the loss of new networks on windows taken by learnt and by uniform weights,
seconds and peak memory of a step beside plain training, and writes ``results/bilevel_gpu.md``.
``--tiny`` is a model of some thousand parameters for a few steps on any machine: it shows that the
script runs; it asserts nothing and writes nothing. ``--blocks`` is the dotted name of the list of
blocks, such as "blocks", "transformer.h" or "model.layers".
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parents[1]

from workbench.core import generator  # noqa: E402 - one block
from workbench.datasets.text_domains import ALPHABET  # noqa: E402
from workbench.reweighting import LISA, ScaleBiO, Stratified, source_weights  # noqa: E402
from workbench.reweighting.by_source.language import sourced_texts  # noqa: E402
from workbench.train import (  # noqa: E402
    AdamW,
    CharTransformer,
    Training,
    causal_lm,
    cosine,
    fit,
    mean_loss,
    torch_generator,
    warm_up,
)


@dataclass(frozen=True)
class Size:
    """Sizes of a run."""

    layers: int = 8
    heads: int = 6
    width: int = 384
    context: int = 256
    batch_size: int = 48
    steps: int = 1500
    windows: int = 12_000
    seeds: int = 2
    lisa: int = 4
    every: int = 20
    device: str = "cuda"
    precision: str = "bf16-mixed"


TINY = Size(layers=3, heads=2, width=16, context=32, batch_size=12, steps=6, windows=100, seeds=2,
            lisa=1, every=2, device="cpu", precision="32")


def network(size, seed):
    """A transformer of GPT-2's shape; at 8 layers of 384 about 14 million parameters."""
    return CharTransformer(len(ALPHABET), size.width, layers=size.layers, heads=size.heads,
                           context=size.context, generator=torch_generator(seed))


def training(size, seed):
    """Rate 5e-4, warm-up of 3 % and cosine to zero."""
    return Training(AdamW(5e-4, weight_decay=5e-4), max_steps=size.steps,
                    batch_size=size.batch_size, schedule=warm_up(0.03, cosine()),
                    device=size.device, precision=size.precision, seed=seed,
                    log_every=max(1, size.steps // 30), deterministic=False, compile="never")


def timed(size, model, data, seed, **more):
    """A training, its seconds per step and its peak memory [MiB]."""
    card = size.device == "cuda"
    if card:
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
    begun = time.perf_counter()
    done = fit(model, data, training(size, seed), loss=causal_lm, progress="nowhere", **more)
    if card:
        torch.cuda.synchronize()
    peak = torch.cuda.max_memory_allocated() / 2 ** 20 if card else 0.0
    return done, (time.perf_counter() - begun) / size.steps, peak


def taken(texts, shares, size, rng):
    """Windows by shares of the sources."""
    each = len(texts.tokens) // len(texts.names)
    chosen = rng.choice(len(shares), size=size.steps * size.batch_size, p=shares / shares.sum())
    return texts.tokens[chosen * each + rng.integers(each, size=len(chosen))]


def one_seed(size, seed, blocks):
    """Weights, losses, seconds and memory of each arm."""
    texts = sourced_texts(size.windows, size.context, rng=generator(seed))
    arms = {"LISA off": None, "LISA on": LISA(size.lisa, size.every, blocks)}
    data, found = (texts.tokens, texts.tokens, texts.group), {}
    for name, lisa in arms.items():
        done, seconds, peak = timed(
            size, network(size, seed), Stratified(data, size.batch_size), seed,
            weighter=ScaleBiO(len(texts.names), lisa=lisa), meta=(texts.ahead, texts.ahead))
        assert done.status == "finished", f"{name}: {done.status}"
        found[name] = {"weights": source_weights(done).astype(float), "seconds": seconds,
                       "peak": peak}
    found["uniform"] = {"weights": np.full(len(texts.names), 1 / len(texts.names))}
    for arm in found.values():
        rows, model = taken(texts, arm["weights"], size, generator(seed)), network(size, seed + 1)
        _, arm["plain"], arm["plain peak"] = timed(size, model, (rows, rows), seed)
        arm["loss"] = mean_loss(model, (texts.test, texts.test), causal_lm)
    return found, texts


def spread(values, digits=3):
    """Mean and standard error."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.{digits}f} ± {error:.{digits}f}"


def lines(found, texts):
    """The tables; mean ± standard error over seeds."""
    yield "| weights | " + " | ".join(texts.names) + " | loss of new networks |"
    yield "| --- |" + " --- |" * (len(texts.names) + 1)
    for arm in found[0]:
        weights = np.stack([one[arm]["weights"] for one in found])
        yield f"| {arm} | " + " | ".join(spread(column) for column in weights.T) + " | " + spread(
            [one[arm]["loss"] for one in found], 4) + " |"
    yield ""
    for arm in ("LISA off", "LISA on"):
        gains = [one["uniform"]["loss"] - one[arm]["loss"] for one in found]
        yield (f"{arm}: gain over uniform {spread(gains, 4)} nats per character; "
               f"{spread([1e3 * one[arm]['seconds'] for one in found], 1)} ms a step, "
               f"{spread([one[arm]['seconds'] / one['uniform']['plain'] for one in found], 2)} "
               "times plain training; peak memory "
               f"{np.mean([one[arm]['peak'] for one in found]):.0f} MiB beside "
               f"{np.mean([one['uniform']['plain peak'] for one in found]):.0f} MiB.")
        yield ""


def main():
    """Measure, print, write, and assert."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--blocks", default="blocks")
    asked = parser.parse_args()
    size = TINY if asked.tiny else Size()
    assert size is TINY or torch.cuda.is_available(), "this needs a graphics card; see --tiny"
    runs = [one_seed(size, seed, asked.blocks) for seed in range(size.seeds)]
    found, texts = [one for one, _ in runs], runs[0][1]
    where = torch.cuda.get_device_name(0) if size.device == "cuda" else "the processor, tiny"
    text = "\n".join([f"# Weights of sources of text on {where}", "", *lines(found, texts)])
    sys.stdout.write(text)
    if size is not TINY:
        (HERE / "results" / "bilevel_gpu.md").write_text(text, encoding="utf-8")
        k = len(texts.names)
        corrupted = [at for at, kind in enumerate(texts.kinds) if kind == "corrupted"]
        for arm in ("LISA off", "LISA on"):
            weights = np.mean([one[arm]["weights"] for one in found], 0)
            assert (weights[corrupted] < 1 / k).all(), weights


if __name__ == "__main__":
    main()
