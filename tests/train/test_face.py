"""The room's face names what its files have, and loads no torch by itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from workbench import train

ROOT = Path(__file__).resolve().parents[2]


def test_identity_importing_the_room_loads_no_torch():
    code = "import sys, workbench.train; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT,
                          check=True)
    assert done.stdout.strip() == "False"


def test_matches_its_files():
    pytest.importorskip("torch")
    assert sorted(train.__all__) == sorted(train.HOMES)
    assert all(getattr(train, name) is not None for name in train.__all__)
    assert set(train.__all__) <= set(dir(train))
    with pytest.raises(AttributeError, match="no attribute 'lose'"):
        train.lose  # noqa: B018


def test_identity_weights_meet_losses_in_one_line():
    files = (ROOT / "workbench").rglob("*.py")
    found = [path.name for path in files for line in path.read_text(encoding="utf-8").splitlines()
             if line.strip() == "loss = weights @ losses"]
    assert found == ["loop.py"]
