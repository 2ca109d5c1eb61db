"""Sign in with an account of a provider, by Panel's flow; what it leaves open is closed here."""

import html
import os
import secrets
from collections.abc import Callable
from typing import Any, ClassVar

from panel.auth import AUTH_PROVIDERS, OAuthLoginHandler
from tornado.web import HTTPError

from workbench.ui.serving.gate import GuardedCookies, page
from workbench.ui.serving.terms import Terms

__all__ = ["Elsewhere", "allowing", "flow", "handler"]

KEYS = ("PANEL_OAUTH_KEY", "PANEL_OAUTH_SECRET")
FLOWS = {"password", "pam"}        # of Panel's, those that send a password through this server
# The name is all that is needed; the provider's tokens would be power in a visitor's browser.
KEPT = ("user", "panel-oauth-state", "panel-oauth-code")


def flow(terms: Terms, url: str) -> dict[str, Any]:
    """Options of Panel's server for the provider.

    Parameters
    ----------
    terms : Terms
    url : str
        Where browsers reach the server, without its prefix.

    Raises
    ------
    ValueError
        If the provider is unknown or its key is missing.
    """
    providers = sorted(set(AUTH_PROVIDERS) - FLOWS)
    if terms.provider not in providers:
        raise ValueError(f"provider must be one of {', '.join(providers)}, got "
                         f"{terms.provider!r}. Pass another --oauth-provider.")
    if not all(map(os.environ.get, KEYS)):
        raise ValueError(f"{' and '.join(KEYS)} must be set to what the provider gave for this "
                         "server. Set them in the environment, never on the command line.")
    return {"oauth_provider": terms.provider, "oauth_redirect_uri": f"{url}{terms.path()}/login"}


class Elsewhere(GuardedCookies, OAuthLoginHandler):
    """Panel's flow, but it trusts no empty state, keeps no token, and welcomes the list alone."""

    prefix: ClassVar[str]
    allow: ClassVar[tuple[str, ...]]

    def get_state_cookie(self) -> str:
        # Without a cookie an address that names an empty state would match it.
        return super().get_state_cookie() or secrets.token_hex()

    def set_signed_cookie(self, name: str, *args: Any, **kwargs: Any) -> None:
        if name in KEPT:
            super().set_signed_cookie(name, *args, **kwargs)

    set_secure_cookie = set_signed_cookie

    def set_cookie(self, name: str, value: str | bytes, *args: Any, **kwargs: Any) -> None:
        super().set_cookie(name, value, *args, **kwargs | {"path": self.prefix or "/"})

    async def get_authenticated_user(self, *args: Any, **kwargs: Any) -> str | None:
        user: str | None = await super().get_authenticated_user(*args, **kwargs)
        if user is not None and allowing(self.allow)(user) is None:
            raise HTTPError(403, f"{user} is not among those who may come in. Ask whoever "
                                 "runs this server, or sign in with another account.")
        return user

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        problem = kwargs.get("exc_info", (None, None))[1]
        told = problem.log_message if isinstance(problem, HTTPError) else None
        for name in KEPT:
            self.clear_cookie(name)
        self.set_status(status_code)       # the reason may be a word of the provider's
        self.finish(page(self, "Not signed in", (
            f"<p>{html.escape(told or 'The provider could not be asked.')}</p>"
            f'<p><a href="{self.prefix}/login">Try again</a></p>')))


def handler(terms: Terms) -> type[Elsewhere]:
    """The handler of a provider."""
    return type("SignInElsewhere", (Elsewhere, AUTH_PROVIDERS[terms.provider]),
                {"prefix": terms.path(), "allow": terms.allow})


def allowing(allow: tuple[str, ...]) -> Callable[[str], str | None]:
    """Tell of a name that a provider gave whether it is on the list, or of a domain that is.

    Examples
    --------
    >>> admits = allowing(("@example.org", "ada"))
    >>> admits("Eve@Example.org"), admits("ada"), admits("x@an-example.org")
    ('Eve@Example.org', 'ada', None)
    """
    wanted = [each.lower() for each in allow if each]

    def admits(name: str) -> str | None:
        small = name.lower()
        found = any(small.endswith(each) if each.startswith("@") else small == each
                    for each in wanted)
        return name if found and name.isprintable() else None

    return admits
