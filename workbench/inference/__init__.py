"""Weights on outcomes, models and hypotheses.

Each name is loaded by its first use: importing this room loads no PyMC, torch or scikit-learn.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.inference.bayesian_trend import BayesianTrend
    from workbench.inference.conjugate import NormalInverseGamma
    from workbench.inference.trend_checks import compare, ranking, warnings_of
    from workbench.inference.trend_design import Prior
    from workbench.inference.trend_fit import TrendFit

__all__ = ["BayesianTrend", "NormalInverseGamma", "Prior", "TrendFit", "compare", "ranking",
           "warnings_of"]

HOMES = {"BayesianTrend": "bayesian_trend", "NormalInverseGamma": "conjugate",
         "Prior": "trend_design", "TrendFit": "trend_fit", "compare": "trend_checks",
         "ranking": "trend_checks", "warnings_of": "trend_checks"}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
