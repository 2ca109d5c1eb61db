"""The forms in which a date may be written, each with its reader.

A reader takes the distinct texts of one form, indexed by the row where each first appears. It
returns their dates, NaT for days that no calendar has, and what it interpreted. Its complaint
says what the column must do, as the end of a sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

__all__ = ["FORMS", "Form"]

Read = tuple[pd.Series, list[str]]

ZONE = r"(?: ?(?:Z|z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))"
ISO = (r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
       + ZONE + "?)?")
CLOCK = (r"(?:,? +(?P<hour>[0-9]{1,2}):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?"
         r"(?: ?(?P<half>[AaPp])[Mm])?)?")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = (r"(?P<word>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|"
         r"aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?")
WEEKDAY = r"(?i)(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? +)?"
DAY = r"(?P<day>[0-9]{1,2})"
YEAR = r"(?P<year>[0-9]{4})"


@dataclass(frozen=True)
class Form:
    """A pattern that a whole cell must match, and the reader of such cells."""

    pattern: str
    read: Callable[[pd.Series], Read]


def _iso(texts: pd.Series) -> Read:
    zoned = texts.str.fullmatch(".*:.*" + ZONE).astype(bool)
    plain = texts.str.replace(" ?(?:z|UTC|GMT)$", "Z", regex=True)
    plain = plain.str.replace(" ?([+-][0-9:]+)$", r"\1", regex=True).where(zoned, texts)
    dates = pd.to_datetime(plain.str.upper(), format="ISO8601", utc=True, errors="coerce")
    notes = ["dates with a time zone were converted to UTC."] * bool(zoned.any())
    if zoned.any() and not zoned.all():
        notes = [notes[0][:-1] + "; those without one were taken as UTC."]
    return dates.dt.tz_localize(None), notes


def _period(pattern: str, month: Callable[[pd.DataFrame], pd.Series | int], placed: str
            ) -> Callable[[pd.Series], Read]:
    def read(texts: pd.Series) -> Read:
        parts = texts.str.extract(pattern)
        dates = _calendar(parts["year"], month(parts), 1)
        return dates, [f"{_like(texts)} {placed}."]

    return read


def _compact(texts: pd.Series) -> Read:
    dates = pd.to_datetime(texts, format="%Y%m%d", errors="coerce")
    return dates, [f"{_like(texts)} read as year, month and day."]


def _epoch(unit: Literal["s", "ms"], name: str) -> Callable[[pd.Series], Read]:
    def read(texts: pd.Series) -> Read:
        dates = pd.to_datetime(pd.to_numeric(texts), unit=unit)
        return dates, [f"{_like(texts)} read as {name} since 1970, in UTC."]

    return read


def _parts(pattern: str, order: str) -> Callable[[pd.Series], Read]:
    def read(texts: pd.Series) -> Read:
        parts = texts.str.extract(pattern)
        return _dated(parts, parts["month"], parts["day"]), [f"{_like(texts)} read as {order}."]

    return read


def _named(pattern: str) -> Callable[[pd.Series], Read]:
    def read(texts: pd.Series) -> Read:
        parts = texts.str.extract(pattern)
        return _dated(parts, _number(parts), parts["day"]), [
            f"{_like(texts)} read by the English name of the month."]

    return read


def _swappable(texts: pd.Series) -> Read:
    parts = texts.str.extract(SWAPPABLE)
    first, second = parts["first"].astype(int), parts["then"].astype(int)
    if (first > 12).any() and (second > 12).any():
        raise ValueError(
            f"must keep one order of day and month, but row {(first > 12).idxmax()} "
            f"({texts[first > 12].iloc[0]!r}) can only start with the day and row "
            f"{(second > 12).idxmax()} ({texts[second > 12].iloc[0]!r}) only with the month. "
            "Write dates as 2024-03-05.")
    if not (first > 12).any() and not (second > 12).any() and (first != second).any():
        raise ValueError(
            "must say which number is the day, but every row can be read as "
            "day/month/year and as month/day/year, the first different one in row "
            f"{(first != second).idxmax()} ({texts[first != second].iloc[0]!r}). "
            "Write dates as 2024-03-05.")
    day_first = bool((first > 12).any())
    day, month, order = (first, second, "day/month/year") if day_first else (
        second, first, "month/day/year")
    why = "the only order that fits" if (first != second).any() else "the same in either order"
    return _dated(parts, month, day), [f"{_like(texts)} read as {order}, {why}."]


def _dated(parts: pd.DataFrame, month: pd.Series, day: pd.Series) -> pd.Series:
    """Join a calendar day with the clock of the same cell; no clock is midnight."""
    hour, minute, second = (parts[name].astype(float).fillna(0.0)
                            for name in ("hour", "minute", "second"))
    half = parts["half"].str.lower()
    possible = (hour < 24) & (half.isna() | hour.between(1, 12))
    hour = hour.where(half.isna(), hour % 12 + 12 * (half == "p"))
    clock = pd.to_timedelta(3600 * hour + 60 * minute + second, unit="s")
    return (_calendar(parts["year"], month, day) + clock).where(possible)


def _calendar(year: pd.Series, month: pd.Series | int, day: pd.Series | int) -> pd.Series:
    parts = pd.DataFrame({"year": year.astype(int), "month": month, "day": day}, year.index)
    return pd.to_datetime(parts.astype(int), errors="coerce")


def _number(parts: pd.DataFrame) -> pd.Series:
    return parts["word"].str.lower().str[:3].map(MONTHS.index) + 1


def _like(texts: pd.Series) -> str:
    return f"dates like {texts.iloc[0]!r} are"


SWAPPABLE = "(?P<first>[0-9]{1,2})[/-](?P<then>[0-9]{1,2})[/-]" + YEAR + CLOCK
DOTTED = DAY + r"\.(?P<month>[0-9]{1,2})\." + YEAR + CLOCK
YEAR_FIRST = YEAR + "[-/.](?P<month>[0-9]{1,2})[-/.]" + DAY + CLOCK
DAY_NAMED = WEEKDAY + DAY + r"(?:st|nd|rd|th|\.)?[ -]+" + MONTH + r",?[ -]+" + YEAR + CLOCK
NAMED_DAY = WEEKDAY + MONTH + " +" + DAY + "(?:st|nd|rd|th)?,? +" + YEAR + CLOCK
QUARTER = "(?i)" + YEAR + "[ -]?Q(?P<quarter>[1-4])"
QUARTER_FIRST = "(?i)Q(?P<quarter>[1-4])[ -]?" + YEAR
YEAR_MONTH = YEAR + "[-/](?P<month>[0-9]{1,2})"
MONTH_YEAR = "(?i)" + MONTH + "[ -]+" + YEAR
BARE_YEAR = YEAR + r"(?:\.0)?"

FORMS = (
    Form(ISO, _iso),
    Form(QUARTER, _period(QUARTER, lambda parts: 3 * parts["quarter"].astype(int) - 1,
                          "quarters, placed on the first day of their middle month")),
    Form(QUARTER_FIRST, _period(QUARTER_FIRST, lambda parts: 3 * parts["quarter"].astype(int) - 1,
                                "quarters, placed on the first day of their middle month")),
    Form(YEAR_MONTH, _period(YEAR_MONTH, lambda parts: parts["month"].astype(int),
                             "months, placed on their first day")),
    Form(MONTH_YEAR, _period(MONTH_YEAR, _number, "months, placed on their first day")),
    Form(BARE_YEAR, _period(BARE_YEAR, lambda _: 7, "years, placed on their first of July")),
    Form("[0-9]{8}", _compact),
    Form(r"[0-9]{10}(?:\.[0-9]+)?", _epoch("s", "seconds")),
    Form("[0-9]{13}", _epoch("ms", "milliseconds")),
    Form(DOTTED, _parts(DOTTED, "day.month.year")),
    Form(YEAR_FIRST, _parts(YEAR_FIRST, "year, month, day")),
    Form(SWAPPABLE, _swappable),
    Form(DAY_NAMED, _named(DAY_NAMED)),
    Form(NAMED_DAY, _named(NAMED_DAY)),
)
