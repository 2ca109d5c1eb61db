"""A number that may be none: a slider, and a box that says so."""

from typing import Any

import panel as pn
import param

from workbench.ui import look

__all__ = ["OptionalSlider"]


class OptionalSlider(param.Parameterized):
    """A slider whose number is taken as soon as it is moved, until the box is ticked again.

    Parameters
    ----------
    value : float or None
    label : str
    ends : (float, float)
    step : float
    rest : float
        Where the slider stands while the value is none.
    """

    value = param.Number(None, allow_None=True)

    def __init__(self, value: float | None, *, label: str, ends: tuple[float, float],
                 step: float, rest: float):
        super().__init__(value=value)
        self._rest, self._quiet = rest, False
        low, high = ends
        self.slider = pn.widgets.EditableFloatSlider(
            label=label, value=rest, start=low, end=high, fixed_start=low, fixed_end=high,
            step=step, sizing_mode="stretch_width", margin=0, stylesheets=[look.WIDGETS])
        self._box = pn.widgets.Checkbox(label=f"{label}: none", margin=(0, 0, 10, 0),
                                        stylesheets=[look.WIDGETS])
        self.panel = pn.Column(self.slider, self._box, sizing_mode="stretch_width", margin=0)
        self.slider.param.watch(self._moved, "value_throttled")
        self._box.param.watch(self._ticked, "value")
        self.param.watch(lambda *_: self._show(), "value")
        self._show()

    def _show(self) -> None:
        self._quiet = True
        self.slider.value = self._rest if self.value is None else self.value
        self._box.value = self.value is None
        self._quiet = False

    def _moved(self, event: Any) -> None:
        if not self._quiet:
            self.value = event.new

    def _ticked(self, event: Any) -> None:
        if not self._quiet:
            self.value = None if event.new else self.slider.value
