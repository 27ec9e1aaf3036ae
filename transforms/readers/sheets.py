"""Rows of text from CSV files and workbooks: the header, then cells as text with the place of each row."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from transforms.readers.source import SourceFile

WORKBOOK_SIGNATURES: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of .xlsx (a zip) and of old .xls files."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A header and its rows. `name` is None for a CSV; `places` says where each row stands."""

    name: str | None
    header: list[str]
    rows: list[list[str]]
    places: list[str]
    decimal_comma: bool = False


def csv_sheet(text: str) -> Sheet | None:
    """The one sheet of a CSV with separator `,`, `;` or tab; None where the first line is no header of two columns.

    Lines without any filled cell are passed over. With `;` as separator, numbers may have decimal commas.
    """
    first = next((line for line in text.split("\n") if line.strip()), "")
    separator = max((",", ";", "\t"), key=first.count)
    if separator not in first:
        return None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header: list[str] = []
    rows, places = [], []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = [cell.strip() for cell in cells]
                continue
            rows.append([cell.strip() for cell in cells])
            places.append(f"line {reader.line_num}")
    except csv.Error:
        return None
    return Sheet(None, *_trimmed(header, rows), places, decimal_comma=separator == ";")


def workbook_sheets(source: SourceFile) -> list[Sheet]:
    """Every sheet of a workbook that has any filled cell.

    Raises SourceFileError (format.workbook) for a file that is damaged, encrypted or no workbook.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(source.data))
        raw = [
            (name, workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in workbook.sheet_names
        ]
    except (CalamineError, OSError, ValueError) as error:
        raise source.refuse(
            "format.workbook",
            problem=f"the workbook cannot be opened ({str(error)[:80]})",
            remedy="save it again as .xlsx without a password",
        ) from error
    return [sheet for name, cells in raw if (sheet := _sheet(name, cells)) is not None]


def _sheet(name: str, cells: Sequence[Sequence[object]]) -> Sheet | None:
    filled = [(number, [_text(cell) for cell in row]) for number, row in enumerate(cells, start=1)]
    filled = [(number, row) for number, row in filled if any(row)]
    if not filled:
        return None
    header = filled[0][1]
    rows = [row for _, row in filled[1:]]
    return Sheet(name, *_trimmed(header, rows), [f"{name}!row {number}" for number, _ in filled[1:]])


def _trimmed(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Without the empty columns at the end that trailing separators leave."""
    width = max((index for index, cell in enumerate(header, start=1) if cell), default=0)
    return header[:width], [row[:width] + [cell for cell in row[width:] if cell] for row in rows]


def _text(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
