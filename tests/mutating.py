"""Exports with something gone wrong in them, and which of their wells may be others for it.

A reader raises nothing but its own error. What it reads of a damaged export differs in the wells that were touched and
in no other; what was touched outside of the counts changes no well.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final

from hypothesis import strategies as st

from expectations.errors import SourceFileError

Well = object
Found = Mapping[Well, tuple[int | None, str]]
"""Well to count and status."""

NUMBERS: Final = st.integers(0, 2**20)
"""What places in an export are drawn from; each is taken modulo the number of places there are."""
_MARKS: Final = {"utf-16": ("utf-16-le", b"\xff\xfe"), "utf-8-sig": ("utf-8", b"\xef\xbb\xbf")}
"""Encodings that begin with a byte-order mark, as encoding without it and the mark."""


@dataclass(frozen=True)
class TextCase:
    """A text export, the wells in it, and the number (from 0) of the line with row A of the counts.

    `is_proved` is false where nothing in the text tells a row of counts from one of another grid.
    """

    text: str
    wells: Found
    first: int
    n_rows: int = 8
    encoding: str = "utf-8"
    newline: str = "\n"
    is_proved: bool = True

    @cached_property
    def lines(self) -> list[str]:
        """The text, line by line."""
        return self.text.split("\n")

    @cached_property
    def data(self) -> bytes:
        """The bytes of the file."""
        return self.encoded(self.lines)

    def encoded(self, lines: Sequence[str]) -> bytes:
        """Other lines as the bytes of such a file."""
        encoding, mark = _MARKS.get(self.encoding, (self.encoding, b""))
        return mark + self.newline.join(lines).encode(encoding)

    @cached_property
    def starts(self) -> list[int]:
        """The byte at which each line begins."""
        encoding, mark = _MARKS.get(self.encoding, (self.encoding, b""))
        sizes = [len((line + self.newline).encode(encoding)) for line in self.lines]
        return list(accumulate(sizes[:-1], initial=len(mark)))

    @cached_property
    def grid(self) -> tuple[int, int]:
        """The first byte of row A, and the one behind the last row."""
        return self.starts[self.first], self.starts[self.first + self.n_rows]

    def letter(self, line: int) -> str | None:
        """The row of counts in a line; None outside of the grid."""
        row = line - self.first
        return chr(ord("A") + row) if 0 <= row < self.n_rows else None

    def line_at(self, position: int) -> int:
        """The line a byte belongs to."""
        return max(bisect_right(self.starts, position) - 1, 0)

    def position(self, number: int) -> int:
        """A byte of the file, every second one in the grid."""
        begins, ends = self.grid
        half = number // 2
        return begins + half % (ends - begins) if number % 2 else half % len(self.data)

    def wells_of(self, letters: Collection[str | None]) -> set[Well]:
        """The wells of these rows."""
        return {well for well in self.wells if str(well)[0] in letters}


@dataclass(frozen=True)
class Mutant:
    """A damaged export: the wells that may differ, how many of them at most, and whether one must."""

    data: bytes
    may: Collection[Well] = ()
    at_most: int = 1
    must: bool = False


Mutate = Callable[[TextCase, int, int, int], Mutant]


def flip(case: TextCase, one: int, _: int, value: int) -> Mutant:
    """One byte is another: any, or one that a number or its surroundings could have."""
    position = case.position(one)
    likely = b"0123456789 \t\n-,;."
    new = value % 256 if value % 3 else likely[value % len(likely)]
    data = bytearray(case.data)
    was, data[position] = data[position], new
    line = case.line_at(position)
    in_count = case.letter(line) is not None and chr(was).isdigit()
    return Mutant(bytes(data), case.wells_of({case.letter(line)}), must=in_count and was != new)


def cut(case: TextCase, one: int, other: int, value: int) -> Mutant:
    """A stretch of bytes is gone."""
    begins, ends = _stretch(case, one, other, value)
    return Mutant(case.data[:begins] + case.data[ends:], _touched(case, begins, ends))


def double(case: TextCase, one: int, other: int, value: int) -> Mutant:
    """A stretch of bytes stands twice."""
    begins, ends = _stretch(case, one, other, value)
    return Mutant(case.data[:ends] + case.data[begins:], _touched(case, begins, ends))


def truncate(case: TextCase, one: int, _: int, value: int) -> Mutant:
    """The file ends early."""
    return Mutant(case.data[: case.position(one)])


def lines(case: TextCase, one: int, other: int, value: int) -> Mutant:
    """A line is cut, doubled, moved or exchanged for another, or several are cut."""
    told = list(case.lines)
    first, second = one % len(told), other % len(told)
    touched = {first, second}
    how = value % 5
    if how == 0:
        told[first], told[second] = told[second], told[first]
    elif how == 1:
        first, second = sorted(touched)[0], sorted(touched)[-1]
        touched = set(range(first, len(told)))
        del told[first:second]
    else:
        line = told[first] if how == 2 else told.pop(first)
        if how != 4:
            told.insert(second, line)
    may = set() if case.is_proved else case.wells_of({case.letter(line) for line in touched})
    return Mutant(case.encoded(told), may, at_most=len(may))


def cells(case: TextCase, one: int, other: int, value: int) -> Mutant:
    """Two cells are exchanged, the blanks around them left as they are."""
    places = [(n, match.span()) for n, line in enumerate(case.lines) for match in re.finditer(r"\S+", line)]
    in_grid = [place for place in places if case.letter(place[0]) and place[1][0] > 0]
    first, second = sorted(
        (in_grid[number // 2 % len(in_grid)] if number % 2 else places[number // 2 % len(places)])
        for number in (one, other)
    )
    told = list(case.lines)
    texts = [told[line][slice(*span)] for line, span in (first, second)]
    for (line, span), text in zip((second, first), texts, strict=True):  # the later one first, as places move
        told[line] = told[line][: span[0]] + text + told[line][span[1] :]
    wells = {well for place in (first, second) if (well := _well_at(case, *place))}
    return Mutant(case.encoded(told), wells, at_most=2)


def grids(case: TextCase, one: int, other: int, value: int) -> Mutant:
    """A block between blank lines, as a grid is, is cut, doubled, moved or exchanged for another."""
    blocks = re.split(r"(?<=\n)\n+", case.text)
    first, second = one % len(blocks), other % len(blocks)
    if value % 4 == 0:
        blocks[first], blocks[second] = blocks[second], blocks[first]
    else:
        block = blocks[first] if value % 4 == 1 else blocks.pop(first)
        if value % 4 != 3:
            blocks.insert(second, block)
    return Mutant(case.encoded("\n".join(blocks).split("\n")))


TEXT_MUTATIONS: Final[dict[str, Mutate]] = {
    "byte flipped": flip,
    "stretch cut": cut,
    "stretch doubled": double,
    "truncated": truncate,
    "lines": lines,
    "cells exchanged": cells,
    "grids": grids,
}


def found_or_none(read: Callable[[], Found]) -> Found | None:
    """What is read; None where the file is refused. Any other error fails the test."""
    try:
        return read()
    except SourceFileError as refused:
        assert refused.place or refused.code.startswith("format."), "a refusal says where"
        return None


def changed(found: Found, expected: Found) -> set[Well]:
    """The wells that are there in one of the two only, or differ."""
    return {well for well in found.keys() | expected.keys() if found.get(well) != expected.get(well)}


def check(mutant: Mutant, found: Found | None, expected: Found) -> None:
    """Fails unless the damage shows where it was done, or was refused."""
    if found is None:
        return
    others = changed(found, expected)
    assert others <= set(mutant.may)
    assert len(others) <= mutant.at_most
    assert others or not mutant.must


def _stretch(case: TextCase, one: int, other: int, value: int) -> tuple[int, int]:
    """Two places in the file, often near each other."""
    begins = case.position(one)
    ends = begins + other % 80 if value % 2 else case.position(other)
    return min(begins, ends), min(max(begins, ends), len(case.data))


def _touched(case: TextCase, begins: int, ends: int) -> set[Well]:
    first, last = case.grid
    return set(case.wells) if begins < last and ends > first else set()


def _well_at(case: TextCase, line: int, span: tuple[int, int]) -> str | None:
    """The well whose count stands there."""
    letter = case.letter(line)
    before = case.lines[line][: span[0]]
    n = before.count("\t") or len(before.split())
    return f"{letter}{n}" if letter and n and f"{letter}{n}" in case.wells else None


@dataclass(frozen=True)
class SheetCase:
    """A sheet of an export as rows of text, the wells in it, and which cell (row and column from 0) holds which."""

    rows: Sequence[Sequence[str]]
    wells: Found
    places: Mapping[tuple[int, int], Well]
    values: Sequence[str] = ("", "--", "TNTC", "A", "H", "1", "12", "-1", "1,5", "1O", "0", "7", "999999", "1234567")
    """What a damaged cell may hold."""

    def copy(self) -> list[list[str]]:
        """The rows, to be changed."""
        return [list(row) for row in self.rows]

    def place(self, number: int) -> tuple[int, int]:
        """A cell; every second one holds a well, and a row may be longer than it was."""
        if number % 2:
            return sorted(self.places)[number // 2 % len(self.places)]
        row = number // 2 % len(self.rows)
        return row, number // 2 // len(self.rows) % (len(self.rows[row]) + 2)

    def of_rows(self, rows: Collection[int]) -> set[Well]:
        """The wells in these rows."""
        return {well for (row, _), well in self.places.items() if row in rows}


@dataclass(frozen=True)
class MutantSheet:
    """Damaged rows: the wells that may differ, how many of them at most, and whether one must."""

    rows: list[list[str]]
    may: Collection[Well] = ()
    must: bool = False

    def check(self, found: Found | None, expected: Found) -> None:
        """Fails unless the damage shows where it was done, or was refused."""
        check(Mutant(b"", self.may, len(self.may), self.must), found, expected)


MutateSheet = Callable[[SheetCase, int, int, int], MutantSheet]


def other_cell(case: SheetCase, one: int, _: int, value: int) -> MutantSheet:
    """One cell holds something else."""
    row, column = case.place(one)
    rows = case.copy()
    rows[row] += [""] * (column + 1 - len(rows[row]))
    was, new = rows[row][column], case.values[value % len(case.values)]
    rows[row][column] = new
    well = case.places.get((row, column))
    must = well is not None and new != was and {was, new} != {"", "--"}  # which mean the same
    return MutantSheet(rows, {well} - {None}, must)


def cells_of_sheet(case: SheetCase, one: int, other: int, _: int) -> MutantSheet:
    """Two cells are exchanged."""
    rows, places = case.copy(), (case.place(one), case.place(other))
    for row, column in places:
        rows[row] += [""] * (column + 1 - len(rows[row]))
    (a, b), (c, d) = places
    rows[a][b], rows[c][d] = rows[c][d], rows[a][b]
    return MutantSheet(rows, {case.places.get(place) for place in places} - {None})


def shifted(case: SheetCase, one: int, _: int, value: int) -> MutantSheet:
    """A cell is taken out of a row, or put in, and moves those behind it."""
    row, column = case.place(one)
    rows = case.copy()
    if value % 3 == 0 and column < len(rows[row]):
        del rows[row][column]
    else:
        rows[row].insert(column, case.values[value % len(case.values)] if value % 3 == 1 else "")
    return MutantSheet(rows, {case.places.get((row, column))} - {None})


def rows_of_sheet(case: SheetCase, one: int, other: int, value: int) -> MutantSheet:
    """Two rows are exchanged, or one is emptied, doubled, moved or cut."""
    rows = case.copy()
    first, second = (number // 2 % len(rows) for number in (one, other))
    how = value % 5
    if how == 0:
        rows[first], rows[second] = rows[second], rows[first]
        return MutantSheet(rows, case.of_rows({first, second}))
    if how == 1:
        rows[first] = []
        return MutantSheet(rows)
    row = rows[first] if how == 2 else rows.pop(first)
    if how != 4:
        rows.insert(second, list(row))
    return MutantSheet(rows)


def stretch_doubled(case: SheetCase, one: int, other: int, value: int) -> MutantSheet:
    """Several rows, as a grid is, stand once more somewhere else."""
    rows = case.copy()
    first, second = (number // 2 % len(rows) for number in (one, other))
    rows[second:second] = [list(row) for row in rows[first : first + 1 + value % 16]]
    return MutantSheet(rows)


SHEET_MUTATIONS: Final[dict[str, MutateSheet]] = {
    "other cell": other_cell,
    "cells exchanged": cells_of_sheet,
    "cell taken out or put in": shifted,
    "rows": rows_of_sheet,
    "rows doubled": stretch_doubled,
}
