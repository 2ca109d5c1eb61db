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
    "uci-regression/concrete.csv":
        "4676aabba06202bb6d3cccc2974054b17d2fa9465e3e31a65f85bfcf4e48cff1",
    "uci-regression/energy.csv":
        "e530cdb598c8d904f812874dc9f7f15df3961a462684a074d2956f578d586a0b",
    "uci-regression/power_plant.csv":
        "a7e9a35a8f7cf83839edf236adfc8ac5c8e5e73b194fa90e34e53a2f4f86d0a5",
    "uci-regression/wine_quality_red.csv":
        "764087921bae232dd4aa5ae0bdd22a122541d26eb3645f3f0427c96dd51cb9ee",
    "uci-regression/yacht.csv":
        "2a8c2cc97e4a6cbb2a1cf7a0570076b50973374c1643442aa48de1417a33db30",
    "fashion-mnist-4k/fashion_mnist_4k.npz":
        "25970e7f74fb33c23959df061e06db63229f8a00caf53afb1a803929ffb810b8",
    "mnist-10k/mnist_10k.npz":
        "af5595f05f0cc260498196e07655cfa443d2d96874d5ba0dcfeaea06defbda81",
    "loss-landscape-taxonomy-grid/cells.csv":
        "865eddbcd80c5c99e7922baa56322be8c3b8aa5849583686918abd0d1e4e902d",
    "loss-landscape-taxonomy-grid/models.csv":
        "10f5e62d8d0443404e27b2c2a09f42f55459b03e5ea2fd4e7a7ed0fd686d8769",
    "panchen/panchen.csv":
        "bf9a8c6dd40911bfaff9e62b4809ae405bea06f623ca6e4b8fd419d943840b62",
    "uci-accuracies/uci_classifiers.csv":
        "bc5cb76fd35db6290ae1ae3f2d1379f64026f893276855ed932221f02e156351",
    "uci-accuracies/anneal_folds.csv":
        "5e135517f656f1256ba77f630e925e77dd307b70e0d01ab0003f699f3eb7ff21",
    "soup/soup.csv":
        "f93d620fc8b49fa30ba1b898c9fe476303232ce2e20dae19fb28e58343dea967",
    "prediabetes/prediabetes.csv":
        "a4a37470760cfd4e28bd6bbb0d9988fdb594bff87df1190c9e5345a361786713",
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
