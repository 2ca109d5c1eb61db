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
    from workbench.reweighting.by_class.class_weights import (
        class_balanced_weights,
        emphasised_weights,
        rare_classes,
    )
    from workbench.reweighting.by_class.contrastive import FeatureSeparation, supcon_loss
    from workbench.reweighting.by_class.margins import (
        BalancedSoftmax,
        CosineLinear,
        Focal,
        Ldam,
        balanced_softmax_logits,
    )
    from workbench.reweighting.lagged import Lagged
    from workbench.reweighting.loss_based import LossWeighter
    from workbench.reweighting.meta_rescaling import Storm
    from workbench.reweighting.registry import register, weighter_named, weighter_names
    from workbench.reweighting.robust_adversarial import (
        KullbackLeiblerWeighter,
        kl_dro_objective,
        kl_dro_weights,
    )
    from workbench.reweighting.separable_adversarial import ClassBalance
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
    from workbench.reweighting.under_attack.barrier import (
        Barrier,
        ImplicitGradient,
        barrier_attack,
        implicit_cross_term,
    )
    from workbench.reweighting.watched import Watched, relative_weights

__all__ = [
    "LISA", "STRATEGIES", "BalancedSoftmax", "Barrier", "ClassBalance", "CosineLinear",
    "FeatureSeparation", "Focal", "ImplicitGradient", "KullbackLeiblerWeighter", "Lagged", "Ldam",
    "LossWeighter", "ScaleBiO", "Storm", "StormClassifier", "Stratified", "Trials", "Watched",
    "allocate", "annealed", "balanced_softmax_logits", "barrier_attack", "class_balanced_weights",
    "compare_weighters", "emphasised_weights", "implicit_cross_term", "kl_dro_objective",
    "kl_dro_weights", "largest_weight", "loss_weights", "normalise_losses",
    "penalty_hypergradient", "piecewise", "rare_classes", "register", "relative_weights",
    "source_softmax_loss", "source_weights", "strategy_score", "supcon_loss", "weighter_named",
    "weighter_names",
]

__getattr__, __dir__ = lazy(__name__, FILES)
