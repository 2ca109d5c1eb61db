"""A figure that is changed in place looks as if it had been drawn anew."""

import base64
import io
from importlib.resources import files

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workbench import catalog, plots

SOURCE = files("workbench.ui").joinpath("assets", "difference.js").read_text(encoding="utf-8")
# Pictures of the first figure, of the second in its place, of the first again in the place of
# that; of the second drawn anew, and of what the page then holds as the drawing that is shown.
PICTURES = """async ([before, after]) => {
  const wait = (time) => new Promise((done) => setTimeout(done, time)), places = [];
  const embed = async (drawing) => {
    const place = document.createElement("div");
    place.style.width = "700px";
    document.querySelector("main").append(place);
    places.push(place);
    const [root] = (await Bokeh.embed.embed_item(structuredClone(drawing), place)).roots;
    while (!root.model.document.is_idle) await wait(10);
    return root;
  };
  const picture = async (root) => {
    let last = null, next = "";
    while (next !== last) {
      await wait(60);
      [last, next] = [next, root.export("png").canvas.toDataURL()];
    }
    return next;
  };
  const shown = await embed(JSON.parse(before));
  const change = async (from, to) => {
    const drawing = redrawn(shown.model.document, from, to);
    return {drawing, picture: drawing && await picture(shown)};
  };
  const first = await picture(shown);
  const second = await change(JSON.parse(before), JSON.parse(after));
  const again = second.drawing && await change(second.drawing, JSON.parse(before));
  const anew = await picture(await embed(JSON.parse(after)));
  const whole = second.drawing && await picture(await embed(second.drawing));
  for (const place of places) place.remove();
  return {first, second: second.picture, again: again?.picture, anew, whole};
}"""
# Pixels at both ends of a line, three rows high, that differ when Bokeh paints the sample of a
# legend once more.
SAMPLE = 9


@pytest.fixture(scope="module")
def seeds():
    """Figures of each study for two seeds."""
    found = {}
    for name, study in catalog.studies().items():
        first, second = (study.figures(study.run(study.Params(**(study.SMOKE | {"seed": seed}))))
                         for seed in (1, 2))
        found |= {f"{name} {figure}": (first[figure], second[figure]) for figure in first}
    return found


@pytest.fixture
def drawn(visit):
    """Pictures of two figures, one in the place of the other."""
    page = visit("/").page
    page.evaluate(SOURCE + "; window.redrawn = redrawn; 0")
    return lambda *figures: page.evaluate(PICTURES, [plots.figure_json(one) for one in figures])


def test_matches_figures_of_all_studies(drawn, seeds):
    changed = set()
    for name, figures in seeds.items():
        found = drawn(*figures)
        assert found["second"], f"{name} was not changed in place"
        samples = SAMPLE * max(map(entries, figures))
        if apart(found["first"], found["anew"]) > samples:
            changed.add(name.partition(" ")[0])
        assert apart(found["second"], found["anew"]) <= samples, name
        assert apart(found["again"], found["first"]) <= samples, name
        assert apart(found["whole"], found["anew"]) == 0, name
    assert changed == set(catalog.studies())


def trend(points, *, with_baseline):
    dates = pd.date_range("2020-01-01", periods=points, freq="D")
    level = np.sin(np.arange(points) / 9)
    bands = pd.DataFrame({"date": dates, "mean": level, "low": level - 1, "high": level + 1,
                          "predictive_low": level - 2, "predictive_high": level + 2})
    scores = pd.DataFrame({"date": dates, "score": level + 0.3, "weight": 1.0})
    return plots.trend_bands(bands, scores,
                             baseline=bands[["date", "mean"]] if with_baseline else None)


@pytest.mark.parametrize(("figures"), [
    [trend(60, with_baseline=False), trend(80, with_baseline=True)],
    [trend(60, with_baseline=True), trend(60, with_baseline=False)],
    [plots.weight_profile(np.array([0.5, 0.3, 0.2])), plots.weight_profile(np.full(9, 1 / 9))],
], ids=["a curve more", "a curve less", "more weights"])
def test_matches_parts_that_come_and_go(drawn, figures):
    found = drawn(*figures)
    samples = SAMPLE * max(map(entries, figures))
    assert apart(found["second"], found["anew"]) <= samples
    assert apart(found["again"], found["first"]) <= samples


def restyled(*styles):
    """Curves by their name, width and line; what is not said stays as Bokeh has it."""
    return hv.Overlay([hv.Curve([0.0, height, 1.0], label=name).opts(**style)
                       for height, (name, style) in enumerate(styles)])


def test_identity_of_a_drawing_that_comes_back(visit):
    page = visit("/").page
    page.evaluate(SOURCE + "; window.redrawn = redrawn; 0")
    strange = {"line_alpha": 0.3, "line_cap": "round", "line_width": 9}
    drawings = [plots.figure_json(restyled(*styles)) for styles in (
        [("a", {}), ("b", {})], [("a", strange), ("b", {})], [("b", {})])]
    # The last one comes again with the ids of the first, parts of which have left meanwhile.
    pictures = page.evaluate(PICTURES.replace(
        "const first = await picture(shown);",
        """const first = await picture(shown);
           let now = JSON.parse(before);
           for (const other of more) {
             now = redrawn(shown.model.document, now, JSON.parse(other));
             await picture(shown);
           }
           redrawn(shown.model.document, now, JSON.parse(before));
           return {first, second: await picture(shown)};""").replace(
        "[before, after]", "[before, ...more]"), drawings)
    assert apart(pictures["second"], pictures["first"]) <= SAMPLE * len(("a", "b"))


def test_rejects_to_change_what_bokeh_does_not_follow(drawn):
    counts = hv.Image(np.arange(1.0, 13.0).reshape(3, 4)).opts(clim=(1, 12))
    found = drawn(counts.opts(cnorm="linear", clone=True), counts.opts(cnorm="log", clone=True))
    assert apart(found["first"], found["anew"]) > 20
    assert found["second"] is None               # another scale of colours is drawn anew


def test_identity_of_what_is_shown_when_nothing_changes(visit):
    page = visit("/").page
    same = [plots.figure_json(trend(60, with_baseline=True)) for _ in range(2)]
    assert page.evaluate(SOURCE + "; (both) => new Difference(...both.map(JSON.parse)).events",
                         same) == []


def entries(figure):
    """Samples in the legends of a figure."""
    return plots.figure_json(figure).count('"LegendItem"')


def apart(one, other):
    """Pixels in which two pictures differ; infinite if they differ in size."""
    first, second = (np.asarray(Image.open(io.BytesIO(base64.b64decode(each.split(",")[1]))))
                     for each in (one, other))
    return np.inf if first.shape != second.shape else int((first != second).any(axis=-1).sum())
