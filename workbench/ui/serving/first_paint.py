"""The frame of a page at once; its live parts are made while the browser loads its scripts.

A page may say, by its variable `same_for_all`, that all around its live parts depends on its path
and on who is signed in, and on nothing that the address asks or the store holds. Then this frame
is kept, and sent before the visitor's own session exists.
"""

from typing import Any

from bokeh.util.token import generate_jwt_token, generate_session_id, get_session_id
from panel.io.resources import Resources
from panel.io.server import DocHandler, server_html_page_for_session
from panel.io.state import set_curdoc
from tornado.web import Application, HTTPError, authenticated

from workbench.core.recent import Recent
from workbench.ui.serving.gate import page
from workbench.ui.site import VISITOR

__all__ = ["Painter", "paint_first"]

PLACE = "place-of-the-token"     # in a frame that is kept
KEPT = 256


class Painter(DocHandler):
    """Answers with the frame of a page, then makes the session that fills it.

    Parameters
    ----------
    frames : Recent
        Frames by path and visitor.
    """

    def initialize(self, frames: Recent[str], **options: Any) -> None:
        super().initialize(**options)
        self._frames = frames

    @authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Send a frame; where nobody signs in, who brings a session gets what Panel sends."""
        if self._brings_session() and VISITOR in self.request.headers:
            raise HTTPError(403)         # it may be somebody else's, who would look on
        if self._brings_session() or self.request.path == self.application.prefix:
            await super().get(*args, **kwargs)
            return
        name = self.request.path, self.request.headers.get(VISITOR, "")
        session = None if name in self._frames else await self.get_session()
        token = self._token() if session is None else session.token
        frame = self._frames.get(name, str) if session is None else self._frame(session)
        told = session.document.template_variables if session is not None else {}
        # Panel lets an address choose colours, for instance: those are for who asks.
        if told.get("same_for_all") and not self.request.arguments:
            self._frames.get(name, lambda: frame)
        if told.get("trouble"):
            self.set_status(500)
            # The page has a policy of its own, in its head; that for errors allows no script.
            self.set_header("Content-Security-Policy", "base-uri 'none'")
        self.set_header("Cache-Control", "no-store")     # its token is for one visitor
        self.set_header("Content-Type", "text/html; charset=utf-8")
        await self.finish(frame.replace(PLACE, token))
        if session is None:
            await self._make(token)

    def write_error(self, status_code: int, **_: Any) -> None:
        """What cannot even begin, such as an address that names a session wrongly."""
        self.finish(page(self, "Not now", (
            f"<p>This page cannot be shown ({status_code}). "
            f'<a href="{self.application.prefix}/">Go to the studies</a></p>')))

    def _brings_session(self) -> bool:
        asked = {"bokeh-session-id", "bokeh-token"} & set(self.request.arguments)
        return bool(asked) or "Bokeh-Session-Id" in self.request.headers

    def _token(self) -> str:
        """Token of a session that is yet to be made."""
        app = self.application
        session = generate_session_id(secret_key=app.secret_key, signed=app.sign_sessions)
        return str(generate_jwt_token(
            session, secret_key=app.secret_key, signed=app.sign_sessions,
            expiration=app.session_token_expiration,
            extra_payload=self._generate_token_payload()))

    def _frame(self, session: Any) -> str:
        """The page of a session as Panel writes it, without its token."""
        document = session.document
        with set_curdoc(document):
            return str(server_html_page_for_session(
                session, resources=Resources.from_bokeh(self.application.resources()),
                title=document.title, token=PLACE, template=document.template,
                template_variables=document.template_variables))

    async def _make(self, token: str) -> None:
        context, session = self.application_context, get_session_id(token)
        try:
            await context.create_session_if_needed(session, self.request, token)
        finally:
            context._pending_sessions.pop(session, None)     # a socket may wait for it


def paint_first(application: Application) -> None:
    """Let all pages of an application answer with their frame at once."""
    frames: Recent[str] = Recent(KEPT)
    for rule in application.wildcard_router.rules:
        if rule.target is DocHandler:
            rule.target = Painter
            rule.target_kwargs = {**rule.target_kwargs, "frames": frames}
