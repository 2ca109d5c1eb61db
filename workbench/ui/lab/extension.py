"""What JupyterLab's own server adds for the studies: copies of notebooks, and the pages in a tab.

Loaded by ``workbench lab`` only. Whoever asks has Jupyter's token; the pages listen on a socket
that no other user of the machine can open.
"""

import asyncio
import importlib
import json
import os
import sys
from typing import Any
from urllib.parse import urlsplit

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from jupyter_server_proxy.config import ServerProcess
from jupyter_server_proxy.handlers import AddSlashHandler
from tornado.web import HTTPError, authenticated

from workbench.ui.lab.copies import copy_notebook
from workbench.ui.lab.pages import HOST

__all__ = ["CARDS", "pages_handler"]

CARDS = "WORKBENCH_LAB_CARDS"      # variable with the studies that have a card, as JSON
PAGES = "workbench/pages"
PATIENCE = 300.0                   # seconds until the pages must answer, on a busy machine


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    cards = json.loads(os.environ.get(CARDS, "[]"))
    web = server.web_app
    web.settings.setdefault("page_config_data", {})["workbenchStudies"] = json.dumps(cards)
    base = web.settings["base_url"]
    named = {card["study"] for card in cards}
    pages, state = pages_handler(base, sorted(named))
    web.add_handlers(".*$", [
        (url_path_join(base, r"workbench/copies/([\w.]+)"), Copies, {"studies": named}),
        (url_path_join(base, PAGES), AddSlashHandler),
        (url_path_join(base, PAGES, "(.*)"), pages, state)])


class Copies(APIHandler):
    """Make a copy of a study's notebook and tell where it is."""

    def initialize(self, studies: set[str]) -> None:
        self._studies = studies

    @authenticated
    async def post(self, module: str) -> None:
        if module not in self._studies:
            raise HTTPError(404, reason="There is no card of this study. Start JupyterLab anew.")
        try:
            path = await asyncio.to_thread(
                lambda: copy_notebook(importlib.import_module(module)))
        except (OSError, ValueError, ImportError) as problem:
            self.set_status(409)
            self.finish(json.dumps({"message": str(problem)}))
            return
        self.finish(json.dumps({"path": path.as_posix()}))


def pages_handler(base: str, modules: list[str]) -> tuple[Any, dict[str, Any]]:
    """Handler that starts the pages of these studies with the first visitor, and its state."""
    command = [sys.executable, "-m", "workbench.ui.lab.pages", "{unix_socket}",
               url_path_join(base, PAGES), base, *modules]
    process = ServerProcess(
        name=PAGES, absolute_url=True, unix_socket=True, timeout=PATIENCE,
        command=[part if part == "{unix_socket}" else _literal(part) for part in command])
    handler, state = process.make_proxy_handler()

    class Pages(handler):  # type: ignore[misc, valid-type]
        """The pages below Lab's address, without Lab's cookies."""

        def proxy_request_headers(self) -> Any:
            return _handed_on(super().proxy_request_headers())

    return Pages, state


def _handed_on(headers: Any) -> Any:
    """Headers as the pages may see them.

    Lab is reached under names that the pages cannot know. What comes from a page of Lab is told
    as their own; a stranger's name stays, so that they refuse it.
    """
    host, origin = headers.get("Host"), headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc == host:
        headers["Origin"] = f"http://{HOST}"
    headers["Host"] = HOST
    for secret in ("Cookie", "Authorization"):
        headers.pop(secret, None)
    return headers


def _literal(part: str) -> str:
    """A part of the command in which braces stand for themselves."""
    return part.replace("{", "{{").replace("}", "}}")
