"""Which module of this room each public name lives in."""

__all__ = ["FILES"]

FILES = {
    "bilevel": ("LISA", "ScaleBiO", "Stratified", "allocate", "penalty_hypergradient",
                "source_softmax_loss", "source_weights"),
    "lagged": ("Lagged",),
    "loss_based": ("LossWeighter",),
    "registry": ("register", "weighter_named", "weighter_names"),
    "strategies": ("STRATEGIES", "largest_weight", "loss_weights", "normalise_losses",
                   "strategy_score"),
    "temperatures": ("annealed", "piecewise"),
    "trials": ("Trials", "compare_weighters"),
    "watched": ("Watched", "relative_weights"),
}
