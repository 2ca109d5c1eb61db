"""Learn an aggregator's weights: by linear programmes, or by descent with PyTorch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.core import check
from workbench.core.rng import generator
from workbench.inference.quantiles import program
from workbench.inference.quantiles.aggregation_rows import Rows, Scales
from workbench.inference.quantiles.isotonic import METHODS, isotonise
from workbench.inference.quantiles.resolution import MARGINS, Form, combine
from workbench.inference.quantiles.scores import pinball

__all__ = ["GlobalAnswers", "Learned", "checked_options", "descended", "solved"]


@dataclass(frozen=True)
class Learned:
    """Global weights or a local network, and how they were found.

    Parameters
    ----------
    weights : array, shape (1, *form.shape), or None
    network : LocalWeights or None
    steps : int
    validation : float
        Mean pinball loss of the held-out rows [unit of y].
    history : tuple of (int, float)
    chosen : dict
    """

    weights: Any
    network: Any
    validation: float
    steps: int = 0
    history: tuple[tuple[int, float], ...] = ()
    chosen: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GlobalAnswers:
    """Quantiles from weights that all rows share, in double precision."""

    weights: np.ndarray
    scales: Scales

    def quantiles(self, X: Any, Z: np.ndarray) -> np.ndarray:  # noqa: ARG002 - as local ones have it
        """Quantiles of some rows, shape (n, q), before they are put in order."""
        return combine(self.weights, Z - self.scales.y_mean) + self.scales.y_mean


def checked_options(options: Mapping[str, Any]) -> None:
    """Refuse options that no aggregator has, or that exclude each other.

    Raises
    ------
    ValueError
        Naming the option, its rule and its value.
    """
    check.one_of(("adam", "lp"), solver=options["solver"])
    check.one_of(METHODS, isotonise=options["isotonise"])
    check.one_of(MARGINS, margin=options["margin"])
    for name, least in (("searches", 1), ("hidden", 1), ("layers", 1), ("max_steps", 0)):
        value = options[name]
        if not (isinstance(value, int | np.integer) and value >= least):
            raise ValueError(f"{name} must be a whole number >= {least}, got {value!r}. Pass "
                             f"{max(least, 1)} or more.")
    for name in ("penalty", "margin_scale"):
        if not 0 <= options[name] < math.inf:
            raise ValueError(f"{name} must be >= 0 and finite, got {options[name]!r}. Pass 0 for "
                             "none.")
    penalised = options["penalty"] > 0 and options["margin"] != "none"
    if options["solver"] == "lp" and (options["local"] or penalised or options["in_training"]):
        raise ValueError(
            "solver='lp' must come with local=False, penalty=0 and in_training=False, got "
            f"{options['local']}, {options['penalty']:g} and {options['in_training']}. Pass "
            "these, or solver='adam'.")
    if options["searches"] > 1 and options["patience"] is None:
        raise ValueError("searches must be 1 with patience=None, which holds no rows out to "
                         f"compare them, got {options['searches']}. Pass patience=500.")


def solved(rows: Rows, held: Rows | None, scales: Scales, form: Form, levels: np.ndarray,
           options: Mapping[str, Any]) -> Learned:
    """Weights of the exact optimum, the same for all rows."""
    standard = scales.standard(rows, exact=True)
    weights = form.tempered(program.solve(standard.Z, standard.y, levels, form,
                                          sample_weight=rows.amounts))
    if held is None:
        return Learned(weights, None, math.nan)
    quantiles = GlobalAnswers(weights, scales).quantiles(None, held.Z)
    return Learned(weights, None, pinball(held.y, isotonise(quantiles, options["isotonise"]),
                                          levels, sample_weight=held.amounts))


def descended(rows: Rows, held: Rows | None, scales: Scales, form: Form, levels: np.ndarray,
              options: Mapping[str, Any]) -> Learned:
    """The best network of the candidates; without rows to stop by, a fifth is held out.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    """
    try:
        from workbench.inference.quantiles import aggregation_training as training
        from workbench.train.device import device_for, torch_generator
    except ModuleNotFoundError as lost:
        if lost.name != "torch":
            raise
        raise ImportError("solver='adam' needs PyTorch, which is not installed. Run `pip install "
                          "'workbench[train]'`, or pass local=False, solver='lp', penalty=0."
                          ) from lost
    recipe = training.recipe_of(options)
    seed = torch_generator(options["random_state"]).initial_seed()
    if options["patience"] is None:
        held = None
    elif held is None:
        rows, held = rows.parted(generator(seed))
    recipes = training.candidates(recipe, options["searches"], local=options["local"], seed=seed)
    best = training.searched(recipes, form, levels, scales.standard(rows),
                             None if held is None else scales.standard(held),
                             device_for(options["device"]))
    done = best.descended
    return Learned(
        None if options["local"] else form.tempered(form.simplex(best.weights())),
        best.network if options["local"] else None,
        scales.y_sd * done.score, done.steps,
        tuple((step, scales.y_sd * score) for step, score in done.history),
        best.recipe.settings())
