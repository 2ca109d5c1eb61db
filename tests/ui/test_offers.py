"""Widgets that a result fills, and numbers that may be none."""

import param

from workbench.core import Params
from workbench.ui.parts.controls import Controls
from workbench.ui.parts.offers import offers_of


class View(Params):
    """Two parameters that results fill."""

    offers = {"hide": lambda result: result, "along": lambda result: result}   # noqa: RUF012
    hide = param.List([], item_type=str, doc="Texts.")
    along = param.String("", doc="A text.")


class Borders(Params):
    """A number that may be none."""

    border = param.Number(None, bounds=(0, 1), softbounds=(0.8, 1), allow_None=True)


def widgets(offer):
    return [one for one in offer.panel.select() if "value" in one.param and "options" in one.param]


def test_matches_what_a_result_offers_to_the_view():
    view = View(hide=["b", "gone"])
    offers = offers_of(view)
    assert not offers["hide"].panel.visible
    for offer in offers.values():
        offer.offer(["a", "b"])
    (boxes,), (menu,) = widgets(offers["hide"]), widgets(offers["along"])
    assert (boxes.options, boxes.value) == (["a", "b"], ["b"])
    assert (menu.options, menu.value) == (["none", "a", "b"], "none")
    assert view.hide == ["b", "gone"]          # until a visitor changes it
    boxes.value, menu.value = ["a"], "b"
    assert (view.hide, view.along) == (["a"], "b")
    menu.value = "none"
    assert view.along == ""
    offers["along"].offer([])
    assert not offers["along"].panel.visible


def test_matches_long_lists_to_a_list():
    offer = offers_of(View())["hide"]
    offer.offer([f"source {i}" for i in range(40)])
    assert type(widgets(offer)[0]).__name__ == "MultiSelect"


def test_matches_a_number_that_may_be_none():
    params, seen = Borders(), []
    controls = Controls(params, lambda: seen.append(params.border))
    widget = controls.widgets["border"]
    box, = (one for one in widget.panel.select() if getattr(one, "label", "") == "border: none")
    assert (widget.slider.value, box.value, params.border) == (0.8, True, None)
    with param.edit_constant(widget.slider):
        widget.slider.value_throttled = 0.5
    assert (params.border, box.value, widget.slider.value) == (0.5, False, 0.5)
    box.value = True
    assert params.border is None
    assert widget.slider.value == 0.8
    params.border = 0.25
    assert (widget.slider.value, box.value) == (0.25, False)
    assert seen[-3:] == [0.5, None, 0.25]
