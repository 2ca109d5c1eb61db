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
    "youtube-spam/train.tsv":
        "fc0602e36a5aa923d6f11f593b1658146bf695962d543b3e6a821868b29d5318",
    "youtube-spam/train_tfidf.npz":
        "a4a50a533efd6c8edfedeeb8b30b1b3c83105d8fef81df0402b4240ad7cc3812",
    "youtube-spam/valid.tsv":
        "bfafd509fac67a96fe625cf3d354af089d289bfdbad205508adefc2db8efce59",
    "youtube-spam/valid_tfidf.npz":
        "a70fc1acc96fd19459d83701bd92d67a0d7c53e22c4da4a8907cdfa0f652a7d7",
    "youtube-spam/test.tsv":
        "db64c754d80c6f45111750352cdeb8398f38fc4966460240ceca07ac793c2d2e",
    "youtube-spam/test_tfidf.npz":
        "0b35adb5602030848abf9f50cd24a97ba64f6878b5274ee97c9e7bae7f52a1a5",
    "sms-spam/train.tsv":
        "237476490f6d4f337ae374c2a82845b31d0d6352c2eecd6b1dcd239e85c268d3",
    "sms-spam/train_tfidf.npz":
        "7f5faa6702e591c6404fea408c13f859c610b2352a7c42396cc8afb2e0a2ad7b",
    "sms-spam/valid.tsv":
        "32e3ad622cb66aca6420c9b03d83670ada3bc765f5c650145432eb912cf00b36",
    "sms-spam/valid_tfidf.npz":
        "eda1691d843f7cb94fb1a96d36eeb041458d07100ed74e550787aefafb267bac",
    "sms-spam/test.tsv":
        "60d25d571d7c4bee8ebca0cfa26de013088ad9a7383601e902fbd251273d90dd",
    "sms-spam/test_tfidf.npz":
        "2d9cea900139a6650a24082f7a3407fdc69ed043c1dbce3a397bc097ad2670b0",
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
