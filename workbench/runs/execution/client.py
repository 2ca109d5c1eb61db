"""Notebook client that tells how far it is, keeps long prints short and stops when told to."""

from itertools import groupby
from typing import Any, TextIO

from nbformat import ValidationError
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
                self._shorten(cell.outputs, cell_index, ends=True)

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str | None,
               cell_index: int) -> Any:
        try:
            shown = super().output(outs, msg, display_id, cell_index)
        except KeyError as missing:
            raise ValidationError(f"it lacks {missing}") from missing
        if shown is None:
            return None
        if len(outs) == 1:          # the first, or the first since all was cleared
            self._streams.clear()
        if shown.output_type == "stream":
            shown.text = "".join(shown.text)    # a notebook may hold a list of lines as well
            most = self.watch.limits.output
            stream = self._streams.setdefault(shown.name, _Stream(shown.name, most,
                                                                  self.log_file))
            if stream.grows(shown.text) > 2 * most:
                self._shorten(outs, cell_index)
        return shown

    def _announce(self, cell: Any) -> None:
        if _counts(cell):
            self._done += 1
            if self.on_cell is not None:
                self.on_cell(self._done, self._total, str(cell.get("id", self._done)))

    def _shorten(self, outs: list[Any], cell_index: int, *, ends: bool = False) -> None:
        """Cut what is too long and join its pieces, which arrive cut at random."""
        for stream in self._streams.values():
            stream.cut(outs, ends=ends)
        joined, places = _joined(outs)
        outs[:] = joined
        for cells in self._display_id_map.values():     # outputs that may be updated later
            if cell_index in cells:
                cells[cell_index] = [places[place] for place in cells[cell_index]]


class _Stream:
    """What a cell has printed to one stream since its outputs were last cleared."""

    def __init__(self, name: str, most: int, log: TextIO | None):
        self._name, self._half, self._log = name, most // 2, log
        self._early: list[str] = []     # goes to the log once it is clear that some is left out
        self._size = self._dropped = 0

    def grows(self, text: str) -> int:
        """Count a piece; how many characters the notebook holds now."""
        self._size += len(text)
        if self._log is not None:
            self._early.append(text)
            if self._dropped or self._size > 2 * self._half:
                self._log.writelines(self._early)
                self._early.clear()
        return self._size

    def cut(self, outs: list[Any], *, ends: bool) -> None:
        """Leave head and tail; at the end say how much is missing between them."""
        pieces = [output for output in outs
                  if output.output_type == "stream" and output.name == self._name]
        if self._size > 2 * self._half:
            self._drop(pieces, self._half, self._size - self._half)
        if not (ends and self._dropped):
            return
        where = " All of it is in log.txt." if self._log is not None else ""
        told = f"\n[… {self._dropped:,} characters left out here.{where} …]\n"
        before = 0
        for piece in pieces:
            place = self._half - before
            before += len(piece.text)
            if before >= self._half:
                piece.text = piece.text[:place] + told + piece.text[place:]
                return

    def _drop(self, pieces: list[Any], start: int, stop: int) -> None:
        before = 0
        for piece in pieces:
            text = piece.text
            low, high = (min(max(place - before, 0), len(text)) for place in (start, stop))
            piece.text = text[:low] + text[high:]
            before += len(text)
        self._dropped += stop - start
        self._size -= stop - start


def _joined(outs: list[Any]) -> tuple[list[Any], list[int]]:
    """Outputs with neighbours of one stream in one, and where each of them went."""
    joined: list[Any] = []
    places = []
    for (kind, name), group in groupby(outs, lambda each: (each.output_type, each.get("name"))):
        same = list(group)
        if kind == "stream" and name:
            same[0].text = "".join(each.text for each in same)
            joined += same[:1] if same[0].text else []
            places += [len(joined) - 1] * len(same)
        else:
            places += range(len(joined), len(joined) + len(same))
            joined += same
    return joined, places


def _counts(cell: Any) -> bool:
    """Whether a cell is one of the author's that will be executed."""
    tags = cell.metadata.get("tags", [])
    return bool(cell.cell_type == "code" and "injected-parameters" not in tags)
