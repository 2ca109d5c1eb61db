"""Oracle: Python's float on cells written by hand."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.numbers import read_numbers


def column(*cells, dtype=object):
    return pd.Series(list(cells), index=range(2, 2 + len(cells)), name="unity", dtype=dtype)


@pytest.mark.parametrize("cell", ["7", "7.5", "-0.25", "+3", ".5", "5.", "1e-3", "2E+2", "007"])
def test_matches_float(cell):
    numbers, notes = read_numbers(column(cell, "1"))
    assert numbers.tolist() == [float(cell), 1.0]
    assert notes == []


def test_matches_padded_and_typed_text_with_a_note():
    numbers, notes = read_numbers(column(" 7.5 ", "8", "\t9"))
    assert numbers.tolist() == [7.5, 8.0, 9.0]
    assert "blanks around numbers were ignored, 2" in notes[0]
    numbers, notes = read_numbers(column("7.5"), typed=True)
    assert numbers.tolist() == [7.5]
    assert "stored as text" in notes[0]


@pytest.mark.parametrize("word", ["", " ", "NA", "N/A", "null", "None", "nan", "-", "Missing",
                                  "#N/A", "#n/a n/a", ".", "#NULL!", "#DIV/0!", "#VALUE!", None,
                                  np.nan])
def test_matches_missing_words(word):
    numbers, _ = read_numbers(column("1", word))
    assert numbers.isna().tolist() == [False, True]
    assert read_numbers(column(word, word))[0].isna().all()


@pytest.mark.parametrize("dtype", ["int64", "float32", "uint8", "Int64", "Float64"])
def test_identity_numeric_columns_pass_unchanged(dtype):
    numbers, notes = read_numbers(column(1, 2, 3, dtype=dtype))
    assert numbers.tolist() == [1.0, 2.0, 3.0]
    assert numbers.dtype == float
    assert notes == []


@pytest.mark.parametrize("cells", [[Decimal("7.25"), None], [Decimal("7.25"), pd.NA],
                                   [Decimal("7.25"), Decimal("NaN")]])
def test_matches_decimals_are_numbers(cells):
    numbers, notes = read_numbers(column(*cells), typed=True)
    assert numbers.iloc[0] == 7.25
    assert numbers.dtype == float
    assert notes == []


def test_matches_missing_whole_numbers():
    assert read_numbers(column(1, None, dtype="Int64"))[0].isna().tolist() == [False, True]


def test_matches_the_minus_sign_of_typesetters():
    numbers, notes = read_numbers(column("\N{MINUS SIGN}7.5", "-1", "2"))
    assert numbers.tolist() == [-7.5, -1.0, 2.0]
    assert notes == ["Column 'unity': the minus sign U+2212 was read as a hyphen, 1 in all."]


def test_matches_certain_decimal_commas():
    numbers, notes = read_numbers(column("5,0", "-,5", "7", "1,5e3", "NA"), commas=True)
    assert numbers.tolist()[:4] == [5.0, -0.5, 7.0, 1500.0]
    assert notes == ["Column 'unity': decimal commas were read as decimal points, 3 in all."]


@pytest.mark.parametrize("cells", [["5,0", "6.5"], ["1,234,5"], ["1.234,5"]])
def test_rejects_commas_that_are_not_certain(cells):
    with pytest.raises(ValueError, match="Write decimals with a point"):
        read_numbers(column(*cells), commas=True)


@pytest.mark.parametrize(("cell", "told"), [
    ("7,5", "row 3: '7,5'. Write decimals with a point"),
    ("1,234.5", "thousands separator"),
    ("7/10", "Write one number instead of a fraction"),
    ("70%", "Drop the percent sign"),
    ("1 500", "row 3: '1 500'. Remove the spaces between the groups of digits"),
    ("1\N{NO-BREAK SPACE}500,5", "Remove the spaces between"),
    ("1\N{NARROW NO-BREAK SPACE}500", "Remove the spaces between"),
    ("1\N{THIN SPACE}500", "Remove the spaces between"),
    ("high", "Write a plain number such as 7.5"),
    ("True", "row 3: 'True'"),
    ("2024-01-01", "row 3"),
    ("1+2j", "row 3"),
    ("0x10", "row 3"),
    ("1_000", "row 3"),
    ("inf", "row 3: 'inf'"),
    ("1e999", "finite numbers"),
    ("--1", "row 3"),
    ("७", "row 3"),
    (True, "row 3: True"),
    ("x" * 500, "row 3: 'x{20,60}"),
])
def test_rejects_what_is_no_number(cell, told):
    with pytest.raises(ValueError, match=told) as caught:
        read_numbers(column("1", cell))
    assert "column 'unity' must hold" in str(caught.value)
    assert "1 of 2 cells do not" in str(caught.value)
    assert len(str(caught.value)) < 300


def test_rejects_infinite_numbers():
    with pytest.raises(ValueError, match=r"finite numbers, but 2 of 3 cells do not.*row 3: inf"):
        read_numbers(column(1.0, np.inf, -np.inf, dtype=float))


@pytest.mark.parametrize("dtype", ["bool", "datetime64[s]", "timedelta64[s]", "complex128",
                                   "category"])
def test_rejects_columns_of_another_type(dtype):
    with pytest.raises(ValueError, match=r"'unity' must hold numbers, but its type is"):
        read_numbers(column(0, 1, dtype=dtype))
