"""Weighters by name: of this room, of installed packages, and of whoever starts Python.

A page, a report or a command names a weighter and never brings one: no parameter holds a path or
a module, so that no visitor can have a file executed. A name is known once
:func:`register` was called in the process that trains, or if an installed package has an entry
point of the group ``workbench.weighters``, as reports need, which run in processes of their own:

.. code-block:: toml

    [project.entry-points."workbench.weighters"]
    upper_half = "my_package.weighters:UpperHalf"
"""

import re
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from workbench.core import check
from workbench.reweighting.loss_based import LossWeighter
from workbench.reweighting.strategies import STRATEGIES

__all__ = ["GROUP", "METHODS", "register", "registered", "weighter_named", "weighter_names"]

GROUP = "workbench.weighters"
# Weighters of this room beside the strategies of losses: a line for each, loaded when asked for.
METHODS: dict[str, Callable[[], Any]] = {
    "lagged": lambda: import_module("workbench.reweighting.lagged").Lagged,
    "storm": lambda: import_module("workbench.reweighting.meta_rescaling").Storm,
    "bilevel": lambda: import_module("workbench.reweighting.bilevel").ScaleBiO,
    "kl_dro": lambda: import_module(
        "workbench.reweighting.robust_adversarial").KullbackLeiblerWeighter,
    "class_balance": lambda: import_module(
        "workbench.reweighting.separable_adversarial").ClassBalance,
}
OWN: dict[str, Callable[[], Any]] = {}


def register(name: str, make: Callable[[], Any]) -> None:
    """Make a weighter known by a name, in this process.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and underscores.
    make : function without arguments that gives a weighter, for instance its class

    Raises
    ------
    ValueError, TypeError
        If the name is malformed or taken, or if `make` is no function.

    Notes
    -----
    A class or function of the same module and name takes the place of the one before, so that a
    cell of a notebook can be run again.

    Examples
    --------
    >>> class UpperHalf:
    ...     def __call__(self, losses):
    ...         chosen = (losses >= losses.median()).float()
    ...         return chosen / chosen.sum()
    >>> register("upper_half", UpperHalf)
    >>> type(weighter_named("upper_half")).__name__
    'UpperHalf'
    """
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"name must be lower-case letters, digits and underscores, got {name!r}. "
                         "Pass a word such as 'upper_half'.")
    if not callable(make) or not (isinstance(make, type) or not hasattr(make, "scope")):
        raise TypeError(f"make must be a function that gives a weighter, got {make!r}. Pass its "
                        "class, or lambda: weighter.")
    if name in (*STRATEGIES, *METHODS) or not _is_again(OWN.get(name, make), make):
        raise ValueError(f"name must be new, but {name!r} is taken. Choose another.")
    OWN[name] = make


def weighter_names() -> tuple[str, ...]:
    """Names that are known: of this room, registered, and of packages.

    What is installed while this process runs is known to the next one.
    """
    return tuple(dict.fromkeys([*STRATEGIES, *METHODS, *sorted(OWN), *sorted(_installed())]))


def weighter_named(name: str, *, targets: Any = None, **options: Any) -> Any:
    """The weighter of a name.

    Parameters
    ----------
    name : str
        One of :func:`weighter_names`.
    targets : array, shape (n,), optional
        Of the training rows. A class with a method `of` is then made by it, from them.
    **options
        Of `LossWeighter`, where the name is one of its strategies, or of the class of another
        method of this room; registered and installed weighters have their own.

    Raises
    ------
    ValueError
        If nobody registered the name, with the nearest one; if an installed package cannot be
        loaded.
    TypeError
        If what was made is no weighter.

    Examples
    --------
    >>> weighter_named("quadratic", temperature=0.5).temperature
    0.5
    """
    check.one_of(weighter_names(), weighter=name)
    if name in STRATEGIES:
        return LossWeighter(name, **options)
    if name in METHODS:
        return _built(METHODS[name](), targets)(**options)
    made = _built(OWN[name] if name in OWN else _loaded(_installed()[name]), targets)()
    if isinstance(made, type) or not (callable(made) or hasattr(made, "update")
                                      or hasattr(made, "prepare")):
        raise TypeError(f"weighter {name!r} must be made by its class or function, which gave "
                        f"{made!r}. Return an object that gives weights.")
    return made


def registered(name: str) -> Callable[[], Any] | None:
    """What was registered in this process for a name, for instance to know a result again."""
    return OWN.get(name)


def _built(make: Any, targets: Any) -> Callable[..., Any]:
    """What makes a weighter: its class or function, or the method of the class that asks for y."""
    if targets is not None and isinstance(make, type) and hasattr(make, "of"):
        return partial(make.of, targets)
    return make


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as trouble:
        raise ValueError(f"weighter {point.name!r} must load from {point.value!r}, but {trouble}. "
                         "Mend or remove the package that brings it.") from trouble


def _is_again(before: Any, now: Any) -> bool:
    """Whether this is the same function, or one of the same place in the same module."""
    def place(make: Any) -> Any:
        return getattr(make, "__module__", None), getattr(make, "__qualname__", None)
    named = "<lambda>" not in str(place(now)[1]) and place(now)[1] is not None
    return before is now or (named and place(before) == place(now))


def _installed() -> dict[str, EntryPoint]:
    """Entry points of installed packages; not loaded before somebody asks for one."""
    return {point.name: point for point in _points()
            if point.name not in (*STRATEGIES, *METHODS, *OWN)}


@cache
def _points() -> tuple[EntryPoint, ...]:
    """Looked for once in a process: a look through all packages takes some 30 ms."""
    return tuple(entry_points(group=GROUP))
