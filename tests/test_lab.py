"""JupyterLab in a real browser: notebooks run from top to bottom, widgets answer, cards open."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from workbench import catalog

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("[a-z]*.ipynb")
                   if path.stem != "welcome")
LAB = ("import sys; from workbench import catalog, ui; "
       "ui.lab(catalog.studies(), port=int(sys.argv[1]), open_browser=False)")
KERNELS = {"python3": "workbench", "workbench-warm": "workbench (warm)"}
PATIENCE = 1200          # half seconds for all cells of a notebook on a busy machine
DRAWING = 60             # looks at all cells until figures are drawn
STILL = 6                # looks in which nothing happens until cells are run again
CONNECTED = """([path, name]) => {
  const panel = window.jupyterapp?.shell.currentWidget;
  const kernel = panel?.sessionContext?.session?.kernel;
  return panel?.context?.path === path && panel.sessionContext.isReady && kernel?.name === name
    && kernel.connectionStatus === "connected" && kernel.status === "idle";
}"""
# What Lab knows of the cells: those out of view are not in the document.
STATE = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const cells = [...panel.content.widgets].filter((cell) => cell.model.type === "code");
  const left = cells.findIndex((cell) => cell.model.executionCount === null);
  const failed = cells.findIndex((cell) => cell.model.outputs.toJSON().some(
    (output) => output.output_type === "error"));
  const broken = failed >= 0 && (left < 0 || failed < left);
  const idle = panel.sessionContext.session?.kernel?.status === "idle";
  return {broken, stalled: !broken && left >= 0 && idle};
}"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of notebooks and data, so that running them changes nothing here."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks",
                    ignore=shutil.ignore_patterns("copies"))
    shutil.copytree(ROOT / "data" / "raw", folder / "data" / "raw")
    for name in [*NOTEBOOKS, "welcome"]:
        path = folder / "notebooks" / f"{name}.ipynb"
        content = json.loads(path.read_text("utf-8"))
        _shorten(content, name)
        path.write_text(json.dumps(content), "utf-8")
        content["metadata"]["kernelspec"] = {
            "name": "workbench-warm", "display_name": "workbench (warm)", "language": "python"}
        (folder / "notebooks" / f"warm_{name}.ipynb").write_text(json.dumps(content), "utf-8")
    (folder / "config").mkdir()
    (folder / "config" / "jupyter_lab_config.json").write_text(
        json.dumps({"LabApp": {"expose_app_in_browser": True}}), "utf-8")
    return folder


def _shorten(content, name):
    """Let a notebook run with the few rows and steps of its study's smoke test."""
    smoke = catalog.studies()[name].SMOKE if name in catalog.studies() else {}
    for cell in content["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            lines = "".join(cell["source"]).splitlines()
            names = [line.partition(" = ")[0] for line in lines]
            assert set(smoke) <= set(names)
            cell["source"] = "\n".join(
                f"{each} = {smoke[each]!r}" if each in smoke else line
                for each, line in zip(names, lines, strict=True))


@pytest.fixture(scope="module")
def lab(checkout):
    """Address and token of a running lab."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, log = secrets.token_hex(16), checkout / "lab.log"
    settings = {"WORKBENCH_ROOT": str(checkout), "JUPYTER_TOKEN": token,
                "WORKBENCH_RUNS": str(checkout / "runs"), "HOME": str(checkout / "home"),
                "JUPYTER_CONFIG_DIR": str(checkout / "config")}
    with log.open("w") as told, subprocess.Popen(
            [sys.executable, "-c", LAB, str(port)], stdout=told, stderr=told, cwd=ROOT,
            env=os.environ | settings) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/api?token={token}", process, log)
            yield f"http://127.0.0.1:{port}", token
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


def _wait(address, process, log):
    for _ in range(PATIENCE):
        try:
            with urlopen(address):
                return
        except URLError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.5)
    pytest.fail(f"JupyterLab did not answer:\n{log.read_text()}")


@pytest.fixture
def page(browser, lab):
    """A window that has signed in and may not reach another host."""
    address, token = lab
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened, outside = context.new_page(), []
    context.route(lambda url: not url.startswith((address, "data:", "blob:")),
                  lambda route: (outside.append(route.request.url), route.abort()))
    opened.goto(f"{address}/lab?token={token}&reset")
    yield opened
    assert outside == []
    context.close()


# That both kernels give the same outputs is seen for every notebook in tests/test_notebooks.py.
RUNS = [*((name, "workbench-warm") for name in NOTEBOOKS),
        *((name, "python3") for name in ("loss_landscape_phases", "opinion_trends"))]


@pytest.mark.parametrize(("name", "kernel"), RUNS)
def test_matches_notebook_run_in_lab(page, lab, checkout, name, kernel):
    shutil.rmtree(checkout / "runs", ignore_errors=True)
    opened = name if kernel == "python3" else f"warm_{name}"
    notebook = _run_all(page, lab, f"notebooks/{opened}.ipynb", kernel)
    # The last cell saves.
    assert _until(page, kernel, lambda: any(
        (checkout / "runs").glob(f"2*-{name}-*/manifest.json")))
    assert len(list((checkout / "runs").glob(f"*-{name}-*"))) == 1
    assert _drawn(page, notebook, 3) >= 3


@pytest.mark.parametrize("kernel", KERNELS)
def test_matches_widget_moved_in_an_exploration(page, lab, checkout, kernel):
    shutil.rmtree(checkout / "runs", ignore_errors=True)
    copies = list((checkout / "notebooks" / "copies").glob("welcome-*.ipynb"))
    assert len(copies) == 1
    opened = copies[0] if kernel == "python3" else checkout / "notebooks" / "warm_welcome.ipynb"
    # Lab also restores the notebook of the test before, out of sight.
    notebook = _run_all(page, lab, opened.relative_to(checkout).as_posix(), kernel)
    shown = notebook.locator(".workbench-explore")
    numbers = shown.locator("dl.numbers")
    assert _until(page, kernel, lambda: numbers.get_by_text("90 % interval").count())
    shown.locator("canvas").first.wait_for(timeout=60_000)
    handles = shown.locator(".noUi-handle")
    at = [handles.nth(k).get_attribute("aria-valuenow") for k in range(handles.count())]
    level = handles.nth([float(value) for value in at].index(0.9))
    for _ in range(10):
        level.press("ArrowLeft")
    numbers.get_by_text("85 % interval").first.wait_for(timeout=60_000)
    shown.get_by_text("Computed in").wait_for(timeout=60_000)
    assert shown.locator("canvas").count() >= 3


def test_opens_on_welcome_among_all_notebooks(page, lab):
    address, token = lab
    page.goto(f"{address}/?token={token}&reset")
    page.get_by_role("heading", name="Welcome").wait_for(timeout=60_000)
    page.locator(".jp-DirListing-item", has_text="opinion_trends.ipynb").first.wait_for()


def test_launcher_card_opens_a_copy(page, checkout):
    original = (checkout / "notebooks" / "opinion_trends.ipynb").read_bytes()
    cards = _launcher(page)
    assert cards.filter(has_text="workbench (warm)").count() >= 1
    for title in (study.TITLE for study in catalog.studies().values()):
        assert cards.filter(has_text=title).count() == 1
    cards.filter(has_text="Opinion trends").click()
    tab = page.locator(".lm-DockPanel .lm-TabBar-tabLabel", has_text="opinion_trends-")
    tab.wait_for(timeout=120_000)
    copy = checkout / "notebooks" / "copies" / tab.inner_text()
    cells = [json.loads(text)["cells"] for text in (copy.read_text("utf-8"), original)]
    assert [cell["id"] for cell in cells[0]] == [cell["id"] for cell in cells[1]]
    assert (checkout / "notebooks" / "opinion_trends.ipynb").read_bytes() == original


def test_pages_live_in_a_tab_of_lab(page):
    _launcher(page).filter(has_text="Workbench pages").click()
    pages = page.frame_locator("iframe[title='Workbench pages']")
    pages.get_by_role("heading", name="Workbench").wait_for(timeout=300_000)
    pages.get_by_role("link", name="Opinion trends").first.click()
    pages.get_by_role("heading", name="Opinion trends").wait_for(timeout=120_000)
    handles = pages.locator(".noUi-handle")
    handles.first.wait_for(timeout=60_000)
    handles.first.focus()
    page.keyboard.press("ArrowRight")
    # Only the server behind the socket knows what the address of changed parameters is.
    page.wait_for_function("""() => document.querySelector("iframe[title='Workbench pages']")
      .contentWindow.location.search.length > 1""", timeout=60_000)


def _launcher(page):
    """Cards of a new launcher."""
    page.locator(".jp-NotebookPanel, .jp-Launcher").first.wait_for(timeout=60_000,
                                                                   state="attached")
    page.locator(".jp-FileBrowser-toolbar [data-command='launcher:create'], "
                 ".jp-FileBrowser [title^='New Launcher']").first.click()
    cards = page.locator(".jp-Launcher:visible .jp-LauncherCard")
    cards.filter(has_text="Workbench pages").wait_for(timeout=60_000)
    return cards


def _run_all(page, lab, path, kernel):
    """Open a notebook, let all cells begin, and return its panel."""
    address, token = lab
    page.goto(f"{address}/lab/tree/{path}?token={token}")
    notebook = page.locator(".jp-NotebookPanel:visible")
    notebook.locator(".jp-Cell").first.wait_for(timeout=60_000)
    # An idle kernel is shown before Lab itself is connected to it, and answers were lost then.
    page.wait_for_function(CONNECTED, arg=[path, kernel], timeout=120_000, polling=500)
    _click_run_all(page, kernel)
    return notebook


def _click_run_all(page, kernel):
    """Choose *Run All Cells* in Lab's menu."""
    _answer(page, kernel)
    with contextlib.suppress(_late()):      # a question that came up just now is before it
        page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click(timeout=5000)
        page.get_by_text("Run All Cells", exact=True).click(timeout=5000)


def _until(page, kernel, is_there):
    """Whether something appears while the cells run.

    A click before Lab's own connection to the kernel is there runs no cell, or only the last ones;
    then it is repeated.
    """
    still = 0
    for _ in range(PATIENCE):
        if is_there():
            return True
        _answer(page, kernel)
        state = page.evaluate(STATE)
        assert not state["broken"], page.inner_text("body")[-3000:]
        still = still + 1 if state["stalled"] else 0
        if still == STILL:
            _click_run_all(page, kernel)
            still = 0
        page.wait_for_timeout(500)
    return False


def _late():
    """Playwright's own time-out, imported only where there is a browser."""
    from playwright import sync_api

    return sync_api.TimeoutError


def _answer(page, kernel):
    """Choose the kernel where Lab asks for one; it proposes none where one was slow to start."""
    asks = page.locator(".jp-Dialog .jp-mod-accept")
    if asks.count():
        choice = page.locator(".jp-Dialog select")
        if choice.count():
            choice.first.select_option(label=KERNELS[kernel])
        asks.first.click()


def _drawn(page, notebook, wanted):
    """Most canvases seen at once, looking at cell after cell until there are enough."""
    cells, most = notebook.locator(".jp-CodeCell"), 0
    for _ in range(DRAWING):
        for number in range(cells.count()):
            cells.nth(number).scroll_into_view_if_needed()
            page.wait_for_timeout(50)
            most = max(most, notebook.locator("canvas").count())
        if most >= wanted:
            break
        page.wait_for_timeout(500)
    return most


def test_rejects_visitor_without_token(lab):
    address, token = lab
    with pytest.raises(URLError, match="403"):
        urlopen(f"{address}/api/contents")
    with urlopen(f"{address}/workbench/pages/") as answer:
        assert "/login" in answer.url
    card = f"{address}/workbench/copies/workbench.studies.opinion_trends"
    with pytest.raises(URLError, match="403"):
        urlopen(Request(card, method="POST"))
    with pytest.raises(URLError, match="404"):
        urlopen(Request(f"{address}/workbench/copies/os.path", method="POST",
                        headers={"Authorization": f"token {token}"}))
