"""One server with saved runs of every study for all tests in the browser, and how to visit it."""

import shutil
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.ui.browsing import IDLE, TEXT, serving_studies
from workbench import catalog, runs

FAILED = pytest.StashKey[bool]()
SWEEP = [{"level": level, "seed": seed} for level in (0.8, 0.9, 0.95) for seed in (1, 2)]


@pytest.fixture(scope="session")
def store(tmp_path_factory, worker_id):
    """A store with the newest run of each study, and a small sweep of opinion trends.

    It is made once, and each process of the tests has a copy of its own.
    """
    base = tmp_path_factory.getbasetemp()
    made = (base if worker_id == "master" else base.parent) / "browsed"
    with FileLock(f"{made}.lock"):
        if not made.exists():
            begun = made.with_name("filling")
            shutil.rmtree(begun, ignore_errors=True)      # of a process that failed
            _fill(begun)
            begun.rename(made)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("own") / "runs"))


def _fill(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_RUNS", str(folder))
        patch.delenv("WORKBENCH_RUN_FOLDER", raising=False)
        for name, study in catalog.studies().items():
            varied = SWEEP if name == "opinion_trends" else []
            for values in (*varied, {}):
                params = study.Params(**study.SMOKE, **values)
                runs.write_report(runs.save(study, params, study.run(params)))


@pytest.fixture(scope="session")
def site(store):
    """Address of a server of its own process, where runs may be started."""
    with serving_studies(store) as address:
        yield address


class Visited:
    """A page that is open, with its errors and its requests to other hosts."""

    def __init__(self, page, site):
        self.page, self.site = page, site
        self.outside, self.errors = [], []
        page.context.route(
            lambda url: not url.startswith((site, "data:", "blob:")),
            lambda route: (self.outside.append(route.request.url), route.abort()))
        page.on("console", lambda told: self.errors.append(told.text)
                if told.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def go(self, path):
        """Open a page of the site and wait until it is drawn."""
        self.answer = self.page.goto(self.site + path)
        self.settle()
        return self

    def settle(self):
        """Wait until everything is drawn."""
        self.page.wait_for_function(IDLE)

    @property
    def text(self):
        """All that can be read."""
        return self.page.evaluate(TEXT)

    @property
    def faults(self):
        """Errors of the browser and requests to other hosts: both must stay empty."""
        return self.errors + self.outside


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    item.stash.setdefault(FAILED, False)
    item.stash[FAILED] |= report.failed
    return report


@pytest.fixture
def visit(browser, site, request):
    """Open a page of the site in a fresh context; options are those of a Playwright context.

    What can be read on the pages of a test that failed is printed.
    """
    contexts = []

    def opened(path, *, at=None, **options):
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(60_000)
        return Visited(contexts[-1].new_page(), at or site).go(path)

    yield opened
    for context in contexts:
        if request.node.stash.get(FAILED, False):
            sys.stdout.write("\n\n".join(f"{page.url}\n{page.evaluate(TEXT)}"
                                         for page in context.pages))
        context.close()
