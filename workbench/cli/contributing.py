"""Commands for contributors: test, lint, types, bench, method."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from workbench.cli.shell import app, refusal, refusing
from workbench.core import check, places

__all__ = ["bench", "lint", "method", "test", "types"]


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run all tests; in CI, or with --slow, those that take long too. Other options: pytest's.

    All tests are shared out among as many processes as there are cores, up to four, file by
    file; where options or paths are given, pytest does what they say.
    """
    options = [option for option in context.args if option != "--slow"]
    everything = "--slow" in context.args or bool(os.environ.get("CI"))
    shared = [] if options else ["-n", "logical", "--maxprocesses", "4", "--dist", "loadfile"]
    if not everything and "-m" not in options:
        options += ["-m", "not slow"]
    one = {"OMP_NUM_THREADS": "1"} if shared else {}      # or they would fight for the cores
    raise typer.Exit(_tool("pytest", *shared, *options, **one))


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
        raise refusal(f"NAME must be one of {', '.join(known)}, got {name!r}."
                       f"{check.suggestion(name, known)}")
    raise typer.Exit(_run(str(folder / f"{name}.py")))


@app.command()
def method(name: str, room: Annotated[str, typer.Option(help="Room of the module.")]) -> None:
    """Write the files of a new method from templates, for contributors."""
    from workbench import scaffold

    root = places.root()
    for path in refusing(lambda: scaffold.method(name, room, root)):
        typer.echo(path.relative_to(root))
    typer.echo("Then: the room's __init__.py, CHANGELOG.md, the table in README.md.")


def _tool(module: str, *arguments: str, **variables: str) -> int:
    return _run("-m", module, *arguments, **variables)


def _run(*arguments: str, **variables: str) -> int:
    """Exit status of a Python process; `variables` are set unless the user has set them."""
    return subprocess.run([sys.executable, *arguments], cwd=places.root(),
                          env=variables | dict(os.environ), check=False).returncode
