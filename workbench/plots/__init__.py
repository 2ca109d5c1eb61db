"""Figures: tidy arrays in, HoloViews elements out, one grammar of roles and weights.

HoloViews is loaded by the first name that is used, so that a study that only declares its
parameters, and a runner that only reads them, do not wait for it.
"""

import importlib
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from workbench.plots.fans import fan_chart
    from workbench.plots.model_weights import model_weight_map
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
    from workbench.plots.theme import ROLES, use_theme
    from workbench.plots.thumbnails import thumbnail
    from workbench.plots.training import (
        eigenvalue_density,
        loss_slice,
        path_profile,
        training_curves,
    )
    from workbench.plots.uncertainty import posterior, trend_bands
    from workbench.plots.weights import weight_profile

__all__ = ["BATCH_SIZE", "PHASE_STYLES", "ROLES", "WIDTH", "Figure", "Knob", "Shade",
           "coverage_by_group", "eigenvalue_density", "fan_chart", "loss_slice", "measure_maps",
           "measure_scatter", "model_weight_map", "path_profile", "phase_gains", "phase_map",
           "posterior", "relative_scores", "reliability", "thumbnail", "training_curves",
           "trend_bands", "use_theme", "weight_profile"]

Figure: TypeAlias = Any      # a HoloViews element; studies name it before HoloViews is needed

# Files and functions have different names: an imported file would hide a function of its name.
HOMES = {"ROLES": "theme", "use_theme": "theme", "thumbnail": "thumbnails",
         "posterior": "uncertainty", "trend_bands": "uncertainty",
         "weight_profile": "weights",
         "coverage_by_group": "quantiles", "fan_chart": "fans",
         "model_weight_map": "model_weights", "relative_scores": "quantiles",
         "reliability": "quantiles",
         "BATCH_SIZE": "phase_maps", "PHASE_STYLES": "phase_maps", "WIDTH": "phase_maps",
         "Knob": "phase_maps", "Shade": "phase_maps", "measure_maps": "phase_maps",
         "phase_map": "phase_maps", "measure_scatter": "phase_outcomes",
         "phase_gains": "phase_outcomes", "eigenvalue_density": "training",
         "loss_slice": "training", "path_profile": "training", "training_curves": "training"}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
