"""What Lab's server hands on to the pages behind it, and Lab's own list of cards."""

import json
from pathlib import Path

import pytest
from tornado.httputil import HTTPHeaders

from workbench import catalog
from workbench.ui.lab import extension, server

LAB = Path(server.__file__).parent / "labextensions" / "workbench-lab"


@pytest.mark.parametrize(("origin", "told"), [
    ("http://10.0.0.9:8888", "http://localhost"),            # a page of Lab, under any name of Lab
    ("http://10.0.0.9:9999", "http://10.0.0.9:9999"),        # another server of the same machine
    ("https://evil.example", "https://evil.example"),
    (None, None)])
def test_matches_headers_that_pages_may_see(origin, told):
    headers = HTTPHeaders({"Host": "10.0.0.9:8888", "Cookie": "username-8888=secret",
                           "Authorization": "token secret", "Accept": "text/html"})
    if origin:
        headers["Origin"] = origin
    seen = extension._handed_on(headers)
    assert "secret" not in str(seen)
    assert seen["Host"] == "localhost"
    assert seen.get("Origin") == told
    assert seen["Accept"] == "text/html"


def test_identity_braces_of_a_path_stay():
    assert extension._literal("/a {x}/python").format(x=1) == "/a {x}/python"


def test_matches_cards_of_the_studies():
    cards = json.loads(server._environment(catalog.studies())[extension.CARDS])
    assert [card["study"].rpartition(".")[2] for card in cards] == list(catalog.studies())
    assert all(card["title"] and card["question"].endswith("?") for card in cards)


def test_matches_the_form_of_a_built_extension():
    about = json.loads((LAB / "package.json").read_text(encoding="utf-8"))
    built = about["jupyterlab"]["_build"]
    script = (LAB / built["load"]).read_text(encoding="utf-8")
    assert f'_JUPYTERLAB["{about["name"]}"]' in script
    assert f'"{built["extension"]}"' in script
    assert "http://" not in script.replace("http://www.w3.org/2000/svg", "")
