"""Figures of weights by loss: what is drawn, and what is refused."""

import pandas as pd
import pytest

from workbench.plots import Panel, domain_panels, weights_and_batch

CURVES = Panel(pd.DataFrame({"series": ["a"] * 3, "at": [-1, 0, 1], "value": [0.5, 1.0, 1.5]}),
               "Weights", ("place", "share"), ("weight", "times uniform"), marks=False)
BATCH = pd.DataFrame({"loss": [0.1, 0.2, 4.0], "weight": [0.5, 1.0, 0.0],
                      "kind": ["row", "row", "outlier"]})
KINDS = {"row": "ours", "outlier": "alarm"}


def batch_figure(batch=BATCH):
    return weights_and_batch(CURVES, batch, roles={"a": "ours"}, kinds=KINDS, title="One batch",
                             x=("loss", "nats"), sizes=CURVES)


def test_matches_curves_rows_and_sizes():
    figure = batch_figure()
    assert len(figure) == 3
    rows = [each for each in list(figure)[1] if type(each).__name__ == "Scatter"]
    assert [len(each) for each in rows] == [2, 1]
    assert rows[1]["weight"][0] == 2.0 ** -10           # a weight of zero, on the floor
    assert rows[0].kdims[0].unit == "nats"
    curves = next(iter(figure))
    assert not [each for each in curves if type(each).__name__ == "Scatter"]    # marks=False


def test_matches_gains_with_and_without_intervals():
    gains = pd.DataFrame({"name": ["code", "manual"], "value": [0.1, -0.2],
                          "low": [0.0, float("nan")], "high": [0.2, float("nan")]})
    figure = domain_panels(CURVES, gains, roles={"a": "ours"}, title="Gains")
    lower = list(figure)[1]
    kinds = {type(each).__name__: each for each in lower}
    assert len(kinds["Segments"]) == 1
    assert kinds["Scatter"]["value"].tolist() == [0.1, -0.2]


def test_rejects_nothing_to_draw():
    with pytest.raises(ValueError, match="batch must have rows"):
        batch_figure(BATCH.iloc[:0])
    with pytest.raises(ValueError, match="gains must have rows"):
        domain_panels(CURVES, BATCH.iloc[:0], roles={"a": "ours"}, title="Gains")
