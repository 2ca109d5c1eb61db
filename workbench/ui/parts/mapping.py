"""The columns of the visitor's own file: which has which role, what is wrong, how it looks."""

import html
from typing import Any

import panel as pn

from workbench.core import Column
from workbench.datasets.inspection import Facts, suits
from workbench.ui import facts, look
from workbench.ui.giving import Given, Giving
from workbench.ui.preview import preview

__all__ = ["Mapping"]

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
KINDS = {"date": "date", "number": "number", "target": "number to predict",
         "weight": "number of at least 0", "time": "date or number", "group": "few values",
         "name": "name", "value": "value"}
SHOWN = 60               # letters of a name in a list


class Mapping:
    """Drop-downs for the roles that a study declares, with a preview; hidden without a file.

    Parameters
    ----------
    giving : Giving
    """

    def __init__(self, giving: Giving):
        self._giving = giving
        self._about, self._look, self._told = (
            pn.pane.HTML("", stylesheets=[look.FACTS, look.sheet("mapping.css")], **WIDE)
            for _ in range(3))
        self._fields = pn.FlexBox(gap="0 20px", **WIDE)
        self._problems: dict[str, Any] = {}
        self._selects: dict[str, Any] = {}
        self.panel = pn.Column(self._about, self._fields, self._told, self._buttons(), self._look,
                               visible=False, css_classes=["mapping"],
                               stylesheets=[look.sheet("mapping.css")],
                               sizing_mode="stretch_width", margin=(0, 0, 24, 0))
        if giving.is_offered:
            giving.param.watch(self._given, "given")
            giving.param.watch(self._follow, ["chosen", "misfits", "notes", "refusals",
                                              "checking"])
            giving.visit.values.param.watch(self._follow, list(giving.params.declared()))

    def _buttons(self) -> Any:
        more: dict[str, Any] = {"stylesheets": [look.WIDGETS], "margin": (0, 12, 12, 0)}
        self._use = pn.widgets.Button(label="Use this file", color="primary", disabled=True,
                                     **more)
        self._change = pn.widgets.Button(label="Change columns", **more)
        away = pn.widgets.Button(label="Put away", **more)
        self._use.on_click(self._used)
        self._change.on_click(lambda *_: self._unfold(unfolded=True))
        away.on_click(lambda *_: self._giving.forget())
        return pn.FlexBox(self._use, self._change, away, **WIDE)

    def _used(self, *_: Any) -> None:
        self._giving.use()
        self._unfold(unfolded=not self._giving.is_used)

    def _unfold(self, *, unfolded: bool) -> None:
        """Show the drop-downs and the preview, or, once the file is in use, only its name."""
        for part in (self._fields, self._told, self._look, self._use):
            part.visible = unfolded
        self._change.visible = not unfolded and bool(self._selects)

    def _given(self, *_: Any) -> None:
        given, roles = self._giving.given, self._giving.roles
        self._selects, self._problems = {}, {}
        if given is None:
            self.panel.visible = False
            self._fields.objects = []
            self._look.object = ""
            return
        self._fields.objects = [self._field(given, role, wanted)
                                for role, wanted in roles.items()
                                if wanted.kind != "value" or given.values[role]]
        self._unfold(unfolded=True)
        self._follow()
        self.panel.visible = True        # last, so that nothing is pressed before it can be

    def _field(self, given: Given, role: str, wanted: Column) -> Any:
        none = f"choose {'one' if wanted.kind == 'value' else 'a column'}" if (
            wanted.required or wanted.kind == "value") else "none"
        options = ({value: value for value in given.values[role]} if wanted.kind == "value"
                   else _options(given.facts, wanted))
        select = pn.widgets.Select(
            label=f"{role} ({KINDS[wanted.kind]}{', required' if wanted.required else ''})",
            options={none: "", **options}, value=self._giving.chosen.get(role, ""),
            description=self._giving.params.declared()[role].doc, margin=(0, 0, 2, 0),
            stylesheets=[look.WIDGETS], sizing_mode="stretch_width")
        select.param.watch(lambda event: self._giving.choose(role, event.new), "value")
        self._selects[role] = select
        self._problems[role] = pn.pane.HTML(
            "", stylesheets=[look.FACTS, look.sheet("mapping.css")], **WIDE)
        return pn.Column(select, self._problems[role], width=300, margin=(0, 0, 8, 0))

    def _follow(self, *_: Any) -> None:
        giving, given = self._giving, self._giving.given
        if given is None:
            return
        used = giving.is_used
        for role, pane in self._problems.items():
            pane.object = _misfit(giving.misfits.get(role))
        self._about.object = _heading(given, used=used)
        self._told.object = self._verdict()
        self._use.disabled = used or not giving.is_ready
        self._look.object = "" if given.head is None else preview(
            given.head, {name: one.holds for name, one in given.facts.items()},
            {name: role for role, name in giving.chosen.items()
             if giving.roles[role].kind != "value"})

    def _verdict(self) -> str:
        giving = self._giving
        if giving.checking:
            return '<p class="quiet small busy" role="status">Reading the chosen columns …</p>'
        if giving.refusals:
            return facts.alarm(giving.refusals)
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in giving.notes)
        return f'<ul class="notes" aria-label="How the file is read">{notes}</ul>' if notes else ""


def _options(columns: Any, wanted: Column) -> dict[str, str]:
    """Columns by what a list shows of them, those that suit first."""
    found: dict[str, str] = {}
    for fits in (True, False):
        for one in columns.values():
            if suits(one, wanted) == fits:
                label = _label(one, wanted, fits=fits)
                while label in found:
                    label += "'"
                found[label] = one.name
    return found


def _label(one: Facts, wanted: Column, *, fits: bool) -> str:
    name = one.name if len(one.name) <= SHOWN else f"{one.name[:SHOWN - 1]}…"
    return f"{name} ({one.holds})" if fits else f"{name} ({one.holds}, not {KINDS[wanted.kind]})"


def _misfit(found: Any) -> str:
    if found is None:
        return ""
    kind = "problem" if found.problem else "caution"
    return f'<p class="{kind}" role="status">{html.escape(found.problem or found.caution)}</p>'


def _heading(given: Given, *, used: bool) -> str:
    next_step = ("It is in use: Run or Compute here shows its result." if used
                 else "Choose what each column is, then use the file.")
    told = next_step if used or given.facts else "Use the file for the next result."
    return (f"<h2>Your file</h2><p>{html.escape(given.about)} "
            f'<span class="quiet">{told}</span></p>')
