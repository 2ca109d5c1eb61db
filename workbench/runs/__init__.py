"""Runs: a notebook and one parameter set become one folder, a report and a line of the index.

The folder is the truth; report, index and catalogue can be deleted and written again from it.
Whatever the command line does is a function here, under the same name.
"""

from workbench.runs.doctor import Finding, doctor
from workbench.runs.execution.events import Event, write_events
from workbench.runs.execution.execute import execute
from workbench.runs.execution.limits import Limits
from workbench.runs.execution.plan import Plan, plan
from workbench.runs.execution.report import report
from workbench.runs.execution.single import prepare, rerun, run
from workbench.runs.execution.sweep import carry_out_all, sweep, tasks
from workbench.runs.inputs.foreign import inspect, named_kernel
from workbench.runs.inputs.parameters import parameters
from workbench.runs.inputs.task import Settings, Task
from workbench.runs.keys.fingerprint import key
from workbench.runs.keys.why import Why, why, why_not
from workbench.runs.listing import newest, pulse, running, runs, show
from workbench.runs.metrics import Metric, record
from workbench.runs.reports.compare import Comparison, compare
from workbench.runs.reports.comparison import write_comparison
from workbench.runs.reports.index import write_index
from workbench.runs.reports.page import write_report
from workbench.runs.reports.pdf import write_pdf
from workbench.runs.reports.swept import Swept, sweeps, swept
from workbench.runs.storage.clean import clean
from workbench.runs.storage.folder import Run
from workbench.runs.storage.rows import Row
from workbench.runs.storage.saving import save
from workbench.runs.storage.store import Store, list_runs, load

__all__ = [
    "Comparison", "Event", "Finding", "Limits", "Metric", "Plan", "Row", "Run", "Settings",
    "Store", "Swept", "Task", "Why", "carry_out_all", "clean", "compare", "doctor", "execute",
    "inspect", "key", "list_runs", "load", "named_kernel", "newest", "parameters", "plan",
    "prepare", "pulse", "record", "report", "rerun", "run", "running", "runs", "save", "show",
    "sweep", "sweeps", "swept", "tasks", "why", "why_not", "write_comparison", "write_events",
    "write_index", "write_pdf", "write_report",
]
