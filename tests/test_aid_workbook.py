"""AID workbooks: every fluorochrome and combination is an analyte of its own, and only blocks of spots are counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from expectations.errors import SourceFileError
from tests import drawn_exports
from tests.drawing import SHARED, needs_shared, table
from tests.drawn_aid_workbook import (
    ANALYTES,
    DRAWN,
    HEADER,
    IMAGES,
    Rows,
    Sheets,
    block,
    drawn,
    found_in,
    plate_data,
    row_of,
    with_cell,
)
from tests.drawn_exports import LETTERS, column, day, read, workbook
from transforms.readers import aid_workbook


def test_each_fluorochrome_and_each_combination_is_an_analyte_and_no_other_block_is_counts():
    reading = read(workbook(drawn()))
    assert reading.format == aid_workbook.FORMAT
    assert found_in(reading) == DRAWN
    assert column(reading, "plates", "analyte") == list(ANALYTES)
    assert column(reading, "plates", "n_wells") == [96, 96, 96]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("TNTC", (None, "tntc")), ("--", (None, "not_counted")), (None, (None, "not_counted")), (7.0, (7, "counted"))],
)
def test_a_cell_without_a_number_has_a_status_and_shifts_no_other(value, expected):
    assert found_in(read(workbook(with_cell(1, "C4", value)))) == DRAWN | {("Cy3", "C4"): expected}


def test_the_plate_has_its_name_its_day_and_its_comment_and_every_well_its_cell():
    sheets = drawn()
    sheets["Properties"][3] = ["Comments", "run again"]
    reading = read(workbook(sheets))
    told = reading.tables["plates"].select("plate_id", "instrument", "read_date", "comment").unique().rows()
    assert told == [("PL-1", "AID", day("2014-10-28"), "run again")]
    places = {(row[2], row[1]): row[-2] for row in reading.tables["elispot_counts"].iter_rows()}
    assert places["Cy3", "C4"] == f"PlateData!E{row_of(1, 'C') + 1}"


def test_a_plate_of_one_colour_that_names_none_has_the_analyte_of_the_study():
    sheets = {"PlateData": [[None, HEADER], *block("Spots Number", 0), *block("Activity", 9)]}
    assert set(found_in(read(workbook(sheets)))) == {("IFNg", well) for _, well in DRAWN}


def test_a_plate_of_384_wells_is_read_by_its_column_numbers():
    sheets = {"PlateData": [[None, HEADER], *block("Spots Number", 0, 16, 24)]}
    assert found_in(read(workbook(sheets)))["IFNg", "P24"] == (383, "counted")


def without_properties(sheets: Sheets) -> None:
    del sheets["Properties"]


def nameless_header(sheets: Sheets) -> None:
    sheets["PlateData"][0][1] = HEADER.replace("PL-1,", ",")


@pytest.mark.parametrize("quirk", [without_properties, nameless_header])
def test_the_name_is_that_of_the_first_line_or_else_of_the_properties(quirk):
    sheets = drawn()
    quirk(sheets)
    assert set(column(read(workbook(sheets)), "plates", "plate_id")) == {"PL-1"}


def edit(row: int, cell: int, value: object) -> Callable[[Sheets], None]:
    """Another value in one cell of the sheet of blocks, rows and columns from 0."""

    def change(sheets: Sheets) -> None:
        line = sheets["PlateData"][row]
        line.extend([None] * (cell + 1 - len(line)))
        line[cell] = value

    return change


def titled(analyte: int, title: str) -> Callable[[Sheets], None]:
    """Another title for a block of counts."""
    return edit(1 + 12 * analyte, 0, f" Plate Data - {title} ")


def on_rows(change: Callable[[Rows], Any]) -> Callable[[Sheets], None]:
    """A change of the rows of the sheet of blocks."""
    return lambda sheets: change(sheets["PlateData"]) and None


def exchange(first: int, second: int) -> Callable[[Sheets], None]:
    """Two rows exchanged."""
    return on_rows(lambda rows: rows.__setitem__(slice(None), swapped(rows, first, second)))


def swapped(rows: Rows, first: int, second: int) -> Rows:
    """The rows with two of them exchanged."""
    order = {first: second, second: first}
    return [rows[order.get(n, n)] for n in range(len(rows))]


def put_in(at: int, first: int, last: int) -> Callable[[Sheets], None]:
    """A stretch of rows once more, somewhere else."""
    return on_rows(lambda rows: rows.__setitem__(slice(at, at), rows[first:last]))


def drop(first: int, last: int) -> Callable[[Sheets], None]:
    """A stretch of rows taken away."""
    return on_rows(lambda rows: rows.__delitem__(slice(first, last)))


def both_nameless(sheets: Sheets) -> None:
    nameless_header(sheets)
    sheets["Properties"][0] = ["Plate Name", None]


def moved_to_the_right(sheets: Sheets) -> None:
    line = sheets["PlateData"][row_of(0, "C")]
    line += [None, line[4]]
    line[4] = None


def property_is(row: int, value: str) -> Callable[[Sheets], None]:
    """Another value in the sheet of properties."""

    def change(sheets: Sheets) -> None:
        sheets["Properties"][row][1] = value

    return change


def blocks_twice(sheets: Sheets) -> None:
    sheets["Sheet3"] = plate_data()


DAMAGE: dict[str, Callable[[Sheets], None]] = {
    "a letter": edit(row_of(0, "C"), 4, "1O"),
    "a negative count": edit(row_of(0, "C"), 4, -1),
    "a count moved to the right": moved_to_the_right,
    "a count taken out": on_rows(lambda rows: rows[row_of(0, "C")].pop(4)),
    "a row is missing": drop(row_of(0, "C"), row_of(0, "D")),
    "cut off in a block": drop(row_of(2, "C"), 1000),
    "wrong column numbers": edit(2, 12, 13),
    "something below the rows": edit(row_of(0, "H") + 1, 0, "I"),
    "a row of counts twice": put_in(row_of(0, "C"), row_of(0, "C"), row_of(0, "D")),
    "rows of activity put in": lambda sheets: sheets["PlateData"].__setitem__(slice(6, 6), sheets["PlateData"][42:48]),
    "SFU in two places": put_in(34, 70, 80),
    "no counts": lambda sheets: [titled(n, f"SFU({image})")(sheets) for n, image in enumerate(IMAGES)] and None,
    "titles of images exchanged": exchange(1, 13),
    "titles of counts and activity exchanged": exchange(1, 37),
    "the last title damaged": titled(2, "Spots Numbers(double stained: FITC+Cy3)"),
    "a title without its end": titled(2, "Spots Number(double stained: FITC+Cy3"),
    "a title without an image": titled(1, "Spots Number"),
    "another name than in other blocks": edit(37, 0, " Plate Data - Activity(in first image: FITX) "),
    "joined to the activity below": drop(26, 38),
    "two sheets of blocks": blocks_twice,
    "no name": both_nameless,
    "two names": property_is(0, "PL-2"),
    "two dates": property_is(1, "October 29, 2014"),
    "a date with two readings": property_is(1, "03/04/2014"),
}
REFUSED = """
    damage                                  | code            | says
    a letter                                | aid.count_token | PlateData!E6: '1O' is neither a count
    a negative count                        | sentinel.undeclared | PlateData!E6, well C4: 1 of 96 wells hold -1
    a count moved to the right              | aid.count_grid  | row C has cells to the right of its 12 columns
    a count taken out                       | aid.count_grid  | row C ends before the last column
    a row is missing                        | aid.count_grid  | expected row C of the counts, found 'D
    cut off in a block                      | aid.count_grid  | expected row C of the counts, found ''
    wrong column numbers                    | aid.count_grid  | expected the column numbers 1 to 12 or 1 to 24
    something below the rows                | aid.count_grid  | expected nothing between the rows of counts and the next
    rows of activity put in                 | aid.count_grid  | expected nothing between the rows of counts and the next
    SFU in two places                       | aid.count_grid  | blocks of 'SFU' stand in two places
    a row of counts twice                   | aid.count_grid  | expected row D of the counts, found 'C
    no counts                               | aid.count_grid  | there is no block titled `Plate Data - Spots Number`
    titles of images exchanged              | aid.count_grid  | PlateData!A2: 'in second image: Cy3' is not the image
    titles of counts and activity exchanged | aid.count_grid  | a block of 'Activity' stands above one of counts
    the last title damaged                  | aid.count_grid  | the blocks of 'Spots Numbers' are not those
    a title without its end                 | aid.count_grid  | does not say what the block is
    a title without an image                | aid.count_grid  | PlateData!A14: '' is not the image
    another name than in other blocks       | aid.count_grid  | the blocks of 'Activity' are not those
    joined to the activity below            | aid.count_grid  | the blocks of 'Activity' are not those
    two sheets of blocks                    | aid.count_grid  | expected one sheet of blocks
    no name                                 | aid.header      | neither the first line nor the sheet `Properties`
    two names                               | aid.header      | two plate names (PL-1, PL-2)
    two dates                               | aid.header      | two read dates (2014-10-28, 2014-10-29)
    a date with two readings                | aid.header      | day and month could be either
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


BAD_TITLES = (
    ("in first image: FITC", "in second image: "),
    ("in first image: FITC", "in second image: FITC"),
    ("in second image: FITC",),
    ("in first image: FITC", "double stained: FITC+Cy5"),
    ("in first image: FITC", "in second image: Cy3", "double stained: FITC+FITC"),
    ("in first image: FITC", "in second image: Cy3", "triple stained: FITC+Cy3"),
    (*IMAGES, "double stained: FITC+Cy3"),
    (*IMAGES, "in third image: Cy5"),
    ("of the plate",),
)


@pytest.mark.parametrize("images", BAD_TITLES, ids=[images[-1] for images in BAD_TITLES])
def test_images_that_are_named_alike_in_every_block_must_still_be_known_and_in_order(images):
    with pytest.raises(SourceFileError, match=r"is not the image|stands twice or out of order"):
        read(workbook(drawn() | {"PlateData": plate_data(images)}))


def test_an_ambiguous_read_date_is_read_where_the_study_file_gives_the_order():
    sheets = drawn()
    del sheets["Properties"]
    edit(0, 1, HEADER.replace("Tuesday, October 28, 2014", "03/04/2014"))(sheets)
    reading = read(workbook(sheets), drawn_exports.settings(order="dmy"))
    assert set(column(reading, "plates", "read_date")) == {day("2014-04-03")}


@needs_shared
def test_the_real_fluorospot_plate_gives_the_wells_of_its_seven_blocks_of_spots():
    from openpyxl import load_workbook

    path = SHARED / "real/elispot/aid/AID_fluoro5.xlsx"
    sheet = load_workbook(path)["PlateData"]
    first_rows = {"FITC": 4, "Cy3": 16, "Cy5": 28, "FITC+Cy3": 40, "FITC+Cy5": 52, "Cy3+Cy5": 64, "FITC+Cy3+Cy5": 76}
    by_eye = {
        (analyte, f"{LETTERS[row]}{n}"): (sheet.cell(first + row, n + 1).value, "counted")
        for analyte, first in first_rows.items()
        for row in range(8)
        for n in range(1, 13)
    }
    reading = read(path.read_bytes())
    assert found_in(reading) == by_eye
    assert by_eye["FITC", "E8"] == (689, "counted")
    assert by_eye["FITC+Cy5", "D4"] == (3, "counted")
    assert set(reading.tables["plates"].select("plate_id", "read_date").rows()) == {
        ("48 h incubation reading 10282014 Cy5 FITC cy3", day("2014-10-28"))
    }
