"""What the loop costs over a step written out by hand, on a transformer of ten million parameters.

The same network, texts, order and optimiser on one thread. The arms take turns, a few steps each,
and each step's CPU seconds are noted when the optimiser has stepped, so that a busy machine slows
all arms alike and everything between two steps counts: drawing rows, weights, history.
On a graphics card wall seconds count, each step waited for. ``python benchmarks/_loop_overhead.py
[rounds [cuda]]`` prints one JSON object.
"""

import copy
import json
import resource
import sys
import time

import numpy as np
import torch

from workbench.core.weights import tilt
from workbench.train import CharTransformer, Training, causal_lm, fit, torch_generator
from workbench.train.batches import order_of

VOCABULARY, CONTEXT, ROWS, BATCH = 64, 64, 256, 4
STEPS, WARM = 10, 2           # of a turn, and those of them that do not count
ARMS = ("by hand", "loop", "loop, weights")


def now(device):
    """CPU seconds, or wall seconds once the card is done."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


class Tilt:
    """Weights by the loss."""

    def __call__(self, losses):
        return tilt(losses, 1.0)


class Clocked(torch.optim.AdamW):
    """An optimiser that notes when it has stepped [CPU seconds; wall on a graphics card]."""

    def __init__(self, params):
        super().__init__(params, lr=1e-4, fused=True)
        self.at = []

    def step(self, closure=None):
        super().step(closure)
        self.at.append(now(self.param_groups[0]["params"][0].device))


def by_hand(model, tokens):
    """The plain loop; the optimiser that went through it."""
    optimiser, order = Clocked(model.parameters()), order_of(ROWS, 0, 0)
    for step in range(STEPS):
        batch = tokens[order.to(tokens.device)[step * BATCH:(step + 1) * BATCH]]
        optimiser.zero_grad(set_to_none=True)
        logits = model(batch)[:, :-1]
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY),
                                                 batch[:, 1:].reshape(-1))
        loss.backward()
        optimiser.step()
    return optimiser


def by_loop(model, tokens, weighter=None):
    """The same by the loop."""
    made = []

    def optimiser(params):
        made.append(Clocked(params))
        return made[0]

    how = Training(optimiser, max_steps=STEPS, batch_size=BATCH, device=tokens.device.type)
    fit(model, (tokens, tokens), how, loss=causal_lm, weighter=weighter, progress="nowhere")
    return made[0]


def overhead(rounds=12, device="cpu"):
    """CPU seconds of a step by arm and what the loop adds to it [%].

    Returns
    -------
    told : dict
        `parameters`, `seconds` (median of a step by arm), `percent` and `percent_stderr` (median
        over rounds of the ratio of a round's medians, and its standard error by the bootstrap),
        `difference` (largest, of parameters after a turn, loop against by hand), `peak` [MiB].
    """
    before, rounds = torch.get_num_threads(), int(rounds)
    torch.set_num_threads(1)
    start = CharTransformer(VOCABULARY, 384, layers=6, heads=6, context=CONTEXT,
                            generator=torch_generator(0)).to(device)
    tokens = torch.randint(VOCABULARY, (ROWS, CONTEXT), generator=torch_generator(1)).to(device)
    spent, models = {arm: [] for arm in ARMS}, {}
    for turn in range(rounds):
        for arm in ARMS[turn % 3:] + ARMS[:turn % 3]:
            models[arm] = copy.deepcopy(start)
            done = (by_hand(models[arm], tokens) if arm == "by hand" else
                    by_loop(models[arm], tokens, Tilt() if "weights" in arm else None))
            spent[arm].append(np.diff(done.at)[WARM:])
    torch.set_num_threads(before)
    medians = {arm: np.median(steps, axis=1) for arm, steps in spent.items()}
    told = {"parameters": sum(param.numel() for param in start.parameters()),
            "seconds": {arm: float(np.median(np.concatenate(steps)))
                        for arm, steps in spent.items()},
            "percent": {}, "percent_stderr": {}, "rounds": rounds,
            "difference": max(float((one - two).detach().abs().max()) for one, two in zip(
                models["by hand"].parameters(), models["loop"].parameters(), strict=True)),
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    rng = np.random.default_rng(0)
    for arm in ARMS[1:]:
        ratios = 100 * (medians[arm] / medians["by hand"] - 1)
        drawn = np.median(rng.choice(ratios, (2000, rounds)), axis=1)
        told["percent"][arm] = float(np.median(ratios))
        told["percent_stderr"][arm] = float(drawn.std())
    return told


if __name__ == "__main__":
    print(json.dumps(overhead(*sys.argv[1:]), indent=1))
