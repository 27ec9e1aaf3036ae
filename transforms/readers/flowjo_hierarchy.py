"""FlowJo's tables with one row a population: `>` before the name says how deep below its sample it lies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from transforms.gating_paths import path_of
from transforms.readers.population_counts import Export, Gates, Sample, Samples, Told, populations_of, whole_or_none
from transforms.readers.population_headers import SAMPLE_HEADERS, statistic_of
from transforms.readers.sample_words import kept_keywords
from transforms.readers.sheets import Sheet
from transforms.readers.source import Reading

_MARKED = re.compile(r"(?P<marks>(?:>\s*)*)(?P<name>.*)", re.DOTALL)
_COUNTS: Final = frozenset({"count", "#cells", "# cells", "cells", "#events", "# events", "events"})
_PERCENTS: Final = frozenset({"freq. of parent", "freq. of parent (%)", "freq. of parent(%)", "% of parent", "%parent"})
_DEPTH: Final = "depth"

Line = tuple[str, list[str]]
"""Place and cells."""


def is_hierarchy(sheet: Sheet) -> bool:
    """True where the first column is one of names and depths, some of them with marks, and counts or percentages."""
    if not sheet.header or sheet.header[0].lower() not in SAMPLE_HEADERS:
        return False
    is_marked = any(row and row[0].startswith(">") for row in sheet.rows)
    return is_marked and any(cell.lower() in _COUNTS | _PERCENTS for cell in sheet.header)


def read(export: Export, sheet: Sheet, lines: Sequence[Line]) -> Reading:
    """One sample a row without marks, with the populations in the rows below it.

    Raises SourceFileError (flowjo.table) for a population below no sample, deeper than one below the row above it, or
    twice in a sample; and as `populations_of` does.
    """
    columns = _Columns(export, sheet)
    samples = Samples(export)
    for block in _blocks(export, columns, lines):
        place, row = block[0]
        told = _told(export, columns, block)
        keywords = {name: _cell(row, n) for n, name in columns.keywords.items()}
        declared = whole_or_none(keywords.get("$TOT", ""))
        known = {} if declared is None else {"n_events": declared}
        populations = populations_of(export, told, declared)
        samples.add(Sample(columns.name(row)[1], place, populations, keywords, known=known))
    return samples.reading(columns.unused)


class _Columns:
    """Which column holds what."""

    def __init__(self, export: Export, sheet: Sheet) -> None:
        names = [cell.lower() for cell in sheet.header]
        self.first = 1 if names[0] == _DEPTH else 0
        """The column of names; before it, one of marks alone."""
        self.count = self._one(export, sheet, [n for n, name in enumerate(names) if name in _COUNTS])
        self.percent = self._one(export, sheet, [n for n, name in enumerate(names) if name in _PERCENTS])
        others = {
            n: cell
            for n, cell in enumerate(sheet.header)
            if n > self.first and cell and n not in (self.count, self.percent)
        }
        self.keywords = {n: cell for n, cell in others.items() if statistic_of(cell) is None}
        kept = {cell for cell in self.keywords.values() if kept_keywords({cell: "kept"}, export.settings)}
        self.unused = [cell for cell in others.values() if cell not in kept]

    @staticmethod
    def _one(export: Export, sheet: Sheet, found: list[int]) -> int | None:
        if len(found) > 1:
            told = ", ".join(sheet.header[n] for n in found)
            raise export.refuse("header", f"several columns could hold the same statistic ({told})")
        return found[0] if found else None

    def name(self, row: list[str]) -> tuple[int, str]:
        """Depth of a row and its name without marks."""
        marked = "".join(f"{_cell(row, n)} " for n in range(self.first + 1)).strip()
        match = _MARKED.fullmatch(marked)
        return (0, marked) if match is None else (match["marks"].count(">"), match["name"].strip())


def _blocks(export: Export, columns: _Columns, lines: Sequence[Line]) -> list[list[Line]]:
    """Every sample with the rows of its populations."""
    blocks: list[list[Line]] = []
    for place, row in lines:
        depth, name = columns.name(row)
        if not name:
            raise export.refuse(place, "the row has no name")
        if depth == 0:
            blocks.append([(place, row)])
        elif not blocks:
            raise export.refuse(place, f"the population {name!r} stands below no sample")
        else:
            blocks[-1].append((place, row))
    return blocks


def _told(export: Export, columns: _Columns, block: Sequence[Line]) -> dict[Gates, Told]:
    told: dict[Gates, Told] = {}
    above: Gates = ()
    sample = columns.name(block[0][1])[1]
    for place, row in block:
        depth, name = columns.name(row)
        if depth > len(above) + 1:
            raise export.refuse(place, f"{name!r} is {depth} deep, and the row above it {len(above)}")
        above = () if depth == 0 else (*above[: depth - 1], _gate(name, sample, above[: depth - 1]))
        if above in told:
            raise export.refuse(place, f"the population {path_of(above)} stands twice in one sample")
        percent = _cell(row, columns.percent) if columns.percent is not None and above else None
        told[above] = Told(None if columns.count is None else _cell(row, columns.count), percent, place)
    return told


def _gate(name: str, sample: str, above: Gates) -> str:
    """The last gate of a name, which may be written with sample and path before it."""
    return name.removeprefix("/".join((sample, *above, "")))


def _cell(row: list[str], n: int) -> str:
    return row[n] if n < len(row) else ""
