"""What every export of statistics says alike: cells to typed counts and percentages of the populations of a sample.

Counts are kept, percentages go beside them as they are rounded. A file that contradicts itself is not read: where it
gives count, parent and percentage, the three must fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from expectations.cytometry_in import CYTOMETRY_COUNTS, CYTOMETRY_SAMPLES
from expectations.errors import SourceFileError
from expectations.reasons import reason
from expectations.study import StudySettings
from transforms.gating_paths import path_of
from transforms.readers.dates import read_date
from transforms.readers.numbers import Mark, decimal_mark, read_number, read_whole_number
from transforms.readers.sample_words import batches_of, file_name, kept_keywords
from transforms.readers.source import Reading, SourceFile, incoming
from transforms.readers.stale_counts import NEVER_COMPUTED, stale

Gates = tuple[str, ...]
"""Names of the gates from the root to a population; none for all events."""

_LARGEST: Final = 2**53 - 1
_PLAIN_DIGITS: Final = 15
"""Digits of a number that needs no further look."""
_MISSING: Final = frozenset({"", "n/a", "#n/a", "na", "nan", "null", "--", "-"})
_TOO_NARROW = re.compile(r"#+")
"""What a column too narrow for its number shows, and FACSDiva for a percentage of nothing."""
_DECIMALS = re.compile(r"[.,]([0-9]+)")
_POWER = re.compile(r"[eE]([+-]?[0-9]+)")
_FLOATING: Final = 1e-9
"""Percent points that floating point may be off."""


@dataclass(frozen=True, slots=True)
class Told:
    """The cells of one population of a sample; None where the export has no such column."""

    count: str | None
    percent: str | None
    place: str
    gate_type: str | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """A file of statistics being read: how it writes numbers, and the code it is refused with."""

    source: SourceFile
    format: str
    code: str
    settings: StudySettings
    mark: Mark = None

    def refuse(self, place: str, problem: str) -> SourceFileError:
        """The error that quarantines the file, with the remedy of its code."""
        return self.source.refuse(self.code, place=place, problem=problem, remedy=reason(self.code).remedy)

    def count(self, cell: str, place: str) -> int | None:
        """A count, -1 among them; None for a cell without one. Anything else refuses the file: nothing is rounded."""
        if cell.isascii() and cell.isdigit() and len(cell) <= _PLAIN_DIGITS:  # nearly all are
            return int(cell)
        if is_missing(cell):
            return None
        try:
            value = read_whole_number(cell, self.mark, _LARGEST)
        except ValueError as error:
            raise self.refuse(place, f"a count cannot be read: {error}") from None
        if value < NEVER_COMPUTED:
            raise self.refuse(place, f"a count is {cell[:40]!r}, which is no count")
        return value

    def percent(self, cell: str, place: str) -> float | None:
        """A percentage; None for a cell without one."""
        if is_missing(cell):
            return None
        try:
            return read_number(cell.removesuffix("%").strip(), self.mark)
        except ValueError as error:
            raise self.refuse(place, f"a percentage cannot be read: {error}") from None


@dataclass(frozen=True, slots=True)
class Population:
    """What the cells of a population mean."""

    told: Told
    status: str
    count: int | None
    percent: float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample: all its keywords, whatever is kept of them; other names of its batch; and other columns of its row."""

    name: str
    place: str
    populations: Mapping[Gates, Population]
    keywords: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str | None, ...] = ()
    known: Mapping[str, object] = field(default_factory=dict)


def mark_of(cells: Iterable[str], *, point_is_decimal: bool) -> Mark:
    """The decimal mark of an export from all its cells; most of them are plain digits and tell nothing."""
    return decimal_mark({cell for cell in cells if not cell.isdigit()}, point_is_decimal=point_is_decimal)


def is_missing(cell: str) -> bool:
    """True for the ways exports leave a number out."""
    return cell.strip().lower() in _MISSING or _TOO_NARROW.fullmatch(cell.strip()) is not None


def gates_of_text(path: str) -> Gates:
    """The gates of a path as programs write it, parted by `/`, with or without one before the first."""
    inside = path.strip().removeprefix("/")
    return tuple(inside.split("/")) if inside else ()


def populations_of(
    export: Export, told: Mapping[Gates, Told], n_declared: int | None = None, *, is_stale: bool = False
) -> dict[Gates, Population]:
    """The populations of one sample.

    Stale are: everything, where the file says so or stores 0 or -1 for all events of a sample that has some; and a
    population that holds fewer events than one inside it, with all that is inside, as one of the two is older.

    Args:
        export: the file.
        told: cells by the gates of the population.
        n_declared: events of the sample where something else than its counts says so.
        is_stale: no count of the sample can be right.

    Raises SourceFileError for a number that cannot be read, and for a percentage that count and parent contradict.
    """
    counts = {gates: _told_count(export, one) for gates, one in told.items()}
    percents = {gates: _told_percent(export, one) for gates, one in told.items()}
    is_stale = is_stale or counts.get(()) == NEVER_COMPUTED
    cannot_be = set(counts) if is_stale else stale(counts, n_declared)
    found = {}
    for gates, count in counts.items():
        status = _status(count, percents[gates])
        if status == "counted" and gates in cannot_be:
            status = "stale"
        found[gates] = Population(told[gates], status, count if status == "counted" else None, percents[gates])
    for gates in found:
        _check_percent(export, gates, found)
    return found


def whole_or_none(text: str) -> int | None:
    """A keyword that is a plain whole number, as $TOT."""
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text.strip(), re.ASCII) else None


def day_or_none(text: str, settings: StudySettings) -> date | None:
    """A keyword that is a date and can be read in one way only."""
    try:
        return read_date(text, settings.dates.order)
    except ValueError:
        return None


class Samples:
    """The samples of an export with their counts, numbered as they are added."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._samples: list[dict[str, object]] = []
        self._counts: list[dict[str, object]] = []

    def add(self, sample: Sample) -> None:
        """One sample more. Its events are the count of all of them, unless `known` says otherwise."""
        export, keywords = self._export, sample.keywords
        if not sample.name:
            raise export.refuse(sample.place, "a sample has no name")
        is_file = sample.name.lower().endswith(".fcs")
        called = file_name(sample.name) if is_file else sample.name
        root = sample.populations.get(())
        number = len(self._samples) + 1
        self._samples.append(
            {
                "sample_number": number,
                "sample_name": called,
                "fcs_name": file_name(keywords.get("$FIL", "")) or (called if is_file else None),
                "batches": batches_of(export.source.path, keywords, export.settings, sample.also),
                "keywords": kept_keywords(keywords, export.settings),
                "n_events": None if root is None else root.count,
                "acquisition_date": day_or_none(keywords.get("$DATE", ""), export.settings),
                "source": export.format,
                "file_sha256": export.source.sha256,
                "place": sample.place,
                **sample.known,
            }
        )
        self._counts += [
            {
                "sample_number": number,
                "population_path": path_of(gates),
                "status": one.status,
                "count": one.count,
                "percent_of_parent": one.percent,
                "gate_type": one.told.gate_type,
                "file_sha256": export.source.sha256,
                "place": one.told.place,
            }
            for gates, one in sample.populations.items()
        ]

    def reading(self, unused: list[str]) -> Reading:
        """The tables of the export. Raises SourceFileError (table.empty) where there is no sample."""
        if not self._samples:
            problem = "there is a header and no sample below it"
            raise self._export.source.refuse(
                "table.empty", place="below the header", problem=problem, remedy="export it again"
            )
        tables = {
            "cytometry_samples": incoming(CYTOMETRY_SAMPLES, self._samples),
            "cytometry_counts": incoming(CYTOMETRY_COUNTS, self._counts),
        }
        return Reading(self._export.format, tables, [], {"cytometry_counts": unused} if unused else {})


def _told_count(export: Export, told: Told) -> int | None:
    return None if told.count is None else export.count(told.count, told.place)


def _told_percent(export: Export, told: Told) -> float | None:
    return None if told.percent is None else export.percent(told.percent, told.place)


def _status(count: int | None, percent: float | None) -> str:
    if count is not None:
        return "never_computed" if count == NEVER_COMPUTED else "counted"
    return "not_counted" if percent is None else "percent_only"


def _check_percent(export: Export, gates: Gates, found: Mapping[Gates, Population]) -> None:
    """Count, count of the parent and percentage must fit to the last digit the percentage is written with."""
    here, parent = found[gates], found.get(gates[:-1]) if gates else None
    told = here.told
    if told.percent is None or here.count is None or here.percent is None or parent is None or not parent.count:
        return
    true = 100.0 * here.count / parent.count
    if abs(true - here.percent) > _last_digit(told.percent) + _FLOATING:
        told_percent = told.percent.removesuffix("%").strip()
        problem = f"{here.count} of {parent.count} events are {true:.6g} %, and the file says {told_percent} %"
        raise export.refuse(f"{told.place}: {path_of(gates)}", problem)


def _last_digit(percent: str) -> float:
    """What one more in the last digit of a percentage as it is written means, percent points."""
    decimals, power = _DECIMALS.search(percent), _POWER.search(percent)
    return float(10.0 ** ((int(power[1]) if power else 0) - (len(decimals[1]) if decimals else 0)))
