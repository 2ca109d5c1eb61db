"""MLflow reads back what was logged, from its own store."""

import os
import sqlite3

import pytest

from workbench.runs import execute, sweep
from workbench.runs.tracking import Tracker

pytestmark = pytest.mark.slow


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    """MLflow with a database and artefacts of its own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "runs")
    monkeypatch.setenv("GIT_PYTHON_REFRESH", "quiet")
    monkeypatch.chdir(tmp_path)
    return pytest.importorskip("mlflow")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning",
                            "ignore::UserWarning", "ignore::ResourceWarning")
def test_matches_what_mlflow_reads_back(study, mlflow, make_notebook, tmp_path):
    runs = sweep(study, {"n": [2, 3]}, on_event=Tracker().tell)
    sweep(study, {"n": [2, 3]}, on_event=Tracker().tell)       # from the store: logged before
    logged = mlflow.search_runs(output_format="list")
    assert len(logged) == 2
    found = {run.data.tags["workbench.run"]: run for run in logged}
    for run in runs:
        told = found[run.id]
        assert told.info.status == "FINISHED"
        assert told.data.params["n"] == str(run.params["n"])
        assert told.data.metrics["rows"] == run.summary["rows"].value
        assert told.data.metrics["rows/low"] == run.summary["rows"].ends[0]
        assert told.data.tags["workbench.key"] == run.key
        files = {each.path for each in mlflow.MlflowClient().list_artifacts(told.info.run_id)}
        assert files == {"manifest.json", "notebook.ipynb", "report.html"}
    failing = make_notebook(tmp_path / "failing.ipynb", ("bad", "1 / 0"))
    failed = execute(study, study.Params(), notebook=failing)
    from workbench.runs.tracking import log

    told = mlflow.get_run(log(failed))
    assert told.info.status == "FAILED"
    assert told.data.tags["workbench.error"] == "ZeroDivisionError: division by zero"
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        assert database.execute("select count(*) from runs").fetchone() == (3,)


def test_rejects_a_service_that_is_not_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    with pytest.raises(ValueError, match="'mlflow', which is not installed"):
        Tracker()


def test_identity_a_server_that_is_gone_costs_seconds(monkeypatch):
    pytest.importorskip("mlflow")
    names = "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"
    monkeypatch.setenv(names[0], "0")        # recorded, so that it is as before afterwards
    monkeypatch.delenv(names[0])
    monkeypatch.setenv(names[1], "5")
    Tracker()
    assert [os.environ[name] for name in names] == ["1", "5"]
