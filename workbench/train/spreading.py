"""Start the processes that share the steps of one run, and bring their result back.

The network, the data and all else are sent to fresh processes, so they must be importable there:
functions and classes of a file, not of a notebook's cell, and a script keeps its start under
``if __name__ == "__main__":``.
"""

import copy
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.train import packing
from workbench.train.distributed import fabric_for
from workbench.train.run import Job
from workbench.train.training import Trained

__all__ = ["together"]


def together(job: Job) -> Trained:
    """Do a job in `job.how.devices` processes; the caller's network gets the parameters."""
    if job.stop is not None or job.callbacks:
        raise ValueError(f"stop and callbacks must stay in one process, got {job.how.devices} "
                         "devices. Leave them out, or start the processes with torchrun.")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        fabric_for(job.how).launch(_carry_out, _Sealed(job), folder)
        told: dict[str, Any] = packing.load(folder, "trained")
        job.model.load_state_dict(told.pop("model"))
    tables = {name: pd.DataFrame(told.pop(name)) for name in ("history", "checks")}
    return Trained(**(told | tables))


class _Sealed:
    """A job that Fabric hands on without looking inside."""

    def __init__(self, job: Job):
        self.job = job


def _carry_out(fabric: Any, sealed: _Sealed, folder: Path) -> None:
    from workbench.train.loop import carry_out

    job = replace(sealed.job, model=copy.deepcopy(sealed.job.model),      # out of shared memory
                  weighter=copy.deepcopy(sealed.job.weighter))
    done = carry_out(fabric, job)
    if fabric.global_rank == 0:
        packing.save(folder, "trained", {
            **{name: getattr(done, name) for name in ("status", "step", "kept_step", "score",
                                                      "average", "weighter_state")},
            "model": job.model.state_dict(), "history": done.history.to_dict("list"),
            "checks": done.checks.to_dict("list")})
    fabric.barrier()
