"""Which runs a list shows: by state, by parameter and by both, from one look at the store."""

import pytest

from workbench.core import ParameterError
from workbench.runs import Store, runs
from workbench.runs.storage.staging import timestamp


@pytest.fixture
def three(store, publish):
    """Runs by n: 1 succeeded, 2 failed, 2 succeeded."""
    room = Store(store)
    return [publish(room, state=state, params={"n": n}, started=f"2026-01-0{day}T00:00:00Z")
            for day, (n, state) in enumerate([(1, "succeeded"), (2, "failed"),
                                              (2, "succeeded")], 1)]


@pytest.mark.parametrize("where", [{"n": "2"}, {"n": "1"}, {"n": "3"}])
@pytest.mark.parametrize("states", [(), ("failed",), ("failed", "succeeded"), ("lost",)])
def test_matches_a_filter_by_hand(three, where, states):
    by_hand = [run.id for run in reversed(three) if str(run.params["n"]) == where["n"]
               and (not states or run.state in states)]
    assert [run.id for run in runs(states=states, where=where)] == by_hand
    assert [run.id for run in runs("tiny", states=states, where=where, limit=1)] == by_hand[:1]


def test_identity_the_store_is_read_once(three, monkeypatch):
    looks, real = [], Store.rows
    monkeypatch.setattr(Store, "rows", lambda *words, **options: (
        looks.append(options), real(*words, **options))[1])
    assert [run.id for run in runs(where={"n": "2"}, states=("failed",))] == [three[1].id]
    assert len(looks) == 1


def test_matches_a_run_in_progress(three, store):
    with Store(store).staged("tiny", "cd" * 32, {
            "study": "tiny", "params": {"n": 2}, "started": timestamp()}):
        found = runs(where={"n": "2"})
        assert [run.state for run in found] == ["running", "succeeded", "failed"]
        assert [run.state for run in runs(where={"n": "2"}, states=("running",))] == ["running"]


def test_rejects_a_name_that_no_run_has_in_any_state(three):
    assert runs(where={"n": "2"}, states=("lost",)) == []
    with pytest.raises(ParameterError, match=r"unknown parameter 'm'\..*Known: n\."):
        runs(where={"m": "2"}, states=("failed",))
