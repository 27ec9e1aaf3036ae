"""CTL ImmunoSpot exports made of cells: grids side by side, between rows of underscores, with a histogram below.

Workbooks of versions 3 and 4 are made so, and texts of version 7.0.38. A cell taken out of a row moves all that follow
it; what stands beside and below the grid of counts tells that, and such a plate is refused.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Final

from expectations.errors import SourceFileError
from transforms.readers.ctl_plate import Counts, Export, Token, coloured_of, legend_of
from transforms.readers.plate_grid import (
    PLATE_SHAPES,
    ROW_LETTERS,
    Cells,
    Grid,
    cell,
    grids_in,
    is_blank,
    is_separator,
)

_TITLE: Final = "spot counts"
_BESIDE_COUNTS: Final = "mean spot sizes"
"""How the title of the grid begins that stands beside that of counts."""
_OF_LAYOUT: Final = "refer to assay indices"
_BETWEEN: Final = 3
"""Most rows, empty or of underscores, between the column numbers and row A."""
_WELL = re.compile(r"[A-P][1-9]\d?", re.ASCII)


def counts_in_cells(export: Export) -> Counts:
    """The grid of spot counts. Raises SourceFileError (ctl.count_grid): it is taken in whole or not at all."""
    grids = grids_in(export.cells)
    grid = _count_grid(export, grids)
    beside = [other for other in grids if other.header == grid.header and other.first > grid.first]
    begins = _row_a(export, grid)
    rows = PLATE_SHAPES[grid.columns]
    tokens: list[Token] = []
    for offset, letter in enumerate(ROW_LETTERS[:rows]):
        row = begins + offset
        _check_row(export, grid, beside, letter, row)
        tokens += [
            Token(f"{letter}{n + 1}", cell(export.cells, row, column), export.place(row, column))
            for n, column in enumerate(range(grid.first, grid.first + grid.columns))
        ]
    _check_end(export, grid, begins + rows)
    _check_histogram(export, grid, tokens)
    below = list(takewhile(lambda row: not is_blank(row), export.cells[begins + rows :]))
    _check_below(export, begins + rows, below)
    head_ends = min(min(other.title_row, other.header) for other in grids)
    return Counts(tokens, head_ends, legend_of(below), coloured=coloured_of(below))


def _count_grid(export: Export, grids: list[Grid]) -> Grid:
    """The grid titled so; in workbooks of version 4 it has no title and stands left of that of spot sizes."""
    titled = [grid for grid in grids if grid.title.lower() == _TITLE]
    found = titled or [grid for grid in grids if not grid.title and _is_left_of_sizes(grid, grids)]
    if len(found) != 1:
        places = ", ".join(export.place(grid.header, grid.first) for grid in found)
        problem = f"expected one grid titled `Spot Counts` (or one left of `Mean spot sizes`), found {len(found)}"
        raise export.refuse("ctl.count_grid", places or "whole file", problem)
    (grid,) = found
    if grid.columns not in PLATE_SHAPES or grid.letters < 0:
        raise export.refuse(
            "ctl.count_grid",
            export.place(grid.header, grid.first),
            f"no plate has {grid.columns} columns behind a column of row letters",
        )
    return grid


def _is_left_of_sizes(grid: Grid, grids: list[Grid]) -> bool:
    right = [other for other in grids if other.header == grid.header and other.first > grid.first]
    return bool(right) and right[0].title.lower().startswith(_BESIDE_COUNTS)


def _row_a(export: Export, grid: Grid) -> int:
    row = grid.header + 1
    while row <= grid.header + _BETWEEN and row < len(export.cells):
        if not (is_blank(export.cells[row]) or is_separator(export.cells[row])):
            break
        row += 1
    return row


def _check_row(export: Export, grid: Grid, beside: list[Grid], letter: str, row: int) -> None:
    """Letters stand before each of the grids side by side, and nothing else stands outside of them."""
    found = cell(export.cells, row, grid.letters)
    if found != letter:
        problem = f"expected row {letter} of the counts, found {found[:40]!r}: cut short or out of order"
        raise export.refuse("ctl.count_grid", export.place(row, grid.letters), problem)
    inside = {column for one in (grid, *beside) for column in range(one.letters, one.first + one.columns)}
    width = len(export.cells[row])
    strays = [c for c in range(width) if c not in inside and cell(export.cells, row, c)]
    strays += [one.letters for one in beside if cell(export.cells, row, one.letters) != letter]
    if strays:
        raise _shifted(export, letter, row, strays[0])
    if export.sheet is None and width != len(export.cells[grid.header]):
        raise _shifted(export, letter, row, 0)
    counts = [cell(export.cells, row, column) for column in range(grid.first, grid.first + grid.columns)]
    if export.sheet is not None and not beside and any(counts) and not counts[-1]:  # a cell was taken out, it may be
        raise _shifted(export, letter, row, grid.first + grid.columns - 1)


def _shifted(export: Export, letter: str, row: int, column: int) -> SourceFileError:
    problem = f"the cells of row {letter} do not stand under the column numbers, so which well is which is open"
    return export.refuse("ctl.count_grid", export.place(row, column), problem)


def _check_end(export: Export, grid: Grid, row: int) -> None:
    below = export.cells[row] if row < len(export.cells) else None
    if below is None or not (is_blank(below) or is_separator(below)):
        found = "the end of the file" if below is None else repr(" ".join(filter(None, below))[:40])
        problem = f"expected a row of underscores below the {PLATE_SHAPES[grid.columns]} rows of counts, found {found}"
        raise export.refuse("ctl.count_grid", export.place(row, grid.first), problem)


def _check_below(export: Export, row: int, below: Cells) -> None:
    """Below the assay layout it is said that its numbers are no counts; its title may be lost or exchanged."""
    for offset, line in enumerate(below):
        if any(_OF_LAYOUT in text.lower() for text in line):
            problem = "below the grid of counts stands what stands below the assay layout, so its title is not its own"
            raise export.refuse("ctl.count_grid", export.place(row + offset), problem)


def _check_histogram(export: Export, grid: Grid, tokens: list[Token]) -> None:
    """The histogram of spot sizes, where there is one, repeats the count of every counted well."""
    told: dict[str, tuple[str, int]] = {}
    for row in range(len(export.cells)):
        well = cell(export.cells, row, grid.letters)
        if _WELL.fullmatch(well):
            if well in told:
                raise export.refuse("ctl.count_grid", export.place(row, grid.letters), f"well {well} stands twice")
            told[well] = (cell(export.cells, row, grid.first), row)
    for token in tokens if told else ():
        _check_repeated(export, grid, token, told.get(token.well))


def _check_repeated(export: Export, grid: Grid, token: Token, told: tuple[str, int] | None) -> None:
    if told is None:
        is_right, where = not token.text.isdigit(), "has no line for it"
    else:
        repeated, row = told
        is_right = token.text.upper() == "TNTC" or repeated == token.text
        where = f"says {repeated!r} ({export.place(row, grid.first)})"
    if not is_right:
        problem = f"the grid of counts says {token.text[:20]!r} and the histogram below {where}"
        raise export.refuse("ctl.count_grid", f"{token.place}, well {token.well}", problem)
