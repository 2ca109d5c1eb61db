"""Runs: a notebook and one parameter set become one folder, a report and a line of the index.

The folder is the truth; report, index and catalogue can be deleted and written again from it.
Whatever the command line does is a function here, under the same name.
"""

from workbench.runs.doctor import Finding, doctor
from workbench.runs.events import Event, write_events
from workbench.runs.execute import execute
from workbench.runs.fingerprint import key
from workbench.runs.folder import Run
from workbench.runs.limits import Limits
from workbench.runs.listing import runs, show
from workbench.runs.plan import Plan, plan
from workbench.runs.report import report
from workbench.runs.reports.index import write_index
from workbench.runs.reports.page import write_report
from workbench.runs.saving import save
from workbench.runs.single import prepare, rerun, run
from workbench.runs.store import Store, list_runs, load
from workbench.runs.sweep import carry_out_all, sweep, tasks
from workbench.runs.task import Settings, Task

__all__ = [
    "Event", "Finding", "Limits", "Plan", "Run", "Settings", "Store", "Task", "carry_out_all",
    "doctor", "execute", "key", "list_runs", "load", "plan", "prepare", "report", "rerun", "run",
    "runs", "save", "show", "sweep", "tasks", "write_events", "write_index", "write_report",
]
