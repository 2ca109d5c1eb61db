"""What a page says, with every text escaped."""

import pytest

from workbench import runs
from workbench.core import Estimate, Interval, Summary
from workbench.studies import opinion_trends, universal_mixture
from workbench.ui import facts
from workbench.ui.computing import Shown, live, saved

EVIL = "<img src=x onerror=alert(1)>"


def test_matches_question_to_first_sentence(tiny):
    assert facts.question(tiny) == "Tiny <b>study</b>: how little can a page show?".partition(
        ": ")[2].capitalize()
    asked = facts.question(opinion_trends)
    assert asked.endswith("?")
    assert not asked.startswith(opinion_trends.TITLE)


def test_matches_card_of_the_imported_method():
    assert facts.card(opinion_trends).source == "pavlyshenko2025news"


def test_matches_accents_of_authors():
    told = facts._paper(facts.card(universal_mixture))
    assert "Urbanke, Rüdiger" in told
    assert "\\" not in told
    assert facts._accented(r"Sch{\"u}rholt, L{\'e}o, \`a \^{o}") == "Sch{ü}rholt, L{é}o, à ô"


def test_matches_headline_in_the_summary_order():
    summary = Summary({f"n{i}": Estimate(i, Interval(i, i + 1), "m") for i in range(6)})
    text = facts.headline(summary)
    assert [text.index(f">n{i}<") for i in range(6)] == sorted(text.index(f">n{i}<")
                                                             for i in range(6))
    assert text.count("<dd class=\"number\">") == 4
    assert text.count("90 % interval") == 6


def test_rejects_markup_in_every_text(tiny):
    summary = Summary({EVIL: Estimate(1.0, unit=EVIL, why=EVIL)}, (EVIL,))
    run = runs.Run(EVIL, None or runs.save(tiny, tiny.Params(word=EVIL), tiny.run(
        tiny.Params())).folder, study=EVIL, params={"seed": EVIL}, key=EVIL)
    text = (facts.headline(summary) + facts.notes(summary) + facts.alarm([EVIL])
            + facts.foot(tiny, Shown({"seed": EVIL}, key=EVIL, run=run), "reports"))
    assert "&lt;img" in text
    assert "<img" not in text


def test_matches_command_that_saves_a_live_result(tiny):
    text = facts.foot(tiny, live(tiny, tiny.Params(n=7, word="a b")), "reports")
    assert "python3 -m workbench report tiny -p n=7 -p word=&#x27;a b&#x27;" in text


def test_matches_link_to_the_report(tiny):
    run = runs.save(tiny, tiny.Params(), tiny.run(tiny.Params()))
    assert "saved without a report" in facts.foot(tiny, saved(tiny, run), "reports")
    runs.write_report(run)
    assert f'href="reports/{run.id}/report.html"' in facts.foot(tiny, saved(tiny, run), "reports")
    assert "href" not in facts.foot(tiny, saved(tiny, run), None)


@pytest.mark.parametrize("changed", [{}, {"n": 7}, {"word": "x" * 300}])
def test_matches_label_of_a_run(tiny, changed):
    run = runs.save(tiny, tiny.Params(**changed), tiny.run(tiny.Params()))
    told = facts.label(run)
    assert facts.when(run) in told
    assert len(told) < 130
    assert ("defaults" in told) == (not changed)
