"""What a terminal shows while runs go on: a live table, or plain lines where nobody watches."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TextIO

import typer

from workbench.cli.settings import How
from workbench.cli.shell import Terminated, ending_politely, refusal, shown
from workbench.runs.execution.events import Event, OnEvent, write_events

__all__ = ["duration", "follow", "planned"]


@contextmanager
def follow(how: How, *, at_length: bool = False, quiet: bool = False) -> Iterator["News"]:
    """Show the news of what is executed inside; an interrupt ends the program in good order.

    Parameters
    ----------
    how : How
    at_length : bool
        Tell the headline numbers of each finished run.
    quiet : bool
        Show nothing, since standard output is for something else.
    """
    with ExitStack() as stack:
        stack.enter_context(ending_politely())
        listeners: list[OnEvent] = []
        if how.events == "-":
            listeners.append(write_events(sys.stdout))
        elif how.events:
            try:
                stream = open(how.events, "a", encoding="utf-8")  # noqa: SIM115, PTH123
            except OSError as problem:
                raise refusal(f"--events must be a file that can be written, got "
                              f"{how.events!r} ({problem}). Name another.") from None
            stack.callback(_close, stream)
            listeners.append(write_events(stream))
        if how.log_to:
            from workbench.runs.tracking import Tracker

            listeners.append(Tracker().tell)
        quiet = quiet or how.events == "-"
        live = sys.stderr.isatty() and not quiet
        news = (Live if live else News)(listeners, at_length=at_length, quiet=quiet)
        try:
            with news:
                yield news
        except KeyboardInterrupt as interrupt:
            again = "" if how.settings.force else " The same command goes on from here."
            typer.echo(f"\nInterrupted with {news.finished - news.failed} of {news.total} runs "
                       f"done; what was computed is kept.{again}", err=True)
            raise typer.Exit(143 if isinstance(interrupt, Terminated) else 130) from None


def planned(plan: Any) -> None:
    """Print what a sweep would do."""
    for number in plan.todo[:20]:
        typer.echo(f"  {plan.tasks[number].label}")
    if len(plan.todo) > 20:
        typer.echo(f"  … and {len(plan.todo) - 20} more")
    typer.echo(_plan(len(plan.tasks), len(plan.found), plan.workers, plan.expected))


class News:
    """Plain lines: cells and plan on standard error, finished runs on standard output."""

    def __init__(self, listeners: list[OnEvent], *, at_length: bool, quiet: bool):
        self.listeners, self.at_length, self.quiet = listeners, at_length, quiet
        self.total = self.finished = self.failed = self.skipped = 0

    def __enter__(self) -> "News":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def tell(self, event: Event) -> None:
        """Count an event, show it and hand it on."""
        self.total = event.total
        if event.kind == "finished" and event.run is not None:
            self.finished += 1
            self.skipped += event.reused
            self.failed += event.run.state != "succeeded"
        for listener in [*self.listeners, *([] if self.quiet else [self.show])]:
            try:
                listener(event)
            except Exception as problem:  # whoever cannot be told ends no run
                self._part_from(listener, problem)

    def _part_from(self, listener: OnEvent, problem: Exception) -> None:
        if listener in self.listeners:
            self.listeners.remove(listener)
            typer.echo(f"The runs go on, but are no longer told where --events or --log-to said: "
                       f"{problem or type(problem).__name__}", err=True)
        else:
            self.quiet = True

    def show(self, event: Event) -> None:
        if event.kind == "planned" and event.total > 1:
            typer.echo(_plan(event.total, event.done, event.cells, event.left), err=True)
        elif event.kind == "cell" and self.at_length and event.task is not None:
            typer.echo(f"{event.task.title}: cell {event.done} of {event.cells} ({event.cell})",
                       err=True)
        elif event.kind == "stopping":
            typer.echo("Stopping what is in progress; a second interrupt ends it at once.",
                       err=True)
        elif event.kind == "cluster" and event.cell:
            typer.echo(f"Dask     {event.cell}", err=True)
        elif event.kind == "finished":
            self.tell_run(event)
        elif event.kind == "ended" and event.total > 1:
            typer.echo(self._ending())

    def tell_run(self, event: Event) -> None:
        run = event.run
        if run is None or (event.reused and not self.at_length):
            return
        took = "" if math.isnan(run.seconds) else f" in {duration(run.seconds)}"
        state = "unchanged, from the store" if event.reused else f"{run.state}{took}"
        if not self.at_length:
            label = event.task.label if event.task else run.id
            typer.echo(f"[{self.finished}/{event.total}] {label}: {state}"
                       + (f": {run.error}" if run.error else ""))
            return
        typer.echo(f"{run.title}: {state}")
        for name, number in run.summary.items():
            typer.echo(f"  {name}: {number}")
        for note in run.summary.notes:
            typer.echo(f"  Note: {note}")
        if run.error:
            typer.echo(f"  {run.error}")
        if run.id and run.report:
            typer.echo(f"  Report   {shown(run.report)}")

    def _ending(self) -> str:
        executed = self.finished - self.skipped
        missing = self.total - self.finished
        return (f"{executed} executed, {self.skipped} from the store, {self.failed} not "
                f"succeeded" + (f", {missing} not begun" if missing else ""))


class Live(News):
    """A table that is drawn anew: one line for each run in progress and one for all."""

    def __init__(self, listeners: list[OnEvent], *, at_length: bool, quiet: bool):
        super().__init__(listeners, at_length=at_length, quiet=quiet)
        from rich.console import Console
        from rich.live import Live as Display

        self._active: dict[int, tuple[Event, float]] = {}
        self._left = math.nan
        self._told = time.monotonic()
        # Where standard output is a file, finished runs belong there and not above the table.
        self._display = Display(console=Console(stderr=True, highlight=False), transient=True,
                                refresh_per_second=5, get_renderable=self._table,
                                redirect_stdout=sys.stdout.isatty())

    def __enter__(self) -> "Live":
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._display.stop()

    def show(self, event: Event) -> None:
        if event.kind in {"started", "cell"}:
            begun = self._active.get(event.number, (event, time.monotonic()))[1]
            self._active[event.number] = (event, begun)
            return
        if math.isfinite(event.left):
            self._left, self._told = event.left, time.monotonic()
        self._active.pop(event.number, None)
        super().show(event)

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for event, begun in self._active.values():
            label = event.task.label if event.task else ""
            cells = f"cell {event.done} of {event.cells}" if event.cells else "starting"
            table.add_row(Text(label, overflow="ellipsis", no_wrap=True), cells, event.cell,
                          duration(time.monotonic() - begun))
        left = self._left - (time.monotonic() - self._told)
        table.add_row(Text(f"{self.finished} of {self.total} runs", style="bold"),
                      f"{self.failed} not succeeded" if self.failed else "",
                      f"about {duration(max(left, 0))} left" if left > 0 else "", "")
        return table


def _close(stream: TextIO) -> None:
    with suppress(OSError):      # of a full disk, which was told already
        stream.close()


def duration(seconds: float) -> str:
    """Seconds in words."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else (
        f"{minutes} min {rest} s" if minutes else f"{rest} s")


def _plan(total: int, found: int, workers: int, seconds: float) -> str:
    todo = total - found
    if not todo:
        return f"{total} runs, all in the store already."
    expected = f"; about {duration(seconds)}" if math.isfinite(seconds) else ""
    return (f"{total} runs: {found} in the store already, {todo} to do, {workers} at a "
            f"time{expected}.")


