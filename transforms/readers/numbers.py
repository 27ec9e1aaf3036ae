"""Numbers as exports write them: decimal commas, thousands separators; one that could be read two ways is refused.

`200.000` is two hundred thousand in a Danish spreadsheet and two hundred in an English one. Other numbers of the same
file tell which it is; where none does, such a number is no number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Final, Literal

Mark = Literal[".", ","] | None
"""The decimal mark of a file; None where nothing in it tells."""

_OTHER: Final = {".": ",", ",": "."}
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f']")
"""Blanks and apostrophes between groups of three digits mean thousands everywhere."""
_FORM = re.compile(r"(?P<sign>[+-]?)(?P<digits>\d[\d.,]*|[.,]\d+)(?P<power>[eE][+-]?\d{1,3})?", re.ASCII)
_GROUPS = re.compile(r"[1-9]\d{0,2}(?:(?P<mark>[.,])\d{3})(?:(?P=mark)\d{3})*", re.ASCII)
_GROUPED_BY_SPACES = re.compile(r"[+-]?\d{1,3}(?:[\s\u00a0\u2009\u202f']\d{3})+(?:[.,]\d+)?", re.ASCII)


def decimal_mark(cells: Iterable[str], *, point_is_decimal: bool) -> Mark:
    """The decimal mark that numbers which can be read in one way only give away.

    `point_is_decimal` is told of files that cannot be otherwise: separated by commas, or cells a workbook holds as
    numbers. Contradicting numbers give None, as no number does.
    """
    found: set[Mark] = {"."} if point_is_decimal else set()
    found |= {_certain_mark(cell) for cell in cells}
    found.discard(None)
    return found.pop() if len(found) == 1 else None


def read_number(text: str, mark: Mark) -> float:
    """The number a text names. Raises ValueError for no number and for one that could be read two ways."""
    plain, power = _parts(text)
    marks = [character for character in plain if character in ".,"]
    if not marks:
        value = float(plain + power)
    elif len(set(marks)) == 1 and _is_open(plain, power):
        is_decimal = marks[0] == mark
        if (mark is None and len(marks) == 1) or (is_decimal and len(marks) > 1):
            raise ValueError(f"{text!r} could be read two ways")
        value = float((plain.replace(marks[0], "." if is_decimal else "")) + power)
    else:
        value = float(_with_point(plain, marks[-1]) + power)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is too large a number")
    return value


def read_whole_number(text: str, mark: Mark, largest: int) -> int:
    """The whole number a text names; decimals may only be zeros. Raises like `read_number`.

    `200.000` with a decimal point is refused even so: nobody writes three decimals to a count of cells.
    """
    value = read_number(text, mark)
    plain, power = _parts(text)
    if not value.is_integer() or abs(value) > largest:
        raise ValueError(f"{text!r} is no whole number up to {largest}")
    if mark is not None and not power and _is_open(plain, power) and plain.count(mark) == 1:
        raise ValueError(f"{text!r} could be read two ways")
    return int(value)


def _parts(text: str) -> tuple[str, str]:
    """Sign and digits with their marks, and the power of ten."""
    plain = text.strip()
    if _SPACES.search(plain):
        if not _GROUPED_BY_SPACES.fullmatch(plain):
            raise ValueError(f"{text!r} is no number")
        plain = _SPACES.sub("", plain)
    match = _FORM.fullmatch(plain)
    if match is None:
        raise ValueError(f"{text!r} is no number")
    return match["sign"] + match["digits"], match["power"] or ""


def _is_open(plain: str, power: str) -> bool:
    """True for groups of three digits behind one kind of mark: thousands, or three decimals."""
    return not power and _GROUPS.fullmatch(plain.lstrip("+-")) is not None


def _with_point(plain: str, decimal: str) -> str:
    """Digits whose last mark is the decimal one, the other mark grouping thousands, as Python writes them."""
    whole, _, decimals = plain.rpartition(decimal)
    grouped = whole.lstrip("+-")
    if decimal in grouped or (_OTHER[decimal] in grouped and not _GROUPS.fullmatch(grouped)):
        raise ValueError(f"{plain!r} is no number")
    return f"{whole.replace(_OTHER[decimal], '')}.{decimals}"


def _certain_mark(cell: str) -> Mark:
    """The decimal mark of a number that has one and could be read in no other way."""
    try:
        plain, power = _parts(cell)
        marks = [character for character in plain if character in ".,"]
        if not marks:
            return None
        if _is_open(plain, power):
            return _OTHER[marks[0]] if len(marks) > 1 else None  # type: ignore[return-value]
        _with_point(plain, marks[-1])
    except ValueError:
        return None
    return marks[-1]  # type: ignore[return-value]
