"""Day and time of acquisition as FCS files write them: $DATE, $BTIM, $ETIM, and the moments of FCS 3.2."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Final

from transforms.readers.dates import Order, read_date

_SHORT_YEAR: Final = re.compile(r"([0-9]{1,2}[-/ .][^\W\d_]{3,}[-/ .])([0-9]{2})")
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})([-/ ])([^\W\d_]{3,})\2([0-9]{1,2})")
_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:([.:])([0-9]{1,6}))?")
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.+")
_FIRST_YEAR: Final = 1984
"""Of FCS: a year of two digits is that of the hundred years from then on."""
_SIXTIETHS: Final = 2
"""Digits of sixtieths of a second, which FCS 3.0 writes behind a colon; some instruments write milliseconds there."""


def acquisition_day(word: str, order: Order) -> date:
    """The day of $DATE or $BEGINDATETIME; of FCS 2.0 with a year of two digits.

    Raises ValueError (AmbiguousDateError where day and month can be either and `order` is None).
    """
    if _MOMENT.fullmatch(word):
        return datetime.fromisoformat(word).date()
    if found := _YEAR_FIRST.fullmatch(word):
        year, mark, month, day = found.groups()
        word = mark.join((day, month, year))
    if found := _SHORT_YEAR.fullmatch(word):
        century = _FIRST_YEAR - _FIRST_YEAR % 100
        year = century + int(found[2])
        word = f"{found[1]}{year if year >= _FIRST_YEAR else year + 100}"
    return read_date(word, order)


def time_of_day(word: str) -> time:
    """The time of $BTIM, $ETIM or a moment, as the clock of the cytometer showed it. Raises ValueError."""
    if _MOMENT.fullmatch(word):
        return datetime.fromisoformat(word).time()
    found = _CLOCK.fullmatch(word)
    if not found:
        raise ValueError(f"{word!r} is no time of day")
    hour, minute, second, mark, fraction = found.groups()
    return time(int(hour), int(minute), int(second), _microseconds(mark, fraction) if fraction else 0)


def _microseconds(mark: str, fraction: str) -> int:
    if mark == ":" and len(fraction) <= _SIXTIETHS:
        return int(fraction) * 1_000_000 // 60
    return int(fraction.ljust(6, "0"))
