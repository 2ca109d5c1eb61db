"""The face of the room costs nothing until a figure is drawn, and hides nothing."""

import importlib
import subprocess
import sys

import pytest

from workbench import catalog, plots


@pytest.mark.parametrize("name", sorted(catalog.studies()))
def test_identity_importing_a_study_loads_no_drawing_library(name):
    code = (f"import sys, workbench.studies.{name}, workbench.plots as plots\n"
            "print(*sorted({'holoviews', 'bokeh', 'panel', 'matplotlib'} & set(sys.modules)))\n"
            "assert plots.weight_profile and 'holoviews' in sys.modules")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True)
    assert done.stdout.split() == []


def test_matches_the_names_that_are_promised():
    assert set(plots.__all__) <= set(dir(plots))
    assert set(plots.__all__) == {*plots.HOMES, "Figure"}
    for name, home in plots.HOMES.items():
        module = importlib.import_module(f"workbench.plots.{home}")
        assert getattr(plots, name) is getattr(module, name)
        assert home not in plots.__all__


def test_rejects_a_name_that_nobody_offers():
    with pytest.raises(AttributeError, match=r"'workbench\.plots' has no attribute 'pie'"):
        _ = plots.pie
