"""Statistics of Cytobank as CSV: lines of another kind, then a table that begins with `FCS Filename`.

The table has one file a row and populations as columns, or one population a row and files as columns; both begin with
the same word. Cytobank names populations without what they lie in, so the name is all there is of the path.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from expectations.study import StudySettings
from transforms.readers.population_counts import Export, Gates, Sample, Samples, Told, mark_of, populations_of
from transforms.readers.preamble_rows import Row, Rows, rows_of
from transforms.readers.source import Reading, SourceFile
from transforms.readers.whole_lines import is_ended

FORMAT: Final = "cytobank_table"
CODE: Final = "cytobank.table"
_FILES: Final = "fcs filename"
_HEAD = re.compile(r'^\s*"?FCS Filename"?\s*[,;\t]', re.IGNORECASE | re.MULTILINE)
_COUNT = re.compile(r"event ?counts? of (?P<after>.+)|(?P<before>.+?)[_ ]event ?counts?|event ?counts?", re.IGNORECASE)
_ROOTS: Final = frozenset({"ungated", "root", "all events"})
_EVENT_COUNTS = re.compile(r"event ?counts?", re.IGNORECASE)


def recognises(text: str) -> bool:
    """True for a line that begins with `FCS Filename`."""
    return _HEAD.search(text) is not None


def read(source: SourceFile, text: str, settings: StudySettings) -> Reading:
    """One row of `cytometry_samples` an FCS file, one of `cytometry_counts` a population of it.

    Raises SourceFileError: cytobank.table where no column or row is one of event counts, files or populations stand
    twice or have no name, a line is cut short or too long, or a count cannot be read; table.empty.
    """
    found = rows_of(Export(source, FORMAT, CODE, settings), text, _is_header)
    table = _table(found)
    cells = (cell for row in table.rows for cell in row.cells[1:])
    mark = mark_of(cells, point_is_decimal=found.separator == ",")
    export = Export(source, FORMAT, CODE, settings, mark)
    _refuse_ragged(export, table)
    files, unused = _transposed(export, table) if _has_files_as_columns(table) else _as_it_stands(export, table)
    samples = Samples(export)
    for name, (place, told) in files.items():
        samples.add(Sample(name, place, populations_of(export, told)))
    return samples.reading(unused)


class _Table(NamedTuple):
    header: Row
    rows: list[Row]
    width: int
    is_of_counts: bool
    """The lines above say that all of it is event counts."""


Files = dict[str, tuple[str, dict[Gates, Told]]]
"""Place and cells of every FCS file."""


def _is_header(cells: list[str]) -> bool:
    return bool(cells) and cells[0].lower() == _FILES


def _table(found: Rows) -> _Table:
    """The table of a file: all that is filled below the header."""
    at = next(n for n, row in enumerate(found.rows) if _is_header(row.cells))
    header = found.rows[at]
    rows = [row for row in found.rows[at + 1 :] if not row.is_empty]
    width = max(n for n, cell in enumerate(header.cells, start=1) if cell)
    above = [cell for row in found.rows[:at] for cell in row.cells]
    return _Table(header, rows, width, any(_EVENT_COUNTS.fullmatch(cell) for cell in above))


def _has_files_as_columns(table: _Table) -> bool:
    names = [cell for cell in table.header.cells[1 : table.width] if cell]
    return bool(names) and all(name.lower().endswith(".fcs") for name in names)


def _as_it_stands(export: Export, table: _Table) -> tuple[Files, list[str]]:
    """One file a row."""
    columns: dict[Gates, int] = {}
    unused = []
    for n, cell in enumerate(table.header.cells[1 : table.width], start=1):
        gates = _population(table, cell)
        if gates is None:
            unused.append(cell)
        elif gates in columns:
            raise export.refuse(table.header.place, f"two columns hold the events of {cell[:60]!r}")
        else:
            columns[gates] = n
    _refuse_none(export, table, columns)
    files: Files = {}
    for row in table.rows:
        told = {gates: Told(row.cells[n], None, row.place) for gates, n in columns.items()}
        _add(export, files, row.cells[0], row.place, told)
    return files, [cell for cell in unused if cell]


def _transposed(export: Export, table: _Table) -> tuple[Files, list[str]]:
    """One population a row, a file a column."""
    rows: dict[Gates, Row] = {}
    unused = []
    for row in table.rows:
        gates = _population(table, row.cells[0])
        if gates is None:
            unused.append(row.cells[0])
        elif gates in rows:
            raise export.refuse(row.place, f"two lines hold the events of {row.cells[0][:60]!r}")
        else:
            rows[gates] = row
    if table.rows:
        _refuse_none(export, table, rows)
    files: Files = {}
    for n, name in enumerate(table.header.cells[1 : table.width], start=1):
        told = {gates: Told(row.cells[n], None, f"{row.place}, column {n + 1}") for gates, row in rows.items()}
        _add(export, files, name, f"{table.header.place}, column {n + 1}", told)
    return (files if rows else {}), unused


def _population(table: _Table, cell: str) -> Gates | None:
    """The population whose events a column or row holds; None where it holds something else."""
    match = _COUNT.fullmatch(cell)
    if match is None and not (table.is_of_counts and cell):
        return None
    name = cell if match is None else (match["after"] or match["before"] or "")
    return () if not name or name.strip().lower() in _ROOTS else (name.strip(),)


def _add(export: Export, files: Files, name: str, place: str, told: dict[Gates, Told]) -> None:
    if not name:
        raise export.refuse(place, "a file has no name")
    if name in files:
        raise export.refuse(place, f"the file {name[:60]!r} stands twice")
    files[name] = (place, told)


def _refuse_none(export: Export, table: _Table, found: object) -> None:
    if not found:
        raise export.refuse(table.header.place, "nothing in the table is named as event counts of a population")


def _refuse_ragged(export: Export, table: _Table) -> None:
    for row in table.rows:
        if len(row.cells) < table.width or any(row.cells[table.width :]):
            raise export.refuse(row.place, f"the line has {len(row.cells)} cells, the header {table.width}")
    if table.rows and not is_ended(export):
        raise export.refuse(table.rows[-1].place, "the file ends within this line, so its last cell may be cut short")
