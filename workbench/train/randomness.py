"""All generators that a training step draws from, to save, to restore and to repeat."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["Randomness", "seed_of", "unmoved_buffers"]


def seed_of(*parts: int) -> int:
    """One seed of several numbers, such as a seed and an epoch.

    Examples
    --------
    >>> seed_of(0, 1) == seed_of(0, 1), seed_of(0, 1) == seed_of(1, 0)
    (True, False)
    """
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))


@contextmanager
def unmoved_buffers(model: nn.Module) -> Iterator[None]:
    """Forward passes inside leave no trace in running statistics.

    Whole numbers that nobody wrote, as places of tokens, are left alone: a graph from before may
    still need them. PyTorch does not note that batch normalisation writes its statistics.
    """
    before = [(buffer, buffer.clone(), buffer._version) for buffer in model.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, kept, version in before:
                if buffer.is_floating_point() or buffer._version != version:
                    buffer.copy_(kept)


class Randomness:
    """PyTorch's default generators, those that layers own, and the weighter's.

    Parameters
    ----------
    model : torch.nn.Module
    device : torch.device
    generator : torch.Generator
        The weighter's.
    """

    def __init__(self, model: nn.Module, device: torch.device, generator: torch.Generator):
        self.model, self.device, self.generator = model, device, generator

    def state(self) -> dict[str, Tensor]:
        """States by name, as bytes."""
        states = {"default": torch.get_rng_state(), "weighter": self.generator.get_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        states.update((name, getattr(part, attribute).get_state())
                      for name, part, attribute in self._owned())
        return states

    def restore(self, states: Mapping[str, Tensor]) -> None:
        """Go back to `states`."""
        torch.set_rng_state(states["default"])
        self.generator.set_state(states["weighter"])
        if "cuda" in states and self.device.type == "cuda":
            torch.cuda.set_rng_state(states["cuda"], self.device)
        for name, part, attribute in self._owned():
            if name not in states:                  # made since then, and to be made again
                setattr(part, attribute, None)
        for name, state in states.items():
            path, _, attribute = name.rpartition("/")
            if attribute and path.startswith("layer "):
                self._set(self.model.get_submodule(path[6:]), attribute, state)

    def _owned(self) -> Iterator[tuple[str, nn.Module, str]]:
        for path, part in self.model.named_modules():
            for attribute, found in list(vars(part).items()):
                if isinstance(found, torch.Generator):
                    yield f"layer {path}/{attribute}", part, attribute

    def _set(self, part: nn.Module, attribute: str, state: Tensor) -> None:
        if not isinstance(getattr(part, attribute, None), torch.Generator):
            setattr(part, attribute, torch.Generator(self.device))
        getattr(part, attribute).set_state(state)
