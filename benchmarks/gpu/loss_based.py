"""GPT-2 small with weights by loss and without, on a graphics card: tokens per second and losses.

Run it on a machine with a card: ``python benchmarks/gpu/loss_based.py``. Characters of the four
text domains of the project, context 512, 12 layers of width 768, bf16, compiled, 64 sequences a
step, 3000 steps, burn-in of 150, two seeds; throughput by arms in turn after a warm-up.
``--tiny`` is a model of some thousand parameters for a few steps on any machine: it shows that
the script runs. Asserts that weights cost below 2 % of a step and writes
``results/loss_based_gpu.md``; the tiny one asserts nothing and writes nothing.
"""

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parents[1]

from workbench.core import generator  # noqa: E402 - one block
from workbench.datasets.text_domains import ALPHABET, text_domains, windows  # noqa: E402
from workbench.reweighting import LossWeighter, compare_weighters  # noqa: E402
from workbench.train import (  # noqa: E402
    AdamW,
    CharTransformer,
    Training,
    causal_lm,
    cosine,
    fit,
    torch_generator,
    warm_up,
)


@dataclass(frozen=True)
class Size:
    """Sizes of a run."""

    layers: int = 12
    heads: int = 12
    width: int = 768
    context: int = 512
    batch_size: int = 64
    steps: int = 3000
    seeds: int = 2
    turns: int = 7
    timed: int = 200          # steps of a turn
    tested: int = 60
    device: str = "cuda"
    precision: str = "bf16-mixed"


TINY = Size(layers=1, heads=2, width=16, context=32, batch_size=8, steps=6, seeds=2, turns=2,
            timed=3, tested=4, device="cpu", precision="32")
ARMS = {"linupper": {"strategy": "linupper"}, "quadratic": {"strategy": "quadratic"}}


def network(size, seed):
    """A transformer of GPT-2's shape; at 12 layers of 768 about 85 million parameters."""
    return CharTransformer(len(ALPHABET), size.width, layers=size.layers, heads=size.heads,
                           context=size.context, generator=torch_generator(seed))


def training(size, steps):
    """Settings of the published code: rate 5e-4, short warm-up, cosine, clipping."""
    return Training(AdamW(5e-4, weight_decay=1e-2), max_steps=steps, batch_size=size.batch_size,
                    schedule=warm_up(0.05, cosine(0.2)), clip=1.0, device=size.device,
                    precision=size.precision, log_every=max(1, steps // 30),
                    deterministic=False, compile="auto" if size.device == "cuda" else "never")


def throughput(size, tokens):
    """Median tokens per second of each arm, in turn, and the median of the paired ratios."""
    arms = {"off": None, "on": LossWeighter(burn_in=0.0)}
    found = {name: [] for name in arms}
    for turn in range(size.turns + 1):
        for name in list(arms)[::1 if turn % 2 else -1]:
            model = network(size, 0)
            if size.device == "cuda":
                model = torch.compile(model.cuda())
                fit(model, (tokens, tokens), training(size, 5), loss=causal_lm,
                    weighter=arms[name], progress="nowhere")        # compiles
                torch.cuda.synchronize()
            begun = time.perf_counter()
            fit(model, (tokens, tokens), training(size, size.timed), loss=causal_lm,
                weighter=arms[name], progress="nowhere")
            if size.device == "cuda":
                torch.cuda.synchronize()
            if turn:
                seen = size.timed * size.batch_size * size.context
                found[name].append(seen / (time.perf_counter() - begun))
    ratios = [off / on for off, on in zip(found["off"], found["on"], strict=True)]
    return {name: statistics.median(one) for name, one in found.items()}, statistics.median(ratios)


def compared(size):
    """Paired trainings with every weighter."""
    domains = text_domains()
    count = -(-size.steps * size.batch_size // len(domains)) if size is TINY else 20_000
    tokens, group, held = windows(domains, count, size.context, rng=generator(0))
    tests = {name: (rows[:size.tested], rows[:size.tested]) for name, rows in held.items()}
    arms = {name: LossWeighter(burn_in=0.05, **options) for name, options in ARMS.items()}
    return compare_weighters(lambda seed: network(size, seed), (tokens, tokens, group), tests,
                             arms, training(size, size.steps), loss=causal_lm,
                             groups=tuple(domains), seeds=range(size.seeds)), tokens


def lines(trials, speeds, ratio, size):
    """The table."""
    names = list(dict.fromkeys(trials.scores["name"]))
    yield f"Tokens per second, weights off {speeds['off']:,.0f}, on {speeds['on']:,.0f}; a step "
    yield f"with weights takes {ratio:.4f} of one without, median of {size.turns} pairs."
    yield ""
    yield "| weighter | " + " | ".join(f"{name} [nats / character]" for name in names) + " |"
    yield "| --- |" + " --- |" * len(names)
    for who in ("uniform", *ARMS):
        yield f"| {who} | " + " | ".join(str(trials.loss(who, name)) for name in names) + " |"
    for who in ARMS:
        yield f"| gain, {who} | " + " | ".join(
            str(trials.gain(who, name)) for name in names) + " |"


def main():
    """Measure, print, write, and assert."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    size = TINY if parser.parse_args().tiny else Size()
    assert size is TINY or torch.cuda.is_available(), "this needs a graphics card; see --tiny"
    trials, tokens = compared(size)
    speeds, ratio = throughput(size, tokens[:size.batch_size * size.timed])
    where = torch.cuda.get_device_name(0) if size.device == "cuda" else "the processor, tiny"
    text = "\n".join([f"# Weights by loss on {where}", "", *lines(trials, speeds, ratio, size),
                      ""])
    sys.stdout.write(text)
    if size is not TINY:
        (HERE / "results" / "loss_based_gpu.md").write_text(text, encoding="utf-8")
        assert ratio < 1.02


if __name__ == "__main__":
    main()
