"""Every notebook here gives the same outputs from a warm kernel as from a cold one."""

import json
import re
from pathlib import Path

import pytest

from workbench import catalog
from workbench.runs import Settings, carry_out_all
from workbench.runs.inputs.task import Task

pytestmark = pytest.mark.slow
# What differs between any two executions: names of runs, times, and Bokeh's random identifiers.
PASSING = re.compile(r"\d{8}T\d{6}Z-\w+-\w+-\w+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f-]+"
                     r"|\"p?\d{4,}\"|0x[0-9a-f]+|/tmp/\S+|\b\w*\d{4,}\b")


def bundles(run):
    """Each output by cell: type, MIME types, and the text that does not pass."""
    told = []
    for cell in json.loads(run.notebook.read_text("utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data") or {output["output_type"]: output.get("text")
                                          or output.get("evalue")}
            told.append((cell["id"], output["output_type"], {
                kind: PASSING.sub("", json.dumps(content)) for kind, content in data.items()}))
    return told


@pytest.mark.parametrize("name", sorted(catalog.studies()))
def test_matches_bundles_of_a_cold_kernel(name, tmp_path):
    study = catalog.study(name)
    task = Task.of_study(study, study.Params(**study.SMOKE))
    settings = {"cold": Settings(cold=True), "warm": Settings(warm=("holoviews", "numba"))}
    cold, warm = (carry_out_all([task], tmp_path / kind, settings[kind])[0] for kind in settings)
    assert (cold.state, warm.state) == ("succeeded", "succeeded")
    assert (cold.kernel, warm.kernel) == ("cold", "warm")
    assert {kind for _, _, data in bundles(cold) for kind in data} >= {"text/html", "text/plain"}
    assert bundles(warm) == bundles(cold)
    assert dict(warm.summary) == dict(cold.summary)
    assert Path(warm.folder / "thumbnail.svg").exists()
