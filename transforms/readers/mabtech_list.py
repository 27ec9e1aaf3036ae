"""The long sheet of a Mabtech workbook, one row a well and population, and the grids of the same counts beside it.

The grids say the counts again: a workbook in which the two disagree was cut short or edited, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from expectations.errors import SourceFileError
from transforms.readers.aid_text import plate_id_of
from transforms.readers.plate_grid import Cells
from transforms.readers.source import SourceFile

SHEET: Final = "Plate Database"
EXPORT_AGAIN: Final = "export the plate again from the Apex software and do not edit the workbook"
LAYOUT: Final = "Layout-"
"""How the header of a column begins that the operator fills in."""
LAYOUT_ANALYTE: Final = "Layout-Analyte"
PLATE: Final = "Plate"

_WELL, _POPULATION, _MASKED = "Well", "Analyte Secreting Population", "Masked"
_SPOTS: Final = "Spot Forming Units (SFU)"
_REQUIRED: Final = (PLATE, _WELL, _POPULATION, _SPOTS, _MASKED)
_FILTER: Final = "LED Filter"
"""Where there is this column, it titles the grids; the population may have a name a person gave it."""
_WHITE: Final = "White LED"
"""The light of a plate of one colour: it names no analyte."""
_WELL_NAME = re.compile(r"([A-P])0?([1-9]|1\d|2[0-4])", re.ASCII)
_ROW = re.compile(r"[A-P]", re.ASCII)
_COUNT = re.compile(r"\d{1,6}", re.ASCII)
_SIZES: Final = ((8, 12), (16, 24))
"""Rows and columns of plates."""

Sheets = list[tuple[str, Cells]]


class Listed(NamedTuple):
    """One well and population as the long sheet gives it; `filter` is the title of its grid, `cells` the whole row."""

    plate: str
    well: str
    population: str
    filter: str
    spots: int | None
    is_masked: bool
    analyte: str
    place: str
    number: int = 0
    cells: Sequence[str] = ()


class LongSheet(NamedTuple):
    """The sheet: `columns` from header to place from 0, and its rows."""

    name: str
    columns: dict[str, int]
    rows: list[Listed]

    def place(self, row: Listed, column: str) -> str:
        """Where a cell of that row stands."""
        return f"{self.name}!{_letters(self.columns[column])}{row.number}"


def is_long(name: str, cells: Cells) -> bool:
    """True for a sheet that is called, or begins, as Apex calls or begins its sheet of wells and populations."""
    return name == SHEET or (bool(cells) and _POPULATION in cells[0])


def long_sheet(source: SourceFile, sheets: Sheets, unnamed: str) -> LongSheet:
    """Every well of every population of one plate; `unnamed` is the analyte of white light that the layout leaves open.

    Raises SourceFileError (mabtech.columns, mabtech.well, mabtech.wells).
    """
    found = [(name, cells) for name, cells in sheets if is_long(name, cells)]
    if len(found) != 1 or not found[0][1]:
        raise source.refuse(
            "mabtech.columns",
            place=", ".join(name for name, _ in found),
            problem=f"expected one sheet of wells, as `{SHEET}`, with a header, found {len(found)} sheets",
            remedy=EXPORT_AGAIN,
        )
    ((name, cells),) = found
    columns = _columns(source, name, cells[0])
    rows = _rows(source, name, cells, columns, unnamed)
    _check_complete(source, name, rows)
    _check_filters(source, rows)
    _check_against_grid(source, sheets, rows)
    return LongSheet(name, columns, rows)


def disagreement(source: SourceFile, place: str, problem: str) -> SourceFileError:
    """The error for wells that are missing, stand twice or contradict each other."""
    return source.refuse("mabtech.wells", place=place, problem=problem, remedy=EXPORT_AGAIN)


def _columns(source: SourceFile, name: str, header: Iterable[str]) -> dict[str, int]:
    """Header cells to their column from 0. Columns without a header are a pick list beside the table, not data."""
    named = [(cell, index) for index, cell in enumerate(header) if cell]
    cells = [cell for cell, _ in named]
    once = [cell for cell in dict.fromkeys(cells) if cell == _FILTER or cell.startswith(LAYOUT)]
    for column in (*_REQUIRED, *once):
        if (n := cells.count(column)) != 1:
            raise source.refuse(
                "mabtech.columns",
                place=f"{name}!row 1",
                problem=f"expected one column `{column}`, found {n}",
                remedy=EXPORT_AGAIN,
            )
    return dict(named)


def _letters(column: int) -> str:
    """A column from 0 as spreadsheets name it."""
    before, last = divmod(column, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)


def _rows(source: SourceFile, name: str, cells: Cells, columns: dict[str, int], unnamed: str) -> list[Listed]:
    used = {column: columns[column] for column in (*_REQUIRED, _FILTER, LAYOUT_ANALYTE) if column in columns}
    column_of_counts = _letters(columns[_SPOTS])
    rows = []
    for number, line in enumerate(cells[1:], start=2):
        told = {column: line[index] if index < len(line) else "" for column, index in used.items()}
        if any(told.values()):
            rows.append(
                _row(source, f"{name}!{column_of_counts}{number}", told, unnamed)._replace(number=number, cells=line)
            )
    return rows


def _row(source: SourceFile, place: str, told: dict[str, str], unnamed: str) -> Listed:
    match, spots, masked = _WELL_NAME.fullmatch(told[_WELL]), told[_SPOTS], told[_MASKED].upper()
    problems = (
        (match is None, f"{told[_WELL][:20]!r} is no well"),
        (not told[_POPULATION], f"the column `{_POPULATION}` is empty"),
        (bool(spots) and not _COUNT.fullmatch(spots), f"the count {spots[:20]!r} is no whole number"),
        (masked not in ("YES", "NO"), f"expected YES or NO in the column `{_MASKED}`, found {masked[:20]!r}"),
    )
    for is_one, problem in problems:
        if is_one:
            raise source.refuse("mabtech.well", place=place, problem=problem, remedy=EXPORT_AGAIN)
    population = told[_POPULATION]
    return Listed(
        plate=plate_id_of(told[PLATE]),
        well="".join(match.groups()) if match else "",
        population=population,
        filter=told.get(_FILTER) or population,
        spots=int(spots) if spots else None,
        is_masked=masked == "YES",
        analyte=(told.get(LAYOUT_ANALYTE) or unnamed) if population == _WHITE else population,
        place=place,
    )


def _check_complete(source: SourceFile, name: str, rows: list[Listed]) -> None:
    """Every population has every well of one plate once, and all have wells of the same plate."""
    if not rows:
        raise disagreement(source, name, "there is a header and no well below it")
    seen: dict[tuple[str, str], Listed] = {}
    for row in rows:
        before = seen.setdefault((row.population, row.well), row)
        if before is not row:
            told = f"well {row.well} of {row.population} stands twice, here and in {before.place}"
            raise disagreement(source, row.place, told)
    wells = {row.well for row in rows}
    expected = next((of for of in map(_wells_of, _SIZES) if wells <= of), set())
    for population in {row.population: None for row in rows}:
        missing = sorted(expected - {well for of, well in seen if of == population})
        if missing:
            told = f"{len(missing)} wells of {population} are missing ({', '.join(missing[:5])}), so it is cut short"
            raise disagreement(source, rows[-1].place, told)


def _check_filters(source: SourceFile, rows: list[Listed]) -> None:
    """A population has one filter, and a filter one population, whatever name the population has."""
    filters: dict[str, Listed] = {}
    populations: dict[str, Listed] = {}
    for row in rows:
        others = (filters.setdefault(row.population, row), populations.setdefault(row.filter, row))
        for other in others:
            if (other.population, other.filter) != (row.population, row.filter):
                told = (
                    f"{row.population} of {row.filter} here, and {other.population} of {other.filter} in {other.place}"
                )
                raise disagreement(source, row.place, f"a population has two filters, or a filter two: {told}")


def _wells_of(size: tuple[int, int]) -> set[str]:
    n_rows, n_columns = size
    return {f"{chr(ord('A') + row)}{column}" for row in range(n_rows) for column in range(1, n_columns + 1)}


def _check_against_grid(source: SourceFile, sheets: Sheets, rows: list[Listed]) -> None:
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
                raise disagreement(source, place, f"the grid has {told[:20]!r} for {what}, the list has {counted!r}")
        for key in of_row.keys() - grid.keys():
            if of_row[key].spots is not None:
                told = f"the sheet {name} has no grid of {key[0] or 'counts'} with well {key[1]}"
                raise disagreement(source, of_row[key].place, told)


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
