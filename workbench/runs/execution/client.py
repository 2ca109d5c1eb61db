"""Notebook client that tells how far it is, keeps long prints short and stops when told to."""

from collections import deque
from collections.abc import Callable
from typing import Any, TextIO

from papermill.clientwrap import PapermillNotebookClient
from traitlets import Any as Anything

__all__ = ["Client", "Stopped"]


class Stopped(Exception):  # noqa: N818 - no error of the notebook's
    """The watch has ended the run between two cells."""


class Client(PapermillNotebookClient):
    """Papermill's client under a watch.

    Parameters
    ----------
    watch : workbench.runs.execution.limits.Watch
    on_cell : callable
        Called with position (from 1), number of code cells and name as each one starts.
    log : TextIO
        Receives whole what is too long for the notebook.
    """

    watch = Anything()
    on_cell = Anything()
    log_file = Anything()

    def papermill_execute_cells(self) -> None:
        provisioner = getattr(self.km, "provisioner", None)
        self.watch.attach(getattr(provisioner, "pid", None))
        self._done, self._total = 0, sum(map(_counts, self.nb.cells))
        super().papermill_execute_cells()

    def execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        if self.watch.verdict:
            raise Stopped
        self._announce(cell)
        self._streams: dict[str, _Stream] = {}
        self.watch.cell_begins()
        try:
            return super().execute_cell(cell, cell_index, **options)
        finally:
            self.watch.cell_ends()
            if cell.cell_type == "code":
                self._finish(cell)

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str | None,
               cell_index: int) -> Any:
        if msg["msg_type"] == "stream" and not self.output_hook_stack[
                msg["parent_header"].get("msg_id")]:
            name, text = msg["content"]["name"], msg["content"]["text"]
            stream = self._streams.setdefault(name, _Stream(self.watch.limits.output,
                                                            self.log_file))
            msg["content"]["text"] = stream.kept(text)
            if not msg["content"]["text"]:
                return None
        return super().output(outs, msg, display_id, cell_index)

    def _announce(self, cell: Any) -> None:
        if _counts(cell):
            self._done += 1
            if self.on_cell is not None:
                self.on_cell(self._done, self._total, str(cell.get("id", self._done)))

    def _finish(self, cell: Any) -> None:
        """Join pieces of one stream, which arrive cut at random, and end those that were cut."""
        joined: list[Any] = []
        for output in cell.get("outputs", []):
            before = joined[-1] if joined else None
            if (before is not None and output.output_type == before.output_type == "stream"
                    and output.name == before.name):
                before.text += output.text
            else:
                joined.append(output)
        for name, stream in self._streams.items():
            last = [output for output in joined
                    if output.output_type == "stream" and output.name == name][-1:]
            for output in last:
                output.text += stream.rest()
        cell.outputs = joined


class _Stream:
    """Head and tail of what a cell prints to one stream."""

    def __init__(self, most: int, log: TextIO | None):
        self._half = most // 2
        self._log = log
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._kept = self._held = self._dropped = 0

    def kept(self, text: str) -> str:
        """The part of a piece that belongs to the head; the rest waits for the end."""
        head = text[:self._half - self._kept]
        self._kept += len(head)
        self._head.append(head)
        self._hold(text[len(head):])
        return head

    def rest(self) -> str:
        """What follows the head: how much is missing, and the tail."""
        tail = "".join(self._tail)
        extra = max(0, len(tail) - self._half)
        missing = self._dropped + extra
        if missing:
            where = " All of it is in log.txt." if self._log is not None else ""
            return f"\n[… {missing:,} characters left out here.{where} …]\n{tail[extra:]}"
        return tail

    def _hold(self, text: str) -> None:
        if not text:
            return
        if self._log is not None:
            if self._head:
                self._log.write("".join(self._head))
            self._log.write(text)
            self._head.clear()
        self._tail.append(text)
        self._held += len(text)
        while self._held - len(self._tail[0]) > self._half:
            gone = len(self._tail.popleft())
            self._held -= gone
            self._dropped += gone


def _counts(cell: Any) -> bool:
    """Whether a cell is one of the author's that will be executed."""
    tags = cell.metadata.get("tags", [])
    return bool(cell.cell_type == "code" and "injected-parameters" not in tags)


OnCell = Callable[[int, int, str], None]
