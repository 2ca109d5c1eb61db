"""Oracles: yearly means and slopes published for the lexicon on these statements; NumPy."""

import numpy as np
import pytest

from workbench.datasets import fomc_scores, fomc_statements, outlook_lexicon

YEARLY = {2004: 0.35, 2005: 0.20, 2006: 0.17, 2007: 0.05, 2008: -0.59, 2009: -0.33, 2010: -0.15,
          2013: 0.37, 2016: 0.53}


@pytest.fixture(scope="module")
def scores():
    return fomc_scores()


def test_matches_count_order_and_cut_of_the_statements():
    statements = fomc_statements()
    assert list(statements.columns) == ["id", "date", "source", "text"]
    assert len(statements) == 159
    assert statements["date"].is_monotonic_increasing
    assert statements["id"].is_unique
    assert set(statements["source"]) == {"fomc"}
    assert not statements["text"].str.contains("Voting (?:for|in favor)").any()
    assert statements["text"].str.len().min() > 100


def test_matches_published_yearly_means(scores):
    means = scores.groupby(scores["date"].dt.year)["score"].mean()
    assert {year: means[year] for year in YEARLY} == pytest.approx(YEARLY, abs=0.006)


@pytest.mark.parametrize(("begin", "end", "n", "slope"), [
    ("2004-01-01", "2009-03-31", 44, -0.212), ("2009-04-01", "2016-12-31", 61, 0.138)])
def test_matches_published_slopes(scores, begin, end, n, slope):
    part = scores[scores["date"].between(begin, end)].dropna(subset="score")
    years = (part["date"] - part["date"].iloc[0]).dt.days / 365.25
    assert len(part) == n
    assert np.polyfit(years, part["score"], 1)[0] == pytest.approx(slope, abs=6e-4)


def test_matches_four_statements_without_a_hit(scores):
    assert scores["score"].isna().sum() == 4
    assert scores["score"].dropna().between(-1, 1).all()


def test_matches_hand_count_of_the_first_statement(scores):
    # One "expansion", one "firming", no negator near; "less accommodative" touches no hit.
    assert scores["score"].iloc[0] == 1.0
    assert {"expansion", "firming"} <= outlook_lexicon().positive
