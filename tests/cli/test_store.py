"""Commands about what is in the store, and the sweep that fills it."""

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from workbench.runs import Store


@pytest.fixture
def swept(workbench, notebook):
    """Three runs, one of which failed."""
    done = workbench("sweep", notebook, "--grid", "alpha=1,2,11", "-j", "2")
    assert done.code == 1
    return done


def test_recovers_plan_and_end_of_a_sweep(swept, workbench, notebook):
    assert "3 runs: 0 in the store already, 3 to do, 2 at a time" in swept.err
    assert "3 executed, 0 from the store, 1 not succeeded" in swept.out
    assert "AssertionError: too large" in swept.out
    plan = workbench("sweep", notebook, "--grid", "alpha=1,2,3", "--dry-run")
    assert "3 runs: 2 in the store already, 1 to do" in plan.out
    again = workbench("sweep", notebook, "--grid", "alpha=1,2,3")
    assert (again.code, len(workbench("runs", "--json").json)) == (0, 4)
    assert "1 executed, 2 from the store, 0 not succeeded" in again.out


def test_recovers_a_batch_file(workbench, notebook, tmp_path):
    (tmp_path / "cases.csv").write_text("alpha,word\n1,a\n2,\n")
    (tmp_path / "cases.json").write_text('[{"alpha": 1.0, "word": "a"}, {"alpha": 3}]')
    assert workbench("sweep", notebook, "--batch", "cases.csv").code == 0
    done = workbench("sweep", notebook, "--batch", "cases.json")
    assert done.code == 0
    values = [run["params"] for run in workbench("runs", "--json").json]
    assert {"alpha": 2} in values
    assert {"alpha": 3} in values


@pytest.mark.parametrize(("words", "told"), [
    ((), "Either --grid or --batch"), (("--grid", "alpha"), "--grid must be NAME=VALUE"),
    (("--grid", "beta=1,2"), "beta"), (("--grid", "alpha=1", "--grid", "alpha=2"), "once"),
    (("--batch", "absent.csv"), "absent.csv"), (("--grid", "alpha=0:10:0"), "at least one"),
    (("--grid", "alpha=0:1000000"), "--grid"),
])
def test_rejects_grids(workbench, notebook, store, words, told):
    done = workbench("sweep", notebook, *words)
    assert done.code == 2
    assert told in done.err
    assert not store.exists() or list(store.iterdir()) == []


def test_matches_filters(swept, workbench):
    assert len(workbench("runs", "--state", "failed", "--json").json) == 1
    one, = workbench("runs", "--where", "alpha=2.0", "--json").json
    assert one["params"]["alpha"] == 2
    assert "No run fits" in workbench("runs", "--where", "alpha=99").out
    none = workbench("runs", "--state", "lost", "--where", "alpha=2")
    assert (none.code, none.out[:11]) == (0, "No run fits")      # known, though not of lost runs
    assert workbench("runs", "--state", "fialed").code == 2
    assert "Did you mean 'alpha'" in workbench("runs", "--where", "alpa=2").err
    assert workbench("runs", "--limit", "1", "--json").json[0]["params"]["alpha"] in (1, 2, 11)


def test_recovers_one_run_and_its_difference(swept, workbench, notebook, tmp_path):
    keys = {run["params"]["alpha"]: run["key"] for run in workbench("runs", "--json").json}
    shown = workbench("show", keys[1][:8]).out
    assert "twice: 2 m [1, 3], 90 % interval" in shown
    assert "alpha = 1" in shown
    compared = workbench("compare", keys[1][:8], keys[2][:8], "--html", "difference.html")
    assert "alpha" in compared.out
    assert (tmp_path / "difference.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert "alpha" in workbench("why", keys[1][:8], keys[2][:8]).out
    content = json.loads(notebook.read_text("utf-8"))
    content["cells"][-1]["source"] = "print('changed')"
    notebook.write_text(json.dumps(content), "utf-8")
    assert "show" in workbench("why", keys[1][:8]).out
    assert workbench("show", "ffff0").code == 2
    assert workbench("compare", keys[1][:8]).code == 2


def test_recovers_a_saved_run_anew(swept, workbench):
    key = next(run["key"] for run in workbench("runs", "--json").json
               if run["params"]["alpha"] == 1)
    assert workbench("rerun", key[:8]).code == 0
    assert workbench("rerun", key[:8], "-p", "alpha=7").code == 0
    values = sorted(run["params"]["alpha"] for run in workbench("runs", "--json").json)
    assert values == [1, 1, 2, 7, 11]


def test_recovers_room(swept, workbench):
    dry = workbench("clean", "--state", "failed", "--dry-run")
    assert "1 runs would be removed" in dry.out
    assert len(workbench("runs", "--json").json) == 3
    assert "1 runs removed" in workbench("clean", "--state", "failed").out
    assert len(workbench("runs", "--json").json) == 2
    assert "0 runs removed" in workbench("clean", "--older-than", "30d").out
    assert "1 runs removed" in workbench("clean", "--keep-latest", "1").out
    assert workbench("clean").code == 2


def test_recovers_events_as_json_lines(workbench, notebook, tmp_path):
    done = workbench("sweep", notebook, "--grid", "alpha=1,2", "--events", "news.jsonl", "--cold")
    assert done.code == 0
    news = [json.loads(line) for line in (tmp_path / "news.jsonl").read_text().splitlines()]
    kinds = [each["event"] for each in news]
    assert (kinds[0], kinds[-1]) == ("planned", "ended")
    assert (kinds.count("started"), kinds.count("finished")) == (2, 2)
    assert all(each["state"] == "succeeded" and each["summary"]["twice"]["unit"] == "m"
               for each in news if each["event"] == "finished")
    told = workbench("sweep", notebook, "--grid", "alpha=1,2", "--events", "-").out.splitlines()
    assert [json.loads(line)["event"] for line in told] == [
        "planned", "finished", "finished", "ended"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_recovers_runs_whose_events_cannot_be_written(workbench, notebook):
    done = workbench("sweep", notebook, "--grid", "alpha=1,2", "--events", "/dev/full", "--cold")
    assert done.code == 0
    assert done.err.count("are no longer told where --events or --log-to said") == 1
    assert "2 executed, 0 from the store, 0 not succeeded" in done.out


def test_identity_texts_of_a_batch_stay_texts(workbench, notebook, tmp_path):
    (tmp_path / "cases.json").write_text('[{"word": "007"}, {"word": "1e5", "alpha": 2}]')
    plan = workbench("sweep", notebook, "--batch", "cases.json", "--dry-run", "-p", "alpha=3")
    assert "alpha=3, word=007" in plan.out
    assert "word=1e5, alpha=2" in plan.out
    (tmp_path / "cases.csv").write_text("alpha\n1e1\n")
    plan = workbench("sweep", notebook, "--batch", "cases.csv", "--dry-run")
    assert "alpha=10.0" in plan.out


@pytest.mark.parametrize(("memory", "disk", "short"), [
    (5 * 10**9, 5 * 10**9, []), (10**8, 5 * 10**9, ["Memory"]),
    (10**8, 10**8, ["Memory", "Disk"])], ids=["good", "memory", "both"])
def test_recovers_the_state_of_the_machine(workbench, monkeypatch, memory, disk, short):
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=memory))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=disk))
    done = workbench("doctor")
    told = dict(re.findall(r"^(?:ok  |note|FAIL)  (.*?)  +(.+)$", done.out, re.MULTILINE))
    assert {"Python", "Kernels", "Warm kernels", "Memory", "Disk", "Ports"} <= set(told)
    assert (told["Memory"], told["Disk"]) == (f"{memory / 1e9} GB free", f"{disk / 1e9} GB free")
    assert re.findall(r"^FAIL  (\S+)", done.out, re.MULTILINE) == short
    assert done.code == (1 if short else 0)


def test_recovers_what_can_be_told_of_a_spoilt_remote_run(workbench, notebook, monkeypatch,
                                                           tmp_path):
    monkeypatch.setenv("WORKBENCH_RUNS", url := f"memory://{tmp_path.name}")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    assert workbench("run", notebook).code == 0
    run, = workbench("runs", "--json").json
    assert run["folder"] == f"{url}/{run['id']}"
    shutil.rmtree(tmp_path / "cache")
    system, root = Store(url).place.opened()
    system.pipe_file(f"{root}/{run['id']}/notebook.ipynb", b"cut")
    assert workbench("runs", "--json").json == [run]          # nothing is fetched for a list
    told = workbench("show", run["id"])
    assert told.code == 0
    assert "twice: 1 m [0, 2]" in told.out
    assert "Report   cannot be fetched: notebook.ipynb of the run" in told.out
    system.pipe_file(f"{root}/{run['id']}/manifest.json", b"{")
    assert [each["state"] for each in workbench("runs", "--json").json] == ["damaged"]
    told = workbench("show", run["id"])
    assert (told.code, "manifest.json cannot be used" in told.out) == (0, True)


def test_identity_defaults_are_parameters_too(workbench, notebook):
    for words in ((), ("-p", "alpha", "2")):
        assert workbench("run", notebook, *words).code == 0
    given, plain = workbench("runs", "--json").json
    assert (given["params"], plain["params"]) == ({"alpha": 2}, {})
    found = workbench("runs", "--where", "alpha=0.5", "--json").json
    assert [run["id"] for run in found] == [plain["id"]]
    assert "  alpha = 0.5\n  word = 'x'\n" in workbench("show", plain["id"]).out
    told = workbench("compare", plain["id"], given["id"]).out
    assert "  alpha      0.5  2\n" in told
    page = Path(plain["folder"], "report.html").read_text(encoding="utf-8")
    assert '<th scope="row">alpha</th><td>0.5</td><td>default</td>' in page
