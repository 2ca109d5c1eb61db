"""Weights, checks, results, seeds and the study protocol; NumPy, pandas and param only."""

from workbench.core.card import Card
from workbench.core.result import Estimate, Interval, Measure, Result, Summary, credible
from workbench.core.rng import generator
from workbench.core.study import Column, ParameterError, Params, Study
from workbench.core.weights import effective_size, normalise, tilt, uniform

__all__ = [
    "Card", "Column", "Estimate", "Interval", "Measure", "ParameterError", "Params", "Result",
    "Study", "Summary", "credible", "effective_size", "generator", "normalise", "tilt", "uniform",
]
