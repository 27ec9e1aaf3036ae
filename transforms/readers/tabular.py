"""Text cells to typed columns of a contract table; what cannot be read is null, named, and kept as it stood."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import polars as pl

from expectations.contract import UNREADABLE, Table
from expectations.study import StudySettings
from transforms.readers.dates import AmbiguousDateError, read_date, read_moment
from transforms.readers.sheets import Sheet
from transforms.readers.source import BadCell, SourceFile

HEADER_ALIASES = {
    "plate": "plate_id",
    "plate_name": "plate_id",
    "specimen": "specimen_id",
    "subject": "subject_id",
    "cells": "cells_per_well",
}
"""Other spellings of a column's name in a header."""

_MISSING = {"", "n/a", "na", "nan", "null", "none", "--", "-", "####", "."}
_SOURCE = ("file_sha256", "place")

Parse = Callable[[str], Any]


def column_name(cell: str) -> str:
    """The column a header cell names: lower case, blanks and hyphens as underscores, aliases resolved."""
    plain = re.sub(r"[\s\-]+", "_", cell.strip().lower())
    return HEADER_ALIASES.get(plain, plain)


def incoming(
    source: SourceFile, sheet: Sheet, table: Table, settings: StudySettings
) -> tuple[pl.DataFrame, list[BadCell]]:
    """The rows of a sheet as an incoming frame of `table`, and the cells that could not be read.

    Raises SourceFileError (table.repeated_column) where the header names one column twice.
    """
    names = [column_name(cell) for cell in sheet.header]
    repeated = {name for name in names if names.count(name) > 1 and name in table.schema}
    if repeated:
        raise source.refuse(
            "table.repeated_column",
            place=f"header of {sheet.name or 'the table'}",
            problem=f"{', '.join(sorted(repeated))} stands twice",
            remedy="remove or rename one of them",
        )
    whole = [index for index, row in enumerate(sheet.rows) if len(row) <= len(names)]
    bad = [
        _too_wide(source, table, sheet, index)
        for index in range(len(sheet.rows))
        if len(sheet.rows[index]) > len(names)
    ]
    columns, faults = _columns(sheet, table, names, whole, settings)
    places = [sheet.places[index] for index in whole]
    bad += [
        BadCell(source.sha256, table.name, places[row], rule, column, value, _row_json(names, sheet.rows[whole[row]]))
        for row, column, value, rule in faults
    ]
    unreadable: dict[int, list[str]] = {}
    for row, column, _, _ in faults:
        unreadable.setdefault(row, []).append(column)
    frame = pl.DataFrame(columns).with_columns(
        pl.lit(source.sha256).alias("file_sha256"),
        pl.Series("place", places, dtype=pl.String),
        pl.Series(
            UNREADABLE,
            [",".join(unreadable[n]) if n in unreadable else None for n in range(len(whole))],
            dtype=pl.String,
        ),
    )
    return frame.select(*table.schema, UNREADABLE), bad


def unused_columns(sheet: Sheet, table: Table, also: tuple[str, ...] = ()) -> list[str]:
    """Header cells that name no column of the table; their content stays in the archive only."""
    return [cell for cell in sheet.header if cell and column_name(cell) not in (*table.schema, *also)]


def _columns(
    sheet: Sheet, table: Table, names: list[str], whole: list[int], settings: StudySettings
) -> tuple[dict[str, pl.Series], list[tuple[int, str, str, str]]]:
    columns: dict[str, pl.Series] = {}
    faults: list[tuple[int, str, str, str]] = []
    for column in table.columns:
        if column.name in _SOURCE:
            continue
        at = names.index(column.name) if column.name in names else None
        cells = [sheet.rows[n][at] if at is not None and at < len(sheet.rows[n]) else "" for n in whole]
        parse = _parser(column.dtype, sheet.decimal_comma, settings)
        known: dict[str, Any] = {}
        for cell in set(cells):
            known[cell] = _read(cell, parse)
        columns[column.name] = pl.Series(column.name, [known[cell][0] for cell in cells], dtype=column.dtype)
        broken = {cell: rule for cell, (_, rule) in known.items() if rule}
        if broken:
            faults += [(n, column.name, cell, broken[cell]) for n, cell in enumerate(cells) if cell in broken]
    return columns, sorted(faults)


def _read(cell: str, parse: Parse) -> tuple[Any, str | None]:
    if cell.lower() in _MISSING:
        return None, None
    try:
        return parse(cell), None
    except AmbiguousDateError:
        return None, "row.ambiguous_date"
    except (ValueError, OverflowError):
        return None, "row.unreadable"


def _parser(dtype: Any, decimal_comma: bool, settings: StudySettings) -> Parse:
    order = settings.dates.order

    def day(cell: str) -> date:
        return read_date(cell, order)

    def moment(cell: str) -> datetime:
        return read_moment(cell, order)

    def number(cell: str) -> float:
        plain = cell.replace(" ", "").replace("\u00a0", "").removesuffix("%")
        if decimal_comma and "," in plain:
            plain = plain.replace(".", "").replace(",", ".")
        if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", plain):
            raise ValueError(cell)
        return float(plain)

    def whole(cell: str) -> int:
        value = number(cell)
        if not value.is_integer() or abs(value) > 2**53:
            raise ValueError(cell)
        return int(value)

    if dtype == pl.Date:
        return day
    if isinstance(dtype, pl.Datetime):
        return moment
    if dtype == pl.Float64:
        return number
    return whole if dtype.is_integer() else str


def _row_json(names: list[str], cells: list[str]) -> str:
    return json.dumps(dict(zip(names, cells, strict=False)), ensure_ascii=False)


def _too_wide(source: SourceFile, table: Table, sheet: Sheet, index: int) -> BadCell:
    row = sheet.rows[index]
    extra = row[len(sheet.header) :]
    row_json = json.dumps(row, ensure_ascii=False)
    return BadCell(
        source.sha256, table.name, sheet.places[index], "row.width", sheet.header[-1], ", ".join(extra), row_json
    )
