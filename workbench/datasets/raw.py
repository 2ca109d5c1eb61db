"""Shipped files of ``data/raw``, handed out only when their checksum is right."""

import hashlib
from pathlib import Path

from workbench.core import check, places

__all__ = ["CHECKSUMS", "checksum", "raw_file"]

CHECKSUMS = {
    "us-presidents-approval/presidents.csv":
        "4f6d8259e6e03d20843b2cf1ec6e8cca1af265187a2838ae20f3bacb63485b97",
    "fomc-statements/statements.jsonl":
        "e20672138d13a140381993bc0cbfbb91860122e9099ac9f2343bb816fdf53ed0",
    "fomc-statements/lexicon_outlook.json":
        "d9703a5561dc2881777e5cd23c83b647d552f664fdadd10147ea5b166a68e536",
}


def raw_file(name: str) -> Path:
    """Path of a shipped file whose content has been verified.

    Parameters
    ----------
    name : str
        Path below ``data/raw``, one of `CHECKSUMS`.

    Raises
    ------
    ValueError
        If there is no such shipped file, or if its content is not the shipped one.
    FileNotFoundError
        If the data folder lacks it, as in an installation without the repository.
    """
    check.one_of(CHECKSUMS, name=name)
    path = places.raw_data() / name
    if not path.is_file():
        raise FileNotFoundError(
            f"shipped data must lie at {path}, but no file is there. Data come with the "
            "repository, not with the wheel: run inside a checkout, or set WORKBENCH_ROOT to one.")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != CHECKSUMS[name]:
        raise ValueError(
            f"{name} must have the sha256 {CHECKSUMS[name]}, got {found}. The file was changed: "
            f"restore it with `git checkout -- data/raw/{name}`, or analyse your version as a "
            "file of your own.")
    return path


def checksum(names: tuple[str, ...]) -> str:
    """The sha256 of a shipped file; of their checksums in order where a table has several."""
    digests = [CHECKSUMS[name] for name in names]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()
