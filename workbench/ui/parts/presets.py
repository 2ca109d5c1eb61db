"""Named settings of a study, to begin with one that somebody has thought about."""

from collections.abc import Mapping
from typing import Any

import panel as pn

from workbench.ui import look
from workbench.ui.visit import Visit

__all__ = ["Presets", "presets"]

OWN = "own values"


class Presets:
    """A list of presets, which shows the one that the parameters are.

    Parameters
    ----------
    visit : Visit
    """

    def __init__(self, visit: Visit):
        self._visit = visit
        self._known = presets(visit.study)
        self.panel = pn.widgets.Select(
            label="Preset", options=[*self._known, OWN], value=OWN,
            description="Sets all parameters below; each can be changed afterwards.",
            sizing_mode="stretch_width", margin=(0, 0, 10, 0), stylesheets=[look.WIDGETS],
            disabled=not visit.site.may_run)
        visit.follow(self._follow, "values")
        self.panel.param.watch(self._choose, "value")

    def _follow(self) -> None:
        values = self._visit.values.values()
        name = next((name for name, preset in self._known.items() if preset == values), OWN)
        offered = [*self._known, *([OWN] if name == OWN else [])]
        if (self.panel.value, self.panel.options) != (name, offered):
            self.panel.param.update(options=offered, value=name)

    def _choose(self, event: Any) -> None:
        wanted = self._known.get(event.new)
        if wanted is not None and wanted != self._visit.values.values():
            self._visit.values.param.update(**wanted)
            self._visit.param.trigger("shown")    # widgets that hold refused values start anew


def presets(study: Any) -> dict[str, Mapping[str, Any]]:
    """All values of each preset by its name: the defaults, a quick look, and the study's own."""
    declared = {name: values for name, values in getattr(study, "PRESETS", {}).items() if values}
    named = {"Defaults": {}, "Quick look": study.SMOKE, **declared}
    return {name: study.Params(**values).values() for name, values in named.items()}
