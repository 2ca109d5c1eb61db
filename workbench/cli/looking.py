"""Commands that show what there is: list, lab, doctor."""

import sys
from typing import Annotated

import typer

from workbench.cli.shell import app, refusing

__all__ = ["doctor", "lab", "list_studies"]

Port = Annotated[int | None, typer.Option(help="Port; the next free one when not given.")]


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
def lab(port: Port = None, *,
        browser: Annotated[bool, typer.Option(help="Open a browser.")] = True) -> None:
    """Open JupyterLab on a welcome notebook, with a card for each study and for the pages."""
    from workbench import catalog, ui

    refusing(lambda: ui.lab(catalog.studies(), port=port, open_browser=browser))


@app.command()
def doctor() -> None:
    """Check what is installed, kernels, graphics card, ports and disk; each with its remedy."""
    from workbench import runs

    findings = runs.doctor()
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = {"good": "ok  ", "note": "note", "bad": "FAIL"}[finding.state]
        typer.echo(f"{mark}  {finding.name:{width}}  {finding.found}")
        if finding.remedy:
            typer.echo(f"{'':{width + 6}}  {finding.remedy}")
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)
