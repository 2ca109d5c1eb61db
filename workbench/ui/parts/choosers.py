"""Lists and sliders that make the same choices as a click or a brush, for the keyboard."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import panel as pn

from workbench.ui import look

__all__ = ["Chooser", "Lister", "Stretcher"]

MOST = 400               # entries of a list; above, the name is typed
NONE = "none"
FEW_DAYS = pd.Timedelta(days=20)         # a stretch up to this long is chosen to the minute
MINUTE = 60_000          # milliseconds


class Chooser:
    """A widget that shows a choice and makes it.

    Parameters
    ----------
    choose : function of a value or None
    """

    panel: Any

    def __init__(self, choose: Callable[[Any], None]):
        self._choose = choose
        self._quiet = False

    def show(self, value: Any) -> None:
        """Show a choice that was made elsewhere."""
        self._quiet = True
        try:
            self._put(value)
        finally:
            self._quiet = False

    def offer(self, values: Sequence[Any]) -> None:
        """Offer other values."""

    def fits(self, offered: Any) -> bool:
        """Whether it can offer these values or ends, in the place of those that it offers."""
        raise NotImplementedError

    def drawn(self, low: float, high: float) -> None:
        """Take a stretch as a figure counts it."""

    def _put(self, value: Any) -> None:
        raise NotImplementedError

    def _tell(self, value: Any) -> None:
        if not self._quiet:
            self._choose(value)


class Lister(Chooser):
    """One of a list; long lists are typed into, which completes the name.

    Parameters
    ----------
    label : str
    values : sequence
    choose : function of a value or None
    """

    def __init__(self, label: str, values: Sequence[Any], choose: Callable[[Any], None]):
        super().__init__(choose)
        look_of = {"label": label, "stylesheets": [look.WIDGETS], "width": 260,
                   "margin": (0, 12, 8, 0)}
        self._typed = len(values) > MOST
        self._known: dict[str, Any] = {}
        self.panel = (pn.widgets.AutocompleteInput(min_characters=1, restrict=True, value="",
                                                   case_sensitive=False, **look_of)
                      if self._typed else pn.widgets.Select(**look_of))
        self.offer(values)
        self.panel.param.watch(lambda event: self._tell(self._known.get(event.new)), "value")

    def fits(self, offered: Any) -> bool:
        """Whether these are as many as can be listed, or typed."""
        return (len(offered) > MOST) is self._typed

    def offer(self, values: Sequence[Any]) -> None:
        """Offer other values; without any the list hides."""
        self._known = {str(value): value for value in values}
        self._quiet = True
        self.panel.options = [*([] if self._typed else [NONE]), *self._known]
        self._quiet = False
        self.panel.visible = bool(self._known)

    def _put(self, value: Any) -> None:
        self.panel.value = ("" if self._typed else NONE) if value is None else str(value)


class Stretcher(Chooser):
    """A slider with two handles over numbers or dates; both ends of the axis choose nothing.

    Parameters
    ----------
    label : str
    ends : (number or Timestamp, same)
    choose : function of a pair or None
    """

    def __init__(self, label: str, ends: tuple[Any, Any], choose: Callable[[Any], None]):
        super().__init__(choose)
        self._ends = ends
        self._dated = isinstance(ends[0], pd.Timestamp)
        self._grain = "D" if self._dated and ends[1] - ends[0] > FEW_DAYS else "min"
        kind: Any = pn.widgets.RangeSlider if not self._dated else (
            pn.widgets.DateRangeSlider if self._grain == "D" else pn.widgets.DatetimeRangeSlider)
        low, high = (self._spelled(end) for end in ends)
        step: dict[str, Any] = ({"step": (high - low) / 200} if not self._dated else
                                {} if self._grain == "D" else {"step": MINUTE})
        self._slider = kind(label=label, start=low, end=high, value=(low, high), width=420,
                            stylesheets=[look.WIDGETS], margin=(0, 12, 8, 0), **step)
        clear = pn.widgets.Button(label="Whole axis", stylesheets=[look.WIDGETS],
                                  margin=(0, 0, 8, 0))
        clear.on_click(lambda *_: self._tell(None))
        self._slider.param.watch(self._slid, "value_throttled")
        self.panel = pn.FlexBox(self._slider, clear, align_items="end")

    def fits(self, offered: Any) -> bool:
        """Whether these are its ends."""
        return bool(offered == self._ends)

    def drawn(self, low: float, high: float) -> None:
        """Take a stretch as a figure counts it, dates in milliseconds since 1970."""
        pair = tuple(pd.Timestamp(end, unit="ms").floor(self._grain) if self._dated else end
                     for end in (low, high))
        bottom, top = max(pair[0], self._ends[0]), min(pair[1], self._ends[1])
        self._tell((bottom, top) if bottom < top else None)

    def _put(self, value: Any) -> None:
        low, high = value or self._ends
        self._slider.value = (self._spelled(low), self._spelled(high))

    def _slid(self, event: Any) -> None:
        low, high = event.new
        if (low, high) == tuple(self._spelled(end) for end in self._ends):
            self._tell(None)
        else:
            self._tell(tuple(min(max(pd.Timestamp(end).floor(self._grain), self._ends[0]),
                                 self._ends[1]) for end in (low, high))
                       if self._dated else (low, high))

    def _spelled(self, end: Any) -> Any:
        return end.to_pydatetime() if self._dated else float(end)
