"""Dates as exports write them; one that could be read two ways is refused unless the study file gives the order."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time
from typing import Final, Literal

from transforms.readers.calendar_words import month_number, weekday_numbers

Order = Literal["dmy", "mdy"] | None

_PLAUSIBLE_YEARS = range(1900, 2200)
"""A year outside is a slip of the pen: no subject, plate or visit of a study lies there."""
_TIME = (
    r"(?:[T,\s]\s*(?P<hour>[0-9]{1,2})[:.](?P<minute>[0-9]{2})"
    r"(?:[:.](?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?\s?[Mm]\.?)?)?"
)
_WORD = r"[^\W\d_]"
_THE = r"(?i:den|d\.)\s+"
"""What Danish, Norwegian, Swedish and German write before a day."""
_WEEKDAY = rf"(?:(?!{_THE})(?P<weekday>{_WORD}+)\.?,?\s+)?(?:{_THE})?"
_DAY, _MONTH, _YEAR = r"(?P<d>[0-9]{1,2})", rf"(?P<m>{_WORD}{{3,}})\.?", r"(?P<y>[0-9]{4})"
_OF = r"(?i:de\s+)?"
_FORMS = (
    re.compile(rf"{_WEEKDAY}{_YEAR}(?P<s>[-/.])(?P<m>[0-9]{{1,2}})(?P=s){_DAY}{_TIME}"),
    re.compile(rf"{_WEEKDAY}(?P<a>[0-9]{{1,2}})(?P<s>[-/.])(?P<b>[0-9]{{1,2}})(?P=s){_YEAR}{_TIME}"),
    re.compile(rf"{_WEEKDAY}{_MONTH}\s+{_DAY},?\s+{_YEAR}{_TIME}"),
    re.compile(rf"{_WEEKDAY}{_DAY}(?:\.|er|º)?(?P<s>[\s/.-])\s?{_OF}{_MONTH}(?:(?P=s)|\s+{_OF}){_YEAR}{_TIME}"),
)


_PARTIAL: Final = re.compile(
    r"(?P<y>[0-9]{4})(?:-(?P<m>[0-9]{2}|--?|UN|UNK)(?:-(?P<d>[0-9]{2}|--?|UN|UNK))?)?", re.IGNORECASE
)
"""ISO 8601 from the left, and what SDTM and case report forms write for an unknown month or day."""


class AmbiguousDateError(ValueError):
    """Day and month cannot be told apart."""


class PartialDateError(ValueError):
    """The date has no day, or no month, and nothing says what to take."""


def read_date(text: str, order: Order) -> date:
    """The day a text names; a time of day in it is read and left out.

    Raises AmbiguousDateError where day and month could be either and `order` is None, ValueError for no date: also for
    a year of two digits, and a weekday that is not that of the day.
    """
    return read_moment(text, order).date()


def read_partial_date(text: str, partial: Literal["reject", "middle"]) -> tuple[date, bool]:
    """The day an ISO date names, and whether it is the middle of a month or year that stands without a day.

    `2014-05` is 15 May and `2014` 1 July (half the days of a year lie before it), for readers of plain tables and of
    SDTM alike. A month or day may be written as unknown (`2014-05-UN`, `2014---15` of ISO 8601, whose day without
    a month says nothing). A time of day is left out. Raises PartialDateError under `reject`, ValueError for no date.
    """
    match = _PARTIAL.fullmatch(text.strip())
    if match is None:
        return read_date(text, None), False
    parts = [int(part) if (part := match[name] or "").isdigit() else None for name in "ymd"]
    year, month, day = parts[0] or 0, parts[1], parts[2]
    if year not in _PLAUSIBLE_YEARS:
        raise ValueError(f"the year {year} cannot be meant")
    if month is not None and day is not None:
        return date(year, month, day), False
    middle = date(year, 7, 1) if month is None else date(year, month, 15)
    if partial == "reject":
        raise PartialDateError(f"{text!r} has no {'month' if month is None else 'day'}")
    return middle, True


def read_moment(text: str, order: Order) -> datetime:
    """The moment a text names, midnight where it gives no time. Raises like `read_date`."""
    text = unicodedata.normalize("NFC", text.strip())
    for form in _FORMS:
        if match := form.fullmatch(text):
            parts = match.groupdict()
            year, month, day = _numeric(parts, order) if "a" in parts else _named(parts)
            return datetime.combine(_checked(date(year, month, day), parts), _clock(parts))
    raise ValueError(f"{text!r} is no date")


def _numeric(parts: dict[str, str], order: Order) -> tuple[int, int, int]:
    first, second, year = int(parts["a"]), int(parts["b"]), int(parts["y"])
    if order is None:
        if first <= 12 and second <= 12 and first != second:
            raise AmbiguousDateError("day and month could be either")
        order = "mdy" if second > 12 else "dmy"
    return (year, second, first) if order == "dmy" else (year, first, second)


def _named(parts: dict[str, str]) -> tuple[int, int, int]:
    month = parts["m"]
    return int(parts["y"]), int(month) if month.isdigit() else month_number(month), int(parts["d"])


def _checked(day: date, parts: dict[str, str]) -> date:
    """Year and weekday must be right: both guard against a digit gone wrong."""
    if day.year not in _PLAUSIBLE_YEARS:
        raise ValueError(f"the year {day.year} cannot be meant")
    if weekday := parts["weekday"]:
        month = parts.get("m", "1")
        meant = weekday_numbers(weekday, None if month.isdigit() else month)
        if not meant:
            raise ValueError(f"{weekday!r} is no weekday in a language that writes the date so")
        if day.weekday() not in meant:
            raise ValueError(f"{day} is no {weekday}")
    return day


def _clock(parts: dict[str, str]) -> time:
    if parts["hour"] is None:
        return time()
    hour = int(parts["hour"])
    if half := parts["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour} is no hour of half a day")
        hour = hour % 12 + (12 if half in "Pp" else 0)
    fraction = (parts["fraction"] or "").ljust(6, "0")
    return time(hour, int(parts["minute"]), int(parts["second"] or 0), int(fraction))
