"""Many runs: what is told, what is reused, and the functions behind the commands."""

import json
from types import SimpleNamespace

import pytest

from workbench import runs
from workbench.core import ParameterError
from workbench.runs import Limits, Settings, Store, report, rerun, run, sweep, write_events
from workbench.runs.execution import workers
from workbench.runs.execution.execute import carry_out


def test_matches_one_run_of_each_study(study, store):
    first = report([study, study], {"n": 4})
    assert first[0].id == first[1].id            # the second found what the first had made
    again = report([study], {"n": 4})
    assert again[0].id == first[0].id
    index = (store / "index.html").read_text("utf-8")
    assert first[0].id in index


def test_rejects_before_anything_is_executed(study, store):
    with pytest.raises(ParameterError, match="unknown parameter 'm'"):
        report([study, study], {"m": 4})
    with pytest.raises(ParameterError, match="n must be"):
        sweep(study, {"n": [1, 2, 1000]})
    assert not store.exists() or list(store.iterdir()) == []


def test_recovers_news_in_order(study, tmp_path):
    seen = []
    done = sweep(study, {"n": [1, 2, 3]}, settings=Settings(workers=2), on_event=seen.append)
    assert [each.params["n"] for each in done] == [1, 2, 3]
    kinds = [event.kind for event in seen]
    assert (kinds[0], kinds[-1]) == ("planned", "ended")
    for number in (1, 2, 3):
        mine = [event for event in seen if event.number == number]
        assert mine[0].kind == "started"
        assert mine[-1].kind == "finished"
        assert [event.done for event in mine if event.kind == "cell"] == [1, 2, 3, 4]
        assert mine[-1].run == done[number - 1]
    path = tmp_path / "news.jsonl"
    with path.open("w") as stream:
        tell = write_events(stream)
        for event in seen:
            tell(event)
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [each["event"] for each in told] == kinds
    assert told[-2]["summary"]["rows"]["unit"] == "rows"


def test_identity_of_what_changes_nothing(study, store):
    first = report([study], settings=Settings(cold=True, limits=Limits(run=600, memory=4 * 10**9)))
    notebook = store.parents[1] / "notebooks" / "tiny.ipynb"
    content = json.loads(notebook.read_text("utf-8"))
    content["cells"][0]["source"] = "# Tiny\n\nAnother text."
    notebook.write_text(json.dumps(content), "utf-8")
    again = report([study], settings=Settings(single_file=True))
    assert [each.id for each in again] == [each.id for each in first]
    forced = report([study], settings=Settings(force=True))
    assert forced[0].key == first[0].key
    assert forced[0].id != first[0].id
    content["cells"][3]["source"] += "\nnothing = 0"
    notebook.write_text(json.dumps(content), "utf-8")
    changed, = report([study])
    assert changed.key != first[0].key
    assert "run" in str(runs.why(first[0], changed))


def test_recovers_from_a_run_that_breaks_in_an_unforeseen_way(study, monkeypatch):
    def broken(task, *others):
        if task.values["n"] == 2:
            raise RuntimeError("nobody thought of this")
        return carry_out(task, *others)

    monkeypatch.setattr(workers, "carry_out", broken)
    told = []
    done = sweep(study, {"n": [2, 3]}, settings=Settings(workers=1), on_event=told.append)
    assert [each.state for each in done] == ["failed", "succeeded"]
    assert done[0].error == "the run could not be kept: nobody thought of this"
    assert [each.left for each in told if each.kind == "finished"][-1] == 0


def test_matches_rounds_of_the_time_that_is_left(study):
    tasks = [runs.Task.of(study, {"n": number}) for number in range(1, 6)]
    planned = runs.plan(tasks, Store(), Settings(workers=2))
    assert [planned.left(number, 3) for number in (0, 1, 2, 5)] == [0, 3, 3, 9]


def test_recovers_what_a_notebook_forbids(study, store):
    notebook = store.parents[1] / "notebooks" / "tiny.ipynb"
    content = json.loads(notebook.read_text("utf-8"))
    content["metadata"]["workbench"] = {"cache": "never"}
    notebook.write_text(json.dumps(content), "utf-8")
    assert report([study])[0].id != report([study])[0].id


def test_rejects_sizes_that_are_none():
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="workers must be positive"):
            Settings(workers=wrong)
    with pytest.raises(ValueError, match="memory must be positive"):
        Limits(memory=0)


def test_recovers_any_notebook_again(study, store):
    notebook = store.parents[1] / "notebooks" / "tiny.ipynb"
    first = run(notebook, {"n": 2})
    assert first.study == "tiny"
    assert run(notebook, {"n": 2}).id != first.id                    # executed again
    assert run(notebook, {"n": 2}, settings=Settings()).id in {
        each.id for each in Store().runs()}
    again = rerun(first.key[:12], {"n": "5"})
    assert (again.params["n"], again.state) == (5, "succeeded")
    notebook.unlink()
    with pytest.raises(ValueError, match=r"notebook.*tiny\.ipynb"):
        rerun(first.id)


def test_recovers_a_study_s_run_again(study):
    first, = report([study], {"n": 2, "word": "none"})
    again = rerun(first.id)
    assert (again.key, again.params) == (first.key, first.params)
    with pytest.raises(ParameterError, match="n must be"):
        rerun(first.id, {"n": "1000"})


@pytest.fixture
def machine(monkeypatch):
    """A machine of some cores and free memory: ``machine(cores, bytes)``."""
    def of(cores, free):
        monkeypatch.setattr("workbench.runs.execution.plan.cores", lambda: cores)
        monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=free))

    return of


def test_identity_threads_and_plan_follow_the_machine(study, machine):
    machine(7, 10**12)
    tasks = [runs.Task.of(study, {"n": number}) for number in range(1, 6)]
    planned = runs.plan(tasks, Store(), Settings(workers=2))
    assert (planned.workers, planned.todo, planned.found) == (2, [0, 1, 2, 3, 4], {})
    assert planned.threads == 3
    assert runs.plan(tasks[:1], Store(), Settings()).threads is None
    many = runs.plan(tasks, Store(), Settings(workers=9))
    assert (many.workers, many.threads) == (5, 1)


@pytest.mark.parametrize(("cores", "free", "limit", "workers"), [
    (8, 10**12, None, 5), (3, 10**12, None, 3), (8, 10**9, None, 2), (8, 10**9, 2 * 10**8, 4),
    (8, 10**9, 10**15, 2), (8, 10**7, None, 1), (8, 10**7, 10**15, 1)],
    ids=["tasks", "cores", "memory", "limit", "vain-limit", "full", "full-and-limit"])
def test_matches_workers_that_fit_the_machine(study, machine, cores, free, limit, workers):
    machine(cores, free)     # a kernel that nobody has measured counts 0.4 of 0.8 GB
    tasks = [runs.Task.of(study, {"n": number}) for number in range(1, 6)]
    planned = runs.plan(tasks, Store(), Settings(limits=Limits(memory=limit)))
    assert planned.workers == workers
