"""What runs, keys and files may be called, so that no name leads out of the store."""

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

__all__ = ["ENVIRONMENTS", "ID", "KEY", "PLAIN", "PREFIX", "StoreError", "address", "below",
           "checked_key", "inside", "new_id"]

ID = re.compile(r"\d{8}T\d{6}Z-[A-Za-z0-9_]+-[0-9a-f]{8}-[0-9a-f]{6}", re.ASCII)
KEY = re.compile(r"[0-9a-f]{8,64}", re.ASCII)
PREFIX = re.compile(r"[0-9a-f]{4,64}", re.ASCII)
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ -]*", re.ASCII)
ENVIRONMENTS = "_environments"  # folder that only a store has: packages of each environment
LONGEST = 60  # of a name inside an identifier, so that hidden names fit a file system's 255 bytes


class StoreError(OSError):
    """A run could not be saved or fetched; the store itself is as it was before."""

    def __str__(self) -> str:
        # The cause is told in words, so its number would only be in the way.
        cause = self.strerror or super().__str__()
        return f"{cause}: {self.filename!r}" if self.filename else cause


def new_id(name: str, key: str) -> str:
    """Identifier of a new run: when, what, which key, and six random digits.

    Parameters
    ----------
    name : str
        Name of the study or notebook; what no file name holds everywhere becomes ``_``.
    key : str
        Hash of the run, at least 8 hexadecimal digits.

    Raises
    ------
    ValueError
        If the key is none.
    """
    checked_key(key)
    word = re.sub(r"[^A-Za-z0-9_]+", "_", name)[:LONGEST] or "notebook"
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    # Random digits, not the clock, keep two runs apart: clocks are set back.
    return f"{stamp}-{word}-{key[:8]}-{secrets.token_hex(3)}"


def checked_key(key: str) -> str:
    """The key, or ValueError when it is none."""
    if not (isinstance(key, str) and KEY.fullmatch(key)):
        raise ValueError(f"key must be 8 to 64 hexadecimal digits, got {key!r}. "
                         "Take it from fingerprint.key_of().")
    return key


def inside(path: Path, root: Path) -> bool:
    """Whether a path, its links followed, lies in a folder."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a loop of links leads nowhere
        return False


def below(path: str) -> str:
    """Path of a file below a store, unchanged, when no file system could read it otherwise.

    Raises
    ------
    ValueError
        If the path is absolute, climbs, is encoded or holds a character that some system forbids.
    """
    parts = path.split("/")
    climbs = any(part in ("", ".", "..") for part in parts)
    if climbs or re.search(r"[\x00-\x1f\\:%?*]", path) or path.startswith("~"):
        raise ValueError(f"path must be relative to the store and stay in it, got {path!r}. "
                         "Name a file below the store with plain words and '/'.")
    return path


def address(root: str | Path) -> tuple[str, Path | None]:
    """URL of a remote store and nothing, or a local folder as text and as path."""
    text = str(root)
    if isinstance(root, str) and "://" in root:
        parts = urlsplit(root)
        if parts.scheme not in ("file", "local"):
            return text.rstrip("/"), None
        text = url2pathname(unquote(parts.path))
    folder = Path(text).expanduser().absolute()
    return str(folder), folder
