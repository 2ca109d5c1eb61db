"""Curvature of many networks at once on a graphics card, beside PyHessian and curvlinops there.

Run it on a machine with a card: ``python benchmarks/gpu/landscape.py [--models 512]``. Arms take
turns; the peers look at the first few networks only and are scaled up, since each network costs
them the same. Writes ``results/landscape_gpu.md``.
"""

import argparse
import statistics
import sys
import time
import warnings
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

import _landscape_arms  # noqa: E402 - beside this folder
import _landscape_world  # noqa: E402

RESULTS = HERE / "results"
FEW, REPEATS = 8, 5


def seconds(look, seed):
    """Wall seconds of a finished run."""
    torch.cuda.synchronize()
    clock = time.perf_counter()
    look(seed)
    torch.cuda.synchronize()
    return time.perf_counter() - clock


def table(family, models):
    """Lines of the tables of one family."""
    _landscape_world.MODELS = models
    listed, _, both = _landscape_arms.arms(family, "cuda")
    del listed[FEW:]                              # the peers' list; ours look at the stack
    for what, each in both.items():
        spent = {name: [] for name in each}
        for seed in range(-1, REPEATS):
            for name, look in each.items():
                torch.cuda.reset_peak_memory_stats()
                found = seconds(look, seed + 1) * (1 if name.startswith("ours") else models / FEW)
                if seed >= 0:
                    spent[name].append((found, torch.cuda.max_memory_allocated() / 2 ** 20))
        base = statistics.median(one for one, _ in spent["PyHessian"])
        for name, runs in spent.items():
            middle = statistics.median(one for one, _ in runs)
            yield (f"| {family} | {what} | {name} | {middle:.3f} | {base / middle:.1f} | "
                   f"{max(held for _, held in runs):.0f} |")


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=512)
    models = parser.parse_args().models
    assert torch.cuda.is_available()
    lines = [f"# Curvature of {models} networks on {torch.cuda.get_device_name(0)}", "",
             f"Wall seconds for all networks, medians of {REPEATS}, torch {torch.__version__}; "
             f"PyHessian and curvlinops timed on {FEW} networks and scaled up.", "",
             "| networks | measure | arm | seconds | ratio to PyHessian | peak [MiB] |",
             "| --- | --- | --- | --- | --- | --- |"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")           # the peers' own
        for family in _landscape_world.FAMILIES:
            lines += table(family, models)
    text = "\n".join([*lines, ""])
    sys.stdout.write(text)
    (RESULTS / "landscape_gpu.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
