"""Tables of labels that may be wrong, and shipped spam, read by csv and numpy beside it."""

import csv

import numpy as np
import pandas as pd
import pytest

from workbench.core import generator, places
from workbench.datasets import load_noisy_labels, load_spam


@pytest.fixture
def table():
    rng = generator(0)
    truth = rng.choice(["ham", "spam"], 60)
    label = np.where(np.arange(60) % 5 == 0, np.where(truth == "ham", "spam", "ham"), truth)
    return pd.DataFrame({
        "message": [f"{kind} words number {at}" for at, kind in enumerate(truth)],
        "length": rng.normal(size=60), "label": label, "checked": truth})


def written(table, path):
    table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
    return str(path)


@pytest.mark.parametrize("name", ["youtube-spam", "sms-spam"])
def test_matches_shipped_rows_read_by_hand(name):
    parts = load_spam(name)
    sizes = {"youtube-spam": [1586, 120, 250], "sms-spam": [4502, 500, 500]}[name]
    for (part, rows), size in zip(parts.items(), sizes, strict=True):
        with (places.raw_data() / name / f"{part}.tsv").open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
        assert len(lines) == size == rows.weights.shape[0]
        assert [line[1] for line in lines] == rows.texts.tolist()
        assert [int(line[2]) for line in lines] == rows.y.tolist()
        lengths = np.sqrt(rows.weights.multiply(rows.weights).sum(1))
        assert ((np.abs(lengths - 1) < 1e-4) | (lengths == 0)).all()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_matches_texts_labels_and_truth(table, tmp_path, kind):
    table.loc[3, "checked"] = None
    rows = load_noisy_labels(written(table, tmp_path / f"own.{kind}"), truth="checked")
    assert rows.features is None
    assert rows.texts.tolist() == table["message"].tolist()
    assert [rows.classes[at] for at in rows.y] == table["label"].tolist()
    wanted = (table["label"] != table["checked"]).astype(float).where(table["checked"].notna())
    assert np.array_equal(rows.wrong, wanted, equal_nan=True)
    assert rows.truth[3] == -1
    assert list(rows.index) == list(range(2, 62))
    assert any("The text is column 'message'" in note for note in rows.notes)


def test_matches_features_where_there_is_no_text(table, tmp_path):
    own = table.drop(columns="message").assign(colour=np.tile(["red", "blue", "red"], 20))
    rows = load_noisy_labels(written(own, tmp_path / "own.csv"), truth="checked", label="label")
    assert rows.texts is None
    assert list(rows.features) == ["length", "colour"]       # the truth is no feature


def test_matches_rows_that_are_left_out(table, tmp_path):
    table.loc[0, "label"] = None
    table.loc[1, "message"] = "  "
    table.loc[2, "label"] = "other"
    rows = load_noisy_labels(written(table, tmp_path / "own.csv"), label="label")
    assert len(rows.y) == 57
    told = " ".join(rows.notes)
    for words in ("1 rows without a label", "1 rows without a text", "fewer than 5 rows"):
        assert words in told


@pytest.mark.parametrize(("change", "values", "words"), [
    ({}, {"label": "lable"}, "label must name a column of the data, got 'lable'. Did you mean"),
    ({}, {"label": "label", "truth": "label"}, "must name different columns"),
    ({"checked": ""}, {"truth": "checked"}, "truth must hold some true labels"),
    ({"checked": "zebra"}, {"truth": "checked"}, "truth must hold labels as the column"),
    ({"label": "ham"}, {"label": "label"}, "label must hold at least 2 classes of 5 rows each")])
def test_rejects_tables_that_do_not_fit(table, tmp_path, change, values, words):
    path = written(table.assign(**change), tmp_path / "own.csv")
    with pytest.raises(ValueError, match=words):
        load_noisy_labels(path, **values)


def test_rejects_too_few_rows(table, tmp_path):
    with pytest.raises(ValueError, match="data must give at least 40 rows with a label"):
        load_noisy_labels(written(table.head(30), tmp_path / "own.csv"))
