"""Round numbers along an axis that leave room for their names on a phone."""

import math

__all__ = ["log_ticks", "ticks_up_to"]

MOST = 7                 # that fit below a figure


def log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Values 1, 2, 5, 10, ... from `low` to `high`, fewer where they are many.

    Examples
    --------
    >>> [name for _, name in log_ticks(0.0007, 0.07)]
    ['0.001', '0.002', '0.005', '0.01', '0.02', '0.05']
    >>> [name for _, name in log_ticks(1e-6, 0.07)]
    ['1e-06', '1e-05', '0.0001', '0.001', '0.01']
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [step * 10.0 ** power for power in powers for step in steps]
        found = [at for at in found if low / 1.001 <= at <= high * 1.001]
        if len(found) <= MOST:
            break
    return [(at, f"{at:g}") for at in found[::-(-len(found) // MOST)]]


def ticks_up_to(top: float) -> list[tuple[float, str]]:
    """Four to eight round numbers from 0 to `top`, which is above zero.

    Examples
    --------
    >>> [name for _, name in ticks_up_to(3.9)]
    ['0', '1', '2', '3']
    """
    unit = 10.0 ** math.floor(math.log10(top))
    step = next(step for step in (0.2, 0.25, 0.5, 1.0, 2.0) if top / (step * unit) < 5) * unit
    return [(at * step, f"{at * step:g}") for at in range(int(top / step) + 1)]
