"""What a visitor can take away of a result: tables, all of them at once, and the notebook."""

import io
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd

from workbench import runs
from workbench.core import Study
from workbench.ui.computing import Shown, failure
from workbench.ui.detailing import completed
from workbench.ui.lab.copies import filled

__all__ = ["FORMS", "archive", "csv", "makers", "notebook", "parquet"]

FORMS = ("csv", "parquet")
Maker = Callable[[], bytes]


def csv(table: pd.DataFrame) -> bytes:
    r"""A table as CSV in UTF-8; rows that are only numbered are written without their numbers.

    Examples
    --------
    >>> csv(pd.DataFrame({"x": [0.1, None], "name": ["é", "a,b"]})).decode()
    'x,name\n0.1,é\n,"a,b"\n'
    """
    text: str = table.to_csv(index=_is_named(table), lineterminator="\n")
    return text.encode()


def parquet(table: pd.DataFrame) -> bytes:
    """A table as Parquet, with its types and its index as pandas reads them back."""
    file = io.BytesIO()
    table.to_parquet(file)
    return file.getvalue()


def archive(files: Mapping[str, Maker]) -> bytes:
    """Files in one zip, which is the same for the same files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, make in files.items():
            made.writestr(zipfile.ZipInfo(name), make(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def notebook(study: Study, values: Mapping[str, Any]) -> bytes:
    """The study's notebook with these parameters filled in, as a run executes it.

    Raises
    ------
    ParameterError
        If today's study refuses a value.
    ValueError
        If the study has no notebook.
    """
    return filled(runs.Task.of_study(study, study.Params(**values)))


def makers(study: Any, shown: Shown) -> dict[str, Maker]:
    """What makes each file of a result, by the file's name.

    Parameters
    ----------
    study : module
    shown : Shown

    Returns
    -------
    makers : dict
        Tables in each form, one archive for each form where there are several tables, the
        notebook, and what the study itself offers, in this order.
    """
    name = study.__name__.rpartition(".")[2]
    tables = shown.result.tables if shown.result is not None else {}
    found: dict[str, Maker] = {}
    for form, write in zip(FORMS, (csv, parquet), strict=True):
        files = {f"{name}-{each}.{form}": partial(write, table)
                 for each, table in tables.items()}
        found |= files
        if len(files) > 1:
            found[f"{name}-tables-{form}.zip"] = partial(archive, files)
    if not study.Params.problems(shown.values):
        found[f"{name}.ipynb"] = partial(notebook, study, shown.values)
        found |= _own(study, shown)
    return found


def _own(study: Any, shown: Shown) -> Mapping[str, Maker]:
    """Files that the study itself offers; a study that cannot say so offers none."""
    result = completed(shown)
    if result is None or not hasattr(study, "downloads"):
        return {}
    try:
        offered: Mapping[str, Maker] = study.downloads(result, study.Params(**shown.values))
    except Exception as error:  # what is shown of the result is shown all the same
        failure(error)
        return {}
    return offered


def _is_named(table: pd.DataFrame) -> bool:
    return table.index.name is not None or not isinstance(table.index, pd.RangeIndex)
