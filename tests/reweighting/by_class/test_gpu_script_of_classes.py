"""The script for graphics cards starts and runs a tiny configuration on any machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("pyautoattack")

ROOT = Path(__file__).resolve().parents[3]
WRITTEN = ROOT / "benchmarks" / "results" / "separable_adversarial_gpu.md"


def test_matches_a_tiny_run_of_the_script():
    before = WRITTEN.read_bytes() if WRITTEN.exists() else None
    done = subprocess.run([sys.executable, "benchmarks/gpu/separable_adversarial.py", "--tiny"],
                          cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
                          env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("| AT-BSL | ") == 1
    assert "nan" not in done.stdout
    assert (WRITTEN.read_bytes() if WRITTEN.exists() else None) == before
