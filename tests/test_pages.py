"""Every page renders, and a real browser finds on it what a visitor needs, and nothing else."""

import json
import runpy
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from bokeh.document import Document

from tests.ui.browsing import IDLE, ROOT, TEXT, serving_studies
from workbench import catalog, runs
from workbench.ui import HomePage, Site, StudyPage

EVIL = "<img src=x onerror='window.planted=1'>"
PATIENCE = 120_000       # milliseconds; the first computation compiles


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def saved(store):
    """One run of opinion trends with a note that would run a script if it could."""
    study = catalog.study("opinion_trends")
    params = study.Params(**study.SMOKE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_RUNS", str(store))
        run = runs.save(study, params, study.run(params))
        record = json.loads((run.folder / "manifest.json").read_text())
        record["notes"].append(EVIL)
        (run.folder / "manifest.json").write_text(json.dumps(record))
        runs.write_report(runs.load(run.id))
        return runs.load(run.id)


@pytest.fixture(scope="module")
def site(saved, store):
    """Address of a server of its own process."""
    with serving_studies(store) as address:
        yield address


@pytest.fixture
def visit(browser, site):
    """Open a page and tell its requests to other hosts and its errors."""
    contexts = []

    def opened(path, **options):
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(PATIENCE)
        page, outside, errors = contexts[-1].new_page(), [], []
        contexts[-1].route(lambda url: not url.startswith((site, "data:", "blob:")),
                           lambda route: (outside.append(route.request.url), route.abort()))
        page.on("console", lambda told: errors.append(told.text) if told.type == "error" else 0)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(site + path)
        page.wait_for_function(IDLE)
        return page, outside, errors

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", sorted(catalog.studies()))
def test_matches_dashboard_of_each_study(name, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path))
    lines = (ROOT / "dashboards" / f"{name}.py").read_text().splitlines()
    code = [line for line in lines if line and not line.startswith('"""')]
    assert code == [f"from workbench.studies import {name}", "from workbench.ui import StudyPage",
                    f"StudyPage({name}).servable()"]
    runpy.run_path(str(ROOT / "dashboards" / f"{name}.py"))
    document = StudyPage(catalog.study(name)).template().server_doc(doc=Document())
    text = json.dumps(document.to_json(deferred=False))
    assert f"python3 -m workbench report {name}" in text
    assert "Traceback" not in text


def test_matches_home_to_every_study(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path))
    document = HomePage(Site(catalog.studies())).template().server_doc(doc=Document())
    text = document.template_variables["tiles"]
    assert [name for name in catalog.studies() if f"./{name}" not in text] == []


def test_matches_home_in_browser(visit, saved):
    page, outside, errors = visit("/")
    tile = page.locator("li.tile", has_text="Opinion trends")
    first = next(iter(saved.summary.values()))
    assert first.range in tile.inner_text()
    assert tile.locator("img").evaluate("image => image.naturalWidth") > 0
    tile.click()
    page.get_by_text("These belong to the saved run").wait_for()
    assert page.url.endswith("/opinion_trends")
    assert (outside, errors) == ([], [])


@pytest.mark.parametrize("width", [390, 1280])
def test_matches_newest_run_in_browser(visit, saved, width):
    page, outside, errors = visit("/opinion_trends", viewport={"width": width, "height": 800})
    text = page.evaluate(TEXT)
    told = [part for name, number in saved.summary.items() for part in (name, number.range)]
    assert [part for part in told if part not in text] == []
    assert page.locator("canvas").count() >= 3
    assert saved.key in text
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (outside, errors) == ([], [])


def test_rejects_script_in_a_note(visit):
    page, _, errors = visit("/opinion_trends")
    page.get_by_text("onerror").wait_for()
    assert page.evaluate("window.planted === undefined")
    assert errors == []


def test_matches_address_to_the_parameters(visit, saved):
    page, outside, errors = visit(f"/opinion_trends?run={saved.id}")
    assert page.get_by_label("trend", exact=True).input_value() == "line"
    page.get_by_label("seed", exact=True).fill("5")
    page.get_by_label("seed", exact=True).press("Enter")
    page.wait_for_url("**/opinion_trends?trend=line&draws=100&seed=5")
    page.get_by_text("The parameters have changed").wait_for()
    page.go_back()
    page.wait_for_url(f"**/opinion_trends?run={saved.id}")
    page.get_by_text("These belong to the saved run").wait_for()
    assert page.get_by_label("seed", exact=True).input_value() == "0"
    assert (outside, errors) == ([], [])


def test_matches_link_to_a_saved_result(visit, saved):
    page, _, _ = visit("/opinion_trends?trend=line&draws=100")
    page.get_by_text("These belong to the saved run").wait_for()
    assert saved.id in page.evaluate(TEXT)


@pytest.mark.parametrize(("query", "sentence"), [
    ("trend=lime", "trend must be one of 'line', 'smooth', got 'lime'. Did you mean 'line'?"),
    ("draws=1&colour=red", "draws must be a whole number >= 50 and <= 20000, got 1."),
    ("run=../../secret", "run_id must name a saved run, got '../../secret'."),
    (f"trend={EVIL}", f'got "{EVIL}"')])
def test_rejects_address_with_one_sentence(visit, query, sentence):
    page, outside, errors = visit(f"/opinion_trends?{query}")
    alarm = page.get_by_role("alert").inner_text()
    assert sentence in alarm
    assert "the defaults are used instead" in alarm
    assert page.locator("canvas").count() >= 3
    assert page.evaluate("window.planted === undefined")
    assert (outside, errors) == ([], [])


def test_matches_live_result(visit):
    page, outside, errors = visit("/opinion_trends?run=none")
    page.get_by_label("seed", exact=True).fill("7")
    page.get_by_label("seed", exact=True).press("Enter")
    page.get_by_text("The parameters have changed").wait_for()
    page.get_by_role("button", name="Compute").click()
    page.get_by_text("Computed in").wait_for(timeout=PATIENCE)
    page.wait_for_function(IDLE)
    assert page.url.endswith("/opinion_trends?trend=line&draws=100&seed=7")
    text = page.evaluate(TEXT)
    assert "workbench report opinion_trends -p trend=line -p draws=100 -p seed=7" in text
    assert "90 % interval" in text
    assert page.locator("canvas").count() >= 3
    page.get_by_label("data", exact=True).fill("no-such-file.csv")
    page.get_by_label("data", exact=True).press("Enter")
    page.get_by_role("button", name="Compute").click()
    page.get_by_role("alert").wait_for()
    assert "no-such-file.csv" in page.get_by_role("alert").inner_text()
    assert "Traceback" not in page.evaluate(TEXT)
    assert (outside, errors) == ([], [])


def test_matches_report_behind_its_policy(visit, saved, site):
    page, outside, errors = visit("/opinion_trends")
    page.get_by_role("link", name="Open the report").click()
    page.get_by_role("heading", name="Where this comes from").wait_for()
    page.wait_for_load_state("load")         # its style sheet may come after its words
    assert page.evaluate("origin") == "null"
    assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "860px"
    page.get_by_role("link", name="All runs").click()
    page.locator("li.run").wait_for()
    assert (outside, errors) == ([], [])
    with urlopen(f"{site}/reports/{saved.id}/report.html") as answer:
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "allow-same-origin" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["..%2f..%2fetc/passwd", "%2e%2e/%2e%2e/etc/passwd", "link.txt",
                                  ".hidden/file.txt", "a%00b", "no-such-run/report.html"])
def test_rejects_files_outside_the_store(site, store, path):
    (store / ".hidden").mkdir(exist_ok=True)
    (store / ".hidden" / "file.txt").write_text("hidden")
    if not (store / "link.txt").is_symlink():
        (store / "link.txt").symlink_to(ROOT / "pyproject.toml")
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{site}/reports/{path}")
    assert refused.value.code in (400, 403, 404)
    refused.value.close()
