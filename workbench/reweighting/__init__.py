"""Weights on samples, domains and trajectories, in one training loop.

Each name is loaded by its first use: importing this room loads no torch.
"""

from typing import TYPE_CHECKING

from workbench.core.lazy import lazy
from workbench.reweighting.faces import FILES

if TYPE_CHECKING:
    from workbench.reweighting.bilevel import (
        LISA,
        ScaleBiO,
        Stratified,
        allocate,
        penalty_hypergradient,
        source_softmax_loss,
        source_weights,
    )
    from workbench.reweighting.lagged import Lagged
    from workbench.reweighting.loss_based import LossWeighter
    from workbench.reweighting.meta_rescaling import Storm
    from workbench.reweighting.registry import register, weighter_named, weighter_names
    from workbench.reweighting.storm_classifier import StormClassifier
    from workbench.reweighting.strategies import (
        STRATEGIES,
        largest_weight,
        loss_weights,
        normalise_losses,
        strategy_score,
    )
    from workbench.reweighting.temperatures import annealed, piecewise
    from workbench.reweighting.trials import Trials, compare_weighters
    from workbench.reweighting.watched import Watched, relative_weights

__all__ = [
    "LISA", "STRATEGIES", "Lagged", "LossWeighter", "ScaleBiO", "Storm", "StormClassifier",
    "Stratified", "Trials", "Watched", "allocate", "annealed", "compare_weighters",
    "largest_weight", "loss_weights", "normalise_losses", "penalty_hypergradient", "piecewise",
    "register", "relative_weights", "source_softmax_loss", "source_weights", "strategy_score",
    "weighter_named", "weighter_names",
]

__getattr__, __dir__ = lazy(__name__, FILES)
