"""Tables of FlowJo 9 and 10, as CSV or workbook: one row a sample, one column a statistic of a population.

Counts are what is wanted; percentages of the parent go beside them, or stand alone where FlowJo was not asked for
counts. Whatever else a column holds is passed over and told, but for keywords the study keeps. Rows `Mean` and `SD` at
the end are no samples. Where rows are populations with `>` for their depth, flowjo_hierarchy reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from expectations.study import StudySettings
from transforms.gating_paths import path_of
from transforms.readers import flowjo_hierarchy
from transforms.readers.population_counts import (
    Export,
    Gates,
    Sample,
    Samples,
    Told,
    mark_of,
    populations_of,
    whole_or_none,
)
from transforms.readers.population_headers import SAMPLE_HEADERS, Kind, is_of_population, statistic_of
from transforms.readers.sample_words import kept_keywords
from transforms.readers.sheets import Sheet
from transforms.readers.source import Reading, SourceFile
from transforms.readers.whole_lines import refuse_ragged

FORMAT: Final = "flowjo_table"
CODE: Final = "flowjo.table"
_FOOTERS: Final = ("mean", "sd")
"""Names of the rows FlowJo puts below the samples."""


def recognises(sheets: list[Sheet]) -> bool:
    """True for a single sheet with a column of a population's counts or percentages, or of populations by depth."""
    return len(sheets) == 1 and (
        any(map(is_of_population, sheets[0].header)) or flowjo_hierarchy.is_hierarchy(sheets[0])
    )


def read(source: SourceFile, sheets: list[Sheet], settings: StudySettings) -> Reading:
    """One row of `cytometry_samples` a sample, one of `cytometry_counts` a population of it.

    Raises SourceFileError: flowjo.table where samples have no column, a statistic stands twice, a line is cut short or
    too long, a number cannot be read or contradicts others; table.empty.
    """
    sheet = sheets[0]
    is_by_depth = flowjo_hierarchy.is_hierarchy(sheet)
    numbers = [n for n, cell in enumerate(sheet.header) if n and (is_by_depth or statistic_of(cell))]
    cells = (row[n] for row in sheet.rows for n in numbers if n < len(row))
    mark = mark_of(cells, point_is_decimal=sheet.point_is_decimal)
    export = Export(source, FORMAT, CODE, settings, mark)
    lines = list(_samples(export, sheet))
    refuse_ragged(export, sheet, {place for place, _ in lines})
    if is_by_depth:
        return flowjo_hierarchy.read(export, sheet, lines)
    columns = _columns(export, sheet)
    samples = Samples(export)
    for place, row in lines:
        filled = row + [""] * (len(sheet.header) - len(row))
        keywords = {name: filled[n] for n, name in columns.keywords.items()}
        declared = whole_or_none(keywords.get("$TOT", ""))
        populations = populations_of(export, columns.told(filled, place), declared)
        known = {} if declared is None else {"n_events": declared}
        samples.add(Sample(filled[0], place, populations, keywords, known=known))
    return samples.reading(columns.unused(settings))


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column holds what: statistics by population, keywords by name, and statistics that are passed over."""

    statistics: dict[Gates, dict[Kind, int]] = field(default_factory=dict)
    keywords: dict[int, str] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)

    def told(self, row: list[str], place: str) -> dict[Gates, Told]:
        """The cells of every population in a row."""
        return {
            gates: Told(
                row[at["count"]] if "count" in at else None, row[at["percent"]] if "percent" in at else None, place
            )
            for gates, at in self.statistics.items()
        }

    def unused(self, settings: StudySettings) -> list[str]:
        """Headers of columns of which nothing is kept."""
        kept = {name for name in self.keywords.values() if kept_keywords({name: "kept"}, settings)}
        return [*self.passed_over, *(name for name in self.keywords.values() if name not in kept)]


def _columns(export: Export, sheet: Sheet) -> _Columns:
    first = sheet.header[0]
    if first.lower() not in SAMPLE_HEADERS:
        raise export.refuse("header", f"the first column is {first[:60]!r}, not that of the samples")
    columns = _Columns()
    for n, cell in enumerate(sheet.header):
        statistic = statistic_of(cell)
        if n == 0 or not cell:
            _refuse_nameless(export, sheet, n)
        elif statistic is None:
            columns.keywords[n] = _unique(export, cell, columns)
        elif statistic.kind == "other":
            columns.passed_over.append(cell)
        else:
            at = columns.statistics.setdefault(statistic.gates, {})
            if statistic.kind in at:
                told = path_of(statistic.gates) or "all events"
                raise export.refuse("header", f"two columns hold the same statistic of {told} ({cell})")
            at[statistic.kind] = n
    return columns


def _unique(export: Export, name: str, columns: _Columns) -> str:
    if name.upper() in {other.upper() for other in columns.keywords.values()}:
        raise export.refuse("header", f"the keyword {name!r} has two columns")
    return name


def _refuse_nameless(export: Export, sheet: Sheet, n: int) -> None:
    """A column without a header, but for the samples', may only be empty: which statistic it holds is open."""
    if n > 0 and any(len(row) > n and row[n] for row in sheet.rows):
        raise export.refuse("header", f"column {n + 1} has values and no header")


def _samples(export: Export, sheet: Sheet) -> Iterator[tuple[str, list[str]]]:
    """Place and cells of the rows above the footers."""
    names = [row[0].strip().lower() if row else "" for row in sheet.rows]
    n_samples = len(names)
    while n_samples and names[n_samples - 1] in _FOOTERS:
        n_samples -= 1
    for place, row, name in zip(sheet.places[:n_samples], sheet.rows, names, strict=False):
        if name in _FOOTERS:
            raise export.refuse(place, f"a row {row[0]!r} stands among the samples")
        yield place, row
