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


def test_matches_the_median_where_a_feature_is_missing():
    table = pd.DataFrame({"a": [0.0, 0.0, 9.0, np.nan]})
    found = numbers_of(table, np.array([0, 1, 2]))
    assert found[3, 0] == found[0, 0] != 0                            # 0 is the mean, 3


def skewed(tmp_path, **columns):
    rng = generator(0)
    table = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60)}).assign(**columns)
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    return str(path), table


def test_matches_the_usual_name_before_the_last_column(tmp_path):
    path, table = skewed(tmp_path, target=generator(1).normal(size=60), last=np.arange(60.0) ** 2)
    found = read_table(path)
    assert found.target == "target"
    assert found.y == pytest.approx(table["target"].to_numpy())
    assert "The target is column 'target'; pass target= for another." in found.notes
    assert sum("pass target=" in note for note in found.notes) == 1
    path, _ = skewed(tmp_path, few=["p", "q"] * 30, last=np.arange(60.0) ** 2)
    assert read_table(path).target == "last"


def test_matches_numbers_however_they_are_spelled(tmp_path):
    rng = generator(0)
    table = pd.DataFrame({"a": rng.normal(size=60), "cost": 1000 * rng.normal(size=60)})
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False, sep=";", decimal=",")
    found = read_table(str(path))
    assert (found.classes, found.y.tolist()) == ((), table["cost"].tolist())
    table.assign(cost=[f"{value:,.2f}" for value in table["cost"]]).to_csv(path, index=False)
    assert read_table(str(path)).y == pytest.approx(table["cost"].round(2).to_numpy())


@pytest.mark.parametrize(("target", "options", "words"), [
    (["one"] * 60, {}, "target must vary, but 'z' is 'one' in all 60 rows"),
    ([3.0] * 60, {}, "target must vary, but 'z' is '3' in all 60 rows"),
    ([1.0, 2.0] + [None] * 58, {}, "at least 40 rows with a target, .* but 'z' has 2"),
    ([f"w{k}" for k in range(60)], {}, "holds 60 texts, such as 'w0'. Write plain numbers"),
    ([k / 7 for k in range(60)], {"task": "class"}, "Pass task='auto' for numbers"),
    (["x"] * 58 + ["y"] * 2, {}, "at least 2 classes of 5 rows each"),
    ([1.0, 2.0] * 30, {"target": "zz"}, "Did you mean 'z'")])
def test_rejects_a_target_from_which_nothing_can_be_learnt(tmp_path, target, options, words):
    path, _ = skewed(tmp_path, z=target)
    with pytest.raises(ValueError, match=words):
        read_table(path, **options)


@pytest.mark.parametrize("column", ["a", "z"])
def test_rejects_numbers_too_far_from_those_that_were_learnt(tmp_path, column):
    path, table = skewed(tmp_path, z=generator(1).normal(size=60))
    table.loc[5, column] = 1e100
    table.to_csv(path, index=False)
    with pytest.raises(ValueError, match=f"column '{column}' must stay within 1e\\+15 standard"):
        train_table(read_table(path), {}, splits=8, epochs=1)
