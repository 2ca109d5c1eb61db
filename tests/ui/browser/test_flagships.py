"""What the figures of three studies tell when they are clicked and brushed, in a browser."""

import pandas as pd
import pytest

from workbench import catalog, runs

# Where a figure, named by the start of its title, shows a place, on the screen.
PLACE = """([title, x, y]) => {
  const find = (views) => { for (const view of views) {
    if (view.model.type === "Figure" && view.model.title?.text.startsWith(title)) return view;
    const found = find(view.children ? [...view.children()] : []);
    if (found) return found;
  } };
  const plot = find(Object.values(Bokeh.index));
  if (!plot) return null;
  plot.el.scrollIntoView({block: "center"});
  const box = plot.canvas_view.el.getBoundingClientRect();
  return [box.x + plot.frame.x_scale.compute(x), box.y + plot.frame.y_scale.compute(y)];
}"""
# What the legend of a figure lists.
LEGEND = """(title) => [...new Set(Bokeh.documents.flatMap((page) => [...page.all_models]))]
  .filter((one) => one.type === "Figure" && one.title?.text.startsWith(title))
  .flatMap((one) => [...one.references()].filter((part) => part.type === "LegendItem")
    .map((part) => part.label.value))"""


@pytest.fixture
def newest(store, monkeypatch):
    """Tables of the newest run of a study."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(store))
    monkeypatch.delenv("WORKBENCH_RUN_FOLDER", raising=False)
    return lambda name: next(run for run in runs.list_runs(catalog.study(name))).tables()


def place(visited, title, x, y):
    """A place on the screen that holds still: figures may still move when they are drawn."""
    page, last = visited.page, None
    for _ in range(50):
        visited.settle()
        found = page.evaluate(PLACE, [title, x, y])
        if found is not None and found == last:
            return found
        last = found
        page.wait_for_timeout(100)
    return pytest.fail(f"The figure {title!r} does not hold still at {last}.")


def told(visited, words):
    """Wait until the page says so."""
    visited.page.get_by_text(words).first.wait_for()
    visited.settle()


def milliseconds(day):
    return pd.Timestamp(day).timestamp() * 1e3


def test_matches_a_brushed_window_to_its_slope(visit, newest):
    study, tables = visit("/opinion_trends"), newest("opinion_trends")
    middle = float(tables["scores"]["score"].mean())
    start, end = (place(study, "Score over time", milliseconds(day), middle)
                  for day in ("1962-01-01", "1975-01-01"))
    mouse = study.page.mouse
    mouse.move(*start)
    mouse.down()
    mouse.move((start[0] + end[0]) / 2, end[1])
    mouse.move(*end)
    mouse.up()
    told(study, "both days included")
    chosen = dict(pair.split("=") for pair in study.page.url.split("?")[1].split("&"))
    low, high = map(pd.Timestamp, chosen["pick.window"].split(".."))
    assert abs(low - pd.Timestamp("1962-01-01")) < pd.Timedelta(days=120)
    assert abs(high - pd.Timestamp("1975-01-01")) < pd.Timedelta(days=120)
    assert f"From {low.date()} to {high.date()}, both days included" in study.text
    inside = int(tables["scores"]["date"].between(low, high + pd.Timedelta(days=1)).sum())
    assert f"scores {inside} counted, of 114" in study.text
    assert sum("of the posterior is below zero" in title for title in titles(study)) == 2
    again = visit(study.page.url.removeprefix(study.site))
    told(again, f"From {low.date()} to {high.date()}")
    again.page.get_by_role("button", name="Whole axis").click()
    again.page.get_by_text("both days included").wait_for(state="detached")
    assert "pick.window" not in again.page.url
    assert study.faults + again.faults == []


def test_matches_a_clicked_score_to_its_weight(visit, newest):
    study, scores = visit("/opinion_trends"), newest("opinion_trends")["scores"]
    row = scores.loc[scores["weight"].idxmin()]
    study.page.mouse.click(*place(study, "Score over time", milliseconds(row["date"]),
                                  row["score"]))
    told(study, f"The score of {row['date'].date()}")
    assert f"{row['weight']:.4g} times uniform" in study.text
    study.page.get_by_label("beside", exact=True).select_option("smooth, normal")
    study.page.wait_for_url("**view.beside=smooth**")
    study.page.wait_for_function(
        f"({LEGEND})('Score over time').includes('smooth, normal, band')")
    assert study.faults == []


def test_matches_a_clicked_row_to_its_weights(visit, newest):
    study, tables = visit("/quantile_aggregation"), newest("quantile_aggregation")
    rows = tables["predictions"].sort_values("median").reset_index(drop=True)
    row = rows.loc[20]
    title = study.page.evaluate("""() => Bokeh.documents.flatMap((page) => [...page.all_models])
        .find((one) => one.title?.text?.endsWith("of outcomes inside")).title.text""")
    study.page.mouse.click(*place(study, title, 21, float(rows["median"].mean())))
    told(study, f"Row {row['row']} of the table")
    text = study.text
    assert f"the outcome, {row['y']:.4g}," in text
    assert "weights @ quantiles" in text
    first = row["low_end"].split(",")[0].split()          # for instance qrf 61 %
    assert f"{first[0]} {first[1]}" in text.replace(".", " ")
    again = visit(study.page.url.removeprefix(study.site))
    told(again, f"Row {row['row']} of the table")
    again.page.get_by_label("fan_along").select_option("froude")
    again.page.wait_for_url("**view.fan_along=**")
    again.page.get_by_label("Group", exact=True).select_option(rows["group"].iloc[0])
    told(again, "are promised.")
    assert study.faults + again.faults == []


def test_matches_a_clicked_cell_to_its_networks(visit):
    study = visit("/loss_landscape_phases")
    study.page.mouse.click(*place(study, "Phases of", 1.0, 0.0))
    told(study, "Spectrum of the Hessian of width 16, batch size 32, seed 0")
    told(study, "From width 16, batch size 32, seed 0 to width 16, batch size 32, seed 1")
    assert "Training loss over training" in titles(study)
    assert "How curved the loss is" in titles(study)
    study.page.get_by_label("Second network, of any cell of this shape").select_option(
        "width 16, batch size 256, seed 0")
    told(study, "to width 16, batch size 256, seed 0")
    again = visit(study.page.url.removeprefix(study.site))
    told(again, "to width 16, batch size 256, seed 0")
    assert study.faults + again.faults == []


def test_matches_a_moved_threshold_to_the_phases(visit):
    study = visit("/loss_landscape_phases")
    assert "Thresholds: loss 0.1 nat" in study.text
    before = set(study.page.evaluate(LEGEND, "Phases of"))
    assert before & {"I", "II"}
    box = study.page.locator("input[value='0.1']").first
    box.fill("3")
    box.press("Enter")
    told(study, "Thresholds: loss 3 nat")         # nothing is trained, nobody presses a button
    study.page.wait_for_function(f"!({LEGEND})('Phases of').some((one) => /^II?$/.test(one))")
    assert study.faults == []


def titles(visited):
    return visited.page.evaluate("""() => Bokeh.documents.flatMap((page) => [...page.all_models])
        .filter((one) => one.type === "Figure").map((one) => one.title?.text)""")
