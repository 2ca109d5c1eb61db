"""Oracle: the standard library's statistics on each group, written as a loop."""

import statistics

import numpy as np
import pandas as pd
import pytest

from workbench.core import generator
from workbench.datasets.repeats import collapse


def table(documents, scores, **columns):
    n = len(scores)
    return pd.DataFrame({"date": pd.Timestamp(2024, 1, 1), "score": scores, "source": "a",
                         "weight": np.ones(n), "document": documents} | columns)


def test_matches_mean_and_standard_error_of_each_document():
    rng = generator(0)
    names = rng.choice(list("abcdefg"), 60)
    scores = rng.normal(5, 1, 60)
    documents, _ = collapse(table(names, scores))
    for name, score, error in documents[["document", "score", "error"]].itertuples(index=False):
        own = scores[names == name].tolist()
        assert score == pytest.approx(statistics.mean(own))
        assert error == pytest.approx(statistics.stdev(own) / len(own) ** 0.5)
    assert documents["document"].tolist() == list(dict.fromkeys(names))


def test_matches_single_scores_take_the_pooled_sd():
    documents, notes = collapse(table(list("aabbbc"), [1.0, 3.0, 4.0, 5.0, 6.0, 9.0]))
    # Squared deviations: 2 around a's mean, 2 around b's; 1 + 2 degrees of freedom.
    assert documents["error"].tolist() == pytest.approx([1.0, 3 ** -0.5, (4 / 3) ** 0.5])
    assert "more than once: 2, with 5 scores" in notes[0]
    assert "scored once: 1" in notes[1]


def test_identity_no_repeats_leave_the_scores_alone():
    single = table(list("abc"), [1.0, 2.0, 3.0])
    documents, notes = collapse(single)
    assert documents[list(single.columns)].equals(single)
    assert documents["error"].tolist() == [0.0, 0.0, 0.0]
    assert "unknown and taken as 0" in notes[0]


def test_matches_dates_and_sources_keep_documents_apart():
    days = pd.to_datetime(["2024-01-01", "2024-01-01", "2024-01-02", "2024-01-01"])
    documents, notes = collapse(table(["a"] * 4, [1.0, 3.0, 5.0, 7.0], date=days,
                                      source=["x", "x", "x", "y"]))
    assert documents["score"].tolist() == [2.0, 5.0, 7.0]
    assert "another date or source: 2" in notes[-1]


def test_matches_first_text_and_mean_weight_are_kept():
    documents, _ = collapse(table(["a", "a"], [1.0, 2.0], text=["one", "two"], weight=[1.0, 3.0]))
    assert documents["text"].tolist() == ["one"]
    assert documents["weight"].tolist() == [2.0]
