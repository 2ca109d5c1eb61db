"""The source that code imports, directly or not, found without importing any of it.

Installed distributions and the standard library are not followed: their versions stand for them.
"""

import os
import pkgutil
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, NamedTuple

from workbench.runs.keys.digests import Stamp, file_digest, stamp, text_digest
from workbench.runs.keys.imports import Request, requests

__all__ = ["closure"]

RUN = re.compile(r"^\s*%run\s+(?:-\w+\s+)*([\"']?)([^\s\"']+)\1", re.MULTILINE)
INSTALLED = (f"{os.sep}site-packages", f"{os.sep}dist-packages")
STANDARD = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
MOST = 4096
Watched = dict[str, Stamp | None]

_asked: dict[str, frozenset[Request]] = {}
_closures: dict[tuple[Any, ...], tuple[Watched, dict[str, str]]] = {}


def closure(texts: Sequence[str], modules: Mapping[str, Path], *, folders: Iterable[Path] = (),
            without: Sequence[str] = ()) -> dict[str, str]:
    """Hash of every source file that the texts and modules import outside installed packages.

    Parameters
    ----------
    texts : sequence of str
        Code cells.
    modules : mapping of dotted name to Path
        Modules that belong to the code although no cell imports them.
    folders : iterable of Path
        Searched before ``sys.path``, as a kernel searches the folder in which it works.
    without : sequence of str
        Packages and modules that are neither listed nor followed.

    Returns
    -------
    hashes : dict of dotted name to str
        32 hexadecimal digits each. Files that ``%run`` names are listed by that name, a module in
        an archive by the hash of the archive.
    """
    path = [*map(str, folders), *(entry for entry in sys.path if entry)]
    question = (text_digest("\0".join(texts)), tuple(map(str, modules.items())), tuple(path),
                tuple(without))
    known = _closures.get(question)
    if known is not None and all(seen is not None and stamp(name) == seen
                                 for name, seen in known[0].items()):
        return dict(known[1])
    search = _Search(path, without)
    for name, file in modules.items():
        search.add(name, file)
    for text in texts:
        search.follow(_requests(text_digest(text), partial(str, text)), "")
        search.run_files(text)
    search.drain()
    if len(_closures) >= MOST:
        _closures.clear()
    _closures[question] = {name: stamp(name) for name in search.watched}, search.found
    return dict(search.found)


class _Place(NamedTuple):
    """Where a module lies; `folders` are searched for its submodules."""

    spec: ModuleSpec
    folders: list[str]


class _Search:
    """One walk over the imports."""

    def __init__(self, path: list[str], without: Sequence[str]):
        self.path, self.without = path, frozenset(without)
        self.found: dict[str, str] = {}
        self.watched = {entry for entry in path if not _installed(entry)}
        self._places: dict[str, _Place | None] = {}
        self._reached: dict[str, bool] = {}
        self._open: list[tuple[Iterable[Request], str]] = []
        self._offers: dict[str, tuple[list[Request], str]] = {}

    def add(self, name: str, file: Path | str, *, package: str | None = None) -> None:
        """List a source file and keep its imports for later."""
        digest = file_digest(file)
        self.watched.add(str(file))
        if name in self.found or digest is None:
            return
        self.found[name] = digest
        if str(file).endswith(".py"):
            inside = name.rpartition(".")[0] if package is None else package
            self._keep(name, _requests(digest, Path(file).read_bytes), inside)

    def run_files(self, text: str) -> None:
        """Follow the files that ``%run`` names, relative to the first folder."""
        for _, name in RUN.findall(text):
            file = Path(self.path[0], name) if self.path else Path(name)
            self.add(name, file if file.suffix else file.with_suffix(".py"), package="")

    def drain(self) -> None:
        """Follow what was kept until nothing is left; cycles end since files are listed once."""
        while self._open:
            self.follow(*self._open.pop())

    def follow(self, asked: Iterable[Request], package: str) -> None:
        """Reach the modules of these imports, made in a module of `package`."""
        for request in asked:
            base = _absolute(request, package)
            if request.offered or not base or not self._reach(base):
                continue
            if not request.name:         # any name may be taken from it and the packages around
                for _ in range(base.count(".") + 1):
                    self._accept(base)
                    base = base.rpartition(".")[0]
                continue
            self._accept(base, request.name)
            names = [request.name] if request.name != "*" else self._submodules(base)
            for name in names:
                if self._reach(f"{base}.{name}"):
                    self._accept(f"{base}.{name}")

    def _keep(self, name: str, asked: frozenset[Request], package: str) -> None:
        self._open.append((asked, package))
        self._offers[name] = [each for each in asked if each.offered], package

    def _accept(self, module: str, name: str = "*") -> None:
        """Follow what a module loads when it is asked for a name, or for any."""
        offered, package = self._offers.get(module, ([], ""))
        taken = [each for each in offered if name in ("*", each.offered)]
        if taken:
            self._offers[module] = [each for each in offered if each not in taken], package
            self._open.append(([each._replace(offered="") for each in taken], package))

    def _reach(self, dotted: str) -> bool:
        """List a module and the packages around it; False where it is not ours to follow."""
        if dotted not in self._reached:
            parent = dotted.rpartition(".")[0]
            self._reached[dotted] = (not parent or self._reach(parent)) and self._enter(dotted)
        return self._reached[dotted]

    def _enter(self, name: str) -> bool:
        if name in self.without:
            return False
        place = self._place(name)
        if place is not None:
            self._list(name, place)
        return place is not None

    def _list(self, name: str, place: _Place) -> None:
        spec = place.spec
        archive = getattr(spec.loader, "archive", None)
        if name in self.found or (spec.origin is None and archive is None):
            return                                           # a namespace has no file of its own
        if archive is None:
            self.add(name, str(spec.origin), package=name if place.folders else None)
            return
        self.found[name] = file_digest(archive) or ""
        self.watched.add(archive)
        text = spec.loader.get_source(spec.name) or ""       # type: ignore[union-attr]
        inside = name if place.folders else name.rpartition(".")[0]
        self._keep(name, _requests(text_digest(text), partial(str, text)), inside)

    def _place(self, name: str) -> _Place | None:
        parent, _, last = name.rpartition(".")
        around = self._places.get(parent)
        path = self.path if not parent else around.folders if around else []
        self._places[name] = place = _find(last, path, top=not parent)
        if place is not None:
            self.watched.update(place.folders)
        return place

    def _submodules(self, name: str) -> list[str]:
        place = self._places.get(name)
        return [] if place is None else [
            module.name for module in pkgutil.iter_modules(place.folders)]


def _find(name: str, path: list[str], *, top: bool) -> _Place | None:
    """Place of a module on a path; None for what is built in, installed or missing."""
    if not name.isidentifier() or (top and name in sys.builtin_module_names):
        return None
    try:
        spec = PathFinder.find_spec(name, path) or (_editable(name) if top else None)
        if spec is None:
            return None
        # The list of a namespace's folders is taken before it asks for its parent, which nobody
        # has imported.
        folders = [folder for folder in spec.submodule_search_locations or ()
                   if not _installed(folder)]
    except (ImportError, OSError, ValueError, KeyError, AttributeError):
        return None
    inside = spec.origin is not None and not _installed(spec.origin)
    return _Place(spec, folders) if inside or folders else None


def _editable(name: str) -> ModuleSpec | None:
    """Ask the finders that editable installations bring, which only look a name up."""
    for finder in sys.meta_path:
        if getattr(finder, "__module__", "").startswith("__editable__"):
            spec: ModuleSpec | None = finder.find_spec(name, None)
            if spec is not None:
                return spec
    return None


def _absolute(request: Request, package: str) -> str:
    if not request.level:
        return request.module
    parts = package.split(".") if package else []
    if request.level > len(parts):
        return ""
    return ".".join([*parts[:len(parts) - request.level + 1], *filter(None, [request.module])])


def _requests(digest: str, source: Callable[[], str | bytes]) -> frozenset[Request]:
    """Imports of a text of this hash, parsed once."""
    if digest not in _asked:
        if len(_asked) >= MOST:
            _asked.clear()
        try:
            _asked[digest] = requests(source())
        except OSError:
            return frozenset()
    return _asked[digest]


def _installed(place: str) -> bool:
    return place.startswith(STANDARD) or any(name in place for name in INSTALLED)
