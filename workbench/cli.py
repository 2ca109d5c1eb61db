"""The command line: ``python3 -m workbench COMMAND`` or ``workbench COMMAND``.

Heavy libraries are imported inside the commands, so that ``--help`` answers at once.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.core import ParameterError, Params, check, places

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="How much should this count? Studies as reports, pages and notebooks.")

Studies = Annotated[list[str] | None, typer.Argument(
    metavar="[STUDY]...", help="Studies to run; all when none is named.")]
Settings = Annotated[list[str] | None, typer.Option(
    "--param", "-p", metavar="NAME=VALUE", help="A parameter; repeat for more.")]
Port = Annotated[int | None, typer.Option(help="Port; the next free one when not given.")]


@app.command()
def report(studies: Studies = None, param: Settings = None, *,
           single_file: Annotated[bool, typer.Option(
               "--single-file", help="Put styles and scripts into each report.")] = False) -> None:
    """Run the notebooks, or one STUDY with -p NAME=VALUE, and write their reports."""
    from workbench import catalog, runs

    chosen = _chosen(studies)
    texts = _settings(param)
    if texts and len(chosen) > 1:
        raise _refusal("STUDY must be named when parameters are given, got "
                       f"{len(chosen)} studies. Name one of {', '.join(catalog.studies())}.")
    values = _parsed(chosen[0], texts).values() if texts else None
    try:
        finished = _refusing(lambda: runs.report(
            chosen, values, single_file=single_file, on_cell=_tell_cell, on_done=_tell_run))
    except KeyboardInterrupt:
        typer.echo("\nInterrupted; the run in progress was not kept.", err=True)
        raise typer.Exit(130) from None
    store = places.runs()
    typer.echo(f"\nIndex    {_shown(store / 'index.html')}\n"
               f"Pages    {_command()} serve\nLab      {_command()} lab")
    if any(run.state != "succeeded" for run in finished):
        raise typer.Exit(1)


@app.command("list")
def list_studies() -> None:
    """Show the studies and their parameters with types, bounds and defaults."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from workbench import catalog

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    for name, study in catalog.studies().items():
        table = Table("parameter", "default", "must be", "meaning", box=None, pad_edge=False,
                      title=f"{name}: {study.TITLE}", title_justify="left")
        for key, declared in study.Params.declared().items():
            table.add_row(*map(escape, (key, repr(declared.default), study.Params.rule(key),
                                        declared.doc or "")))
        console.print(table)


@app.command()
def serve(port: Port = None, address: str = "127.0.0.1", *,
          show: Annotated[bool, typer.Option(help="Open a browser.")] = True) -> None:
    """Open the pages."""
    from workbench import catalog, ui

    _refusing(lambda: ui.serve(
        catalog.studies(), address=address, port=port, show=show,
        on_ready=lambda url: typer.echo(f"Pages    {url}\nStop with Ctrl-C.")))


@app.command()
def lab(port: Port = None, *,
        browser: Annotated[bool, typer.Option(help="Open a browser.")] = True) -> None:
    """Open JupyterLab with the notebooks."""
    from workbench import ui

    _refusing(lambda: ui.lab(port=port, open_browser=browser))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run all tests; in CI, or with --slow, those that take long too. Other options: pytest's."""
    options = list(context.args)
    everything = "--slow" in options or bool(os.environ.get("CI"))
    options = [option for option in options if option != "--slow"]
    if not everything and "-m" not in options:
        options += ["-m", "not slow"]
    raise typer.Exit(_tool("pytest", *options))


@app.command()
def lint() -> None:
    """Check style with ruff, for contributors."""
    raise typer.Exit(_tool("ruff", "check"))


@app.command()
def types() -> None:
    """Check types with mypy, for contributors."""
    raise typer.Exit(_tool("mypy"))


@app.command()
def bench(name: str) -> None:
    """Run one benchmark, for contributors."""
    folder = places.root() / "benchmarks"
    known = sorted(path.stem for path in folder.glob("[a-z]*.py"))
    if name not in known:
        raise _refusal(f"NAME must be one of {', '.join(known)}, got {name!r}."
                       f"{check.suggestion(name, known)}")
    raise typer.Exit(_run(str(folder / f"{name}.py")))


@app.command()
def method(name: str, room: Annotated[str, typer.Option(help="Room of the module.")]) -> None:
    """Write the files of a new method from templates, for contributors."""
    from workbench import scaffold

    root = places.root()
    for path in _refusing(lambda: scaffold.method(name, room, root)):
        typer.echo(path.relative_to(root))
    typer.echo("Then: the room's __init__.py, CHANGELOG.md, the table in README.md.")


def _chosen(names: list[str] | None) -> list[Any]:
    from workbench import catalog

    if not names:
        return list(catalog.studies().values())
    return [_refusing(lambda name=name: catalog.study(name)) for name in names]


def _settings(pairs: list[str] | None) -> dict[str, str]:
    texts = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise _refusal(f"-p must be NAME=VALUE, got {pair!r}. Write -p seed=1.")
        if name.strip() in texts:
            raise _refusal(f"-p {name.strip()} must be given once, got it twice. Drop one.")
        texts[name.strip()] = value
    return texts


def _parsed(study: Any, texts: dict[str, str]) -> Params:
    parsed: Params = _refusing(lambda: study.Params.parse(texts))
    return parsed


def _refusing(action: Any) -> Any:
    """Turn a refusal of the library into one message and exit code 2."""
    try:
        return action()
    except ParameterError as error:
        raise _refusal("\n".join(error.problems)) from None
    except (ValueError, OSError) as error:
        raise _refusal(str(error)) from None


def _refusal(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)


def _tell_cell(study: Any, position: int, total: int, cell: str) -> None:
    line = f"{study.TITLE}: cell {position} of {total} ({cell})"
    if sys.stderr.isatty():
        typer.echo(f"\r\033[K{line}", err=True, nl=False)
    else:
        typer.echo(line, err=True)


def _tell_run(run: Any) -> None:
    if sys.stderr.isatty():
        typer.echo("\r\033[K", err=True, nl=False)
    typer.echo(f"{run.title}: {run.state} in {run.seconds:.0f} s")
    for name, number in run.summary.items():
        typer.echo(f"  {name}: {number}")
    for note in run.summary.notes:
        typer.echo(f"  Note: {note}")
    if run.error:
        typer.echo(f"  {run.error}")
    if run.report:
        typer.echo(f"  Report   {_shown(run.report)}")


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _command() -> str:
    return "python3 -m workbench" if (places.root() / "pyproject.toml").is_file() else "workbench"


def _tool(module: str, *arguments: str) -> int:
    return _run("-m", module, *arguments)


def _run(*arguments: str) -> int:
    return subprocess.run([sys.executable, *arguments], cwd=places.root(),
                          check=False).returncode
