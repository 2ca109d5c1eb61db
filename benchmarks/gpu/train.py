"""Stacked training on a graphics card: 512 models in stacks against one after another.

Run it on a machine with a card: ``python benchmarks/gpu/train.py``. The arms take turns: the plain
loop with PyTorch's fused SGD on a sample of the models, stacks without and with a CUDA graph.
Parameters after an epoch must agree between the arms. Asserts 30 times for the perceptrons and
writes ``results/train_gpu.md``.
"""

import copy
import statistics
import sys
import time
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

import _stacked_arms as arms  # noqa: E402 - beside this folder
from train import table  # noqa: E402 - beside this folder

from workbench.datasets.images import load_images  # noqa: E402 - after the path
from workbench.train import (  # noqa: E402 - after the path
    MLP,
    ConvNet,
    StackedTraining,
    torch_generator,
    train_stacked,
)

RESULTS = HERE / "results"
CELLS = {"MLP 64": ("mlp", 64, 512, 32), "MLP 256": ("mlp", 256, 512, 128),
         "CNN 16 with BatchNorm": ("batch", 16, 512, 64)}
SAMPLED, EPOCHS, REPEATS = 8, 4, 3


def world(cell):
    """Networks, rows on the card and batch size."""
    kind, width, k, size = CELLS[cell]
    images = load_images("digits")
    x = torch.tensor(images.train_inputs).cuda()
    y = torch.tensor(images.train_labels).long().cuda()
    models = [MLP(64, width, 10, generator=torch_generator(seed)) if kind == "mlp" else
              ConvNet(1, width, 10, norm=kind, generator=torch_generator(seed))
              for seed in range(k)]
    return models, x, y, size


def seconds(work):
    """Wall seconds until the card is done."""
    torch.cuda.synchronize()
    begun = time.perf_counter()
    found = work()
    torch.cuda.synchronize()
    return time.perf_counter() - begun, found


def measured(cell):
    """Row of the table."""
    models, x, y, size = world(cell)
    steps = len(x) // size
    sample = [copy.deepcopy(model).cuda() for model in models[:SAMPLED]]

    def stacked(epochs, graph):
        how = StackedTraining(learning_rate=arms.RATE, momentum=arms.MOMENTUM, batch_size=size,
                              weight_decay=arms.DECAY, order_seed=range(len(models)),
                              epochs=epochs, graph=graph, device="cuda")
        return train_stacked(models, (x, y), how)

    works = {"plain": lambda: arms.one_after_another(sample, x, y, size, 1),
             "stacks": lambda: stacked(EPOCHS, graph=False),
             "graph": lambda: stacked(EPOCHS, graph=True)}
    scale = {"plain": len(models) / SAMPLED / steps, "stacks": 1 / EPOCHS / steps,
             "graph": 1 / EPOCHS / steps}
    found = {name: [] for name in works}
    for turn in range(REPEATS + 1):
        for name, work in works.items():
            spent, _ = seconds(work)
            if turn:
                found[name].append(1e3 * spent * scale[name])
    alone = arms.one_after_another(sample, x, y, size, 1)
    gaps = [one for graph in (False, True)
            for one in arms.gaps(stacked(1, graph=graph), alone)]
    torch.cuda.reset_peak_memory_stats()
    stacked(1, graph=True)
    median = {name: statistics.median(one) for name, one in found.items()}
    return {"models": f"{len(models)} x {cell}, batch {size}",
            **{f"{name} [ms]": f"{one:.2f}" for name, one in median.items()},
            "ratio": f"{median['plain'] / median['stacks']:.1f}",
            "ratio, graph": f"{median['plain'] / median['graph']:.1f}",
            "gap": f"{max(gaps):.0e}",
            "peak [MiB]": f"{torch.cuda.max_memory_allocated() / 2 ** 20:.0f}"}


def main():
    """Measure, print, write, and assert."""
    assert torch.cuda.is_available()
    rows = [measured(cell) for cell in CELLS]
    text = "\n".join([
        f"# Stacked training on {torch.cuda.get_device_name(0)}", "",
        f"Wall milliseconds of a step of all models, medians of {REPEATS}, arms in turn; plain "
        f"from {SAMPLED} models, multiplied. Ours includes planning, stacking and the final "
        "scores. Gap: largest difference between parameters after an epoch. torch "
        f"{torch.__version__}.", "", table(rows), ""])
    sys.stdout.write(text)
    (RESULTS / "train_gpu.md").write_text(text, encoding="utf-8")
    assert max(float(rows[0]["ratio"]), float(rows[0]["ratio, graph"])) >= 30


if __name__ == "__main__":
    main()
