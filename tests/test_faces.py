"""Lazy faces: each name is loaded from its home by its first use, and none hides a file."""

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import catalog, inference, landscape, plots, reweighting, train

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "pymc", "numba", "sklearn", "lightgbm", "holoviews", "bokeh", "panel",
         "matplotlib", "lightning_fabric"}
OTHERS = {"plots": {"Figure"}}          # what the face itself defines
faces = pytest.mark.parametrize("room", [inference, landscape, plots, reweighting, train],
                                ids=lambda room: room.__name__)


@faces
def test_matches_the_names_that_are_promised(room):
    homes = {name: home for home, names in room.FILES.items() for name in names}
    own = OTHERS.get(room.__name__.rpartition(".")[2], set())
    assert sorted(room.__all__) == sorted(own | set(homes))
    assert set(room.__all__) <= set(dir(room))
    for name, home in homes.items():
        module = importlib.import_module(f"{room.__name__}.{home}")
        assert getattr(room, name) is getattr(module, name)
        assert name in module.__all__
        assert importlib.util.find_spec(f"{room.__name__}.{name}") is None     # it would be hidden


@faces
def test_rejects_a_name_that_nobody_offers(room):
    with pytest.raises(AttributeError, match=f"'{room.__name__}' has no attribute 'pie'"):
        _ = room.pie


@faces
def test_identity_the_room_loads_no_library(room):
    assert _loaded(f"import {room.__name__}") == []


def test_matches_a_module_that_is_offered():
    assert landscape.zoo is importlib.import_module("workbench.landscape.zoo")


@pytest.mark.parametrize("name", sorted(catalog.studies()))
def test_identity_importing_a_study_loads_no_drawing_library(name):
    assert not {"holoviews", "bokeh", "panel", "matplotlib"} & set(
        _loaded(f"import workbench.studies.{name}"))
    assert "holoviews" in _loaded("from workbench.plots import weight_profile")


def _loaded(code):
    code = f"import sys\n{code}\nprint(*sorted({HEAVY} & set(sys.modules)))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT,
                          check=True).stdout.split()
