"""The idea of the room stands in one line of one file."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_identity_weights_meet_losses_in_one_line():
    files = (ROOT / "workbench").rglob("*.py")
    found = [path.name for path in files for line in path.read_text(encoding="utf-8").splitlines()
             if line.strip() == "loss = weights @ losses"]
    assert found == ["loop.py"]
