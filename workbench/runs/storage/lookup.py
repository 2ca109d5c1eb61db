"""Find one run of a store by what a user types: an identifier or the beginning of a key."""

from typing import TYPE_CHECKING

from workbench.core import check
from workbench.runs.storage import names, staging
from workbench.runs.storage.catalogue import Wanted, catalogue_of

if TYPE_CHECKING:
    from workbench.runs.storage.folder import Run
    from workbench.runs.storage.store import Store

__all__ = ["found"]


def found(store: "Store", name: object) -> "Run":
    """Run of a name, as :meth:`workbench.runs.storage.store.Store.load` says."""
    if isinstance(name, str) and names.PREFIX.fullmatch(name):
        return _of_prefix(store, name)
    if isinstance(name, str) and names.ID.fullmatch(name):
        return _of_id(store, name)
    if isinstance(name, str) and name in store.place.stamps():  # a folder named by hand
        return store.read(name)
    raise _unknown(store, name)


def _of_prefix(store: "Store", prefix: str) -> "Run":
    rows = catalogue_of(store.url).rows(store.place, Wanted(prefix=prefix))
    keys = sorted({row.key for row in rows})
    if not keys:
        raise _unknown(store, prefix)
    if len(keys) > 1:
        told = ", ".join(key[:12] for key in keys[:4])
        raise ValueError(f"run_id must be the beginning of one key, got {prefix!r}, with which "
                         f"{len(keys)} keys begin ({told}{', ...' * (len(keys) > 4)}). "
                         "Give more digits.")
    return store.read(rows[0].id)


def _of_id(store: "Store", name: str) -> "Run":
    if store.local is not None:
        folder = store.local / name
        if folder.is_symlink() and not names.inside(folder, store.local):
            raise ValueError(f"run_id must name a folder inside the store, got {name!r}, which "
                             "is a link out of it. Copy the folder instead.")
    if store.place.holds(name):
        return store.read(name)
    live = {run.id: run for run in staging.running(store.workspace)}
    if name not in live:
        raise _unknown(store, name)
    return live[name]


def _unknown(store: "Store", name: object) -> ValueError:
    near = check.suggestion(name, store.place.stamps())
    return ValueError(f"run_id must name a saved run, got {name!r}.{near} "
                      "List them with list_runs().")
