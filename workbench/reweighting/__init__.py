"""Weights on samples, domains and trajectories, in one training loop.

Each name is loaded by its first use: importing this room loads no torch.
"""

from typing import TYPE_CHECKING

from workbench.core.lazy import lazy
from workbench.reweighting.faces import FILES

if TYPE_CHECKING:
    from workbench.reweighting.lagged import Lagged
    from workbench.reweighting.loss_based import LossWeighter
    from workbench.reweighting.registry import register, weighter_named, weighter_names
    from workbench.reweighting.robust_adversarial import (
        KullbackLeiblerWeighter,
        kl_dro_objective,
        kl_dro_weights,
    )
    from workbench.reweighting.strategies import (
        STRATEGIES,
        largest_weight,
        loss_weights,
        normalise_losses,
        strategy_score,
    )
    from workbench.reweighting.temperatures import annealed, piecewise
    from workbench.reweighting.trials import Trials, compare_weighters
    from workbench.reweighting.under_attack.barrier import (
        Barrier,
        ImplicitGradient,
        barrier_attack,
        implicit_cross_term,
    )
    from workbench.reweighting.watched import Watched, relative_weights

__all__ = [
    "STRATEGIES", "Barrier", "ImplicitGradient", "KullbackLeiblerWeighter", "Lagged",
    "LossWeighter", "Trials", "Watched", "annealed", "barrier_attack", "compare_weighters",
    "implicit_cross_term", "kl_dro_objective", "kl_dro_weights", "largest_weight",
    "loss_weights", "normalise_losses", "piecewise", "register", "relative_weights",
    "strategy_score", "weighter_named", "weighter_names",
]

__getattr__, __dir__ = lazy(__name__, FILES)
