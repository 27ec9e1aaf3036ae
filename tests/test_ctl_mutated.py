"""CTL ImmunoSpot exports, mutated: a change shows in its own well, or the file is refused."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from expectations.errors import SourceFileError
from tests.drawing import needs_shared
from tests.drawn_ctl import DRAWN, FOLDER, FORMS, as_workbook, by_eye, ctl_cells, ctl_fixed, ctl_tabbed, real_cells
from tests.drawn_exports import SETTINGS, Wells, read, source, wells_of, with_count
from transforms.readers import ctl_workbook

EXPECTED = DRAWN | {"C4": (None, "tntc"), "F6": (None, "off_scale")}
TOKENS = with_count("C4", "TNTC")
TOKENS[5][5] = "-2"
LEGEND_BELOW = "-2 = Off scale well"
BASES: dict[str, bytes] = {
    "fixed width": ctl_fixed(TOKENS, below=LEGEND_BELOW).encode(),
    "cells in text": ctl_tabbed(ctl_cells(TOKENS)).encode(),
    "cells without histogram": ctl_tabbed(ctl_cells(TOKENS, has_histogram=False)).encode(),
}
BASE = st.sampled_from(sorted(BASES))


def grid_of(data: bytes) -> tuple[int, int]:
    """Where rows A to H of the counts begin and end."""
    begins = data.index(b"\nA", data.index(b"Unprocessed" if b"Unprocessed" in data else b"Spot Counts")) + 1
    return begins, data.index(b"\n", data.index(b"\nH", begins) + 1)


def wells_or_none(data: bytes) -> Wells | None:
    """What is read; None where the file is refused. Any other error fails the test."""
    try:
        return wells_of(read(data))
    except SourceFileError:
        return None


def changed(found: Wells, expected: Wells = EXPECTED) -> set[str]:
    return {well for well in found.keys() | expected.keys() if found.get(well) != expected.get(well)}


@pytest.mark.parametrize("name", BASES)
def test_what_is_mutated_is_read_as_it_stands(name):
    assert wells_or_none(BASES[name]) == EXPECTED


@settings(max_examples=400, deadline=None)
@given(BASE, st.data())
def test_a_flipped_byte_shows_in_its_own_well_or_the_file_is_refused(name, draw):
    original = BASES[name]
    begins, ends = grid_of(original)
    position = draw.draw(st.one_of(st.integers(0, len(original) - 1), st.integers(begins, ends)))
    data = bytearray(original)
    data[position] = draw.draw(st.one_of(st.integers(0, 255), st.sampled_from(b"0123456789 \t\n-")))
    found = wells_or_none(bytes(data))
    if found is None:
        return
    letter = chr(original[original.rindex(b"\n", 0, position) + 1]) if b"\n" in original[:position] else ""
    own_row = {well for well in EXPECTED if begins <= position < ends and well[0] == letter}
    assert changed(found) <= own_row
    assert len(changed(found)) <= 1
    if own_row and name == "fixed width" and chr(original[position]).isdigit() and data != original:
        assert changed(found)


@settings(max_examples=500, deadline=None)
@given(BASE, st.booleans(), st.data())
def test_a_cut_or_doubled_stretch_changes_one_well_at_most_and_none_from_outside_the_grid(name, is_doubled, draw):
    data = BASES[name]
    grid_begins, grid_ends = grid_of(data)
    begins = draw.draw(st.one_of(st.integers(0, len(data)), st.integers(grid_begins, grid_ends)))
    ends = draw.draw(st.one_of(st.integers(begins, len(data)), st.integers(begins, min(begins + 80, len(data)))))
    found = wells_or_none(data[:ends] + data[begins if is_doubled else ends :])
    if found is not None:
        is_outside = ends <= grid_begins or begins >= grid_ends
        assert len(changed(found)) <= (0 if is_outside else 1)


@settings(max_examples=500, deadline=None)
@given(BASE, st.sampled_from(["cut", "double", "swap", "move", "cut several"]), st.data())
def test_lines_cut_doubled_moved_or_exchanged_change_no_well(name, how, draw):
    lines = BASES[name].decode().split("\n")
    first, second = (draw.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    if how == "swap":
        lines[first], lines[second] = lines[second], lines[first]
    elif how == "cut several":
        del lines[min(first, second) : max(first, second)]
    else:
        line = lines[first] if how == "double" else lines.pop(first)
        if how != "cut":
            lines.insert(second, line)
    found = wells_or_none("\n".join(lines).encode())
    assert found is None or changed(found) == set()


CELLS = ctl_cells(TOKENS)
ROW_OF_CELLS, COLUMN_OF_CELLS = st.integers(0, 40), st.integers(0, len(CELLS[0]) - 1)
PLACE_OF_CELL = st.tuples(ROW_OF_CELLS, COLUMN_OF_CELLS)


@settings(max_examples=400, deadline=None)
@given(PLACE_OF_CELL, PLACE_OF_CELL, st.sampled_from(["swap", "copy", "delete", "insert"]), st.integers(0, 9))
def test_cells_exchanged_copied_or_shifted_change_no_well(one, other, how, tenth):
    rows = [list(row) for row in CELLS]
    if how == "swap":
        a, b = rows[one[0]][one[1]], rows[other[0]][other[1]]
        rows[one[0]][one[1]], rows[other[0]][other[1]] = b, a
    elif how == "copy":
        rows[one[0]][one[1]] = rows[other[0]][other[1]]
    elif how == "delete":
        del rows[one[0]][one[1]]
    else:
        rows[one[0]].insert(one[1], rows[other[0]][other[1]])
    found = wells_or_none(as_workbook(rows) if tenth == 0 else ctl_tabbed(rows).encode())
    assert found is None or changed(found) == set()


WORKBOOK = source(b"", "drawn.xls")
SIDES = st.fixed_dictionaries({"has_sizes": st.booleans(), "has_histogram": st.booleans(), "has_layout": st.booleans()})
CELL_VALUE = st.one_of(st.sampled_from(["", "TNTC", "-1", "-9", "A", "1", "12", "Spot Counts"]), st.text(max_size=4))


def in_sheet(rows: list[list[str]]) -> Wells | None:
    """What the reader of workbooks makes of these cells; None where it refuses them, or they are of no export."""
    sheets = [("PL-1", rows)]
    if not ctl_workbook.recognises(sheets):
        return None
    try:
        return wells_of(ctl_workbook.read(WORKBOOK, sheets, SETTINGS))
    except SourceFileError:
        return None


@given(SIDES)
def test_cells_of_a_sheet_are_read_as_they_stand(sides):
    assert in_sheet(ctl_cells(TOKENS, **sides)) == EXPECTED


@settings(max_examples=1200, deadline=None)
@given(SIDES, st.integers(0, 200), COLUMN_OF_CELLS, CELL_VALUE)
def test_a_changed_cell_of_a_sheet_shows_in_its_own_well_or_the_file_is_refused(sides, row, cell, value):
    rows = ctl_cells(TOKENS, **sides)
    row %= len(rows)
    before, rows[row][cell] = rows[row][cell], value
    found = in_sheet(rows)
    if found is not None:
        own = f"{rows[row][0]}{cell}" if rows[row][0] in tuple("ABCDEFGH") else None
        assert changed(found) <= {own}
        assert not changed(found) or before != value


@settings(max_examples=1200, deadline=None)
@given(SIDES, st.integers(0, 200), st.integers(0, 200), st.sampled_from(["cut", "double", "swap", "move", "blank"]))
def test_rows_of_a_sheet_cut_doubled_moved_blanked_or_exchanged_change_no_well(sides, one, other, how):
    assume(
        sides["has_sizes"] or sides["has_histogram"] or not sides["has_layout"]
    )  # what else is there to tell them by
    rows = ctl_cells(TOKENS, **sides)
    one, other = one % len(rows), other % len(rows)
    if how == "swap":
        rows[one], rows[other] = rows[other], rows[one]
    elif how == "blank":
        rows[one] = [""] * len(rows[one])
    else:
        row = list(rows[one]) if how == "double" else rows.pop(one)
        if how != "cut":
            rows.insert(other, row)
    found = in_sheet(rows)
    assert found is None or changed(found) == set()


@settings(max_examples=1200, deadline=None)
@given(SIDES, st.integers(0, 200), COLUMN_OF_CELLS, st.sampled_from(["delete", "insert"]), st.booleans())
def test_cells_of_a_sheet_moved_to_the_side_change_no_well_but_the_one(sides, row, cell, how, is_blank):
    rows = ctl_cells(TOKENS, **sides)
    row %= len(rows)
    if how == "delete":
        del rows[row][cell]
    else:
        rows[row].insert(cell, "" if is_blank else "7")
    found = in_sheet(rows)
    assert found is None or changed(found) == set()


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(DRAWN)), st.integers(0, 99_999), st.sampled_from(sorted(FORMS)))
def test_a_count_is_the_count_read_in_its_well_and_nowhere_else(well, count, form):
    assert wells_of(read(FORMS[form](with_count(well, str(count))))) == DRAWN | {well: (count, "counted")}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["", "Spot Counts\n", "\n1\t2\t3\n", "Unprocessed Data\n1 2 3\n"]))
def test_bytes_behind_the_first_line_raise_nothing_but_the_readers_own_error(tail, head):
    assert wells_or_none(b"Software version: ImmunoSpot 7\nD:\\P.xls\n" + head.encode() + tail) is None


@needs_shared
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_real_workbook_with_bytes_overwritten_changes_one_well_at_most_or_is_refused(draw):
    data = (FOLDER / "CTL_datafile.xls").read_bytes()
    position, noise = draw.draw(st.integers(512, len(data) - 9)), draw.draw(st.binary(min_size=1, max_size=2))
    found = wells_or_none(data[:position] + noise + data[position + len(noise) :])
    if found is not None:
        assert len(changed(found, by_eye(real_cells("CTL_datafile.xls")))) <= 1
