"""The allow-list: what stays is known, whatever the markup tries."""

import pytest

from workbench.runs.reports.sanitise import bare, sanitised
from workbench.runs.reports.text import markdown, plain, terminal


@pytest.mark.parametrize("markup", [
    "<p>words <b>bold</b> <code>x &lt; y</code></p>",
    '<table class="dataframe"><thead><tr><th>a</th></tr></thead>'
    '<tbody><tr><td colspan="2" style="text-align:right">1</td></tr></tbody></table>',
    '<table class="summary"><tbody><tr><th scope="row">n</th></tr></tbody></table>',
    '<img src="data:image/png;base64,AAAA" alt="x">', '<img src="artifacts/a%20b.png">',
])
def test_identity_of_plain_markup(markup):
    assert sanitised(markup) == markup
    assert sanitised(sanitised(markup)) == sanitised(markup)


@pytest.mark.parametrize("address", [
    "javascript:alert(1)", " java\nscript:alert(1)", "data:text/html,x", "vbscript:x", "//host/x",
    "\\\\host\\x", "/\\host", "file:///etc/passwd", "../../admin", "%2e%2e/admin", "x:y", "/root",
    "JaVaScRiPt:x", "&#106;avascript:x",
])
def test_rejects_addresses_that_lead_elsewhere(address):
    assert sanitised(f'<a href="{address}">x</a>') == '<a rel="noopener noreferrer">x</a>'
    assert sanitised(f'<img src="{address}">') == "<img>"


def test_rejects_pictures_of_other_machines_but_not_links():
    assert sanitised('<img src="https://example.org/x.png">') == "<img>"
    assert 'href="https://example.org/x"' in sanitised('<a href="https://example.org/x">x</a>')


@pytest.mark.parametrize("markup", [
    "<script>x</script>", "<style>x</style>", "<svg><script>x</script></svg>",
    "<iframe src=x></iframe>", "<object data=x></object>", "<template><b>x</b></template>",
    "<noscript>x</noscript>", "<textarea>x</textarea>", "<select><option>x</select>",
])
def test_rejects_elements_with_their_content(markup):
    assert sanitised(f"a{markup}b") == "ab"


def test_rejects_what_could_pass_for_the_page_itself():
    told = sanitised('<div id="frames" class="alarm" style="position:fixed" name="x">x</div>'
                     '<h2 id="frames">y</h2><a href="#frames">z</a><p style="color:red">w</p>')
    assert told == ('<div class="">x</div><h2 id="at-frames">y</h2>'
                    '<a href="#at-frames" rel="noopener noreferrer">z</a><p>w</p>')


def test_matches_words_of_markup():
    assert bare('<a title="</h2>">a</a> &lt;b&gt; <i>c</i>') == "a &lt;b&gt; c"
    assert "<" not in bare('text<a title="<img src=x onerror=alert(1) ')


def test_matches_markdown():
    told = markdown("## A *b* & c\n\n| x | y |\n|:--|--:|\n| 1 | 2 |\n\n$a_b$ and `<i>`\n\n"
                    "```python\nx = 1\n```\n\n<b onclick=x>b</b> ![p](attachment:p.png)",
                    {"p.png": {"image/png": "AAAA"}})
    assert '<h2 id="at-A-b-&amp;-c">A <em>b</em> &amp; c' in told
    assert '<td style="text-align:right">2</td>' in told
    assert "a_b" in told
    assert "<code>&lt;i&gt;</code>" in told
    assert '<span class="mi">1</span>' in told
    assert "<b>b</b>" in told
    assert '<img src="data:image/png;base64,AAAA" alt="p">' in told


@pytest.mark.parametrize(("printed", "shown", "words"), [
    ("a<b>&\"", "a&lt;b&gt;&amp;&quot;", "a<b>&\""),
    ("\x1b[31mred\x1b[39m no", '<span class="ansi-red-fg">red</span> no', "red no"),
    ("\x1b[1;32mok\x1b[0m.", '<span class="ansi-bold ansi-green-fg">ok</span>.', "ok."),
    ("\x1b[38;5;12mx\x1b[0m\x1b[2K\x1b]0;title\x07y", "xy", "xy"),
    (" 1 %\r 50 %\r100 %\nend\r\n", "100 %\nend\n", "100 %\nend\n"),
    ("\x1b[999999999999m\x1b[;mx", "x", "x"),
])
def test_matches_what_a_terminal_would_show(printed, shown, words):
    assert (terminal(printed), plain(printed)) == (shown, words)
