"""Names of weighters: registered ones, installed ones, and nothing that could be executed."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from workbench.reweighting import register, registry, weighter_named, weighter_names  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _own_names(monkeypatch):
    monkeypatch.setattr(registry, "OWN", {})


def halves():
    return lambda losses: losses.new_full(losses.shape, 1 / len(losses))


def test_matches_what_was_registered():
    register("halves", halves)
    register("halves", halves)                     # a notebook cell that is run again
    assert "halves" in weighter_names()
    assert weighter_named("halves")(torch.ones(2)).tolist() == [0.5, 0.5]
    assert weighter_named("linupper", temperature=0.4).temperature == 0.4


def test_matches_every_method_of_the_table():
    for name, load in registry.METHODS.items():
        made = weighter_named(name, targets=[0, 1, 1, 0])
        assert type(made) is load()
        assert type(made).__module__.startswith("workbench.reweighting.")
        assert name in weighter_names()
        with pytest.raises(ValueError, match=f"{name!r} is taken"):
            register(name, halves)


def test_matches_a_weighter_that_is_made_from_targets():
    class Rare:
        """Weights from the counts of classes."""

        def __init__(self, counts=()):
            self.counts = counts

        @classmethod
        def of(cls, targets):
            return cls(tuple(torch.bincount(torch.as_tensor(targets)).tolist()))

        def __call__(self, losses):
            return losses.new_full(losses.shape, 1 / len(losses))
    register("rare", Rare)
    assert weighter_named("rare").counts == ()
    assert weighter_named("rare", targets=[0, 1, 1]).counts == (1, 2)


def test_rejects_what_is_no_name_or_no_weighter():
    for name in ("../evil", "evil.py", "os.system", "Upper", "", 3):
        with pytest.raises(ValueError, match="name must be lower-case letters"):
            register(name, halves)
    with pytest.raises(ValueError, match="'quadratic' is taken"):
        register("quadratic", halves)
    register("mine", halves)
    with pytest.raises(ValueError, match="'mine' is taken"):
        register("mine", lambda: None)
    with pytest.raises(TypeError, match="make must be a function that gives a weighter"):
        register("other", weighter_named("linupper"))
    with pytest.raises(ValueError, match="Did you mean 'linupper'"):
        weighter_named("linuper")


def test_rejects_paths_and_modules_without_reading_them(tmp_path):
    evil = tmp_path / "evil.py"
    evil.write_text(f"open({str(tmp_path / 'planted')!r}, 'w').close()\nmake = object\n")
    for name in (str(evil), "evil", "evil:make", "os:getcwd", f"{tmp_path}/evil:make"):
        with pytest.raises(ValueError, match="weighter must be one of"):
            weighter_named(name)
    assert not (tmp_path / "planted").exists()


def test_matches_entry_points_of_installed_packages(tmp_path):
    (tmp_path / "outside.py").write_text(
        "class Flat:\n    def __call__(self, losses):\n"
        "        return losses * 0 + 1 / len(losses)\n")
    info = tmp_path / "outside-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[workbench.weighters]\nflat = outside:Flat\n"
                                           "linupper = outside:Flat\n")
    code = ("import sys, torch\nfrom workbench.reweighting import *\n"
            "assert 'flat' in weighter_names() and 'outside' not in sys.modules\n"
            "print(weighter_named('flat')(torch.ones(4)).tolist(), "
            "type(weighter_named('linupper')).__name__)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT,
                          env={"PYTHONPATH": f"{ROOT}:{tmp_path}"}, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("] ") == ["[0.25, 0.25, 0.25, 0.25", "LossWeighter\n"]
    assert not list(importlib.metadata.entry_points(group=registry.GROUP))


def test_matches_the_class_of_a_cell_that_was_run_again():
    cell = ("class Flat:\n    def __init__(self): self.turn = {}\n"
            "    def __call__(self, losses): return losses * 0 + 1 / len(losses)\n")
    for turn in (1, 2):
        told = {"__name__": "__main__"}
        exec(cell.format(turn), told)    # what a notebook does
        register("flat", told["Flat"])
        assert weighter_named("flat").turn == turn
    with pytest.raises(ValueError, match="'flat' is taken"):
        register("flat", halves)


def test_rejects_makers_that_give_no_weighter():
    for name, made in (("nothing", None), ("five", 5), ("kind", list)):
        register(name, lambda made=made: made)
        with pytest.raises(TypeError, match=f"weighter {name!r} must be made by its class"):
            weighter_named(name)


def test_rejects_an_installed_package_that_cannot_be_loaded(monkeypatch):
    point = importlib.metadata.EntryPoint("gone", "no_such_package.weighters:Gone", registry.GROUP)
    monkeypatch.setattr(registry, "_points", lambda: (point,))
    assert "gone" in weighter_names()
    with pytest.raises(ValueError, match="weighter 'gone' must load from 'no_such_package"):
        weighter_named("gone")
