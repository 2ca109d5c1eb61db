"""Oracle: dates written by hand, and the calendar of the standard library."""

import datetime

import pandas as pd
import pytest

from workbench.datasets.dates import read_dates


def column(*cells, dtype=object):
    return pd.Series(list(cells), index=range(2, 2 + len(cells)), name="when", dtype=dtype)


@pytest.mark.parametrize(("cell", "date", "note"), [
    ("2024-03-05", "2024-03-05", ""),
    (" 2024-03-05 ", "2024-03-05", ""),
    ("2024-03-05 10:30", "2024-03-05 10:30", ""),
    ("2024-03-05T10:30:15.25", "2024-03-05 10:30:15.25", ""),
    ("2024-03-05T10:30Z", "2024-03-05 10:30", "converted to UTC"),
    ("2024-03-05 00:30:00+02:00", "2024-03-04 22:30", "converted to UTC"),
    ("2024-03-05 23:30 -0500", "2024-03-06 04:30", "converted to UTC"),
    ("2024-03-05 10:30 UTC", "2024-03-05 10:30", "converted to UTC"),
    ("1945 Q1", "1945-02-01", "quarters, placed on the first day of their middle month"),
    ("1945Q4", "1945-11-01", "quarters"),
    ("q2 1945", "1945-05-01", "quarters"),
    ("2024-03", "2024-03-01", "months, placed on their first day"),
    ("March 2024", "2024-03-01", "months"),
    ("2024", "2024-07-01", "years, placed on their first of July"),
    (2024, "2024-07-01", "years"),
    (2024.0, "2024-07-01", "years"),
    (20240305, "2024-03-05", "year, month and day"),
    (1_709_634_600, "2024-03-05 10:30", "seconds since 1970"),
    ("1709634600000", "2024-03-05 10:30", "milliseconds since 1970"),
    ("05.03.2024", "2024-03-05", "day.month.year"),
    ("5.3.2024 10:30", "2024-03-05 10:30", "day.month.year"),
    ("2024/3/5", "2024-03-05", "year, month, day"),
    ("31/03/2024", "2024-03-31", "day/month/year, the only order that fits"),
    ("03/31/2024 1:05 PM", "2024-03-31 13:05", "month/day/year, the only order that fits"),
    ("03/31/2024 12:05 am", "2024-03-31 00:05", "month/day/year"),
    ("5 Mar 2024", "2024-03-05", "name of the month"),
    ("March 5, 2024", "2024-03-05", "name of the month"),
    ("Tue, 5th Mar. 2024 10:30:15", "2024-03-05 10:30:15", "name of the month"),
    (datetime.date(2024, 3, 5), "2024-03-05", ""),
    (datetime.datetime(2024, 3, 5, 10, 30), "2024-03-05 10:30", ""),
])
def test_matches_dates_written_by_hand(cell, date, note):
    dates, notes = read_dates(column(cell))
    assert dates.tolist() == [pd.Timestamp(date)]
    assert dates.dtype == "datetime64[us]"
    assert dates.index.tolist() == [2]
    assert len(notes) == bool(note)
    assert all(note in told for told in notes)


@pytest.mark.parametrize(("pattern", "order"), [
    ("%Y-%m-%d", ""), ("%d.%m.%Y", "day.month"), ("%d/%m/%Y", "day/month"),
    ("%m/%d/%Y", "month/day"), ("%m-%d-%Y", "month/day"), ("%d %B %Y", "name"),
    ("%b %d, %Y", "name"), ("%A, %d %b %Y", "name"), ("%Y%m%d", "year, month")])
def test_matches_every_day_of_a_leap_year(pattern, order):
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(number) for number in range(366)]
    dates, notes = read_dates(column(*[day.strftime(pattern) for day in days]))
    assert dates.dt.date.tolist() == days
    assert all(order in note for note in notes)
    assert bool(notes) == bool(order)


@pytest.mark.parametrize("word", ["", "  ", "NA", "n/a", "Null", "none", "NaN", "-", "missing",
                                  "#N/A", ".", None])
def test_matches_missing_words(word):
    dates, notes = read_dates(column("2024-03-05", word))
    assert dates.isna().tolist() == [False, True]
    assert notes == []


def test_matches_mixed_offsets_meet_in_utc():
    dates, notes = read_dates(column("2024-03-05T12:00+02:00", "2024-03-05T05:00-05:00",
                                     "2024-03-05 10:00"))
    assert dates.tolist() == [pd.Timestamp("2024-03-05 10:00")] * 3
    assert "without one were taken as UTC" in notes[0]


def test_matches_stamps_with_and_without_zone():
    stamps = pd.Series(pd.to_datetime(["2024-07-01 02:00"]), name="when")
    assert read_dates(stamps)[0].tolist() == stamps.tolist()
    dates, notes = read_dates(stamps.dt.tz_localize("Europe/Berlin"))
    assert dates.tolist() == [pd.Timestamp("2024-07-01")]
    assert "Europe/Berlin" in notes[0]


def test_identity_same_date_in_either_order_is_not_ambiguous():
    dates, notes = read_dates(column("02/02/2024", "03/03/2024"))
    assert dates.tolist() == [pd.Timestamp(2024, 2, 2), pd.Timestamp(2024, 3, 3)]
    assert "either order" in notes[0]


@pytest.mark.parametrize(("cells", "told"), [
    (["2024-03-05", "x", "x"], r"'when' must hold dates.* 2 of 3 cells do not.* row 3: 'x'\. W"),
    (["2024-02-30"], "row 2: '2024-02-30'"),
    (["31/04/2024"], "row 2: '31/04/2024'"),
    (["2024-13"], "row 2: '2024-13'"),
    (["03/04/24"], "years in four digits"),
    (["9999-12-31"], "between the years 1678 and 2261"),
    (["0001-01-01"], "between the years 1678 and 2261"),
    (["2024-03-05 25:00"], "row 2"),
    (["31/03/2024 25:00"], "row 2"),
    (["1945 Q5"], "row 2: '1945 Q5'"),
    ([12.5], r"row 2: 12\.5"),
    ([-5], "row 2: -5"),
    ([float("inf")], "row 2: inf"),
    ([123456], "row 2: 123456"),
    ([45356], r"row 2: 45356\. .*Excel's serial dates: format .*2024-03-05"),
    (["45356.5"], "Excel's serial dates"),
    ([19999], r"row 2: 19999\. Write dates as"),
    (["True"], "row 2: 'True'"),
    (["02/02/2024", "01/02/2024", "03/04/2024"],
     r"which number is the day.*row 3 \('01/02/2024'\).*2024-03-05"),
    (["31/01/2024", "01/31/2024"], r"one order.*row 2 .*start with the day and row 3 .*the month"),
])
def test_rejects_what_is_no_date_or_two_dates(cells, told):
    with pytest.raises(ValueError, match=told):
        read_dates(column(*cells))


@pytest.mark.parametrize("cells", [["31/01/2024", "01/31/2024"], ["01/02/2024"]])
def test_rejects_unclear_order_in_one_sentence(cells):
    with pytest.raises(ValueError, match=r"^column 'when' must (keep one order|say which)"):
        read_dates(column(*cells))


@pytest.mark.parametrize("dtype", ["bool", "timedelta64[s]", "complex128"])
def test_rejects_columns_of_another_type(dtype):
    with pytest.raises(ValueError, match=r"must hold dates.*its type is"):
        read_dates(column(0, 1, dtype=dtype))
