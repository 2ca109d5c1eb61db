"""Commands that execute notebooks: report, sweep, run, rerun."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.display import follow
from workbench.cli.settings import How, executing
from workbench.cli.shell import app, command_line, refusal, refusing, shown
from workbench.core import Params

__all__ = ["report", "rerun", "sweep"]

Assignments = Annotated[list[str] | None, typer.Option(
    "--param", "-p", metavar="NAME=VALUE", help="A parameter; repeat for more.")]


@app.command()
@executing
def report(studies: Annotated[list[str] | None, typer.Argument(
               metavar="[STUDY]...", help="Studies to run; all when none is named.")] = None, *,
           param: Assignments = None,
           pdf: Annotated[bool, typer.Option("--pdf", help="Print each report too.")] = False,
           how: How) -> None:
    """Run the notebooks, or one STUDY with -p NAME=VALUE, and write their reports."""
    from workbench import catalog, runs

    chosen = _chosen(studies)
    texts = _settings(param)
    if texts and len(chosen) > 1:
        raise refusal("STUDY must be named when parameters are given, got "
                      f"{len(chosen)} studies. Name one of {', '.join(catalog.studies())}.")
    values = _parsed(chosen[0], texts).values() if texts else None
    with follow(how, at_length=True) as news:
        finished = refusing(lambda: runs.report(
            chosen, values, store=how.store, settings=how.settings, on_event=news.tell))
    if pdf:
        for run in finished:
            typer.echo(f"PDF      {shown(refusing(partial(runs.write_pdf, run)))}")
    typer.echo(f"\nIndex    {_index(how)}\nPages    {command_line()} serve\n"
               f"Lab      {command_line()} lab", err=how.events == "-")
    _end(finished)


@app.command()
@executing
def sweep(study: Annotated[str, typer.Argument(
              metavar="STUDY", help="A study, or the path of a notebook.")], *,
          grid: Annotated[list[str] | None, typer.Option(
              "--grid", "-g", metavar="NAME=VALUES",
              help="Values with commas, or START:STOP[:STEP]; repeat for more.")] = None,
          batch: Annotated[Path | None, typer.Option(
              metavar="FILE", help="Parameter sets: CSV, JSON or YAML.")] = None,
          param: Assignments = None,
          dry_run: Annotated[bool, typer.Option(
              "--dry-run", help="Print the plan and stop.")] = False,
          how: How) -> None:
    """Run a study with every combination of the values; what is done is not done again."""
    from workbench import runs

    if bool(grid) == (batch is not None):
        raise refusal("Either --grid or --batch must be given, got "
                      f"{'both' if grid else 'neither'}. Write --grid seed=0:20.")
    tasks = refusing(lambda: runs.tasks(_source(study), _settings(param), grid=grid,
                                        rows=batch))
    if dry_run:
        from workbench.cli.display import planned

        planned(refusing(lambda: runs.plan(tasks, how.store, how.settings)))
        return
    with follow(how) as news:
        finished = refusing(lambda: runs.carry_out_all(tasks, how.store, how.settings, news.tell))
    typer.echo(f"Index    {_index(how)}", err=how.events == "-")
    _end(finished)


@app.command()
@executing
def rerun(key: Annotated[str, typer.Argument(
              metavar="KEY", help="A run, or the first digits of its key.")], *,
          param: Assignments = None, how: How) -> None:
    """Execute a saved run again with today's code, with -p NAME=VALUE to change parameters."""
    from workbench import runs

    how = replace(how, settings=replace(how.settings, force=not how.resume))
    with follow(how, at_length=True) as news:
        finished = refusing(lambda: runs.rerun(key, _settings(param), store=how.store,
                                               settings=how.settings, on_event=news.tell))
    _end([finished])


def _source(name: str) -> Any:
    """A study's module, or the path of a notebook."""
    from workbench import catalog

    if name.endswith(".ipynb") or "/" in name:
        return Path(name)
    return refusing(lambda: catalog.study(name))


def _chosen(names: list[str] | None) -> list[Any]:
    from workbench import catalog

    if not names:
        return list(catalog.studies().values())
    return [refusing(partial(catalog.study, name)) for name in names]


def _settings(pairs: list[str] | None) -> dict[str, str]:
    texts = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise refusal(f"-p must be NAME=VALUE, got {pair!r}. Write -p seed=1.")
        if name.strip() in texts:
            raise refusal(f"-p {name.strip()} must be given once, got it twice. Drop one.")
        texts[name.strip()] = value
    return texts


def _parsed(study: Any, texts: dict[str, str]) -> Params:
    parsed: Params = refusing(lambda: study.Params.parse(texts))
    return parsed


def _index(how: How) -> str:
    local = how.store.local
    return shown(local / "index.html") if local else f"{how.store.url}/index.html"


def _end(finished: list[Any]) -> None:
    if any(run.state != "succeeded" for run in finished):
        raise typer.Exit(1)
