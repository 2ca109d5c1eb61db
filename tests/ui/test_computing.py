"""Results come from a thread or the cache; failures are sentences."""

import asyncio
import threading
import time

import pytest

from workbench import runs
from workbench.ui import computing


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch):
    monkeypatch.setattr(computing, "CACHE", computing._Cache())


def test_identity_second_result_is_the_first_one(tiny):
    first, second = (computing.live(tiny, tiny.Params(n=5)) for _ in range(2))
    assert first.result is second.result
    assert (first.key, first.seconds) == (second.key, second.seconds)
    assert first.key == runs.key(tiny, tiny.Params(n=5))


def test_matches_cache_to_its_bound(tiny):
    first = computing.live(tiny, tiny.Params(n=1))
    for n in range(2, computing.KEPT + 2):
        computing.live(tiny, tiny.Params(n=n))
    assert computing.live(tiny, tiny.Params(n=1)).result is not first.result
    assert len(computing.CACHE._results) == computing.KEPT


def test_rejects_with_the_words_of_the_refusal(tiny):
    shown = computing.live(tiny, tiny.Params(word="refuse"))
    assert shown.result is None
    assert shown.problem == "word must be another one, got 'refuse'. Pass 'plain'."


def test_rejects_failure_with_one_sentence(tiny, caplog):
    shown = computing.live(tiny, tiny.Params(word="break"))
    assert shown.problem.startswith("The study failed: RuntimeError: <b>broken</b>.")
    assert "Traceback" not in shown.problem
    assert "RuntimeError" in caplog.text


def test_matches_saved_run_to_live_result(tiny):
    result = tiny.run(tiny.Params(n=4))
    run = runs.save(tiny, tiny.Params(n=4), result)
    shown = computing.saved(tiny, run)
    assert dict(shown.result.summary) == dict(result.summary)
    assert list(shown.figures) == ["main", "weights"]


def test_rejects_tables_that_cannot_be_drawn(tiny):
    run = runs.save(tiny, tiny.Params(), tiny.run(tiny.Params()))
    (run.folder / "artifacts" / "rows.parquet").write_bytes(b"no table")
    shown = computing.saved(tiny, run)
    assert "cannot be drawn" in shown.problem
    assert len(shown.result.summary) == 6


@pytest.mark.parametrize(("state", "told"), [
    ("lost", "This run was lost. The process is gone."),
    ("timed-out", "This run exceeded its time limit and was stopped. The process is gone."),
    ("damaged", "This run cannot be read. The process is gone."),
])
def test_matches_what_a_run_without_a_result_says(tiny, tmp_path, state, told):
    run = runs.Run("x", tmp_path, "tiny", state=state, error="the process is gone")
    shown = computing.saved(tiny, run)
    assert (shown.problem, shown.result) == (told, None)


def test_matches_loop_that_goes_on_during_the_work():
    async def ticks():
        future, count = computing.in_thread(lambda: time.sleep(0.2) or threading.get_ident()), 0
        while not future.done():
            await asyncio.sleep(0.01)
            count += 1
        return count, await future

    count, thread = asyncio.run(ticks())
    assert count >= 5
    assert thread != threading.get_ident()


def test_rejects_through_the_awaited_future():
    async def awaited():
        await computing.in_thread(lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(awaited())
