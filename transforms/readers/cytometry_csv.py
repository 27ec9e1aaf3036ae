r"""The documented long CSV of populations: one row a population of a sample, for every program without a reader.

Columns `sample, population` and `count` or `percent_of_parent` (also `Freq_Of_Parent`), and where they help `batch,
fcs_name, n_events, acquisition_date, software_version, saved_at`. `population` is the path of gates from the root,
joined by `/`; a `/` within the name of a gate is written `\/`; empty (or `root`) is all events. Any other column is a
keyword of the sample, kept only where study.toml asks for it; specimen and stimulus belong in cytometry_tubes. Rows of
one sample and batch belong together wherever they stand; what describes the sample may stand in any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from expectations.study import StudySettings
from transforms.gating_paths import gates_of, path_of
from transforms.readers.dates import AmbiguousDateError, read_date, read_moment
from transforms.readers.population_counts import Export, Gates, Sample, Samples, Told, mark_of, populations_of
from transforms.readers.sample_words import file_name, kept_keywords
from transforms.readers.sheets import Sheet
from transforms.readers.source import Reading, SourceFile
from transforms.readers.tabular import column_name
from transforms.readers.whole_lines import refuse_ragged

FORMAT: Final = "cytometry_csv"
SOURCE: Final = "long_csv"
CODE: Final = "cytometry_csv.table"
_NEEDED: Final = {"sample", "population"}
_NUMBERS: Final = {"count", "percent_of_parent"}
_OF_SAMPLE: Final = ("batch", "fcs_name", "n_events", "acquisition_date", "software_version", "saved_at")
_ALIASES: Final = {
    "sample_name": "sample",
    "population_path": "population",
    "freq_of_parent": "percent_of_parent",
    "freq._of_parent": "percent_of_parent",
}
_PERCENT: Final = "percent_of_parent"
_ROOT: Final = "root"


def recognises(sheets: list[Sheet]) -> bool:
    """True for a single sheet with the columns sample, population, and count or percent_of_parent."""
    names = {_name(cell) for cell in sheets[0].header} if len(sheets) == 1 else set()
    return names >= _NEEDED and not names.isdisjoint(_NUMBERS)


def read(source: SourceFile, sheets: list[Sheet], settings: StudySettings) -> Reading:
    """One row of `cytometry_samples` a sample and batch, one of `cytometry_counts` a row of the file.

    Raises SourceFileError: cytometry_csv.table where a column stands twice, a line is cut short or too long, a
    population stands twice in a sample, a sample is described in two ways, a number or date cannot be read, or count,
    parent and percentage contradict each other; table.empty.
    """
    sheet = sheets[0]
    columns = _Columns(Export(source, SOURCE, CODE, settings), sheet)
    numbers = (cell for row in sheet.rows for name in _NUMBERS for cell in [columns.cell(row, name)])
    mark = mark_of(numbers, point_is_decimal=sheet.point_is_decimal)
    export = Export(source, SOURCE, CODE, settings, mark)
    refuse_ragged(export, sheet, sheet.places)
    samples = Samples(export)
    for rows in _by_sample(export, sheet, columns).values():
        _add(export, samples, columns, rows)
    reading = samples.reading(columns.unused(settings))
    return Reading(FORMAT, reading.tables, reading.bad_cells, reading.unused_columns)


def _name(cell: str) -> str:
    name = column_name(cell)
    return _ALIASES.get(name, name)


class _Columns:
    """Where which column stands; those without a meaning of their own are keywords."""

    def __init__(self, export: Export, sheet: Sheet) -> None:
        self.header = sheet.header
        self.at: dict[str, int] = {}
        self.keywords: dict[str, int] = {}
        for n, cell in enumerate(sheet.header):
            name = _name(cell)
            is_known = name in _NEEDED | _NUMBERS or name in _OF_SAMPLE
            place, key = (self.at, name) if is_known else (self.keywords, cell.upper())
            if key in place:
                raise export.refuse("header", f"the column {cell!r} stands twice")
            if not cell and any(len(row) > n and row[n] for row in sheet.rows):
                raise export.refuse("header", f"column {n + 1} has values and no header")
            place[key] = n

    def cell(self, row: list[str], name: str) -> str:
        """A cell of a row; empty where there is no such column."""
        n = self.at.get(name)
        return "" if n is None or n >= len(row) else row[n]

    def kept(self, settings: StudySettings) -> dict[str, int]:
        """Where the keywords stand that may be kept; of the others nothing is looked at."""
        return {name: n for name, n in self.keywords.items() if name and kept_keywords({name: "kept"}, settings)}

    def unused(self, settings: StudySettings) -> list[str]:
        """Headers of columns of which nothing is kept."""
        named = [self.header[n] for n in self.keywords.values()]
        return [name for name in named if name and not kept_keywords({name: "kept"}, settings)]


Row = tuple[str, list[str]]
"""Place and cells."""


def _by_sample(export: Export, sheet: Sheet, columns: _Columns) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for place, row in zip(sheet.places, sheet.rows, strict=True):
        sample = columns.cell(row, "sample")
        if not sample:
            raise export.refuse(place, "the row names no sample")
        found.setdefault((sample, columns.cell(row, "batch")), []).append((place, row))
    return found


def _add(export: Export, samples: Samples, columns: _Columns, rows: list[Row]) -> None:
    told: dict[Gates, Told] = {}
    for place, row in rows:
        gates = _gates(export, columns.cell(row, "population"), place)
        if gates in told:
            raise export.refuse(place, f"{path_of(gates) or 'all events'} stands twice in sample {rows[0][1][0]}")
        count, percent = (columns.cell(row, name) if name in columns.at else None for name in ("count", _PERCENT))
        told[gates] = Told(count, percent or None, place)
    facts: dict[str, object] = {name: _fact(export, columns, rows, name) for name in _OF_SAMPLE if name in columns.at}
    keywords = {name: _agreed(export, rows, n, name)[0] for name, n in columns.kept(export.settings).items()}
    declared = facts.pop("n_events", None)
    populations = populations_of(export, told, declared if isinstance(declared, int) else None)
    known: dict[str, object] = {name: fact for name, fact in facts.items() if fact is not None and name != "batch"}
    if declared is not None:
        known["n_events"] = declared
    batch = columns.cell(rows[0][1], "batch")
    name = columns.cell(rows[0][1], "sample")
    samples.add(Sample(name, rows[0][0], populations, keywords, (batch,), known))


def _gates(export: Export, path: str, place: str) -> Gates:
    """The gates of a path; a backslash stands only before a slash or another one."""
    inside = path.removeprefix("/")
    gates = () if inside.lower() == _ROOT else gates_of(inside)
    if gates and path_of(gates) != inside:
        raise export.refuse(place, f"in the population {path[:60]!r} a backslash stands before neither / nor another")
    return gates


def _fact(export: Export, columns: _Columns, rows: list[Row], name: str) -> object:
    """What the rows of a sample say of it in one column, as the type of the column."""
    text, place = _agreed(export, rows, columns.at[name], name)
    if not text:
        return None
    if name == "n_events":
        events = export.count(text, place)
        return None if events is None or events < 0 else events
    readers: dict[str, Callable[[str], object]] = {
        "acquisition_date": lambda told: read_date(told, export.settings.dates.order),
        "saved_at": lambda told: read_moment(told, export.settings.dates.order),
        "fcs_name": file_name,
    }
    try:
        return readers.get(name, str)(text)
    except AmbiguousDateError:
        raise export.refuse(place, f"{name} {text[:40]!r} can be read two ways; write it as YYYY-MM-DD") from None
    except ValueError as error:
        raise export.refuse(place, f"{name} cannot be read: {error}") from None


def _agreed(export: Export, rows: list[Row], n: int, name: str) -> tuple[str, str]:
    """The one value of a column over the rows of a sample, and where it stands."""
    filled = [(row[n], place) for place, row in rows if n < len(row) and row[n]]
    for text, place in filled:
        if text != filled[0][0]:
            # What is told can be a name: the values are not.
            raise export.refuse(place, f"{name} is another one than in {filled[0][1]}, of the same sample")
    return filled[0] if filled else ("", rows[0][0])
