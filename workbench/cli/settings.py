"""Options of every command that executes: declared once, gathered into one argument."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, TypeVar

import typer

from workbench.cli.shell import refusal, refusing
from workbench.runs import Limits, Settings, Store
from workbench.runs.execution.limits import parse_bytes, parse_seconds

__all__ = ["How", "Where", "executing"]

Amount = TypeVar("Amount")
Where = Annotated[str | None, typer.Option(
    "--store", metavar="FOLDER|URL", help="Store of the runs; else WORKBENCH_RUNS or data/runs.")]


@dataclass(frozen=True)
class How:
    """Settings, store, and where else the news go."""

    settings: Settings
    store: Store
    events: str
    log_to: str
    resume: bool


def gather(*, workers: Annotated[int | None, typer.Option(
               "--workers", "-j", min=1, help="Runs at a time; else as many as fit.")] = None,
           force: Annotated[bool, typer.Option(
               "--force", help="Execute again what is already in the store.")] = False,
           resume: Annotated[bool, typer.Option(
               "--resume", help="Execute only what is missing; the default.")] = False,
           cold: Annotated[bool, typer.Option(
               "--cold", help="Start each kernel anew instead of forking a warm one.")] = False,
           warm: Annotated[str | None, typer.Option(
               metavar="MODULES", help="What warm kernels have imported, with commas.")] = None,
           time_limit: Annotated[str | None, typer.Option(
               metavar="TIME", help="Longest run, such as 90s, 30m or 2h.")] = None,
           cell_limit: Annotated[str | None, typer.Option(
               metavar="TIME", help="Longest cell.")] = None,
           memory_limit: Annotated[str | None, typer.Option(
               metavar="SIZE", help="Private memory of a run, such as 2GB.")] = None,
           fail_fast: Annotated[bool, typer.Option(
               "--fail-fast", help="Start nothing more after the first failure.")] = False,
           single_file: Annotated[bool, typer.Option(
               "--single-file", help="Put styles and scripts into each report.")] = False,
           scheduler: Annotated[str, typer.Option(
               metavar="ADDRESS", help="Dask scheduler, tcp://host:port, or 'local'.")] = "",
           store: Where = None,
           events: Annotated[str, typer.Option(
               metavar="FILE", help="Write progress as JSON lines; - is standard output.")] = "",
           log_to: Annotated[str, typer.Option(
               metavar="SERVICE", help="Also log each run: mlflow.")] = "") -> How:
    """Check the options and put them together."""
    if force and resume:
        raise refusal("--resume must not be given with --force, which executes all again. "
                      "Drop one.")
    limits = Limits(_amount("--time-limit", time_limit, parse_seconds),
                    _amount("--cell-limit", cell_limit, parse_seconds),
                    _amount("--memory-limit", memory_limit, parse_bytes))
    modules = None if warm is None else tuple(filter(None, map(str.strip, warm.split(","))))
    if log_to not in ("", "mlflow"):
        raise refusal(f"--log-to must be mlflow, got {log_to!r}. Leave it out for none.")
    settings = Settings(workers, limits, force, cold, modules, fail_fast, single_file, scheduler)
    return How(settings, refusing(lambda: Store.of(store)), events, log_to, resume)


def executing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `gather`; it receives them as `how`."""
    shared = inspect.signature(gather).parameters
    own = {name: each for name, each in inspect.signature(command).parameters.items()
           if name != "how"}

    @wraps(command)
    def wrapped(**given: Any) -> None:
        how = gather(**{name: given.pop(name) for name in shared})
        command(how=how, **given)

    ordered = sorted([*own.values(), *shared.values()], key=lambda each: each.kind)
    wrapped.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {each.name: each.annotation for each in ordered}
    return wrapped


def _amount(option: str, text: str | None, parse: Callable[[str], Amount]) -> Amount | None:
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as problem:
        raise refusal(f"{option}: {problem}") from None


