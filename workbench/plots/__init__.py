"""Figures: tidy arrays in, HoloViews elements out, one grammar of roles and weights.

HoloViews is loaded by the first name that is used, so that a study that only declares its
parameters, and a runner that only reads them, do not wait for it.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from workbench.core.lazy import lazy

if TYPE_CHECKING:
    from workbench.plots.crowds import counted
    from workbench.plots.fans import fan_chart
    from workbench.plots.forests import forest
    from workbench.plots.labelling import LABEL_METHODS, bias_and_coverage, errors_by_labels
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
    from workbench.plots.training import (
        eigenvalue_density,
        loss_slice,
        path_profile,
        training_curves,
    )
    from workbench.plots.transitions import transition_map, transition_paths
    from workbench.plots.uncertainty import posterior, trend_bands
    from workbench.plots.weights import weight_profile

__all__ = ["BATCH_SIZE", "LABEL_METHODS", "PHASE_STYLES", "ROLES", "STAGE_METHODS", "WIDTH",
           "Figure", "Knob", "Shade", "bias_and_coverage", "blank", "counted",
           "coverage_by_group", "eigenvalue_density", "error_boxes", "errors_by_labels",
           "fan_chart", "figure_json", "forest", "is_dynamic", "level_weight_map", "loss_slice",
           "measure_maps", "measure_scatter", "model_weight_map", "path_profile", "phase_gains",
           "phase_map", "posterior", "rare_calibration", "rare_scatter", "relative_scores",
           "reliability", "stage_lines", "thumbnail", "training_curves", "transition_map",
           "transition_paths", "trend_bands", "use_theme", "weight_profile"]

Figure: TypeAlias = Any      # a HoloViews element; studies name it before HoloViews is needed

FILES = {
    "crowds": ("counted",),
    "fans": ("fan_chart",),
    "forests": ("forest",),
    "labelling": ("LABEL_METHODS", "bias_and_coverage", "errors_by_labels"),
    "model_weights": ("level_weight_map", "model_weight_map"),
    "phase_maps": ("BATCH_SIZE", "PHASE_STYLES", "WIDTH", "Knob", "Shade", "measure_maps",
                   "phase_map"),
    "phase_outcomes": ("measure_scatter", "phase_gains"),
    "quantiles": ("coverage_by_group", "relative_scores", "reliability"),
    "stages": ("STAGE_METHODS", "error_boxes", "rare_calibration", "rare_scatter",
               "stage_lines"),
    "stills": ("figure_json", "is_dynamic"),
    "theme": ("ROLES", "blank", "use_theme"),
    "thumbnails": ("thumbnail",),
    "training": ("eigenvalue_density", "loss_slice", "path_profile", "training_curves"),
    "transitions": ("transition_map", "transition_paths"),
    "uncertainty": ("posterior", "trend_bands"),
    "weights": ("weight_profile",),
}

__getattr__, __dir__ = lazy(__name__, FILES)
