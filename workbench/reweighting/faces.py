"""Which module of this room each public name lives in."""

__all__ = ["FILES"]

FILES = {
    "lagged": ("Lagged",),
    "loss_based": ("LossWeighter",),
    "registry": ("register", "weighter_named", "weighter_names"),
    "robust_adversarial": ("KullbackLeiblerWeighter", "kl_dro_objective", "kl_dro_weights"),
    "strategies": ("STRATEGIES", "largest_weight", "loss_weights", "normalise_losses",
                   "strategy_score"),
    "temperatures": ("annealed", "piecewise"),
    "trials": ("Trials", "compare_weighters"),
    "under_attack.barrier": ("Barrier", "ImplicitGradient", "barrier_attack",
                             "implicit_cross_term"),
    "watched": ("Watched", "relative_weights"),
}
