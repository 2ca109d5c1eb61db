"""One micro-batch, taken apart from whatever the data give.

In a mapping `labels` (or `y`) and `group` are taken out, and the rest is handed to the network by
name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Micro", "as_tensor", "each", "split", "tensors_of"]


@dataclass(frozen=True, eq=False)
class Micro:
    """One micro-batch: inputs, targets, and of each row its group and its place in the data.

    `clean` is what the data gave, where inputs were changed on their way to the network.
    """

    x: Any
    y: Any
    group: Tensor | None = None
    index: Tensor | None = None
    clean: "Micro | None" = None

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> "Micro":
        """On a device; floating numbers in the network's own type, targets in float32 at least."""
        def moved(thing: Any, kind: torch.dtype | None) -> Any:
            if not isinstance(thing, Tensor):
                return thing
            wanted = kind if kind is not None and thing.is_floating_point() else thing.dtype
            return thing.to(device, wanted, non_blocking=True)

        wide = torch.promote_types(dtype, torch.float32) if dtype is not None else None
        return Micro(each(lambda thing: moved(thing, dtype), self.x),
                     each(lambda thing: moved(thing, wide), self.y),
                     each(lambda thing: moved(thing, None), self.group),
                     each(lambda thing: moved(thing, None), self.index))


def each(change: Any, thing: Any) -> Any:
    """Apply a function to the tensors of a tensor, mapping or sequence."""
    if isinstance(thing, Mapping):
        return {key: each(change, value) for key, value in thing.items()}
    if isinstance(thing, tuple | list):
        return tuple(each(change, value) for value in thing)
    return change(thing)


def tensors_of(thing: Any) -> list[Tensor]:
    """The tensors of a tensor, mapping or sequence."""
    found: list[Tensor] = []
    each(lambda part: found.append(part) if isinstance(part, Tensor) else None, thing)
    return found


def split(batch: Any, rows: Tensor | None = None) -> Micro:
    """A micro-batch of what data give: a tuple, or a mapping.

    Parameters
    ----------
    batch : (x, y), (x, y, group) or mapping
    rows : tensor of int64, optional
        Places in the data.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if isinstance(batch, Mapping):
        rest = dict(batch)
        group, index = rest.pop("group", None), rest.pop("index", rows)
        y = rest.pop("y") if "y" in rest else rest.pop("labels", None)
        return Micro(each(as_tensor, rest), each(as_tensor, y), each(as_tensor, group), index)
    if isinstance(batch, tuple | list) and len(batch) in (2, 3):
        x, y, group = (*batch, None)[:3]
        return Micro(each(as_tensor, x), each(as_tensor, y), each(as_tensor, group), rows)
    raise TypeError(f"a batch must be (x, y), (x, y, group) or a mapping, got "
                    f"{type(batch).__name__}. Change what the data give.")


def as_tensor(thing: Any) -> Any:
    """An array as a tensor; words, single numbers and nothing as they are."""
    if thing is None or isinstance(thing, Tensor | str | int | float):
        return thing
    array = np.asarray(thing)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"data must be numbers, got an array of {array.dtype} such as "
                        f"{array.ravel()[:1].tolist()}. Encode words and categories first.")
    return torch.as_tensor(array if array.flags.writeable else array.copy())
