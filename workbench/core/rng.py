"""One seed becomes every generator a study needs; nothing reads global random state."""

import numpy as np

__all__ = ["generator", "seed_from"]


def generator(seed: int) -> np.random.Generator:
    """Generator for a seed.

    Parameters
    ----------
    seed : int >= 0

    Raises
    ------
    ValueError
        If `seed` is not a non-negative whole number.

    Examples
    --------
    >>> int(generator(0).integers(10)) == int(generator(0).integers(10))
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed must be a whole number >= 0, got {seed!r}. Pass an int such as 0.")
    return np.random.default_rng(int(seed))


def seed_from(rng: np.random.Generator) -> int:
    """Draw a 31-bit seed for a library that takes integers only."""
    return int(rng.integers(2**31))
