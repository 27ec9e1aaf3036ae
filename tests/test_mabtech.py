"""Mabtech workbooks: populations are kept apart, and a list that its own grid contradicts is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from expectations.errors import SourceFileError
from tests import drawn_exports
from tests.drawing import SHARED, needs_shared, table
from tests.drawn_exports import column, day, read, workbook
from tests.drawn_mabtech import (
    DRAWN,
    FACTS,
    GRID,
    LIST,
    POPULATIONS,
    Found,
    Sheets,
    changed_by,
    drawn,
    edit,
    found_in,
    line_of,
    white,
)
from transforms.readers import mabtech


def test_each_population_is_an_analyte_of_its_own_and_none_is_added_to_another():
    reading = read(workbook(drawn()))
    assert reading.format == mabtech.FORMAT
    assert found_in(reading) == DRAWN
    assert column(reading, "plates", "analyte") == list(POPULATIONS)
    assert column(reading, "plates", "n_wells") == [96, 96, 96]


def test_the_plate_has_its_name_its_day_and_its_reader_and_every_well_its_cell():
    reading = read(workbook(drawn()))
    told = reading.tables["plates"].select("plate_id", "instrument", "software_version", "read_date").unique().rows()
    assert told == [("PL-1", "Mabtech Iris 0", "1.1.58.127", day("2024-01-29"))]
    places = {(row[2], row[1]): row[-2] for row in reading.tables["elispot_counts"].iter_rows()}
    assert places["LED490 Single", "B3"] == f"{LIST}!F{line_of(1, 'B3') + 1}"


def test_a_masked_well_has_no_count_whether_or_not_the_grid_shows_it():
    masked = edit(line_of(0, "C4"), "Masked", "YES")
    expected = DRAWN | {("LED490 Total", "C4"): (None, "masked")}
    assert found_in(read(changed_by(masked))) == expected
    sheets = drawn()
    sheets[GRID][5][4] = None
    assert found_in(read(changed_by(masked, sheets))) == expected


def test_a_plate_read_in_white_light_has_the_analyte_of_the_study():
    expected = {("IFNg", name): found for (population, name), found in DRAWN.items() if population == POPULATIONS[0]}
    assert found_in(read(workbook(white()))) == expected


def test_a_plate_read_in_white_light_has_the_analyte_of_the_layout_in_the_file():
    sheets = white()
    for row in sheets[LIST][1:]:
        row[6] = "IL-5"
    reading = read(workbook(sheets))
    assert column(reading, "plates", "analyte") == ["IL-5"]
    assert {analyte for analyte, _ in found_in(reading)} == {"IL-5"}


def named_filters(sheets: Sheets) -> None:
    """The filters keep the names of the grids where a person named the populations."""
    for row in sheets[LIST][1:]:
        row[3] = f"IFNg {row[3]}"


def test_a_population_with_a_name_of_its_own_is_compared_with_the_grid_of_its_filter():
    expected = {(f"IFNg {population}", well): found for (population, well), found in DRAWN.items()}
    assert found_in(read(changed_by(named_filters))) == expected


def renamed(old: str, new: str) -> Callable[[Sheets], None]:
    """Another name for a sheet."""

    def change(sheets: Sheets) -> None:
        sheets[new] = sheets.pop(old)

    return change


QUIRKS: dict[str, Callable[[Sheets], Any]] = {
    "a shorter name of the facts": renamed(FACTS, "Plate Info"),
    "another name of the grid": renamed(GRID, "SFU"),
    "another name of the list": renamed(LIST, "Database"),
    "no grid": lambda sheets: sheets.pop(GRID),
    "no facts": lambda sheets: sheets.pop(FACTS),
    "no name beside the wells": lambda sheets: [row.__setitem__(0, None) for row in sheets[LIST][1:]],
    "an empty row": lambda sheets: sheets[LIST].insert(9, []),
    "the file ending at the name": edit(1, 2, "PL-1.plt", FACTS),
    "a grid of a light not used": lambda sheets: sheets[GRID].extend([["LED380 Total"], [None, 1, 2, 3], ["A"]]),
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_quirks_around_the_list_change_no_count(quirk):
    sheets = drawn()
    QUIRKS[quirk](sheets)
    assert sheets != drawn()
    reading = read(workbook(sheets))
    assert found_in(reading) == DRAWN
    assert set(column(reading, "plates", "plate_id")) == {"PL-1"}


def cut_after(population: int, well: str) -> Callable[[Sheets], None]:
    """The list ends here."""

    def change(sheets: Sheets) -> None:
        del sheets[LIST][line_of(population, well) + 1 :]

    return change


def cut_with_its_grid(sheets: Sheets) -> None:
    cut_after(2, "G12")(sheets)
    for row in sheets[GRID]:
        if row and row[0] == "H":
            row[1:] = []


def exchanged_populations(sheets: Sheets) -> None:
    """The names of two populations of one well, their filters staying."""
    edit(line_of(0, "C4"), "Analyte Secreting Population", POPULATIONS[1])(sheets)
    edit(line_of(1, "C4"), "Analyte Secreting Population", POPULATIONS[0])(sheets)


def without_column(name: str) -> Callable[[Sheets], None]:
    return edit(0, name, None)


DAMAGE: dict[str, Callable[[Sheets], Any]] = {
    "another count in the list": edit(line_of(0, "C4"), GRID, 7),
    "no count in the list": edit(line_of(0, "C4"), GRID, None),
    "another count in the grid": edit(5, 4, 7, GRID),
    "cut off within a well": cut_after(0, "E5"),
    "cut off behind a well": cut_after(2, "G12"),
    "cut off with its grid": cut_with_its_grid,
    "nothing below the header": lambda sheets: sheets[LIST].__delitem__(slice(1, None)),
    "a row is missing": lambda sheets: sheets[LIST].pop(line_of(1, "C4")),
    "a row twice": lambda sheets: sheets[LIST].insert(9, sheets[LIST][9]),
    "another well": edit(line_of(0, "C4"), "Well", "C5"),
    "no well of any plate": edit(line_of(0, "C4"), "Well", "Q1"),
    "another population": edit(line_of(0, "C4"), "Analyte Secreting Population", "LED490 Totai"),
    "populations exchanged": exchanged_populations,
    "no population": edit(line_of(0, "C4"), "Analyte Secreting Population", None),
    "a word for a count": edit(line_of(0, "C4"), GRID, "TNTC"),
    "neither masked nor not": edit(line_of(0, "C4"), "Masked", None),
    "no column of counts": without_column(GRID),
    "a column twice": edit(0, 2, "Well"),
    "the list twice": lambda sheets: sheets.update({"Copy": sheets[LIST]}),
    "two names": edit(1, 2, "PL-2", FACTS),
    "a date that is none": edit(2, 2, "2024-13-29 09:06:56", FACTS),
    "a date with two readings": edit(2, 2, "03/04/2024", FACTS),
}
REFUSED = """
    damage                    | code            | says
    another count in the list | mabtech.wells   | the grid has '1027' for LED490 Total, well C4, the list has '7'
    no count in the list      | mabtech.wells   | the grid has '1027' for LED490 Total, well C4, the list has ''
    another count in the grid | mabtech.wells   | the grid has '7' for LED490 Total, well C4, the list has '1027'
    cut off within a well     | mabtech.wells   | 43 wells of LED490 Total are missing (E10, E11, E12, E6, E7)
    cut off behind a well     | mabtech.wells   | 12 wells of LED490 Total are missing
    cut off with its grid     | mabtech.wells   | 12 wells of LED490 Total are missing
    nothing below the header  | mabtech.wells   | there is a header and no well below it
    a row is missing          | mabtech.wells   | 1 wells of LED490 Single are missing (C4)
    a row twice               | mabtech.wells   | well A3 of LED490+LED550 stands twice
    another well              | mabtech.wells   | well C5 of LED490 Total stands twice
    no well of any plate      | mabtech.well    | 'Q1' is no well
    another population        | mabtech.wells   | 1 wells of LED490 Total are missing (C4)
    populations exchanged     | mabtech.wells   | LED490 Single of LED490 Total here, and LED490 Single
    no population             | mabtech.well    | the column `Analyte Secreting Population` is empty
    a word for a count        | mabtech.well    | the count 'TNTC' is no whole number
    neither masked nor not    | mabtech.well    | expected YES or NO in the column `Masked`, found ''
    no column of counts       | mabtech.columns | expected one column `Spot Forming Units (SFU)`, found 0
    a column twice            | mabtech.columns | expected one column `Well`, found 2
    the list twice            | mabtech.columns | expected one sheet of wells, as `Plate Database`
    two names                 | mabtech.plate   | expected one plate name, found 2 (PL-1, PL-2)
    a date that is none       | mabtech.plate   | the read date cannot be read
    a date with two readings  | mabtech.plate   | day and month could be either
"""


@pytest.mark.parametrize(("damage", "code", "says"), table(REFUSED).rows())
def test_a_damaged_workbook_is_refused_whole_with_place_and_remedy(damage, code, says):
    sheets = drawn()
    DAMAGE[damage](sheets)
    assert sheets != drawn()
    with pytest.raises(SourceFileError, match=re.escape(says)) as refused:
        read(workbook(sheets))
    assert refused.value.code == code
    assert refused.value.place
    assert refused.value.remedy


def test_every_damage_has_its_answer():
    assert set(DAMAGE) == set(table(REFUSED)["damage"])


def test_an_ambiguous_read_date_is_read_where_the_study_file_gives_the_order():
    data = changed_by(edit(2, 2, "03/04/2024", FACTS))
    reading = read(data, drawn_exports.settings(order="dmy"))
    assert set(column(reading, "plates", "read_date")) == {day("2024-04-03")}


REAL = {
    "single": ("mabtech_apex_example1", "2024-01-29"),
    "multiplex": ("eacret_29nov2023_BioIVT2_FS_plate3", "2023-12-06"),
}


def by_eye(kind: str) -> Found:
    """The long sheet row by row, its columns found by their header, wells without a number not counted."""
    from openpyxl import load_workbook

    path = SHARED / f"real/elispot/mabtech/mabtech_apex_example_{kind}_plate.xlsx"
    header, *rows = load_workbook(path, data_only=True)[LIST].iter_rows(values_only=True)
    well, population, spots = (header.index(name) for name in ("Well", "Analyte Secreting Population", GRID))
    return {
        (row[population].replace("White LED", "IFNg"), row[well]): (
            (None, "not_counted") if row[spots] is None else (int(row[spots]), "counted")
        )
        for row in rows
    }


@needs_shared
@pytest.mark.parametrize("kind", REAL)
def test_real_plates_give_the_wells_of_their_list(kind):
    reading = read((SHARED / f"real/elispot/mabtech/mabtech_apex_example_{kind}_plate.xlsx").read_bytes())
    assert found_in(reading) == by_eye(kind)
    name, read_on = REAL[kind]
    assert set(reading.tables["plates"].select("plate_id", "read_date").rows()) == {(name, day(read_on))}


@needs_shared
def test_what_the_real_plates_are_compared_with_is_what_their_lists_say():
    single, multiplex = by_eye("single"), by_eye("multiplex")
    assert (len(single), len(multiplex)) == (96, 960)
    assert (single["IFNg", "C4"], single["IFNg", "A1"]) == ((1394, "counted"), (None, "not_counted"))
    assert multiplex["LED640 Single", "A1"] == (13, "counted")
