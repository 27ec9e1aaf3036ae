"""What CTL exports say above and below their grids: how the spots were counted, and what their colours would say."""

from __future__ import annotations

import json

import pytest

from tests.drawing import needs_shared, table
from tests.drawn_ctl import COUNTED, DRAWN, FOLDER, FORMS, PATH, as_workbook, ctl_cells, ctl_fixed, ctl_tabbed
from tests.drawn_exports import LETTERS, column, read, wells_of, with_count, workbook
from transforms.readers.source import Reading


def parameters(reading: Reading) -> dict[str, object]:
    (told,) = column(reading, "plates", "counting_parameters")
    return json.loads(str(told))


@pytest.mark.parametrize("form", FORMS)
def test_software_and_settings_of_counting_are_told_in_the_words_of_the_file(form):
    reading = read(FORMS[form]())
    assert column(reading, "plates", "software_version") == ["ImmunoSpot 7.0.30.5"]
    assert parameters(reading)["Counting window size"] == "1024x1024"


LINES = """
    line                                       | name                       | value
    Normalize Counts of Mask: Off              | Normalize Counts of Mask   | Off
    Min. SpotSize: 0,0025  Sq.mm               | Min. SpotSize              | 0,0025  Sq.mm
    Fill Holes was Off                         | Fill Holes                 | Off
    Oversized Spots were Estimated             | Oversized Spots            | Estimated
    No overdevelopment                         | No overdevelopment         |
    Filter:                                    | Filter                     |
"""


@pytest.mark.parametrize(("line", "name", "value"), table(LINES).rows())
def test_a_line_is_a_setting_and_its_value(line, name, value):
    assert parameters(read(ctl_fixed().replace("Objects: Normal", line)))[name] == (value or "")


def test_a_line_in_brackets_belongs_to_the_line_above_and_a_setting_told_twice_is_a_list():
    lines = "Area Handling was Active\n     (Auto Areas: Estimated)\nBackground Balance was On\nBackground Balance: 40"
    told = parameters(read(ctl_fixed().replace("Objects: Normal", lines)))
    assert told["Area Handling"] == "Active (Auto Areas: Estimated)"
    assert told["Background Balance"] == ["On", "40"]


def test_an_export_without_settings_has_none():
    text = ctl_fixed()
    begins, ends = text.index(PATH) + len(PATH), text.index("\t\t\tUnprocessed")
    assert column(read(text[:begins] + "\n\n" + text[ends:]), "plates", "counting_parameters") == [None]


BLUE = "Blue numbers mean spotcounts are not 100% certain"


def with_blue() -> list[list[str]]:
    rows = ctl_cells()
    at = next(n for n, row in enumerate(rows) if any("QC changes" in cell for cell in row))
    return [*rows[: at + 2], ["", "", BLUE, *rows[0][3:]], *rows[at + 2 :]]


@pytest.mark.parametrize("content", [ctl_tabbed(with_blue()), as_workbook(with_blue())], ids=["text", "workbook"])
def test_what_the_legend_says_of_colours_is_reported_as_lost_and_changes_no_count(content):
    reading = read(content)
    lost = ["colour of the counts (QC changes are highlighted)", f"colour of the counts ({BLUE})"]
    assert reading.unused_columns == {"elispot_counts": lost}
    assert wells_of(reading) == DRAWN


def test_an_export_that_says_nothing_of_colours_has_lost_nothing():
    assert read(ctl_fixed()).unused_columns == {}


def test_a_workbook_of_several_plates_reports_its_colours_once():
    other = ctl_cells(path="D:\\PL-2.xls")
    assert read(workbook({"one": ctl_cells(), "two": other})).unused_columns == {
        "elispot_counts": ["colour of the counts (QC changes are highlighted)"]
    }


# --- variants no file at hand shows -------------------------------------------------------------------------------


def test_a_plate_of_384_wells_of_which_some_are_too_numerous_is_read_in_fixed_width():
    counts = [[str(24 * row + n) for n in range(24)] for row in range(16)]
    counts[2][3] = counts[15][23] = "TNTC"
    text = ctl_fixed(counts, counted=COUNTED).replace("  TNTC", "     TNTC", 1)
    expected = {f"{letter}{n + 1}": (24 * row + n, "counted") for row, letter in enumerate(LETTERS) for n in range(24)}
    assert wells_of(read(text)) == expected | {"C4": (None, "tntc"), "P24": (None, "tntc")}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("form", ["fixed width", "cells in text"])
def test_every_encoding_and_line_end_gives_the_same_wells(form, encoding):
    text = str(FORMS[form](path="D:\\Forsøg\\PL-1.xls")).replace("\ufffd", "?")
    for line_end in ("\n", "\r\n", "\r"):
        assert wells_of(read(text.replace("\n", line_end).encode(encoding))) == DRAWN


def test_decimal_commas_in_the_other_grids_change_no_count():
    rows = [[cell.replace(".5", ",5").replace("0.", "0,") for cell in row] for row in ctl_cells()]
    assert wells_of(read(ctl_tabbed(rows))) == DRAWN


def test_counts_of_two_assays_on_one_plate_are_refused():
    text = ctl_fixed()
    begins = text.index("\t\t\tUnprocessed")
    grid = text[begins : text.index("\t\t\tMean")]
    with pytest.raises(Exception, match="expected one grid of counts, titled `Unprocessed Data`, found 2"):
        read(text[:begins] + grid + text[begins:])


def test_an_assay_layout_that_has_lost_its_title_is_not_taken_for_counts():
    rows = ctl_cells(with_count("A1", "5"), has_layout=True)
    rows = [["" if cell == "Assay Layout" else cell for cell in row] for row in rows]
    assert wells_of(read(ctl_tabbed(rows))) == DRAWN | {"A1": (5, "counted")}


@needs_shared
@pytest.mark.parametrize(
    ("name", "version", "n_settings"),
    [
        ("CTL_datafile.xls", "ImmunoSpot 4.0.17", 1),
        ("ctl_immunospot_example1.txt", "ImmunoSpot 7.0.30.5", 18),
        ("ctl_immunospot_v7_0_38_8_QC.txt", "ImmunoSpot 7.0.38.8", 3),
    ],
)
def test_real_exports_tell_their_settings(name, version, n_settings):
    reading = read((FOLDER / name).read_bytes())
    assert column(reading, "plates", "software_version") == [version]
    assert len(parameters(reading)) == n_settings
    is_reviewed = reading.unused_columns.get("elispot_counts", [])
    assert len(is_reviewed) == (0 if name == "ctl_immunospot_example1.txt" else 2)
