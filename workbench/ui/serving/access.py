"""How visitors sign in: not at all, with a password kept here, or with an account elsewhere."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tornado.web import RequestHandler

from workbench.ui.serving import sign_in_elsewhere
from workbench.ui.serving.passwords import Users, secret, users_file
from workbench.ui.serving.patience import Door
from workbench.ui.serving.sign_in import SignIn, SignOut, admitting
from workbench.ui.serving.terms import Terms

__all__ = ["Access", "access_of", "quiet", "tell"]


@dataclass(frozen=True)
class Access:
    """Routes, options of the server, and who is admitted; nobody is asked without `admits`."""

    secret: bytes
    admits: Callable[[str], str | None] | None = None
    routes: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


def access_of(terms: Terms, url: str) -> Access:
    """What the terms ask for, of a server that browsers reach at `url`.

    Raises
    ------
    ValueError
        If users or the key of the provider are missing.
    """
    cookie = secret("cookies")
    if terms.auth is None:
        return Access(cookie)
    leave = (r"/logout", SignOut, {"prefix": terms.path()})
    if terms.auth == "basic":
        users = Users(terms.users or users_file())
        users.check()
        enter = (r"/login", SignIn, {"users": users, "door": Door(), "prefix": terms.path()})
        return Access(cookie, admitting(users), (enter, leave))
    options = sign_in_elsewhere.flow(terms, terms.seen_at() or url)
    return Access(cookie, sign_in_elsewhere.allowing(terms.allow),
                  ((r"/login", sign_in_elsewhere.handler(terms)), leave), options)


def tell(handler: RequestHandler) -> None:
    """One line for each answer; what follows a question mark may be a secret and is left out."""
    request = handler.request
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    path = request.path.encode("unicode_escape").decode()
    sys.stderr.write(f"{now} {request.remote_ip} {request.method} {path} "
                     f"{handler.get_status()} {1000 * request.request_time():.0f} ms\n")


def quiet(handler: RequestHandler) -> None:
    """Tell nothing; failures of a handler are logged where they happen."""
