"""Rows of CSVs whose table stands below lines of another kind: every cell where it stands, with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from transforms.readers.population_counts import Export

SEPARATORS: Final = (",", ";", "\t")
_QUOTES: Final = "the quotation marks from there on do not pair up"


class Row(NamedTuple):
    """The line a row begins in, counted from 1, and its cells."""

    line: int
    cells: list[str]

    @property
    def place(self) -> str:
        """The line as a place."""
        return f"line {self.line}"

    @property
    def is_empty(self) -> bool:
        """No cell of it is filled."""
        return not any(self.cells)


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows, empty ones among them; `fault` says where the quotation marks go wrong."""

    rows: list[Row]
    separator: str
    fault: str | None = None


def rows_of(export: Export, text: str, is_header: Callable[[list[str]], bool]) -> Rows:
    """The rows under the separator with which one of them is a header.

    Raises SourceFileError (the export's code) where there is none, or quotation marks do not pair up.
    """
    for separator in SEPARATORS:
        found = _rows(text, separator)
        if any(is_header(row.cells) for row in found.rows):
            if found.fault:
                raise export.refuse(found.fault, _QUOTES)
            return found
    raise export.refuse("header", f"no line is the header of a table, or {_QUOTES}")


def _rows(text: str, separator: str) -> Rows:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[Row] = []
    begins = 1
    try:
        for cells in reader:
            rows.append(Row(begins, [cell.strip() for cell in cells]))
            begins = reader.line_num + 1
    except csv.Error:
        return Rows(rows, separator, f"line {begins}")
    return Rows(rows, separator)
