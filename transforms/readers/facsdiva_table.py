"""Statistics of FACSDiva as CSV: for every tube lines of `key,value`, then its populations with their parents.

A path is made of the names of the parents. Statistics of channels, and percentages of anything but the parent, are
passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from expectations.study import StudySettings
from transforms.readers.population_counts import (
    Export,
    Gates,
    Sample,
    Samples,
    Told,
    day_or_none,
    is_missing,
    mark_of,
    populations_of,
)
from transforms.readers.preamble_rows import Row, Rows, rows_of
from transforms.readers.source import Reading, SourceFile
from transforms.readers.whole_lines import is_ended

FORMAT: Final = "facsdiva_table"
CODE: Final = "facsdiva.table"
_POPULATION, _PARENT, _EVENTS, _PERCENT = "population", "parent name", "#events", "%parent"
_USED: Final = (_POPULATION, _PARENT, _EVENTS, _PERCENT)
_ALL_EVENTS: Final = "all events"
_TUBE, _DATE = "TUBE NAME", "RECORD DATE"
_HEAD = re.compile(r'^"?Population"?[ ]*([,;\t]).*"?# ?Events"?', re.IGNORECASE | re.MULTILINE)


def recognises(text: str) -> bool:
    """True for a line that begins with `Population` and has a column `#Events`."""
    return _HEAD.search(text) is not None


def read(source: SourceFile, text: str, settings: StudySettings) -> Reading:
    """One row of `cytometry_samples` a tube, one of `cytometry_counts` a line of its populations.

    Raises SourceFileError: facsdiva.table for a tube without a name, a table without one of its columns or with one
    twice, a line cut short or too long, a population twice or inside none, a number that cannot be read or contradicts
    others; table.empty.
    """
    found = rows_of(Export(source, FORMAT, CODE, settings), text, _is_header)
    cells = (cell for row in found.rows for cell in row.cells[1:])
    mark = mark_of(cells, point_is_decimal=found.separator == ",")
    export = Export(source, FORMAT, CODE, settings, mark)
    samples = Samples(export)
    unused: dict[str, None] = {}
    for block in _blocks(export, found):
        columns = _columns(export, block.header)
        told = _told(export, block, columns)
        name = block.keywords.get(_TUBE, "")
        if not name:
            raise export.refuse(block.header.place, "no line `Tube Name` above the populations says whose they are")
        known = {"acquisition_date": day_or_none(block.keywords.get(_DATE, ""), settings)}
        populations = populations_of(export, told)
        samples.add(Sample(name, block.header.place, populations, block.keywords, known=known))
        unused |= dict.fromkeys(cell for cell in block.header.cells if cell and _plain(cell) not in _USED)
    return samples.reading(list(unused))


class _Block(NamedTuple):
    """A tube: its keywords, the header of its populations, and their rows."""

    keywords: Mapping[str, str]
    header: Row
    rows: list[Row]


def _plain(cell: str) -> str:
    return re.sub(r"\s+", " ", cell.strip().lower()).replace("# ", "#").replace("% ", "%")


def _is_header(cells: list[str]) -> bool:
    names = [_plain(cell) for cell in cells]
    return names[:1] == [_POPULATION] and _EVENTS in names


def _blocks(export: Export, found: Rows) -> Iterator[_Block]:
    """The tubes of a file: a table ends with an empty line, a line of a preamble, or the next header."""
    keywords: dict[str, str] = {}
    block: _Block | None = None
    for row in found.rows:
        if _is_header(row.cells):
            if block is not None:
                yield block
            block = _Block(keywords, row, [])
            keywords = {}
        elif row.is_empty:
            if block is not None:
                yield block
            block = None
        elif block is not None and not _is_keyword(row):
            block.rows.append(row)
        else:
            if block is not None:
                yield block
                block = None
            _keep(export, keywords, row)
    if block is not None:
        yield block
        _refuse_cut_short(export, block)


def _is_keyword(row: Row) -> bool:
    """A line of the preamble of another tube that follows a table without an empty line."""
    key = row.cells[0].upper()
    return key in ("EXPERIMENT NAME", "SPECIMEN NAME", _TUBE, _DATE)


def _keep(export: Export, keywords: dict[str, str], row: Row) -> None:
    key, *values = (cell for cell in row.cells if cell)
    name = key.rstrip(":").strip().upper()
    if name in keywords:
        raise export.refuse(row.place, f"{key[:60]!r} stands twice above the populations of one tube")
    if name == _TUBE and not values:
        raise export.refuse(row.place, "the tube has no name")
    keywords[name] = " ".join(values)


def _columns(export: Export, header: Row) -> dict[str, int]:
    names = [_plain(cell) for cell in header.cells]
    for name in _USED:
        if names.count(name) > 1:
            raise export.refuse(header.place, f"the column {name!r} stands twice")
    if _PARENT not in names:
        raise export.refuse(header.place, "there is no column `Parent Name`, so no path of gates can be told")
    return {name: names.index(name) for name in _USED if name in names}


def _told(export: Export, block: _Block, columns: Mapping[str, int]) -> dict[Gates, Told]:
    paths: dict[str, Gates] = {}
    told: dict[Gates, Told] = {}
    for row in block.rows:
        _refuse_ragged(export, block.header, row)
        cells = {name: row.cells[n] for name, n in columns.items()}
        name, parent = cells[_POPULATION], cells[_PARENT]
        if not name:
            raise export.refuse(row.place, "the population has no name")
        gates = _gates(export, row, name, parent, paths)
        if name in paths:
            raise export.refuse(row.place, f"the population {name[:60]!r} stands twice in one tube")
        paths[name] = gates
        told[gates] = Told(cells[_EVENTS], cells.get(_PERCENT) if gates else None, row.place)
    return told


def _gates(export: Export, row: Row, name: str, parent: str, paths: Mapping[str, Gates]) -> Gates:
    """Path of a population; FACSDiva writes parents before what is inside them."""
    if is_missing(parent):
        if name.lower() != _ALL_EVENTS:
            raise export.refuse(row.place, f"the population {name[:60]!r} has no parent")
        return ()
    if parent in paths:
        return (*paths[parent], name)
    if parent.lower() == _ALL_EVENTS:  # left out of the table
        return (name,)
    raise export.refuse(row.place, f"the parent {parent[:60]!r} of {name[:60]!r} is not above it")


def _refuse_ragged(export: Export, header: Row, row: Row) -> None:
    """Trailing separators may be more or fewer; a cell of the table may be neither missing nor one too many."""
    width = max(n for n, cell in enumerate(header.cells, start=1) if cell)
    if len(row.cells) < width or any(row.cells[width:]):
        n = max((n for n, cell in enumerate(row.cells, start=1) if cell), default=0)
        raise export.refuse(row.place, f"the line has {max(n, len(row.cells))} cells, the header {width}")


def _refuse_cut_short(export: Export, block: _Block) -> None:
    if block.rows and not is_ended(export):
        raise export.refuse(block.rows[-1].place, "the file ends within this line, so its last cell may be cut short")
