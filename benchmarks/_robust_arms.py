"""Parts of the benchmark of training under attack: what is trained, and how means are told."""

import statistics
import time
from dataclasses import replace

import numpy as np
import torch

from workbench.reweighting.under_attack.trials import (
    BASELINE,
    METHODS,
    OURS,
    Settings,
    arm_of,
    train_methods,
)
from workbench.reweighting.under_attack.worlds import read_images, split
from workbench.train import MLP, Sgd, Training, fit, torch_generator

PLAIN = Settings(attack_steps=7, looks=0, reaches=(), checked_rows=0)
CHECKED = replace(PLAIN, checked_rows=120, checked_seeds=1)
KL, IMPLICIT = "KL weights only", "implicit gradient only"
# Name of a part: imbalance, and of each row its label, method and settings.
PARTS = {
    "table": ("step:5", {name: (name, CHECKED) for name in METHODS}),
    "longer": ("step:5", {f"{name}, 80 epochs": (name, replace(PLAIN, epochs=80))
                          for name in (BASELINE, KL, OURS)}),
    "balanced": ("none", {
        BASELINE: (BASELINE, replace(PLAIN, eps=0.15)),
        "KL weights only, r = 1": (KL, replace(PLAIN, eps=0.15, temperature=1.0)),
        "KL weights only, r = 0.3": (KL, replace(PLAIN, eps=0.15, temperature=0.3)),
        IMPLICIT: (IMPLICIT, replace(PLAIN, eps=0.15))}),
    "tiny": ("none", {name: (name, replace(PLAIN, width=16, epochs=60))
                      for name in (BASELINE, IMPLICIT)}),
    "sharp": ("step:5", {
        "KL weights only, r = 0.3": (KL, replace(PLAIN, temperature=0.3)),
        "DONE, r = 0.3": (OURS, replace(PLAIN, temperature=0.3)),
        "DONE, r = 1": (OURS, replace(PLAIN, temperature=1.0))}),
}


def train_part(name, seed, *, checked):
    """Scores of every row of a part on one seed, as records."""
    rows, (imbalance, arms) = read_images("digits"), PARTS[name]
    found = []
    for label, (method, how) in arms.items():
        some = how if checked else replace(how, checked_rows=0)
        trials = train_methods(rows, (method,), some, seeds=[seed], imbalance=imbalance)
        found += trials.scores.assign(label=label).to_dict("records")
    return found


def prices(turns=7, steps=30):
    """CPU seconds of a step over those of adversarial training: the median of pairs in turn."""
    rows = read_images("digits")
    x, y = split(rows, seed=0, imbalance="step:5").train
    spent = {name: [] for name in METHODS}
    for turn in range(turns + 1):
        for name in METHODS[::1 if turn % 2 else -1]:
            model = MLP(64, 64, 10, generator=torch_generator(0))
            begun = time.process_time()
            fit(model, (x, y), Training(Sgd(0.1), max_steps=steps, batch_size=124),
                progress="nowhere", **arm_of(name, PLAIN, (0.0, 1.0)))
            if turn:
                spent[name].append(time.process_time() - begun)
    base = spent[BASELINE]
    return {name: statistics.median(a / b for a, b in zip(one, base, strict=True))
            for name, one in spent.items()}


def mean_and_error(values):
    """Mean and standard error, as text."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return f"{values.mean():.1f}"
    return f"{values.mean():.1f} +- {values.std(ddof=1) / len(values) ** 0.5:.1f}"


torch.set_num_threads(1)
