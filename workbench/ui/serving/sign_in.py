"""Sign in with a name and a password, and out again."""

import asyncio
import html
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from workbench.ui.serving.gate import DAYS, GuardedCookies, page
from workbench.ui.serving.passwords import Users
from workbench.ui.serving.patience import Door

__all__ = ["SignIn", "SignOut", "admitting", "within"]

LONGEST_ANSWER = 1024    # characters of a name or password that are looked at
KNOWN_DAYS = 180         # that a browser is known after signing in
COOKIES = ("user", "id_token", "access_token", "refresh_token", "oauth_expiry")
AT_ONCE, WAITING = 2, 16  # passwords that are looked at, and that wait for it
CHECKS = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")


class SignIn(GuardedCookies):
    """The form and what it sends."""

    _waiting = 0

    def initialize(self, users: Users, door: Door, prefix: str) -> None:
        self._users, self._door, self._prefix = users, door, prefix

    def get(self) -> None:
        self._show("")

    async def post(self) -> None:
        self.check_xsrf_cookie()
        name = self.get_body_argument("name", "")[:LONGEST_ANSWER]
        password = self.get_body_argument("password", "", strip=False)[:LONGEST_ANSWER]
        who = name, self.request.remote_ip or "", self._browser(name)
        wait = self._door.seconds(*who)
        if wait:
            self._ask_to_wait(429, wait, "Too many attempts failed.", name)
            return
        if SignIn._waiting >= WAITING and not who[2]:
            self._ask_to_wait(503, 5, "Too many visitors sign in just now.", name)
            return
        self._door.attempted(*who)
        if not await self._is_right(name, password):
            self.set_status(401)
            self._show("Name or password is wrong. Check both and try again.", name)
            return
        self._door.succeeded(*who)
        self._welcome(name, who[2])
        self.redirect(self._wanted())

    async def _is_right(self, name: str, password: str) -> bool:
        SignIn._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                CHECKS, self._users.accepts, name, password)
        finally:
            SignIn._waiting -= 1

    def _browser(self, name: str) -> str:
        """What this browser is known by to the user of this name, if it is."""
        told = self.get_signed_cookie("known", max_age_days=KNOWN_DAYS) or b""
        known, _, mark = told.decode("utf-8", "replace").rpartition("|")
        return mark if known == name else ""

    def _welcome(self, name: str, browser: str) -> None:
        path = self._prefix or "/"
        self.set_signed_cookie("user", f"{name}|{self._users.mark(name)}", expires_days=DAYS,
                               path=path)
        self.set_signed_cookie("known", f"{name}|{browser or secrets.token_hex(8)}",
                               expires_days=KNOWN_DAYS, path=path)

    def _ask_to_wait(self, status: int, seconds: float, why: str, name: str) -> None:
        whole = int(seconds) + 1
        self.set_status(status)
        self.set_header("Retry-After", str(whole))
        self._show(f"{why} Wait {whole} seconds and try again.", name)

    def _wanted(self) -> str:
        return within(self.get_argument("next", ""), self._prefix)

    def _show(self, problem: str, name: str = "") -> None:
        told = f'<p role="alert">{html.escape(problem)}</p>' if problem else ""
        begin = " autofocus"
        self.finish(page(self, "Sign in", (
            f'{told}<form method="post" action="{self._prefix}/login">'
            f"{self.xsrf_form_html()}"
            f'<input type="hidden" name="next" value="{html.escape(self._wanted())}">'
            f'<label>Name<input name="name" autocomplete="username" required '
            f'value="{html.escape(name)}"{"" if name else begin}></label>'
            '<label>Password<input name="password" type="password" required '
            f'autocomplete="current-password"{begin if name else ""}></label>'
            "<button>Sign in</button></form>")))

    def write_error(self, status_code: int, **_: object) -> None:
        self.finish(page(self, "Not now", (
            "<p>The form is too old, or another site sent it. "
            f'<a href="{self._prefix}/login">Open it again</a>.</p>' if status_code == 403 else
            f"<p>This cannot be answered ({status_code}).</p>")))


class SignOut(GuardedCookies):
    """Forget the visitor; open pages of theirs stay until they are closed or loaded again."""

    def initialize(self, prefix: str) -> None:
        self._prefix = prefix

    def get(self) -> None:
        if self.request.headers.get("Sec-Fetch-Site") == "cross-site":
            self.finish(page(self, "Sign out?", (
                f'<p>Another site sent you here. <a href="{self._prefix}/logout">Sign out</a> or '
                f'<a href="{self._prefix}/">go to the studies</a>.</p>')))
            return
        for name in COOKIES:
            self.clear_cookie(name, path=self._prefix or "/")
        self.finish(page(self, "Signed out", (
            f'<p>You are signed out. <a href="{self._prefix}/login">Sign in again</a></p>')))


def admitting(users: Users) -> Callable[[str], str | None]:
    """Tell of a signed cookie its user, if that still has the password it was made with."""
    def admits(told: str) -> str | None:
        name, _, mark = told.rpartition("|")
        return name if mark and users.mark(name) == mark else None

    return admits


def within(wanted: str, prefix: str) -> str:
    r"""A path of this server below its prefix, or its home.

    Examples
    --------
    >>> within("/sweep?study=phases", ""), within("//evil.example", ""), within(r"/\evil", "")
    ('/sweep?study=phases', '/', '/')
    """
    own = wanted.startswith(f"{prefix}/") and not wanted.startswith("//")
    plain = wanted.isprintable() and "\\" not in wanted
    return wanted if own and plain else f"{prefix}/"
