"""Tables of features, scores and predictions: recognised, declared, and refused."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine

from workbench.datasets import RIVAL_TABLES, load_rivals


@pytest.fixture
def written(tmp_path):
    def write(table, name="my {own} tàble.csv"):
        path = tmp_path / name
        pd.DataFrame(table).to_csv(path, index=False)
        return path

    return write


def features(n=30):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"size": rng.normal(size=n), "colour": rng.choice(["red", "blue"], n),
                         "label": np.where(np.arange(n) % 3, "yes", "no")})


def said(n=40):
    rng = np.random.default_rng(0)
    truth = rng.choice(["a", "b"], n)
    return pd.DataFrame({"id": range(n), "truth": truth, **{
        name: np.where(rng.random(n) < 0.8, truth, "a") for name in ("m1", "m2")}})


@pytest.mark.parametrize("name", RIVAL_TABLES)
def test_matches_every_shipped_table(name):
    table = load_rivals(name)
    assert table.kind == ("scores" if name in ("uci_classifiers", "anneal_folds") else "features")
    assert table.splits == (name == "anneal_folds")
    assert len(table.opened.sha256) == 64
    if name == "wine":
        right = load_wine(as_frame=True)
        np.testing.assert_array_equal(table.features, right.data)
        assert table.y[0] == "class_0"


def test_matches_features_with_gaps_and_categories(written):
    table = features()
    table.loc[3, "label"] = None
    table.loc[4, "size"] = None
    told = load_rivals(written(table))
    assert (told.kind, told.target, told.features.shape) == ("features", "label", (29, 2))
    assert set(told.y) == {"yes", "no"}
    assert any("1 missing cells of features" in note for note in told.notes)
    assert any("1 row without a target was left out" in note for note in told.notes)


def test_matches_scores_by_their_range(written):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"data": list("abcdef"), "seed": range(6),
                          "mine": rng.uniform(0.7, 0.8, 6), "theirs": rng.uniform(0.6, 0.8, 6)})
    table.loc[2, "theirs"] = np.nan
    told = load_rivals(written(table))
    assert (told.kind, told.splits, list(told.columns)) == ("scores", True, ["mine", "theirs"])
    assert any("read as scores; pass kind=features" in note for note in told.notes)
    assert any("1 row without a score of each model was left out" in note for note in told.notes)
    assert len(told.columns) == 5
    assert load_rivals(written(table.drop(columns="seed"))).splits is False
    errors = pd.DataFrame({"mine": [3.0, 400.0], "theirs": [2.5, 380.0]})
    assert load_rivals(written(errors), kind="scores").columns.shape == (2, 2)
    assert load_rivals(written(errors), models=["mine", "theirs"]).kind == "scores"


def test_matches_predictions_by_their_labels(written):
    table = said()
    table.loc[5, "m2"] = None
    told = load_rivals(written(table))
    assert (told.kind, told.target, list(told.columns)) == ("predictions", "truth", ["m1", "m2"])
    assert len(told.y) == 39
    assert any("read as predictions; pass kind=features" in note for note in told.notes)
    odd = table["m1"].where(table.index > 2, "c")
    strange = load_rivals(written(table.assign(m1=odd)), kind="predictions")
    assert any("labels that the truth never has count as wrong: m1 (c)" in note
               for note in strange.notes)
    with pytest.raises(ValueError, match="column 'm1' must hold labels of the truth 'truth', a"):
        load_rivals(written(table.assign(m1="c")), kind="predictions")


def test_matches_numbers_to_predict(written):
    table = features().assign(price=np.arange(30) ** 1.5)
    told = load_rivals(written(table), target="price", numbers=True)
    assert told.y.dtype.kind == "f"
    assert load_rivals("yacht", numbers=True).features.shape == (308, 6)


@pytest.mark.parametrize(("table", "options", "words"), [
    (features().assign(label="yes"), {}, "at least two classes, but 'label' has 'yes' in all 30"),
    (features().assign(label=range(30)), {}, "30 different values in 30 rows. Pass a metric"),
    (features().assign(label=["x", *["a", "b"] * 14, "b"]), {}, "at least 2 rows, .* but 1 have"),
    (features(8), {}, "at least 20 whole rows of features, but 8 rows gave 8"),
    (features()[["label"]].assign(one=1), {}, "must have a feature beside the target 'label'"),
    (features(), {"target": "labl"}, "target must name a column .* Did you mean 'label'"),
    (features(), {"models": ["m1"]}, "model 1 must name a column of the data, got 'm1'"),
    (features(), {"kind": "score"}, "kind must be one of .* Did you mean 'scores'"),
    (features(), {"kind": "scores"}, "at least two columns of scores, one per model, got "),
    (said().drop(columns="truth"), {"kind": "predictions"}, "target must name the column of the"),
    (said().drop(columns="m2"), {"kind": "predictions"}, "at least two columns of pred"),
    (pd.DataFrame({"a": [0.1, None], "b": [None, 0.2]}), {"kind": "scores"},
     "at least 2 whole rows of scores, but 2 rows gave 0"),
    (pd.DataFrame({"a": ["0.1", "bad", "0.3"], "b": [0.1, 0.2, 0.4]}), {"models": ["a", "b"]},
     "column 'a' must hold numbers, but 1 of 3"),
    (features().assign(price=3.0), {"target": "price", "numbers": True}, "target must vary")])
def test_rejects_with_one_sentence(written, table, options, words):
    with pytest.raises(ValueError, match=words):
        load_rivals(written(table), **options)


def test_rejects_files_that_are_not_there():
    with pytest.raises(FileNotFoundError, match="data must be a file that exists"):
        load_rivals("./winee.csv")
    with pytest.raises(ValueError, match="Did you mean 'wine'"):
        load_rivals("winee")
