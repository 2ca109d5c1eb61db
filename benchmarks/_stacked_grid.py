"""The default grid: 108 perceptrons on digits, trained in stacks and, in part, one after another.

Widths 2 to 64, batches of 8 to 256 rows and 3 seeds, 100 epochs. The plain loop is timed for one
seed and a few epochs of each width and batch size and multiplied.
"""

import statistics

import torch
from _stacked_arms import milliseconds, one_after_another

from workbench.datasets.images import load_images
from workbench.train import MLP, StackedTraining, steps, torch_generator, train_stacked

WIDTHS, SIZES, SEEDS, EPOCHS, FEW = (2, 4, 8, 16, 32, 64), (8, 16, 32, 64, 128, 256), 3, 100, 2
REPEATS = 3


def data():
    """Training rows."""
    images = load_images("digits")
    return torch.tensor(images.train_inputs), torch.tensor(images.train_labels).long()


def grid():
    """Networks, batch sizes and order seeds."""
    cells = [(width, size, seed) for width in WIDTHS for size in SIZES for seed in range(SEEDS)]
    models = [MLP(64, width, 10, generator=torch_generator(1000 * seed + width))
              for width, _, seed in cells]
    return models, [size for _, size, _ in cells], [seed for _, _, seed in cells]


def train(workers):
    """Train the grid."""
    models, sizes, seeds = grid()
    how = StackedTraining(batch_size=sizes, order_seed=seeds, epochs=EPOCHS, schedule=steps(),
                          workers=workers, device="cpu")
    return train_stacked(models, data(), how)


def measured():
    """Seconds of the grid: by workers, and one after another."""
    torch.set_num_threads(1)
    x, y = data()
    found = {name: [] for name in ("one worker", "two workers", "plain")}
    for _ in range(REPEATS):
        for workers, name in ((1, "one worker"), (2, "two workers")):
            found[name].append(milliseconds(lambda count=workers: train(count), 1000))
        total = {"cpu": 0.0, "wall": 0.0}
        for width in WIDTHS:
            model = [MLP(64, width, 10, generator=torch_generator(width))]
            for size in SIZES:
                spent = milliseconds(lambda model=model, size=size: one_after_another(
                    model, x, y, size, FEW), 1000)
                for kind in total:
                    total[kind] += spent[kind] * SEEDS * EPOCHS / FEW
        found["plain"].append(total)
    told = {name: {kind: statistics.median(one[kind] for one in turns) for kind in turns[0]}
            for name, turns in found.items()}
    trained = train(1)
    return told | {"stacks": len(trained.stacks), "models": len(trained)}
