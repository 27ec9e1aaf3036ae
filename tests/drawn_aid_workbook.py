"""AID workbooks as the instrument writes them, drawn in tests."""

from __future__ import annotations

from typing import Any

from tests.drawn_exports import LETTERS
from transforms.readers.source import Reading

Rows = list[list[Any]]
Sheets = dict[str, Rows]
Found = dict[tuple[str, str], tuple[int | None, str]]
"""Analyte and well to count and status."""

IMAGES = ("in first image: FITC", "in second image: Cy3", "double stained: FITC+Cy3")
ANALYTES = ("FITC", "Cy3", "FITC+Cy3")
HEADER = "Plate:PL-1, Date:Tuesday, October 28, 2014,  User: somebody, Path: R:\\x\\PL-1.plt"


def block(title: str, first: Any, n_rows: int = 8, n_columns: int = 12) -> Rows:
    """Title, column numbers and rows; counts run upwards from `first`, a text stands in every well."""
    rows: Rows = [[f" Plate Data - {title} "], [None, *range(1, n_columns + 1)]]
    for row in range(n_rows):
        counts = [first + n_columns * row + n if isinstance(first, int) else first for n in range(n_columns)]
        rows.append([LETTERS[row], *counts])
    return [*rows, [], []]


def plate_data(images: tuple[str, ...] = IMAGES) -> Rows:
    """Blocks of counts, then of activity and of SFU that were never computed."""
    counts = [row for n, image in enumerate(images) for row in block(f"Spots Number({image})", 100 * n)]
    activity = [row for image in images for row in block(f"Activity({image})", 5000)]
    return [[None, HEADER], *counts, *activity, *(row for image in images for row in block(f"SFU({image})", "--"))]


def drawn() -> Sheets:
    """A FluoroSpot plate of two fluorochromes as the instrument writes it."""
    properties = [["Plate Name", "PL-1"], ["Date", "Tuesday, October 28, 2014"], ["User", "somebody"], ["Comments"]]
    return {"PlateData": plate_data(), "Properties": properties, "Sheet3": []}


DRAWN: Found = {
    (analyte, f"{LETTERS[row]}{column + 1}"): (100 * n + 12 * row + column, "counted")
    for n, analyte in enumerate(ANALYTES)
    for row in range(8)
    for column in range(12)
}


def found_in(reading: Reading) -> Found:
    """Every well of every analyte."""
    rows = reading.tables["elispot_counts"].select("analyte", "well", "spots", "status").iter_rows()
    return {(analyte, well): (spots, status) for analyte, well, spots, status in rows}


def row_of(analyte: int, letter: str) -> int:
    """Row of a block of counts in the sheet, from 0."""
    return 1 + 12 * analyte + 2 + LETTERS.index(letter)


def with_cell(analyte: int, well: str, value: object) -> Sheets:
    """The drawn workbook with another value in one well of one block."""
    sheets = drawn()
    sheets["PlateData"][row_of(analyte, well[0])][int(well[1:])] = value
    return sheets
