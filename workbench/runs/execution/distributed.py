"""The same sweep on a dask cluster: workers execute, the store of this process keeps.

A worker executes a task in a scratch store of its own and sends the run's folder back; only this
process publishes, so a task that a lost worker began counts once. Where the store is a URL that
workers can reach themselves, they publish, and the key keeps them from doing so twice.
"""

import io
import json
import math
import os
import secrets
import signal
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workbench.runs.execution.events import OnEvent
from workbench.runs.execution.ledger import Ledger
from workbench.runs.execution.libraries import to_warm
from workbench.runs.execution.parcels import Answer, Parcel, over, perform
from workbench.runs.execution.plan import Plan
from workbench.runs.inputs.task import Settings, Task
from workbench.runs.reports.page import write_report
from workbench.runs.storage import staging
from workbench.runs.storage.folder import Run, rebuilt
from workbench.runs.storage.store import Store

__all__ = ["Distributed"]

RETRIES = 3            # times that a task is tried elsewhere after its worker was lost
BREATH = 0.1           # seconds between looks at what has arrived
LAST_WORDS = 15.0      # seconds that interrupted workers have to send what they began


class Distributed:
    """Executes what a plan has to do on the workers of a cluster.

    Parameters
    ----------
    planned : Plan
    store : Store
    how : Settings
        `scheduler` is an address, or ``local`` for a cluster on this machine.
    tell : callable
        Called with each event in the thread that calls `go`.
    """

    def __init__(self, planned: Plan, store: Store, how: Settings, tell: OnEvent):
        self.plan, self.store, self.how = planned, store, how
        self.ledger = Ledger(planned, tell)
        self._topic = f"workbench-{secrets.token_hex(6)}"
        self._modules = () if how.cold else to_warm(planned, how)
        self._over: Any = None

    def go(self) -> dict[int, Run]:
        """Execute all; the run of each number that was begun.

        Raises
        ------
        ValueError
            If the scheduler cannot be reached.
        KeyboardInterrupt
            When interrupted; the runs in progress are stopped and kept.
        """
        from distributed import Event as Signal

        with _client(self.how.scheduler, self.plan.workers) as client:
            self.ledger.announce("cluster", cell=client.dashboard_link or "")
            client.subscribe_topic(self._topic, self._hear)
            self._over = Signal(over(self._topic), client=client)
            futures = {client.submit(
                perform, self._parcel(number), key=f"{self._topic}-{number}", retries=RETRIES,
                pure=False): number for number in self.plan.todo}
            try:
                self._collect(futures)
            except KeyboardInterrupt:
                self._stop(Signal(self._topic, client=client), futures)
                raise
            finally:
                client.cancel(list(futures))
                client.unsubscribe_topic(self._topic)
        return self.ledger.runs

    def _collect(self, futures: dict[Any, int], seconds: float = math.inf) -> None:
        """Take what arrives until all is there or the time is up."""
        deadline = time.monotonic() + seconds
        pending = dict(futures)
        while pending and time.monotonic() < deadline:
            self.ledger.pass_on()
            done = [future for future in pending if future.done()]
            for future in done:
                self._finish(future, pending.pop(future))
            if not done:
                time.sleep(BREATH)
        self.ledger.pass_on()

    def _stop(self, stop: Any, futures: dict[Any, int]) -> None:
        """Begin nothing more, stop what has begun, and keep it; a second interrupt ends all."""
        self._over.set()
        stop.set()
        waiting = {future: number for future, number in futures.items()
                   if number not in self.ledger.runs}
        self._collect(waiting, LAST_WORDS)

    def _finish(self, future: Any, number: int) -> None:
        if future.status == "cancelled":
            return
        received = self._received(number, future)
        if received is None:
            return
        run, reused = received
        self.ledger.enter(number, run, reused=reused)
        if self.how.fail_fast and run.state != "succeeded":
            self._over.set()

    def _received(self, number: int, future: Any) -> tuple[Run, bool] | None:
        task = self.plan.tasks[number]
        if future.status == "error":
            return _lost(task, self.store, future.exception()), False
        answer: Answer = future.result()
        if not answer.run:
            return None
        if not answer.folder:
            return self.store.load(answer.run), answer.reused
        return _published(task, self.store, answer, single_file=self.how.single_file), \
            answer.reused

    def _parcel(self, number: int) -> Parcel:
        task = self.plan.tasks[number]
        reachable = "" if self.store.local is not None else self.store.url
        return Parcel(task, task.notebook.read_bytes(), self.how, reachable, self._topic, number,
                      self._modules)

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        """Called in the client's own thread."""
        told = event[1]    # to which the scheduler adds the worker's address
        self.ledger.note(told["number"], told["kind"], done=told["done"], cells=told["cells"],
                         cell=told["cell"])


@contextmanager
def _client(address: str, workers: int) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    if address == "local":
        with _environment_as_it_was(), _deaf_to_ctrl_c():
            cluster = LocalCluster(n_workers=workers, threads_per_worker=1, host="127.0.0.1",
                                   dashboard_address="127.0.0.1:0")
        with cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError, TimeoutError) as problem:
        raise ValueError(f"scheduler must be the address of a running dask scheduler, got "
                         f"{address!r} ({problem}). Start one: dask scheduler.") from None
    with client:
        yield client


@contextmanager
def _environment_as_it_was() -> Iterator[None]:
    """Dask sets thread counts and more for the workers it starts, and leaves them behind."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started inside outlive a terminal's Ctrl-C, which is for this one alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _published(task: Task, store: Store, answer: Answer, *, single_file: bool) -> Run:
    """Unpack a run and publish it; its report is written anew, since it needs this store."""
    with store.staged(task.name, task.key) as stage, \
            tarfile.open(fileobj=io.BytesIO(answer.folder)) as archive:
        archive.extractall(stage.folder, filter="data")
        manifest = stage.folder / "manifest.json"
        record = json.loads(manifest.read_text(encoding="utf-8"))
        manifest.unlink()
        record["source"] = str(task.notebook)
        if record["key"] != task.key:
            record["notes"].append("The worker's code, data or packages differ from those here, "
                                   "and so does the key; `workbench why` tells how.")
        record = {name: value for name, value in record.items()
                  if name not in {"schema_version", "id", "files"}}
        write_report(rebuilt(stage.folder, {"id": stage.id, **record}),
                     single_file=single_file)
        return store.publish(stage, record)


def _lost(task: Task, store: Store, problem: BaseException | None) -> Run:
    """A run that no worker could execute to its end."""
    from distributed import KilledWorker

    told = next(iter(str(problem).splitlines()), "") or type(problem).__name__
    state, cause = (("lost", "the workers that executed it were lost")
                    if isinstance(problem, KilledWorker) else
                    ("failed", f"the worker could not execute it ({type(problem).__name__})"))
    record = task.about() | {
        "started": staging.timestamp(), "state": state, "seconds": None, "summary": {},
        "notes": [], "error": f"{cause}: {told}"}
    with store.staged(task.name, task.key, record) as stage:
        write_report(rebuilt(stage.folder, {"id": stage.id, **record}))
        return store.publish(stage, record)
