"""JupyterLab in a real browser runs a notebook from top to bottom and draws its figures."""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("[a-z]*.ipynb"))
LAB = "import sys; from workbench import ui; ui.lab(port=int(sys.argv[1]), open_browser=False)"
PATIENCE = 1200          # half seconds for all cells of a notebook on a busy machine
DRAWING = 60             # looks at all cells until figures are drawn

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of notebooks and data, so that running them changes nothing here."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    shutil.copytree(ROOT / "data" / "raw", folder / "data" / "raw")
    for name in NOTEBOOKS:
        content = json.loads((folder / "notebooks" / f"{name}.ipynb").read_text("utf-8"))
        content["metadata"]["kernelspec"] = {
            "name": "workbench-warm", "display_name": "workbench (warm)", "language": "python"}
        (folder / "notebooks" / f"warm_{name}.ipynb").write_text(json.dumps(content), "utf-8")
    return folder


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
    for _ in range(120):
        try:
            with urlopen(address):
                return
        except URLError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.5)
    pytest.fail(f"JupyterLab did not answer:\n{log.read_text()}")


@pytest.mark.parametrize("kernel", ["python3", "workbench-warm"])
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_matches_notebook_run_in_lab(browser, lab, checkout, name, kernel):
    address, token = lab
    shutil.rmtree(checkout / "runs", ignore_errors=True)
    opened = name if kernel == "python3" else f"warm_{name}"
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, outside = context.new_page(), []
    context.route(lambda url: not url.startswith((address, "data:", "blob:")),
                  lambda route: (outside.append(route.request.url), route.abort()))
    page.goto(f"{address}/lab/tree/notebooks/{opened}.ipynb?token={token}")
    notebook = page.locator(".jp-NotebookPanel:visible")
    notebook.locator(".jp-Cell").first.wait_for(timeout=60_000)
    # Lab shows an idle kernel before it is connected, and a run then would ask for a kernel.
    page.wait_for_function(f"""async () => {{
      const kernels = await (await fetch("/api/kernels?token={token}")).json();
      return kernels.some((kernel) => kernel.connections && kernel.execution_state === "idle"
                          && kernel.name === "{kernel}");
    }}""", timeout=60_000, polling=500)
    begun = notebook.locator(".jp-InputPrompt", has_text=re.compile(r"\[[*\d]"))
    asks = page.locator(".jp-Dialog .jp-mod-accept")
    for _ in range(10):    # a click before Lab's own connection is there does nothing, or it asks
        page.wait_for_timeout(1000)
        _answer(asks)
        if begun.count():
            break
        page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_timeout(2000)
    failed = notebook.locator("[data-mime-type='application/vnd.jupyter.error']")
    for _ in range(PATIENCE):
        # The last cell saves; cells out of view are not in the document, so it cannot tell.
        if failed.count() or list((checkout / "runs").glob(f"2*-{name}-*/manifest.json")):
            break
        _answer(asks)
        page.wait_for_timeout(500)
    assert failed.count() == 0
    assert len(list((checkout / "runs").glob(f"*-{name}-*"))) == 1
    assert _drawn(page, notebook, 3) >= 3
    assert outside == []
    context.close()


def _answer(asks):
    """Accept the kernel that Lab proposes where it asks for one."""
    if asks.count():
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
    with pytest.raises(URLError, match="403"):
        urlopen(f"{lab[0]}/api/contents")
