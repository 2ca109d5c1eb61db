"""Weights on outcomes, models and hypotheses. Importing this room loads neither PyMC nor torch."""

from workbench.inference.bayesian_trend import BayesianTrend
from workbench.inference.conjugate import NormalInverseGamma
from workbench.inference.trend_checks import compare, ranking, warnings_of
from workbench.inference.trend_design import Prior
from workbench.inference.trend_fit import TrendFit

__all__ = ["BayesianTrend", "NormalInverseGamma", "Prior", "TrendFit", "compare", "ranking",
           "warnings_of"]
