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


def _tool(module: str, *arguments: str) -> int:
    return _run("-m", module, *arguments)


def _run(*arguments: str) -> int:
    return subprocess.run([sys.executable, *arguments], cwd=places.root(),
                          check=False).returncode
