"""Runs made without a kernel, and a browser that tells every request and every mishap."""

import json
import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from workbench.core import Estimate, Interval
from workbench.runs.storage.store import Store

FIGURE = ('<div id="{0}" data-root-id="{0}"></div><script>(function() {{'
          'const item = {1}; Bokeh.embed.embed_item(item, "{0}"); }})();</script>')


def cell(source="", *outputs, name=None, kind="code", **metadata):
    """A cell as a notebook's file holds it."""
    content = {"id": name or f"c{abs(hash((source, kind))) % 10**6}", "cell_type": kind,
               "metadata": metadata, "source": source}
    return content | ({"outputs": list(outputs), "execution_count": 1} if kind == "code" else {})


def text(source, name=None):
    """A Markdown cell."""
    return cell(source, name=name, kind="markdown")


def shown(**data):
    """A displayed output; ``text_html`` stands for the media type "text/html"."""
    return {"output_type": "display_data", "metadata": {},
            "data": {name.replace("_", "/", 1): content for name, content in data.items()}}


def printed(words, name="stdout"):
    """A stream."""
    return {"output_type": "stream", "name": name, "text": words}


def raised(name, message, *lines):
    """An error output."""
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": list(lines)}


def figure(number=1, height=200, **options):
    """A Bokeh figure as the notebooks show one."""
    from bokeh.embed import json_item
    from bokeh.plotting import figure

    plot = figure(width=400, height=height, **options)
    plot.line([1, 2], [3, 4])
    item = json.dumps(json_item(plot), separators=(",", ":"))
    return shown(text_html=FIGURE.format(f"figure{number}", item))


@pytest.fixture
def nb():
    """Cells and outputs of a notebook."""
    return SimpleNamespace(cell=cell, text=text, shown=shown, printed=printed, raised=raised,
                           figure=figure)


@pytest.fixture
def store(tmp_path):
    """An empty store in a folder with an awkward name."""
    return Store(tmp_path / "a place {x} é" / "runs")


@pytest.fixture
def made(store):
    """Publish a run: ``made(cell, ..., state="failed", error="...")``."""

    def publish(*cells, **record):
        whole = {
            "study": "tiny", "title": "Tiny", "notebook": "tiny.ipynb", "state": "succeeded",
            "error": "", "params": {"n": 7, "seed": 0}, "defaults": {"n": 3, "seed": 0},
            "seed": 0, "key": "a1" * 32, "key_parts": {}, "versions": {"python": "3.11.9"},
            "started": "2026-03-04T05:06:07Z", "seconds": 2.5, "summary": {
                "rows": Estimate(7.0, Interval(6.5, 8.0), "rows").record()},
            "notes": [], "kernel": "warm", "peak_memory": 300 * 2**20,
            "cells": {"done": len(cells), "total": len(cells)}, "host": "here"} | record
        with store.staged(whole["study"], whole["key"]) as stage:
            if cells:
                notebook = {"cells": list(cells), "metadata": {}, "nbformat": 4,
                            "nbformat_minor": 5}
                (stage.folder / "notebook.ipynb").write_text(json.dumps(notebook))
            (stage.folder / "log.txt").write_text("printed by the kernel\n")
            return store.publish(stage, whole)

    return publish


@pytest.fixture
def visit(browser):
    """Open a file; tell the page, its requests beyond the disk, and its errors."""
    contexts = []

    def opened(path: Path, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page, requests, errors = context.new_page(), [], []
        context.on("request", lambda request: requests.append(request.url) if not
                   request.url.startswith(("file:", "data:", "blob:", "about:")) else None)
        page.on("console", lambda told: errors.append(told.text) if told.type == "error" else 0)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.resolve().as_uri() if isinstance(path, Path) else path)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page, requests, errors

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def listener():
    """Address of a server on this machine, and what it was sent."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        def listen():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(2)
                    try:
                        heard.append(connection.recv(300))
                    except OSError:
                        continue

        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", heard
        server.shutdown(socket.SHUT_RDWR)
