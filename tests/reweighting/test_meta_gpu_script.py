"""The script of meta rescaling for graphics cards runs a tiny configuration on any machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]


def test_matches_a_tiny_run_of_the_script():
    done = subprocess.run([sys.executable, "benchmarks/gpu/meta_rescaling.py", "--tiny"],
                          cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
                          env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("-spam | 30 % |") == 2
    assert "sgd, double backward" in done.stdout
    assert "nan" not in done.stdout
    assert not (ROOT / "benchmarks" / "results" / "meta_rescaling_gpu.md").exists()
