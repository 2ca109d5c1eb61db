"""Training steps of local-fine, 99 levels and 6 models, on a graphics card and on the processor.

Run it on a machine with a card: ``python benchmarks/gpu/quantile_aggregation.py``. Both arms,
plain PyTorch and ours, take turns; the results must agree. Writes
``results/quantile_aggregation_gpu.md``.
"""

import sys
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

import _quantile_speed as speed  # noqa: E402 - beside this folder

RESULTS = HERE / "results"
RUNS = ((64, 48), (512, 24), (1024, 24))        # rows of a batch, steps


def table(devices):
    """Lines of the table, one for each device and batch."""
    yield "| device | rows of a batch | plain [steps / s] | ours [steps / s] | ratio | gap |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for device in devices:
        for batch, count in RUNS:
            steps = count if device == "cuda" else count // 4
            found = speed.timed(batch, steps, device=device)
            plain, ours = found["plain"]["wall"], found["ours"]["wall"]
            assert found["gap"] < 1e-3, found
            yield (f"| {device} | {batch} | {1 / plain:.1f} | {1 / ours:.1f} | "
                   f"{plain / ours:.2f} | {found['gap']:.1e} |")


def main():
    """Measure, print, write."""
    assert torch.cuda.is_available()
    lines = [f"# Local-fine on {torch.cuda.get_device_name(0)}", "",
             f"Steps per second by the wall clock, medians of {speed.REPEATS}; the processor with "
             f"{torch.get_num_threads()} threads, torch {torch.__version__}. Gap: largest "
             f"difference between the quantiles of both arms after the same {speed.FEW} steps "
             "[standard deviations of y].", "", *table(("cuda", "cpu")), ""]
    text = "\n".join(lines)
    sys.stdout.write(text)
    (RESULTS / "quantile_aggregation_gpu.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
