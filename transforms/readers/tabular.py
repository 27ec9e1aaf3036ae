"""Text cells to typed columns of a contract table; what cannot be read is null, named, and kept as it stood."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import polars as pl

from expectations.clinical_in import EVALUATOR, IS_IMPUTED
from expectations.contract import Column, Table
from expectations.rules import UNREADABLE
from expectations.study import Dates, StudySettings
from transforms.evaluators import evaluator_name
from transforms.readers.dates import AmbiguousDateError, PartialDateError, read_date, read_moment, read_partial_date
from transforms.readers.numbers import Mark, decimal_mark, read_number, read_whole_number
from transforms.readers.sheets import Sheet
from transforms.readers.source import BadCell, SourceFile

HEADER_ALIASES: Final = {
    "plate": "plate_id",
    "plate_name": "plate_id",
    "specimen": "specimen_id",
    "subject": "subject_id",
    "cells": "cells_per_well",
}
"""Other spellings of a column's name in a header."""

SOURCE_COLUMNS: Final = ("file_sha256", "place")
"""Columns that say where a row came from: never read from the file itself."""

COUNT_COLUMNS: Final = {"plate_id", "well", "spots"}
"""What makes a table one of counts: the long CSV."""

_MISSING: Final = {"", "n/a", "#n/a", "na", "nan", "null", "none", "--", "-", "####", "."}
_MISSING_TEXT: Final = _MISSING - {"none"}
"""`none` is a word: some layouts write it for wells without antigen."""
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "y", "1", "checked"), True),
    **dict.fromkeys(("false", "no", "n", "0", "unchecked"), False),
}
"""What a column of yes and no may hold, without case; nothing else is guessed. Checkboxes are REDCap's."""
_LARGEST: Final = 2**53 - 1
"""Above, a whole number read as floating point may be another one."""

Parse = Callable[[str], Any]


class _Middle(NamedTuple):
    """The middle of the month or year that a date without a day gives."""

    day: date


class _Fault(NamedTuple):
    """A cell that could not be read; `row` counts the rows of the sheet from 0."""

    row: int
    column: str
    value: str
    rule: str


def column_name(cell: str) -> str:
    """The column a header cell names: lower case, blanks and hyphens as underscores, aliases resolved."""
    plain = re.sub(r"[\s\-_]+", "_", cell.strip().lower())
    return HEADER_ALIASES.get(plain, plain)


def is_counts(header: list[str]) -> bool:
    """True for the header of a table of counts, one row a well."""
    return {column_name(cell) for cell in header} >= COUNT_COLUMNS


def well_name(column: str) -> pl.Expr:
    """Wells as the instruments name them: a01 is A1."""
    return pl.col(column).str.to_uppercase().str.replace(r"^([A-Z])0+(\d)", "$1$2")


def incoming(
    source: SourceFile, sheet: Sheet, table: Table, settings: StudySettings
) -> tuple[pl.DataFrame, list[BadCell]]:
    """The rows of a sheet as an incoming frame of `table`, and the cells that could not be read.

    A line with more cells than the header is a row of nulls with every column unreadable: which cell is which is open,
    and it counts as a row that broke a rule.

    Raises SourceFileError (table.repeated_column) where the header names one column twice.
    """
    names = [column_name(cell) for cell in sheet.header]
    _refuse_repeated(source, sheet, table, names)
    wide = [index for index, row in enumerate(sheet.rows) if len(row) > len(names)]
    rows: list[list[str]] = [[] if len(row) > len(names) else row for row in sheet.rows]
    columns, faults = _columns(sheet, rows, table, names, settings)
    bad = [_too_wide(source, table, sheet, index) for index in wide]
    bad += [
        BadCell(source.sha256, table.name, sheet.places[n], rule, column, value, _row_json(table, names, rows[n]))
        for n, column, value, rule in faults
    ]
    frame = pl.DataFrame(columns).with_columns(
        pl.lit(source.sha256).alias("file_sha256"),
        pl.Series("place", sheet.places, dtype=pl.String),
        pl.Series(UNREADABLE, _unreadable(len(rows), faults, wide, table), dtype=pl.String),
    )
    return frame.select(*table.schema, UNREADABLE), bad


def unused_columns(sheet: Sheet, table: Table, also: tuple[str, ...] = ()) -> list[str]:
    """Header cells that name no column of the table; their content stays in the archive only."""
    used = {*table.schema, *also} - set(SOURCE_COLUMNS)
    return [cell for cell in sheet.header if cell and column_name(cell) not in used]


def _refuse_repeated(source: SourceFile, sheet: Sheet, table: Table, names: list[str]) -> None:
    known = set(table.schema) - set(SOURCE_COLUMNS)
    for name in names:
        spellings = [cell for cell, other in zip(sheet.header, names, strict=True) if other == name]
        if name in known and len(spellings) > 1:
            raise source.refuse(
                "table.repeated_column",
                place=f"header of sheet {sheet.name}" if sheet.name else "header",
                problem=f"the column {name} stands {len(spellings)} times ({', '.join(spellings)})",
                remedy="remove or rename all but one of them",
            )


def _columns(
    sheet: Sheet, rows: list[list[str]], table: Table, names: list[str], settings: StudySettings
) -> tuple[dict[str, pl.Series], list[_Fault]]:
    declared = [column for column in table.columns if column.name not in SOURCE_COLUMNS]
    takes_partial = IS_IMPUTED.name in table.schema
    middles: set[int] = set()
    cells = {column.name: _cells(rows, names, column.name) for column in declared}
    numbers = {cell for column in declared if column.dtype.is_numeric() for cell in cells[column.name]}
    mark = decimal_mark(numbers, point_is_decimal=sheet.point_is_decimal)
    columns: dict[str, pl.Series] = {}
    faults: list[_Fault] = []
    for column in declared:
        missing = _MISSING_TEXT if column.dtype == pl.String else _MISSING
        parse = _parser(column, mark, settings.dates, takes_partial=takes_partial)
        known = {cell: _read(cell, parse, missing) for cell in set(cells[column.name])}
        values = [known[cell] for cell in cells[column.name]]
        middles |= {n for n, (value, _) in enumerate(values) if isinstance(value, _Middle)}
        plain = [value.day if isinstance(value, _Middle) else value for value, _ in values]
        columns[column.name] = pl.Series(column.name, plain, dtype=column.dtype)
        faults += [
            _Fault(n, column.name, cells[column.name][n], rule)
            for n, (_, rule) in enumerate(values)
            if rule is not None
        ]
    if middles:
        told = [True if n in middles else value for n, value in enumerate(columns[IS_IMPUTED.name])]
        columns[IS_IMPUTED.name] = pl.Series(IS_IMPUTED.name, told, dtype=pl.Boolean)
    return columns, sorted(faults)


def _cells(rows: list[list[str]], names: list[str], name: str) -> list[str]:
    """The column's cells; empty where the file has no such column or the line ends before it."""
    if name not in names:
        return [""] * len(rows)
    at = names.index(name)
    return [row[at] if at < len(row) else "" for row in rows]


def _unreadable(n_rows: int, faults: Sequence[_Fault], wide: Sequence[int], table: Table) -> list[str | None]:
    told: list[list[str]] = [[] for _ in range(n_rows)]
    for fault in faults:
        told[fault.row].append(fault.column)
    for row in wide:
        told[row] = [name for name in table.schema if name not in SOURCE_COLUMNS]
    return [",".join(columns) or None for columns in told]


def _read(cell: str, parse: Parse, missing: set[str]) -> tuple[Any, str | None]:
    if cell.lower() in missing:
        return None, None
    try:
        return parse(cell), None
    except AmbiguousDateError:
        return None, "row.ambiguous_date"
    except PartialDateError:
        return None, "row.partial_date"
    except ValueError:
        return None, "row.unreadable"


def _parser(column: Column, mark: Mark, dates: Dates, *, takes_partial: bool) -> Parse:
    def day(cell: str) -> date:
        return read_date(cell, dates.order)

    def day_or_middle(cell: str) -> date | _Middle:
        try:
            return day(cell)
        except AmbiguousDateError:
            raise
        except ValueError:
            middle, is_imputed = read_partial_date(cell, dates.partial)
            return _Middle(middle) if is_imputed else middle

    def moment(cell: str) -> datetime:
        return read_moment(cell, dates.order)

    def number(cell: str) -> float:
        return read_number(cell.removesuffix("%") if column.unit == "%" else cell, mark)

    def whole(cell: str) -> int:
        return read_whole_number(cell, mark, 2**31 - 1 if column.dtype == pl.Int32 else _LARGEST)

    if column.dtype == pl.Date:
        return day_or_middle if takes_partial else day
    if column.dtype == pl.Boolean:
        return _boolean
    if isinstance(column.dtype, pl.Datetime):
        return moment
    if column.name == EVALUATOR.name:
        return evaluator_name
    if column.dtype == pl.String:
        spelled = {_plain(value): value for value in column.values or ()}
        return lambda cell: spelled.get(_plain(cell), cell)
    return whole if column.dtype.is_integer() else number


def _boolean(cell: str) -> bool:
    """Yes or no. Raises ValueError for anything that is not in the closed list."""
    if (value := _BOOLEANS.get(cell.casefold())) is None:
        raise ValueError(f"{cell!r} is neither yes nor no")
    return value


def _plain(value: str) -> str:
    """A word of a closed vocabulary without case; blanks, hyphens and underscores are alike (Non-target)."""
    return re.sub(r"[\s\-_]+", "_", value.casefold())


def _row_json(table: Table, names: list[str], cells: list[str]) -> str:
    """The row's cells of the table's own columns: what stands in others is nobody's business but the archive's."""
    own = set(table.schema) - set(SOURCE_COLUMNS)
    told = {name: cell for name, cell in zip(names, cells, strict=False) if name in own}
    return json.dumps(told, ensure_ascii=False)


def _too_wide(source: SourceFile, table: Table, sheet: Sheet, index: int) -> BadCell:
    """A line of which no cell can be told from another: none is quoted, for it may be of any column."""
    n = len(sheet.rows[index]) - len(sheet.header)
    told = f"{n} cell{'' if n == 1 else 's'} more than the header"
    return BadCell(source.sha256, table.name, sheet.places[index], "row.width", sheet.header[-1], told, "[]")
