"""Write a file beside its place and move it there whole, so that nobody reads a part of it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["MARK", "replacing"]

MARK = r"\.[0-9a-f]{6}\.partial"  # pattern of what follows a file's name until it is whole


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Hidden sibling to write to, of this writer alone; it takes the file's place at the end.

    Readers see the old file or the new one. After a failure the old one stays and the sibling is
    removed; only a process that is killed leaves it.

    Parameters
    ----------
    path : Path
        The file to write, in a folder that exists.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(3)}.partial")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        with suppress(OSError):  # the failure itself is what the caller must hear
            partial.unlink()
        raise
