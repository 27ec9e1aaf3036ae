"""What every CTL ImmunoSpot export says of its plate, and what its tokens mean; text and workbooks share it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PureWindowsPath
from typing import Any, Final, NamedTuple

import polars as pl

from expectations.errors import SourceFileError
from expectations.ingested import ELISPOT_COUNTS, PLATES
from expectations.study import StudySettings
from transforms.readers.dates import AmbiguousDateError, read_date
from transforms.readers.plate_grid import Cells
from transforms.readers.source import Reading, SourceFile, incoming

EXPORT_AGAIN: Final = "export the plate again from the ImmunoSpot software and do not edit it"
_MEANINGS: Final = {
    "well is not counted": "not_counted",
    "off scale well": "off_scale",
    "rejected in qc": "qc_rejected",
    "not done": "not_counted",
}
"""What the legend below a grid says of a number below zero. `N/A` leaves it open."""
_SOFTWARE = re.compile(r"Software version:\s*(ImmunoSpot\b.*)", re.IGNORECASE)
_PATH = re.compile(r"(?:[A-Za-z]:[\\/]|\\\\|/).*\.(?:xlsx?|txt|csv)", re.IGNORECASE)
_COUNTED = re.compile(r"Counted:\s*([^;]*)", re.IGNORECASE)
_REVIEWED = re.compile(r"QC review last updated on\s+([^;]*?)(?:\s+by ImmunoSpot[^;]*)?(?:;.*)?", re.IGNORECASE)
_SERIAL = re.compile(r"Analyzer Serial number:\s*([^;]*?)\s*(?:;.*)?", re.IGNORECASE)
_TIME = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\s*[AP]M\b)?", re.IGNORECASE)
_LEGEND = re.compile(r"(-\d{1,4})\s*=\s*(.*?)(?=\s*-\d{1,4}\s*=|$)", re.ASCII)
_COLOURED = re.compile(r"QC changes are highlighted|\w+ numbers mean .+", re.IGNORECASE)
"""What an export says of the colour of its numbers: no reader sees it, and texts do not have it."""
_SETTING = re.compile(r"(?P<name>[^:]+?)(?::\s*| (?:was|were) )(?P<value>.*)")
_COUNT = re.compile(r"\d{1,6}", re.ASCII)
_SENTINEL = re.compile(r"-[1-9]\d{0,3}", re.ASCII)


class Token(NamedTuple):
    """What stands in the grid of counts for one well; `place` says where."""

    well: str
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Export:
    """One plate's export as rows of cells; `sheet` is None for text."""

    source: SourceFile
    cells: Cells
    sheet: str | None = None

    def place(self, row: int, column: int = 0) -> str:
        """A row and column, counted from 0, as a person finds them."""
        return f"line {row + 1}" if self.sheet is None else f"{self.sheet}!{_letters(column)}{row + 1}"

    def refuse(self, code: str, place: str, problem: str, remedy: str = EXPORT_AGAIN) -> SourceFileError:
        """The error that quarantines the file this plate is in."""
        return self.source.refuse(code, place=place, problem=problem, remedy=remedy)


@dataclass(frozen=True, slots=True)
class Counts:
    """The grid of counts: its tokens, the legend below it, and the row (from 0) at which the header above it ends."""

    tokens: list[Token]
    head_ends: int
    legend: Mapping[str, str] = field(default_factory=dict)
    plate_code: str | None = None
    coloured: Sequence[str] = ()
    """What is said below the grid of the colour of its numbers, which is lost."""


def is_first_line(text: str) -> bool:
    """True for the line every ImmunoSpot export begins with."""
    return _SOFTWARE.fullmatch(text.strip().strip('"').strip()) is not None


def legend_of(rows: Iterable[Sequence[str]]) -> dict[str, str]:
    """Statuses of numbers below zero, from the rows below a grid; a number with two meanings has none."""
    found: dict[str, set[str | None]] = {}
    for row in rows:
        for number, words in _LEGEND.findall(" ".join(text.strip() for text in row if text.strip())):
            found.setdefault(number, set()).add(_MEANINGS.get(words.strip().lower()))
    return {
        number: status
        for number, statuses in found.items()
        if len(statuses) == 1 and (status := next(iter(statuses))) is not None
    }


def coloured_of(rows: Iterable[Sequence[str]]) -> list[str]:
    """What the rows below a grid say of the colour of its numbers."""
    return list(dict.fromkeys(text.strip() for row in rows for text in row if _COLOURED.fullmatch(text.strip())))


def reading_of(format_name: str, plates: Sequence[tuple[Export, Counts]], settings: StudySettings) -> Reading:
    """What a file holds: its plates with their wells, and what of them is lost.

    Raises SourceFileError (ctl.header, ctl.count_token, sentinel.undeclared).
    """
    told = [tables_of(export, counts, settings) for export, counts in plates]
    lost = dict.fromkeys(f"colour of the counts ({words})" for _, counts in plates for words in counts.coloured)
    return Reading(
        format_name,
        {name: pl.concat([tables[name] for tables in told]) for name in told[0]},
        unused_columns={"elispot_counts": list(lost)} if lost else {},
    )


def tables_of(export: Export, counts: Counts, settings: StudySettings) -> dict[str, pl.DataFrame]:
    """Incoming frames: a row of `plates`, a row of `elispot_counts` a well.

    Raises SourceFileError (ctl.header, ctl.count_token, sentinel.undeclared).
    """
    head = [[text.strip().strip('"').strip() for text in row] for row in export.cells[: counts.head_ends]]
    shared: dict[str, object] = {
        "plate_id": _plate_name(export, head),
        "analyte": settings.elispot.analyte,
        "file_sha256": export.source.sha256,
    }
    wells = _wells(export, counts, settings)
    lines = [next((text for text in row if text), "") for row in head]
    plate = {
        "instrument": " ".join(["CTL ImmunoSpot", *_told(_SERIAL, lines)[:1]]),
        "software_version": next(iter(_told(_SOFTWARE, lines)), None),
        "counting_parameters": _parameters(head),
        "read_date": _read_date(export, lines, settings),
        "n_wells": len(wells),
        "n_wells_declared": len(counts.tokens),
        "comment": _comment(lines, counts.plate_code),
        "place": export.place(next((row for row, line in enumerate(lines) if line), 0)),
    }
    return {
        "plates": incoming(PLATES, [shared | plate]),
        "elispot_counts": incoming(ELISPOT_COUNTS, [shared | well for well in wells]),
    }


def _plate_name(export: Export, head: list[list[str]]) -> str:
    """The name of the plate's file, which every kind of export gives, before and after a quality control."""
    paths = {text for row in head for text in row if _PATH.fullmatch(text)}
    names = {PureWindowsPath(path).stem.strip() for path in paths} - {""}
    if len(names) == 1:
        return names.pop()
    several = f"several paths name the plate ({', '.join(sorted(names))})"
    problem = several if names else r"no line with the path of the plate's file, as D:\Plates\P1.xls, gives it a name"
    raise export.refuse("ctl.header", "above the grids", problem)


def _read_date(export: Export, lines: list[str], settings: StudySettings) -> date | None:
    """The day of counting; an export after quality control tells that of the review only, which is another."""
    for row, line in enumerate(lines):
        match = _COUNTED.match(line)
        if match is None or not (written := match[1].strip()):
            continue
        try:
            return read_date(" ".join(_TIME.sub(" ", written).split()), settings.dates.order)
        except ValueError as error:
            is_open = isinstance(error, AmbiguousDateError)
            raise export.refuse(
                "ctl.header",
                export.place(row),
                f"the day of counting cannot be read: {f'in {written!r} ' if is_open else ''}{error}",
                "set dates.order in study.toml" if is_open else EXPORT_AGAIN,
            ) from error
    return None


def _comment(lines: list[str], plate_code: str | None) -> str | None:
    """The review and the plate code, for which there are no columns."""
    told = [f"QC review last updated on {when}" for when in _told(_REVIEWED, lines)]
    if plate_code:
        told.append(f"Plate code: {plate_code}")
    return " | ".join(told) or None


def _parameters(head: list[list[str]]) -> str | None:
    """How the plate was counted: what stands below the path of its file, as JSON.

    `Sensitivity: 160`, `Fill Holes was Off` and `Oversized Spots were Estimated` are settings with a value. What
    stands in brackets belongs to the line above.
    """
    below = next((row for row, texts in enumerate(head) if any(map(_PATH.fullmatch, texts))), len(head))
    lines = [" ".join(filter(None, texts)) for texts in head[below + 1 :]]
    settings: dict[str, list[str]] = {}
    name = None
    for line in (line for line in lines if re.search(r"[^\W\d_]", line)):
        if name is not None and line.startswith("("):
            settings[name][-1] += f" {line}"
            continue
        match = _SETTING.fullmatch(line)
        name, value = (match["name"], match["value"]) if match else (line, "")
        settings.setdefault(name, []).append(value)
    told = {name: values[0] if len(values) == 1 else values for name, values in settings.items()}
    return json.dumps(told, ensure_ascii=False) if told else None


def _told(pattern: re.Pattern[str], lines: list[str]) -> list[str]:
    return [match[1].strip() for line in lines if (match := pattern.fullmatch(line)) and match[1].strip()]


def _wells(export: Export, counts: Counts, settings: StudySettings) -> list[dict[str, Any]]:
    meanings = {**settings.elispot.sentinels, **counts.legend}
    _refuse_undeclared(export, counts.tokens, meanings)
    wells = []
    for token in counts.tokens:
        spots, status = _meaning(export, token, meanings)
        wells.append({"well": token.well, "spots": spots, "status": status, "place": token.place})
    return wells


def _meaning(export: Export, token: Token, meanings: Mapping[str, str]) -> tuple[int | None, str]:
    if _COUNT.fullmatch(token.text):
        return int(token.text), "counted"
    if not token.text:
        return None, "not_counted"
    if token.text.upper() == "TNTC":
        return None, "tntc"
    if token.text in meanings:
        return None, meanings[token.text]
    raise export.refuse(
        "ctl.count_token",
        f"{token.place}, well {token.well}",
        f"{token.text[:20]!r} is neither a count, TNTC nor a number below zero that the legend explains",
    )


def _refuse_undeclared(export: Export, tokens: list[Token], meanings: Mapping[str, str]) -> None:
    open_ones = [token for token in tokens if _SENTINEL.fullmatch(token.text) and token.text not in meanings]
    if open_ones:
        first, numbers = open_ones[0], sorted({token.text for token in open_ones}, key=int, reverse=True)
        raise export.refuse(
            "sentinel.undeclared",
            f"{first.place}, well {first.well}",
            f"{len(open_ones)} of {len(tokens)} wells hold {', '.join(numbers)}, and no legend says what that means",
            f'say it in study.toml under [elispot.sentinels], as {numbers[0]} = "not_counted"',
        )


def _letters(column: int) -> str:
    """A column of a sheet, counted from 0, by its letters."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
