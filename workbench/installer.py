"""Build or complete ``.venv`` with pip: one line per stage, everything else in ``setup.log``.

Two processes never install at once: a file lock beside the environment lets the second one wait.
What an interrupted installation left behind is removed before the next one goes on.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from workbench.environment import LOCKS, OVERLAYS, PINNED_FOR, Environment
from workbench.progress import SetupError, Stage

__all__ = ["SetupError", "make"]

Run = Callable[..., None]

# A user's pip settings that would send packages elsewhere; indexes and mirrors are kept.
MISLEADING = (*OVERLAYS, "PIP_PREFIX", "PIP_ROOT", "PIP_TARGET", "PIP_USER", "PIP_PYTHON",
              "PIP_NO_DEPS", "PIP_DRY_RUN", "PIP_REPORT", "PIP_QUIET")
FOR_UV = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX",
          "PIP_FIND_LINKS": "UV_FIND_LINKS", "PIP_CERT": "SSL_CERT_FILE",
          "PIP_NO_INDEX": "UV_NO_INDEX"}


def make(place: Environment, parts: Sequence[str]) -> None:
    """Make the parts of the environment that are missing or out of date.

    Parameters
    ----------
    place : Environment
    parts : sequence of {"all", "test"}
        In the order of installation.

    Raises
    ------
    SetupError
        With the cause, the last lines of the log and the remedy.
    KeyboardInterrupt
        After the installer was stopped, on Ctrl-C or a request to terminate.
    """
    with contextlib.suppress(ValueError):  # only the main thread may set it
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _alone(place.lock) as handle:
            missing = [part for part in parts if not place.is_ready(part)]
            if missing:
                _install(place, missing, handle)
    except OSError as error:
        raise SetupError(f"the environment could not be written: {error}. Free disk space, or "
                         "copy the checkout to a folder that you may write to.") from error


def _install(place: Environment, missing: Sequence[str], handle: int) -> None:
    started = time.monotonic()
    where = place.venv.name
    _say(f"workbench: making the environment in {where}; the first time takes a few minutes.")
    with contextlib.suppress(FileNotFoundError):
        for part in LOCKS if "all" in missing else missing:
            place.stamp(part).unlink(missing_ok=True)  # not true again until the end
    base = _base(place)
    if not _is_sound(place):
        _empty(place.venv)
    run = Stage(place.log, place.root, _surroundings(), handle).run
    if not place.python.exists():
        run("virtual environment", [base, "-m", "venv", "--without-pip", str(place.venv)])
    (place.venv / "made-for").write_text(place.made_for(), encoding="utf-8")
    _forget_half_installed(place)
    install = _installer(place, base, run)
    # Of the locks as they are now: one that changes meanwhile is installed by the next call.
    stamps = {part: place.digest(part) for part in missing}
    for part in missing:
        _packages(part, install, run)
        if part == "all":
            run("notebook kernel", [str(place.python), "-m", "ipykernel", "install",
                                    "--sys-prefix", "--name", "python3",
                                    "--display-name", "workbench"])
            run("warm notebook kernel", [str(place.python), "-m",
                                         "workbench.runs.kernels.provisioner"])
        place.stamp(part).write_text(stamps[part], encoding="utf-8")
    _say(f"workbench: environment ready after {time.monotonic() - started:.0f} s.")


def _packages(part: str, install: list[str], run: Run) -> None:
    lock = LOCKS[part][-1]
    if sys.implementation.cache_tag != PINNED_FOR:
        _say(f"workbench: the pins are for Python 3.11, this is {sys.version.split()[0]}; "
             "taking the newest versions that pyproject.toml allows.")
        extras = ",".join(LOCKS if part == "test" else ["all"])
        run(f"packages of [{extras}]", [*install, "-e", f".[{extras}]"])
        return
    fixed = [word for name in LOCKS[part][:-1] for word in ("-c", name)]
    run(f"packages of {lock}", [*install, "-r", lock, *fixed])
    if part == "all":
        run("workbench itself", [*install, "--no-deps", "--no-build-isolation", "-e", "."])


def _installer(place: Environment, base: str, run: Run) -> list[str]:
    wanted = os.environ.get("WORKBENCH_INSTALLER", "pip")
    if wanted not in {"pip", "uv"}:
        raise SetupError(f"WORKBENCH_INSTALLER must be pip or uv, got {wanted!r}. Unset it.")
    if wanted == "uv":
        program = shutil.which("uv")
        if not program:
            raise SetupError("WORKBENCH_INSTALLER is uv, but no uv is on the PATH. "
                             "Install uv, or unset WORKBENCH_INSTALLER to use pip.")
        return [program, "pip", "install", "--python", str(place.python), "--compile-bytecode"]
    options = ["install", "--compile", "--progress-bar", "off", "--no-warn-script-location"]
    version = _pip_version(base)
    if version >= (22, 3):
        return [base, "-m", "pip", "--python", str(place.python), *options]
    # Older pip cannot install into another environment, so a newer one goes inside.
    if version > (0, 0):
        folder = str(_site_packages(place))
        run("newer pip", [base, "-m", "pip", "install", "--upgrade", "--target", folder, "pip"])
    else:
        run("pip", [str(place.python), "-m", "ensurepip"])
    return [str(place.python), "-m", "pip", *options]


def _pip_version(base: str) -> tuple[int, int]:
    told = subprocess.run([base, "-m", "pip", "--version"], capture_output=True, text=True,
                          check=False, env=_surroundings())
    found = re.match(r"pip (\d+)\.(\d+)", told.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _base(place: Environment) -> str:
    """Interpreter that runs pip; not the environment's own, which may be replaced."""
    if place.is_active():
        return str(getattr(sys, "_base_executable", sys.executable))
    return sys.executable


def _is_sound(place: Environment) -> bool:
    """Whether an environment is there, starts, and belongs to this Python and folder."""
    made_for = place.venv / "made-for"
    if made_for.exists() and made_for.read_text(encoding="utf-8") != place.made_for():
        return False
    try:
        told = subprocess.run([str(place.python), "-c",
                               "import sys; print(sys.prefix, sys.implementation.cache_tag)"],
                              capture_output=True, encoding="utf-8", check=False,
                              env=_surroundings())
    except OSError:
        return False
    return told.stdout.strip() == f"{place.venv} {sys.implementation.cache_tag}"


def _empty(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _site_packages(place: Environment) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return place.venv / ("Lib" if os.name == "nt" else f"lib/{version}") / "site-packages"


def _forget_half_installed(place: Environment) -> None:
    """Remove what pip would take for installed though it was interrupted.

    A wheel brings a RECORD of its own; the final one, written last, also lists INSTALLER.
    What pip was about to replace is named with a leading ``~``.
    """
    for info in _site_packages(place).glob("*.dist-info"):
        record = info / "RECORD"
        if not (record.exists() and "/INSTALLER," in record.read_text(encoding="utf-8")):
            shutil.rmtree(info)
    for leftover in _site_packages(place).glob("~*"):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _surroundings() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    kept |= {uv: kept[pip] for pip, uv in FOR_UV.items() if pip in kept and uv not in kept}
    return kept | {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
                   "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[int]:
    """Hold the lock file; the handle is passed on, so that a surviving pip keeps holding it."""
    with path.open("a+b") as file:
        waits = False
        while not _take(file.fileno()):
            if not waits:
                _say("workbench: another process is making the environment; waiting for it.")
            waits = True
            time.sleep(0.2)
        yield file.fileno()


def _take(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
