"""Where a result is to be found again: its address, and its notebook in JupyterLab."""

from urllib.parse import quote

from workbench.core import Study
from workbench.ui.address import query
from workbench.ui.computing import Shown
from workbench.ui.lab.copies import copy_notebook

__all__ = ["LAB_COMMAND", "lab_address", "state_of"]

LAB_COMMAND = "python3 -m workbench lab"


def state_of(study: Study, shown: Shown | None) -> str:
    """The part of an address that brings this result back: its run, else its parameters."""
    if shown is None:
        return ""
    if shown.run is not None:
        return f"?run={quote(shown.run.id, safe='')}"
    return query(study.Params(**shown.values))


def lab_address(lab: str, study: Study, shown: Shown) -> str:
    """Address at which a JupyterLab shows a copy of the notebook with these parameters.

    Parameters
    ----------
    lab : str
        Address of the lab; what stands behind a question mark stays there.
    study : module
    shown : Shown

    Raises
    ------
    ParameterError
        If today's study refuses a value.
    OSError
        If the copy cannot be written.
    """
    place, mark, asked = lab.partition("?")
    defaults = study.Params.defaults()
    changed = {name: value for name, value in shown.values.items()
               if name not in defaults or value != defaults[name]}
    path = copy_notebook(study, changed)
    return f"{place.rstrip('/')}/lab/tree/{quote(path.as_posix())}{mark}{asked}"
