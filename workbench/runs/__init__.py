"""Runs: a notebook and one parameter set become one folder, a report and a line of the index.

The folder is the truth; report and index can be deleted and written again from it.
"""

from workbench.runs.execute import execute
from workbench.runs.fingerprint import key
from workbench.runs.folder import Run
from workbench.runs.report import report
from workbench.runs.reports.index import write_index
from workbench.runs.reports.page import write_report
from workbench.runs.saving import save
from workbench.runs.store import Store, list_runs, load

__all__ = [
    "Run", "execute", "key", "list_runs", "load", "report", "save", "write_index", "write_report",
]
