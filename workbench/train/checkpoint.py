"""Checkpoints: a folder for each, written beside its place and then renamed into it.

A process that ends at any moment leaves whole checkpoints only. Files are safetensors and JSON.
"""

import dataclasses
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.train.distributed import Team

__all__ = ["described", "newest", "refuse_other_settings", "words", "write"]

NAME = re.compile(r"ckpt-(\d+)")
FREE = ("keep", "save_every", "log_every", "device", "compile")    # may change in a resumed run


def write(folder: Path, step: int, parts: Callable[[Path], None], *, team: Team,
          keep: int) -> Path:
    """Write one checkpoint and let go of those before the last `keep`.

    Parameters
    ----------
    folder : Path
        Of the run.
    step : int
        Names the checkpoint.
    parts : function of a folder
        Writes this process's files into it.
    team : Team
    keep : int > 0
    """
    place, beside = folder / f"ckpt-{step:09d}", folder / f".ckpt-{step:09d}.partial"

    def begin() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".ckpt-*.partial"):
            shutil.rmtree(left)
        beside.mkdir()

    def end() -> None:
        for file in beside.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        if place.exists():
            shutil.rmtree(place)
        beside.rename(place)
        for old in _steps(folder)[:-keep]:
            shutil.rmtree(folder / f"ckpt-{old:09d}")

    team.each_alone(begin)
    parts(beside)
    team.barrier()
    team.each_alone(end)
    return place


def newest(folder: Path) -> Path | None:
    """The checkpoint of the last step, if there is one."""
    steps = _steps(folder)
    return folder / f"ckpt-{steps[-1]:09d}" if steps else None


def described(settings: Any) -> dict[str, str]:
    """Settings as words by name, the same in each process."""
    return {field.name: words(getattr(settings, field.name))
            for field in dataclasses.fields(settings) if field.name not in FREE}


def refuse_other_settings(now: Mapping[str, str], then: Mapping[str, str], folder: Path) -> None:
    """Refuse to go on with other settings than those of the checkpoint, naming each."""
    other = [f"{name} ({then.get(name, 'none')} then, {now.get(name, 'none')} now)"
             for name in {**then, **now} if then.get(name) != now.get(name)]
    if other:
        raise ValueError(f"a resumed run must keep its settings, got other {', '.join(other)} in "
                         f"{folder}. Pass another folder to begin anew, or the settings of then.")


def _steps(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    found = (NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match[1]) for match in found if match)


def words(value: Any) -> str:
    """A setting in words that do not depend on the process."""
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner = {field.name: words(getattr(value, field.name))
                 for field in dataclasses.fields(value)}
        return f"{type(value).__name__}{json.dumps(inner)}"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))[:500]
