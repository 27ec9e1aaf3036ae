"""Grids of a plate among rows of cells: where their column numbers stand and what is written above them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Cells = Sequence[Sequence[str]]

PLATE_SHAPES: Final = {3: 2, 4: 3, 6: 4, 8: 6, 12: 8, 24: 16}
"""Columns to rows of the plates there are: 6, 12, 24, 48, 96 and 384 wells."""
ROW_LETTERS: Final = "ABCDEFGHIJKLMNOP"
_LINES_TO_TITLE: Final = 3
"""A title stands no further above the column numbers than this."""
_LEFT_OF_NUMBERS: Final = 2
"""Columns by which a title may begin left of the column numbers, where another grid stands to the left."""
_SEPARATOR = re.compile(r"_{5,}")


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid: its title (empty where it has none) and the place of its column number 1, all counted from 0."""

    title: str
    title_row: int
    header: int
    first: int
    columns: int

    @property
    def letters(self) -> int:
        """The column in which the row letters stand."""
        return self.first - 1


def grids_in(cells: Cells) -> list[Grid]:
    """Every grid, from the top and from left to right: a row of column numbers 1, 2, 3 ... and nothing else."""
    found = []
    for row in range(len(cells)):
        for n, (first, columns) in enumerate(_runs(cells[row])):
            begins = first - _LEFT_OF_NUMBERS if n else first
            title, title_row = _title(cells, row, range(begins, first + columns))
            found.append(Grid(title, title_row, row, first, columns))
    return found


def cell(cells: Cells, row: int, column: int) -> str:
    """The cell without blanks around it; empty where the row or the sheet ends before it."""
    if not (0 <= row < len(cells) and 0 <= column < len(cells[row])):
        return ""
    return cells[row][column].strip()


def is_blank(row: Sequence[str]) -> bool:
    """True for a row without any filled cell."""
    return not any(text.strip() for text in row)


def is_separator(row: Sequence[str]) -> bool:
    """True for a row of underscores and nothing else."""
    filled = [text.strip() for text in row if text.strip()]
    return bool(filled) and all(_SEPARATOR.fullmatch(text) for text in filled)


def _runs(row: Sequence[str]) -> list[tuple[int, int]]:
    """First column and length of every run of column numbers; none where the row holds anything else."""
    runs: list[tuple[int, int]] = []
    expected, begins = 1, None
    for column, text in enumerate([*(cell.strip() for cell in row), ""]):
        if begins is not None and text == str(expected):
            expected += 1
            continue
        if begins is not None:
            runs.append((begins, expected - 1))
            begins = None
        if text == "1":
            begins, expected = column, 2
        elif text:
            return []
    return [] if any(length < min(PLATE_SHAPES) for _, length in runs) else runs


def _title(cells: Cells, header: int, columns: range) -> tuple[str, int]:
    """The nearest text above these columns, with its row; empty where another grid or nothing stands there."""
    for row in range(header - 1, max(header - 1 - _LINES_TO_TITLE, -1), -1):
        if is_separator(cells[row]):
            break
        told = [text for column in columns if (text := cell(cells, row, column))]
        if told:
            return told[0], row
    return "", header
