"""Two processes that share a training, started as a user starts them."""

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "run_in_two", "surroundings"]

ROOT = Path(__file__).resolve().parents[2]


def surroundings(file):
    """Environment of processes that import the test module of this file."""
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(
        [str(ROOT), str(Path(file).parent)])}


def run_in_two(file, folder):
    """Call `both(folder)` of the test module of this file in each of two processes."""
    script = folder / "script.py"
    script.write_text(f"import sys, pathlib, {Path(file).stem} as t\n"
                      "t.both(pathlib.Path(sys.argv[1]))\n"
                      "import torch.distributed as dist\n"
                      "if dist.is_initialized():       # neither leaves while the other waits\n"
                      "    dist.barrier()\n    dist.destroy_process_group()\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "torch.distributed.run", "--standalone",
                           "--nproc-per-node=2", str(script), str(folder)], cwd=ROOT,
                          capture_output=True, text=True, timeout=300, check=False,
                          env=surroundings(file))
    assert done.returncode == 0, done.stderr[-3000:]
