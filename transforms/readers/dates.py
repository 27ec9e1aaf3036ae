"""Dates as exports write them; one that could be read two ways is refused unless the study file gives the order."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Literal

Order = Literal["dmy", "mdy"] | None

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PLAUSIBLE_YEARS = range(1900, 2200)
"""A year outside is a slip of the pen: no subject, plate or visit of a study lies there."""
_TIME = r"(?:[T ,]\s*(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:\s*[AaPp][Mm])?))?"
_ISO = re.compile(rf"(?P<y>\d{{4}})(?P<s>[-/.])(?P<m>\d{{1,2}})(?P=s)(?P<d>\d{{1,2}}){_TIME}", re.ASCII)
_NUMERIC = re.compile(rf"(?P<a>\d{{1,2}})(?P<s>[-/.])(?P<b>\d{{1,2}})(?P=s)(?P<y>\d{{4}}){_TIME}", re.ASCII)
_MONTH_FIRST = re.compile(
    rf"(?:(?P<w>[A-Za-z]+)\.?,?\s+)?(?P<m>[A-Za-z]{{3,9}})\.?\s+(?P<d>\d{{1,2}}),?\s+(?P<y>\d{{4}}){_TIME}", re.ASCII
)
_DAY_FIRST = re.compile(
    rf"(?:(?P<w>[A-Za-z]+)\.?,?\s+)?(?P<d>\d{{1,2}})[\s-](?P<m>[A-Za-z]{{3,9}})\.?[\s-](?P<y>\d{{4}}){_TIME}", re.ASCII
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
            return datetime.combine(_checked(date(year, month, day), parts.get("w")), _clock(parts["time"]))
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
    if month.isdigit():
        return int(parts["y"]), int(month), int(parts["d"])
    fitting = [number for number, name in enumerate(_MONTHS, start=1) if name.startswith(month.lower())]
    if len(fitting) != 1:
        raise ValueError(f"{month!r} is no month")
    return int(parts["y"]), fitting[0], int(parts["d"])


def _checked(day: date, weekday: str | None) -> date:
    """Year and weekday must be right: both guard against a digit gone wrong."""
    if day.year not in _PLAUSIBLE_YEARS:
        raise ValueError(f"the year {day.year} cannot be meant")
    if weekday and not (len(weekday) > 1 and _WEEKDAYS[day.weekday()].startswith(weekday.lower())):
        raise ValueError(f"{day} is no {weekday}")
    return day


def _clock(text: str | None) -> time:
    if text is None:
        return time()
    compact = re.sub(r"\s+", "", text.upper())
    seconds = ":%S" if compact.count(":") == 2 else ""
    fraction = ".%f" if "." in compact else ""
    form = f"%I:%M{seconds}{fraction}%p" if compact.endswith("M") else f"%H:%M{seconds}{fraction}"
    return datetime.strptime(compact, form).time()
