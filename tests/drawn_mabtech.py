"""Mabtech workbooks as the Apex software writes them, drawn in tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.drawn_exports import LETTERS, workbook
from transforms.readers.source import Reading

Rows = list[list[Any]]
Sheets = dict[str, Rows]
Found = dict[tuple[str, str], tuple[int | None, str]]
"""Analyte and well to count and status."""

LIST, GRID, FACTS = "Plate Database", "Spot Forming Units (SFU)", "Plate Information"
POPULATIONS = ("LED490 Total", "LED490 Single", "LED490+LED550")
HEADER = ["Plate", "Well", "Read Date", "Analyte Secreting Population", "LED Filter", GRID, "Masked"]
LAYOUT = [f"Layout-{label}" for label in ("Analyte", "Donor", "Cells/well", "Stimuli", "Detection", "Replicate#")]
SETTINGS_USED = {"LED490 Preset Name": "Neat", "LED490 Preset Size": 150, "Spot Joining Threshold": 4.5}
"""Header and value of columns that say how spots were counted."""
WELLS = tuple(f"{letter}{n}" for letter in LETTERS[:8] for n in range(1, 13))
UNREAD = ("H11", "H12")


def count(population: int, well: int) -> int | None:
    """The drawn count of a population in a well, both from 0; none in wells that were not read."""
    return None if WELLS[well] in UNREAD else 1000 - 300 * population + well


def grids(titles: tuple[str | None, ...]) -> Rows:
    """The sheet of counts: one grid a population, under its title where it has one."""
    rows: Rows = [[GRID]]
    for n, title in enumerate(titles):
        rows += [[title]] if title else []
        rows.append([None, *(float(number) for number in range(1, 13))])
        rows += [[letter, *(count(n, 12 * row + c) for c in range(12))] for row, letter in enumerate(LETTERS[:8])]
        rows += [[]] * 3
    return rows


def facts() -> Rows:
    return [
        [],
        [None, "Plate Name:", "PL-1"],
        [None, "Plate Read Date:", "2024-01-29 09:06:56"],
        [None, "Last Saved Date:", "2024-01-30 09:18:05"],
        [None, "Software Version:", "1.1.58.127"],
        [None, "Machine ID:", "Iris 0"],
    ]


def drawn() -> Sheets:
    """A FluoroSpot plate as the instrument writes it: rows of one well together, two wells not read."""
    listed: Rows = [[*HEADER, *LAYOUT, *SETTINGS_USED, None, None]]
    rest = [*[None] * len(LAYOUT), *SETTINGS_USED.values(), None, None]
    for well, name in enumerate(WELLS):
        for n, population in enumerate(POPULATIONS):
            listed.append(["PL-1", name, None, population, population, count(n, well), "NO", *rest])
    for number, label in enumerate(LAYOUT, start=1):
        listed[number][-1] = label
    return {FACTS: facts(), LIST: listed, GRID: grids(POPULATIONS), "Layout": [[None, 1, 2]]}


DRAWN: Found = {
    (population, name): (count(n, well), "not_counted" if name in UNREAD else "counted")
    for n, population in enumerate(POPULATIONS)
    for well, name in enumerate(WELLS)
}


def white() -> Sheets:
    """A plate of one colour: no column of filters, and a grid without a title."""
    header = [cell for cell in HEADER if cell != "LED Filter"]
    listed: Rows = [[*header, *LAYOUT]]
    listed += [
        ["PL-1", name, None, "White LED", count(0, n), "NO", *[None] * len(LAYOUT)] for n, name in enumerate(WELLS)
    ]
    return {FACTS: facts(), LIST: listed, GRID: grids((None,))}


def found_in(reading: Reading) -> Found:
    """Every well of every population."""
    rows = reading.tables["elispot_counts"].select("analyte", "well", "spots", "status").iter_rows()
    return {(analyte, well): (spots, status) for analyte, well, spots, status in rows}


def line_of(population: int, well: str) -> int:
    """Row of the list, from 0."""
    return 1 + 3 * WELLS.index(well) + population


def edit(row: int, cell: int | str, value: object, sheet: str = LIST) -> Callable[[Sheets], None]:
    """Another value in one cell of a sheet, rows and columns from 0 or by their header."""

    def change(sheets: Sheets) -> None:
        sheets[sheet][row][HEADER.index(cell) if isinstance(cell, str) else cell] = value

    return change


def changed_by(change: Callable[[Sheets], Any], sheets: Sheets | None = None) -> bytes:
    """The drawn workbook after a change."""
    told = sheets or drawn()
    change(told)
    return workbook(told)
