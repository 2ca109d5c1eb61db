"""A study of any number of points, a server for it, and a watch on what a page does with them."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

ROOT = Path(__file__).parents[3]
STUDY = '''
"""Crowded: how fast is a page of many points? It computes and draws them."""

import numpy as np
import pandas as pd
import param
from workbench import plots
from workbench.core import Estimate, Interval, Params as Base, Result, Summary, generator
from workbench.core.details import Brush

TITLE, SMOKE = "Crowded", {"n": 1000}

class Params(Base):
    n = param.Integer(10_000, bounds=(100, 1_000_000), doc="Scores.")
    bend = param.Number(0.25, bounds=(-1, 1), doc="Of the trend.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed.")

class VIEW(Base):
    redraws = ("trend",)
    uniform = param.Boolean(False, doc="The trend of equal weights too.")

SELECT = {"between": Brush("trend", "stretch of time", "Brush a stretch of time.")}

def run(params):
    draws = generator(params.seed)
    share = np.sort(draws.random(params.n))
    dates = pd.Timestamp("2000-01-01") + pd.to_timedelta(share * 7000, unit="D")
    score = 50 + 10 * params.bend * share ** 2 + draws.normal(0, 5, params.n)
    weight = draws.gamma(4, 0.25, params.n)
    points = pd.DataFrame({"date": dates, "score": score, "weight": weight})
    at = np.linspace(0, 1, 200)
    mean = 50 + 10 * params.bend * at ** 2
    dates = pd.Timestamp("2000-01-01") + pd.to_timedelta(at * 7000, unit="D")
    bands = pd.DataFrame({"date": dates, "mean": mean, "low": mean - 1, "high": mean + 1,
                          "predictive_low": mean - 9, "predictive_high": mean + 9})
    number = Estimate(score.mean(), Interval(score.mean() - 0.1, score.mean() + 0.1), "points")
    return Result(Summary({"mean score": number}), {"points": points, "bands": bands})

def is_quick(params):
    return params.n <= 100_000

def figures(result, view=None):
    bands = result.tables["bands"]
    flat = bands[["date"]].assign(mean=50.0) if view is not None and view.uniform else None
    return {"trend": plots.trend_bands(bands, result.tables["points"], baseline=flat)}

def details(result, chosen):
    low, high = chosen.get("between")
    inside = result.tables["points"]["date"].between(low, high)
    return {"stretch": f"{inside.sum()} scores lie in the stretch."}
'''
# Sessions whose page is closed go after a second, so that memory tells of nothing else.
SOON = """import functools
import panel as pn
pn.io.server.get_server = functools.partial(
    pn.io.server.get_server, unused_session_lifetime_milliseconds=1000,
    check_unused_sessions_milliseconds=500)
"""
SERVE = """import crowded; from workbench import runs, ui
for n in {saved}:
    params = crowded.Params(n=n)
    runs.save(crowded, params, crowded.run(params))
ui.serve({{"crowded": crowded}}, on_ready=lambda url: print(url, flush=True))"""

# What a page does, by its own clock: tasks that block it, inputs, and frames after a change.
WATCH = """
window.watch = {tasks: [], inputs: {}, drawn: []};
new PerformanceObserver((list) => watch.tasks.push(...list.getEntries().map(
  ({startTime, duration}) => [startTime, duration]))).observe({type: "longtask", buffered: true});
for (const kind of ["click", "keydown", "wheel", "pointermove", "pointerup"]) {
  addEventListener(kind, ({timeStamp}) => { watch.inputs[kind] = timeStamp; },
                   {capture: true, passive: true});
}
addEventListener("drawn", () => watch.drawn.push(performance.now()));
watch.models = () => (window.Bokeh?.documents ?? []).flatMap((page) => [...page.all_models]);
watch.signs = {
  figure: () => watch.models().filter((one) => one.type === "Figure" && one.document.is_idle)
    .flatMap((figure) => [figure.id, ...figure.renderers.map((one) =>
      `${one.id} ${watch.number(one.data_source?.data)}`)]).join(),
  range: () => watch.models().find((one) => one.type === "Figure")?.x_range.start,
  count: () => watch.models().find((one) => one.data?.image)?.data.x[0],
  brush: () => watch.models().filter((one) => one.name === "brushed")
    .map(({left, right}) => `${left} ${right}`).join(),
};
watch.numbers = new WeakMap();
watch.number = (data) => {
  if (!data) return "";
  if (!watch.numbers.has(data)) watch.numbers.set(data, watch.count = (watch.count ?? 0) + 1);
  return watch.numbers.get(data);
};
// The time of the last frame in which Bokeh painted a figure, once no more frames follow.
watch.painted = () => {
  const views = Bokeh.Models.get("Figure").prototype.default_view.prototype;
  const paint = views._actual_paint;
  views._actual_paint = function (...given) {
    paint.apply(this, given);
    watch.begun = performance.now();
    requestAnimationFrame(() => setTimeout(() => { watch.frame = performance.now(); }, 0));
  };
};
watch.quiet = async () => {
  do await new Promise((done) => setTimeout(done, 20)); while (
    !watch.frame || watch.frame < watch.begun || performance.now() < watch.frame + 150);
  return watch.frame;
};
// The time at which the last frame was painted after a sign of the page had changed.
watch.change = (name) => {
  const sign = watch.signs[name], before = sign();
  watch.frame = null;
  watch.changed = new Promise((done, fail) => {
    setTimeout(() => fail(new Error(`${name} did not change within a minute`)), 60_000);
    const look = () => requestAnimationFrame(() =>
      sign() === before ? look() : done(watch.quiet()));
    look();
  });
};
watch.idle = null;
const wait = setInterval(() => {
  const pages = window.Bokeh?.documents ?? [];
  if (pages.length > 0 && pages.every((page) => page.is_idle)) {
    watch.idle = performance.now();
    watch.painted();
    clearInterval(wait);
  }
}, 10);
"""
CANVAS = """() => {
  const find = (node) => {
    if (node.tagName === "CANVAS" && node.clientWidth > 300) return node;
    for (const child of [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes]) {
      const found = find(child);
      if (found) return found;
    }
  };
  const canvas = find(document.body);
  canvas.scrollIntoView({block: "center"});
  const {x, y, width, height} = canvas.getBoundingClientRect();
  return [x, y, width, height];
}"""


@contextmanager
def served(folder, saved=(10_000,), before=""):
    """Address and process of a server of the study with a saved run of each size.

    The code `before` runs first.
    """
    (Path(folder) / "crowded.py").write_text(STUDY.lstrip(), encoding="utf-8")
    told = os.environ | {"WORKBENCH_RUNS": str(Path(folder) / "runs"), "OMP_NUM_THREADS": "1",
                         "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    with started(before + SERVE.format(saved=tuple(saved)), told) as server:
        yield server


@contextmanager
def started(code, environment):
    """Address and process of a server that prints its address once it answers."""
    with subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=ROOT, text=True,
                          stdout=subprocess.PIPE) as server:
        try:
            yield server.stdout.readline().strip().rstrip("/"), server
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(60) == 0


class Answers:
    """Asks a server all the while whether it answers, and keeps the longest wait [s]."""

    def __init__(self, site):
        self._site, self._done, self.waits = site, threading.Event(), []
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self):
        while not self._done.wait(0.02):
            begun = time.monotonic()
            with urlopen(f"{self._site}/healthz", timeout=60) as answer:
                answer.read()
            self.waits.append(time.monotonic() - begun)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join(60)


class Page:
    """A page with a watch; a Playwright page and what came over its socket."""

    def __init__(self, context, site):
        self.page, self.site, self.received, self.sent = context.new_page(), site, 0, 0
        self.page.set_default_timeout(120_000)
        self.page.add_init_script(WATCH)
        self.page.on("websocket", self._count)

    def _count(self, socket):
        socket.on("framereceived", self._receive)
        socket.on("framesent", self._send)

    def _receive(self, frame):
        self.received += len(frame)

    def _send(self, frame):
        self.sent += len(frame)

    def load(self, path):
        """Milliseconds until the first paint, the first figure, and all is drawn."""
        self.page.goto("about:blank")
        self.received = 0
        self.page.goto(self.site + path)
        self.settle()
        return self.page.evaluate("""() => ({
          paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
          figure: watch.drawn[0] ?? watch.idle, idle: watch.idle, task: Math.max(
            0, ...watch.tasks.map(([, took]) => took))})""")

    def settle(self):
        """Wait until all is drawn."""
        self.page.wait_for_function("window.watch?.idle !== null")

    def still(self):
        """Wait until all is drawn and nothing moves on the page."""
        place = None
        for _ in range(50):
            self.page.wait_for_function("Bokeh.documents.every((page) => page.is_idle)")
            self.page.wait_for_timeout(200)
            last, place = place, self.page.evaluate(CANVAS)
            if place == last:
                return

    def turn_on_the_wheel(self):
        """Let the wheel zoom the first figure, as its button in the toolbar does."""
        self.page.evaluate("""() => {
          watch.models().find((one) => one.type === "WheelZoomTool").active = true; }""")

    def spot(self, across=0.5, down=0.4):
        """A place on the first figure."""
        x, y, width, height = self.page.evaluate(CANVAS)
        return x + across * width, y + down * height

    def redraw(self, sign, act, event):
        """Milliseconds from the last event of a kind to the frame that shows what it changed."""
        self.page.evaluate("(sign) => watch.change(sign)", sign)
        act()
        return self.page.evaluate("(kind) => watch.changed.then((at) => at - watch.inputs[kind])",
                                  event)


async def visited(site, path):
    """Open a page as a browser does, without one: its HTML, its socket, all of its models."""
    answer = await AsyncHTTPClient().fetch(f"{site}/{path}", request_timeout=120)
    token = re.search(r'"token":"([^"]+)"', answer.body.decode())[1]
    socket = await websocket_connect(
        HTTPRequest(f"{site}/{path}".rstrip("/").replace("http", "ws", 1) + "/ws",
                    headers={"Origin": site}),
        subprotocols=["bokeh", token], max_message_size=2**28)
    while "ACK" not in (await socket.read_message() or "ACK"):
        pass
    for part in ('{"msgid":"1","msgtype":"PULL-DOC-REQ"}', "{}", "{}"):
        await socket.write_message(part)
    while "PULL-DOC-REPLY" not in (await socket.read_message() or "PULL-DOC-REPLY"):
        pass
    _, models = await socket.read_message(), await socket.read_message()
    assert "roots" in models, path
    socket.close()
