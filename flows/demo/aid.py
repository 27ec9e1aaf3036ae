"""The text export of an AID ELISpot reader: a header, a comment block and four grids, the first of which counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from random import Random
from typing import Final

from flows.demo.chance import uniform, whole
from flows.demo.plates import COLUMNS, ROWS, Counted

TOO_NUMEROUS: Final = 650
"""Spots from which the simulated reader gives up counting."""
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)  # not strftime: the instrument writes English whatever the locale

_OVERALL: Final = "Overall surface of spots  Unit = square mm:"
_AVERAGE: Final = "Average surface of spots  Unit = square 0,01 mm:"
NOT_COUNTED: Final = "--"

Grid = Callable[[str], str]


def write_aid(seed: int, plate: Counted) -> bytes:
    """The export of one plate; wells without cells were not counted.

    As in real ones, some have Windows line ends, some were through a spreadsheet that quoted the date, some end
    their rows with a blank.
    """
    rng = Random(f"{seed}/aid/{plate.plate_id}")
    is_quoted, newline, tail = whole(rng, 0, 3) == 0, "\r\n" if whole(rng, 0, 2) == 0 else "\n", " " * whole(rng, 0, 1)
    spots = plate.spots
    read = _weekday_and_date(plate.read_on)
    lines = [f"Plate name: {plate.plate_id}.plt", "", f'"{read}"' if is_quoted else read, ""]
    lines += [f"Column: {COLUMNS}  Row: {len(ROWS)}", "", *_comment(plate, rng)]
    for title, width, cell in _grids(rng, spots):
        lines += [title, *_grid(cell, width, tail), "", "", ""]
    return newline.join([*lines, "All Well Comments", ""]).encode("ascii")


def export_path(plate: Counted) -> str:
    """Where the reader's computer puts the export, relative to the inbox."""
    return f"elispot/{plate.read_on.year}/{plate.plate_id}.txt"


def with_token(export: bytes, well: str, token: str) -> bytes:
    """The export with another token in one cell of its count grid; an empty token takes the cell away."""
    return re.sub(
        rb"(Spot counts:\r?\n.*?\r?\n)(.*?)(\r?\n\r?\n)",
        lambda match: match[1] + _replaced(match[2], well, token) + match[3],
        export,
        count=1,
        flags=re.DOTALL,
    )


def _replaced(grid: bytes, well: str, token: str) -> bytes:
    lines = grid.decode("ascii").splitlines(keepends=True)
    row, column = ROWS.index(well[0]), int(well[1:])
    tokens = re.split(r"(\s+)", lines[row])  # token, blanks, token, ...: the row's letter first
    tokens[2 * column] = token
    lines[row] = "".join(tokens if token else tokens[: 2 * column - 1] + tokens[2 * column + 1 :])
    return "".join(lines).encode("ascii")


def _weekday_and_date(day: date) -> str:
    return f"Date: {WEEKDAYS[day.weekday()]}, {MONTHS[day.month - 1]} {day.day:02d}, {day.year}"


def _comment(plate: Counted, rng: Random) -> Iterator[str]:
    for text in (
        "Simulated demo study",
        f"Patient: {' '.join(plate.persons)}",
        "2x10^5cells/well",
        f"Read: AKL{whole(rng, 1, 2)}",
    ):
        yield from (("Comment:", text, "") if text.startswith("Simulated") else (text, ""))


def _grids(rng: Random, spots: Mapping[str, int]) -> Iterator[tuple[str, int, Grid]]:
    size = {well: uniform(rng, 0.8, 4.0) if count else 0.0 for well, count in spots.items()}
    intensity = {well: whole(rng, 10, 40) if count else 0 for well, count in spots.items()}

    def of_counted(cell: Grid) -> Grid:
        return lambda well: cell(well) if well in spots else NOT_COUNTED

    yield "Spot counts:", 5, of_counted(lambda well: "   TNTC" if spots[well] > TOO_NUMEROUS else str(spots[well]))
    yield _OVERALL, 6, of_counted(lambda well: f"{spots[well] * size[well] / 100:.3f}")
    yield _AVERAGE, 6, of_counted(lambda well: f"{size[well]:.0f}")
    yield "Average intensity of spots", 6, of_counted(lambda well: str(intensity[well]))


def _grid(cell: Grid, width: int, tail: str) -> Iterator[str]:
    indent = "  " if width == 5 else " "
    yield indent + "".join(f"{column:>{width}}" for column in range(1, COLUMNS + 1)) + tail
    for row in ROWS:
        cells = "".join(f" {cell(f'{row}{column}'):>{width - 1}}" for column in range(1, COLUMNS + 1))
        yield f"{row}{indent[1:]}{cells}{tail}"
