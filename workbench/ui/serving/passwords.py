"""Users with hashed passwords, and the secrets that sign cookies and sessions."""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.core import places

__all__ = ["Users", "add_user", "secret", "users_file"]

# About 60 ms and 32 MiB for each attempt.
COST, BLOCK, LANES = 2**15, 8, 1
MEMORY = 256 * COST * BLOCK
SHORTEST = 10
NAME = re.compile(r"[\w.@+-]{1,64}")


def users_file() -> Path:
    """Where users are kept: ``WORKBENCH_USERS`` or the user's folder of settings."""
    named = os.environ.get("WORKBENCH_USERS")
    if named:
        return Path(named).expanduser().resolve()
    home = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA")
    return (Path(home) if home else Path.home() / ".config") / "workbench" / "users.json"


def add_user(file: Path, name: str, password: str) -> None:
    """Add a user, or give one a new password; only its hash is kept.

    Raises
    ------
    ValueError
        If the name has odd characters or the password is short.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"name must be 1 to 64 letters, digits, or . _ @ + -, got {name!r}. "
                         "Choose another.")
    if len(password) < SHORTEST:
        raise ValueError(f"password must have at least {SHORTEST} characters, got "
                         f"{len(password)}. Choose a longer one, such as four words.")
    users = dict(_read(file)) if file.exists() else {}
    users[name] = _hashed(password)
    _write(file, json.dumps(users, indent=1, sort_keys=True))


def secret(purpose: str) -> bytes:
    """Thirty-two random bytes as hexadecimal digits, made at first use and kept for restarts."""
    file = places.cache() / "secrets" / purpose
    if not file.exists():
        _write(file, secrets.token_hex(32))
    told = file.read_text(encoding="ascii").strip()
    if file.stat().st_mode & 0o077 or len(told) < 64:
        raise ValueError(f"{file} must be readable by its owner only and hold 64 digits. "
                         "Remove it, and a new one is made; visitors sign in again.")
    return told.encode("ascii")


@dataclass(frozen=True)
class Users:
    """Users of a file, read anew whenever it is asked, so that removing one locks them out."""

    file: Path

    def check(self) -> None:
        """Refuse a file that is missing, empty, or open to others.

        Raises
        ------
        ValueError
            With the command that mends it.
        """
        if not self.file.exists() or not _read(self.file):
            raise ValueError(f"users must name at least one, but {self.file} has none. Add one: "
                             "workbench serve --add-user NAME.")
        if self.file.stat().st_mode & 0o077:
            raise ValueError(f"{self.file} must be readable by its owner only. "
                             f"Run: chmod 600 {self.file}")

    def accepts(self, name: str, password: str) -> bool:
        """Whether the password is right; an unknown name takes just as long."""
        known = _read(self.file).get(name)
        right = _matches(password, known or DECOY)
        return right and known is not None

    def mark(self, name: str) -> str:
        """What a cookie carries of the password, so that a new one ends old visits."""
        known = _read(self.file).get(name, "")
        return hashlib.sha256(known.encode()).hexdigest()[:16] if known else ""


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(16)
    parts = (base64.b64encode(part).decode() for part in (salt, _stretched(password, salt)))
    return "$".join(["scrypt", str(COST), str(BLOCK), str(LANES), *parts])


def _matches(password: str, kept: str) -> bool:
    try:
        _, cost, block, lanes, salt, digest = kept.split("$")
        made = hashlib.scrypt(password.encode(), salt=base64.b64decode(salt), n=int(cost),
                              r=int(block), p=int(lanes), maxmem=MEMORY, dklen=32)
        return hmac.compare_digest(made, base64.b64decode(digest))
    except ValueError:
        return False


def _stretched(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK, p=LANES,
                          maxmem=MEMORY, dklen=32)


DECOY = "$".join(["scrypt", str(COST), str(BLOCK), str(LANES),
                  base64.b64encode(bytes(16)).decode(), base64.b64encode(bytes(32)).decode()])


def _read(file: Path) -> Mapping[str, str]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise ValueError(f"{file} must be a JSON file of users, but cannot be read ({problem}). "
                         "Remove it and add the users again.") from None
    return told if isinstance(told, dict) else {}


def _write(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    part.replace(file)
