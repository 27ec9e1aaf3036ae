"""AID workbooks, mutated: damage shows in the wells it was done to, or the file is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import drawn_exports
from tests.drawn_aid_workbook import ANALYTES, DRAWN, Found, Rows, block, drawn, found_in, row_of
from tests.drawn_exports import LETTERS, read, source, workbook
from tests.mutating import NUMBERS, SHEET_MUTATIONS, SheetCase, changed, found_or_none
from transforms.readers import aid_workbook, workbooks

SENTINELS = drawn_exports.settings(sentinels={"-1": "off_scale"})
FILE = source(workbook(drawn()), "drawn.xlsx")
CELLS = [(name, [list(row) for row in cells]) for name, cells in workbooks.workbook_cells(FILE)]


def of_one_colour(n_rows: int = 8, n_columns: int = 12) -> Rows:
    """A plate of one colour, a well of it too numerous to count, one not counted, one off scale by the study file."""
    rows = [
        ["", "Plate:PL-1, Date:Tuesday, October 28, 2014,  User: somebody"],
        *block("Spots Number", 0, n_rows, n_columns),
    ]
    rows[3][2:5] = "TNTC", "--", "-1"
    return [["" if cell is None else str(cell) for cell in row] for row in [*rows, *block("Activity", 5000)]]


def wells_of_one_colour(n_rows: int = 8, n_columns: int = 12) -> Found:
    """What it gives."""
    wells: Found = {
        ("IFNg", f"{LETTERS[row]}{n + 1}"): (n_columns * row + n, "counted")
        for row in range(n_rows)
        for n in range(n_columns)
    }
    uncounted = {"A2": "tntc", "A3": "not_counted", "A4": "off_scale"}
    return wells | {("IFNg", well): (None, status) for well, status in uncounted.items()}


def places(
    analytes: tuple[str, ...], first: int, n_rows: int = 8, n_columns: int = 12
) -> dict[tuple[int, int], object]:
    """Which cell holds which well, of blocks twelve rows apart."""
    return {
        (first + 12 * n + row, column): (analyte, f"{LETTERS[row]}{column}")
        for n, analyte in enumerate(analytes)
        for row in range(n_rows)
        for column in range(1, n_columns + 1)
    }


CASES = {
    "three analytes": SheetCase(CELLS[0][1], DRAWN, places(ANALYTES, row_of(0, "A"))),
    "one colour": SheetCase(of_one_colour(), wells_of_one_colour(), places(("IFNg",), 3)),
    "384 wells": SheetCase(of_one_colour(16, 24), wells_of_one_colour(16, 24), places(("IFNg",), 3, 16, 24)),
}


def read_sheet(rows: list[list[str]]) -> Found:
    """What the reader makes of other cells in the sheet of blocks."""
    return found_in(aid_workbook.read(FILE, [("PlateData", rows), *CELLS[1:2]], SENTINELS))


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> SheetCase:
    return CASES[request.param]


def test_what_is_mutated_is_read_as_it_stands(case):
    assert read_sheet(case.copy()) == case.wells


@pytest.mark.parametrize("how", SHEET_MUTATIONS)
@pytest.mark.parametrize("name", CASES)
@settings(max_examples=200, deadline=None)
@given(one=NUMBERS, other=NUMBERS, value=NUMBERS)
def test_damage_shows_in_its_own_wells_or_the_file_is_refused(name, how, one, other, value):
    case = CASES[name]
    mutant = SHEET_MUTATIONS[how](case, one, other, value)
    mutant.check(found_or_none(lambda: read_sheet(mutant.rows)), case.wells)


@settings(max_examples=350, deadline=None)
@given(NUMBERS, st.integers(1, 11))
def test_rows_cut_out_change_no_well_though_an_analyte_may_go_whole(one, n):
    rows = CASES["three analytes"].copy()
    first = one % len(rows)
    del rows[first : first + n]
    found = found_or_none(lambda: read_sheet(rows))
    if found is not None:
        gone = {analyte for analyte, _ in changed(found, DRAWN)}
        assert not gone & {analyte for analyte, _ in found}


DATA = workbook(drawn())


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.integers(0, 255))
def test_a_flipped_byte_of_the_file_raises_nothing_but_the_readers_own_error(position, value):
    data = bytearray(DATA)
    data[position] = value
    found_or_none(lambda: found_in(read(bytes(data))))
