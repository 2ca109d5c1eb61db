"""Figures: tidy arrays in, HoloViews elements out, one grammar of roles and weights.

HoloViews is loaded by the first name that is used, so that a study that only declares its
parameters, and a runner that only reads them, do not wait for it.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from workbench.core.lazy import lazy

if TYPE_CHECKING:
    from workbench.plots.attacks import class_bars
    from workbench.plots.balancing import balance_and_map, weights_and_outcomes
    from workbench.plots.crowds import counted
    from workbench.plots.fans import fan_chart
    from workbench.plots.forests import forest
    from workbench.plots.labelling import LABEL_METHODS, bias_and_coverage, errors_by_labels
    from workbench.plots.loss_weights import domain_panels, weights_and_batch
    from workbench.plots.mixtures import (
        bound_curves,
        confidence,
        method_losses,
        posterior_areas,
        probability_map,
        relative_weights,
    )
    from workbench.plots.model_weights import level_weight_map, model_weight_map
    from workbench.plots.phase_maps import (
        BATCH_SIZE,
        PHASE_STYLES,
        WIDTH,
        Knob,
        Shade,
        measure_maps,
        phase_map,
    )
    from workbench.plots.phase_outcomes import measure_scatter, phase_gains
    from workbench.plots.quantiles import coverage_by_group, relative_scores, reliability
    from workbench.plots.resamples import learning_and_disagreement, replicates_and_folds
    from workbench.plots.reuse import (
        bounds_by_rows,
        errors_by_reuse,
        leaderboard,
        scores_by_features,
    )
    from workbench.plots.rivals import agreement, false_positives
    from workbench.plots.settings import Panel, setting_panels
    from workbench.plots.stages import (
        STAGE_METHODS,
        error_boxes,
        rare_calibration,
        rare_scatter,
        stage_lines,
    )
    from workbench.plots.stills import figure_json, is_dynamic
    from workbench.plots.theme import ROLES, blank, use_theme
    from workbench.plots.thumbnails import thumbnail
    from workbench.plots.tradeoffs import clouds, tradeoff_paths
    from workbench.plots.training import (
        eigenvalue_density,
        loss_slice,
        path_profile,
        training_curves,
    )
    from workbench.plots.transitions import transition_map, transition_paths
    from workbench.plots.uncertainty import posterior, trend_bands
    from workbench.plots.universes import learned_weights
    from workbench.plots.weights import weight_profile

__all__ = [
    "BATCH_SIZE", "LABEL_METHODS", "PHASE_STYLES", "ROLES", "STAGE_METHODS", "WIDTH", "Figure",
    "Knob", "Panel", "Shade", "agreement", "balance_and_map", "bias_and_coverage", "blank",
    "bound_curves", "bounds_by_rows", "class_bars", "clouds", "confidence", "counted",
    "coverage_by_group",
    "domain_panels", "eigenvalue_density", "error_boxes", "errors_by_labels", "errors_by_reuse",
    "false_positives", "fan_chart", "figure_json", "forest", "is_dynamic", "leaderboard",
    "learned_weights", "learning_and_disagreement", "level_weight_map", "loss_slice",
    "measure_maps", "measure_scatter", "method_losses", "model_weight_map", "path_profile",
    "phase_gains", "phase_map", "posterior", "posterior_areas", "probability_map",
    "rare_calibration", "rare_scatter", "relative_scores", "relative_weights", "reliability",
    "replicates_and_folds", "scores_by_features", "setting_panels", "stage_lines", "thumbnail",
    "tradeoff_paths", "training_curves", "transition_map", "transition_paths", "trend_bands",
    "use_theme", "weight_profile", "weights_and_batch", "weights_and_outcomes",
]

Figure: TypeAlias = Any      # a HoloViews element; studies name it before HoloViews is needed

FILES = {
    "attacks": ("class_bars",),
    "balancing": ("balance_and_map", "weights_and_outcomes"),
    "crowds": ("counted",),
    "fans": ("fan_chart",),
    "forests": ("forest",),
    "labelling": ("LABEL_METHODS", "bias_and_coverage", "errors_by_labels"),
    "loss_weights": ("domain_panels", "weights_and_batch"),
    "mixtures": (
        "bound_curves", "confidence", "method_losses", "posterior_areas", "probability_map",
        "relative_weights"),
    "model_weights": ("level_weight_map", "model_weight_map"),
    "phase_maps": (
        "BATCH_SIZE", "PHASE_STYLES", "WIDTH", "Knob", "Shade", "measure_maps", "phase_map"),
    "phase_outcomes": ("measure_scatter", "phase_gains"),
    "quantiles": ("coverage_by_group", "relative_scores", "reliability"),
    "resamples": ("learning_and_disagreement", "replicates_and_folds"),
    "reuse": ("bounds_by_rows", "errors_by_reuse", "leaderboard", "scores_by_features"),
    "rivals": ("agreement", "false_positives"),
    "settings": ("Panel", "setting_panels"),
    "stages": ("STAGE_METHODS", "error_boxes", "rare_calibration", "rare_scatter", "stage_lines"),
    "stills": ("figure_json", "is_dynamic"),
    "theme": ("ROLES", "blank", "use_theme"),
    "thumbnails": ("thumbnail",),
    "tradeoffs": ("clouds", "tradeoff_paths"),
    "training": ("eigenvalue_density", "loss_slice", "path_profile", "training_curves"),
    "transitions": ("transition_map", "transition_paths"),
    "uncertainty": ("posterior", "trend_bands"),
    "universes": ("learned_weights",),
    "weights": ("weight_profile",),
}

__getattr__, __dir__ = lazy(__name__, FILES)
