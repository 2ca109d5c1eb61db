"""Training under attack on a graphics card: 28 x 28 images, a convolutional network, eps 8 / 255.

Four rows: adversarial training, weights of a worst case, the reaction of the attack, both; judged
by PGD-20 and by APGD-CE and APGD-T of pyautoattack on some test images. ``--tiny`` runs a small
size on any machine.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parents[1]

from workbench.reweighting.under_attack.trials import (  # noqa: E402 - one block
    COMPARISONS,
    Settings,
    arm_of,
)
from workbench.reweighting.under_attack.worlds import read_images, split  # noqa: E402
from workbench.train import (  # noqa: E402
    ConvNet,
    Sgd,
    Training,
    evaluate_robust,
    fit,
    steps,
    torch_generator,
)


@dataclass(frozen=True)
class Size:
    """Sizes of a run."""

    data: str = "mnist-10k"
    most: int = 10_000
    width: int = 64
    stages: int = 4
    epochs: int = 20
    seeds: int = 3
    attack_steps: int = 10
    checked: int = 1000
    device: str = "cuda"
    precision: str = "bf16-mixed"


TINY = Size(data="digits", most=200, width=4, stages=2, epochs=1, seeds=2, attack_steps=2,
            checked=12, device="cpu", precision="32")
METHODS = COMPARISONS["parts"]


def trained(size, problem, method, seed):
    """A network, and seconds of its training; attacks are in float32."""
    x, y = problem.train
    how = Settings(eps=8 / 255, attack_steps=size.attack_steps)
    model = ConvNet(x.shape[1], size.width, 10, stages=size.stages, norm="group",
                    generator=torch_generator(seed)).to(size.device)
    begun = time.perf_counter()
    done = fit(model, (x, y), Training(
        Sgd(0.05, weight_decay=2e-4), epochs=size.epochs, batch_size=min(128, len(y)), clip=5.0,
        schedule=steps((0.75, 0.9)), seed=seed, device=size.device, precision=size.precision,
        deterministic=False, compile="never"), progress="nowhere",
        **arm_of(method, how, (0.0, 1.0)))
    if size.device == "cuda":
        torch.cuda.synchronize()
    return model.to(size.device), time.perf_counter() - begun, done.status


def measured(size):
    """One record per network."""
    rows = read_images(size.data)
    for seed in range(size.seeds):
        problem = split(rows, seed=seed, imbalance="step:5", most=size.most)
        x, y = (torch.as_tensor(part) for part in problem.test)
        for method in METHODS:
            model, seconds, status = trained(size, problem, method, seed)
            plain = evaluate_robust(model, x, y, eps=8 / 255)
            every = evaluate_robust(model, x[:size.checked], y[:size.checked], eps=8 / 255,
                                    attacks=("pgd-20", "apgd-ce", "apgd-t"))
            yield method, (100 * plain.balanced_clean, 100 * plain.balanced,
                           100 * plain.tail(0.3), 100 * every.balanced, 100 * every.tail(0.3),
                           seconds)
            sys.stderr.write(f"{method}, seed {seed}: {status}\n")


def lines(found, size):
    """The table."""
    yield f"{size.data}, five classes rare, {size.epochs} epochs, eps 8/255, {size.seeds} seeds."
    yield ""
    yield "| method | clean | PGD-20 | tail | with APGD | tail with APGD | seconds |"
    yield "| --- |" + " --- |" * 6
    for method in METHODS:
        some = np.array([row for name, row in found if name == method])
        errors = some.std(0, ddof=1) / len(some) ** 0.5
        yield f"| {method} | " + " | ".join(
            f"{mean:.1f} +- {error:.1f}" for mean, error in zip(some.mean(0), errors,
                                                                strict=True)) + " |"


def main():
    """Measure, print and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    size = TINY if parser.parse_args().tiny else Size()
    assert size is TINY or torch.cuda.is_available(), "this needs a graphics card; see --tiny"
    where = torch.cuda.get_device_name(0) if size.device == "cuda" else "the processor, tiny"
    text = "\n".join([f"# Training under attack on {where}", "",
                      *lines(list(measured(size)), size), ""])
    sys.stdout.write(text)
    if size is not TINY:
        (HERE / "results" / "robust_adversarial_gpu.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
