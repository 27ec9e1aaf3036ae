"""Mabtech workbooks, mutated: a change shows in its own well, or the file is refused."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.errors import SourceFileError
from tests.drawn_exports import SETTINGS, read, source, workbook
from tests.drawn_mabtech import DRAWN, FACTS, GRID, HEADER, LIST, POPULATIONS, Found, drawn, found_in
from transforms.readers import mabtech, workbooks

FILE = source(workbook(drawn()), "drawn.xlsx")
CELLS = {name: [list(row) for row in cells] for name, cells in workbooks.workbook_cells(FILE)}


def found_or_none(sheet: str, rows: list[list[str]], also: tuple[str, ...]) -> Found | None:
    """What the reader makes of other cells in one sheet, the sheets in `also` left out; None where it refuses."""
    sheets = [(name, rows if name == sheet else cells) for name, cells in CELLS.items() if name not in also]
    if not mabtech.recognises(sheets):
        return None
    try:
        return found_in(mabtech.read(FILE, sheets, SETTINGS))
    except SourceFileError:
        return None


def changed(found: Found) -> set[tuple[str, str]]:
    return {well for well in found.keys() | DRAWN.keys() if found.get(well) != DRAWN.get(well)}


SHEET = st.sampled_from([LIST, LIST, GRID, FACTS])
ROW, COLUMN = st.integers(0, 400), st.integers(0, len(CELLS[LIST][0]) - 1)
WITHOUT = st.sampled_from([(), (GRID,)])
VALUE = st.one_of(
    st.text(max_size=6),
    st.integers(-5, 10**7).map(str),
    st.sampled_from(["", "YES", "NO", "TNTC", "A1", "H12", "White LED", *POPULATIONS]),
)


@settings(max_examples=1000, deadline=None)
@given(SHEET, ROW, COLUMN, VALUE, WITHOUT)
def test_a_changed_cell_shows_in_its_own_well_or_the_file_is_refused(sheet, row, cell, value, without):
    rows = [list(line) for line in CELLS[sheet]]
    row %= len(rows)
    rows[row] += [""] * (cell + 1 - len(rows[row]))
    rows[row][cell] = value
    found = found_or_none(sheet, rows, tuple(name for name in without if name != sheet))
    if found is None:
        return
    line = CELLS[LIST][row] if sheet == LIST and row else None
    own = {(line[3], line[1])} if line and cell in (HEADER.index(GRID), HEADER.index("Masked")) else set()
    assert changed(found) <= own
    if own and not without:
        assert {found[well][1] for well in changed(found)} <= {"masked"}


@settings(max_examples=1000, deadline=None)
@given(ROW, ROW, st.integers(1, 30), st.sampled_from(["cut", "double", "swap"]), WITHOUT)
def test_rows_of_the_list_cut_doubled_or_exchanged_change_no_well(row, other, n, how, without):
    rows = [list(line) for line in CELLS[LIST]]
    row, other = row % len(rows), other % len(rows)
    if how == "swap":
        rows[row], rows[other] = rows[other], rows[row]
    elif how == "double":
        rows[other:other] = rows[row : row + n]
    else:
        del rows[row : row + n]
    found = found_or_none(LIST, rows, without)
    assert found is None or changed(found) == set()


@settings(max_examples=1000, deadline=None)
@given(ROW, COLUMN, ROW, COLUMN)
def test_two_cells_of_the_list_exchanged_are_refused_or_change_no_well_beside_a_mask(row, cell, other_row, other_cell):
    rows = [list(line) for line in CELLS[LIST]]
    row, other_row = row % len(rows), other_row % len(rows)
    for line, at in ((row, cell), (other_row, other_cell)):
        rows[line] += [""] * (at + 1 - len(rows[line]))
    rows[row][cell], rows[other_row][other_cell] = rows[other_row][other_cell], rows[row][cell]
    found = found_or_none(LIST, rows, ())
    assert found is None or changed(found) == set()


@settings(max_examples=500, deadline=None)
@given(SHEET, COLUMN, COLUMN, st.sampled_from(["cut", "blank", "swap", "copy"]), WITHOUT)
def test_columns_cut_blanked_copied_or_exchanged_change_no_well(sheet, one, other, how, without):
    width = max(len(line) for line in CELLS[sheet])
    rows = [[*line, *[""] * (width - len(line))] for line in CELLS[sheet]]
    one, other = one % width, other % width
    for row in rows:
        if how == "cut":
            del row[one]
        elif how == "swap":
            row[one], row[other] = row[other], row[one]
        else:
            row[one] = "" if how == "blank" else row[other]
    found = found_or_none(sheet, rows, tuple(name for name in without if name != sheet))
    spots_or_mask = {HEADER.index(GRID), HEADER.index("Masked")}
    if found is not None and not (sheet == LIST and without and {one, other} & spots_or_mask):
        assert changed(found) == set()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(sorted(CELLS)), max_size=6), st.integers(0, 3))
def test_sheets_left_out_doubled_or_in_another_order_change_no_well(names, n_empty):
    sheets = [(name, CELLS[name]) for name in names] + [(f"Sheet{n}", []) for n in range(n_empty)]
    found = None
    if mabtech.recognises(sheets):
        with suppress(SourceFileError):
            found = found_in(mabtech.read(FILE, sheets, SETTINGS))
    assert found is None or changed(found) == set()
    if names.count(LIST) == 1 and names.count(GRID) <= 1:
        assert found is not None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_workbook_with_bytes_overwritten_is_refused_or_has_all_its_wells(draw):
    position = draw.draw(st.integers(4, len(FILE.data) - 1))
    noise = draw.draw(st.binary(min_size=1, max_size=3))
    data = FILE.data[:position] + noise + FILE.data[position + len(noise) :]
    with suppress(SourceFileError):
        assert found_in(read(data)) == DRAWN
