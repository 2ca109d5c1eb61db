"""The command line as a user meets it, end to end on a file that was not made for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from workbench.datasets import opinion_scores

ROOT = Path(__file__).parents[2]


def workbench(*arguments, cwd, store):
    """Run the command line in this environment."""
    code = "from workbench.cli import app; app()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WORKBENCH_RUNS": str(store)}
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=cwd, env=environment,
                          capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path):
    table = opinion_scores(40, slope=-0.3, sources=2, rng=np.random.default_rng(2))
    table = table.rename(columns={"date": "published", "score": "unity"})
    table["published"] = table["published"].dt.strftime("%d.%m.%Y")
    table.loc[3, "unity"] = np.nan
    table.to_csv(tmp_path / "my scores.csv", index=False, sep=";")
    return tmp_path


def test_report_on_the_users_file(folder):
    store = folder / "runs {x} é"
    done = workbench("report", "opinion_trends", "-p", "data=my scores.csv", "-p",
                     "date=published", "-p", "score=unity", "-p", "trend=line", "-p", "draws=200",
                     cwd=folder, store=store)
    assert done.returncode == 0, done.stderr
    assert "average slope: -0." in done.stdout
    assert "Index" in done.stdout
    assert "lab" in done.stdout
    (run,) = store.glob("*-opinion_trends-*")
    record = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert record["state"] == "succeeded"
    assert record["params"]["data"] == str(folder / "my scores.csv")
    slope = record["summary"]["average slope"]
    assert slope["low"] < -0.3 < slope["high"]
    assert any("1 row" in note for note in record["notes"])
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "my scores.csv" in report
    assert "Traceback" not in report
    assert run.name in (store / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("arguments", "words"), [
    (["opinion_trend"], "Did you mean 'opinion_trends'"),
    (["opinion_trends", "-p", "sead=1"], "Did you mean 'seed'"),
    (["opinion_trends", "-p", "level=2"], "level must be a number >= 0.5 and <= 0.99, got 2.0"),
    (["opinion_trends", "-p", "seed"], "-p must be NAME=VALUE, got 'seed'"),
    (["opinion_trends", "-p", "data=absent.csv"], "got 'absent.csv', which is neither"),
    (["opinion_trends", "-p", "sampler=exact"], "sampler='exact' must come with"),
    (["opinion_trends", "-p", "seed=1", "-p", "seed=2"], "-p seed must be given once"),
])
def test_rejects_before_anything_runs(folder, arguments, words):
    done = workbench("report", *arguments, cwd=folder, store=folder / "runs")
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "runs").exists()


def test_a_failed_run_is_reported_and_kept(folder):
    store = folder / "runs"
    done = workbench("report", "opinion_trends", "-p", "data=my scores.csv", cwd=folder,
                     store=store)
    assert done.returncode == 1
    assert "published" in done.stdout        # the columns that the file does have
    (run,) = store.glob("*-opinion_trends-*")
    assert json.loads((run / "manifest.json").read_text(encoding="utf-8"))["state"] == "failed"


def test_list_names_every_parameter(folder):
    from workbench import catalog

    shown = workbench("list", cwd=folder, store=folder / "runs").stdout
    for name, study in catalog.studies().items():
        assert name in shown
        for parameter in study.Params.declared():
            assert parameter in shown
