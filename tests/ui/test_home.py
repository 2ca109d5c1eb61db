"""The home page: texts that are searched, newest runs, and what is sent when there is news."""

import html
import json
import re
import threading

import pytest
from bokeh.document import Document

from workbench import catalog, runs
from workbench.studies import opinion_trends
from workbench.ui import HomePage, Site
from workbench.ui.jobs import Jobs
from workbench.ui.news import News
from workbench.ui.parts import gallery, recent_runs

EVIL = "<img src=x onerror=alert(1)>"


def save(study, **values):
    params = study.Params(**values)
    return runs.save(study, params, study.run(params))


@pytest.fixture
def news(tiny, monkeypatch):
    """News of the tiny study's store, of no other test's jobs."""
    made = News(Jobs(), every=0.05)
    for place in ("pages.home", "news"):
        monkeypatch.setattr(f"workbench.ui.{place}.NEWS", made)
    return made


@pytest.fixture
def home(tiny, news, monkeypatch):
    """Home pages of the tiny study, with what they send."""
    def opened():
        page = HomePage(Site({"tiny": tiny}, "reports"))
        sent = []
        monkeypatch.setattr(page._news, "send", sent.append)
        return page, sent

    return opened


def test_matches_the_studies_by_what_is_weighed():
    found = gallery.filters(catalog.studies())
    assert sum(number for _, _, number in found) == len(catalog.studies())
    assert gallery.room(opinion_trends) == "inference"
    inference = {name for name, study in catalog.studies().items()
                 if gallery.room(study) == "inference"}
    assert {"design_based", "opinion_trends", "quantile_aggregation"} <= inference
    assert ("inference", "observations and models", len(inference)) in found


def test_matches_the_searched_texts_to_title_card_and_parameters():
    told = html.unescape(re.search(r'data-searched="([^"]+)"', gallery.tiles(
        {"opinion_trends": opinion_trends}, {}))[1])
    searched = json.loads(told)
    for word in (opinion_trends.TITLE, "rising or falling", "opinion scores", "observations"):
        assert word in searched["words"]
    assert "Degrees of freedom" in searched["params"]["nu"]
    assert set(searched["params"]) == set(opinion_trends.Params.declared())


def test_rejects_markup_of_studies_and_runs(tiny, home):
    save(tiny, word=EVIL)
    page, _ = home()
    text = " ".join(map(str, page.template().server_doc(doc=Document())
                        .template_variables.values()))
    assert "<img src=x" not in text
    assert "word=&lt;img src=x" in text
    assert "<b>study" not in text


def test_matches_recent_runs(tiny, news):
    site = Site({"tiny": tiny}, "reports")
    good = save(tiny, n=4)
    runs.write_report(good)
    failed = save(tiny, n=5)
    record = json.loads((failed.folder / "manifest.json").read_text())
    (failed.folder / "manifest.json").write_text(json.dumps(
        record | {"state": "failed", "error": "it <b>broke</b>", "seconds": 200}))
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>",
                      recent_runs.recent(news.recent(12), site))
    assert f"./tiny?run={failed.id}" in rows[0]
    for told in ("n=5", ">failed<", "3 min", "it &lt;b&gt;broke"):
        assert told in rows[0]
    assert "reports/" not in rows[0]
    assert f'href="./reports/{good.id}/report.html"' in rows[1]
    elsewhere = recent_runs.recent(news.recent(12), Site({}, None))
    assert "<a " not in elsewhere


def test_matches_what_to_do_without_any_run(tiny):
    assert "press Run" in recent_runs.recent([], Site({"tiny": tiny}))
    assert "press Run" not in recent_runs.recent([], Site({"tiny": tiny}, may_run=False))


def test_matches_news_to_what_has_changed(tiny, home):
    first = save(tiny, n=4)
    page, sent = home()
    page.refresh()
    assert sent == []
    second = save(tiny, n=9)
    page.refresh()
    page.refresh()
    assert len(sent) == 1
    assert sent[0]["answers"]["tiny"]["run"] == second.id
    assert "[8.5, 10], 90 % interval" in sent[0]["answers"]["tiny"]["answer"]
    assert sent[0]["recent"].index(second.id) < sent[0]["recent"].index(first.id)


def test_identity_the_store_is_looked_at_once_for_all(tiny, news, monkeypatch):
    save(tiny, n=4)
    looks, real = [], runs.Store.rows
    monkeypatch.setattr(runs.Store, "rows", lambda *words, **options: (
        looks.append(words), real(*words, **options))[1])
    for _ in range(3):
        HomePage(Site({"tiny": tiny}))
    assert len(looks) == 1
    save(tiny, n=5)
    for _ in range(3):
        HomePage(Site({"tiny": tiny}))
    assert len(looks) == 2


def test_matches_the_thread_to_those_who_follow(tiny, news):
    told = threading.Event()
    leave = news.follow(told.set)
    assert not told.wait(0.3)                 # nothing has happened
    save(tiny, n=4)
    assert told.wait(30)
    thread = news._thread
    leave()
    thread.join(30)
    assert news._thread is None
    told.clear()
    save(tiny, n=5)
    assert not told.wait(0.3)


def test_matches_a_run_of_another_program_until_it_is_gone(tiny, news):
    with runs.Store().staged("tiny", "ab" * 32, {"study": "tiny", "params": {"n": 7}}):
        assert [one.study for one in news.busy()] == ["tiny"]
        assert news.busy("another") == []
        assert news.recent(5) == []
    assert news.busy() == []


def test_identity_a_page_that_fails_silences_no_other(tiny, news):
    heard = threading.Event()
    stops = [news.follow(lambda: 1 / 0), news.follow(heard.set)]
    for n in (1, 2):            # once before the failure, and once after it
        heard.clear()
        runs.save(tiny, tiny.Params(n=n), tiny.run(tiny.Params(n=n)))
        assert heard.wait(60)
    for stop in stops:
        stop()
