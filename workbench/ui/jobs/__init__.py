"""Real runs that pages start: each a process of its own, a few at a time, the others in line."""

from workbench.ui.jobs.job import Job
from workbench.ui.jobs.line import JOBS, Jobs

__all__ = ["JOBS", "Job", "Jobs"]
