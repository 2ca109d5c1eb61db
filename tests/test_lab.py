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
PATIENCE = 400           # half seconds for all cells of a notebook

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
    for _ in range(10):    # a click before Lab's own connection is there does nothing
        page.wait_for_timeout(1000)
        page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_timeout(2000)
        if begun.count():
            break
    failed = notebook.locator("[data-mime-type='application/vnd.jupyter.error']")
    for _ in range(PATIENCE):
        # The last cell saves; cells out of view are not in the document, so it cannot tell.
        if failed.count() or list((checkout / "runs").glob(f"2*-{name}-*/manifest.json")):
            break
        page.wait_for_timeout(500)
    for number in range(notebook.locator(".jp-CodeCell").count()):
        notebook.locator(".jp-CodeCell").nth(number).scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    assert notebook.locator("canvas").count() >= 3
    assert failed.count() == 0
    assert len(list((checkout / "runs").glob(f"*-{name}-*"))) == 1
    assert outside == []
    context.close()


def test_rejects_visitor_without_token(lab):
    with pytest.raises(URLError, match="403"):
        urlopen(f"{lab[0]}/api/contents")
