"""What all commands share: the program, its refusals and how it writes paths."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TypeVar

import typer

from workbench.core import ParameterError, places

__all__ = ["Terminated", "app", "command_line", "ending_politely", "refusal", "refusing", "shown"]

Answer = TypeVar("Answer")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="How much should this count? Studies as reports, pages and notebooks.")


class Terminated(KeyboardInterrupt):
    """The system asked this program to end."""


def refusing(action: Callable[[], Answer]) -> Answer:
    """Turn a refusal of the library into one message and exit code 2."""
    try:
        return action()
    except ParameterError as error:
        raise refusal("\n".join(error.problems)) from None
    except (ValueError, OSError) as error:
        raise refusal(str(error)) from None


def refusal(message: str) -> typer.Exit:
    """Tell why nothing was done; raise what this returns."""
    typer.echo(message, err=True)
    return typer.Exit(2)


@contextmanager
def ending_politely() -> Iterator[None]:
    """Let SIGTERM stop runs as Ctrl-C does."""
    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def shown(path: Path) -> str:
    """A path as short as it can be typed here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def command_line() -> str:
    """How this program is called here."""
    return "python3 -m workbench" if (places.root() / "pyproject.toml").is_file() else "workbench"


