"""What a run holds was written by others: nothing of it runs on any page; nothing writes."""

import importlib
import json
import sys

import pandas as pd
import pytest

from tests.ui.browsing import IDLE
from tests.ui.conftest import STUDY
from tests.ui.serving import PASSWORD, Visitor, serving
from workbench import runs
from workbench.ui.serving import passwords

PATIENCE = 120_000
SCRIPT = "<script>window.top.ran = 1</script>"
IMAGE = "<img src=x onerror='window.ran = 1; parent.ran = 1; top.ran = 1'>"
MARKDOWN = "[click](javascript:window.ran=1) <svg onload=window.ran=1> ![x](x\" onerror=\"ran=1)"
EVIL = f"{SCRIPT}{IMAGE}{MARKDOWN}</script></style></textarea>{{{{ 7 * 7 }}}}"


def evil(tiny):
    """A run whose parameters, notes, tables, units and notebook hold scripts."""
    params = tiny.Params(word=EVIL, n=4)
    result = tiny.run(params)
    summary = type(result.summary)(
        {**dict(result.summary), EVIL: result.summary["rows"]}, (EVIL, *result.summary.notes))
    table = pd.DataFrame({EVIL: [EVIL] * 4, "weight": [0.25] * 4})
    result = type(result)(summary, {"rows": table})
    run = runs.save(tiny, params, result)
    cell = {"cell_type": "code", "id": "one", "metadata": {}, "source": EVIL,
            "execution_count": 1, "outputs": [
                {"output_type": "display_data", "metadata": {},
                 "data": {"text/html": EVIL, "text/plain": EVIL}},
                {"output_type": "stream", "name": "stdout", "text": EVIL}]}
    (run.folder / "notebook.ipynb").write_text(json.dumps({
        "cells": [cell, {"cell_type": "markdown", "id": "two", "metadata": {}, "source": EVIL}],
        "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    runs.write_report(run)
    return run


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A site that only shows, with two runs of the worst kind."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "tiny.py").write_text(STUDY.lstrip(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_RUNS", str(folder / "runs"))
        patch.delenv("WORKBENCH_RUN_FOLDER", raising=False)
        patch.syspath_prepend(folder)
        patch.delitem(sys.modules, "tiny", raising=False)
        tiny = importlib.import_module("tiny")
        saved = [evil(tiny)]
        saved.append(runs.save(tiny, tiny.Params(n=2), tiny.run(tiny.Params(n=2))))
    passwords.add_user(folder / "users.json", "ada", PASSWORD)
    with serving(folder, "auth='basic', read_only=True") as server:
        server.runs = saved
        yield server


def places(saved):
    one, two = (run.id for run in saved)
    return ["/", f"/tiny?run={one}", f"/compare?run={one}&run={two}", "/sweep?study=tiny",
            "/reports/index.html", f"/reports/{one}/report.html"]


def test_rejects_scripts_of_a_run_on_every_page(server, browser):
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page, dialogs, missing = context.new_page(), [], []
    page.on("response", lambda told: missing.append(f"{told.status} {told.url}")
            if told.status != 200 else None)
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(f"{server.address}/login")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_function(IDLE)
    missing.clear()
    for path in places(server.runs):
        page.goto(server.address + path)
        if not path.startswith("/reports"):
            page.wait_for_function(IDLE)
        page.wait_for_timeout(300)      # an image that is not there tells so a little later
        assert page.evaluate("window.ran") is None, path
        assert page.locator("[onerror], [onload]").count() == 0, path
        assert page.locator("a[href^='javascript:']").count() == 0, path
        assert "49" not in page.title()
    # What a report needs is fetched from within its sandbox, which has no cookies.
    assert [each for each in missing if not each.endswith(("/x", "/x%22"))] == []
    assert dialogs == []
    context.close()


def test_rejects_what_writes_on_a_site_that_only_shows(server):
    visitor = Visitor(server.address)
    assert visitor.sign_in()[0] == 302
    before = sorted(path.name for path in (server.runs[0].folder.parent).iterdir())
    status, _, _ = visitor.ask("/uploads?name=a.csv", b"a\n1\n", Origin=server.address)
    assert status in (404, 405)
    for method in ("PUT", "DELETE", "PATCH", "POST", "OPTIONS", "TRACE"):
        for path in ("/", "/tiny", f"/reports/{server.runs[0].id}/report.html", "/login"):
            assert visitor.ask(path, b"", method=method)[0] in (403, 404, 405)
    assert sorted(path.name for path in (server.runs[0].folder.parent).iterdir()) == before
