"""What a visitor has chosen on the figures of a study: kept, told to the address, and followed."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import panel as pn

from workbench.core import Params, Study
from workbench.core.details import Brush, Chosen, Select
from workbench.ui import address
from workbench.ui.address import text
from workbench.ui.computing import Shown

__all__ = ["Choices"]


class Choices:
    """The choices of one visitor on one study's figures.

    What the address chooses is taken over as soon as the figures offer it, so that a link brings
    the same choice back, and choices stay from run to run where they fit.

    Parameters
    ----------
    study : module
    search : str
        The address from its question mark on.
    """

    def __init__(self, study: Study, search: str):
        self.select: Mapping[str, Select] = getattr(study, "SELECT", {})
        view = getattr(study, "VIEW", None)
        asked = address.chosen(search)
        self.texts = {name.removeprefix("pick."): value for name, value in asked.items()
                      if name.startswith("pick.") and name.removeprefix("pick.") in self.select}
        self.view: Params | None = None if view is None else view(**_sound(view, asked))
        self.picks: dict[str, Any] = {}
        self._study = study
        self._followers: list[Callable[[str], Any]] = []

    def follow(self, told: Callable[[str], Any]) -> None:
        """Call `told` with the name of each choice that changes."""
        self._followers.append(told)

    def choose(self, name: str, value: Any) -> None:
        """Take a choice, or none, and let page and address follow."""
        if self.picks.get(name) == value:
            return
        self.picks.pop(name, None)
        self.texts.pop(name, None)
        if value is not None:
            self.picks[name], self.texts[name] = value, spelled(value)
        self.tell()
        for told in self._followers:
            told(name)

    def offered(self, name: str, values: list[Any]) -> None:
        """Take what the address or an earlier result chose, if it is among these values."""
        known = {spelled(value): value for value in values}
        wanted = self.texts.get(name)
        self.picks.pop(name, None)
        if wanted in known:
            self.picks[name] = known[wanted]

    def stretched(self, name: str, ends: tuple[Any, Any]) -> None:
        """Take the stretch that was chosen before, as far as it lies between these ends."""
        self.picks.pop(name, None)
        found = _stretch(self.texts.get(name, ""), dated=isinstance(ends[0], pd.Timestamp))
        if found is not None:
            inside = max(found[0], ends[0]), min(found[1], ends[1])
            if inside[0] < inside[1]:
                self.picks[name] = inside

    def chosen(self, shown: Shown) -> Chosen:
        """The choices for a result that is shown."""
        wrong = self._study.Params.problems(shown.values)
        params = None if wrong else self._study.Params(**shown.values)
        view = None if self.view is None else type(self.view)(**self.view.values())
        return Chosen(dict(self.picks), view, params)

    def tell(self) -> None:
        """Let the address follow."""
        location = pn.state.location
        if location is None:
            return
        told = {f"pick.{name}": value for name, value in self.texts.items()}
        if self.view is not None:
            defaults = self.view.defaults()
            told |= {f"view.{name}": text(value) for name, value in self.view.values().items()
                     if value != defaults[name]}
        wanted = address.keep(str(location.search), told)
        if location.search != wanted:
            location.search = wanted


def spelled(value: Any) -> str:
    """A choice as the address spells it."""
    if isinstance(value, tuple):
        return "..".join(spelled(end) for end in value)
    if isinstance(value, pd.Timestamp):
        whole = value == value.normalize()
        return str(value.date()) if whole else value.isoformat(timespec="minutes")
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def is_brush(select: Select) -> bool:
    """Whether a stretch of an axis is chosen."""
    return isinstance(select, Brush)


def _stretch(told: str, *, dated: bool) -> tuple[Any, Any] | None:
    try:
        low, high = (pd.Timestamp(end) if dated else float(end) for end in told.split(".."))
    except ValueError:
        return None
    return low, high


def _sound(view: type[Params], asked: Mapping[str, str]) -> dict[str, Any]:
    """Values of the view that an address sets and that can be."""
    texts = {name.removeprefix("view."): value for name, value in asked.items()
             if name.startswith("view.")}
    values = view.typed(texts)
    return {name: value for name, value in values.items() if not view.faults({name: value})}
