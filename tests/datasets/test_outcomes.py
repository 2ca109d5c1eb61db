"""Oracles: the cells of small files, written by hand."""

import numpy as np
import pandas as pd
import pytest

from workbench.datasets import load_outcomes

ROWS = 120


def written(tmp_path, **columns):
    path = tmp_path / "my {own} table é.csv"
    rng = np.random.default_rng(0)
    pd.DataFrame({"x": rng.normal(size=ROWS).round(3), **columns}).to_csv(path, index=False)
    return str(path)


def cycle(*cells):
    return [cells[at % len(cells)] for at in range(ROWS)]


def test_matches_shipped_grades_to_their_bounds():
    table = load_outcomes("wine_quality_red")
    assert table.y.min() == 0.3
    assert table.y.max() == 0.8
    assert not table.is_class
    assert table.features.shape == (1599, 11)


def test_matches_shipped_complaints():
    table = load_outcomes("panchen")
    assert (table.target, table.is_class) == ("SendOrNot", True)
    assert set(table.y) == {0.0, 1.0}


@pytest.mark.parametrize(("cells", "positive", "ones"), [
    (("no", "yes"), "", "yes"), (("No", "YES", "no "), "No", "No"), ((0, 1), "", "1"),
    (("true", "false"), "", "true"), (("nein", "ja"), "", "ja"),
    ((3, 7), "", "7"), (("a", "b", "c", "a"), "", "a"),
    (("a", "b", "c", "a"), "c", "c"), ((1, 2, 3), "2", "2")])
def test_matches_classes_to_zero_and_one(tmp_path, cells, positive, ones):
    data = written(tmp_path, y=cycle(*cells))
    table = load_outcomes(data, positive=positive)
    assert table.is_class
    assert table.meaning == f"y is {ones}"
    np.testing.assert_array_equal(
        table.y, [float(str(cell).strip() == ones) for cell in cycle(*cells)])
    assert any(note.startswith("The outcome is the column 'y'") for note in table.notes)


def test_matches_scores_to_their_bounds(tmp_path):
    data = written(tmp_path, grade=cycle(1, 2, 3, 5))
    table = load_outcomes(data, target="grade", low=0, high=10)
    np.testing.assert_allclose(table.y, np.array(cycle(1, 2, 3, 5)) / 10)
    assert table.notes == ()
    guessed = load_outcomes(data, target="grade")
    assert (guessed.y.min(), guessed.y.max()) == (0.0, 1.0)
    assert "is taken to lie between 1 and 5, as in this table" in guessed.notes[-1]


def test_matches_a_usual_name_before_the_last_column(tmp_path):
    data = written(tmp_path, Label=cycle("a", "b"), z=cycle(0.5, 1.5, 2.5))
    assert load_outcomes(data).target == "Label"
    data = written(tmp_path, w=cycle("a", "b"), last=cycle(0.5, 1.5, 2.5))
    assert load_outcomes(data).target == "last"


def test_matches_what_is_left_out_to_notes(tmp_path):
    y = cycle("a", "b")
    y[3] = y[8] = ""
    data = written(tmp_path, same=1, copy=y, text=[f"word {at}" for at in range(ROWS)],
                   gap=cycle(1.5, None, 2.5), y=y)
    table = load_outcomes(data, target="y")
    told = " ".join(table.notes)
    assert len(table.y) == ROWS - 2
    assert "2 of 120 rows had no outcome and were left out." in told
    assert "'same' was left out: it is constant" in told
    assert "'text' was left out" in told
    assert "'gap' 40" in told or "'gap' 39" in told
    assert "'copy' was left out: it repeats column 'y'" in told
    assert list(table.features) == ["x", "gap"]
    assert table.features.index[0] == 2


def test_matches_decimal_commas(tmp_path):
    path = tmp_path / "commas.csv"
    path.write_text("x;y\n" + "".join(f"{at},5;{at % 4},25\n" for at in range(ROWS)))
    table = load_outcomes(path, target="y", low=0, high=4)
    np.testing.assert_allclose(table.y, (np.arange(ROWS) % 4 + 0.25) / 4)


@pytest.mark.parametrize(("columns", "options", "words"), [
    ({"y": ["a"] * ROWS}, {}, "target must vary, but 'y' is the same in all 120 rows"),
    ({"y": [""] * ROWS}, {}, "target must hold outcomes, but 'y' is empty"),
    ({"y": [f"w{at}" for at in range(ROWS)]}, {}, "must be a class or a score, .* 120 different"),
    ({"y": cycle("a", "b")}, {"target": "yy"}, "target must name a column .* mean 'y'"),
    ({"y": cycle("yes", "no")}, {"positive": "yess"}, "positive must be an outcome .* 'yes'"),
    ({"y": cycle(1, 2, 30)}, {"low": 0, "high": 10}, "scores from 0 to 10, but 40 of 120 cells"),
    ({"y": cycle(1, 2, 3)}, {"low": 10, "high": 0}, "low must lie below high"),
    ({"y": ["a", "b"] + [""] * (ROWS - 2)}, {}, "at least 90 rows with an"),
    ({"y": cycle(1.0, 2.0, float("inf"))}, {}, "numbers, or few texts, but 40 .* row 4: 'inf'"),
    ({"y": cycle(1, 2, 3, 4, "5 kg")}, {}, "numbers, or few texts, but 24 .* row 6: '5 kg'")])
def test_rejects_with_a_remedy(tmp_path, columns, options, words):
    with pytest.raises(ValueError, match=words):
        load_outcomes(written(tmp_path, **columns), **options)


def test_rejects_a_table_without_features(tmp_path):
    path = tmp_path / "bare.csv"
    path.write_text("id,y\n" + "".join(f"{at},{at % 2}\n" for at in range(ROWS)))
    with pytest.raises(ValueError, match="data must have a feature beside the outcome"):
        load_outcomes(path)


@pytest.mark.parametrize("cells", [("no", "yes"), (2, 5, 9, 4), (0, 1)])
def test_rejects_a_copy_of_the_outcome_as_a_feature(tmp_path, cells):
    table = load_outcomes(written(tmp_path, twin=cycle(*cells), y=cycle(*cells)))
    assert list(table.features) == ["x"]
    assert any(note.startswith("Column 'twin' was left out") for note in table.notes)


def test_matches_notes_to_what_this_table_can_take(tmp_path):
    """No note speaks of an order of rows, which these studies do not know."""
    table = load_outcomes(written(tmp_path, number=range(ROWS), y=cycle("no", "yes")), low=0.0)
    assert "Column 'number' was left out: it numbers the rows." in table.notes
    assert "low and high are of a score and do nothing here: 'y' is a class." in table.notes
