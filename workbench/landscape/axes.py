"""The axes of a grid over load and temperature: their names, and which values each can have."""

import math
from collections.abc import Sequence

__all__ = ["LOADS", "TEMPERATURES", "axis_faults"]

LOADS = ("width", "train_size", "label_noise")
TEMPERATURES = ("batch_size", "learning_rate", "weight_decay")
RANGES = {
    "width": "whole numbers >= 1", "train_size": "whole numbers >= 1",
    "label_noise": "shares in [0, 1]", "batch_size": "whole numbers >= 1",
    "learning_rate": "numbers > 0", "weight_decay": "numbers >= 0"}


def axis_faults(name: str, axis: str, values: Sequence[float]) -> list[str]:
    """What is wrong with the values of an axis, one sentence each.

    Parameters
    ----------
    name : str
        What the values are called: loads or temperatures.
    axis : str
        One of `LOADS` or `TEMPERATURES`.
    values : sequence of numbers

    Examples
    --------
    >>> axis_faults("loads", "label_noise", [0.1, 10.0])
    ['loads must hold shares in [0, 1] where the axis is label_noise, got 10.0. Change it.']
    >>> axis_faults("loads", "width", [4, 8])
    []
    """
    found = []
    if not values or len(set(values)) < len(values):
        found.append(f"{name} must hold each value once and at least one, got {list(values)!r}. "
                     "Drop repeats.")
    wrong = [value for value in values if not _is_allowed(axis, value)]
    if wrong:
        found.append(f"{name} must hold {RANGES[axis]} where the axis is {axis}, got "
                     f"{', '.join(map(repr, wrong))}. Change it.")
    return found


def _is_allowed(axis: str, value: float) -> bool:
    if axis == "label_noise":
        return 0 <= value <= 1
    if "whole" in RANGES[axis]:
        return value >= 1 and value == math.floor(value)
    return math.isfinite(value) and (value > 0 or (value == 0 and axis == "weight_decay"))
