"""Reference tables (subjects, specimens, plate layouts, ...) from CSV and workbooks, recognised by their header."""

from __future__ import annotations

import json
from typing import Final

import polars as pl

from expectations.contract import Table
from expectations.ingested import REFERENCE_TABLES
from expectations.rules import FilledWith
from expectations.study import StudySettings
from transforms.readers.aid_text import plate_id_of
from transforms.readers.headers import header_in_words, known_names
from transforms.readers.sheets import Sheet
from transforms.readers.source import BadCell, Reading, SourceFile
from transforms.readers.tabular import (
    COUNT_COLUMNS,
    SOURCE_COLUMNS,
    column_name,
    incoming,
    is_counts,
    unused_columns,
    well_name,
)

FORMAT: Final = "reference_table"


def needed_columns(table: Table) -> set[str]:
    """The columns a header must have to be that table's."""
    with_others = {rule.column for rule in table.extra_rules if isinstance(rule, FilledWith)}
    return (set(table.required) | with_others) - set(SOURCE_COLUMNS)


def template_header(table: Table) -> list[str]:
    """The header a person fills in: every column that does not come from the file itself."""
    return [name for name in table.schema if name not in SOURCE_COLUMNS]


def table_of(header: list[str]) -> list[Table]:
    """The reference tables whose required columns a header has: none, one, or (a fault) several."""
    names = {column_name(cell) for cell in header}
    return [table for table in REFERENCE_TABLES if needed_columns(table) <= names]


def near_misses(header: list[str]) -> list[Table]:
    """Tables a header seems to be meant for: at least two of its columns and half of its names are theirs."""
    names = {column_name(cell) for cell in header if cell}
    known = {table.name: len(names & set(template_header(table))) for table in REFERENCE_TABLES}
    best = max(known.values())
    if best < 2 or 2 * best < len(names):
        return []
    return [table for table in REFERENCE_TABLES if known[table.name] == best]


def recognises(sheets: list[Sheet]) -> bool:
    """True where any sheet has the header of a reference table, or nearly; or of counts beside other sheets."""
    return any(_is_known(sheet) for sheet in sheets)


def read(source: SourceFile, sheets: list[Sheet], settings: StudySettings) -> Reading:
    """Incoming frames of every reference table in the file.

    Raises SourceFileError: table.missing_column, table.repeated_column, table.ambiguous, table.empty.
    """
    tables: dict[str, list[pl.DataFrame]] = {}
    bad: list[BadCell] = []
    unused: dict[str, list[str]] = {}
    for sheet in sheets:
        if not _is_known(sheet):
            bad.append(strange_sheet(source, sheet))
            continue
        table = _one_table(source, sheet)
        frame, cells = incoming(source, sheet, table, settings)
        tables.setdefault(table.name, []).append(_normalised(frame))
        bad += cells
        unused[table.name] = unused.get(table.name, []) + unused_columns(sheet, table)
    frames = {name: pl.concat(parts) for name, parts in tables.items()}
    if all(frame.is_empty() for frame in frames.values()):
        raise source.refuse(
            "table.empty",
            place=", ".join(frames),
            problem="there is a header and no row below it",
            remedy="fill it in, or take it out of the inbox and dismiss it",
        )
    return Reading(FORMAT, frames, bad, {name: cells for name, cells in unused.items() if cells})


def _is_known(sheet: Sheet) -> bool:
    return bool(table_of(sheet.header) or near_misses(sheet.header)) or is_counts(sheet.header)


def _one_table(source: SourceFile, sheet: Sheet) -> Table:
    place = f"header of sheet {sheet.name}" if sheet.name else "header"
    fitting = table_of(sheet.header)
    if len(fitting) > 1:
        raise source.refuse(
            "table.ambiguous",
            place=place,
            problem=f"the header fits {' and '.join(table.name for table in fitting)}",
            remedy="split it into one file or sheet a table",
        )
    if is_counts(sheet.header):
        raise source.refuse(
            "table.ambiguous",
            place=place,
            problem="the workbook holds a sheet of spot counts beside other sheets",
            remedy="save the sheet of counts as a file of its own",
        )
    if fitting:
        return fitting[0]
    meant = near_misses(sheet.header)
    names = {column_name(cell) for cell in sheet.header}
    gaps = [f"{table.name} also needs {', '.join(sorted(needed_columns(table) - names))}" for table in meant]
    if {"plate_id", "well"} <= names:
        gaps.append(f"a table of counts also needs {', '.join(sorted(COUNT_COLUMNS - names))}")
    raise source.refuse(
        "table.missing_column",
        place=place,
        problem=f"the header is nearly one that perdure knows, but {'; '.join(gaps)}",
        remedy="add the missing column; `perdure init` writes header-only tables to copy from",
    )


def _normalised(frame: pl.DataFrame) -> pl.DataFrame:
    """Plate names lose the reader's file ending here as they do in the export, so that the two meet."""
    told: dict[str, pl.Expr] = {}
    if "plate_id" in frame.columns:
        names = frame["plate_id"].unique().drop_nulls().to_list()
        told["plate_id"] = pl.col("plate_id").replace({name: plate_id_of(name) for name in names})
    if "well" in frame.columns:
        told["well"] = well_name("well")
    return frame.with_columns(**told)


def strange_sheet(source: SourceFile, sheet: Sheet) -> BadCell:
    """The reject that tells of a sheet of no known table, without what stands in it."""
    told, names = header_in_words(sheet.header), json.dumps(known_names(sheet.header), ensure_ascii=False)
    return BadCell(source.sha256, "-", f"{sheet.name}!row 1", "row.sheet_unrecognised", "header", told, names)
