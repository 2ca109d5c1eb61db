"""The same sweep on a dask cluster: workers execute, the store of this process keeps.

A worker executes a task in a scratch store of its own and sends the run's folder back; only this
process publishes, so a task that a lost worker began counts once. Where the store is a URL that
workers can reach themselves, they publish, and the key keeps them from doing so twice.
"""

import io
import json
import secrets
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workbench.runs.execution.events import Event, OnEvent
from workbench.runs.execution.parcels import Answer, Parcel, perform
from workbench.runs.execution.plan import Plan
from workbench.runs.inputs.task import Settings, Task
from workbench.runs.reports.page import write_report
from workbench.runs.storage import staging
from workbench.runs.storage.folder import Run, rebuilt
from workbench.runs.storage.store import Store

__all__ = ["Distributed"]

RETRIES = 3            # times that a task is tried elsewhere after its worker was lost


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
        self.plan, self.store, self.how, self._tell = planned, store, how, tell
        self.runs: dict[int, Run] = {}
        self._topic = f"workbench-{secrets.token_hex(6)}"

    def go(self) -> dict[int, Run]:
        """Execute all; the run of each number that was begun.

        Raises
        ------
        ValueError
            If the scheduler cannot be reached.
        KeyboardInterrupt
            When interrupted; the runs in progress are stopped.
        """
        from distributed import Event as Signal

        with _client(self.how.scheduler, self.plan.workers) as client:
            self._tell(Event("cluster", len(self.plan.tasks), cell=client.dashboard_link or ""))
            client.subscribe_topic(self._topic, self._cell)
            stop = Signal(self._topic, client=client)
            futures = {client.submit(
                perform, self._parcel(number), key=f"{self._topic}-{number}", retries=RETRIES,
                pure=False): number for number in self.plan.todo}
            try:
                self._collect(futures)
            except BaseException:
                stop.set()
                client.cancel(list(futures))
                raise
            finally:
                client.unsubscribe_topic(self._topic)
        return self.runs

    def _collect(self, futures: dict[Any, int]) -> None:
        from distributed import as_completed

        for future in as_completed(futures):
            number = futures[future]
            if future.status == "cancelled":
                continue
            run, reused = self._received(number, future)
            self.runs[number] = run
            future.release()
            left = self.plan.left(len(self.plan.todo) - len(self.runs), self.plan.seconds)
            self._tell(Event("finished", len(self.plan.tasks), number + 1,
                             self.plan.tasks[number], run, reused=reused, left=left))
            if self.how.fail_fast and run.state != "succeeded":
                break

    def _received(self, number: int, future: Any) -> tuple[Run, bool]:
        task = self.plan.tasks[number]
        if future.status == "error":
            return _lost(task, self.store, future.exception()), False
        answer: Answer = future.result()
        if not answer.folder:
            return self.store.load(answer.run), answer.reused
        return _published(task, self.store, answer), answer.reused

    def _parcel(self, number: int) -> Parcel:
        task = self.plan.tasks[number]
        reachable = "" if self.store.local is not None else self.store.url
        return Parcel(task, task.notebook.read_bytes(), self.how.limits, reachable, self._topic,
                      number, self.how.cold, self.how.force)

    def _cell(self, event: tuple[float, dict[str, Any]]) -> None:
        told = event[1]
        number = told["number"]
        self._tell(Event(told["kind"], len(self.plan.tasks), number + 1, self.plan.tasks[number],
                         done=told["done"], cells=told["cells"], cell=told["cell"]))


@contextmanager
def _client(address: str, workers: int) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    if address == "local":
        with LocalCluster(n_workers=workers, threads_per_worker=1, host="127.0.0.1",
                          dashboard_address="127.0.0.1:0") as cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError, TimeoutError) as problem:
        raise ValueError(f"scheduler must be the address of a running dask scheduler, got "
                         f"{address!r} ({problem}). Start one: dask scheduler.") from None
    with client:
        yield client


def _published(task: Task, store: Store, answer: Answer) -> Run:
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
        write_report(rebuilt(stage.folder, {"id": stage.id, **record}))
        return store.publish(stage, record)


def _lost(task: Task, store: Store, problem: BaseException | None) -> Run:
    """A run whose workers died, each time it was tried."""
    told = next(iter(str(problem).splitlines()), "") or type(problem).__name__
    record = task.about() | {
        "started": staging.timestamp(), "state": "lost", "seconds": None, "summary": {},
        "notes": [], "error": f"the workers that executed it were lost: {told}"}
    with store.staged(task.name, task.key, record) as stage:
        write_report(rebuilt(stage.folder, {"id": stage.id, **record}))
        return store.publish(stage, record)
