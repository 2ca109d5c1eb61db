"""A tiny study with its notebook, so that a run costs little more than a kernel's start."""

import importlib
import logging
import os
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from workbench.core import Estimate, Interval
from workbench.runs import Run, Store
from workbench.runs.storage.staging import timestamp

STUDY = '''
import pandas as pd
import param
from workbench.core import Estimate, Interval, Params as Base, Result, Summary

TITLE, SMOKE = "Tiny <b>study</b> & co", {"n": 2}

class Params(Base):
    n = param.Integer(3, bounds=(1, 100), doc="Rows.")
    word = param.String("plain", doc="Any text.")
    share = param.Number(0.5, bounds=(0, 1), allow_None=True, doc="A share.")
    flag = param.Boolean(False, doc="A flag.")
    data = param.String("", doc="A file, or nothing.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed.")

def run(params):
    table = pd.DataFrame({"row": range(params.n)})
    numbers = {"rows": Estimate(params.n, Interval(params.n - 0.5, params.n + 1), "rows"),
               "exact <i>": Estimate(1.0, why="it is a definition")}
    return Result(Summary(numbers, ("Note with <script>alert(1)</script>.",)), {"rows": table})

def figures(result):
    return {}
'''
TITLE = "# Tiny\n\nWhat does a run of *nothing* cost?"
IMPORTS = "import tiny as study\nfrom workbench import runs"
PARAMETERS = 'n = 3\nword = "plain"\nshare = 0.5\nflag = False\ndata = ""\nseed = 0'
RUN = """params = study.Params(n=n, word=word, share=share, flag=flag, data=data, seed=seed)
result = study.run(params)"""


def write_notebook(path: Path, *cells: tuple[str, str], parameters: str = PARAMETERS) -> Path:
    """Write a notebook of the house's form with `cells` between the run and the save."""
    new = nbformat.v4
    content = new.new_notebook(cells=[
        new.new_markdown_cell(TITLE, id="title"),
        new.new_code_cell(IMPORTS, id="imports"),
        new.new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}),
        new.new_code_cell(RUN, id="run"),
        *[new.new_markdown_cell(source, id=name) if name.endswith("-text")
          else new.new_code_cell(source, id=name) for name, source in cells],
        new.new_code_cell("runs.save(study, params, result)", id="save"),
    ])
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(content, path)
    return path


@pytest.fixture
def make_notebook():
    """Write a notebook: ``make_notebook(path, (name, code), ...)``."""
    return write_notebook


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tiny study, importable here and in the kernel, in a checkout of its own."""
    folder = tmp_path / "a place {x} é"
    modules = folder / "modules"
    modules.mkdir(parents=True)
    (modules / "tiny.py").write_text(STUDY, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(modules))
    monkeypatch.setenv("WORKBENCH_ROOT", str(folder))
    monkeypatch.delenv("WORKBENCH_RUNS", raising=False)
    monkeypatch.delenv("WORKBENCH_RUN_FOLDER", raising=False)
    monkeypatch.syspath_prepend(modules)
    monkeypatch.delitem(sys.modules, "tiny", raising=False)
    write_notebook(folder / "notebooks" / "tiny.ipynb")
    return importlib.import_module("tiny")


@pytest.fixture
def store(study: ModuleType, tmp_path: Path) -> Path:
    """Default store of the tiny study's checkout."""
    return tmp_path / "a place {x} é" / "data" / "runs"


def publish_run(store: Store, key: str = "ab" * 32, files: dict[str, str] | None = None,
                **changes: object) -> Run:
    """Publish a run made by hand, without a kernel."""
    record = {"study": "tiny", "title": "Tiny", "state": "succeeded", "error": "",
              "params": {"n": 1, "word": "é \udce9"}, "defaults": {"n": 2}, "seed": 0,
              "key_parts": {}, "versions": {}, "started": timestamp(), "seconds": 1.5,
              "summary": {"rows": Estimate(3.0, Interval(2.5, 4.0), "rows").record()},
              "notes": ["A note."], "kernel": "warm", "peak_memory": 10**8, "host": "here",
              "cells": {"done": 4, "total": 4}, "source": "tiny.ipynb", "module": "studies.tiny",
              **changes}
    with store.staged("tiny", key, record) as stage:
        for name, text in (files or {"notebook.ipynb": "{}"}).items():
            path = stage.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return store.publish(stage, {**record, "key": key})


@pytest.fixture
def publish():
    """Publish a run made by hand: ``publish(store, key, files, **changes)``."""
    return publish_run


@pytest.fixture(scope="module")
def server():
    """Address of an S3-compatible server on this machine."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    yield "http://{}:{}".format(*running.get_host_and_port())
    running.stop()


@pytest.fixture
def bucket(server, fresh, monkeypatch):
    """An empty bucket, reached as a user would: through the environment."""
    import boto3

    for name, value in {"AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "me",
                        "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1",
                        "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{os.urandom(4).hex()}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def fresh():
    """Forget connections before and after, since each was made by its own environment."""
    from s3fs import S3FileSystem

    S3FileSystem.clear_instance_cache()
    yield
    S3FileSystem.clear_instance_cache()


@pytest.fixture(params=["memory", "s3"])
def url(request):
    if request.param == "memory":
        return f"memory://{os.urandom(4).hex()}/runs"
    return f"s3://{request.getfixturevalue('bucket')}/some/runs"
