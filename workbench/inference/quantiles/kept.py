"""What a result keeps of its stages: enough to calibrate anew, and to see how each row was made.

``quantiles[row, out] = sum over models and levels of weights[row, model, level, out] * Z[row,
model, level]`` can be checked by hand from what is kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.inference.quantiles.experiment import Aggregated, Base

__all__ = ["keep", "kept_stages"]

MOST_BYTES = 2 ** 25     # of all stages; above, only what tells how test rows were made
MOST_MIXED = 2 ** 23     # of the weights from each level of each model to each level
PARTS = ("train", "calibration", "test")


def keep(base: Base, made: Aggregated) -> dict[str, np.ndarray]:
    """Arrays of both stages.

    Returns
    -------
    arrays : dict of name to array
        ``levels`` (q,); of the test rows ``Z_test`` (n, k, q), ``loose`` (n, q) and ``weights``
        (n, k, q), with n = 1 where all rows have the same; ``mixing`` (n, k, q, q) where levels
        are mixed; and, unless they are too large, all else that `kept_stages` needs.
    """
    mixing = _mixing(base, made)
    shared = made.weights.strides[0] == 0
    told = {"levels": base.levels, "Z_test": base.Z["test"], "loose": made.loose,
            "weights": made.weights[:1] if shared else made.weights}
    told |= {} if mixing is None else {"mixing": mixing}
    rest = {f"y_{part}": base.y[part] for part in PARTS} | {"Z_train": base.Z["train"]}
    rest |= {f"quantiles_{part}": made.quantiles[part] for part in PARTS}
    rest |= {f"amounts_{part}": amounts for part in PARTS
             if (amounts := base.amounts[part]) is not None}
    size = sum(array.nbytes for array in (*told.values(), *rest.values()))
    found = told | rest if size <= MOST_BYTES else told
    return {name: np.ascontiguousarray(array) for name, array in found.items()}


def kept_stages(arrays: Mapping[str, np.ndarray], names: Sequence[str],
                notes: Sequence[str]) -> tuple[Base, Aggregated] | None:
    """Both stages again, without models: calibration by folds and other weights need those.

    Parameters
    ----------
    arrays : mapping of name to array
        From `keep`.
    names : sequence of str
        Of the models.
    notes : sequence of str
        Of the base stage.

    Returns
    -------
    stages : (Base, Aggregated) or None
        None if the stages were too large to be kept.
    """
    if "Z_train" not in arrays:
        return None
    y = {part: arrays[f"y_{part}"] for part in PARTS}
    nothing = {part: np.empty((len(y[part]), 0)) for part in PARTS}
    base = Base(dict.fromkeys(names), nothing, {part: arrays[f"Z_{part}"] for part in
                                                ("train", "test")}, y, arrays["levels"],
                tuple(notes), {part: arrays.get(f"amounts_{part}") for part in PARTS})
    shape = (len(y["test"]), len(names), len(base.levels))
    quantiles = {part: arrays[f"quantiles_{part}"] for part in PARTS}
    return base, Aggregated(None, quantiles, arrays["loose"],
                            np.broadcast_to(arrays["weights"], shape))


def _mixing(base: Base, made: Aggregated) -> Any:
    """Weights from each level of each model to each level, where there are any and few enough."""
    model = made.model
    q = len(base.levels)
    rows = len(base.y["test"]) if model.local else 1
    if model.resolution != "fine" or 4 * rows * len(base.names) * q * q > MOST_MIXED:
        return None
    return model.weights(base.X["test"]).astype(np.float32)
