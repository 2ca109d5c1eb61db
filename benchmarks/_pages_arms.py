"""One part of the benchmark of pages in a process of its own; prints one record as JSON.

``python benchmarks/_pages_arms.py loads|redraws|crowds|soak REPEATS``, with the store of runs in
``WORKBENCH_RUNS``. Servers and Chromium are started as the browser tests start them.
"""

import asyncio
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import TimeoutError as Late
from playwright.sync_api import sync_playwright

from tests.conftest import ARGUMENTS
from tests.ui.browser.crowded import SOON, Answers, Page, served, started, visited

PLAIN = Path(__file__).with_name("_pages_plain.py")
STUDIES = ("opinion_trends", "quantile_aggregation", "loss_landscape_phases")
OTHERS = ("", "compare", "sweep")
SESSIONS, EVERY = 200, 25
WARM = 4                 # turns until each view of each kept result was drawn
SERVE = """from workbench import catalog, ui
ui.serve(catalog.studies(), on_ready=lambda url: print(url, flush=True))"""
OWN = os.environ | {"OMP_NUM_THREADS": "1"}
MILLION = 1_000_000


@contextmanager
def chromium():
    """A context of the system's Chromium that reaches this machine alone."""
    alone = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser",
                                                 "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS, alone])
        yield browser.new_context(viewport={"width": 1280, "height": 900})
        browser.close()


def cpu(process):
    """CPU seconds of a process so far."""
    return sum(process.cpu_times()[:2])


def browser_cpu():
    """CPU seconds of each process of the browser that runs."""
    return {one.pid: cpu(one) for one in psutil.Process().children(recursive=True)
            if "chrom" in one.name()}


def loaded(page, path, server):
    """One load: milliseconds, CPU seconds of both sides, and what came over the socket."""
    process, before = psutil.Process(server.pid), (cpu(psutil.Process(server.pid)), browser_cpu())
    page.page.set_default_timeout(60_000)
    times = page.load(path)
    spent = sum(used - before[1].get(pid, 0) for pid, used in browser_cpu().items())
    return times | {"server": cpu(process) - before[0], "browser": spent,
                    "bytes": page.received, "load": os.getloadavg()[0]}


def loads(repeats):
    """Each page in turn, ours and the plain one; the first round only warms."""
    found = {"unfinished": []}
    with ExitStack() as stack:
        ours = stack.enter_context(started(SERVE, OWN))
        plain = stack.enter_context(started(
            f"import runpy; runpy.run_path({str(PLAIN)!r}, run_name='__main__')", OWN))
        context = stack.enter_context(chromium())
        for turn in range(repeats + 1):
            for arm, (site, server), paths in (("ours", ours, STUDIES + OTHERS),
                                               ("plain", plain, STUDIES)):
                page = Page(context, site)
                for path in paths:
                    try:
                        row = loaded(page, f"/{path}", server)
                    except Late as late:
                        found["unfinished"].append(f"{arm} {path}: {late}")
                        continue
                    if turn:
                        found.setdefault(f"{arm} {path or 'home'}", []).append(row)
                page.page.close()
        found["browser"] = f"Chromium {context.browser.version}"
        page = Page(context, plain[0])
        found["plain raw"] = [loaded(page, "/raw", plain[1])]
        for _ in range(repeats):
            row = loaded(page, "/rasterized", plain[1])
            page.turn_on_the_wheel()
            page.page.mouse.move(*page.spot())
            row["zoom"] = page.redraw("count", lambda: page.page.mouse.wheel(0, -300), "wheel")
            found.setdefault("plain rasterized", []).append(row)
    return found


def redraws(repeats):
    """Milliseconds from an input to the frame that shows what it changed, 10,000 points."""
    found = {}
    with tempfile.TemporaryDirectory() as folder, \
            served(folder) as (site, _), chromium() as context:
        page = Page(context, site)
        page.load("/crowded?n=10000")
        acts = interactions(page)
        for turn in range(repeats + WARM):
            for name, (sign, act, event) in acts.items():
                page.still()
                took = page.redraw(sign, act, event)
                if turn >= WARM:
                    found.setdefault(name, []).append(took)
    return found


def interactions(page):
    """What a visitor does: the sign of the page that it changes, how, and the last event."""
    mouse = page.page.mouse
    uniform = page.page.get_by_label("uniform")
    bend = page.page.locator("input[value='0.25']").first.element_handle()
    ends, bends, wheels = (itertools.cycle(values) for values in (
        (0.4, 0.45, 0.5), ("0.5", "0.25"), (-240, 240)))
    news = (f"{step / 1000}" for step in itertools.count(300))

    def drag(*ends):
        mouse.move(*page.spot(ends[0]))
        mouse.down()
        mouse.move(*page.spot(ends[1]), steps=4)
        mouse.up()

    def bent(values):
        bend.fill(next(values))
        bend.press("Enter")

    def zoomed():
        page.turn_on_the_wheel()
        mouse.move(*page.spot())
        mouse.wheel(0, next(wheels))

    return {
        "zoom with the wheel": ("range", zoomed, "wheel"),
        "brush a stretch": ("brush", lambda: drag(0.3, next(ends)),
                            "pointerup"),
        "change a parameter, result kept": ("figure", lambda: bent(bends), "keydown"),
        "change the view": ("figure", uniform.click, "click"),
        "change a parameter, computed anew": ("figure", lambda: bent(news), "keydown"),
    }


def crowds(repeats):
    """A page of a million points: load, zoom, and whether the server answers meanwhile."""
    found = {"load": [], "zoom": [], "rest": []}
    with tempfile.TemporaryDirectory() as folder, \
            served(folder, saved=(MILLION,)) as (site, server), \
            chromium() as context:
        page = Page(context, site)
        page.load(f"/crowded?n={MILLION}")
        for _ in range(repeats):
            with Answers(site) as answers:
                time.sleep(2)
            found["rest"].append(max(answers.waits))
            with Answers(site) as answers:
                row = loaded(page, f"/crowded?n={MILLION}", server)
            found["load"].append(row | {"answer": max(answers.waits)})
            page.turn_on_the_wheel()
            page.page.mouse.move(*page.spot())
            page.page.evaluate("watch.tasks.length = 0")
            before = page.received
            with Answers(site) as answers:
                took = page.redraw("count", lambda: page.page.mouse.wheel(0, -300), "wheel")
            tasks = page.page.evaluate("Math.max(0, ...watch.tasks.map(([, took]) => took))")
            found["zoom"].append({"took": took, "answer": max(answers.waits), "task": tasks,
                                  "bytes": page.received - before})
    return found


def soak(_):
    """Memory that is the server's own [MB], as sessions come and go, and with ten at once."""
    paths = (*STUDIES, *OTHERS)
    with started(SOON + SERVE, OWN) as (site, server):
        process, found = psutil.Process(server.pid), {}

        def weigh(name):
            time.sleep(3)                # until those that closed are gone
            used = process.memory_full_info()
            found[name] = {"uss": used.uss / 2**20, "rss": used.rss / 2**20,
                           "threads": process.num_threads()}

        weigh("0")
        for number in range(1, SESSIONS + 1):
            asyncio.run(visited(site, paths[number % len(paths)]))
            if number % EVERY == 0:
                weigh(str(number))
        with chromium() as context:
            pages = [Page(context, site) for _ in range(10)]
            for number, page in enumerate(pages):
                page.load(f"/{paths[number % 3]}")
            weigh("ten open")
        weigh("ten closed")
    return found


if __name__ == "__main__":
    arm = {"loads": loads, "redraws": redraws, "crowds": crowds, "soak": soak}[sys.argv[1]]
    record = arm(int(sys.argv[2]))
    sys.stdout.write(json.dumps(record) + "\n")
