"""In a notebook, widgets and the figures that follow them bring what they need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
told = []
shell.display_pub.publish = lambda data, *more, **other: told.append(sorted(data))
from workbench.plots import use_theme
use_theme()
import holoviews as hv
import panel as pn
"""


def test_identity_what_is_drawn_once_loads_no_widgets():
    told = _told('format = shell.display_formatter.format(hv.Curve([1, 2]))[0]\n'
                 'print(json.dumps([sorted(format), pn.extension._loaded]))')
    assert told == [["text/html", "text/plain"], False]


@pytest.mark.parametrize("thing", ["pn.Column(pn.widgets.IntSlider())",
                                   "hv.HoloMap({1: hv.Curve([1]), 2: hv.Curve([2])}, 'k')",
                                   "hv.DynamicMap(lambda k: hv.Curve([k]), kdims='k')"
                                   ".redim.range(k=(0, 3))"])
def test_matches_widgets_with_their_scripts(thing):
    told = _told(f"format = shell.display_formatter.format({thing})[0]\n"
                 "print(json.dumps([sorted(format), pn.extension._loaded, "
                 "'Slider' in format['text/html']]))")
    assert told == [["application/vnd.holoviews_exec.v0+json", "text/html", "text/plain"],
                    True, True]


def test_identity_no_style_sheet_of_a_later_part_comes_from_another_host():
    told = _told("""
box = pn.Column(pn.pane.HTML("a"))
shell.display_formatter.format(box)
[(model, _)] = box._models.values()
box.append(pn.Row(pn.widgets.Select(options=[1]), pn.widgets.Button(), pn.pane.HTML("b")))
box[0].stylesheets = [":host { color: red }"]
sheets = model.select({"type": pn.reactive.ImportedStyleSheet})
print(json.dumps([sheet.url[:20] for sheet in sheets]))
""")
    assert len(told) >= 3
    assert set(told) == {"data:text/css;base64"}


def _told(code):
    done = subprocess.run([sys.executable, "-c", CODE + code], capture_output=True, text=True,
                          cwd=ROOT, check=True)
    return json.loads(done.stdout.splitlines()[-1])
