"""The layout of the public zoos: one folder per network, its settings, results and checkpoints.

    <network>/params.json                  settings under flat names such as ``model::width``
    <network>/result.json                  one JSON object per line, line number = epoch
    <network>/checkpoint_000115/checkpoints    a PyTorch state dict of that epoch

Settings and measures get our names and units; a state dict is read without running code. Source:
K. Schürholt et al., A model zoo on phase transitions in neural networks, arXiv:2504.18072.
"""

import json
import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from workbench.landscape import zoo
from workbench.landscape.zoo_files import replaced

__all__ = ["RESULTS", "SETTINGS", "export_public", "import_public", "public_params",
           "public_table"]

SETTINGS = {"width": "model::width", "batch_size": "training::batchsize",
            "learning_rate": "optim::lr", "weight_decay": "optim::wd",
            "momentum": "optim::momentum", "epochs": "training::epochs_train", "seed": "seed"}
RESULTS = {"loss": "train_loss", "train_accuracy": "train_acc", "test_loss": "test_loss",
           "test_accuracy": "test_acc", "trace": "hessian_trace_train",
           "similarity": "representation_similarity", "connectivity": "curve_mc_train_error"}
SHARES = frozenset({"train_accuracy", "test_accuracy"})       # percent here, shares there
CHECKPOINT = "checkpoint_{epoch:06}/checkpoints"


def public_table(source: str | Path, *, epoch: int | None = None) -> pd.DataFrame:
    """Settings and results of every network of a public zoo, without its parameters.

    Parameters
    ----------
    source : str or Path
        The folder of the zoo.
    epoch : int >= 0, optional
        Which results; None takes the last checkpoint of each network.

    Returns
    -------
    table : DataFrame
        One row per network: folder, epoch, our names of `SETTINGS` and `RESULTS` (accuracies in
        percent), and every other plain setting under its public name.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no network, or naming the file that is missing or damaged.
    """
    folders = _networks(Path(source).expanduser())
    return pd.DataFrame([_row_of(folder, _epoch_of(folder, epoch)) for folder in folders])


def public_params(folder: str | Path, *, epoch: int | None = None) -> dict[str, Tensor]:
    """State dict of one network of a public zoo.

    Parameters
    ----------
    folder : str or Path
        The folder of the network.
    epoch : int >= 0, optional
        None takes the last checkpoint.

    Raises
    ------
    FileNotFoundError, ValueError
        If the checkpoint is missing, damaged, or holds more than tensors.
    """
    place = Path(folder).expanduser()
    path = place / CHECKPOINT.format(epoch=_epoch_of(place, epoch))
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint must lie at {path}, but no file is there. Epochs "
                                f"here: {', '.join(map(str, _epochs(place))) or 'none'}.")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ValueError(f"checkpoint must be a PyTorch state dict of tensors alone, but {path} "
                         f"is not: {_first_sentence(error)} Download it again, and trust no "
                         "other pickled file.") from error
    if not (isinstance(found, Mapping) and found
            and all(isinstance(tensor, Tensor) for tensor in found.values())):
        raise ValueError(f"checkpoint must hold tensors by name, but {path} holds "
                         f"{type(found).__name__}. Pass the state dict of the model.")
    return dict(found)


def import_public(source: str | Path, folder: str | Path, *, epoch: int | None = None,
                  title: str = "Imported zoo", licence: str = "CC BY 4.0") -> zoo.Zoo:
    """Read a public zoo at one epoch and save it as one of ours.

    Parameters
    ----------
    source, folder : str or Path
        Where the public zoo is, and where ours goes.
    epoch : int >= 0, optional
        None takes the last checkpoint of each network.
    title, licence : str
        Of the model card.

    Notes
    -----
    Holds all networks in memory once.
    """
    table = public_table(source, epoch=epoch)
    at = Path(source).expanduser()
    states = [public_params(at / name, epoch=int(of)) for name, of in
              zip(table["folder"].astype(str), table["epoch"], strict=True)]
    return zoo.save(folder, states, table, title=title, licence=licence,
                    about=f"Read from {Path(source).name} in the layout of the public zoos.")


def export_public(found: zoo.Zoo, folder: str | Path, *, epoch: int = 0) -> Path:
    """Write a zoo in the public layout.

    Parameters
    ----------
    found : Zoo
    folder : str or Path
        New or empty.
    epoch : int >= 0
        The epoch that parameters and measures belong to; lines of earlier epochs say nothing but
        their number.

    Returns
    -------
    folder : Path
    """
    if not epoch >= 0:
        raise ValueError(f"epoch must be >= 0, got {epoch!r}. Pass 0 if it is not known.")
    place = Path(folder).expanduser().absolute()
    table = found.table().set_index("model")
    with replaced(place, overwrite=False) as beside:
        for model, params in found:
            row = {str(name): value for name, value in table.loc[model].items()}
            own = beside / f"model_{model:05}"
            checkpoint = own / CHECKPOINT.format(epoch=epoch)
            checkpoint.parent.mkdir(parents=True)
            settings = {SETTINGS.get(name, name): _plain(value) for name, value in row.items()
                        if name not in RESULTS}
            (own / "params.json").write_text(json.dumps(settings), encoding="utf-8")
            lines: list[dict[str, Any]] = [{"training_iteration": at} for at in range(epoch)]
            lines.append({"training_iteration": epoch, "config": settings, **{
                RESULTS[name]: _plain(value, 0.01 if name in SHARES else 1.0)
                for name, value in row.items() if name in RESULTS}})
            (own / "result.json").write_text("".join(json.dumps(line) + "\n" for line in lines),
                                             encoding="utf-8")
            torch.save(params, checkpoint)
    return place


def _networks(source: Path) -> list[Path]:
    found = sorted(path.parent for path in source.glob("*/result.json"))
    if not found:
        raise FileNotFoundError(f"source must hold a folder with result.json per network, but "
                                f"{source} has none. Unpack the zoo, and name its folder.")
    return found


def _epochs(folder: Path) -> list[int]:
    numbers = (path.parent.name.rpartition("_")[2] for path in
               folder.glob("checkpoint_*/checkpoints"))
    return sorted(int(number) for number in numbers if number.isdecimal())


def _epoch_of(folder: Path, epoch: int | None) -> int:
    if epoch is not None:
        return epoch
    epochs = _epochs(folder)
    if not epochs:
        raise FileNotFoundError(f"network must have a checkpoint, but {folder} has none. Pass the "
                                "epoch whose results you want.")
    return epochs[-1]


def _row_of(folder: Path, epoch: int) -> dict[str, Any]:
    result = _result(folder / "result.json", epoch)
    nested = result.pop("config", {})
    settings = {**nested, **next((_json(path) for path in (
        folder / "params.json", folder / "config.json") if path.is_file()), {})}
    row: dict[str, Any] = {"folder": folder.name, "epoch": epoch}
    row |= {name: settings.pop(public, None) for name, public in SETTINGS.items()}
    for name, public in RESULTS.items():
        value = result.get(public)
        row[name] = math.nan if value is None else float(value) * (100 if name in SHARES else 1)
    return row | {name: value for name, value in settings.items()
                  if name not in row and isinstance(value, bool | int | float | str)}


def _result(path: Path, epoch: int) -> dict[str, Any]:
    """The line of an epoch, by the number that it tells, else by its place."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if epoch < len(lines):
        found = _parsed(lines[epoch], path, epoch + 1)
        if found.get("training_iteration", epoch) == epoch:
            return found
    for number, line in enumerate(lines, start=1):
        found = _parsed(line, path, number)
        if found.get("training_iteration") == epoch:
            return found
    raise ValueError(f"epoch must be one of the {len(lines)} of {path}, got {epoch}. Name another "
                     "epoch, or download the file again.")


def _parsed(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {number} of {path} must be a JSON object, but it is not: {error}. "
                         "Download the file again.") from error
    if not isinstance(found, dict):
        raise ValueError(f"line {number} of {path} must be a JSON object, got "
                         f"{type(found).__name__}. Download the file again.")
    return found


def _json(path: Path) -> dict[str, Any]:
    return _parsed(path.read_text(encoding="utf-8"), path, 1)


def _plain(value: Any, factor: float = 1.0) -> Any:
    """JSON-ready value; what is missing becomes null."""
    found = value.item() if hasattr(value, "item") else value
    if isinstance(found, float):
        return found * factor if math.isfinite(found) else None
    return found


def _first_sentence(error: Exception) -> str:
    return str(error).strip().split("\n")[0].split(". ")[0].rstrip(".") + "."
