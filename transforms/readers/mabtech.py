"""Mabtech Apex and IRIS, workbook export: a long sheet of wells and populations, and grids of the same counts.

Read is the long sheet. Populations overlap (`LED490 Total` holds what `LED490 Single` and `LED490+LED550` hold), so
each is an analyte of its own and none is added to another. The grid of spot forming units beside it says the same
again: a workbook in which the two disagree was cut short or edited, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

import polars as pl

from expectations.errors import SourceFileError
from expectations.ingested import ELISPOT_COUNTS, PLATES
from expectations.study import StudySettings
from transforms.readers.aid_text import plate_id_of
from transforms.readers.dates import AmbiguousDateError, read_date
from transforms.readers.source import Reading, SourceFile, incoming
from transforms.readers.workbooks import Cells

FORMAT: Final = "mabtech"
_SHEET: Final = "Plate Database"
_INFORMATION: Final = "Plate Info"
"""How the name of the sheet of facts about the plate begins."""
_PLATE, _WELL, _POPULATION, _MASKED = "Plate", "Well", "Analyte Secreting Population", "Masked"
_SPOTS: Final = "Spot Forming Units (SFU)"
_REQUIRED: Final = (_PLATE, _WELL, _POPULATION, _SPOTS, _MASKED)
_FILTER: Final = "LED Filter"
"""Where there is this column, it titles the grids; the population may have a name a person gave it."""
_LAYOUT: Final = "Layout-"
_LAYOUT_ANALYTE: Final = "Layout-Analyte"
_WHITE: Final = "White LED"
"""The light of a plate of one colour: it names no analyte."""
_WELL_NAME = re.compile(r"([A-P])0?([1-9]|1\d|2[0-4])", re.ASCII)
_ROW = re.compile(r"[A-P]", re.ASCII)
_COUNT = re.compile(r"\d{1,6}", re.ASCII)
_SIZES: Final = ((8, 12), (16, 24))
"""Rows and columns of plates."""
_EXPORT_AGAIN: Final = "export the plate again from the Apex software and do not edit the workbook"

Sheets = list[tuple[str, Cells]]


class _Row(NamedTuple):
    """One well and population as the long sheet gives it; `filter` is the title of its grid."""

    plate: str
    well: str
    population: str
    filter: str
    spots: int | None
    is_masked: bool
    analyte: str
    place: str


def recognises(sheets: Sheets) -> bool:
    """True where a sheet is called, or begins, as Apex calls or begins its sheet of wells and populations."""
    return any(_is_long(name, cells) for name, cells in sheets)


def read(source: SourceFile, sheets: Sheets, settings: StudySettings) -> Reading:
    """One plate: per population, a row of `plates` and one row of `elispot_counts` a well.

    The analyte is the name of the population; of a plate read in white light it is what the layout in the file names,
    else the study's. A masked well has no count; an empty count is a well not counted.

    Raises SourceFileError (mabtech.plate, mabtech.columns, mabtech.well, mabtech.wells): the plate is taken in whole or
    not at all.
    """
    name, cells = _long_sheet(source, sheets)
    columns = _columns(source, name, cells[0])
    rows = _rows(source, name, cells, columns, settings.elispot.analyte)
    _check_complete(source, name, rows)
    _check_against_grid(source, sheets, rows)
    facts = _information(sheets)
    shared: dict[str, object] = {
        "plate_id": _plate_name(source, name, rows, facts),
        "instrument": " ".join(["Mabtech", facts.get("Machine ID:", "")]).strip(),
        "read_date": _read_date(source, facts, settings),
        "comment": None,
        "file_sha256": source.sha256,
    }
    wells = [shared | _well(row) for row in rows]
    tables = {"plates": _plates(shared, rows), "elispot_counts": incoming(ELISPOT_COUNTS, wells)}
    unused = _filled_layout_columns(cells, columns)
    return Reading(FORMAT, tables, unused_columns={"elispot_counts": unused} if unused else {})


def _plates(shared: dict[str, object], rows: list[_Row]) -> pl.DataFrame:
    of_analyte: dict[str, list[_Row]] = {}
    for row in rows:
        of_analyte.setdefault(row.analyte, []).append(row)
    facts: list[dict[str, object]] = [
        {"analyte": analyte, "n_wells": len(wells), "n_wells_declared": None, "place": wells[0].place}
        for analyte, wells in of_analyte.items()
    ]
    return incoming(PLATES, [shared | fact for fact in facts])


def _well(row: _Row) -> dict[str, object]:
    status = "masked" if row.is_masked else "not_counted" if row.spots is None else "counted"
    spots = row.spots if status == "counted" else None
    return {"well": row.well, "analyte": row.analyte, "spots": spots, "status": status, "place": row.place}


def _is_long(name: str, cells: Cells) -> bool:
    return name == _SHEET or (bool(cells) and _POPULATION in cells[0])


def _long_sheet(source: SourceFile, sheets: Sheets) -> tuple[str, Cells]:
    found = [(name, cells) for name, cells in sheets if _is_long(name, cells)]
    if len(found) == 1 and found[0][1]:
        return found[0]
    raise source.refuse(
        "mabtech.columns",
        place=", ".join(name for name, _ in found),
        problem=f"expected one sheet of wells, as `{_SHEET}`, with a header, found {len(found)} sheets",
        remedy=_EXPORT_AGAIN,
    )


def _columns(source: SourceFile, name: str, header: Iterable[str]) -> dict[str, int]:
    """Header cells to their column from 0. Columns without a header are a pick list beside the table, not data."""
    named = [(cell, index) for index, cell in enumerate(header) if cell]
    for column in (*_REQUIRED, _FILTER, _LAYOUT_ANALYTE):
        n = sum(cell == column for cell, _ in named)
        if n > 1 or (n == 0 and column in _REQUIRED):
            raise source.refuse(
                "mabtech.columns",
                place=f"{name}!row 1",
                problem=f"expected one column `{column}`, found {n}",
                remedy=_EXPORT_AGAIN,
            )
    return dict(named)


def _letters(column: int) -> str:
    """A column from 0 as spreadsheets name it."""
    before, last = divmod(column, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)


def _rows(source: SourceFile, name: str, cells: Cells, columns: dict[str, int], unnamed: str) -> list[_Row]:
    used = {column: columns[column] for column in (*_REQUIRED, _FILTER, _LAYOUT_ANALYTE) if column in columns}
    column_of_counts = _letters(columns[_SPOTS])
    rows = []
    for number, line in enumerate(cells[1:], start=2):
        told = {column: line[index] if index < len(line) else "" for column, index in used.items()}
        if any(told.values()):
            rows.append(_row(source, f"{name}!{column_of_counts}{number}", told, unnamed))
    return rows


def _row(source: SourceFile, place: str, told: dict[str, str], unnamed: str) -> _Row:
    match, spots, masked = _WELL_NAME.fullmatch(told[_WELL]), told[_SPOTS], told[_MASKED].upper()
    problems = (
        (match is None, f"{told[_WELL][:20]!r} is no well"),
        (not told[_POPULATION], f"the column `{_POPULATION}` is empty"),
        (bool(spots) and not _COUNT.fullmatch(spots), f"the count {spots[:20]!r} is no whole number"),
        (masked not in ("YES", "NO"), f"expected YES or NO in the column `{_MASKED}`, found {masked[:20]!r}"),
    )
    for is_one, problem in problems:
        if is_one:
            raise source.refuse("mabtech.well", place=place, problem=problem, remedy=_EXPORT_AGAIN)
    population = told[_POPULATION]
    return _Row(
        plate=plate_id_of(told[_PLATE]),
        well="".join(match.groups()) if match else "",
        population=population,
        filter=told.get(_FILTER) or population,
        spots=int(spots) if spots else None,
        is_masked=masked == "YES",
        analyte=(told.get(_LAYOUT_ANALYTE) or unnamed) if population == _WHITE else population,
        place=place,
    )


def _check_complete(source: SourceFile, name: str, rows: list[_Row]) -> None:
    """Every population has every well of one plate once, and all have wells of the same plate."""
    if not rows:
        raise _incomplete(source, name, "there is a header and no well below it")
    seen: dict[tuple[str, str], _Row] = {}
    for row in rows:
        before = seen.setdefault((row.population, row.well), row)
        if before is not row:
            told = f"well {row.well} of {row.population} stands twice, here and in {before.place}"
            raise _incomplete(source, row.place, told)
    wells = {row.well for row in rows}
    expected = next((of for of in map(_wells_of, _SIZES) if wells <= of), set())
    for population in {row.population: None for row in rows}:
        missing = sorted(expected - {well for of, well in seen if of == population})
        if missing:
            told = f"{len(missing)} wells of {population} are missing ({', '.join(missing[:5])}), so it is cut short"
            raise _incomplete(source, rows[-1].place, told)


def _wells_of(size: tuple[int, int]) -> set[str]:
    n_rows, n_columns = size
    return {f"{chr(ord('A') + row)}{column}" for row in range(n_rows) for column in range(1, n_columns + 1)}


def _check_against_grid(source: SourceFile, sheets: Sheets, rows: list[_Row]) -> None:
    """The grids are reckoned from the long sheet, so a difference shows that the one or the other is not whole."""
    found = [(name, cells) for name, cells in sheets if cells and cells[0] and cells[0][0] == _SPOTS]
    for name, cells in found:
        grid = _grid(cells)
        is_untitled = {title for title, _ in grid} == {""} and len({row.population for row in rows}) == 1
        of_row = {("" if is_untitled else row.filter, row.well): row for row in rows}
        for (title, well), (told, number) in grid.items():
            row = of_row.get((title, well))
            counted = "" if row is None or row.spots is None else str(row.spots)
            if told != counted and not (row and row.is_masked and not told):
                place = f"{name}!row {number}" + (f" and {row.place}" if row else "")
                what = f"{title}, well {well}".lstrip(", ")
                raise _incomplete(source, place, f"the grid has {told[:20]!r} for {what}, the list has {counted!r}")
        for key in of_row.keys() - grid.keys():
            if of_row[key].spots is not None:
                told = f"the sheet {name} has no grid of {key[0] or 'counts'} with well {key[1]}"
                raise _incomplete(source, of_row[key].place, told)


def _grid(cells: Cells) -> dict[tuple[str, str], tuple[str, int]]:
    """Title of the grid and well to the cell and the number of its row; the title is empty where there is none."""
    grid: dict[tuple[str, str], tuple[str, int]] = {}
    title, columns = "", 0
    for number, row in enumerate(cells[1:], start=2):
        first, told = (row[0], row[1:]) if row else ("", [])
        if _ROW.fullmatch(first):
            padded = [*told, *[""] * columns][:columns]
            for column, cell in enumerate(padded, start=1):
                grid.setdefault((title, f"{first}{column}"), (cell, number))
        elif first:
            title, columns = first, 0
        elif any(told):
            columns = next((n for _, n in _SIZES[::-1] if list(told[:n]) == [str(c) for c in range(1, n + 1)]), columns)
    return grid


def _information(sheets: Sheets) -> dict[str, str]:
    """Label to value of the sheet of facts about the plate, filled ones only."""
    lines = [[cell for cell in row if cell] for name, cells in sheets if name.startswith(_INFORMATION) for row in cells]
    return {line[0]: line[1] for line in lines if len(line) > 1}


def _plate_name(source: SourceFile, name: str, rows: list[_Row], facts: dict[str, str]) -> str:
    names = {row.plate for row in rows} | {plate_id_of(facts.get("Plate Name:", ""))}
    names.discard("")
    if len(names) == 1:
        return names.pop()
    raise source.refuse(
        "mabtech.plate",
        place=f"{name}, column `{_PLATE}`, and {_INFORMATION}",
        problem=f"expected one plate name, found {len(names)} ({', '.join(sorted(names))[:80]})",
        remedy="name the plate in the Apex software and export one plate a workbook",
    )


def _read_date(source: SourceFile, facts: dict[str, str], settings: StudySettings) -> date | None:
    value = facts.get("Plate Read Date:")
    if value is None:
        return None
    try:
        return read_date(value, settings.dates.order)
    except ValueError as error:
        is_open = isinstance(error, AmbiguousDateError)
        raise source.refuse(
            "mabtech.plate",
            place=f"{_INFORMATION}, Plate Read Date",
            problem=f"the read date cannot be read: {f'in {value!r} ' if is_open else ''}{error}",
            remedy="set dates.order in study.toml" if is_open else _EXPORT_AGAIN,
        ) from error


def _filled_layout_columns(cells: Cells, columns: dict[str, int]) -> list[str]:
    """Columns of the layout that somebody filled in and perdure does not read."""
    filled = {index for row in cells[1:] for index, cell in enumerate(row) if cell}
    told = [column for column in columns if column.startswith(_LAYOUT) and columns[column] in filled]
    return [column for column in told if column != _LAYOUT_ANALYTE]


def _incomplete(source: SourceFile, place: str, problem: str) -> SourceFileError:
    return source.refuse("mabtech.wells", place=place, problem=problem, remedy=_EXPORT_AGAIN)
