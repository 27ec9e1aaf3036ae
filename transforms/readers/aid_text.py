"""AID ELISpot readers, text export: plate name, date, free-text comment, then the grid of spot counts.

Further grids with the same column header (spot surface, intensity) follow and are not counts. `TNTC` tokens break the
fixed width, so the grid is read by tokens and every row must have one token a column. Where the grid has a fixed width,
a row of another width comes from another grid: the text was cut or mended by hand, and is refused.
"""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import Final, NamedTuple

from expectations.errors import SourceFileError
from expectations.ingested import ELISPOT_COUNTS, PLATES
from expectations.study import StudySettings
from transforms.readers.dates import AmbiguousDateError, read_date
from transforms.readers.source import Reading, SourceFile, incoming

FORMAT: Final = "aid_text"
_COUNTS: Final = "Spot counts:"
_NEXT_GRID: Final = "Overall surface"
_AFTER_LATER_GRIDS: Final = ("Average", "All Well")
"""How what follows the grids below the counts begins."""
_WIDTH_OF_LATER_GRIDS: Final = 6
_SIZE = re.compile(r"Column:\s*(\d{1,3})\s+Row:\s*(\d{1,3})", re.ASCII)
_COUNT = re.compile(r"\d{1,6}", re.ASCII)
_FIXED_WIDTH: Final = 4
"""Least distance of column numbers that marks a grid of fixed width, and not one of single blanks."""
_EXPORT_AGAIN: Final = "export the plate again from the AID software and do not edit the text"


class _Well(NamedTuple):
    well: str
    spots: int | None
    status: str
    place: str


def recognises(text: str) -> bool:
    """True for a text that begins with a plate name or holds a grid titled as AID titles it."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    return first.strip().strip('"').lower().startswith("plate name:") or f"\n{_COUNTS}" in text


def read(source: SourceFile, text: str, settings: StudySettings) -> Reading:
    """One plate: a row of `plates` and one row of `elispot_counts` a well.

    Raises SourceFileError (aid.header, aid.count_grid, aid.count_token): the grid is taken in whole or not at all.
    """
    lines = text.split("\n")
    plate = _plate_name(source, lines)
    columns, rows = _declared_size(source, lines)
    wells = _count_grid(source, lines, columns, rows)
    analyte = settings.elispot.analyte
    shared: dict[str, object] = {"plate_id": plate, "analyte": analyte, "file_sha256": source.sha256}
    plates = {
        "instrument": "AID",
        "read_date": _read_date(source, lines, settings),
        "n_wells": len(wells),
        "n_wells_declared": columns * rows,
        "comment": _comment(lines),
        "place": "line 1",
    }
    return Reading(
        FORMAT,
        {
            "plates": incoming(PLATES, [shared | plates]),
            "elispot_counts": incoming(ELISPOT_COUNTS, [shared | well._asdict() for well in wells]),
        },
    )


def plate_id_of(name: str) -> str:
    """The plate name without blanks around it and without the reader's own file ending `.plt`."""
    return re.sub(r"\.plt$", "", name.strip(), flags=re.IGNORECASE).strip()


def _head(lines: list[str]) -> list[tuple[int, str]]:
    """Numbered lines above the comment and the counts, blanks and quotation marks around them taken away."""
    plain = [line.strip().strip('"').strip() for line in lines]
    end = next((n for n, line in enumerate(plain) if line in ("Comment:", _COUNTS)), len(plain))
    return list(enumerate(plain[:end], start=1))


def _plate_name(source: SourceFile, lines: list[str]) -> str:
    title = "Plate name:"
    told = [line[len(title) :] for _, line in _head(lines) if line.lower().startswith(title.lower())]
    names = {plate_id_of(name) for name in told} - {""}
    if len(names) == 1:
        return names.pop()
    several = f"there are several plate names ({', '.join(sorted(names))})"
    problem = several if names else f"no line `{title} ...` gives the plate a name"
    raise source.refuse("aid.header", place="above the count grid", problem=problem, remedy=_EXPORT_AGAIN)


def _declared_size(source: SourceFile, lines: list[str]) -> tuple[int, int]:
    sizes = [(number, match) for number, line in enumerate(lines, start=1) if (match := _SIZE.fullmatch(line.strip()))]
    if len(sizes) != 1:
        raise source.refuse(
            "aid.header",
            place="above the count grid",
            problem=f"expected one line `Column: 12  Row: 8`, found {len(sizes)}",
            remedy=_EXPORT_AGAIN,
        )
    number, match = sizes[0]
    columns, rows = int(match[1]), int(match[2])
    if not (1 <= columns <= 24 and 1 <= rows <= 16):
        raise source.refuse(
            "aid.header",
            place=f"line {number}",
            problem=f"no plate has {columns} columns and {rows} rows",
            remedy=_EXPORT_AGAIN,
        )
    return columns, rows


def _read_date(source: SourceFile, lines: list[str], settings: StudySettings) -> date | None:
    for number, line in _head(lines):
        if line.lower().startswith("date:") and (value := line[len("date:") :].strip()):
            try:
                return read_date(value, settings.dates.order)
            except ValueError as error:
                is_open = isinstance(error, AmbiguousDateError)
                raise source.refuse(
                    "aid.header",
                    place=f"line {number}",
                    problem=f"the read date cannot be read: {f'in {value!r} ' if is_open else ''}{error}",
                    remedy="set dates.order in study.toml" if is_open else _EXPORT_AGAIN,
                ) from error
    return None


def _comment(lines: list[str]) -> str | None:
    start = next((n for n, line in enumerate(lines) if line.strip() == "Comment:"), None)
    stop = next((n for n, line in enumerate(lines) if line.strip() == _COUNTS), len(lines))
    if start is None or start > stop:
        return None
    return " | ".join(line.strip() for line in lines[start + 1 : stop] if line.strip()) or None


def _count_grid(source: SourceFile, lines: list[str], columns: int, rows: int) -> list[_Well]:
    start = _grid_start(source, lines, columns)
    wells: list[_Well] = []
    for offset in range(rows):
        number = start + offset + 1
        tokens = lines[number - 1].split() if number <= len(lines) else []
        letter = chr(ord("A") + offset)
        _check_row(source, tokens, letter, columns, number)
        wells += [_well(source, token, f"{letter}{column}", number) for column, token in enumerate(tokens[1:], start=1)]
    _check_end(source, lines, start + rows, rows)
    _check_widths(source, lines, start, rows)
    return wells


def _check_end(source: SourceFile, lines: list[str], end: int, rows: int) -> None:
    """The last row must have ended: of a text cut short in it, its last count may lack digits."""
    below = lines[end].strip() if end < len(lines) else None
    if below:
        told = f"expected an empty line below the {rows} rows of counts, found {below[:40]!r}"
    elif below is None:
        told = "the file ends within the last row of counts, without a line end, so it may be cut short"
    else:
        return
    raise source.refuse("aid.count_grid", place=f"line {end + 1 if below else end}", problem=told, remedy=_EXPORT_AGAIN)


def _check_widths(source: SourceFile, lines: list[str], start: int, rows: int) -> None:
    """Rows of a grid of fixed width stand under its column numbers; TNTC shifts what follows it, evenly.

    One count a row may be off, as after an edit by hand; in the last row only where the next grid follows: else the row
    may end in numbers of a later grid.
    """
    after = next((line.strip(' "') for line in lines[start + rows :] if line.strip()), "")
    widths, gaps = set(_steps(lines[start - 1], skip=0)), _gaps(lines[start - 1], skip=0)
    if len(widths) > 1 and len(gaps) > 1:
        raise _of_another_grid(source, start, "they are not evenly spaced")
    if widths == {_WIDTH_OF_LATER_GRIDS} and after.startswith(_AFTER_LATER_GRIDS):
        raise _of_another_grid(source, start, f"they are spaced as in a later grid, and {after[:30]!r} follows")
    body = lines[start : start + rows]
    off = _off_by_separator(body, gaps) if len(widths) > 1 else _off_by_width(body, widths)
    for offset, n in enumerate(off):
        if n > (1 if after.startswith(_NEXT_GRID) or offset < rows - 1 else 0):
            seen = f"row {chr(ord('A') + offset)} does not stand under them"
            raise _of_another_grid(source, start + offset + 1, seen)


def _off_by_width(body: list[str], widths: set[int]) -> list[int]:
    """Per row, the counts that do not stand where a grid of fixed width has them; none where it has none."""
    found = [_steps(row, skip=1) for row in body]
    is_fixed = min(widths, default=0) >= _FIXED_WIDTH and any(
        len(set(steps)) == 1 and steps[0] >= _FIXED_WIDTH for steps in found
    )
    return [sum(step not in widths for step in steps) if is_fixed else 0 for steps in found]


def _off_by_separator(body: list[str], gaps: set[int]) -> list[int]:
    """Per row, the counts of one that is not parted as the column numbers are, where these are far apart."""
    is_wide = min(gaps) >= _FIXED_WIDTH - 1
    return [len(row.split()) if is_wide and _gaps(row, skip=1) - gaps else 0 for row in body]


def _of_another_grid(source: SourceFile, number: int, seen: str) -> SourceFileError:
    return source.refuse(
        "aid.count_grid",
        place=f"line {number}",
        problem=f"below the column numbers there may be numbers of another grid: {seen}",
        remedy=_EXPORT_AGAIN,
    )


def _steps(line: str, skip: int) -> list[int]:
    """Distances from the end of one token to the end of the next, where the next is a number."""
    tokens = list(re.finditer(r"\S+", line))[skip:]
    return [after.end() - before.end() for before, after in pairwise(tokens) if _COUNT.fullmatch(after[0])]


def _gaps(line: str, skip: int) -> set[int]:
    """Numbers of blanks between tokens."""
    tokens = list(re.finditer(r"\S+", line))[skip:]
    return {after.start() - before.end() for before, after in pairwise(tokens)}


def _grid_start(source: SourceFile, lines: list[str], columns: int) -> int:
    """Index of the first line of counts."""
    titles = [number for number, line in enumerate(lines, start=1) if line.strip() == _COUNTS]
    if len(titles) != 1:
        raise source.refuse(
            "aid.count_grid",
            place="whole file" if not titles else f"lines {', '.join(map(str, titles))}",
            problem=f"expected one grid titled `{_COUNTS}`, found {len(titles)}",
            remedy=_EXPORT_AGAIN,
        )
    expected = [str(column) for column in range(1, columns + 1)]
    above = next((number for number, line in enumerate(lines[: titles[0]], start=1) if line.split() == expected), None)
    if above is not None:
        raise source.refuse(
            "aid.count_grid",
            place=f"line {above}",
            problem=f"a grid stands above the one titled `{_COUNTS}`, which is the first in an export",
            remedy=_EXPORT_AGAIN,
        )
    header = next((n for n in range(titles[0], len(lines)) if lines[n].strip()), titles[0])
    found = lines[header].split() if header < len(lines) else []
    if found != expected:
        raise source.refuse(
            "aid.count_grid",
            place=f"line {header + 1}",
            problem=f"expected the column numbers 1 to {columns} above the counts, found {' '.join(found)[:40]!r}",
            remedy=_EXPORT_AGAIN,
        )
    return header + 1


def _check_row(source: SourceFile, tokens: list[str], letter: str, columns: int, number: int) -> None:
    if not tokens or tokens[0] != letter:
        raise source.refuse(
            "aid.count_grid",
            place=f"line {number}",
            problem=f"expected row {letter} of the counts, found {' '.join(tokens)[:40]!r}: cut short or out of order",
            remedy=_EXPORT_AGAIN,
        )
    if len(tokens) != columns + 1:
        raise source.refuse(
            "aid.count_grid",
            place=f"line {number}",
            problem=f"row {letter} has {len(tokens) - 1} counts for {columns} columns, so which well is which is open",
            remedy=_EXPORT_AGAIN,
        )


def _well(source: SourceFile, token: str, well: str, number: int) -> _Well:
    place = f"line {number}"
    if _COUNT.fullmatch(token):
        return _Well(well, int(token), "counted", place)
    if token.upper() == "TNTC":
        return _Well(well, None, "tntc", place)
    if token == "--":
        return _Well(well, None, "not_counted", place)
    raise source.refuse(
        "aid.count_token",
        place=f"{place}, well {well}",
        problem=f"{token[:20]!r} is neither a count, TNTC nor `--`",
        remedy=_EXPORT_AGAIN,
    )
