"""Who is weighted up and who down: any weighter, with a record of what it did.

A wrapper, so that no weighter has to keep books: weights are those of the one inside.
"""

from dataclasses import dataclass
from typing import Any

__all__ = ["Watched", "relative_weights"]


@dataclass(frozen=True, eq=False)
class Watched:
    """A weighter, beside the mean weight of each row and the share of each group.

    Parameters
    ----------
    weighter : weighter
        Of losses, of a batch, or with memory; not one that owns the step.
    groups : sequence of str
        Names of the groups 0, 1, ... that the data tell; each gets a column ``share_<name>`` of
        the history. None for data without.

    Raises
    ------
    TypeError
        If the weighter owns the step, and so tells nobody its weights.

    Notes
    -----
    The state has `amount`, shape (n,), the sum over steps of a row's weight times uniform;
    `times`, shape (n,), how often it was seen; and `last`, shape (n,), its loss when it was last
    seen (NaN before). `amount / times` is above one for a row that was weighted up. With scope
    "batch" each process records its own rows.

    Examples
    --------
    >>> import torch
    >>> from workbench.train import Training, classification, fit
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> done = fit(torch.nn.Linear(1, 2), (x, (x[:, 0] > 0).long()), Training(epochs=2),
    ...            weighter=Watched(lambda losses: (losses / losses.sum()).detach()))
    >>> relative_weights(done.weighter_state).shape
    torch.Size([64])
    """

    weighter: Any
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if hasattr(self.weighter, "prepare"):
            raise TypeError("weighter must be one that gives weights, got "
                            f"{type(self.weighter).__name__}, which owns the step. Train it "
                            "without Watched.")

    @property
    def __name__(self) -> str:
        """That of the one inside, which errors are to name."""
        return str(getattr(self.weighter, "__name__", type(self.weighter).__name__))

    @property
    def needs(self) -> frozenset[str]:
        """What the one inside needs, the place of each row, and its group where there are some."""
        own = {"index", "group"} if self.groups else {"index"}
        return frozenset({*getattr(self.weighter, "needs", ()), *own})

    @property
    def scope(self) -> str:
        """That of the one inside."""
        return str(getattr(self.weighter, "scope", "batch"))

    @property
    def refuses_empty(self) -> bool:
        """That of the one inside."""
        return bool(getattr(self.weighter, "refuses_empty", False))

    @property
    def remembers(self) -> bool:
        """Whether the one inside has a memory."""
        return hasattr(self.weighter, "init") and hasattr(self.weighter, "update")

    def init(self, n: int) -> dict[str, Any]:
        """The first state, for data of n rows."""
        import torch

        inner = {"inner": self.weighter.init(n)} if self.remembers else {}
        return {"amount": torch.zeros(n), "times": torch.zeros(n),
                "last": torch.full((n,), torch.nan), "heaviest": torch.ones(()),
                "share": torch.zeros(len(self.groups)), **inner}

    def update(self, state: dict[str, Any], batch: Any) -> tuple[dict[str, Any], Any]:
        """The next state and the weights."""
        asked = batch if set(getattr(self.weighter, "needs", ())) - {"losses"} else batch.losses
        inner = {}
        if self.remembers:
            inner["inner"], weights = self.weighter.update(state["inner"], asked)
        else:
            weights = self.weighter(asked)
        relative = weights.detach().to(state["amount"]) * len(batch.losses)
        share = state["share"]
        if self.groups:
            share = share.new_zeros(len(self.groups)).index_add(
                0, batch.group.long(), relative / len(relative))
        return {"amount": state["amount"].index_add(0, batch.index, relative),
                "times": state["times"].index_add(0, batch.index, relative.new_ones(
                    len(relative))),
                "last": state["last"].index_copy(0, batch.index, batch.losses.to(relative)),
                "heaviest": relative.max(), "share": share, **inner}, weights

    def metrics(self, state: dict[str, Any]) -> dict[str, Any]:
        """The largest weight of the last step, times uniform, and the share of each group."""
        shares = {f"share_{name}": state["share"][at] for at, name in enumerate(self.groups)}
        told = getattr(self.weighter, "metrics", None)
        inner = {} if told is None else told(state["inner"]) if self.remembers else told()
        return {"heaviest": state["heaviest"], **shares, **dict(inner)}


def relative_weights(state: dict[str, Any]) -> Any:
    """Mean weight of each row over the steps that saw it, times uniform; NaN if none did."""
    return state["amount"] / state["times"]
