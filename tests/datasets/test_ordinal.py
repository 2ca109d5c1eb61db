"""Tables with an ordered outcome: their order, what is left out, what is refused."""

import numpy as np
import pandas as pd
import pytest

from workbench.datasets import UnknownOrderError, load_ordinal, ordered_stages, simulated_stages
from workbench.datasets.stages import in_order


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def table(rng):
    size = rng.normal(size=120)
    stage = np.array(["Low", "medium", "HIGH"])[np.digitize(size + rng.normal(size=120), [0, 1.5])]
    return pd.DataFrame({"size": size, "colour": rng.choice(["red", "blue"], 120),
                         "who": rng.integers(0, 30, 120), "amount": rng.uniform(0, 2, 120),
                         "stage": stage})


def load(table, tmp_path, **roles):
    path = tmp_path / "own.csv"
    table.to_csv(path, index=False)
    return load_ordinal(path, **roles)


@pytest.mark.parametrize(("labels", "ordered"), [
    (["10", "9", "2"], ["2", "9", "10"]),
    (["Stage 3", "stage 1", "Stage 2"], ["stage 1", "Stage 2", "Stage 3"]),
    (["2 - some", "1 - none", "3 - all"], ["1 - none", "2 - some", "3 - all"]),
    (["severe", "None", "mild"], ["None", "mild", "severe"]),
    (["Strongly agree", "neutral", "disagree"], ["disagree", "neutral", "Strongly agree"]),
    (["Diabetes", "NoDiabetes", "PreDiabetes"], ["NoDiabetes", "PreDiabetes", "Diabetes"]),
    (["-1", "0", "1"], ["-1", "0", "1"]),
])
def test_matches_orders_that_labels_say(labels, ordered):
    assert in_order(pd.Series(labels))[0] == ordered


def test_rejects_labels_without_an_order():
    with pytest.raises(UnknownOrderError, match="order must name the 3 classes"):
        in_order(pd.Series(["dog", "cat", "cow"]))
    assert in_order(pd.Series(["dog", "cat", "cow"]), ["cow", "dog", "cat"])[0] == [
        "cow", "dog", "cat"]
    with pytest.raises(ValueError, match="misses 'cow'"):
        in_order(pd.Series(["dog", "cat", "cow"]), ["dog", "cat"])
    with pytest.raises(ValueError, match="each class once"):
        in_order(pd.Series(["dog", "cat", "cow"]), ["dog", "cat", "cow", "dog"])


def test_matches_an_own_table(table, tmp_path):
    table.loc[3, "stage"] = None
    table.loc[7, "amount"] = 0.0
    table.loc[9, "size"] = None
    found = load(table, tmp_path, outcome="stage", weight="amount", group="who")
    assert found.labels == ("Low", "medium", "HIGH")
    assert found.features.columns.tolist() == ["size", "colour"]
    assert len(found.codes) == len(found.weight) == len(found.group) == 118
    kept = table.drop([3, 7])
    assert (np.array(found.labels)[found.codes] == kept["stage"]).all()
    np.testing.assert_allclose(found.weight, kept["amount"])
    notes = " ".join(found.notes)
    for told in ("1 row without an outcome was left out", "1 row without a weight above 0",
                 "Missing cells of features, filled and marked: 'size' 1", "a usual scale"):
        assert told in notes


def test_matches_the_reversed_order_and_chosen_features(table, tmp_path):
    found = load(table, tmp_path, outcome="stage", features=["colour"], reverse=True)
    assert found.labels == ("HIGH", "medium", "Low")
    assert found.features.columns.tolist() == ["colour"]
    assert any("turned round" in note for note in found.notes)
    assert any("'Low', is commoner than the first" in note for note in found.notes)


def test_matches_none_to_a_stage_among_words_only(table, tmp_path):
    table["stage"] = table["stage"].map({"Low": "None", "medium": "mild", "HIGH": "severe"})
    table.loc[:4, "stage"] = ["", "NA", "n/a", "None", "None"]
    found = load(table, tmp_path, outcome="stage")
    assert found.labels == ("None", "mild", "severe")
    assert len(found.codes) == 117
    table["stage"] = ["1", "2", "3", "None"] * 30
    found = load(table, tmp_path, outcome="stage")
    assert found.labels == ("1", "2", "3")
    assert len(found.codes) == 90


def test_matches_a_copy_of_the_outcome_to_a_note(table, tmp_path):
    table["code"] = table["stage"].map({"Low": "x", "medium": "y", "HIGH": "z"})
    found = load(table, tmp_path, outcome="stage")
    assert "code" not in found.features
    assert any("'code' was left out: it repeats the outcome" in note for note in found.notes)


def test_matches_shipped_tables():
    soup, people = load_ordinal("soup"), load_ordinal("prediabetes", age_cutoff=55)
    assert soup.labels == tuple("654321")
    assert np.bincount(soup.codes).tolist() == [869, 277, 98, 115, 260, 228]
    assert len(set(soup.group)) == 185
    assert set(soup.features.dtypes) == {np.dtype(object)}
    assert np.bincount(people.codes).tolist() == [2123, 154, 782]
    assert people.features.columns.tolist() == ["Age", "Sex", "IMD_Decile", "BMI", "HbA1C"]


@pytest.mark.parametrize(("change", "roles", "words"), [
    ({}, {"outcome": "stag"}, "outcome must name a column of the data, got 'stag'. Did you"),
    ({}, {"outcome": "size"}, "must have 3 to 20 ordered classes, but column 'size' holds 120"),
    ({}, {"outcome": "colour"}, "holds 2 different values .* use a logistic regression"),
    ({"stage": "Low"}, {"outcome": "stage"}, "holds 1 different values"),
    ({}, {"outcome": "stage", "weight": "stage"}, "weight must be another column"),
    ({"amount": -1.0}, {"outcome": "stage", "weight": "amount"}, "must hold weights >= 0"),
    ({}, {"outcome": "stage", "weight": "colour"}, "column 'colour' must hold numbers"),
    ({}, {"outcome": "stage", "features": ["sise"]}, "features must name .*mean 'size'"),
])
def test_rejects_what_no_run_could_use(table, tmp_path, change, roles, words):
    with pytest.raises(ValueError, match=words):
        load(table.assign(**change), tmp_path, **roles)


def test_rejects_few_rows_and_lonely_classes(table, tmp_path):
    with pytest.raises(ValueError, match="at least 40 rows that count"):
        load(table[:30], tmp_path, outcome="stage")
    table.loc[0, "stage"] = "very high"
    with pytest.raises(ValueError, match="has one row of 'very high'"):
        load(table, tmp_path, outcome="stage")


def test_recovers_the_truth_of_a_world(rng):
    world = ordered_stages(20_000, 3, intercepts=[0.0, 2.0], deviation=0.3, rng=rng)
    share = np.bincount(world.codes) / 20_000
    error = np.sqrt(share * (1 - share) / 20_000)
    assert (np.abs(world.probabilities.mean(axis=0) - share) < 4 * error).all()
    np.testing.assert_allclose(world.probabilities.sum(axis=1), 1)
    sparse = ordered_stages(300, 50, intercepts=[0.0, 8.0], sparsity=0.2, rng=rng)
    assert set(np.diff(sparse.coefs, axis=0).ravel()) <= {-0.5, 0.0, 0.5}
    assert set(sparse.coefs[0]) == {0.0, 0.5}


@pytest.mark.parametrize(("options", "words"), [
    ({"intercepts": [1.0, 0.0]}, "two increasing numbers"),
    ({"sparsity": 0.0}, "sparsity must lie in"),
    ({"intercepts": [0.0, 0.01], "n": 500}, "must lie far enough apart"),
])
def test_rejects_worlds_that_cannot_be(rng, options, words):
    with pytest.raises(ValueError, match=words):
        ordered_stages(**{"n": 100, "p": 4, **options}, rng=rng)


def test_rejects_repeated_features_and_weights_of_no_row(table, tmp_path):
    with pytest.raises(ValueError, match="features must name each column once, got 'size' twice"):
        load(table, tmp_path, outcome="stage", features=["size", "colour", "size"])
    table["amount"] = 0
    with pytest.raises(ValueError, match="weight must be above 0 in some rows, but column "
                                         "'amount' is in none of 120"):
        load(table, tmp_path, outcome="stage", weight="amount")


def test_matches_the_note_on_numbered_rows(table, tmp_path):
    table["number"] = np.arange(120)
    notes = load(table, tmp_path, outcome="stage").notes
    assert "Column 'number' was left out: it numbers the rows." in notes


def test_rejects_large_worlds_that_cannot_be_soon(rng, monkeypatch):
    monkeypatch.setattr(simulated_stages, "MOST", 100_000)
    for n, tries in ((100, 100), (1000, 20), (1, 2000)):
        with pytest.raises(ValueError, match=f"not be too rare: {tries} worlds"):
            ordered_stages(n, 10, intercepts=[0, 1e-9], rng=rng)
