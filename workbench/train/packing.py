"""States as tensors and JSON, never as pickled objects.

A state may hold tensors, arrays, numbers, words, networks, optimisers and generators, nested in
dictionaries, sequences and dataclasses. What cannot be made from numbers alone (networks,
optimisers, dataclasses) is filled into a fresh one when it is read.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

__all__ = ["load", "placed", "save"]


def save(folder: Path, name: str, state: Any) -> None:
    """Write ``name.safetensors`` and ``name.json``.

    Raises
    ------
    TypeError
        If the state holds something else than what the module's head lists.
    """
    from safetensors.torch import save_file

    tensors: dict[str, Tensor] = {}
    told = _packed(state, "", tensors)
    save_file(_apart(tensors), folder / f"{name}.safetensors")
    (folder / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")


def load(folder: Path, name: str, like: Any = None) -> Any:
    """Read what :func:`save` wrote; `like` is a fresh state that is filled.

    Raises
    ------
    ValueError
        If files are missing or damaged, or if `like` has another form.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(folder / f"{name}.safetensors")
        told = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        return _unpacked(told, tensors, like)
    except (OSError, SafetensorError, KeyError, TypeError, AttributeError, json.JSONDecodeError,
            RuntimeError) as wrong:
        raise ValueError(f"{folder.name} must hold a whole {name!r}, got {wrong}. Delete this "
                         "folder to go on from the one before it.") from wrong


def placed(state: Any, device: torch.device) -> Any:
    """The same state with its tensors and networks on a device.

    Examples
    --------
    >>> placed({"mean": torch.zeros(2), "steps": (0, "begun")}, torch.device("cpu"))
    {'mean': tensor([0., 0.]), 'steps': (0, 'begun')}
    """
    if isinstance(state, Tensor | nn.Module):
        return state.to(device)
    if isinstance(state, Mapping):
        return {key: placed(value, device) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return _sequence("list" if isinstance(state, list) else "tuple",
                         [placed(value, device) for value in state], state)
    if dataclasses.is_dataclass(state) and not isinstance(state, type):
        return dataclasses.replace(state, **{one.name: placed(getattr(state, one.name), device)
                                             for one in dataclasses.fields(state) if one.init})
    return state


def _packed(state: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(state, bool | int | float | str) or state is None:
        return state
    if isinstance(state, Tensor | np.ndarray | torch.Generator):
        tensors[path] = (state.get_state() if isinstance(state, torch.Generator)
                         else torch.as_tensor(state).detach())
        return {type(state).__name__ if not isinstance(state, Tensor) else "Tensor": path}
    if isinstance(state, Mapping):
        return {"map": [[key, _packed(value, f"{path}/{key}", tensors)]
                        for key, value in state.items()]}
    if isinstance(state, list | tuple):
        parts = [_packed(value, f"{path}/{at}", tensors) for at, value in enumerate(state)]
        return {"tuple" if isinstance(state, tuple) else "list": parts}
    if isinstance(state, nn.Module | Optimizer):
        return {"filled": _packed(state.state_dict(), path, tensors)}
    if dataclasses.is_dataclass(state):
        return {"fields": {one.name: _packed(getattr(state, one.name), f"{path}/{one.name}",
                                             tensors) for one in dataclasses.fields(state)}}
    raise TypeError(f"a state must be of tensors, numbers, networks and optimisers, got "
                    f"{type(state).__name__} at {path or 'its root'!r}. Keep something simpler.")


def _unpacked(told: Any, tensors: Mapping[str, Tensor], like: Any) -> Any:
    if not isinstance(told, dict):
        return told
    (kind, held), = told.items()
    if kind in ("Tensor", "ndarray", "Generator"):
        return _leaf(kind, tensors[held], like)
    if kind == "map":
        named = like if isinstance(like, Mapping) else {}
        return {key: _unpacked(value, tensors, named.get(key)) for key, value in held}
    if kind in ("list", "tuple"):
        own = like if isinstance(like, list | tuple) and len(like) == len(held) \
            else [None] * len(held)
        parts = [_unpacked(value, tensors, one) for value, one in zip(held, own, strict=True)]
        return _sequence(kind, parts, like)
    if kind == "filled":
        like.load_state_dict(_unpacked(held, tensors, None))
        return like
    return dataclasses.replace(like, **{name: _unpacked(value, tensors, getattr(like, name))
                                        for name, value in held.items()})


def _leaf(kind: str, tensor: Tensor, like: Any) -> Any:
    if kind == "Generator":
        like.set_state(tensor)
        return like
    if kind == "ndarray":
        return tensor.numpy()
    return tensor.to(like.device) if isinstance(like, Tensor) else tensor


def _sequence(kind: str, parts: list[Any], like: Any) -> Any:
    if kind == "list":
        return parts
    return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors in memory of their own, as the file format wants them."""
    seen: set[int] = set()
    found = {}
    for name, tensor in tensors.items():
        apart = tensor.cpu().contiguous()
        storage = apart.untyped_storage()
        if storage.data_ptr() in seen or storage.nbytes() != apart.nbytes:
            apart = apart.clone()
        seen.add(apart.untyped_storage().data_ptr())
        found[name] = apart
    return found
