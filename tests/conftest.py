"""A real browser for the tests of reports, pages and lab; Ctrl-C that reaches started programs."""

import os
import shutil
import signal

import pytest

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync"]

# A job in the background ignores Ctrl-C, and so would every program that a test starts there.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class AtOnce:
    """What failed, told when it fails: a run that is cut off has said it by then."""

    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        if report.failed:
            terminal = self.config.pluginmanager.get_plugin("terminalreporter")
            terminal.write_line(f"\n{report.nodeid} failed in {report.when}:", red=True)
            terminal.write_line(report.longreprtext)


def pytest_configure(config):
    is_worker = hasattr(config, "workerinput")
    if os.environ.get("CI") and not is_worker:
        config.pluginmanager.register(AtOnce(config))


@pytest.fixture(scope="module")
def browser():
    """The system's Chromium; one for each module, since Playwright holds the event loop."""
    found = next(filter(None, map(shutil.which, (
        "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None)
    if found is None:
        sentence = ("no Chromium was found; install the system's package, for instance "
                    "`apt install chromium`, to run the browser tests")
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Catalogues of the tests' stores stay out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
