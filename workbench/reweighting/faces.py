"""Which module of this room each public name lives in."""

__all__ = ["FILES"]

FILES = {
    "by_class.class_weights": ("class_balanced_weights", "emphasised_weights", "rare_classes"),
    "by_class.contrastive": ("FeatureSeparation", "supcon_loss"),
    "by_class.margins": ("BalancedSoftmax", "CosineLinear", "Focal", "Ldam",
                         "balanced_softmax_logits"),
    "lagged": ("Lagged",),
    "loss_based": ("LossWeighter",),
    "registry": ("register", "weighter_named", "weighter_names"),
    "separable_adversarial": ("ClassBalance",),
    "strategies": ("STRATEGIES", "largest_weight", "loss_weights", "normalise_losses",
                   "strategy_score"),
    "temperatures": ("annealed", "piecewise"),
    "trials": ("Trials", "compare_weighters"),
    "watched": ("Watched", "relative_weights"),
}
