"""Widgets are made from the declaration, and follow it."""

import panel as pn
import pytest

from workbench.studies import loss_landscape_phases
from workbench.ui.parts.controls import Controls


@pytest.fixture
def controls(tiny):
    made = Controls(tiny.Params(), lambda: told.append(made.params.values()))
    told = []
    made.told = told
    return made


def test_matches_kind_of_each_parameter(controls):
    kinds = {name: type(widget) for name, widget in controls.widgets.items()}
    assert kinds == {
        "n": pn.widgets.EditableIntSlider, "share": pn.widgets.EditableFloatSlider,
        "limit": pn.widgets.TextInput, "word": pn.widgets.TextInput, "kind": pn.widgets.Select,
        "flag": pn.widgets.Checkbox, "sizes": pn.widgets.TextInput, "seed": pn.widgets.IntInput}
    n = controls.widgets["n"]
    assert (n.fixed_start, n.fixed_end, n.value, n.label) == (1, 100, 3, "n")
    assert controls.widgets["word"].description == "Any text, <i>even</i> this."


@pytest.mark.parametrize(("name", "shown", "value"), [
    ("limit", "2.5", 2.5), ("word", " x ", " x "), ("kind", "square", "square"),
    ("flag", True, True), ("sizes", "[1, 2.5]", [1, 2.5]), ("seed", 5, 5)])
def test_matches_parameter_to_widget(controls, name, shown, value):
    controls.widgets[name].value = shown
    assert getattr(controls.params, name) == value
    assert len(controls.told) == 1
    default = controls.params.defaults()[name]
    controls.params.param.update(**{name: default})
    assert controls.widgets[name].value == {"limit": "none", "sizes": "[]"}.get(name, default)


def test_rejects_value_until_it_is_mended(controls):
    controls.widgets["limit"].value = "much"
    assert controls.params.limit is None
    assert "limit must be a number >= 0 or none, got 'much'" in controls.problems["limit"]
    controls.widgets["limit"].value = "none"
    assert controls.problems == {}
    assert len(controls.told) == 2


def test_identity_reset_shows_the_parameters(controls):
    controls.widgets["limit"].value = "much"
    controls.reset()
    assert controls.widgets["limit"].value == "none"
    assert controls.problems == {}


@pytest.mark.parametrize("order", [("load", "loads"), ("loads", "load")])
def test_identity_values_that_fit_each_other_come_in_any_order(order):
    controls = Controls(loss_landscape_phases.Params(loads=[4, 8]), lambda: None)
    wanted = {"load": "label_noise", "loads": "[0.1, 0.2]"}
    controls.widgets[order[0]].value = wanted[order[0]]
    assert "loads must hold" in controls.problems[order[0]]
    assert controls.params.load == "width"
    controls.widgets[order[1]].value = wanted[order[1]]
    assert controls.problems == {}
    assert (controls.params.load, controls.params.loads) == ("label_noise", [0.1, 0.2])


def test_identity_a_value_is_judged_beside_those_of_the_page():
    controls = Controls(loss_landscape_phases.Params(tau_trace=400.0), lambda: None)
    controls.widgets["sharp_by"].value = "trace"
    assert controls.problems == {}
    controls.widgets["tau_trace"].value = "none"
    assert "tau_trace must be a number" in controls.problems["tau_trace"]
    controls.widgets["sharp_by"].value = "loss"
    assert controls.problems == {}
    assert (controls.params.sharp_by, controls.params.tau_trace) == ("loss", None)
