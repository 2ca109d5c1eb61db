"""The route that takes a visitor's file: streamed to the disk, never larger than it may be."""

import asyncio
import json
import logging
from typing import Any

from tornado.web import HTTPError, RequestHandler, stream_request_body

from workbench.ui.uploads import Incoming, Uploads

__all__ = ["UploadRoute"]

AT_ONCE = 8              # files on their way to one server
DRAINED = 4              # times the limit, up to which a refused file is read and thrown away
PATIENCE = 900.0         # seconds for a file to arrive
LOG = logging.getLogger(__name__)


@stream_request_body
class UploadRoute(RequestHandler):
    """Takes one file as the body of a POST, its name behind the question mark.

    A file that is too large is refused as soon as that is known. What still comes of it is thrown
    away, so that the browser can read why, and the connection stays as good as before.
    """

    on_their_way = 0

    def initialize(self, uploads: Uploads, limit: int) -> None:
        self._uploads, self._limit = uploads, limit
        self._incoming: Incoming | None = None
        self._is_refused = False
        self._is_counted = False

    def prepare(self) -> None:
        connection: Any = self.request.connection
        connection.set_max_body_size(DRAINED * self._limit)
        connection.set_body_timeout(PATIENCE)
        told = self.request.headers.get("Content-Length", "")
        if self.request.method != "POST":
            raise HTTPError(405)
        if "Origin" not in self.request.headers:     # the gate knows which origins are ours
            self._refuse(403, "Files are taken from the pages of this server only.")
        elif told.isascii() and told.isdigit() and int(told) > self._limit:
            self._refuse(413, self._too_large())
        elif UploadRoute.on_their_way >= AT_ONCE:
            self._refuse(503, "Too many files are on their way. Try again in a minute.")
        else:
            self._begin()

    def data_received(self, chunk: bytes) -> None:
        if self._incoming is None:
            return
        if self._incoming.size + len(chunk) > self._limit:
            self._refuse(413, self._too_large())
            return
        try:
            self._incoming.write(chunk)
        except OSError as trouble:
            self._fail(trouble)

    async def post(self) -> None:
        if self._is_refused or self._incoming is None:
            self.finish()
            return
        try:
            found = self._incoming.finish()
        except OSError as trouble:
            self._fail(trouble)
            self.finish()
            return
        size, self._incoming = self._incoming.size, None
        self.finish({"file": found, "bytes": size})
        await asyncio.to_thread(self._tidy)

    def on_finish(self) -> None:
        self._forget()

    def on_connection_close(self) -> None:
        self._forget()

    def _begin(self) -> None:
        UploadRoute.on_their_way += 1
        self._is_counted = True
        try:
            self._incoming = self._uploads.begin(self.get_query_argument("name", "", strip=False))
        except ValueError as refusal:
            self._refuse(415, str(refusal))
        except OSError as trouble:
            self._fail(trouble)

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer now; what still comes is thrown away before the request ends."""
        self._forget()
        self._is_refused = True
        body = json.dumps({"problem": sentence}).encode()
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Content-Length", str(len(body)))
        self.write(body)
        told = self.request.headers.get("Content-Length", "0")
        endless = told.isdigit() and int(told) > DRAINED * self._limit
        if endless or self.request.headers.get("Expect"):
            self.finish()        # which ends the connection too
        else:
            self.flush()

    def _fail(self, trouble: OSError) -> None:
        LOG.error("A file could not be taken in", exc_info=trouble)
        self._refuse(507, "The file could not be kept, since the disk of the server is full or "
                     "cannot be written. Whoever runs it finds the cause in the terminal.")

    def _too_large(self) -> str:
        return (f"The file must be at most {self._limit / 2**20:g} MiB, but it is larger. Give a "
                "part of it, or save it as Parquet or .csv.gz, which are smaller.")

    def _forget(self) -> None:
        if self._is_counted:
            UploadRoute.on_their_way -= 1
            self._is_counted = False
        if self._incoming is not None:
            self._incoming.drop()
            self._incoming = None

    def _tidy(self) -> None:
        try:
            self._uploads.tidy()
        except Exception:        # the file is here; cleaning can wait for the next one
            LOG.exception("Old files could not be removed")
