"""Names, dimensions and values of what is drawn of tests and resamples."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench.plots import (
    agreement,
    false_positives,
    learning_and_disagreement,
    replicates_and_folds,
)

TESTS = pd.DataFrame({"label": ["F", "t", "bold"], "statistic": [3.0, 1.0, 9.0],
                      "pvalue": [0.04, 0.3, 0.0], "kind": ["holds", "mild", "bad"]})
PAIRS = pd.DataFrame({"first": ["a", "a", "b"], "second": ["b", "c", "c"], "test": "McNemar",
                      "pvalue": [0.01, 0.04, 0.03], "adjusted": [0.03, 0.06, 0.06]})
WORLDS = ["models are equal"] * 2 + ["one model is worse"] * 2
RATES = pd.DataFrame({"label": ["F", "t"] * 2, "rate": [0.05, 0.6, 0.4, 0.9], "low": 0.03,
                      "high": 0.95, "world": WORLDS})
LOOKS = pd.DataFrame({"habit": ["look", "look", "try"], "looks": [1, 5, 1],
                      "rate": [0.05, 0.14, 0.05], "low": 0.04, "high": 0.2})


def points(part, kind=hv.Scatter):
    return [one for one in part if isinstance(one, kind)]


def test_matches_p_values_with_the_smallest_on_top_and_alpha():
    above, below = agreement(TESTS, PAIRS, alpha=0.05, correction="holm")
    shown = {round(float(x), 9): float(y) for one in points(above)
             for x, y in zip(one.dimension_values("shown"), one.dimension_values("place"),
                             strict=True)}
    assert shown == {0.3: 0.0, 0.04: 1.0, 1e-6: 2.0}
    assert next(iter(above)).dimension_values("shown").tolist() == [0.05, 0.05]
    assert points(above)[0].get_dimension("place").unit == "smallest on top"
    assert points(below)[0].get_dimension("place").label == "two models"
    adjusted = points(below)[1]
    assert sorted(adjusted.dimension_values("value")) == [0.03, 0.06, 0.06]
    hv.render(hv.Layout([above, below]))


def test_matches_rates_in_percent_beside_the_nominal_level():
    above, below = false_positives(RATES, LOOKS, alpha=0.05)
    marks = points(above)
    assert [one.label for one in marks] == ["false positives", "power"]
    np.testing.assert_allclose(marks[0].dimension_values("value"), [5, 60])
    assert next(iter(above)).dimension_values("value").tolist() == [5.0, 5.0]
    peeks = [one.dimension_values("rate") for one in points(below)]
    np.testing.assert_allclose(peeks[1], [5, 14])
    hv.render(hv.Layout([above, below]))


def test_matches_histograms_intervals_and_the_line_of_one_error():
    rng = np.random.default_rng(0)
    replicates = pd.DataFrame({"model": ["a"] * 50 + ["b"] * 50, "value": rng.normal(size=100)})
    scores = pd.DataFrame({"model": ["a"] * 3 + ["c"] * 3, "place": [1, 2, 3] * 2,
                           "value": [0.7, 0.8, 0.9, 0.1, 0.2, 0.3]})
    above, below = replicates_and_folds(replicates, scores, pair=("a", "b"), score="accuracy",
                                        level=0.95)
    assert sum(points(above, hv.Histogram)[0].dimension_values("share")) == pytest.approx(100)
    own = replicates.loc[replicates["model"] == "a", "value"]
    bar = points(above, hv.Segments)[0]
    np.testing.assert_allclose([bar.dimension_values(0)[0], bar.dimension_values(2)[0]],
                               np.quantile(own, [0.025, 0.975]))
    line = next(iter(below)).dimension_values(0)
    np.testing.assert_allclose(line, 0.8 - 0.1 / np.sqrt(3))
    hv.render(hv.Layout([above, below]))
    only = replicates_and_folds(replicates, scores.iloc[:0], pair=("a", "b"), score="s", level=0.9)
    assert len(only) == 1
    assert "No replicates" in str(replicates_and_folds(
        replicates.iloc[:0], scores.iloc[:0], pair=("a", "b"), score="s", level=0.9).opts.get())


def test_matches_curves_and_counts():
    learning = pd.DataFrame({"model": ["a", "a", "b", "b"], "rows": [10, 20] * 2,
                             "value": [0.5, 0.6, 0.4, 0.7], "low": 0.3, "high": 0.8})
    counts = pd.DataFrame({"first": ["right", "wrong"], "second": ["wrong", "right"],
                           "rows": [3, 1]})
    above, below = learning_and_disagreement(learning, counts, pair=("a", "b"), score="accuracy")
    assert points(above, hv.Curve)[1].dimension_values("value").tolist() == [0.5, 0.6]
    assert points(below, hv.Labels)[0].dimension_values("told").tolist() == ["3 (75 %)",
                                                                             "1 (25 %)"]
    assert len(learning_and_disagreement(learning.iloc[:0], counts, pair=("a", "b"),
                                         score="s")) == 1
    hv.render(hv.Layout([above, below]))


@pytest.mark.parametrize(("call", "words"), [
    (lambda: agreement(TESTS[:0], PAIRS, alpha=0.05, correction="holm"), "tests must have rows"),
    (lambda: false_positives(RATES, LOOKS[:0], alpha=0.05), "looks must have rows"),
    (lambda: learning_and_disagreement(pd.DataFrame(), pd.DataFrame(), pair=("a", "b"),
                                       score="s"), "counts must have rows")])
def test_rejects_nothing_to_draw(call, words):
    with pytest.raises(ValueError, match=words):
        call()
