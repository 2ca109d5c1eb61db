"""The command that serves the pages: to this machine, or to a team that signs in."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.shell import app, refusing

__all__ = ["serve"]

Port = Annotated[int | None, typer.Option(help="Port; the next free one when not given.")]
Address = Annotated[str, typer.Option(
    help="Address of this machine; others than its own ask for --auth.")]
Auth = Annotated[str | None, typer.Option(
    metavar="basic|oauth", help="How visitors sign in.")]
AddUser = Annotated[str | None, typer.Option(
    metavar="NAME", help="Ask for a password, keep its hash, and stop.")]
Users = Annotated[Path | None, typer.Option(
    metavar="FILE", help="Users of --auth basic; else WORKBENCH_USERS.")]
Provider = Annotated[str, typer.Option(
    metavar="NAME", help="Such as google, github, gitlab, azure, okta.")]
Allow = Annotated[list[str] | None, typer.Option(
    metavar="NAME|@DOMAIN", help="Who may come in by oauth; repeat for more.")]
Origin = Annotated[list[str] | None, typer.Option(
    metavar="URL", help="Address that visitors see, such as https://team.example.org; repeat "
                        "for more.")]
Prefix = Annotated[str, typer.Option(
    metavar="PATH", help="Path below which a reverse proxy shows the pages.")]
Workers = Annotated[int, typer.Option(help="Processes that serve side by side.")]
Lab = Annotated[str | None, typer.Option("--lab", metavar="URL", help="A JupyterLab to link to.")]
Sessions = Annotated[int, typer.Option(help="Most pages open at once.")]
AllowRun = Annotated[bool, typer.Option(
    "--allow-run", help="Let visitors who sign in start runs.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Let nobody start runs.")]
AccessLog = Annotated[bool, typer.Option(
    "--access-log", help="Write a line for each answer to standard error.")]
Show = Annotated[bool, typer.Option(help="Open a browser.")]


@app.command()
def serve(port: Port = None, address: Address = "127.0.0.1", *, auth: Auth = None,
          add_user: AddUser = None, users: Users = None, oauth_provider: Provider = "",
          allow: Allow = None, origin: Origin = None, prefix: Prefix = "", workers: Workers = 1,
          sessions: Sessions = 200, allow_run: AllowRun = False, read_only: ReadOnly = False,
          lab_at: Lab = None, access_log: AccessLog = False, show: Show = True) -> None:
    """Open the pages, for this machine or for a team that signs in."""
    from workbench import catalog, ui

    if add_user is not None:
        _add(add_user, users or ui.users_file())
        return
    terms = ui.Terms(auth, users, oauth_provider, tuple(allow or ()), tuple(origin or ()),
                     prefix, allow_run, read_only, lab_at, sessions, access_log, workers)
    refusing(lambda: ui.serve(
        catalog.studies(), address=address, port=port, show=show, terms=terms,
        on_ready=lambda url: typer.echo(f"Pages    {url}\nStop with Ctrl-C.")))


def _add(name: str, file: Path) -> None:
    """Keep a user whose password is asked for, so that it is in no history of commands."""
    from workbench import ui

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    refusing(lambda: ui.add_user(file, name, password))
    typer.echo(f"User {name} may sign in with --auth basic. Kept in {file}")
