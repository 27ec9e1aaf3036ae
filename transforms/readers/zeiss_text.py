"""Zeiss KS ELISPOT, text export: title, comment, the grid of counts under `Quantity`, then the counting parameters.

The grid ends in a row and a column `S` of sums. They are no wells; they prove that every count is as the instrument
wrote it, so a grid that does not add up was edited or cut short, and is refused.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, NamedTuple

from expectations.errors import SourceFileError
from expectations.ingested import ELISPOT_COUNTS, PLATES
from expectations.study import StudySettings
from transforms.readers.aid_text import plate_id_of
from transforms.readers.counting_parameters import as_json, labelled, software_version
from transforms.readers.dates import AmbiguousDateError, read_date
from transforms.readers.sentinels import CountCell, meanings_of
from transforms.readers.source import Reading, SourceFile, incoming, incoming_columns

FORMAT: Final = "zeiss_text"
_HEADINGS: Final = ("Comment", "Quantity", "Parameters")
_NO_TITLE: Final = "Please Enter Title Here!"
"""What the software writes where nobody gave the plate a title."""
_SUM: Final = "S"
_ROWS_OF: Final = {12: 8, 24: 16}
"""Columns of a plate to its rows."""
_WORDS: Final = {"": "not_counted"}
"""What stands for a count."""
_NUMBER = re.compile(r"-?\d{1,6}", re.ASCII)
_NO_SETTINGS: Final = ("date", "time")
"""Labels, in lower case, of what stands below `Parameters` and does not say how spots were counted."""
_TOTAL = re.compile(r"-?\d{1,8}", re.ASCII)
_EXPORT_AGAIN: Final = "export the plate again from the KS ELISPOT software and do not edit the text"


class _Sections(NamedTuple):
    """Lines of each part with their numbers; `grid` begins with the column numbers."""

    title: list[tuple[int, str]]
    comment: list[tuple[int, str]]
    grid: list[tuple[int, str]]
    parameters: list[tuple[int, str]]


def recognises(text: str) -> bool:
    """True for a text in which at least two of the headings Comment, Quantity and Parameters are lines of their own."""
    lines = {line.strip() for line in text.split("\n")}
    return sum(heading in lines for heading in _HEADINGS) >= 2


def read(source: SourceFile, text: str, settings: StudySettings) -> Reading:
    """One plate: a row of `plates` and one row of `elispot_counts` a well.

    The plate is named by the title; where nobody entered one, by a comment of a single line. An empty cell is a well
    not counted.

    Raises SourceFileError (zeiss.header, zeiss.count_grid, sentinel.undeclared): the grid is taken in whole or not at
    all.
    """
    parts = _sections(source, text)
    comment = " | ".join(line.strip() for _, line in parts.comment if line.strip()) or None
    cells = _count_grid(source, parts.grid)
    spots, statuses = meanings_of(source, cells, _WORDS, settings, lambda cell: _bad_cell(source, cell))
    told = labelled((line.partition(":")[0], line.partition(":")[2]) for _, line in parts.parameters)
    shared: dict[str, object] = {
        "plate_id": _plate_name(source, parts),
        "analyte": settings.elispot.analyte,
        "file_sha256": source.sha256,
    }
    plate = {
        "instrument": "Zeiss KS ELISPOT",
        "software_version": software_version(told),
        "read_date": _read_date(source, parts.parameters, settings),
        "n_wells": len(cells),
        "counting_parameters": as_json(told, without=_NO_SETTINGS),
        "comment": comment,
        "place": f"line {parts.grid[0][0]}",
    }
    wells = {
        "well": [cell.well for cell in cells],
        "spots": spots,
        "status": statuses,
        "place": [cell.place for cell in cells],
    }
    tables = {
        "plates": incoming(PLATES, [shared | plate]),
        "elispot_counts": incoming_columns(ELISPOT_COUNTS, len(cells), shared | wells),
    }
    return Reading(FORMAT, tables)


def _sections(source: SourceFile, text: str) -> _Sections:
    lines = text.split("\n")
    at = {heading: [n for n, line in enumerate(lines) if line.strip() == heading] for heading in _HEADINGS}
    for heading, found in at.items():
        if len(found) > 1 or (heading == "Quantity" and not found):
            raise source.refuse(
                "zeiss.count_grid" if heading == "Quantity" else "zeiss.header",
                place=", ".join(f"line {n + 1}" for n in found) or "whole file",
                problem=f"expected one line `{heading}`, found {len(found)}",
                remedy=_EXPORT_AGAIN,
            )
    quantity = at["Quantity"][0]
    comment = at["Comment"][0] if at["Comment"] else quantity
    parameters = at["Parameters"][0] if at["Parameters"] else len(lines)
    if not comment <= quantity < parameters:
        raise source.refuse(
            "zeiss.header",
            place=f"line {quantity + 1}",
            problem="expected the parts of an export in the order Comment, Quantity, Parameters",
            remedy=_EXPORT_AGAIN,
        )
    told = list(enumerate(lines, start=1))
    return _Sections(
        told[:comment], told[comment + 1 : quantity], told[quantity + 1 : parameters], told[parameters + 1 :]
    )


def _plate_name(source: SourceFile, parts: _Sections) -> str:
    titles = [line.strip() for _, line in parts.title if line.strip()]
    comments = [line.strip() for _, line in parts.comment if line.strip()]
    named = [plate_id_of(line) for line in ([] if titles == [_NO_TITLE] else titles) or comments]
    if len(named) == 1 and named[0]:
        return named[0]
    told = f"there are {len(named)} lines that could be its name" if named else "it has neither a title nor a comment"
    raise source.refuse(
        "zeiss.header",
        place="above the count grid",
        problem=f"the plate has no name: {told}; expected a title of one line or, without title, such a comment",
        remedy="enter the plate's name as title in the KS ELISPOT software and export again",
    )


def _read_date(source: SourceFile, lines: list[tuple[int, str]], settings: StudySettings) -> date | None:
    told = [
        (number, line.strip()[len("Date:") :].strip()) for number, line in lines if line.strip().startswith("Date:")
    ]
    if not told:
        return None
    number, value = told[0]
    if len(told) > 1:
        raise source.refuse(
            "zeiss.header",
            place=", ".join(f"line {n}" for n, _ in told),
            problem=f"expected one read date below `Parameters`, found {len(told)}",
            remedy=_EXPORT_AGAIN,
        )
    try:
        return read_date(value, settings.dates.order)
    except ValueError as error:
        is_open = isinstance(error, AmbiguousDateError)
        raise source.refuse(
            "zeiss.header",
            place=f"line {number}",
            problem=f"the read date cannot be read: {f'in {value!r} ' if is_open else ''}{error}",
            remedy="set dates.order in study.toml" if is_open else _EXPORT_AGAIN,
        ) from error


def _count_grid(source: SourceFile, lines: list[tuple[int, str]]) -> list[CountCell]:
    """The cells of the wells, row by row, after their sums have been seen to be right."""
    filled = [(number, [cell.strip() for cell in line.split("\t")]) for number, line in lines if line.strip()]
    n_columns = _columns(source, lines, filled)
    n_rows = _ROWS_OF[n_columns]
    if len(filled) != n_rows + 2:
        last = filled[-1][0]
        told = (
            f"expected {n_rows} rows of counts and one of sums below the column numbers, found {len(filled) - 1} lines"
        )
        raise _refused(source, f"line {last}", told)
    rows = filled[1 : n_rows + 1]
    for offset, (number, cells) in enumerate(rows):
        _check_row(source, number, cells, chr(ord("A") + offset), n_columns)
    _check_sums(source, rows, filled[-1])
    return [
        CountCell(f"{cells[0]}{n}", cell, f"line {number}")
        for number, cells in rows
        for n, cell in enumerate(cells[1:-1], start=1)
    ]


def _columns(source: SourceFile, lines: list[tuple[int, str]], filled: list[tuple[int, list[str]]]) -> int:
    place = f"line {filled[0][0]}" if filled else f"line {lines[0][0]}" if lines else "below `Quantity`"
    for n_columns in _ROWS_OF:
        if filled and filled[0][1] == ["", *map(str, range(1, n_columns + 1)), _SUM]:
            return n_columns
    found = " ".join(filled[0][1])[:40] if filled else ""
    expected = " or ".join(f"1 to {n}" for n in _ROWS_OF)
    told = f"expected the column numbers {expected} and `{_SUM}`, parted by tabs, below `Quantity`, found {found!r}"
    raise _refused(source, place, told)


def _check_row(source: SourceFile, number: int, cells: list[str], letter: str, n_columns: int) -> None:
    place = f"line {number}"
    if cells[0] != letter:
        raise _refused(source, place, f"expected row {letter} of the counts, found {cells[0][:20]!r}")
    if len(cells) != n_columns + 2:
        told = f"row {letter} has {len(cells) - 1} cells, expected {n_columns} counts and their sum"
        raise _refused(source, place, told)
    for column, cell in enumerate(cells[1:-1], start=1):
        if cell and not _NUMBER.fullmatch(cell):
            raise _bad_cell(source, CountCell(f"{letter}{column}", cell, place))


def _check_sums(source: SourceFile, rows: list[tuple[int, list[str]]], sums: tuple[int, list[str]]) -> None:
    """The sums of rows, columns and, where it is given, of the plate.

    Whether the software adds a number below zero or passes it over is not known: one of the two must hold throughout.
    """
    number, below = sums
    n_columns = len(rows[0][1]) - 2
    if below[0] != _SUM or len(below) not in (n_columns + 1, n_columns + 2):
        told = f"expected a row `{_SUM}` with the sums of {n_columns} columns below the counts"
        raise _refused(source, f"line {number}", told)
    passed_over = _faults(rows, sums, lowest=0)
    if passed_over and _faults(rows, sums, lowest=-(10**6)):
        where, told = passed_over[0]
        raise _refused(source, f"line {where}", told)


def _faults(rows: list[tuple[int, list[str]]], sums: tuple[int, list[str]], lowest: int) -> list[tuple[int, str]]:
    """Line and words of each sum that is not that of its numbers from `lowest` on."""
    numbers = [[n if (n := int(cell or 0)) >= lowest else 0 for cell in cells[1:-1]] for _, cells in rows]
    number, below = sums
    told = [(line, f"row {cells[0]}", cells[-1], row) for (line, cells), row in zip(rows, numbers, strict=True)]
    told += [
        (number, f"column {n + 1}", below[n + 1], list(column)) for n, column in enumerate(zip(*numbers, strict=True))
    ]
    if below[len(numbers[0]) + 1 :] not in ([], [""]):
        told.append((number, "the plate", below[-1], [spots for row in numbers for spots in row]))
    return [
        (line, f"the counts of {what} add up to {sum(counts)}, but the sum there is {total[:20]!r}")
        for line, what, total, counts in told
        if not _TOTAL.fullmatch(total) or int(total) != sum(counts)
    ]


def _bad_cell(source: SourceFile, cell: CountCell) -> SourceFileError:
    told = f"{cell.text[:20]!r} is neither a count nor empty, and what else may stand there perdure does not know"
    return _refused(source, f"{cell.place}, well {cell.well}", told)


def _refused(source: SourceFile, place: str, problem: str) -> SourceFileError:
    return source.refuse("zeiss.count_grid", place=place, problem=problem, remedy=_EXPORT_AGAIN)
