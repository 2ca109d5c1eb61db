"""Oracle: the files as pandas reads them."""

import numpy as np
import pandas as pd
import pytest

from workbench.core import generator, places
from workbench.datasets import LABEL_TABLES, load_labelled, surrogate_labels
from workbench.datasets.raw import CHECKSUMS
from workbench.datasets.simulated_labels import TRUTH

ROLES = {"predicted": ["countyWrong"], "surrogate": ["pred_countyWrong"],
         "formula": ["SendOrNot", "countyWrong", "prefecWrong"]}


@pytest.mark.parametrize("name", LABEL_TABLES)
def test_matches_the_shipped_table(name):
    table = load_labelled(name, ROLES)
    shipped = pd.read_csv(places.raw_data() / name / f"{name}.csv")
    assert list(table.frame) == ["countyWrong", "pred_countyWrong", "SendOrNot", "prefecWrong"]
    for column in table.frame:
        np.testing.assert_array_equal(table.frame[column], shipped[column])
    assert table.sha256 == CHECKSUMS[f"{name}/{name}.csv"]
    assert table.notes == ()
    assert table.frame.index[0] == 2


@pytest.fixture
def own_file(tmp_path):
    path = tmp_path / "my {own} labels é.csv"
    pd.DataFrame({
        "id": [f"text {i}" for i in range(30)], "gold": [1, 0, np.nan] * 10, "llm": [1, 0, 1] * 10,
        "size": [*range(28), np.nan, 3], "site": ["a", "b", None, *["a"] * 27],
        "pi": 0.5}).to_csv(path, index=False)
    return path


def test_matches_an_own_file_with_gaps_told_in_notes(own_file):
    roles = {"predicted": ["gold"], "surrogate": ["llm"], "sample_prob": ["pi"],
             "cluster": ["id"], "formula": ["gold", "size", "site"]}
    table = load_labelled(own_file, roles)
    assert len(table.frame) == 28
    assert table.frame.index.tolist() == [row for row in range(2, 32) if row not in (4, 30)]
    assert table.frame["gold"].isna().sum() == 9
    assert table.frame["id"].iloc[0] == "text 0"
    assert table.notes == ("2 rows of 30 without all named columns were left out; missing cells "
                           "there: 'size' 1, 'site' 1.",)


@pytest.mark.parametrize(("roles", "told"), [
    ({"predicted": ["golt"]}, "predicted must name columns of the data, got 'golt'. Did you mean"),
    ({"predicted": ["site"]}, "predicted: column 'site' must hold numbers"),
    ({"formula": ["id"]}, "formula: column 'id' must hold numbers, dates or few categories.*left"),
])
def test_rejects_columns_that_cannot_be_read(own_file, roles, told):
    with pytest.raises(ValueError, match=told):
        load_labelled(own_file, roles)


def test_matches_words_for_yes_and_no_to_one_and_zero(tmp_path):
    path = tmp_path / "words.csv"
    pd.DataFrame({"gold": ["Yes", "no", None, "yes "] * 5, "llm": [True, False, True, True] * 5,
                  "size": [*range(19), 0]}).to_csv(path, index=False)
    roles = {"predicted": ["gold"], "surrogate": ["llm"], "formula": ["gold", "size"]}
    table = load_labelled(path, roles)
    np.testing.assert_array_equal(table.frame["gold"], [1, 0, np.nan, 1] * 5)
    np.testing.assert_array_equal(table.frame["llm"], [1, 0, 1, 1] * 5)
    assert "Column 'gold': 'no' counts as 0, 'yes' counts as 1." in table.notes
    bad = path.with_name("bad.csv")
    path_text = path.read_text().replace("no,", "maybe,")
    bad.write_text(path_text)
    with pytest.raises(ValueError, match="column 'gold' must hold numbers"):
        load_labelled(bad, roles)


def test_matches_rows_that_repeat_to_a_note(own_file):
    frame = pd.read_csv(own_file)
    pd.concat([frame, frame.head(3)]).to_csv(own_file, index=False)
    notes = load_labelled(own_file, {"predicted": ["gold"], "surrogate": ["llm"]}).notes
    assert notes[-1].startswith("3 of 33 rows repeat an earlier one.")


def test_rejects_unknown_tables_and_empty_ones(tmp_path):
    with pytest.raises(ValueError, match=r"data must be one of 'panchen', or the path.*Did you"):
        load_labelled("panchan", ROLES)
    (tmp_path / "gaps.csv").write_text("a,b\n1,\n,2\n")
    with pytest.raises(ValueError, match="none of 2 is"):
        load_labelled(tmp_path / "gaps.csv", {"formula": ["a", "b"]})


def test_recovers_the_planted_accuracy_and_errors_where_x1_is_low():
    world = surrogate_labels(40_000, 1000, accuracy=0.88, rng=generator(0))
    wrong, low = world["y_llm"] != world["truth"], world["x1"] <= 0
    for some, rate in ((wrong, 0.12), (wrong[low], 0.22), (wrong[~low], 0.02)):
        assert abs(some.mean() - rate) < 4 * (rate * (1 - rate) / len(some)) ** 0.5
    assert world["y"].notna().sum() == 1000
    held = world["y"].notna()
    assert (world["y"] == world["truth"])[held].all()
    line = TRUTH["Intercept"] + world[["x1", "x2", "x3"]] @ [
        TRUTH["x1"], TRUTH["x2"], TRUTH["x3"]]
    p = 1 / (1 + np.exp(-line))
    score = np.column_stack([np.ones(40_000), world[["x1", "x2", "x3"]]]) * (
        world["truth"] - p).to_numpy()[:, None]
    assert (np.abs(score.mean(axis=0)) < 4 * score.std(axis=0) / 200).all()


@pytest.mark.parametrize(("options", "told"), [
    ({"labelled": 0}, "labelled must lie between 1 and n"),
    ({"n": 10}, "labelled must lie between 1 and n, got 500 of 10"),
    ({"accuracy": 0.5}, "accuracy must lie between 0.55 and 1")])
def test_rejects_worlds_that_cannot_be(options, told):
    with pytest.raises(ValueError, match=told):
        surrogate_labels(**options, rng=generator(0))
