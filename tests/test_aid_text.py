"""AID text exports: the grid of counts is taken in whole and as it stands, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.errors import SourceFileError
from tests import drawn_exports
from tests.drawing import SHARED, needs_shared, table
from tests.drawn_exports import (
    COUNTS,
    LETTERS,
    Wells,
    aid_export,
    column,
    counted,
    day,
    grid,
    read,
    wells_of,
    with_count,
)

DRAWN = counted(COUNTS)
GRID = "\n".join(["Spot counts:", *grid(COUNTS, 5)])
"""The text of the drawn grid, as it stands in `aid_export()`."""


def test_the_first_grid_is_counts_and_no_other_grid_is():
    assert wells_of(read(aid_export())) == DRAWN


def test_a_well_too_numerous_to_count_and_one_not_counted_have_a_status_and_no_number():
    counts = with_count("C4", "TNTC")
    counts[7][11] = "--"
    expected = DRAWN | {"C4": (None, "tntc"), "H12": (None, "not_counted")}
    assert wells_of(read(aid_export(counts))) == expected


def test_the_plate_has_its_name_without_the_ending_its_day_and_its_comment_on_one_line():
    reading = read(aid_export())
    assert [column(reading, "plates", name) for name in ("plate_id", "analyte", "instrument", "read_date")] == [
        ["PL-1"],
        ["IFNg"],
        ["AID"],
        [day("2012-03-13")],
    ]
    assert column(reading, "plates", "comment") == ["2x10^5cells/well | Patient: 7"]
    assert column(reading, "plates", "n_wells") == column(reading, "plates", "n_wells_declared") == [96]


def test_every_well_says_on_which_line_it_stands():
    text = aid_export()
    row_c = text.split("\n").index(grid(COUNTS, 5)[3]) + 1
    places = read(text).tables["elispot_counts"].select("well", "place").rows()
    assert {place for well, place in places if well.startswith("C")} == {f"line {row_c}"}


@pytest.mark.parametrize("name", ["PL-1", "PL-1.plt", "PL-1.PLT", "  PL-1.plt  "])
def test_a_plate_name_meets_its_layout_with_and_without_the_ending(name):
    assert column(read(aid_export(name=name)), "plates", "plate_id") == ["PL-1"]


def test_a_small_plate_and_a_large_one_are_read_by_the_size_they_declare():
    small = [["1", "2", "3"], ["4", "TNTC", "6"]]
    assert wells_of(read(aid_export(small)))["B2"] == (None, "tntc")
    large = [[str(row * 24 + n) for n in range(24)] for row in range(16)]
    assert wells_of(read(aid_export(large)))["P24"] == (383, "counted")


def row(letter: str) -> str:
    """A row of the drawn grid, as it stands in the text."""
    return grid(COUNTS, 5)[LETTERS.index(letter) + 1]


def instead(old: str, new: str) -> Callable[[str], str]:
    """A change of the text, once."""
    return lambda text: text.replace(old, new, 1)


DATE = "Date: Tuesday, March 13, 2012"
QUIRKS = {
    "date in quotation marks": instead(DATE, f'"{DATE}"'),
    "no comment": lambda text: re.sub(r"Comment:.*?(?=Spot)", "", text, flags=re.DOTALL),
    "no date": instead(DATE, ""),
    "blanks behind rows": lambda text: re.sub(r"(?m)(?<=\d)$", " ", text),
    "rows parted by tabs": instead(GRID[12:], re.sub(" +", "\t", GRID[12:])),
    "rows parted by single blanks": instead(GRID[12:], re.sub(" +", " ", GRID[12:])),
    "a number of decimal commas": lambda text: text.replace("0.125", "0,125"),
    "a grid of another kind": instead(
        "All Well Comments", "\n".join(["Activity:", *grid(COUNTS, 6), "", "All Well Comments"])
    ),
    "a grid that has no title": instead("All Well Comments", "\n".join([*grid(COUNTS, 6), "", "All Well Comments"])),
    "two grids missing": lambda text: text[: text.index("Overall")] + text[text.index("Average intensity") :],
    "blanks that do not break": instead(GRID[12:], GRID[12:].replace(" ", "\u00a0")),
    "the size in quotation marks": instead("Column: 12  Row: 8", '"Column: 12  Row: 8"'),
    "the grids on a single line end": lambda text: re.sub(r"\n{3,}", "\n\n", text),
    "no other grid": lambda text: text[: text.index("Overall")],
    "the grid of counts and nothing else": lambda text: text[: text.index("Overall")].rstrip("\n") + "\n",
    "blank lines above": lambda text: "\n\n" + text,
    "a date in the comment": instead("Patient: 7", "Date: of thawing unknown"),
    "a name in the comment": instead("Patient: 7", "Plate name: see the lab book"),
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_quirks_around_the_grid_change_no_count(quirk):
    text = QUIRKS[quirk](aid_export())
    assert text != aid_export()
    reading = read(text)
    assert wells_of(reading) == DRAWN
    assert column(reading, "plates", "plate_id") == ["PL-1"]


ENCODED = aid_export(comment=("Comment:", "Læge: Sørensen, 37 °C"))


@pytest.mark.parametrize(
    "data",
    [
        ENCODED.encode(),
        ENCODED.encode("utf-8-sig"),
        ENCODED.encode("utf-16"),
        ENCODED.encode("utf-16-le"),
        ENCODED.encode("utf-16-be"),
        ENCODED.encode("cp1252"),
        ENCODED.replace("\n", "\r\n").encode(),
        ENCODED.replace("\n", "\r").encode(),
        ENCODED.replace("\n", "\r\n").encode("utf-16"),
    ],
    ids=["utf-8", "mark", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "CRLF", "lone CR", "utf-16 CRLF"],
)
def test_every_encoding_and_line_end_gives_the_same_plate(data):
    reading = read(data)
    assert wells_of(reading) == DRAWN
    assert column(reading, "plates", "comment") == ["Læge: Sørensen, 37 °C"]


def test_a_plate_name_of_any_alphabet_is_read_from_utf_16_without_a_mark():
    text = aid_export(name="Łódź-1")
    for encoding in ("utf-16-le", "utf-16-be"):
        assert column(read(text.encode(encoding)), "plates", "plate_id") == ["Łódź-1"]


IN_OTHER_WORDS = """Plattenname: PL-1.plt

Datum: Dienstag, 13. März 2012

Spalte: 12  Reihe: 8

Spotzahl:
"""


def test_an_export_in_another_language_is_known_for_one_and_refused_with_what_was_expected():
    text = IN_OTHER_WORDS + GRID.partition("\n")[2] + "\n\n"
    with pytest.raises(SourceFileError, match=re.escape("no `Plate name:` and no `Spot counts:`")) as refused:
        read(text)
    assert (refused.value.code, refused.value.place) == ("aid.header", "whole file")
    assert "English" in refused.value.remedy


@pytest.mark.parametrize(
    "written",
    ["Dienstag, 13. März 2012", "tirsdag den 13. marts 2012", "2012/03/13", "13.03.2012 16:09", "3/13/2012 4:09:18 PM"],
)
def test_a_date_in_the_words_of_the_readers_computer_is_the_read_date(written):
    for text in (aid_export(read_on=f"Date: {written}"), aid_export(read_on=f'"Date: {written}"')):
        assert column(read(text.encode("cp1252")), "plates", "read_date") == [day("2012-03-13")]


def test_wells_behind_several_too_numerous_to_count_keep_their_columns_in_a_row_of_fixed_width():
    counts = with_count("C2", "TNTC")
    counts[2][3] = counts[2][10] = "TNTC"
    expected = DRAWN | dict.fromkeys(("C2", "C4", "C11"), (None, "tntc"))
    assert wells_of(read(aid_export(counts))) == expected


def test_a_replacement_character_already_in_the_file_is_left_as_it_is():
    reading = read(aid_export(comment=("Comment:", "S\ufffdrensen")))
    assert column(reading, "plates", "comment") == ["S\ufffdrensen"]


HEADER, *ROWS = grid(COUNTS, 5)
COUNTS_TITLE, LAST_TITLE = "Spot counts:", "Average intensity of spots"
DAMAGE = {
    "a count is missing": instead(row("C"), row("C")[:-5]),
    "a count too many": instead(row("C"), row("C") + "    9"),
    "a row is missing": instead(row("C") + "\n", ""),
    "a row twice": instead(row("C"), row("C") + "\n" + row("C")),
    "rows exchanged": instead(f"{row('C')}\n{row('D')}", f"{row('D')}\n{row('C')}"),
    "cut off in a row": lambda text: text[: text.index(row("E")) + 20],
    "cut off in the last count": lambda text: text[: text.index(row("H")) + len(row("H")) - 1],
    "the grid twice": instead(GRID, f"{GRID}\n\n{GRID}"),
    "no grid": instead(GRID, ""),
    "no column numbers": instead(HEADER + "\n", ""),
    "wrong column numbers": instead("11   12\nA", "12   11\nA"),
    "a row too many": instead(row("H"), f"{row('H')}\nI{row('H')[1:]}"),
    "titles exchanged": lambda text: (
        text.replace(COUNTS_TITLE, "@").replace(LAST_TITLE, COUNTS_TITLE).replace("@", LAST_TITLE)
    ),
    "surface under the title": lambda text: text.replace(GRID, COUNTS_TITLE + text.partition("square mm:")[2], 1),
    "intensity under the title": lambda text: text.partition("\n" + HEADER)[0] + text.partition(LAST_TITLE)[2],
    "rows of another grid behind tabs": lambda text: re.sub(
        r"(?s)\nD\t.*intensity of spots.*?\nD",
        r"\nD",
        text.replace(GRID, re.sub(" +", "\t", GRID).replace("\t", " ", 1)),
    ),
    "last row of another grid": instead(row("H"), "H" + "".join(f"{n:>6}" for n in range(200, 212))),
    "a letter": instead(row("C"), row("C").replace("14", "1O", 1)),
    "a negative count": instead(row("C"), row("C").replace("14", "-4", 1)),
    "a decimal count": instead(row("C"), row("C").replace(" 14", "1.4", 1)),
    "a foreign digit": instead(row("C"), row("C").replace("14", "1٤", 1)),
    "no size": instead("Column: 12  Row: 8", ""),
    "two sizes": instead("Patient: 7", "Column: 12  Row: 8"),
    "a size of no plate": instead("Column: 12", "Column: 99"),
    "a size too long to be one": instead("Column: 12", f"Column: {'9' * 5000}"),
    "a smaller size": instead("Row: 8", "Row: 7"),
    "no name": instead("PL-1.plt", ""),
    "only the ending as name": instead("PL-1.plt", ".plt"),
    "two names": lambda text: "Plate name: PL-2\n" + text,
    "a wrong weekday": instead("Tuesday", "Monday"),
    "a date that is none": instead("March 13", "March 33"),
    "a date with two readings": instead("Tuesday, March 13, 2012", "03/04/2012"),
}
REFUSED = """
    damage                    | code            | says
    a count is missing        | aid.count_grid  | row C has 11 counts for 12 columns
    a count too many          | aid.count_grid  | row C has 13 counts for 12 columns
    a row is missing          | aid.count_grid  | expected row C of the counts
    a row twice               | aid.count_grid  | expected row D of the counts
    rows exchanged            | aid.count_grid  | expected row C of the counts
    cut off in a row          | aid.count_grid  | row E has 4 counts
    cut off in the last count | aid.count_grid  | may be cut short
    the grid twice            | aid.count_grid  | expected one grid titled `Spot counts:`, found 2
    no grid                   | aid.count_grid  | expected one grid titled `Spot counts:`, found 0
    no column numbers         | aid.count_grid  | expected the column numbers 1 to 12 above the counts
    wrong column numbers      | aid.count_grid  | expected the column numbers 1 to 12 above the counts
    a row too many            | aid.count_grid  | expected an empty line below the 8 rows
    titles exchanged          | aid.count_grid  | a grid stands above the one titled `Spot counts:`
    surface under the title   | aid.count_grid  | numbers of another grid
    intensity under the title | aid.count_grid  | numbers of another grid
    rows of another grid behind tabs | aid.count_grid | no width tells them apart
    last row of another grid  | aid.count_grid  | row H does not stand under
    a letter                  | aid.count_token | well C1: '1O' is neither a count
    a negative count          | sentinel.undeclared | well C1: 1 of 96 wells hold -4
    a decimal count           | aid.count_token | well C1: '1.4' is neither a count
    a foreign digit           | aid.count_token | well C1: '1٤' is neither a count
    no size                   | aid.header      | expected one line `Column: 12  Row: 8`, found 0
    two sizes                 | aid.header      | expected one line `Column: 12  Row: 8`, found 2
    a size of no plate        | aid.header      | no plate has 99 columns and 8 rows
    a size too long to be one | aid.header      | expected one line `Column: 12  Row: 8`, found 0
    a smaller size            | aid.count_grid  | expected an empty line below the 7 rows
    no name                   | aid.header      | no line `Plate name: ...` gives the plate a name
    only the ending as name   | aid.header      | no line `Plate name: ...` gives the plate a name
    two names                 | aid.header      | several plate names (PL-1, PL-2)
    a wrong weekday           | aid.header      | 2012-03-13 is no Monday
    a date that is none       | aid.header      | the read date cannot be read: day is out of range
    a date with two readings  | aid.header      | day and month could be either
"""


@pytest.mark.parametrize(("damage", "code", "says"), table(REFUSED).rows())
def test_a_damaged_export_is_refused_whole_with_place_and_remedy(damage, code, says):
    text = DAMAGE[damage](aid_export())
    assert text != aid_export()
    with pytest.raises(SourceFileError, match=re.escape(says)) as refused:
        read(text)
    assert refused.value.code == code
    assert refused.value.place
    assert refused.value.remedy


def test_every_damage_has_its_answer():
    assert set(DAMAGE) == set(table(REFUSED)["damage"])


def test_an_ambiguous_read_date_is_read_where_the_study_file_gives_the_order():
    text = aid_export(read_on="Date: 03/04/2012")
    assert column(read(text, drawn_exports.settings(order="dmy")), "plates", "read_date") == [day("2012-04-03")]


def test_one_count_corrected_by_hand_shows_in_its_well_though_the_row_is_shifted():
    text = aid_export().replace(row("C"), row("C").replace("14", "123", 1))
    assert wells_of(read(text)) == DRAWN | {"C1": (123, "counted")}


REAL = sorted((SHARED / "real/elispot/aid").glob("*.txt"))


def counts_by_eye(text: str) -> Wells:
    """Every token of the lines between the title and the first empty line, by the row's letter and its position."""
    lines = text.partition("Spot counts:\n")[2].partition("\n\n")[0].split("\n")[1:]
    tokens = {f"{line[0]}{n}": token for line in lines for n, token in enumerate(line[1:].split(), start=1)}
    return {well: (None, "tntc") if token == "TNTC" else (int(token), "counted") for well, token in tokens.items()}


@needs_shared
@pytest.mark.parametrize("path", REAL, ids=[path.stem for path in REAL])
def test_real_exports_give_the_counts_of_their_grid(path):
    reading = read(path.read_bytes())
    assert wells_of(reading) == counts_by_eye(path.read_text())
    assert reading.tables["elispot_counts"].height == 96


@needs_shared
def test_real_exports_give_name_date_and_wells_too_numerous_to_count():
    by_name = {path.stem: read(path.read_bytes()) for path in REAL}
    told = {column(r, "plates", "plate_id")[0]: column(r, "plates", "read_date")[0] for r in by_name.values()}
    assert told == {
        "0161456 W4": day("2004-11-09"),
        "0161456 W5": day("2004-11-09"),
        "GC_PPL0014_2040": day("2006-08-08"),
    }
    uncounted = {well: found for well, found in wells_of(by_name["AID_TNTC"]).items() if found[0] is None}
    assert uncounted == dict.fromkeys(("B3", "B5", "B8"), (None, "tntc"))


BASE = aid_export(with_count("C4", "TNTC"))
LINES = BASE.split("\n")


def is_refused(text: str) -> bool:
    """True where the reader refuses; any other error fails the test."""
    try:
        read(text)
    except SourceFileError:
        return True
    return False


GRID_LINES = range(LINES.index(COUNTS_TITLE), LINES.index(COUNTS_TITLE) + 10)


@pytest.mark.parametrize("begins", GRID_LINES)
def test_no_stretch_of_lines_cut_out_from_within_the_grid_joins_it_to_another(begins):
    for ends in range(begins + 1, len(LINES)):
        assert is_refused("\n".join(LINES[:begins] + LINES[ends:])), ends


@pytest.mark.parametrize("letter", "ABCDEFGH")
def test_a_row_in_exchange_for_that_of_another_grid_is_refused(letter):
    mine, *others = [number for number, line in enumerate(LINES) if line.startswith(f"{letter} ")]
    assert len(others) == 3
    for other in others:
        lines = list(LINES)
        lines[mine], lines[other] = lines[other], lines[mine]
        assert is_refused("\n".join(lines))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(DRAWN)), st.integers(0, 9999))
def test_a_count_changed_in_the_grid_is_the_count_read_there_and_nowhere_else(well, count):
    row_index, token = LETTERS.index(well[0]), str(count)
    counts = with_count(well, token)
    counts[row_index][11] = "TNTC" if well[1:] != "12" else token
    expected = DRAWN | {f"{well[0]}12": (None, "tntc"), well: (count, "counted")}
    assert wells_of(read(aid_export(counts))) == expected


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_behind_a_plate_name_raise_nothing_but_the_readers_own_error(tail):
    with pytest.raises(SourceFileError):
        read(b"Plate name: X\n" + tail)
