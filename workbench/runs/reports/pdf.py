"""A report as PDF, printed by the Chromium or Chrome that is installed.

The browser is driven over a pipe, so no port is opened; it has no network and a profile of its
own that is removed. The figures are printed once every frame says that it is drawn.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from workbench.runs.storage.folder import Run
from workbench.runs.storage.replacing import replacing

__all__ = ["browser", "write_pdf"]

VARIABLE = "WORKBENCH_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
         "microsoft-edge")
PATIENCE = 60.0  # seconds for the browser to open and print one report
OPTIONS = (
    "--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-extensions", "--disable-quic", "--mute-audio",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9")
# A browser reads its orders from descriptor 3 and answers on 4.
START = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
         "os.execv(sys.argv[3], sys.argv[3:])")
PAPER = {"paperWidth": 8.27, "paperHeight": 11.69, "marginTop": 0.6, "marginBottom": 0.7,
         "marginLeft": 0.6, "marginRight": 0.6, "printBackground": True,
         "displayHeaderFooter": True, "headerTemplate": "<span></span>",
         "footerTemplate": '<div style="font: 8px sans-serif; color: #666; width: 100%; '
                           'text-align: center"><span class="pageNumber"></span> / '
                           '<span class="totalPages"></span></div>'}


def browser() -> str:
    """The browser that prints: ``WORKBENCH_BROWSER``, or the first that is on the PATH.

    Raises
    ------
    ValueError
        If there is none.
    """
    if os.name != "posix":
        raise ValueError("a PDF is printed on Linux and macOS only, got another system. Print "
                         "report.html from any browser.")
    told = os.environ.get(VARIABLE)
    if told:
        found = shutil.which(told)
        if found is None:
            raise ValueError(f"{VARIABLE} must name a Chromium or Chrome, got {told!r}, which "
                             "cannot be executed. Correct or unset it.")
        return found
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise ValueError(f"a PDF needs Chromium or Chrome, and none of {', '.join(NAMES)} is on "
                         f"the PATH. Install one, set {VARIABLE} to its path, or print "
                         "report.html from any browser.")
    return found


def write_pdf(run: Run, path: Path | str | None = None) -> Path:
    """Print the report of a run.

    Parameters
    ----------
    run : Run
        With a report.
    path : Path, optional
        ``report.pdf`` in the run's folder by default.

    Returns
    -------
    path : Path

    Raises
    ------
    ValueError
        If the run has no report, or no browser is installed.
    RuntimeError
        If the browser fails.
    """
    if run.report is None:
        raise ValueError(f"run must have a report, got {run.id!r}. Write it with write_report().")
    path = run.folder / "report.pdf" if path is None else Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    printed = _printed(run.report.resolve(), browser())
    with replacing(path) as partial:
        partial.write_bytes(printed)
    return path


def _printed(report: Path, program: str) -> bytes:
    with _Browser.opened(program) as window:
        target = window.ask("Target.createTarget", url="about:blank")["targetId"]
        session = window.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        window.ask("Page.enable", session)
        window.ask("Emulation.setEmulatedMedia", session, media="print",
                   features=[{"name": "prefers-color-scheme", "value": "light"}])
        # As wide as the paper, so that the figures are drawn in the width that is printed, and
        # tall enough to have every one of them in sight.
        window.ask("Emulation.setDeviceMetricsOverride", session, width=680, height=20000,
                   deviceScaleFactor=1, mobile=False)
        window.ask("Page.navigate", session, url=report.as_uri())
        window.wait_until(session, "document.documentElement?.dataset.ready === 'yes'")
        return base64.b64decode(window.ask("Page.printToPDF", session, **PAPER)["data"])


class _Browser:
    """A browser without a window, spoken to over two pipes: messages end with a zero byte."""

    def __init__(self, orders: int, answers: int):
        self._orders, self._answers = orders, answers
        self._heard, self._number = b"", 0
        self._end = time.monotonic() + PATIENCE

    @classmethod
    @contextmanager
    def opened(cls, program: str) -> Iterator["_Browser"]:
        as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        theirs, orders = _pipe()
        answers, voice = _pipe()
        with tempfile.TemporaryDirectory(prefix="wb-browser-", ignore_cleanup_errors=True) as home:
            command = [sys.executable, "-I", "-S", "-c", START, str(theirs), str(voice), program,
                       *OPTIONS, *as_root, f"--user-data-dir={home}"]
            process = subprocess.Popen(
                command, pass_fds=(theirs, voice), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            os.close(theirs)
            os.close(voice)
            window = cls(orders, answers)
            try:
                yield window
                with suppress(OSError, RuntimeError):
                    window.ask("Browser.close")
            finally:
                os.close(orders)
                os.close(answers)
                _end(process)

    def ask(self, method: str, session: str = "", **params: Any) -> Mapping[str, Any]:
        """Give one order and wait for its answer."""
        self._number += 1
        order = {"id": self._number, "method": method, "params": params}
        order |= {"sessionId": session} if session else {}
        try:
            os.write(self._orders, json.dumps(order).encode() + b"\0")
        except OSError as problem:
            raise RuntimeError(f"the browser ended before {method}. Try it by hand.") from problem
        while True:
            answer = self._next(method)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"the browser refused {method}: "
                                       f"{answer['error'].get('message')}")
                result: Mapping[str, Any] = answer["result"]
                return result

    def wait_until(self, session: str, condition: str) -> None:
        """Ask the page until a condition holds."""
        while True:
            told = self.ask("Runtime.evaluate", session, expression=condition, returnByValue=True)
            if told["result"].get("value") is True:
                return
            time.sleep(0.05)

    def _next(self, method: str) -> Mapping[str, Any]:
        import select

        while b"\0" not in self._heard:
            left = self._end - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                raise RuntimeError(f"the browser did not answer {method} within {PATIENCE:.0f} s. "
                                   "Print report.html from a browser instead.")
            piece = os.read(self._answers, 1 << 20)
            if not piece:
                raise RuntimeError(f"the browser ended during {method}. Try it by hand.")
            self._heard += piece
        message, _, self._heard = self._heard.partition(b"\0")
        answer: Mapping[str, Any] = json.loads(message)
        return answer


def _pipe() -> tuple[int, int]:
    """Both ends of a pipe, out of the way of the descriptors that the browser expects."""
    import fcntl

    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high[0], high[1]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Wait for the browser to go, and make it go."""
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()
