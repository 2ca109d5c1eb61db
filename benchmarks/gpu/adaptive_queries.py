"""The published selection experiment on full matrices, on whatever device there is.

``python benchmarks/gpu/adaptive_queries.py`` runs n = d = 10,000 with 100 repetitions on a card,
three matrices of 400 MB each at a time; ``--n 1000 --repetitions 20`` does for a processor.
Accuracies must agree with those drawn from their exact distribution. Writes
``results/adaptive_queries_gpu.md`` where there is a card.
"""

import argparse
import math
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch

from workbench.core import generator
from workbench.inference import simulate_selection
from workbench.inference.validity.selection import FEATURES, Settings

RESULTS = Path(__file__).resolve().parents[1] / "results"


def repetition(n, d, signal, draws, device):
    """Training accuracy, holdout's answer and fresh accuracy, shape (2 methods, k, 3)."""
    def normal(*size):
        return torch.randn(*size, generator=draws, device=device)

    parts = []
    for _ in range(3):
        y, X = torch.sign(normal(n)), normal(n, d)
        if signal:
            X[:, :20] += 6 / math.sqrt(n) * y[:, None]
        parts.append((X, y))
    trained, held = (y @ X / n for X, y in parts[:2])
    root, found = 1 / math.sqrt(n), []
    for protected in (False, True):
        told = held
        if protected:
            told = batch(trained, held, root, normal)
        agree = (trained.abs() > root) & (told.abs() > root) & (trained.sign() == told.sign())
        order = torch.where(agree, trained.abs(), 0).argsort(descending=True)[:FEATURES[-1]]
        # One column of weights per number of features: a single product gives all votes.
        place = torch.arange(len(order), device=device)[:, None]
        limit = torch.tensor(FEATURES, device=device)[None]
        weights = torch.where((place < limit) & agree[order][:, None],
                              trained[order].sign()[:, None], 0.0)
        scores = torch.stack([(torch.sign(X[:, order] @ weights) == y[:, None]).float().mean(0)
                              for X, y in parts], dim=1)
        if protected:
            scores[:, 1] = batch(scores[:, 0], scores[:, 1], root, normal)
        scores[0] = 0.5
        found.append(scores)
    return torch.stack(found)


def batch(trained, held, root, normal):
    """The batch variant of Thresholdout."""
    read = (held - trained).abs() > 4 * root + root * normal(*held.shape)
    return torch.where(read, held + root * normal(*held.shape), trained)


def agreement(ours, n, d, signal, repetitions):
    """Largest difference from the exact distribution, in standard errors of both."""
    rng = generator(1)
    tables = [simulate_selection(n, d, signal=signal, settings=Settings(), rng=rng)
              for _ in range(repetitions)]
    theirs = np.stack([each[["train", "answer", "fresh"]].to_numpy().reshape(ours.shape[1:])
                       for each in tables])
    error = np.sqrt((ours.var(0, ddof=1) + theirs.var(0, ddof=1)) / repetitions)
    return float((np.abs(ours.mean(0) - theirs.mean(0)) / np.maximum(error, 1e-9)).max())


def main():
    """Measure, print, compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--repetitions", type=int, default=100)
    asked = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    draws, rows = torch.Generator(device).manual_seed(0), []
    for signal in (False, True):
        seconds, found = [], []
        for _ in range(asked.repetitions):
            begun = time.perf_counter()
            found.append(repetition(asked.n, asked.n, signal, draws, device).cpu().numpy())
            seconds.append(time.perf_counter() - begun)
        ours = np.stack(found).astype(float)
        gap = agreement(ours, asked.n, asked.n, signal, asked.repetitions)
        last = ours.mean(0)[:, -1]
        rows.append(f"| {signal} | {statistics.median(seconds):.3f} | {sum(seconds):.1f} | "
                    f"{last[0, 1]:.4f}, {last[0, 2]:.4f} | {last[1, 1]:.4f}, {last[1, 2]:.4f} | "
                    f"{gap:.1f} |")
        assert gap < 6, gap
    name = torch.cuda.get_device_name(0) if device.type == "cuda" else "processor"
    text = "\n".join([
        f"# The published selection experiment on {name}", "",
        f"n = d = {asked.n:,}, {asked.repetitions} repetitions, single precision, torch "
        f"{torch.__version__}, seed 0. Answer and fresh accuracy at {FEATURES[-1]} features. Gap: "
        "largest difference from the exact distribution [standard errors].", "",
        "| signal | seconds, median | in all | plain | Thresholdout | gap |",
        "| --- | --- | --- | --- | --- | --- |", *rows, ""])
    sys.stdout.write(text)
    if device.type == "cuda":
        (RESULTS / "adaptive_queries_gpu.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
