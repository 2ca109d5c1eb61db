"""Training: one loop, in which weights meet losses, and many models trained at once.

Each name is loaded by its first use: importing this room loads no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.train.device import device_for, torch_generator
    from workbench.train.losses import causal_lm, classification, regression
    from workbench.train.schedules import constant, cosine, one_cycle, steps, warm_up
    from workbench.train.threads import one_thread

__all__ = [
    "causal_lm", "classification", "constant", "cosine", "device_for", "one_cycle", "one_thread",
    "regression", "steps", "torch_generator", "warm_up",
]

FILES = {
    "device": ("device_for", "torch_generator"),
    "losses": ("causal_lm", "classification", "regression"),
    "schedules": ("constant", "cosine", "one_cycle", "steps", "warm_up"),
    "threads": ("one_thread",),
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
