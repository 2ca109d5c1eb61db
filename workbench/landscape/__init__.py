"""Measures of where training ended.

Each name is loaded by its first use: importing this room loads no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.landscape.eigenvalues import Eigenvalues, hessian_eigenvalues
    from workbench.landscape.hessian import Hessian
    from workbench.landscape.objective import Objective, cross_entropy
    from workbench.landscape.power import power_iteration
    from workbench.landscape.spectrum import Spectrum, spectral_density
    from workbench.landscape.trace import Trace, hessian_trace, hutch_plus_plus

__all__ = [
    "Eigenvalues", "Hessian", "Objective", "Spectrum", "Trace", "cross_entropy",
    "hessian_eigenvalues", "hessian_trace", "hutch_plus_plus", "power_iteration",
    "spectral_density",
]

FILES = {
    "eigenvalues": ("Eigenvalues", "hessian_eigenvalues"),
    "hessian": ("Hessian",),
    "objective": ("Objective", "cross_entropy"),
    "power": ("power_iteration",),
    "spectrum": ("Spectrum", "spectral_density"),
    "trace": ("Trace", "hessian_trace", "hutch_plus_plus"),
}
HOMES = {name: file for file, names in FILES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
