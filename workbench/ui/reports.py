"""Hand out the files of saved runs, and nothing beside them."""

from pathlib import Path
from typing import Any

from tornado.web import HTTPError, StaticFileHandler

from workbench import runs

__all__ = ["ReportFiles"]

# Reports show what a notebook printed: they may run scripts, but as a stranger to these pages.
POLICY = "sandbox allow-scripts allow-downloads allow-popups"


class ReportFiles(StaticFileHandler):
    """Files below the store; hidden ones, and links that lead out of it, do not exist."""

    async def get(self, path: str, include_body: bool = True) -> None:  # noqa: FBT001, FBT002 - Tornado's own signature
        if path in ("", "index.html"):
            self._refresh_index()
            path = "index.html"
        await super().get(path, include_body)

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        store, wanted = Path(root).resolve(), Path(absolute_path)
        hidden = "\0" in absolute_path or any(
            part.startswith(".") for part in wanted.relative_to(root).parts) \
            if wanted.is_relative_to(root) else True
        if hidden or not wanted.resolve().is_relative_to(store):
            raise HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        if not path.startswith("_assets/"):
            self.set_header("Cache-Control", "no-cache")

    def write_error(self, status_code: int, **_: Any) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("There is no such file among the saved runs."
                    if status_code == 404 else f"This cannot be answered ({status_code}).")

    def _refresh_index(self) -> None:
        try:
            runs.write_index(Path(self.root))
        except OSError:  # a store that cannot be written still shows the index it has
            return
