"""Shards, checksums, recipes and the renaming of a zoo's folder."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from workbench.landscape.members import Tensors
from workbench.train.models import MLP, ConvNet

__all__ = ["PLACES", "build_from", "digest", "recipe_of", "replaced", "shards_of",
           "write_shards"]

PLACES = ("model", "shard", "row", "sha256", "recipe")


def digest(params: Tensors) -> str:
    """The sha256 of tensors: names, shapes, types and bytes, in the order of names."""
    found = hashlib.sha256()
    for name in sorted(params):
        tensor = params[name].contiguous().cpu()
        found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        if tensor.numel():
            found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def shards_of(states: Sequence[Tensors], largest: int) -> list[list[int]]:
    """Positions of networks that share a shard: of one shape, at most `largest` bytes together."""
    groups: dict[tuple[Any, ...], list[list[int]]] = {}
    for place, state in enumerate(states):
        form = tuple((name, tuple(tensor.shape), tensor.dtype) for name, tensor in state.items())
        size = sum(tensor.nbytes for tensor in state.values())
        parts = groups.setdefault(form, [[]])
        if parts[-1] and (len(parts[-1]) + 1) * size > largest:
            parts.append([])
        parts[-1].append(place)
    return [part for parts in groups.values() for part in parts]


def write_shards(folder: Path, states: Sequence[Tensors],
                 shards: Sequence[Sequence[int]]) -> dict[str, list[Any]]:
    """Write each shard; where each network lies, as columns shard and row."""
    folder.mkdir()
    names, rows = [""] * len(states), [0] * len(states)
    for number, places in enumerate(shards):
        stacked = {name: torch.stack([states[place][name] for place in places])
                   for name in states[places[0]]}
        save_file(stacked, folder / f"{number:05}.safetensors")
        for row, place in enumerate(places):
            names[place], rows[place] = f"{number:05}.safetensors", row
    return {"shard": names, "row": rows}


def recipe_of(model: nn.Module | Tensors) -> dict[str, Any]:
    """How to build an empty network of this shape; nothing for modules of others."""
    if isinstance(model, MLP):
        first, last = model.layers[0], model.layers[-1]
        return {"kind": "MLP", "inputs": first.in_features, "width": model.width,
                "outputs": last.out_features, "depth": model.depth,
                "activation": model.activation}
    if isinstance(model, ConvNet):
        return {"kind": "ConvNet", "channels": model.convs[0].in_channels, "width": model.width,
                "outputs": model.head.out_features, "stages": model.stages, "norm": model.norm}
    return {}


def build_from(recipe: dict[str, Any], model: int) -> nn.Module:
    """An empty network by its recipe."""
    options = dict(recipe)
    kinds: dict[str, Any] = {"MLP": MLP, "ConvNet": ConvNet}
    kind = options.pop("kind", None)
    if kind not in kinds:
        raise ValueError(f"build must be given for model {model}, whose module is none of "
                         f"{', '.join(kinds)}. Pass a function that makes an empty network, or "
                         "read params().")
    return kinds[kind](**options, generator=torch.Generator().manual_seed(0))


@contextmanager
def replaced(place: Path, *, overwrite: bool) -> Iterator[Path]:
    """A folder beside `place` that becomes it when all went well."""
    if place.exists() and not overwrite and (place.is_file() or any(place.iterdir())):
        raise ValueError(f"folder must be new or empty, but {place} holds something. Pass "
                         "overwrite=True to replace a zoo, or another folder.")
    if overwrite and place.is_dir() and any(place.iterdir()) \
            and not (place / "index.parquet").is_file():
        raise ValueError(f"folder must be a zoo to be replaced, but {place} has no "
                         "index.parquet. Name another folder.")
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    try:
        yield beside
        beside.chmod(0o777 & ~_umask())
        _exchange(beside, place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _exchange(beside: Path, place: Path) -> None:
    """Let a folder take the place of another, which is deleted once that is done."""
    if not place.exists():
        beside.rename(place)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{place.name}.old.", dir=place.parent))
    place.rename(aside / place.name)
    try:
        beside.rename(place)
    except OSError:
        (aside / place.name).rename(place)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now
