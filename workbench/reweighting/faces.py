"""Which module of this room each public name lives in."""

__all__ = ["FILES"]

FILES = {
    "bilevel": ("LISA", "ScaleBiO", "Stratified", "allocate", "penalty_hypergradient",
                "source_softmax_loss", "source_weights"),
    "by_class.class_weights": ("class_balanced_weights", "emphasised_weights", "rare_classes"),
    "by_class.contrastive": ("FeatureSeparation", "supcon_loss"),
    "by_class.margins": ("BalancedSoftmax", "CosineLinear", "Focal", "Ldam",
                         "balanced_softmax_logits"),
    "lagged": ("Lagged",),
    "loss_based": ("LossWeighter",),
    "meta_rescaling": ("Storm",),
    "registry": ("register", "weighter_named", "weighter_names"),
    "storm_classifier": ("StormClassifier",),
    "separable_adversarial": ("ClassBalance",),
    "robust_adversarial": ("KullbackLeiblerWeighter", "kl_dro_objective", "kl_dro_weights"),
    "strategies": ("STRATEGIES", "largest_weight", "loss_weights", "normalise_losses",
                   "strategy_score"),
    "temperatures": ("annealed", "piecewise"),
    "trials": ("Trials", "compare_weighters"),
    "under_attack.barrier": ("Barrier", "ImplicitGradient", "barrier_attack",
                             "implicit_cross_term"),
    "watched": ("Watched", "relative_weights"),
}
