"""One training of a comparison: a network made anew, trained and scored, and how it ended."""

import math
import re
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.reweighting.passed_rows import counted_rows
from workbench.reweighting.watched import Watched

if TYPE_CHECKING:
    from workbench.train import Training

__all__ = ["UNIFORM", "Making", "scored", "trained"]

UNIFORM = "uniform"


class Making:
    """Networks of a seed, each a new one."""

    def __init__(self, make: Callable[[int], Any]):
        self.make = make
        self.given: list[weakref.ref[Any]] = []

    def __call__(self, seed: int) -> Any:
        model = self.make(seed)
        if any(one() is model for one in self.given):
            raise ValueError("make must build a network anew, got one that was trained already. "
                             "Build it within the function, so that all begin alike.")
        self.given = [one for one in self.given if one() is not None] + [weakref.ref(model)]
        return model.train()


def scored(model: Any, rows: Any, loss: Any, measure: Any) -> dict[str, float]:
    """Mean loss and more measures of rows; NaN without a network."""
    from workbench.train import mean_loss

    if model is None:
        return {"loss": math.nan}
    return {"loss": mean_loss(model, rows, loss), **(measure(model, rows) if measure else {})}


def trained(model: Any, data: Any, how: "Training", arm: tuple[str, dict[str, Any]], *,
            strict: bool) -> tuple[Any, dict[str, Any]]:
    """What training gave, if anything, and how it ended."""
    from workbench.train import fit

    name, ask = arm[0], dict(arm[1])
    weighter, groups = ask.pop("weighter"), ask.pop("groups")
    try:
        with counted_rows(model, how) as seen:
            done = fit(model, data, how, progress="nowhere",
                       weighter=Watched(weighter, groups), **ask)
    except Exception as trouble:
        known = isinstance(trouble, ValueError | TypeError)
        if strict or name == UNIFORM:
            if known:
                raise type(trouble)(f"weighter {name!r}: {trouble}") from trouble
            raise
        at = re.search(r"at step (\d+)", str(trouble))
        status = ("stopped" if at else "left out") if known else "failed"
        why = str(trouble) if known else f"{type(trouble).__name__}: {trouble}"
        return None, {"weighter": name, "status": status, "step": int(at[1]) if at else 0,
                      "why": why, "rows": math.nan, "good": False}
    good = done.status != "diverged"
    why = "" if good else f"losses are not finite at step {done.step}"
    return done, {"weighter": name, "status": done.status, "step": done.step, "why": why,
                  "rows": seen.rows, "good": good}
