"""The frame of a page is kept for all visitors, and nothing else of it is."""

import re

import pytest
from bokeh.util.token import get_session_id, get_token_payload

from tests.ui.serving import PASSWORD, Visitor, served
from workbench import runs
from workbench.ui.serving import passwords


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with served(tmp_path_factory.mktemp("painted")) as address:
        yield address


def opened(site, path):
    """A page without its token, and the token."""
    status, headers, text = Visitor(site).ask(path)
    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    token = re.search(r'"token":"([^"]+)"', text)[1]
    return text.replace(token, ""), token


@pytest.mark.parametrize("path", ["/tiny", "/compare", "/sweep"])
def test_identity_frames_of_a_page_but_for_their_tokens(site, path):
    opened(site, f"{path}?theme=dark")         # which Panel paints, for this visitor alone
    first, kept, again = (opened(site, f"{path}{asked}") for asked in ("", "?n=7", "?n=8"))
    assert "html { background-color" not in first[0]
    assert first[0] == kept[0] == again[0]
    assert len({get_session_id(token) for _, token in (first, kept, again)}) == 3


def test_matches_what_each_visitor_asks(site):
    told = [get_token_payload(opened(site, f"/tiny?n={n}")[1])["arguments"] for n in (4, 5, 6)]
    assert told == [{"n": [b"4"]}, {"n": [b"5"]}, {"n": [b"6"]}]


def test_identity_who_brings_a_session_gets_it(site):
    _, token = opened(site, "/tiny")
    _, again = opened(site, f"/tiny?bokeh-token={token}")
    assert get_session_id(again) == get_session_id(token)


def test_rejects_the_session_of_somebody_else(tmp_path):
    for name in ("ada", "eve"):
        passwords.add_user(tmp_path / "users.json", name, PASSWORD)
    with served(tmp_path, "auth='basic'") as site:
        ada, eve = Visitor(site), Visitor(site)
        ada.sign_in("ada"), eve.sign_in("eve")
        token = re.search(r'"token":"([^"]+)"', ada.ask("/tiny")[2])[1]
        for asked in (f"bokeh-token={token}", f"bokeh-session-id={get_session_id(token)}"):
            status, _, page = eve.ask(f"/tiny?{asked}")
            assert status == 403
            assert "ada" not in page
        assert "eve" in eve.ask("/tiny")[2]


def test_matches_home_to_the_store_as_it_is_now(tmp_path, tiny):
    with served(tmp_path) as site:
        for _ in range(2):
            assert "[8.5, 10]" not in opened(site, "/")[0]
        params = tiny.Params(n=9)
        runs.save(tiny, params, tiny.run(params))
        assert "[8.5, 10]" in opened(site, "/")[0]
