"""A zoo of networks on disk: stacked tensors in shards, one Parquet index, one card.

    zoo/index.parquet                  one row per network: what it is, where it lies, its checksum
    zoo/shards/00000.safetensors       tensors of networks of one shape, stacked on the first axis
    zoo/README.md                      the model card

A network is read alone, without the rest of its shard, and checked against its checksum. Nothing
is pickled. A zoo is written beside its place and renamed, so that it is there whole or not at all.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from pyarrow.parquet import read_schema
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from workbench.core import check
from workbench.landscape.members import Tensors
from workbench.landscape.zoo_card import model_card
from workbench.landscape.zoo_files import (
    PLACES,
    build_from,
    digest,
    recipe_of,
    replaced,
    shards_of,
    write_shards,
)
from workbench.train.stack import Stack

__all__ = ["Zoo", "open", "save"]

SHARD_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Zoo:
    """Networks on disk, read when they are asked for.

    Parameters
    ----------
    path : Path
    places : DataFrame
        Where each network lies: model, shard, row, sha256, recipe.
    """

    path: Path
    places: pd.DataFrame

    def __len__(self) -> int:
        return len(self.places)

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return (self.path / "README.md").read_text(encoding="utf-8")

    def table(self, columns: Sequence[str] | None = None,
              filters: Sequence[tuple[str, str, Any]] | None = None) -> pd.DataFrame:
        """What is known of the networks, without their parameters.

        Parameters
        ----------
        columns : sequence of str, optional
            Columns to read, beside model; None reads all that :func:`save` was given.
        filters : sequence of (column, operator, value), optional
            Rows to read, as in :func:`pandas.read_parquet`, for instance ``("width", ">=", 16)``.
        """
        named = None if columns is None else ["model", *columns]
        known = read_schema(self.path / "index.parquet").names
        for name in (*(columns or ()), *(one[0] for one in filters or ())):
            check.one_of(known, column=name)
        found = pd.read_parquet(self.path / "index.parquet", columns=named,
                                filters=None if filters is None else list(filters))
        return found.drop(columns=[name for name in PLACES[1:] if name in found])

    def params(self, model: int) -> dict[str, Tensor]:
        """Parameters and buffers of one network.

        Raises
        ------
        ValueError, FileNotFoundError
            If there is no such network, or if its file is missing or was changed.
        """
        place = self._place(model)
        with self._shard(place["shard"]) as shard:
            found = {name: _row(shard, name, place["row"]) for name in shard.keys()}  # noqa: SIM118
        if digest(found) != place["sha256"]:
            raise ValueError(f"model {model} must have the sha256 {place['sha256']}, got "
                             f"{digest(found)}: {place['shard']} was changed. Restore the file, "
                             "or save the zoo again.")
        return found

    def model(self, model: int,
              build: Callable[[pd.Series], nn.Module] | None = None) -> nn.Module:
        """One network, in evaluation mode.

        Parameters
        ----------
        model : int
        build : function of a row of the table giving a module, optional
            Makes an empty network; not needed for those of :mod:`workbench.train.models`.
        """
        recipe = self._place(model)["recipe"]
        if build is None:
            found = build_from(json.loads(recipe), model)
        else:
            found = build(self.table(filters=[("model", "==", model)]).iloc[0])
        found.load_state_dict(self.params(model), assign=True)      # keeps their types
        return found.eval()

    def stacked(self, models: Sequence[int]) -> dict[str, Tensor]:
        """Tensors of several networks of one shape, stacked on the first axis."""
        from workbench.landscape.members import stacked_members

        return stacked_members([self.params(model) for model in models])

    def check(self) -> int:
        """Read every network against its checksum; how many there are.

        Raises
        ------
        ValueError, FileNotFoundError
            Naming the first network or file that is damaged or missing.
        """
        for model in self.places.index:
            self.params(int(model))
        return len(self)

    def __iter__(self) -> Iterator[tuple[int, dict[str, Tensor]]]:
        return ((int(model), self.params(int(model))) for model in self.places.index)

    def _place(self, model: int) -> dict[str, Any]:
        if model not in self.places.index:
            raise ValueError(f"model must be one of the {len(self)} of this zoo, "
                             f"{self.places.index.min()} to {self.places.index.max()}, got "
                             f"{model!r}. See table().")
        return {str(key): value for key, value in self.places.loc[model].items()}

    def _shard(self, name: str) -> Any:
        path = self.path / "shards" / name
        if not path.is_file():
            raise FileNotFoundError(f"shard must lie at {path}, but no file is there. Copy the "
                                    "whole folder of the zoo.")
        try:
            return safe_open(path, framework="pt")
        except SafetensorError as error:
            raise ValueError(f"shard must be a safetensors file, but {path} is not: {error}. "
                             "Restore the file, or save the zoo again.") from error


def save(  # noqa: PLR0913 - three words of the model card
        folder: str | Path, models: Sequence[nn.Module] | Sequence[Tensors] | Stack,
        table: pd.DataFrame, *, title: str = "Zoo of networks", about: str = "", licence: str = "",
        overwrite: bool = False) -> Zoo:
    """Write networks and what is known of them.

    Parameters
    ----------
    folder : str or Path
        The zoo's own folder, new unless `overwrite`.
    models : sequence of torch.nn.Module or of state dicts, or Stack
        Modules of :mod:`workbench.train.models` can be built again from the zoo alone.
    table : DataFrame, shape (k, p)
        One row per network in the same order: settings and measures. Columns model, shard, row,
        sha256 and recipe are the zoo's own.
    title, about, licence : str
        Of the model card.
    overwrite : bool
        Replace the zoo that is there.

    Returns
    -------
    zoo : Zoo

    Raises
    ------
    ValueError
        If rows and networks differ in number, a column has a name of the zoo's own, or the folder
        holds something.
    """
    if isinstance(models, Stack):
        models = [models.model(k) for k in range(len(models))]
    _refuse_mismatch(models, table)
    place = Path(folder).expanduser().absolute()
    states = [{name: tensor.detach().cpu() for name, tensor in
               (model.state_dict() if isinstance(model, nn.Module) else model).items()}
              for model in models]
    recipes = [json.dumps(recipe_of(model)) for model in models]
    with replaced(place, overwrite=overwrite) as beside:
        shards = shards_of(states, SHARD_BYTES)
        rows = write_shards(beside / "shards", states, shards)
        index = table.reset_index(drop=True).assign(
            model=range(len(states)), **rows, sha256=[digest(state) for state in states],
            recipe=recipes)
        index[[*PLACES, *table.columns]].to_parquet(beside / "index.parquet", index=False)
        card = model_card(table, states, title=title, about=about, licence=licence)
        (beside / "README.md").write_text(card, encoding="utf-8")
    return open(place)


def open(path: str | Path) -> Zoo:  # noqa: A001 - zoo.open(path) reads as what it does
    """A zoo on disk; only its index is read.

    Parameters
    ----------
    path : str or Path
        The folder that :func:`save` wrote.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no zoo, or if its index is damaged.
    """
    folder = Path(path).expanduser().absolute()
    index = folder / "index.parquet"
    if not index.is_file():
        raise FileNotFoundError(f"path must be the folder of a zoo, but {folder} has no "
                                "index.parquet. Save one with zoo.save(), or import a public one.")
    try:
        places = pd.read_parquet(index, columns=list(PLACES)).set_index("model")
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"index must be a Parquet file with columns {', '.join(PLACES)}, but "
                         f"{index} is not: {error}. Restore it, or save the zoo again.") from error
    return Zoo(folder, places)


def _row(shard: Any, name: str, row: int) -> Tensor:
    part = shard.get_slice(name)
    found = part[row:row + 1]
    return torch.as_tensor(found)[0]


def _refuse_mismatch(models: Sequence[Any], table: pd.DataFrame) -> None:
    if not len(models):
        raise ValueError("models must hold at least one network, got none. Pass a list.")
    check.same_length(models=models, table=table)
    own = sorted({*table.columns} & {*PLACES})
    if own or not table.columns.is_unique:
        raise ValueError("table must have unique columns other than "
                         f"{', '.join(PLACES)}, got {', '.join(own) or 'a column twice'}. "
                         "Rename them.")
