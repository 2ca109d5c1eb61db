"""Who is weighted up and who down: any weighter, with a record of what it did.

A wrapper, so that no weighter has to keep books: weights are those of the one inside.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Watched", "relative_weights"]


@dataclass(frozen=True, eq=False)
class Watched:
    """A weighter, beside the mean weight of each row and the share of each group.

    Parameters
    ----------
    weighter : weighter or None
        Of losses, of a batch, with memory, or one that owns the step; None is uniform.
    groups : sequence of str
        Names of the groups 0, 1, ... that the data tell; each gets a column ``share_<name>`` of
        the history. None for data without.

    Notes
    -----
    The state has `amount`, shape (n,), the sum over steps of a row's weight over the mean weight
    of its step; `times`, shape (n,), how often it was seen; and `last`, shape (n,), its loss when
    it was last seen (NaN before). `amount / times` is above one for a row that was weighted up.
    With scope "batch" each process records its own rows. Of a weighter that owns the step, what
    its `StepResult` tells of the rows of the step is recorded, in their order; n is then one more
    than the last row that was seen.

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
        from workbench.train.weighters import Uniform, refuse_no_weighter

        if self.weighter is None:
            object.__setattr__(self, "weighter", Uniform())
        refuse_no_weighter(self.weighter)

    def __getattr__(self, name: str) -> Any:
        """`prepare` and `step`, where the one inside owns the step."""
        inner = self.__dict__.get("weighter")
        if name in ("prepare", "step") and hasattr(inner, "prepare") and hasattr(inner, "step"):
            return self._prepared if name == "prepare" else self._stepped
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

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
    def free_sum(self) -> bool:
        """Whether the weights of the one inside need not sum to one."""
        return bool(getattr(self.weighter, "free_sum", False))

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
        inner = {"inner": self.weighter.init(n)} if self.remembers else {}
        return {**self._blank(n), **inner}

    def update(self, state: dict[str, Any], batch: Any) -> tuple[dict[str, Any], Any]:
        """The next state and the weights."""
        asked = batch if set(getattr(self.weighter, "needs", ())) - {"losses"} else batch.losses
        inner = {}
        if self.remembers:
            inner["inner"], weights = self.weighter.update(state["inner"], asked)
        else:
            weights = self.weighter(asked)
        seen = self._recorded(state, batch, weights)
        return {**state, **seen, **inner}, weights

    def metrics(self, state: dict[str, Any]) -> dict[str, Any]:
        """The largest weight of the last step, times uniform, and the share of each group."""
        shares = {f"share_{name}": state["share"][at] for at, name in enumerate(self.groups)}
        told = getattr(self.weighter, "metrics", None)
        inner = {} if told is None else told(state["inner"]) if "inner" in state else told()
        return {"heaviest": state["heaviest"], **shares, **dict(inner)}

    def _prepared(self, step: Any) -> dict[str, Any]:
        device = next(step.model.parameters()).device
        blank = {name: tensor.to(device) for name, tensor in self._blank(0).items()}
        return {**blank, "inner": self.weighter.prepare(step)}

    def _stepped(self, state: dict[str, Any], step: Any) -> Any:
        told = self.weighter.step(state["inner"], step)
        if not (isinstance(told, tuple) and len(told) == 2):
            return told                        # the loop refuses it
        inner, result = told
        rows = _rows_of(step.micros, self.groups)
        seen = {} if rows is None else self._recorded(
            _grown(state, rows.index), rows.with_losses(result.losses), result.weights)
        return {**state, **seen, "inner": inner}, result

    def _blank(self, n: int) -> dict[str, Any]:
        import torch

        return {"amount": torch.zeros(n), "times": torch.zeros(n),
                "last": torch.full((n,), torch.nan), "heaviest": torch.ones(()),
                "share": torch.zeros(len(self.groups))}

    def _recorded(self, state: dict[str, Any], rows: Any, weights: Any) -> dict[str, Any]:
        """What is to be noted of a step; nothing of weights that the loop refuses."""
        import torch

        losses = rows.losses.detach()
        try:
            weights = torch.as_tensor(weights).detach().to(state["amount"])
        except (TypeError, ValueError, RuntimeError):
            return {}
        if weights.shape != losses.shape or weights.shape != rows.index.shape:
            return {}
        relative, share = weights / weights.mean(), state["share"]
        if self.groups:
            share = _shares(rows.group.long(), relative / len(relative), len(self.groups))
        return {"amount": state["amount"].index_add(0, rows.index, relative),
                "times": state["times"].index_add(0, rows.index, torch.ones_like(relative)),
                "last": state["last"].index_copy(0, rows.index, losses.to(relative)),
                "heaviest": relative.max(), "share": share}


def _shares(group: "Tensor", weights: "Tensor", count: int) -> "Tensor":
    try:
        return weights.new_zeros(count).index_add(0, group, weights)
    except IndexError:
        raise ValueError(f"group must lie in 0 to {count - 1}, as many as there are names, got "
                         f"{int(group.min())} to {int(group.max())}. Name every group, and "
                         "number them from zero.") from None


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of a step."""

    index: "Tensor"
    group: "Tensor | None"
    losses: Any = None

    def with_losses(self, losses: Any) -> "_Rows":
        return _Rows(self.index, self.group, losses)


def _rows_of(micros: Any, groups: tuple[str, ...]) -> _Rows | None:
    """Places and groups of the rows of a step; None where the data do not tell them."""
    import torch

    if any(micro.index is None or (groups and micro.group is None) for micro in micros):
        return None
    return _Rows(torch.cat([micro.index for micro in micros]),
                 torch.cat([micro.group for micro in micros]) if groups else None)


def _grown(state: dict[str, Any], index: "Tensor") -> dict[str, Any]:
    """The state with room for every row that was seen."""
    more = int(index.max()) + 1 - len(state["amount"])
    if more <= 0:
        return state
    from torch.nn.functional import pad

    return state | {name: pad(state[name], (0, more), value=math.nan if name == "last" else 0.0)
                    for name in ("amount", "times", "last")}


def relative_weights(state: dict[str, Any]) -> Any:
    """Mean weight of each row over the steps that saw it, times uniform; NaN if none did."""
    return state["amount"] / state["times"]
