"""The face of the room loads each name from its home, and no torch before it is used."""

import importlib
import subprocess
import sys

import pytest

from workbench import landscape


def test_matches_the_names_that_are_promised():
    assert set(landscape.__all__) == set(landscape.HOMES) <= set(dir(landscape))
    for name, home in landscape.HOMES.items():
        module = importlib.import_module(f"workbench.landscape.{home}")
        assert getattr(landscape, name) is getattr(module, name)
        assert name in module.__all__


def test_identity_names_do_not_hide_files():
    for name in landscape.HOMES:
        assert importlib.util.find_spec(f"workbench.landscape.{name}") is None, name


def test_identity_the_room_loads_no_torch():
    code = "import sys, workbench.landscape; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_rejects_an_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'hessian_traces'"):
        landscape.hessian_traces  # noqa: B018
