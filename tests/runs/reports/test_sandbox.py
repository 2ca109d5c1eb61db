"""Planted attacks: no output touches the page around it, and none asks another machine.

Each attack runs in a real browser, from the disk, as a single file and from a server; a listener
on this machine tells whether anything was asked of it.
"""

import functools
import http.server
import threading

import pytest

from workbench.runs import write_index, write_report

MARK = ("try{{top.pwned=1}}catch(e){{}};try{{parent.document.body.dataset.pwned=1}}catch(e){{}};"
        "try{{document.cookie='pwned=1'}}catch(e){{}}")
SCRIPTS = [
    "fetch('{0}/fetch').catch(()=>0)", "new Image().src='{0}/image'", "location='{0}/location'",
    "try{{top.location='{0}/top'}}catch(e){{}}", "window.open('{0}/open')",
    "navigator.sendBeacon('{0}/beacon','x')", "import('{0}/import').catch(()=>0)",
    "try{{new WebSocket('ws'+'{0}/socket'.slice(4))}}catch(e){{}}",
    "try{{new EventSource('{0}/events')}}catch(e){{}}",
    "try{{new Worker(URL.createObjectURL(new Blob([\"fetch('{0}/worker')\"])))}}catch(e){{}}",
    "document.body.innerHTML='<form method=post action={0}/form><input name=a></form>';"
    "document.forms[0].submit()",
    "document.body.innerHTML='<iframe src={0}/nested></iframe>'",
    "document.body.innerHTML='<iframe srcdoc=\"<img src={0}/twice>\"></iframe>'",
    "document.head.innerHTML+='<meta http-equiv=refresh content=\"0;url={0}/refresh\">'",
    "document.head.innerHTML+='<link rel=stylesheet href={0}/style>'",
    "document.head.innerHTML+='<link rel=preconnect href={0}>'",
    "document.body.style.background='url({0}/background)'",
    "let a=document.createElement('a');a.href='{0}/download';a.download='x';"
    "document.body.append(a);a.click()",
    "let b=document.createElement('a');b.href='{0}/link';b.target='_top';"
    "document.body.append(b);b.click()",
    "for(const told of [{{height:1e9}},{{height:'<b>'}},{{height:-5}},null,'x',"
    "{{ready:true,height:NaN}}])parent.postMessage(told,'*')",
    "new (window.RTCPeerConnection??class{{createDataChannel(){{}};createOffer(){{return "
    "Promise.reject()}}}})({{iceServers:[{{urls:'stun:127.0.0.1:9'}}]}})"
    ".createOffer().then(()=>top.postMessage('rtc','*'),()=>0)",
]
MARKUP = [
    "<img src=x onerror=\"{mark}\">", "<a id=press href=\"javascript:{mark}\">press</a>",
    "<svg onload=\"{mark}\"><script>{mark}</script></svg>", "<p onclick=\"{mark}\">p</p>",
    "</section></article></main><script>{mark}</script>", "</iframe></div><script>{mark}</script>",
    "<iframe src=\"{0}/frame\"></iframe><iframe srcdoc=\"<script>{mark}</script>\"></iframe>",
    "<meta http-equiv=refresh content=\"0;url={0}/meta\"><base href=\"{0}/base\">",
    "<form action=\"{0}/post\"><button id=send>send</button></form>",
    "<img src=\"{0}/pixel\"><img srcset=\"{0}/set 1x\"><link rel=stylesheet href=\"{0}/css\">",
    "<video poster=\"{0}/poster\" src=\"{0}/video\"></video><object data=\"{0}/object\"></object>",
    "<style>@import '{0}/sheet'; * {{background: url({0}/url) !important}}</style>",
    "<table background=\"{0}/old\"><tr><td style=\"background:url({0}/cell)\">x</td></tr></table>",
    "<div id=frames class=alarm style=\"position:fixed;inset:0\">cover</div>",
    "<math><mtext><mglyph><style><!--</style><img title=\"--><img src=x onerror='{mark}'>\">",
    "<noscript><p title=\"</noscript><img src=x onerror='{mark}'>\">",
]


@pytest.fixture
def address(store):
    """The store behind a plain server."""
    handler = functools.partial(_Quiet, directory=store.workspace)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def attacked(made, nb, listener):
    base, _ = listener
    mark = MARK.format().replace('"', "'")
    markup = [each.format(base, mark=mark) for each in MARKUP]
    scripts = [f"<script>{mark};{each.format(base)}</script>" for each in SCRIPTS]
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" onload="{mark}"><script>{mark}</script>'
           f'<image href="{base}/svg"/><foreignObject><img xmlns="http://www.w3.org/1999/xhtml" '
           f'src="{base}/foreign"/></foreignObject></svg>')
    every = "\n\n".join(markup)
    # The last cell has only frames that stay, so that the others may navigate away.
    return made(
        nb.text("# T\n\n" + every), nb.text(f"[press](javascript:{mark}) ![x]({base}/md)\n\n"
                                            f"[data](data:text/html,x)\n\n{every}"),
        nb.cell(every, *(nb.shown(text_html=each) for each in markup + scripts),
                nb.shown(text_markdown=every), nb.shown(text_latex=every),
                nb.shown(text_plain=every), nb.shown(**{"image_svg+xml": svg}),
                nb.shown(image_png=every), nb.printed(every), nb.printed(every, "stderr"),
                nb.raised(every, every, every), name=f'"><script>{mark}</script>'),
        nb.cell("plot", nb.figure()),
        title=every, error=every, state="failed", notes=[every], study="tiny",
        params={every: every}, versions={every: every})


@pytest.mark.parametrize("where", ["disk", "inlined", "served"])
def test_rejects_every_planted_attack(attacked, visit, address, listener, where):
    _, heard = listener
    path = write_report(attacked, single_file=where == "inlined")
    opened = f"{address}/{attacked.id}/report.html" if where == "served" else path
    page, *_ = visit(opened)
    before = page.locator("body").get_attribute("class")
    page.get_by_role("button", name="Show code").click()
    for name in ("press", "data"):
        for link in page.get_by_text(name, exact=True).all():
            link.click(force=True, no_wait_after=True)
    page.wait_for_timeout(1500)
    assert page.url == (opened if where == "served" else path.resolve().as_uri())
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.body.dataset.pwned") is None
    assert page.evaluate("document.cookie") == ""
    assert page.locator("body").get_attribute("class") == before
    assert page.locator("main").count() == 1
    assert page.locator("form, base, object, video, style:not(head style)").count() == 0
    assert page.locator("main [onerror], main [onclick], main script").count() == 0
    assert page.locator("iframe:not([sandbox='allow-scripts'])").count() == 0
    assert len(page.context.pages) == 1
    heights = page.locator("iframe").evaluate_all("(all) => all.map((each) => each.offsetHeight)")
    assert max(heights) <= 8000
    assert min(heights) >= 0
    # A frame that navigates may be connected before the browser refuses: nothing is sent then.
    assert [told for told in heard if told] == []


def test_identity_figures_are_drawn_beside_the_attacks(attacked, visit):
    page, *_ = visit(write_report(attacked))
    drawn = page.frame_locator("iframe").last
    assert drawn.locator("canvas").count() >= 1


def test_rejects_attacks_in_the_index(attacked, store, visit, listener):
    page, requests, errors = visit(write_index(store))
    assert attacked.title.startswith(page.locator("li.run h2").inner_text()[:5])
    assert page.locator("img, iframe, form:not(.filter), main script").count() == 0
    assert (requests, errors, listener[1]) == ([], [], [])


def test_identity_a_frame_cannot_read_the_page(made, nb, visit):
    probe = ("<div id=told></div><script>const told=[];for(const read of [()=>parent.document,"
             "()=>parent.location.href,()=>document.cookie,()=>localStorage,()=>indexedDB.open('x'),"
             "()=>top.name]){{try{{read();told.push('read')}}catch(e){{told.push(e.name)}}}};"
             "told.push(origin);document.getElementById('told').textContent=told.join()</script>")
    page, *_ = visit(write_report(made(nb.cell("x", nb.shown(text_html=probe.format())))))
    told = page.frame_locator("iframe").locator("#told").inner_text()
    assert told == ",".join(["SecurityError"] * 6 + ["null"])


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("single_file", [False, True], ids=["linked", "inlined"])
def test_matches_figures_in_frames(made, nb, visit, width, scheme, single_file):
    run = made(nb.cell("a", nb.figure(1, output_backend="webgl")), nb.cell("b", nb.figure(2, 333)),
               nb.cell("c", nb.shown(text_html="<style>b {color: red}</style><b>styled</b>")))
    path = write_report(run, single_file=single_file)
    assert 'data-output="1" title="Output 2" style="height: 333px"' in path.read_text()
    page, requests, errors = visit(path, viewport={"width": width, "height": 900},
                                   color_scheme=scheme)
    for number, height in ((0, 200), (1, 333)):
        frame = page.frame_locator("iframe").nth(number)
        frame.locator("canvas").first.wait_for(state="attached")
        box = frame.locator("html").evaluate("(e) => [e.scrollHeight, innerHeight]")
        assert box == [height] * 2
    styled = page.frame_locator("iframe").nth(2)
    assert styled.locator("b").evaluate("(e) => getComputedStyle(e).color") == "rgb(255, 0, 0)"
    ink = styled.locator("body").evaluate("(e) => getComputedStyle(e).color")
    assert ink == ("rgb(28, 30, 33)" if scheme == "light" else "rgb(231, 233, 235)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (requests, errors) == ([], [])


def test_matches_a_frame_that_grows(made, nb, visit):
    late = ("<div id=late></div><script>setTimeout(()=>document.getElementById('late')"
            ".style.height='700px',300)</script>")
    endless = "<div style='height:calc(100vh + 50px)'></div><script>1</script>"
    greedy = "<script>setInterval(()=>parent.postMessage({height:1e6},'*'),20)</script>"
    page, *_ = visit(write_report(made(nb.cell("x", nb.shown(text_html=late)),
                                       nb.cell("y", nb.shown(text_html=endless)),
                                       nb.cell("z", nb.shown(text_html=greedy)))))
    grown = page.locator("iframe").first
    for _ in range(40):
        if grown.evaluate("(e) => e.offsetHeight") == 700:
            break
        page.wait_for_timeout(100)
    assert grown.evaluate("(e) => e.offsetHeight") == 700
    page.wait_for_timeout(1000)
    assert page.locator("iframe").nth(1).evaluate("(e) => e.offsetHeight") <= 8000
    assert page.locator("iframe").last.evaluate("(e) => e.offsetHeight") == 8000
