"""Report files over HTTP: a policy on each, figures drawn behind it, an index that keeps up."""

import asyncio
import json
import re
import threading
from urllib.request import urlopen

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from workbench import runs
from workbench.runs.storage.store import Store
from workbench.ui.serving.report_files import ReportFiles

FIGURE = ('<div id="plot" data-root-id="plot"></div><script>(function() {{ const item = {0};'
          'Bokeh.embed.embed_item(item, "plot"); }})();</script>')
PROBE = "<p id=told></p><script>document.getElementById('told').textContent = origin</script>"


def publish(store, *outputs, key="a1"):
    record = {"study": "tiny", "title": "Tiny", "notebook": "tiny.ipynb", "state": "succeeded",
              "error": "", "params": {}, "defaults": {}, "seed": 0, "key": key * 32,
              "key_parts": {}, "versions": {}, "started": "2026-03-04T05:06:07Z", "seconds": 1.0,
              "summary": {}, "notes": []}
    cell = {"cell_type": "code", "id": "one", "metadata": {}, "source": "1", "outputs": [
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": markup}}
        for markup in outputs]}
    with store.staged("tiny", key * 32) as stage:
        (stage.folder / "notebook.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}}))
        (stage.folder / "evil.html").write_text("<script>document.title = 'ran'</script>")
        (stage.folder / "report.pdf").write_bytes(b"%PDF-1.7")
        run = store.publish(stage, record)
    runs.write_report(run)
    return run


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


@pytest.fixture
def site(store):
    """Address of a server of the store's files."""
    store.workspace.mkdir(parents=True)
    socket, = bind_sockets(0, "127.0.0.1")
    loop, ready = asyncio.new_event_loop(), threading.Event()

    def serve():
        asyncio.set_event_loop(loop)
        application = Application([(r"/(.*)", ReportFiles, {"path": str(store.workspace)})],
                                  log_function=lambda _: None)
        server = HTTPServer(application)
        server.add_socket(socket)
        loop.call_soon(ready.set)
        loop.run_forever()
        server.stop()
        loop.run_until_complete(server.close_all_connections())
        loop.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def policy(address):
    with urlopen(address) as answer:
        return answer.headers["Content-Security-Policy"], answer.headers


def test_matches_policy_of_each_file(store, site):
    run = publish(store)
    for path in (f"{run.id}/report.html", "index.html", ""):
        told, headers = policy(f"{site}/{path}")
        assert told.startswith("sandbox allow-scripts ")
        # Only the index, which shows texts and runs one script, is no stranger to the pages.
        assert ("allow-same-origin" in told) is (path in ("", "index.html"))
        assert ("script-src 'self' 'unsafe-inline'" in told) is path.endswith("report.html")
        assert "default-src 'none'" in told
        assert "frame-src 'none'" in told
        assert headers["X-Content-Type-Options"] == "nosniff"
    told, _ = policy(f"{site}/index.html")
    assert re.search(r"; script-src 127\.0\.0\.1:\d+/_assets/;", told)
    for path in (f"{run.id}/evil.html", f"{run.id}/manifest.json", f"{run.id}/report.pdf"):
        told, headers = policy(f"{site}/{path}")
        assert told.startswith("sandbox; default-src 'none'")
        assert (headers["Content-Disposition"] == "attachment") == path.endswith(".pdf")


def test_identity_figures_are_drawn_behind_the_policy(store, site, browser):
    from bokeh.embed import json_item
    from bokeh.plotting import figure

    plot = figure(width=400, height=200)
    plot.line([1, 2], [3, 4])
    run = publish(store, FIGURE.format(json.dumps(json_item(plot))), PROBE)
    page, errors, outside = browser.new_page(), [], []
    page.on("console", lambda told: errors.append(told.text)
            if told.type == "error" and "favicon" not in told.location["url"] else None)
    page.on("request", lambda request: outside.append(request.url) if not
            request.url.startswith((site, "data:", "about:")) else None)
    page.goto(f"{site}/{run.id}/report.html")
    page.wait_for_selector("html[data-ready]", state="attached")
    assert page.evaluate("origin") == "null"
    assert page.frame_locator("iframe").first.locator("canvas").count() >= 1
    assert page.frame_locator("iframe").last.locator("#told").inner_text() == "null"
    assert (errors, outside) == ([], [])
    page.goto(f"{site}/{run.id}/evil.html")
    assert page.title() == ""
    page.close()


def test_matches_an_index_that_keeps_up(store, site, browser):
    page = browser.new_page()
    page.goto(f"{site}/")
    assert "No run has been saved yet" in page.locator("main").inner_text()
    seen = []
    for key in ("a1", "b2", "c3"):
        publish(store, key=key)
        for _ in range(2):
            page.goto(f"{site}/index.html")
            seen.append(page.locator("li.run").count())
    assert seen == [1, 1, 2, 2, 3, 3]
    page.close()
