"""AID ELISpot readers, text export: plate name, date, free-text comment, then the grid of spot counts.

Further grids with the same column header (spot surface, intensity) follow and are not counts. Behind the last of them
may stand settings and comments on single wells.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, NamedTuple

from expectations.errors import SourceFileError
from expectations.ingested import ELISPOT_COUNTS, PLATES
from expectations.study import StudySettings
from transforms.readers.aid_grid import EXPORT_AGAIN, TITLE, count_grid
from transforms.readers.counting_parameters import as_json, labelled, software_version
from transforms.readers.dates import AmbiguousDateError, read_date
from transforms.readers.sentinels import CountCell, meanings_of
from transforms.readers.source import Reading, SourceFile, incoming_columns

FORMAT: Final = "aid_text"
_NAME: Final = "Plate name:"
_COMMENT: Final = "Comment:"
_WELL_COMMENTS: Final = "All Well Comments"
_WORDS: Final = {"TNTC": "tntc", "--": "not_counted"}
"""What stands for a count, in capitals."""
_SIZE = re.compile(r"Column:\s*(\d{1,3})\s+Row:\s*(\d{1,3})", re.ASCII)
_SIZE_IN_ANY_LANGUAGE = re.compile(r'(?m)^[ "]*[^\W\d_]+:[ \t]*(?:12|24)[ \t]+[^\W\d_]+:[ \t]*(?:8|16)[ "]*$')
_COLUMN_NUMBERS = re.compile(r"(?m)^\s*1\s+2\s+3\s+4\s+5\s+6\s+7\s+8\s+9\s+10\s+11\s+12\b")
_LABELLED = re.compile(r"([^:]{1,60}):\s*(\S.*)")


class _Export(NamedTuple):
    """The lines of one export as they stand, and without the blanks and quotation marks around them."""

    source: SourceFile
    lines: list[str]
    plain: list[str]
    head_ends: int
    """Index of the first line of the comment or the counts."""

    def refuse(self, place: str, problem: str, remedy: str = EXPORT_AGAIN) -> SourceFileError:
        return self.source.refuse("aid.header", place=place, problem=problem, remedy=remedy)


def recognises(text: str) -> bool:
    """True for a text that begins with a plate name, holds a grid titled as AID titles it, or is one in other words."""
    return _is_english(text) or _is_in_other_words(text)


def read(source: SourceFile, text: str, settings: StudySettings) -> Reading:
    """One plate: a row of `plates` and one row of `elispot_counts` a well.

    Raises SourceFileError (aid.header, aid.count_grid, aid.count_token, sentinel.undeclared): the grid is taken in
    whole or not at all.
    """
    if not _is_english(text):
        raise source.refuse(
            "aid.header",
            place="whole file",
            problem=f"it is laid out as an AID export but has no `{_NAME}` and no `{TITLE}`: only English is known",
            remedy="set the AID software to English and export the plate again",
        )
    lines = text.split("\n")
    plain = [line.strip(' \t\r\f\v"') for line in lines]
    export = _Export(
        source, lines, plain, next((n for n, line in enumerate(plain) if line in (_COMMENT, TITLE)), len(plain))
    )
    shared: dict[str, object] = {
        "plate_id": _plate_name(export),
        "analyte": settings.elispot.analyte,
        "file_sha256": source.sha256,
    }
    columns, rows = _declared_size(export)
    cells, end = count_grid(source, lines, columns, rows)
    spots, statuses = meanings_of(source, cells, _WORDS, settings, lambda cell: _bad_token(source, cell))
    told = _labelled(plain[: export.head_ends])
    after, well_comments = _below(plain[end:])
    plate = {
        "instrument": "AID",
        "software_version": software_version(told) or software_version(after),
        "read_date": _read_date(export, settings),
        "n_wells": len(cells),
        "n_wells_declared": columns * rows,
        "counting_parameters": as_json(after),
        "comment": " | ".join([*_comment(export), *well_comments]) or None,
        "place": "line 1",
    }
    wells = {
        "well": [cell.well for cell in cells],
        "spots": spots,
        "status": statuses,
        "place": [cell.place for cell in cells],
    }
    tables = {
        "plates": incoming_columns(PLATES, 1, shared | plate),
        "elispot_counts": incoming_columns(ELISPOT_COUNTS, len(cells), shared | wells),
    }
    return Reading(FORMAT, tables)


def plate_id_of(name: str) -> str:
    """The plate name without blanks around it and without the reader's own file ending `.plt`."""
    name = name.strip()
    return name[:-4].strip() if name[-4:].lower() == ".plt" else name


def _is_english(text: str) -> bool:
    first = next((line for line in text.split("\n", 100) if line.strip()), "")
    return first.strip().strip('"').lower().startswith(_NAME.lower()) or f"\n{TITLE}" in text


def _is_in_other_words(text: str) -> bool:
    """True for the size of a plate under labels of any language, above column numbers."""
    size = _SIZE_IN_ANY_LANGUAGE.search(text)
    return size is not None and _COLUMN_NUMBERS.search(text, size.end()) is not None


def _plate_name(export: _Export) -> str:
    told = [line[len(_NAME) :] for line in export.plain[: export.head_ends] if line.lower().startswith(_NAME.lower())]
    names = {plate_id_of(name) for name in told} - {""}
    if len(names) == 1:
        return names.pop()
    several = f"there are several plate names ({', '.join(sorted(names))})"
    problem = several if names else f"no line `{_NAME} ...` gives the plate a name"
    raise export.refuse("above the count grid", problem)


def _declared_size(export: _Export) -> tuple[int, int]:
    sizes = [(number, match) for number, line in enumerate(export.plain, start=1) if (match := _SIZE.fullmatch(line))]
    if len(sizes) != 1:
        raise export.refuse("above the count grid", f"expected one line `Column: 12  Row: 8`, found {len(sizes)}")
    number, match = sizes[0]
    columns, rows = int(match[1]), int(match[2])
    if not (1 <= columns <= 24 and 1 <= rows <= 16):
        raise export.refuse(f"line {number}", f"no plate has {columns} columns and {rows} rows")
    return columns, rows


def _read_date(export: _Export, settings: StudySettings) -> date | None:
    label = "date:"
    for number, line in enumerate(export.plain[: export.head_ends], start=1):
        if line.lower().startswith(label) and (value := line[len(label) :].strip()):
            try:
                return read_date(value, settings.dates.order)
            except ValueError as error:
                is_open = isinstance(error, AmbiguousDateError)
                raise export.refuse(
                    f"line {number}",
                    f"the read date cannot be read: {f'in {value!r} ' if is_open else ''}{error}",
                    "set dates.order in study.toml" if is_open else EXPORT_AGAIN,
                ) from error
    return None


def _comment(export: _Export) -> list[str]:
    """Filled lines of the comment block, which ends where the counts begin."""
    begins, plain = export.head_ends, export.plain
    if begins == len(plain) or plain[begins] != _COMMENT:
        return []
    block = plain[begins + 1 : plain.index(TITLE, begins)]
    return [line for line in block if line]


def _below(plain: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Labelled lines below the counts, and the comments on single wells, which come last."""
    at = next((n for n, line in enumerate(plain) if line.startswith(_WELL_COMMENTS)), len(plain))
    comments = [plain[at][len(_WELL_COMMENTS) :].strip(" :"), *plain[at + 1 :]] if at < len(plain) else []
    return _labelled(plain[:at]), [line for line in comments if line]


def _labelled(lines: list[str]) -> dict[str, list[str]]:
    matches = [match for line in lines if ":" in line and (match := _LABELLED.fullmatch(line))]
    return labelled((match[1], match[2]) for match in matches)


def _bad_token(source: SourceFile, cell: CountCell) -> SourceFileError:
    return source.refuse(
        "aid.count_token",
        place=f"{cell.place}, well {cell.well}",
        problem=f"{cell.text[:20]!r} is neither a count, TNTC nor `--`",
        remedy=EXPORT_AGAIN,
    )
