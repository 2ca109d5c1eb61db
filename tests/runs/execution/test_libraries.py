"""What warm kernels import: what the notebooks' code imports, and nothing else."""

from workbench import catalog
from workbench.runs import Settings, Store, Task, plan
from workbench.runs.execution.libraries import libraries, to_warm
from workbench.runs.kernels.server import heavy


def test_matches_imports_of_a_study():
    found = libraries([Task.of(catalog.study("opinion_trends"), {})])
    assert {"pandas", "numba", "holoviews", "bokeh"} <= set(found)
    assert "workbench.inference.trend.kernel:warm" in found
    assert not {"torch", "panel"} & set(found)


def test_matches_imports_of_any_notebook(tmp_path, study, store):
    import nbformat

    cells = ["%matplotlib inline\nimport torch.nn as nn", "def later():\n    import pandas"]
    nbformat.write(nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(each) for each in cells]), tmp_path / "any.ipynb")
    found = libraries([Task.of(tmp_path / "any.ipynb", {})])
    assert set(found) == {"torch", "pandas"} & set(heavy())
    own = set(libraries([Task.of_study(study, study.Params())]))
    assert "pandas" in own
    assert not {"torch", "numba", "holoviews"} & own


def test_matches_what_the_settings_name(study):
    planned = plan([Task.of(study, {})], Store(), Settings())
    assert to_warm(planned, Settings(warm=("json",))) == ("json",)
    assert to_warm(planned, Settings()) == libraries(planned.tasks)
    assert "pandas" in to_warm(planned, Settings())
    found = plan([Task.of(study, {})], Store(), Settings())
    found.todo.clear()                                       # what is there warms nothing
    assert to_warm(found, Settings()) == ()
