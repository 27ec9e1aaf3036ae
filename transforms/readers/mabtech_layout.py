"""What the operator entered in a Mabtech workbook: the layout of the wells, and how the spots were counted.

Layout cells are free text. What is entered for a well stands in the row of every population of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Final

from transforms.readers.mabtech_list import LAYOUT, LAYOUT_ANALYTE, Listed, LongSheet, disagreement
from transforms.readers.numbers import Mark, decimal_mark, read_whole_number
from transforms.readers.source import SourceFile

_COLUMNS: Final = {
    "Layout-Donor": "donor",
    "Layout-Stimuli": "stimulus",
    "Layout-Cells/well": "cells_per_well",
    "Layout-Replicate#": "replicate",
}
"""Header to column of `instrument_layouts`."""
_LARGEST: Final = {"cells_per_well": 2**53 - 1, "replicate": 2**31 - 1}
"""The columns that are whole numbers from 1 on."""
_PARAMETER = re.compile(
    r"(?:LED\d+ )?(?:Preset .+|Exposure|Calibrated Exposure by Mabtech)|Spot Joining Threshold", re.IGNORECASE
)

Row = dict[str, object]


def layout_rows(source: SourceFile, sheet: LongSheet) -> tuple[list[Row], list[str]]:
    """Rows of `instrument_layouts` without plate and file, one a well with anything filled in; and what was not read.

    A number that cannot be read, or in two ways (`250k`, `200,000`), is null and named among what was not read.

    Raises SourceFileError (mabtech.wells) where two populations of a well have different layouts.
    """
    entered = _entered(source, sheet)
    unread: dict[tuple[str, str], int] = {}
    numbers = {column: _reader(column, {told[column] for told, _ in entered.values()}) for column in _LARGEST}
    rows: list[Row] = []
    for well, (told, row) in entered.items():
        values: Row = {**told, **{column: read(told[column]) for column, read in numbers.items()}}
        rows.append(
            {"well": well, **{name: value or None for name, value in values.items()}, "place": _place(sheet, row)}
        )
        for column in numbers:
            if told[column] and values[column] is None:
                unread[column, told[column]] = unread.get((column, told[column]), 0) + 1
    header = {column: name for name, column in _COLUMNS.items()}
    return rows, [f"{header[column]}: {text[:20]!r} in {n} wells" for (column, text), n in unread.items()]


def unused_layout_columns(sheet: LongSheet) -> list[str]:
    """Columns of the layout that somebody filled in and perdure has no column for."""
    others = [name for name in sheet.columns if name.startswith(LAYOUT) and name not in (LAYOUT_ANALYTE, *_COLUMNS)]
    return [name for name in others if any(_cell(sheet, row, name) for row in sheet.rows)]


def counting_parameters(sheet: LongSheet, rows: Iterable[Listed]) -> str | None:
    """JSON: header to the value of these rows, to a list where they have several; in the words of the file."""
    found = {name: list(rows) for name in sheet.columns if _PARAMETER.fullmatch(name)}
    values = {
        name: [cell for cell in dict.fromkeys(_cell(sheet, row, name) for row in of) if cell]
        for name, of in found.items()
    }
    told = {name: cells[0] if len(cells) == 1 else cells for name, cells in values.items() if cells}
    return json.dumps(told, ensure_ascii=False) if told else None


def _entered(source: SourceFile, sheet: LongSheet) -> dict[str, tuple[dict[str, str], Listed]]:
    """Per well with anything filled in: text by column, and the first row of the well."""
    present = {name: column for name, column in _COLUMNS.items() if name in sheet.columns}
    wells: dict[str, tuple[dict[str, str], Listed]] = {}
    for row in sheet.rows:
        told, first = wells.setdefault(row.well, (dict.fromkeys(_COLUMNS.values(), ""), row))
        for name, column in present.items():
            cell = _cell(sheet, row, name)
            if cell and told[column] not in ("", cell):
                here, there = sheet.place(row, name), sheet.place(first, name)
                problem = f"well {row.well} has {cell[:20]!r} here and {told[column][:20]!r} in another population"
                raise disagreement(source, f"{here} and {there}", problem)
            told[column] = told[column] or cell
    return {well: (told, row) for well, (told, row) in wells.items() if any(told.values())}


def _reader(column: str, cells: set[str]) -> Callable[[str], int | None]:
    """Reads the cells of one column; the unambiguous ones among them tell what a comma means in the others."""
    mark: Mark = decimal_mark(cells, point_is_decimal=False)

    def read(cell: str) -> int | None:
        try:
            number = read_whole_number(cell, mark, _LARGEST[column])
        except ValueError:
            return None
        return number if number >= 1 else None

    return read


def _cell(sheet: LongSheet, row: Listed, name: str) -> str:
    index = sheet.columns[name]
    return row.cells[index] if index < len(row.cells) else ""


def _place(sheet: LongSheet, row: Listed) -> str:
    return f"{sheet.name}!row {row.number}"
