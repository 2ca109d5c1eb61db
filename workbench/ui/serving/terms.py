"""The terms on which pages are served: to whom, under which names, and what visitors may do."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["SESSIONS", "Terms", "is_loopback"]

SESSIONS = 200           # open pages of one server
WORKERS = 64             # most processes
METHODS = ("basic", "oauth")
PREFIX = re.compile(r"(/[\w~-][\w.~-]*)*", re.ASCII)


@dataclass(frozen=True)
class Terms:
    """Who may see the pages, and what they may do there.

    Parameters
    ----------
    auth : {"basic", "oauth"}, optional
        How visitors sign in; without it only this machine is served.
    users : Path, optional
        File of users and hashed passwords for "basic"; that of :func:`users_file` if not given.
    provider : str
        For "oauth": "google", "github", "azure", "okta" or another that Panel knows.
    allow : tuple of str
        For "oauth": who may come in, as ``ada@example.org`` or ``@example.org`` for everybody
        there, or the name that the provider gives.
    origins : tuple of str
        Names under which browsers reach this server, such as ``https://team.example.org``; the
        address itself and, on loopback, ``localhost`` always hold. The first is the one to which
        a provider sends visitors back; if all begin with ``https://``, cookies need https.
    prefix : str
        Path below which everything lies, for a reverse proxy.
    allow_run : bool
        Whether visitors from elsewhere may start runs, which execute code on this machine.
    read_only : bool
        Whether nobody may.
    lab : str, optional
        Address of a JupyterLab to which pages link.
    sessions : int
        Most pages open at once; more visitors are asked to wait.
    workers : int
        Processes that serve side by side; each takes its part of `sessions`.
    access_log : bool
        Whether each answer is written to standard error.
    """

    auth: str | None = None
    users: Path | None = None
    provider: str = ""
    allow: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    prefix: str = ""
    allow_run: bool = False
    read_only: bool = False
    lab: str | None = None
    sessions: int = SESSIONS
    access_log: bool = False
    workers: int = 1

    def check(self, address: str) -> None:
        """Refuse what would let anybody in.

        Raises
        ------
        ValueError
            Naming the term, its rule, its value and a remedy.
        """
        if self.auth not in (None, *METHODS):
            raise ValueError(f"auth must be one of 'basic', 'oauth', got {self.auth!r}. "
                             "Leave it out to serve this machine only.")
        if not is_loopback(address):
            self._check_beyond(address)
        if self.auth == "oauth" and not (self.provider and self.allow):
            raise ValueError("allow and provider must be given with auth 'oauth', got "
                             f"{list(self.allow)} and {self.provider!r}, since otherwise "
                             "everybody with an account there could come in. Pass "
                             "--oauth-provider google --allow @example.org.")
        if self.sessions < 1:
            raise ValueError(f"sessions must be at least 1, got {self.sessions}. Leave it out "
                             f"for {SESSIONS}.")
        if not 1 <= self.workers <= WORKERS:
            raise ValueError(f"workers must lie between 1 and {WORKERS}, got {self.workers}. "
                             "Pass about as many as there are cores.")
        if not PREFIX.fullmatch(self.path()):
            raise ValueError("prefix must be a path of letters, digits and . _ ~ -, got "
                             f"{self.prefix!r}. Pass one such as --prefix /workbench.")

    def _check_beyond(self, address: str) -> None:
        try:
            beyond = ipaddress.ip_address(address)
        except ValueError:
            beyond = None
        if self.auth is None or beyond is None:
            raise ValueError(f"address must be a loopback address, got {address!r}, unless it is "
                             "one of this machine's and visitors sign in. Pass --auth basic "
                             "with it, or 127.0.0.1 and reach it through an ssh tunnel.")
        if beyond.is_unspecified and not self.origins:
            raise ValueError(f"origins must name this server when address is {address!r}. Pass "
                             "--origin with the name in the visitors' address bar, for instance "
                             "--origin team.example.org:5006.")

    def may_run(self, address: str) -> bool:
        """Whether pages offer to start runs: only here, or where it was allowed."""
        here = is_loopback(address) and self.auth is None and all(
            is_loopback(urlsplit(f"//{host}").hostname or "") for host in self._named())
        return not self.read_only and (here or self.allow_run)

    def path(self) -> str:
        """The prefix as paths begin with it: empty, or ``/workbench``."""
        stripped = self.prefix.strip("/")
        return f"/{stripped}" if stripped else ""

    def hosts(self, address: str, port: int) -> tuple[str, ...]:
        """Names with ports under which browsers may reach the server."""
        host = f"[{address}]" if ":" in address else address
        own = {f"{host}:{port}"}
        if is_loopback(address):
            own |= {f"localhost:{port}"}
        return tuple(sorted(own | set(self._named())))

    def seen_at(self) -> str:
        """Address that browsers know the server by, without its prefix; empty if none is named."""
        if not self.origins:
            return ""
        name = self.origins[0].rstrip("/")
        return name if "://" in name else f"https://{name}"

    def is_secure(self) -> bool:
        """Whether browsers reach the server by https alone, which a proxy ends."""
        return bool(self.origins) and all(name.startswith("https://") for name in self.origins)

    def trusts_proxy(self, address: str) -> bool:
        """Whether ``X-Forwarded-*`` holds: only from this machine, where a named proxy runs."""
        return bool(self.origins) and is_loopback(address)

    def _named(self) -> list[str]:
        named = (urlsplit(name).netloc if "://" in name else name for name in self.origins)
        return [host.rstrip("/") for host in named if host]


def is_loopback(address: str) -> bool:
    """Whether an address is reached from this machine only."""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
