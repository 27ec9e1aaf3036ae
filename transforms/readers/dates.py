"""Dates as exports write them; one that could be read two ways is refused unless the study file gives the order."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal

Order = Literal["dmy", "mdy"] | None

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = r"(?:[T ,]\s*(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s*[AaPp][Mm])?))?"
_ISO = re.compile(rf"(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_TIME}")
_NUMERIC = re.compile(rf"(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<y>\d{{4}}){_TIME}")
_MONTH_FIRST = re.compile(
    rf"(?:(?P<w>[A-Za-z]+),?\s+)?(?P<m>[A-Za-z]{{3,9}})\.?\s+(?P<d>\d{{1,2}}),?\s+(?P<y>\d{{4}}){_TIME}"
)
_DAY_FIRST = re.compile(
    rf"(?:(?P<w>[A-Za-z]+),?\s+)?(?P<d>\d{{1,2}})[\s-](?P<m>[A-Za-z]{{3,9}})\.?[\s-](?P<y>\d{{4}}){_TIME}"
)


class AmbiguousDateError(ValueError):
    """Day and month cannot be told apart."""


def read_date(text: str, order: Order) -> date:
    """The day a text names; a time of day in it is read and left out.

    Raises AmbiguousDateError where day and month could be either and `order` is None, ValueError for no date.
    """
    return read_moment(text, order).date()


def read_moment(text: str, order: Order) -> datetime:
    """The moment a text names, midnight where it gives no time. Raises like `read_date`."""
    text = text.strip()
    for pattern in (_ISO, _NUMERIC, _MONTH_FIRST, _DAY_FIRST):
        if match := pattern.fullmatch(text):
            parts = match.groupdict()
            year, month, day = _numeric(parts, order) if "a" in parts else _named(parts)
            return datetime.combine(_checked(date(year, month, day), parts.get("w")), _clock(parts.get("time")))
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
    number = int(month) if month.isdigit() else _MONTHS.get(month[:3].lower())
    if number is None:
        raise ValueError(f"{month!r} is no month")
    return int(parts["y"]), number, int(parts["d"])


def _checked(day: date, weekday: str | None) -> date:
    """A weekday beside the date must be the right one: it guards against a digit gone wrong."""
    if weekday and not _WEEKDAYS[day.weekday()].startswith(weekday.lower()[:3]):
        raise ValueError(f"{day} is no {weekday}")
    return day


def _clock(text: str | None) -> datetime.time:  # type: ignore[valid-type]
    if text is None:
        return datetime.min.time()
    compact = re.sub(r"\s+", "", text.upper())
    seconds = ":%S" if compact.count(":") == 2 else ""
    fraction = ".%f" if "." in compact else ""
    form = f"%I:%M{seconds}{fraction}%p" if compact.endswith("M") else f"%H:%M{seconds}{fraction}"
    return datetime.strptime(compact, form).time()
