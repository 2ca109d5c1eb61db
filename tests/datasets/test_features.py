"""Oracle: what a person would read in the cells."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.features import read_feature


def read(cells, **options):
    return read_feature(pd.Series(cells, name="x"), **options)


@pytest.mark.parametrize(("cells", "numbers"), [
    (["1,5", "2,25", ""], [1.5, 2.25, np.nan]),
    (["1,234,567", "1,000", "12"], [1234567, 1000, 12]),
    (["1,234.5", "1,000"], [1234.5, 1000]),
    (["\N{MINUS SIGN}3", "4"], [-3, 4]),
    ([True, False, None], [1, 0, np.nan]),
    ([Decimal("1.5"), Decimal(2)], [1.5, 2]),
    ([1.0, np.inf, 2.0], [1, np.nan, 2]),
    ([1.0, -1e200, 2.0], [1, np.nan, 2]),
    (["1"] * 19 + ["<5"], [1] * 19 + [np.nan]),
    (["28,2"] * 19 + ["k.A."], [28.2] * 19 + [np.nan]),
    (pd.to_timedelta([1, 2], unit="D"), [1, 2]),
])
def test_matches_numbers(cells, numbers):
    np.testing.assert_array_equal(read(cells).values, numbers)


def test_matches_numbers_that_leave_a_doubt_as_categories():
    doubtful = read(["1,234", "2,345", "1,234"])          # thousands, or decimals
    assert doubtful.values.tolist() == ["1,234", "2,345", "1,234"]
    assert read(["1,234", "2,345"], commas=True).values.tolist() == [1.234, 2.345]


def test_matches_dates_as_days():
    dates = ["2024-01-03", "2024-01-01", None]
    for cells in (dates, pd.to_datetime(dates), [datetime.date(2024, 1, 3),
                                                 datetime.date(2024, 1, 1), None]):
        feature = read(cells)
        np.testing.assert_array_equal(feature.values, [2, 0, np.nan])
        assert "days since 2024-01-01" in feature.notes[0]


def test_matches_categories_and_identifiers():
    words = read(["low", "high", " low ", "n/a"])
    assert words.values.tolist()[:3] == ["low", "high", "low"]
    assert pd.isna(words.values[3])
    names = read([f"name {i}" for i in range(30)])
    assert names.values is None
    assert "30 of its 30 texts differ" in names.notes[0]


@pytest.mark.parametrize("cells", [[None, None], ["", "NA"], [b"a", b"b"], [1j, 2j]])
def test_rejects_columns_that_hold_nothing_to_learn_from(cells):
    feature = read(cells)
    assert feature.values is None
    assert feature.notes[0].startswith("Column 'x' was left out")


def test_matches_cells_that_are_told():
    assert "1 of 20 cells are no number, the first is '<5'" in read(["1"] * 19 + ["<5"]).notes[0]
    assert "1 infinite cell counts as missing" in read([1.0, np.inf]).notes[0]
