"""What a sweep tells of its runs: in order, once, with the time that is left."""

import math
import threading

import pytest

from workbench.runs import Settings, Store, Task, plan
from workbench.runs.execution.ledger import Ledger


@pytest.fixture
def told():
    return []


@pytest.fixture
def ledger(study, told):
    """Ledger of five tasks, two at a time."""
    tasks = [Task.of(study, {"n": number}) for number in range(1, 6)]
    return Ledger(plan(tasks, Store(), Settings(workers=2)), told.append)


def test_recovers_news_of_a_thread_in_the_one_that_passes_them_on(ledger, told):
    thread = threading.Thread(target=lambda: [
        ledger.note(1, "started"), ledger.note(1, "cell", done=1, cells=4, cell="run")])
    thread.start()
    thread.join()
    assert told == []
    ledger.announce("stopping")
    ledger.pass_on()
    assert [(each.kind, each.total, each.number, each.cell) for each in told] == [
        ("stopping", 5, 0, ""), ("started", 5, 2, ""), ("cell", 5, 2, "run")]
    assert [each.task and each.task.values["n"] for each in told] == [None, 2, 2]


def test_rejects_news_that_come_after_the_end(ledger, told, publish, store):
    ledger.note(0, "cell")
    ledger.note(2, "cell")
    ledger.enter(0, publish(Store(store)), reused=False)
    ledger.pass_on()
    assert [(each.kind, each.number) for each in told] == [("finished", 1), ("cell", 3)]


def test_matches_the_median_of_what_runs_took(ledger, told, publish, store):
    durations = {0: 10.0, 1: 1000.0, 2: 30.0, 3: None}
    runs = {number: publish(Store(store), seconds=seconds)
            for number, seconds in durations.items()}
    for number, run in runs.items():
        ledger.enter(number, run, reused=number == 1)
    assert [each.left for each in told] == [20.0, 20.0, 20.0, 20.0]
    assert math.isnan(told[-1].run.seconds)
    ledger.enter(4, runs[0], reused=True)
    assert (told[-1].left, told[-1].reused) == (0.0, True)
    assert ledger.runs == {**runs, 4: runs[0]}


def test_identity_nothing_is_known_before_a_run_was_executed(ledger, told, publish, store):
    ledger.enter(0, publish(Store(store)), reused=True)
    assert math.isnan(told[0].left)
