"""Figures: tidy arrays in, HoloViews elements out, one grammar of roles and weights."""

from workbench.plots.theme import ROLES, Figure, use_theme
from workbench.plots.thumbnail import thumbnail
from workbench.plots.uncertainty import posterior, trend_bands
from workbench.plots.weights import weight_profile

__all__ = ["ROLES", "Figure", "posterior", "thumbnail", "trend_bands", "use_theme",
           "weight_profile"]
