"""Zeiss KS ELISPOT exports: the grid of counts is taken in whole when its sums prove it, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.errors import SourceFileError
from tests import drawn_exports
from tests.drawing import SHARED, needs_shared, table
from tests.drawn_exports import COUNTS, column, counted, day, read, wells_of, with_count, zeiss_export
from transforms.readers import zeiss_text

UNTITLED = "Please Enter Title Here!"
DRAWN = counted(COUNTS)
BASE = zeiss_export()
LINES = BASE.split("\n")


def row(letter: str) -> str:
    """A row of the drawn grid, as it stands in the text."""
    return next(line for line in LINES if line.startswith(f"{letter}\t"))


def instead(old: str, new: str) -> Callable[[str], str]:
    """A change of the text, once."""
    return lambda text: text.replace(old, new, 1)


def cell_of(well: str, new: str) -> Callable[[str], str]:
    """Another text in one well, the sums left as they are."""
    cells = row(well[0]).split("\t")
    cells[int(well[1:])] = new
    return instead(row(well[0]), "\t".join(cells))


def test_counts_are_the_wells_and_the_sums_beside_and_below_them_are_none():
    assert wells_of(read(BASE)) == DRAWN


def test_an_empty_cell_is_a_well_not_counted_and_no_zero():
    assert wells_of(read(zeiss_export(with_count("C4", "")))) == DRAWN | {"C4": (None, "not_counted")}


def test_the_plate_has_its_title_its_day_and_its_comment_and_every_well_its_line():
    reading = read(BASE)
    told = {name: column(reading, "plates", name)[0] for name in ("plate_id", "analyte", "read_date", "comment")}
    assert told == {"plate_id": "PL-1", "analyte": "IFNg", "read_date": day("2007-05-18"), "comment": "ELI 7"}
    places = dict(reading.tables["elispot_counts"].select("well", "place").rows())
    assert places["C4"] == f"line {LINES.index(row('C')) + 1}"


def test_where_nobody_gave_a_title_the_comment_names_the_plate():
    assert column(read(zeiss_export(title=UNTITLED)), "plates", "plate_id") == ["ELI 7"]
    assert column(read(zeiss_export(title="")), "plates", "plate_id") == ["ELI 7"]


def test_a_plate_of_384_wells_is_read_by_its_column_numbers():
    large = [[str(line * 24 + n) for n in range(24)] for line in range(16)]
    assert wells_of(read(zeiss_export(large)))["P24"] == (383, "counted")


QUIRKS = {
    "no parameters": lambda text: text[: text.index(" Parameters")],
    "no comment": lambda text: text.replace(" Comment\n  ELI 7\n\n", ""),
    "several lines of comment": instead("  ELI 7", "  ELI 7\n  run again"),
    "the sum of the whole plate": lambda text: text.replace(
        "\t\n\n Par", f"\t{sum(int(cell) for line in COUNTS for cell in line)}\n\n Par"
    ),
    "no tab behind the sums": instead("\t\n\n Par", "\n\n Par"),
    "blank lines in the grid": instead("\nC\t", "\n\nC\t"),
    "a date in the comment": instead("  ELI 7", "  Date: 03/04/2012"),
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_quirks_around_the_counts_change_none(quirk):
    text = QUIRKS[quirk](BASE)
    assert text != BASE
    assert wells_of(read(text)) == DRAWN


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_every_encoding_and_line_end_gives_the_same_plate(encoding):
    text = zeiss_export(comment=("Læge Sørensen",)).replace("\n", "\r\n")
    reading = read(text.encode(encoding))
    assert wells_of(reading) == DRAWN
    assert column(reading, "plates", "comment") == ["Læge Sørensen"]


def swapped(cells: list[str], first: int, second: int) -> list[str]:
    """The list with two of its members exchanged."""
    cells[first], cells[second] = cells[second], cells[first]
    return cells


def second_grid(text: str) -> str:
    """Another table of numbers below the counts."""
    grid = text.partition(" Quantity\n")[2].partition(" Parameters")[0]
    return text.replace(" Parameters", f" Size\n{grid} Parameters")


DAMAGE = {
    "another count": cell_of("C4", "999"),
    "two wells exchanged": instead(row("C"), "\t".join(swapped(row("C").split("\t"), 4, 5))),
    "a count too many": instead(row("C"), row("C") + "\t9"),
    "a count is missing": instead(row("C"), row("C").rpartition("\t")[0]),
    "a row is missing": instead(row("C") + "\n", ""),
    "a row twice": instead(row("C"), f"{row('C')}\n{row('C')}"),
    "rows exchanged": instead(f"{row('C')}\n{row('D')}", f"{row('D')}\n{row('C')}"),
    "no sums of columns": lambda text: re.sub(r"\nS\t.*", "", text),
    "no sums of rows": lambda text: text.replace("\t       S", "", 1),
    "cut off in a row": lambda text: text[: text.index(row("E")) + 20],
    "cut off in the sums": lambda text: text[: text.index("\t\n\n Par") - 1],
    "cut off below the title of the grid": lambda text: text[: text.index("Quantity") + 9],
    "no grid": lambda text: text.partition(" Quantity")[0] + " Parameters\n",
    "the grid twice": instead(" Parameters", " Quantity\n"),
    "a second grid": second_grid,
    "wrong column numbers": instead("11\t    12", "12\t    11"),
    "a word for a count": cell_of("C4", "TNTC"),
    "a negative count": cell_of("C4", "-1"),
    "a decimal count": cell_of("C4", "1.5"),
    "a foreign digit": cell_of("C4", "2٤"),
    "parts out of order": lambda text: " Parameters\n" + text.replace(" Parameters", ""),
    "no name": lambda text: zeiss_export(title=UNTITLED, comment=()),
    "two lines that could be the name": lambda text: zeiss_export(title=UNTITLED, comment=("one", "two")),
    "a title of two lines": instead("PL-1\n", "PL-1\nPL-2\n"),
    "a wrong weekday": instead("Friday", "Monday"),
    "a date with two readings": instead("Friday, May 18, 2007", "03/04/2007"),
    "two dates": instead("Time: \t4:09", "Date: \tMay 19, 2007\nTime: \t4:09"),
}


REFUSED = """
    damage                              | code             | says
    another count                       | zeiss.count_grid | the counts of row C add up to 1342, but the sum
    two wells exchanged                 | zeiss.count_grid | the counts of column 4 add up to
    a count too many                    | zeiss.count_grid | row C has 14 cells
    a count is missing                  | zeiss.count_grid | row C has 12 cells
    a row is missing                    | zeiss.count_grid | expected 8 rows of counts and one of sums
    a row twice                         | zeiss.count_grid | expected 8 rows of counts and one of sums
    rows exchanged                      | zeiss.count_grid | expected row C of the counts, found 'D'
    no sums of columns                  | zeiss.count_grid | expected 8 rows of counts and one of sums
    no sums of rows                     | zeiss.count_grid | expected the column numbers 1 to 12 or 1 to 24 and `S`
    cut off in a row                    | zeiss.count_grid | expected 8 rows of counts and one of sums
    cut off in the sums                 | zeiss.count_grid | the counts of column 12 add up to
    cut off below the title of the grid | zeiss.count_grid | expected the column numbers
    no grid                             | zeiss.count_grid | expected one line `Quantity`, found 0
    the grid twice                      | zeiss.count_grid | expected one line `Quantity`, found 2
    a second grid                       | zeiss.count_grid | expected 8 rows of counts and one of sums
    wrong column numbers                | zeiss.count_grid | expected the column numbers
    a word for a count                  | zeiss.count_grid | well C4: 'TNTC' is neither a count nor empty
    a negative count                    | zeiss.count_grid | the counts of row C add up to
    a decimal count                     | zeiss.count_grid | well C4: '1.5' is neither
    a foreign digit                     | zeiss.count_grid | well C4: '2٤' is neither
    parts out of order                  | zeiss.header     | in the order Comment, Quantity, Parameters
    no name                             | zeiss.header     | it has neither a title nor a comment
    two lines that could be the name    | zeiss.header     | there are 2 lines that could be its name
    a title of two lines                | zeiss.header     | there are 2 lines that could be its name
    a wrong weekday                     | zeiss.header     | 2007-05-18 is no Monday
    a date with two readings            | zeiss.header     | day and month could be either
    two dates                           | zeiss.header     | expected one read date below `Parameters`, found 2
"""


@pytest.mark.parametrize(("damage", "code", "says"), table(REFUSED).rows())
def test_a_damaged_export_is_refused_whole_with_place_and_remedy(damage, code, says):
    text = DAMAGE[damage](BASE)
    assert text != BASE
    with pytest.raises(SourceFileError, match=re.escape(says)) as refused:
        read(text)
    assert refused.value.code == code
    assert refused.value.place
    assert refused.value.remedy


def test_every_damage_has_its_answer():
    assert set(DAMAGE) == set(table(REFUSED)["damage"])


def test_an_ambiguous_read_date_is_read_where_the_study_file_gives_the_order():
    told = drawn_exports.settings(order="dmy")
    assert column(read(zeiss_export(read_on="03/04/2007"), told), "plates", "read_date") == [day("2007-04-03")]


@needs_shared
def test_the_real_export_gives_the_counts_of_its_grid():
    text = (SHARED / "real/elispot/zeiss/Zeiss_datafile.txt").read_text()
    lines = [line for line in text.split("\n") if re.match(r"[A-H]\t", line)]
    by_eye = {
        f"{line[0]}{n}": (int(number), "counted")
        for line in lines
        for n, number in enumerate(re.findall(r"\d+", line)[:12], start=1)
    }
    reading = read(text)
    assert wells_of(reading) == by_eye
    assert len(by_eye) == 96
    assert [by_eye[well][0] for well in ("A1", "A2", "D9", "H12")] == [0, 5, 1028, 0]
    told = reading.tables["plates"].select("plate_id", "read_date", "n_wells").row(0)
    assert told == ("ELI02355 BN 51807", day("2007-05-18"), 96)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(DRAWN)), st.integers(0, 99999))
def test_a_count_the_instrument_wrote_is_read_in_its_well_and_nowhere_else(well, count):
    assert wells_of(read(zeiss_export(with_count(well, str(count))))) == DRAWN | {well: (count, "counted")}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_behind_the_headings_raise_nothing_but_the_readers_own_error(tail):
    with pytest.raises(SourceFileError):
        read(b"x\n Comment\n y\n Quantity\n" + tail)


def test_the_example_of_the_documentation_is_read_as_its_page_says():
    page = (Path(__file__).parents[1] / "docs/formats.md").read_text(encoding="utf-8")
    section = page.partition("\n## Zeiss")[2].partition("\n## ")[0]
    (example,) = re.findall(r"^```txt\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    reading = read(example)
    told = reading.tables["plates"].select("plate_id", "read_date", "comment").row(0)
    assert (reading.format, *told) == (zeiss_text.FORMAT, "PL-0007", day("2012-03-13"), "run again after cleaning")
    assert wells_of(reading)["A5"] == (61, "counted")
    assert wells_of(reading)["F6"] == (None, "not_counted")
