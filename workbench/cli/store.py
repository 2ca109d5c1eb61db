"""Commands about what is in the store: runs, show, compare, why, clean."""

import json
import math
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.display import duration
from workbench.cli.settings import Where
from workbench.cli.shell import app, refusal, refusing, shown

__all__ = ["clean", "compare", "list_runs", "show", "why"]

KEY_SHOWN = 8         # digits of a key in tables
NUMBERS = 2           # headline numbers in a row of the table; show KEY has them all
WIDTH = 130           # columns where no terminal tells how many it has
Key = Annotated[str, typer.Argument(metavar="KEY", help="A run, or the first digits of its key.")]
States = Annotated[list[str] | None, typer.Option("--state", help="Only these; repeat for more.")]


@app.command("runs")
def list_runs(study: Annotated[str | None, typer.Argument(
                  metavar="[STUDY]", help="Only of this study or notebook.")] = None, *,
              state: States = None,
              where: Annotated[list[str] | None, typer.Option(
                  metavar="NAME=VALUE", help="Only with this parameter; repeat for more.")] = None,
              limit: Annotated[int, typer.Option(min=0, help="How many; 0 for all.")] = 30,
              as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
              store: Where = None) -> None:
    """Show the runs, newest first."""
    from workbench import runs

    texts = dict(_assigned(text) for text in where or [])
    found = refusing(lambda: runs.runs(study, states=state or (), where=texts, store=store,
                                       limit=limit + 1 if limit else None))
    found, more = (found[:limit], len(found) > limit) if limit else (found, False)
    if as_json:
        typer.echo(json.dumps([_record(run) for run in found], indent=1))
        return
    if not found:
        typer.echo("No run fits. Make one: report STUDY, or run NOTEBOOK.")
        return
    _table(found)
    if more:
        typer.echo(f"There are more than these {limit}; --limit 0 shows all.", err=True)


@app.command()
def show(key: Key, *,
         as_json: Annotated[bool, typer.Option("--json", help="The record as JSON.")] = False,
         store: Where = None) -> None:
    """Show one run in full."""
    from workbench import runs

    run = refusing(lambda: runs.show(key, store=store))
    if as_json:
        typer.echo(json.dumps(_record(run), indent=1))
        return
    typer.echo(f"{run.title or run.id}: {run.state}"
               + (f" in {duration(run.seconds)}" if math.isfinite(run.seconds) else ""))
    if run.error:
        typer.echo(f"  {run.error}")
    for name, number in run.summary.items():
        typer.echo(f"  {name}: {number}")
    for note in run.summary.notes:
        typer.echo(f"  Note: {note}")
    _parameters(run)
    facts = {"Run": run.id, "Key": run.key, "Started": run.started, "Kernel": run.kernel,
             "Memory": f"{run.peak_memory / 1e6:.0f} MB" if run.peak_memory else "",
             "Folder": run.address if run.origin else shown(run.path), "Report": _report(run)}
    for name, text in facts.items():
        if text:
            typer.echo(f"{name:9}{text}")


@app.command()
def compare(keys: Annotated[list[str], typer.Argument(
                metavar="KEY KEY...", help="Two or more runs.")], *,
            html: Annotated[Path | None, typer.Option(
                metavar="FILE", help="Write the comparison, cell by cell, as a page.")] = None,
            store: Where = None) -> None:
    """Show what differs between runs: parameters, numbers, cells."""
    from workbench import runs

    if len(keys) < 2:
        raise refusal(f"KEY must be given at least twice, got {len(keys)}. Add another run.")
    comparison = refusing(lambda: runs.compare(*keys, store=store))
    typer.echo(str(comparison))
    if html is not None:
        typer.echo(f"Page     {shown(refusing(lambda: runs.write_comparison(comparison, html)))}")


@app.command()
def why(keys: Annotated[list[str], typer.Argument(
            metavar="KEY [KEY]", help="Two runs, or one to compare with today.")], *,
        store: Where = None) -> None:
    """Explain what changed the key: between two runs, or between a run and today."""
    from workbench import runs

    if len(keys) > 2:
        raise refusal(f"KEY must be given once or twice, got {len(keys)}. Drop some.")
    typer.echo(str(refusing(lambda: runs.why(*keys, store=store))))


@app.command()
def clean(*, older_than: Annotated[str | None, typer.Option(
              metavar="TIME", help="Only runs older than this, such as 30d.")] = None,
          keep_latest: Annotated[int, typer.Option(
              min=0, help="Newest runs of each study that stay.")] = 0,
          state: States = None,
          dry_run: Annotated[bool, typer.Option(
              "--dry-run", help="Tell what would go, remove nothing.")] = False,
          store: Where = None) -> None:
    """Remove runs from the store."""
    from workbench import runs
    from workbench.runs.execution.limits import parse_seconds

    if older_than is None and not state and not keep_latest:
        raise refusal("One of --older-than, --keep-latest and --state must be given, got none. "
                      "Write --older-than 30d.")
    age = None if older_than is None else timedelta(seconds=refusing(
        lambda: parse_seconds(older_than)))
    gone = refusing(lambda: runs.clean(older_than=age, keep_latest=keep_latest,
                                       states=state or None, store=store, dry_run=dry_run))
    for run in gone:
        typer.echo(f"  {run.id}  {run.state}")
    typer.echo(f"{len(gone)} runs {'would be removed' if dry_run else 'removed'}.")


def _table(found: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    table = Table("key", "state", "study", "parameters", "numbers", "took", "age", box=None,
                  pad_edge=False, header_style="bold")
    for column in table.columns[3:5]:
        column.overflow, column.ratio = "fold", 1
    for run in found:
        changed = ", ".join(f"{name}={value}" for name, value in run.changed.items())
        headline = list(run.summary.items())[:NUMBERS]
        numbers = "; ".join(f"{name} {number.number}" for name, number in headline)
        table.add_row(*map(Text, (run.key[:KEY_SHOWN], run.state, run.study or run.id, changed,
                                  run.error or numbers, _took(run), _age(run))))
    console.print(table)


def _record(run: Any) -> dict[str, Any]:
    return {"id": run.id, "study": run.study, "title": run.title, "state": run.state,
            "error": run.error, "key": run.key, "params": dict(run.params),
            "started": run.started, "folder": run.address,
            "seconds": run.seconds if math.isfinite(run.seconds) else None,
            "kernel": run.kernel, "peak_memory": run.peak_memory, "notes": list(run.summary.notes),
            "summary": {name: number.record() for name, number in run.summary.items()}}


def _parameters(run: Any) -> None:
    if run.values:
        typer.echo("Parameters")
    for name, value in run.values.items():
        told = f"   (default {run.defaults[name]!r})" if name in run.changed and (
            name in run.defaults) else ""
        typer.echo(f"  {name} = {value!r}{told}")


def _report(run: Any) -> str:
    try:
        return shown(run.report) if run.report else ""
    except OSError as problem:  # of a remote store: the rest is told all the same
        return f"cannot be fetched: {problem}"


def _took(run: Any) -> str:
    return duration(run.seconds) if math.isfinite(run.seconds) else ""


def _age(run: Any) -> str:
    try:
        age = datetime.now(UTC) - datetime.fromisoformat(run.started)
    except (ValueError, TypeError):
        return ""
    seconds = max(age.total_seconds(), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return "now"


def _assigned(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise refusal(f"--where must be NAME=VALUE, got {text!r}. Write --where seed=1.")
    return name.strip(), value
