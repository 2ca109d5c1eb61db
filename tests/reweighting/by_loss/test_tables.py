"""The user's table as numbers, and trainings on its splits."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

from workbench.core import generator
from workbench.reweighting import LossWeighter
from workbench.reweighting.by_loss.tables import Table, numbers_of, read_table, train_table


def test_matches_standardised_by_training_rows_alone():
    table = pd.DataFrame({"a": [1.0, 3.0, np.nan, 100.0], "b": ["x", "y", "x", "z"]})
    found = numbers_of(table, np.array([0, 1, 2]))
    assert found[:, 0].tolist() == [-1.0, 1.0, 0.0, 98.0]
    assert found[:, 1].tolist() == [0.0, 0.0, 1.0, 0.0]               # missing
    assert found[:, 2:].tolist() == [[1, 0], [0, 1], [1, 0], [0, 0]]  # z was not in training


def test_matches_the_kind_of_the_target(tmp_path):
    rng = generator(0)
    path = tmp_path / "table.csv"
    pd.DataFrame({"a": rng.normal(size=60), "few": rng.integers(3, size=60),
                  "many": rng.normal(size=60)}).to_csv(path, index=False)
    assert read_table(str(path)).classes == ()
    assert read_table(str(path), target="few").classes == ("0", "1", "2")
    assert read_table(str(path), target="few", task="number").classes == ()


def test_recovers_that_rows_of_wrong_labels_are_weighted_up():
    """What the page warns of: weights by loss teach the errors of the labels."""
    rng = generator(2)
    x = rng.normal(size=(300, 3))
    wrong = rng.random(300) < 0.1
    y = ((x[:, 0] > 0) ^ wrong).astype(int)
    table = Table(pd.DataFrame(x, columns=list("abc")), y, ("0", "1"), "y", "own", "", ())
    found = train_table(table, {"linupper": LossWeighter()}, splits=2, epochs=8)
    weights = found.weights["linupper"].to_numpy()
    seen = np.isfinite(weights)
    assert weights[seen & wrong].mean() > 1.3 > 1 > weights[seen & ~wrong].mean()
    assert found.scores.groupby("weighter").size().tolist() == [2, 2]
