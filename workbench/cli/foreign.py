"""The command that executes any notebook, with papermill's own parameter forms and exit codes."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from workbench.cli.display import follow
from workbench.cli.settings import How, executing
from workbench.cli.shell import app, refusal, refusing, shown

__all__ = ["run"]

PAIRS = {"-p", "--parameters", "-r", "--parameters_raw"}
ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
KERNEL_DIED = 138     # papermill's exit code when the kernel dies


class _PapermillForm(TyperCommand):
    """Takes ``-p NAME VALUE`` as papermill does, and ``-p NAME=VALUE`` as the other commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        words, joined = iter(args), []
        for word in words:
            joined.append(word)
            if word in PAIRS:
                name = next(words, "")
                value = None if ASSIGNED.match(name) else next(words, None)
                joined.append(name if value is None else f"{name}={value}")
        return super().parse_args(ctx, joined)


Pairs = list[str] | None


@app.command(cls=_PapermillForm)
@executing
def run(notebook: Annotated[Path, typer.Argument(
            metavar="NOTEBOOK", help="Any Jupyter notebook.")],
        output: Annotated[str, typer.Argument(
            metavar="[OUTPUT]", help="Copy of the executed one; - is standard output.")] = "",
        *, parameters: Annotated[Pairs, typer.Option(
            "--parameters", "-p", metavar="NAME VALUE", help="Parameter, typed as it looks.")
        ] = None,
        raw: Annotated[Pairs, typer.Option(
            "--parameters_raw", "-r", metavar="NAME VALUE", help="Parameter, a text.")] = None,
        files: Annotated[Pairs, typer.Option(
            "--parameters_file", "-f", metavar="FILE", help="YAML file of parameters.")] = None,
        yamls: Annotated[Pairs, typer.Option(
            "--parameters_yaml", "-y", metavar="YAML", help="Parameters as YAML.")] = None,
        base64s: Annotated[Pairs, typer.Option(
            "--parameters_base64", "-b", metavar="TEXT", help="The same in base64.")] = None,
        kernel: Annotated[str, typer.Option(
            "--kernel", "-k", help="Kernel instead of the notebook's.")] = "",
        cwd: Annotated[Path | None, typer.Option(help="Folder where the kernel works.")] = None,
        prepare_only: Annotated[bool, typer.Option(
            "--prepare-only", help="Write OUTPUT with the parameters, execute nothing.")] = False,
        help_notebook: Annotated[bool, typer.Option(
            "--help-notebook", help="Show the notebook's parameters.")] = False,
        how: How) -> None:
    """Execute any notebook, with papermill's parameter forms; its run is kept in the store."""
    from workbench import runs

    if help_notebook:
        _help(notebook)
        return
    values = refusing(lambda: runs.parameters(
        _split(parameters), _split(raw), files or (), yamls or (), base64s or ()))
    task = refusing(lambda: runs.Task.of(notebook, values))
    task = refusing(lambda: replace(task, kernel=runs.named_kernel(kernel) if kernel else
                                    task.kernel, cwd=_folder(cwd)))
    if prepare_only:
        if not output:
            raise refusal("OUTPUT must be given with --prepare-only. Name the file to write.")
        typer.echo(f"Prepared {shown(refusing(lambda: runs.prepare(task, output)))}")
        return
    how = replace(how, settings=replace(how.settings, force=not how.resume))
    with follow(how, at_length=True, quiet=output == "-") as news:
        done = refusing(lambda: runs.run(task, output=output if output not in ("", "-") else None,
                                         store=how.store, settings=how.settings,
                                         on_event=news.tell))
    if output == "-" and done.notebook:
        sys.stdout.write(done.notebook.read_text(encoding="utf-8"))
    if done.state == "killed":
        raise typer.Exit(KERNEL_DIED)
    if done.state != "succeeded":
        raise typer.Exit(1)


def _split(pairs: Pairs) -> list[tuple[str, str]]:
    split = [pair.partition("=") for pair in pairs or []]
    for name, equals, _ in split:
        if not equals:
            raise refusal(f"-p and -r must be followed by a name and a value, got {name!r} alone. "
                          "Write -p alpha 0.6.")
    return [(name, value) for name, _, value in split]


def _folder(cwd: Path | None) -> Path | None:
    if cwd is not None and not cwd.is_dir():
        raise refusal(f"--cwd must be an existing folder, got {str(cwd)!r}. Make it first.")
    return None if cwd is None else cwd.absolute()


def _help(notebook: Path) -> None:
    from workbench import runs

    declared = refusing(lambda: runs.inspect(notebook))
    if not declared:
        typer.echo(f"{shown(notebook)} has no cell tagged 'parameters', or an empty one.")
    for each in declared:
        kind = f": {each.annotation}" if each.annotation else ""
        typer.echo(f"  {each.name}{kind} (default {each.default})"
                   + (f"  {each.help}" if each.help else ""))


