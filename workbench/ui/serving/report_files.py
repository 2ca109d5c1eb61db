"""Hand out the files of saved runs, and nothing beside them."""

import re
from pathlib import Path
from typing import Any, ClassVar

from tornado.web import HTTPError, StaticFileHandler

from workbench import runs

__all__ = ["ReportFiles"]

# Reports show what a notebook printed: they may run scripts, but as a stranger to these pages
# and without a network. Each report narrows this further by a policy of its own.
PAGE = re.compile(r"index\.html|[^/]+/report\.html")
PAGES = ("sandbox allow-scripts allow-downloads allow-popups; default-src 'none'; "
         "script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
         "img-src 'self' data: blob:; font-src data:; media-src data: blob:; frame-src 'none'; "
         "base-uri 'none'; form-action 'none'")
# The index is written here, shows texts alone and runs one script. It is no stranger, since a
# browser brings the pictures of runs to those only who have signed in.
INDEX = ("sandbox allow-scripts allow-same-origin allow-downloads allow-popups; "
         "default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; "
         "img-src 'self' data: blob:; frame-src 'none'; base-uri 'none'; form-action 'none'")
# Any other file is only looked at: what a notebook saved as HTML or SVG runs nothing.
FILES = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class ReportFiles(StaticFileHandler):
    """Files below the store; hidden ones, and links that lead out of it, do not exist."""

    _indexed: ClassVar[dict[str, int]] = {}

    async def get(self, path: str, include_body: bool = True) -> None:  # noqa: FBT001, FBT002 - Tornado's own signature
        if path in ("", "index.html"):
            self._refresh_index()
            path = "index.html"
        self._fetch(path.partition("/")[0])
        await super().get(path, include_body)

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        store, wanted = Path(root).resolve(), Path(absolute_path)
        hidden = "\0" in absolute_path or any(
            part.startswith(".") for part in wanted.relative_to(root).parts) \
            if wanted.is_relative_to(root) else True
        if hidden or not wanted.resolve().is_relative_to(store):
            raise HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)

    def compute_etag(self) -> str:
        # Tornado's own remembers the first content of each file, and the index changes.
        status = Path(self.absolute_path or self.root).stat()
        return f'"{status.st_mtime_ns:x}-{status.st_size:x}"'

    def set_extra_headers(self, path: str) -> None:
        shown = PAGES if PAGE.fullmatch(path) else FILES
        if path == "index.html":
            folder = self.request.path.rpartition("/")[0]
            shown = INDEX.format(scripts=f"{self.request.host}{folder}/_assets/")
        self.set_header("Content-Security-Policy", shown)
        if path.endswith(".pdf"):  # a browser shows none in a sandbox
            self.set_header("Content-Disposition", "attachment")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        if not path.startswith("_assets/"):
            self.set_header("Cache-Control", "no-cache")

    def write_error(self, status_code: int, **_: Any) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("There is no such file among the saved runs."
                    if status_code == 404 else f"This cannot be answered ({status_code}).")

    def _fetch(self, name: str) -> None:
        """Bring a run of a remote store here when it is first asked for."""
        store = runs.Store()
        if store.local is None and not (Path(self.root) / name).exists():
            try:
                store.load(name).folder.exists()
            except (OSError, ValueError):
                raise HTTPError(404) from None

    def _refresh_index(self) -> None:
        """Write the index anew if a run came or went; ten thousand take most of a second."""
        try:
            Path(self.root).mkdir(parents=True, exist_ok=True)
            before = Path(self.root).stat().st_mtime_ns
            if self._indexed.get(self.root) != before:
                store = runs.Store()
                runs.write_index(store if store.local is None else Path(self.root))
                self._indexed[self.root] = before  # as it was before, so that no run is missed
        except OSError:  # a store that cannot be written still shows the index it has
            return
