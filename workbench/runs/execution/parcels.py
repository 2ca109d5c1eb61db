"""What travels between a sweep and the workers of a cluster, and what a worker does with it."""

import io
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from workbench.runs.execution.execute import Circumstances, carry_out
from workbench.runs.execution.limits import Cancellation
from workbench.runs.execution.plan import cores
from workbench.runs.inputs.task import Settings, Task
from workbench.runs.storage.store import Store

__all__ = ["Answer", "Parcel", "over", "perform"]

LISTENING = 0.5   # seconds between looks whether the sweep was interrupted


@dataclass(frozen=True)
class Parcel:
    """What a worker needs for one task: the notebook itself, not only its path.

    Parameters
    ----------
    task : Task
    notebook : bytes
    how : Settings
    store : str
        URL where the worker publishes; nothing when it sends the run back.
    topic : str
        Where it tells the cells it begins, and learns that it shall stop.
    number : int
    modules : tuple of str
        What warm kernels import.
    """

    task: Task
    notebook: bytes
    how: Settings
    store: str
    topic: str
    number: int
    modules: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """A run as its worker gives it back: its name, and its folder where it was not published.

    Both are empty when the sweep was over before the worker began.
    """

    run: str
    folder: bytes
    reused: bool


def perform(parcel: Parcel) -> Answer:
    """Execute a parcel; called on a worker."""
    from distributed import Event as Signal
    from distributed import get_client, get_worker

    worker, how = get_worker(), parcel.how

    def say(kind: str, done: int = 0, cells: int = 0, cell: str = "") -> None:
        worker.log_event(parcel.topic, {"kind": kind, "number": parcel.number, "done": done,
                                        "cells": cells, "cell": cell})

    if Signal(over(parcel.topic), client=get_client()).is_set():
        return Answer("", b"", reused=False)
    say("started")
    threads = max(1, cores() // worker.state.nthreads) if worker.state.nthreads > 1 else None
    with tempfile.TemporaryDirectory(prefix="wb-") as scratch, _stoppable(parcel.topic) as stop:
        notebook = Path(scratch) / parcel.task.notebook.name
        notebook.write_bytes(parcel.notebook)
        task = replace(parcel.task, notebook=notebook)
        store = Store(parcel.store or Path(scratch) / "runs")
        server = None if how.cold else _server(parcel.modules, threads)
        around = Circumstances(how.limits, server, threads, how.single_file, how.force, stop,
                               lambda done, cells, cell: say("cell", done, cells, cell))
        try:
            run, reused = carry_out(task, store, around)
        except KeyboardInterrupt:  # stopped before it began
            return Answer("", b"", reused=False)
        packed = b"" if parcel.store else _packed(run.folder)
        return Answer(run.id, packed, reused)


def over(topic: str) -> str:
    """Name of the signal that nothing more shall begin; the topic's own says to stop."""
    return f"{topic}-over"


@cache
def _server(modules: tuple[str, ...], threads: int | None) -> Any:
    """Fork server of this worker; it ends with the worker's process."""
    from workbench.runs.kernels.server import WarmServer

    server = WarmServer(modules, threads=threads)
    server.start()
    return server


@contextmanager
def _stoppable(topic: str) -> Iterator[Cancellation]:
    from distributed import Event as Signal
    from distributed import get_client

    cancelled, done = Cancellation(), threading.Event()
    signal = Signal(topic, client=get_client())

    def listen() -> None:
        while not done.is_set():
            try:
                told = signal.wait(timeout=LISTENING)
            except (OSError, RuntimeError):  # the scheduler has gone, nobody waits for the run
                told = True
            if told:
                cancelled.set()
                return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield cancelled
    finally:
        done.set()
        listener.join(2 * LISTENING)


def _packed(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(folder, arcname=".")
    return buffer.getvalue()
