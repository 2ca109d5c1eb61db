"""Many processes in one store: nothing is lost, nothing is told twice, nobody sees half a run."""

import json
import subprocess
import sys

import pytest

from workbench.runs import Store
from workbench.runs.storage import folder

WRITE = """
import sys
from workbench.runs import Store
from workbench.runs.storage.staging import BLANK, timestamp
store, mine = Store(sys.argv[1]), sys.argv[2]
for i in range(30):
    key = f"{mine}{i:02d}".ljust(64, "0")
    about = {**BLANK, "study": "tiny", "key": key, "params": {"i": i}, "started": timestamp()}
    with store.staged("tiny", key, about) as stage:
        (stage.folder / "notebook.ipynb").write_text("x" * 1000)
        run = store.publish(stage, about | {"state": "succeeded", "error": ""})
    assert store.find(key) == run
    if i % 10 == 9:
        assert len(store.runs("tiny", limit=5)) == 5
"""
READ = """
import json, sys
from workbench.runs import Store
store, most = Store(sys.argv[1]), 0
while most < 240:
    runs = store.runs()
    done = [run for run in runs if run.state == "succeeded"]
    other = {run.state for run in runs} - {"succeeded", "running"}
    assert not other, [run for run in runs if run.state in other]
    assert len({run.id for run in runs}) == len(runs)
    assert len(done) >= most, (len(done), most)
    for run in done[:20]:
        assert run.notebook.stat().st_size == 1000
    most = len(done)
print(most)
"""


@pytest.mark.slow
def test_identity_eight_writers_and_a_reader(tmp_path):
    reader = subprocess.Popen([sys.executable, "-c", READ, str(tmp_path)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), f"{i:08d}"],
                                stderr=subprocess.PIPE, text=True) for i in range(8)]
    assert [writer.communicate()[1] for writer in writers] == [""] * 8
    assert reader.communicate() == ("240\n", "")
    store = Store(tmp_path)
    runs = store.runs()
    assert len(runs) == 240
    assert len({run.key for run in runs}) == 240
    assert runs == sorted((folder.read(tmp_path / run.id) for run in runs),
                          key=lambda run: (run.started, run.id), reverse=True)
    assert len(store.find_all([run.key for run in runs])) == 240
    assert {path.name for path in tmp_path.iterdir()} == {run.id for run in runs}
    assert json.loads((runs[0].folder / "manifest.json").read_text())["id"] == runs[0].id
