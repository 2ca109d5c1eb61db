"""Warm kernels on a graphics card: CUDA stays untouched until a fork has begun.

Run it on a machine with a card: ``python benchmarks/gpu/runs.py``. It asserts that forked kernels
can use the card and give what cold ones give, and writes ``results/runs_gpu.md``.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from workbench import runs

RESULTS = Path(__file__).resolve().parents[1] / "results"
COUNT = 8
CODE = """import torch
assert torch.cuda.is_available()
made = torch.Generator("cuda").manual_seed(n)
x = torch.randn(1024, 1024, device="cuda", generator=made)
print(torch.cuda.get_device_name(0), round(float((x @ x).trace()), 2))"""


def notebook(folder):
    """A notebook that multiplies matrices on the card."""
    new = nbformat.v4
    path = Path(folder) / "card.ipynb"
    nbformat.write(new.new_notebook(cells=[
        new.new_code_cell("n = 0", metadata={"tags": ["parameters"]}),
        new.new_code_cell(CODE, id="card")]), path)
    return path


def printed(run):
    """What the notebook printed: the card and the trace."""
    cells = json.loads(run.notebook.read_text(encoding="utf-8"))["cells"]
    return [output["text"] for cell in cells for output in cell.get("outputs", [])
            if output["output_type"] == "stream" and output["name"] == "stdout"]


def arm(folder, kind):
    """Runs of one kind of kernel and the seconds that all took."""
    how = (runs.Settings(workers=2, cold=True) if kind == "cold"
           else runs.Settings(workers=2, warm=("torch",)))
    begun = time.monotonic()
    done = runs.sweep(notebook(folder), {"n": range(COUNT)}, store=Path(folder) / kind,
                      settings=how)
    return done, time.monotonic() - begun


def main():
    """Measure, print, write, and assert."""
    with tempfile.TemporaryDirectory() as folder:
        found = {kind: arm(folder, kind) for kind in ("cold", "warm")}
        for kind, (done, _) in found.items():
            assert not [run.error for run in done if run.state != "succeeded"]
            assert {run.kernel for run in done} == {kind}
        told = {kind: [printed(run) for run in done] for kind, (done, _) in found.items()}
    assert told["warm"] == told["cold"]
    card = "".join(told["warm"][0][0]).rsplit(" ", 1)[0]
    rows = [f"| {kind} | {seconds:.1f} | {statistics.median(run.seconds for run in done):.2f} |"
            for kind, (done, seconds) in found.items()]
    text = "\n".join([f"# {COUNT} notebooks on {card}, 2 at a time", "",
                      "| kernels | all [s] | each, median [s] |", "| --- | --- | --- |",
                      *rows, ""])
    sys.stdout.write(text)
    (RESULTS / "runs_gpu.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
