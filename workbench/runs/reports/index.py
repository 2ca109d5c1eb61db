"""The index of all runs, newest first; rebuilt from the folders whenever it is asked for."""

from pathlib import Path

from workbench.runs.reports import assets
from workbench.runs.store import list_runs, store_folder

__all__ = ["write_index"]


def write_index(store: Path | None = None) -> Path:
    """Write ``index.html`` into the store.

    Parameters
    ----------
    store : Path, optional
        ``places.runs()`` by default; made when it does not exist.

    Returns
    -------
    path : Path
    """
    folder = store_folder(store)
    folder.mkdir(parents=True, exist_ok=True)
    runs = list_runs(store=folder)
    studies = sorted({run.study for run in runs if run.study})
    text = assets.page("index.html.j2").render(
        runs=runs, studies=studies, head=assets.head(folder, "", prefix=""))
    return assets.write_page(folder / "index.html", text)
