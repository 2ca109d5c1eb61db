"""Many models trained in stacks and one after another: the same networks, rows, order and rule.

``python benchmarks/_stacked_arms.py CELL THREADS`` prints one JSON object. One after another is
the plain loop with PyTorch's fused SGD, its fastest on a processor. The arms take turns; seconds
of ours include planning, stacking and the final scores of all models. Peak memory is what one more
turn of an arm adds to a fresh process.
"""

import copy
import json
import resource
import statistics
import subprocess
import sys
import time

import torch
from torch.nn import functional

from workbench.core import generator
from workbench.datasets.images import load_images
from workbench.train import MLP, ConvNet, StackedTraining, torch_generator, train_stacked

CELLS = {   # kind, width, models, batch size, epochs of ours in a turn
    "MLP 16, batch 32": ("mlp", 16, 64, 32, 8), "MLP 64, batch 32": ("mlp", 64, 64, 32, 8),
    "MLP 64, batch 128": ("mlp", 64, 64, 128, 8), "MLP 128, batch 32": ("mlp", 128, 32, 32, 4),
    "MLP 256, batch 32": ("mlp", 256, 16, 32, 4), "MLP 256, batch 128": ("mlp", 256, 16, 128, 8),
    "MLP 1024, batch 128": ("mlp", 1024, 2, 128, 16),
    "CNN 4, batch 32": ("none", 4, 48, 32, 3), "CNN 4 with BatchNorm": ("batch", 4, 48, 32, 3),
    "CNN 8, batch 32": ("none", 8, 48, 32, 3), "CNN 16, batch 64": ("none", 16, 24, 64, 3),
    "CNN 32, batch 64": ("none", 32, 8, 64, 3), "CNN 64, batch 64": ("none", 64, 4, 64, 6)}
TARGETS = {"MLP 16, batch 32": 12, "MLP 64, batch 32": 5, "CNN 4, batch 32": 4}
REPEATS, RATE, MOMENTUM, DECAY, GAPS = 5, 0.05, 0.9, 5e-4, 8


def world(cell):
    """Networks, inputs, labels and batch size of a cell."""
    kind, width, k, size, epochs = CELLS[cell]
    images = load_images("digits")
    x, y = torch.tensor(images.train_inputs), torch.tensor(images.train_labels).long()
    models = [MLP(64, width, 10, generator=torch_generator(seed)) if kind == "mlp" else
              ConvNet(1, width, 10, norm=kind, generator=torch_generator(seed))
              for seed in range(k)]
    return models, x, y, size, epochs


def one_after_another(models, x, y, size, epochs, *, steps=None):
    """Trained copies of the models by the plain loop; `steps` of each, or whole epochs."""
    models = [copy.deepcopy(model).train() for model in models]
    for seed, model in enumerate(models):
        descent = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM,
                                  weight_decay=DECAY, fused=True)
        order = torch_generator(generator(seed))
        for _ in range(epochs):
            for rows in torch.randperm(len(x), generator=order).split(size)[:steps]:
                descent.zero_grad()
                functional.cross_entropy(model(x[rows]), y[rows]).backward()
                descent.step()
    return models


def stacked(models, x, y, size, epochs, *, workers=1):
    """The same by stacks."""
    how = StackedTraining(learning_rate=RATE, momentum=MOMENTUM, weight_decay=DECAY,
                          batch_size=size, order_seed=range(len(models)), epochs=epochs,
                          workers=workers, device="cpu")
    return train_stacked(models, (x, y), how)


def milliseconds(work, steps):
    """CPU and wall of a step of all models."""
    used, clock = time.process_time(), time.perf_counter()
    work()
    return {"cpu": 1e3 * (time.process_time() - used) / steps,
            "wall": 1e3 * (time.perf_counter() - clock) / steps}


def measured(cell, threads):
    """Medians by arm, and the largest difference between parameters after an epoch."""
    torch.set_num_threads(threads)
    models, x, y, size, epochs = world(cell)
    whole = len(x) // size
    few, repeats = (min(whole, 8), REPEATS) if threads == 1 else (3, 3)
    arms = {"plain": lambda: one_after_another(models, x, y, size, 1, steps=few),
            "ours": lambda: stacked(models, x, y, size, epochs, workers=threads)}
    counts = {"plain": few, "ours": epochs * whole}
    found = {arm: [] for arm in arms}
    for turn in range(repeats + 1):
        for arm, work in arms.items():
            once = milliseconds(work, counts[arm])
            if turn:
                found[arm].append(once)
    told = {arm: {kind: statistics.median(one[kind] for one in turns) for kind in ("cpu", "wall")}
            for arm, turns in found.items()}
    return told | agreement(models, x, y, size)


def agreement(models, x, y, size):
    """Largest difference between parameters after an epoch; form and number of stacks."""
    trained = stacked(models, x, y, size, 1)
    single = gaps(trained, one_after_another(models, x, y, size, 1))
    models, x = [copy.deepcopy(model).double() for model in models[:GAPS]], x.double()
    double = gaps(stacked(models, x, y, size, 1), one_after_another(models, x, y, size, 1))
    return {"gap": max(single), "median gap": statistics.median(single),
            "double gap": max(double), "stacks": len(trained.stacks),
            "form": trained.table["form"][0]}


def gaps(trained, alone):
    """Largest difference between parameters, of each model."""
    return [max(float((one - two).detach().abs().max()) for one, two in zip(
        trained.model(k).parameters(), model.parameters(), strict=True))
        for k, model in enumerate(alone)]


def peak(cell, arm):
    """MiB that one turn of an arm adds."""
    torch.set_num_threads(1)
    models, x, y, size, _ = world(cell)
    stacked(models[:1], x, y, size, 1)                     # what is imported late
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if arm == "plain":
        one_after_another(models, x, y, size, 1, steps=4)
    else:
        stacked(models, x, y, size, 1)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def asked(*words):
    """What a fresh process answers."""
    done = subprocess.run([sys.executable, __file__, *map(str, words)], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def everything():
    """Record of all cells; two threads where a target is set."""
    found = {}
    for cell in CELLS:
        found[cell] = asked(cell, 1) | {"peak": {
            arm: asked(cell, arm) for arm in ("plain", "ours")}}
        if cell in TARGETS:
            found[cell]["two threads"] = asked(cell, 2)
    return found


if __name__ == "__main__":
    CELL, WHAT = sys.argv[1:]
    print(json.dumps(measured(CELL, int(WHAT)) if WHAT in "12" else peak(CELL, WHAT)))
