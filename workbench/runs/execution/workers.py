"""Workers on this machine: one thread each waits for a kernel, and the kernels do the work."""

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from workbench.runs.execution.events import OnEvent
from workbench.runs.execution.execute import Circumstances, carry_out
from workbench.runs.execution.ledger import Ledger
from workbench.runs.execution.limits import Cancellation
from workbench.runs.execution.plan import Plan
from workbench.runs.inputs.task import Settings, Task
from workbench.runs.storage.folder import Run
from workbench.runs.storage.store import Store

__all__ = ["Workers"]

BREATH = 0.2          # seconds between looks at the workers' news and at free memory
SPARE = 300_000_000   # bytes that stay free on the machine
AT_ONCE = 5           # seconds that a second interrupt waits for kernels to be gone
WARM_FROM = 2         # runs; a single one starts faster without a fork server

Done = tuple[Run, bool] | None


class Workers:
    """Execute what a plan has to do, some at a time.

    Parameters
    ----------
    planned : Plan
    store : Store
    how : Settings
    tell : callable
        Called with each event in the thread that calls `go`.
    """

    def __init__(self, planned: Plan, store: Store, how: Settings, tell: OnEvent):
        self.plan, self.store, self.how = planned, store, how
        self.ledger = Ledger(planned, tell)
        self._cancelled = Cancellation()
        self._lock = threading.Lock()
        self._active = 0
        self._over = False    # after a failure, where nothing more shall start
        self._server: Any = None

    def go(self) -> dict[int, Run]:
        """Execute all; the run of each number that was begun.

        Raises
        ------
        KeyboardInterrupt
            When interrupted; the first time each run in progress is stopped and kept, the second
            time all is ended at once.
        """
        with self._warm() as self._server, ThreadPoolExecutor(
                self.plan.workers, thread_name_prefix="workbench-run") as pool:
            futures = {pool.submit(self._one, number): number for number in self.plan.todo}
            try:
                self._follow(futures)
            except BaseException:
                self._stop(futures)
                raise
        return self.ledger.runs

    def _warm(self) -> AbstractContextManager[Any]:
        wanted = not self.how.cold and (self.how.warm is not None
                                        or len(self.plan.todo) >= WARM_FROM)
        if not wanted:
            return nullcontext()
        from workbench.runs.execution.libraries import to_warm
        from workbench.runs.kernels.server import WarmServer

        return WarmServer(to_warm(self.plan, self.how), threads=self.plan.threads)

    def _follow(self, futures: dict[Future[Done], int]) -> None:
        pending = set(futures)
        while pending:
            done, pending = wait(pending, BREATH, FIRST_COMPLETED)
            self.ledger.pass_on()
            for future in done:
                self._finish(future, futures[future])

    def _stop(self, futures: dict[Future[Done], int]) -> None:
        self._cancelled.set()
        begun = {future for future in futures if not future.cancel()}
        try:
            self.ledger.announce("stopping")
            while not all(future.done() for future in begun):
                wait(begun, BREATH)
                self.ledger.pass_on()
        except KeyboardInterrupt:
            self._cancelled.at_once = True
            wait(begun, AT_ONCE)
        for future in begun:
            if future.done() and futures[future] not in self.ledger.runs:
                self._finish(future, futures[future])

    def _one(self, number: int) -> Done:
        """Executed in a worker's thread."""
        if self._over or not self._has_room():
            return None
        task = self.plan.tasks[number]
        self.ledger.note(number, "started")
        around = Circumstances(
            self.how.limits, self._server, self.plan.threads, self.how.single_file,
            self.how.force, self._cancelled,
            lambda done, cells, cell: self.ledger.note(number, "cell", done=done, cells=cells,
                                                       cell=cell))
        try:
            run, reused = carry_out(task, self.store, around)
            self._over |= self.how.fail_fast and run.state != "succeeded"
            return run, reused
        except KeyboardInterrupt:
            return None  # cancelled before it began
        except Exception as problem:  # the other runs go on
            self._over |= self.how.fail_fast
            return _not_kept(task, problem), False
        finally:
            with self._lock:
                self._active -= 1

    def _has_room(self) -> bool:
        """Wait while other runs have taken the memory; one run always goes on."""
        import psutil

        while not self._cancelled.is_set():
            with self._lock:
                if not self._active or psutil.virtual_memory().available > SPARE:
                    self._active += 1
                    return True
            self._cancelled.wait(BREATH)
        return False

    def _finish(self, future: Future[Done], number: int) -> None:
        done = None if future.cancelled() else future.result()
        if done is not None:
            run, reused = done
            self.ledger.enter(number, run, reused=reused)


def _not_kept(task: Task, problem: Exception) -> Run:
    """A run that could not be written: told, but not in the store."""
    first = next(iter(str(problem).splitlines()), type(problem).__name__)
    return Run("", task.notebook, task.name, task.title, "failed", dict(task.values), task.key,
               error=f"the run could not be kept: {first}", defaults=dict(task.defaults))
