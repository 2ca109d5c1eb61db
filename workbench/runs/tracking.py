"""Log finished runs to MLflow: parameters, headline numbers, report and notebook."""

import importlib.util
import math
import os
import re
from typing import Any

from workbench.runs.execution.events import Event
from workbench.runs.storage.folder import Run

__all__ = ["Tracker"]

LONGEST = 6000        # characters that MLflow keeps of a parameter
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
NAMEABLE = re.compile(r"[^A-Za-z0-9_\-. :/]")


class Tracker:
    """Listens to a sweep and logs each executed run.

    Where it is logged is MLflow's own setting: ``MLFLOW_TRACKING_URI`` and
    ``MLFLOW_EXPERIMENT_NAME``.

    Raises
    ------
    ValueError
        If MLflow is not installed.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("mlflow") is None:
            raise ValueError("log_to must name an installed service, got 'mlflow', which is not "
                             "installed. Run pip install mlflow.")
        for name, amount in PATIENCE.items():     # MLflow's own is minutes, in which runs wait
            os.environ.setdefault(name, amount)

    def tell(self, event: Event) -> None:
        """Log the run of an event that ends one; a run from the store was logged before."""
        if event.kind == "finished" and event.run is not None and not event.reused:
            log(event.run)


def log(run: Run) -> str:
    """Log one run.

    Returns
    -------
    run_id : str
        MLflow's name of it.
    """
    import mlflow

    state = "FINISHED" if run.state == "succeeded" else "FAILED"
    with mlflow.start_run(run_name=run.id or run.study, tags=_tags(run)) as active:
        mlflow.log_params({_name(name): str(value)[:LONGEST]
                           for name, value in run.params.items()})
        mlflow.log_metrics(_numbers(run))
        for path in (run.report, run.notebook, run.folder / "manifest.json"):
            if run.id and path is not None and path.is_file():
                mlflow.log_artifact(str(path))
    mlflow.MlflowClient().set_terminated(active.info.run_id, state)
    return str(active.info.run_id)


def _tags(run: Run) -> dict[str, Any]:
    tags = {"study": run.study, "title": run.title, "state": run.state, "key": run.key,
            "error": run.error, "run": run.id}
    return {f"workbench.{name}": text for name, text in tags.items() if text}


def _numbers(run: Run) -> dict[str, float]:
    """Finite values and interval ends by name."""
    numbers: dict[str, float] = {}
    for name, estimate in run.summary.items():
        low, high = estimate.ends
        numbers |= {_name(name): estimate.value, _name(f"{name}/low"): low,
                    _name(f"{name}/high"): high}
    return {name: float(number) for name, number in numbers.items() if math.isfinite(number)}


def _name(text: str) -> str:
    return NAMEABLE.sub("_", text)
