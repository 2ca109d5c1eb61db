"""Langevin chains of wide networks on ten thousand digits, on a graphics card or a processor.

``python benchmarks/gpu/universal_mixture.py`` takes 64 chains of up to 4,096 units where there is
a card; ``--small`` takes few narrow ones, as it does without a card. Writes
``results/universal_mixture_device.md``.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

from workbench.core import generator
from workbench.datasets.images import load_images
from workbench.inference.mixtures.ensemble import PosteriorEnsemble, log_loss
from workbench.inference.mixtures.langevin import SGLDSampler
from workbench.train import MLP, device_for

RESULTS = Path(__file__).resolve().parents[1] / "results"
LARGE = {"widths": (64, 512, 4096), "chains": 64, "steps": 2000, "batch": 512, "rows": 8000}
SMALL = {"widths": (16, 64), "chains": 4, "steps": 200, "batch": 128, "rows": 1000}
PART = 128               # test rows predicted at a time


def sampled(width, images, sizes, device):
    """Draws of one width, seconds of the walk."""
    x = images.train_inputs[:sizes["rows"]].reshape(sizes["rows"], -1)
    y = images.train_labels[:sizes["rows"]]
    model = MLP(x.shape[1], width, 10, depth=1, generator=torch.Generator().manual_seed(0))
    how = SGLDSampler(lr=0.03 / len(x), n_steps=sizes["steps"], n_chains=sizes["chains"],
                      snapshots=10, prior_std=1.5, fan_in=True, precondition="prior",
                      batch_size=sizes["batch"], device=device.type)
    begun = time.perf_counter()
    found = how.sample(model, (x, y), rng=generator(0))
    if device.type == "cuda":
        torch.cuda.synchronize()
    return found, time.perf_counter() - begun


def losses(found, images, rows):
    """Test log-loss of the mixture and mean of its members."""
    ensemble = PosteriorEnsemble(found.draws)
    x = images.test_inputs[:rows].reshape(-1, np.prod(images.shape))
    mixed, members = [], []
    for at in range(0, len(x), PART):
        part, labels = x[at:at + PART], images.test_labels[at:at + PART]
        mixed.append(log_loss(ensemble.predict_log_proba(part), labels).cpu())
        each = [log_loss(torch.log_softmax(found.draws.outputs(
            torch.as_tensor(part).to(found.draws.params), draw), -1), labels).mean(0)
            for draw in range(len(found.draws.params))]
        members.append(torch.stack(each).mean(0).cpu())
    return float(torch.cat(mixed).mean()), float(torch.cat(members).mean())


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--device", default="auto")
    asked = parser.parse_args()
    device = device_for(asked.device)
    small = asked.small or device.type == "cpu"
    sizes, images = SMALL if small else LARGE, load_images("mnist-10k")
    name = torch.cuda.get_device_name(0) if device.type == "cuda" else "a processor"
    lines = [f"# Langevin chains on {name}", "",
             f"{sizes['chains']} chains at once, {sizes['steps']} steps of {sizes['batch']} rows, "
             f"{sizes['rows']} digits, torch {torch.__version__}.", "",
             "| width | parameters | chain steps / second | seconds | mixture, test log-loss | "
             "mean member |", "| --- | --- | --- | --- | --- | --- |"]
    for width in sizes["widths"]:
        found, seconds = sampled(width, images, sizes, device)
        mixed, member = losses(found, images, 500 if small else 2000)
        speed = sizes["chains"] * sizes["steps"] / seconds
        lines.append(f"| {width} | {found.draws.params.shape[-1]:,} | {speed:,.0f} | "
                     f"{seconds:.1f} | {mixed:.3f} | {member:.3f} |")
        assert mixed <= member + 1e-6
    text = "\n".join([*lines, ""])
    sys.stdout.write(text)
    (RESULTS / "universal_mixture_device.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
