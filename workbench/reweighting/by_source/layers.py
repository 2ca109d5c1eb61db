"""LISA: a few blocks of a network are trained at a time, drawn anew every so many steps.

Source: R. Pan, X. Liu, S. Diao, R. Pi, J. Zhang, C. Han, T. Zhang, "LISA: Layerwise Importance
Sampling for Memory-Efficient Large Language Model Fine-Tuning", NeurIPS (2024).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.core import check

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["LISA"]


@dataclass(frozen=True)
class LISA:
    """Which blocks of a network take gradients; all that is not a block always does.

    Parameters
    ----------
    n_layers : int > 0
        Blocks at a time.
    every : int > 0
        Steps between draws.
    blocks : str
        Dotted name of the list of blocks, such as "blocks", "transformer.h" or "model.layers";
        empty takes the longest list in the network.

    Raises
    ------
    ValueError
        If a number is not positive; at work, if there is no such list or it is too short.

    Examples
    --------
    >>> from torch import nn
    >>> from workbench.core.rng import generator
    >>> from workbench.train import torch_generator
    >>> model = nn.ModuleDict({"blocks": nn.ModuleList(nn.Linear(2, 2) for _ in range(6))})
    >>> chosen = LISA(2).draw(model, torch_generator(0))
    >>> len(chosen), chosen == LISA(2).draw(model, torch_generator(0))
    (2, True)
    """

    n_layers: int = 4
    every: int = 20
    blocks: str = ""

    def __post_init__(self) -> None:
        check.whole(1, n_layers=self.n_layers)
        check.whole(1, every=self.every)

    def draw(self, model: "nn.Module", generator: "torch.Generator") -> list[int]:
        """Places of the blocks that are trained next, in order."""
        import torch

        blocks = self.found(model)
        if self.n_layers > len(blocks):
            raise ValueError(f"n_layers must be at most the {len(blocks)} blocks of the network, "
                             f"got {self.n_layers}. Lower it, or name other blocks.")
        drawn = torch.randperm(len(blocks), generator=generator)[:self.n_layers]
        return sorted(drawn.tolist())

    def found(self, model: "nn.Module") -> "Sequence[nn.Module]":
        """The list of blocks."""
        from torch import nn

        lists = {name: part for name, part in model.named_modules()
                 if isinstance(part, nn.ModuleList)}
        if self.blocks:
            if self.blocks not in lists:
                known = ", ".join(map(repr, lists)) or "none"
                raise ValueError("blocks must name a list of modules in the network, got "
                                 f"{self.blocks!r}. Lists: {known}.")
            return list(lists[self.blocks])
        if not lists:
            raise ValueError("blocks must name a list of modules, but the network has none. "
                             "Train all of it with lisa=None.")
        return list(lists[max(lists, key=lambda name: len(lists[name]))])

    @contextmanager
    def only(self, model: "nn.Module", chosen: Sequence[int]) -> Iterator[None]:
        """Inside, blocks that were not drawn take no gradients; then all is as before."""
        held = [param for at, block in enumerate(self.found(model)) if at not in set(chosen)
                for param in block.parameters() if param.requires_grad]
        for param in held:
            param.requires_grad_(requires_grad=False)
        try:
            yield
        finally:
            for param in held:
                param.requires_grad_()
