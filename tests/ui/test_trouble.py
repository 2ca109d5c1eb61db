"""A page that cannot be made is one sentence, also where its frame was sent before."""

import html
import json
import re

import pytest

from tests.ui import serving
from tests.ui.conftest import STUDY
from tests.ui.serving import Visitor, served

BREAKS = '''
def __getattr__(name):
    from pathlib import Path
    if name == "PRESETS" and Path(__file__).with_name("broken").exists():
        raise KeyError("<b>odd</b>")
    raise AttributeError(name)
'''
ESCAPED = "This page cannot be shown (KeyError: &#39;&lt;b&gt;odd&lt;/b&gt;&#39;)"


@pytest.fixture
def breaking(tmp_path, monkeypatch):
    """A server of a study whose page fails while there is a file of this name."""
    monkeypatch.setattr(serving, "STUDY", STUDY + BREAKS)
    with served(tmp_path) as site:
        yield site, tmp_path / "broken"


def document(visitor, page):
    """What the page's socket tells, as text."""
    with visitor.socket(page) as opened:
        opened.frame(), opened.frame(), opened.frame()       # that it is connected
        for part in ({"msgid": "1", "msgtype": "PULL-DOC-REQ"}, {}, {}):
            opened.send(json.dumps(part).encode())
        return "".join(opened.frame()[1].decode() for _ in range(3))


def test_rejects_traceback_where_a_page_fails(breaking):
    site, broken = breaking
    visitor = Visitor(site)
    broken.touch()
    status, headers, page = visitor.ask("/tiny")
    assert status == 500
    assert ESCAPED in re.search(r'role="alert">([^<]*)<', page)[1]
    assert "default-src" not in headers["Content-Security-Policy"]     # the page has its own
    assert not re.search("Traceback|<b>odd", page)
    broken.unlink()
    status, _, page = visitor.ask("/tiny")
    assert status == 200
    assert 'role="alert"' not in page
    broken.touch()
    status, _, kept = visitor.ask("/tiny")
    assert status == 200                       # the frame was there before the failure
    told = document(visitor, kept)
    assert "This page cannot be shown (KeyError" in html.unescape(html.unescape(told))
    assert "<b>odd" not in told
    status, _, page = visitor.ask("/tiny?bokeh-token=odd")
    assert status == 500
    assert 'class="door"' in page


def test_matches_pages_whose_address_panel_cannot_read(breaking):
    for odd in ("9" * 5000, "%C2%B2", "[" * 3000):
        status, _, page = Visitor(breaking[0]).ask(f"/?word={odd}")
        assert status == 200
        assert 'role="alert"' not in page


def test_matches_list_to_brackets_without_end(tiny):
    assert tiny.Params.typed({"sizes": "[" * 5000}) == {"sizes": []}


def test_rejects_markup_that_an_address_would_put_into_pages(breaking):
    site, _ = breaking
    visitor, odd = Visitor(site), "?bokeh-absolute-url=evil%22%3E%3Cscript%3E7*7%3C/script%3E"
    for path in ("/", "/tiny", "/compare"):
        status, _, page = visitor.ask(path + odd)
        assert status == 404
        assert "evil" not in page
        assert "evil" not in visitor.ask(path)[2]        # nor in the frame that is kept


def test_rejects_origin_that_is_no_address(breaking):
    status, _, page = Visitor(breaking[0]).ask("/tiny", b"", Origin="http://[")
    assert status == 403
    assert "A page of another site" in page
