"""A sheet: its header, then rows of text with the place of each; and CSV files as sheets."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

_SEPARATORS = (",", ";", "\t")
_SEPARATOR_LINE = re.compile(r"\s*sep=([,;\t])\s*\n", re.IGNORECASE)
"""What spreadsheets write as the first line to name the separator to each other."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A header and its rows. `name` is None for a CSV; `places` says where each row stands."""

    name: str | None
    header: list[str]
    rows: list[list[str]]
    places: list[str]
    point_is_decimal: bool = False
    """True where a point in a number cannot be a thousands separator."""
    fault: str | None = None
    """Why the sheet could not be read to its end."""


def csv_sheet(text: str) -> Sheet | None:
    """The one sheet of a CSV with separator `,`, `;` or tab; None where the first line is no header of two columns.

    Lines without any filled cell are passed over. Quotation marks that do not pair up are a fault of the sheet: they
    can swallow any number of lines into one cell.
    """
    told = _SEPARATOR_LINE.match(text)
    skipped = 1 if told else 0
    body = text[told.end() :] if told else text
    first = re.sub(r'"[^"]*"', "", next((line for line in body.split("\n") if line.strip()), ""))
    separator = told[1] if told else max(_SEPARATORS, key=first.count)
    if separator not in first:
        return None
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=True)
    filled: list[tuple[int, list[str]]] = []
    fault = None
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                filled.append((begins + skipped, [cell.strip() for cell in cells]))
            begins = reader.line_num + 1
    except csv.Error:
        fault = f"from line {begins + skipped} on, the quotation marks do not pair up"
    if not filled:
        return None
    places = [f"line {number}" for number, _ in filled[1:]]
    header, rows = trimmed([cells for _, cells in filled])
    return Sheet(None, header, rows, places, point_is_decimal=separator == ",", fault=fault)


def trimmed(lines: Sequence[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Header and rows without the empty columns at the end that trailing separators leave."""
    header, *rows = lines
    width = max((index for index, cell in enumerate(header, start=1) if cell), default=0)
    return header[:width], [row[:width] + [cell for cell in row[width:] if cell] for row in rows]


def filled(rows: list[list[str]]) -> list[list[str]]:
    """Rows without the empty cells at their ends, and without empty rows at the end."""
    for row in rows:
        while row and not row[-1]:
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    return rows


def text_of_value(value: object) -> str:
    """A cell's value as a person would type it."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value).strip()
