"""Figures: tidy arrays in, HoloViews elements out, one grammar of roles and weights.

HoloViews is loaded by the first name that is used, so that a study that only declares its
parameters, and a runner that only reads them, do not wait for it.
"""

import importlib
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from workbench.plots.fans import fan_chart
    from workbench.plots.model_weights import model_weight_map
    from workbench.plots.quantiles import coverage_by_group, relative_scores, reliability
    from workbench.plots.theme import ROLES, use_theme
    from workbench.plots.thumbnails import thumbnail
    from workbench.plots.uncertainty import posterior, trend_bands
    from workbench.plots.weights import weight_profile

__all__ = ["ROLES", "Figure", "coverage_by_group", "fan_chart", "model_weight_map", "posterior",
           "relative_scores", "reliability", "thumbnail", "trend_bands", "use_theme",
           "weight_profile"]

Figure: TypeAlias = Any      # a HoloViews element; studies name it before HoloViews is needed

# Files and functions have different names: an imported file would hide a function of its name.
HOMES = {"ROLES": "theme", "use_theme": "theme", "thumbnail": "thumbnails",
         "posterior": "uncertainty", "trend_bands": "uncertainty",
         "weight_profile": "weights",
         "coverage_by_group": "quantiles", "fan_chart": "fans",
         "model_weight_map": "model_weights", "relative_scores": "quantiles",
         "reliability": "quantiles"}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
