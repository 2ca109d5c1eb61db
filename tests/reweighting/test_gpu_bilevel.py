"""The script of source weights for graphics cards runs a tiny configuration on any machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]


def test_matches_a_tiny_run_of_the_script():
    done = subprocess.run([sys.executable, "benchmarks/gpu/bilevel.py", "--tiny"], cwd=ROOT,
                          capture_output=True, text=True, timeout=200, check=False,
                          env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("gain over uniform") == 2
    assert done.stdout.count("| LISA o") == 2
    assert "times plain training" in done.stdout
    assert not (ROOT / "benchmarks" / "results" / "bilevel_gpu.md").exists()
