"""The grid of counts of an AID text export: where it stands, and whether its rows are its own.

`TNTC` tokens break the fixed width, so the grid is read by tokens and every row must have one token a column. Where the
grid has a fixed width, a row of another width comes from another grid: the text was cut or mended by hand, and is
refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from expectations.errors import SourceFileError
from transforms.readers.sentinels import CountCell
from transforms.readers.source import SourceFile

TITLE: Final = "Spot counts:"
EXPORT_AGAIN: Final = "export the plate again from the AID software and do not edit the text"
_NEXT_GRID: Final = "Overall surface"
_AFTER_LATER_GRIDS: Final = ("Average", "All Well")
"""How what follows the grids below the counts begins."""
_WIDTH_OF_LATER_GRIDS: Final = 6
_FIXED_WIDTH: Final = 4
"""Least distance of column numbers that marks a grid of fixed width, and not one of single blanks."""
_TOKEN = re.compile(r"\S+")


class CountGrid(NamedTuple):
    """The cells, row by row, and the index of the first line below them."""

    cells: list[CountCell]
    end: int


def count_grid(source: SourceFile, lines: Sequence[str], columns: int, rows: int) -> CountGrid:
    """The grid under `Spot counts:`. Raises SourceFileError (aid.count_grid): it is taken in whole or not at all."""
    start = _start(source, lines, columns)
    cells: list[CountCell] = []
    for number, letter in enumerate("ABCDEFGHIJKLMNOP"[:rows], start=start + 1):
        tokens = lines[number - 1].split() if number <= len(lines) else []
        _check_row(source, tokens, letter, columns, number)
        place = f"line {number}"
        cells += [CountCell(f"{letter}{n}", token, place) for n, token in enumerate(tokens[1:], start=1)]
    _check_end(source, lines, start + rows, rows)
    _check_widths(source, lines, start, rows)
    return CountGrid(cells, start + rows)


def _start(source: SourceFile, lines: Sequence[str], columns: int) -> int:
    """Index of the first line of counts."""
    titles = [number for number, line in enumerate(lines, start=1) if line.strip() == TITLE]
    if len(titles) != 1:
        raise source.refuse(
            "aid.count_grid",
            place="whole file" if not titles else f"lines {', '.join(map(str, titles))}",
            problem=f"expected one grid titled `{TITLE}`, found {len(titles)}",
            remedy=EXPORT_AGAIN,
        )
    expected = [str(column) for column in range(1, columns + 1)]
    above = next((number for number, line in enumerate(lines[: titles[0]], start=1) if line.split() == expected), None)
    if above is not None:
        raise source.refuse(
            "aid.count_grid",
            place=f"line {above}",
            problem=f"a grid stands above the one titled `{TITLE}`, which is the first in an export",
            remedy=EXPORT_AGAIN,
        )
    header = next((n for n in range(titles[0], len(lines)) if lines[n].strip()), titles[0])
    found = lines[header].split() if header < len(lines) else []
    if found != expected:
        raise source.refuse(
            "aid.count_grid",
            place=f"line {header + 1}",
            problem=f"expected the column numbers 1 to {columns} above the counts, found {' '.join(found)[:40]!r}",
            remedy=EXPORT_AGAIN,
        )
    return header + 1


def _check_row(source: SourceFile, tokens: list[str], letter: str, columns: int, number: int) -> None:
    if not tokens or tokens[0] != letter:
        raise source.refuse(
            "aid.count_grid",
            place=f"line {number}",
            problem=f"expected row {letter} of the counts, found {' '.join(tokens)[:40]!r}: cut short or out of order",
            remedy=EXPORT_AGAIN,
        )
    if len(tokens) != columns + 1:
        raise source.refuse(
            "aid.count_grid",
            place=f"line {number}",
            problem=f"row {letter} has {len(tokens) - 1} counts for {columns} columns, so which well is which is open",
            remedy=EXPORT_AGAIN,
        )


def _check_end(source: SourceFile, lines: Sequence[str], end: int, rows: int) -> None:
    """The last row must have ended: of a text cut short in it, its last count may lack digits."""
    below = lines[end].strip() if end < len(lines) else None
    if below:
        told = f"expected an empty line below the {rows} rows of counts, found {below[:40]!r}"
    elif below is None:
        told = "the file ends within the last row of counts, without a line end, so it may be cut short"
    else:
        return
    raise source.refuse("aid.count_grid", place=f"line {end + 1 if below else end}", problem=told, remedy=EXPORT_AGAIN)


def _check_widths(source: SourceFile, lines: Sequence[str], start: int, rows: int) -> None:
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
    if off is None and after.startswith(_AFTER_LATER_GRIDS):
        raise _of_another_grid(source, start, f"{after[:30]!r} follows, and no width tells them apart")
    for offset, n in enumerate(off or []):
        if n > (1 if after.startswith(_NEXT_GRID) or offset < rows - 1 else 0):
            seen = f"row {chr(ord('A') + offset)} does not stand under them"
            raise _of_another_grid(source, start + offset + 1, seen)


def _off_by_width(body: Sequence[str], widths: set[int]) -> list[int] | None:
    """Per row, the counts that do not stand where a grid of fixed width has them; None where it has none."""
    found = [_steps(row, skip=1) for row in body]
    if min(widths, default=0) < _FIXED_WIDTH or not any(len(set(steps) | widths) == 1 for steps in found):
        return None
    return [sum(step not in widths for step in steps) for steps in found]


def _off_by_separator(body: Sequence[str], gaps: set[int]) -> list[int] | None:
    """Per row, the counts of one that is not parted as the column numbers are; None where these are not far apart."""
    if min(gaps) < _FIXED_WIDTH - 1:
        return None
    return [len(row.split()) if _gaps(row, skip=1) - gaps else 0 for row in body]


def _of_another_grid(source: SourceFile, number: int, seen: str) -> SourceFileError:
    return source.refuse(
        "aid.count_grid",
        place=f"line {number}",
        problem=f"below the column numbers there may be numbers of another grid: {seen}",
        remedy=EXPORT_AGAIN,
    )


def _steps(line: str, skip: int) -> list[int]:
    """Distances from the end of one token to the end of the next, where the next is a number."""
    tokens = list(_TOKEN.finditer(line))[skip:]
    return [after.end() - before.end() for before, after in pairwise(tokens) if after[0].isdigit()]


def _gaps(line: str, skip: int) -> set[int]:
    """Numbers of blanks between tokens."""
    tokens = list(_TOKEN.finditer(line))[skip:]
    return {after.start() - before.end() for before, after in pairwise(tokens)}
