"""CTL ImmunoSpot exports: counts come from the right grid, in whole or not at all; numbers below zero are statuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from expectations.errors import SourceFileError, StudyFileError
from expectations.study import StudySettings
from expectations.study_file import parse_study
from tests import drawn_exports
from tests.drawing import needs_shared, table
from tests.drawn_ctl import (
    DRAWN,
    FOLDER,
    FORMS,
    LEGEND,
    PATH,
    REVIEWED,
    as_workbook,
    by_eye,
    ctl_cells,
    ctl_fixed,
    ctl_tabbed,
    real_cells,
)
from tests.drawn_exports import COUNTS, LETTERS, STUDY, column, day, read, wells_of, with_count, workbook


@pytest.mark.parametrize("form", FORMS)
def test_the_grid_of_counts_is_read_and_no_other_grid(form):
    assert wells_of(read(FORMS[form]())) == DRAWN


@pytest.mark.parametrize("form", FORMS)
def test_a_well_too_numerous_to_count_has_a_status_and_no_number(form):
    assert wells_of(read(FORMS[form](with_count("C4", "TNTC")))) == DRAWN | {"C4": (None, "tntc")}


@pytest.mark.parametrize("form", FORMS)
def test_a_blank_well_is_not_counted_and_moves_no_other(form):
    assert wells_of(read(FORMS[form](with_count("C4", "")))) == DRAWN | {"C4": (None, "not_counted")}


def test_a_token_longer_than_its_place_moves_what_follows_it_and_no_well():
    text = ctl_fixed(with_count("C4", "TNTC")).replace("  TNTC", "     TNTC")
    assert wells_of(read(text)) == DRAWN | {"C4": (None, "tntc")}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("columns", "rows"), [(3, 2), (6, 4), (24, 16)])
def test_plates_of_other_sizes_are_read(form, columns, rows):
    counts = [[str(30 * row + n) for n in range(columns)] for row in range(rows)]
    found = read(FORMS[form](counts))
    assert wells_of(found)[f"{LETTERS[rows - 1]}{columns}"] == (30 * rows - 31 + columns, "counted")
    assert column(found, "plates", "n_wells") == column(found, "plates", "n_wells_declared") == [rows * columns]


def test_plate_instrument_and_day_of_counting_come_from_the_lines_above():
    found = read(ctl_fixed(plate_code="BC 77"))
    told = [column(found, "plates", name)[0] for name in ("plate_id", "analyte", "instrument", "read_date", "comment")]
    assert told == ["PL-1", "IFNg", "CTL ImmunoSpot S6-01-1234", day("2023-10-03"), "Plate code: BC 77"]


def test_a_plate_code_of_lost_bytes_is_none():
    assert column(read(ctl_fixed(plate_code="\ufffd")), "plates", "comment") == [None]


@pytest.mark.parametrize("form", ["cells in text", "workbook"])
def test_the_day_of_a_review_is_not_the_day_of_counting(form):
    found = read(FORMS[form](counted=REVIEWED))
    assert column(found, "plates", "read_date") == [None]
    assert column(found, "plates", "comment") == ["QC review last updated on Tue Mar 05 12:20:51 2024"]


DATES = """
    written                              | read_date
    Tue Oct 03 14:44:50 2023             | 2023-10-03
    4:33:58 PM Wednesday, April 11, 2007 | 2007-04-11
    31.10.2023 14:44:50                  | 2023-10-31
    2023-10-03 14:44                     | 2023-10-03
"""


@pytest.mark.parametrize(("written", "read_date"), table(DATES).rows())
def test_the_day_of_counting_is_read_however_the_computer_writes_it(written, read_date):
    assert column(read(ctl_fixed(counted=f"Counted: {written}; User: 'x'")), "plates", "read_date") == [read_date]


def test_an_ambiguous_day_of_counting_is_read_where_the_study_file_gives_the_order():
    text = ctl_fixed(counted="Counted: 03/04/2012 14:44:50")
    assert column(read(text, drawn_exports.settings(order="dmy")), "plates", "read_date") == [day("2012-04-03")]
    with pytest.raises(SourceFileError, match="day and month could be either") as refused:
        read(text)
    assert (refused.value.code, refused.value.place) == ("ctl.header", "line 2")


def test_every_well_says_where_it_stands():
    def place(content: str | bytes) -> str:
        return dict(read(content).tables["elispot_counts"].select("well", "place").iter_rows())["C4"]

    text, rows = ctl_fixed(), ctl_cells()
    row_c = next(n for n, row in enumerate(rows, start=1) if row[0] == "C")
    assert place(text) == f"line {text[: text.index(chr(10) + 'C ')].count(chr(10)) + 2}"
    assert place(ctl_tabbed(rows)) == f"line {row_c}"
    assert place(as_workbook(rows)) == f"PL-1!E{row_c}"


def test_the_example_on_the_page_of_formats_is_read_as_it_says():
    page = (Path(__file__).parents[1] / "docs/formats.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```tsv\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    found = read(example)
    wells = wells_of(found)
    assert column(found, "plates", "plate_id") == ["PL-0007"]
    assert column(found, "plates", "read_date") == [day("2024-02-15")]
    assert (wells["A5"], wells["F6"], wells["H12"]) == ((61, "counted"), (None, "off_scale"), (None, "not_counted"))


# --- numbers below zero ------------------------------------------------------------------------------------------

SENTINELS = {"A1": ("-1", "not_counted"), "B2": ("-2", "off_scale"), "C3": ("-3", "qc_rejected")}
SENTINELS["D4"] = ("-4", "not_counted")


def sentinel_counts(wells: dict[str, tuple[str, str]]) -> list[list[str]]:
    rows = [list(row) for row in COUNTS]
    for well, (token, _) in wells.items():
        rows[LETTERS.index(well[0])][int(well[1:]) - 1] = token
    return rows


@pytest.mark.parametrize("form", ["cells in text", "workbook"])
def test_numbers_below_zero_mean_what_the_legend_of_the_file_says(form):
    expected = DRAWN | {well: (None, status) for well, (_, status) in SENTINELS.items()}
    assert wells_of(read(FORMS[form](sentinel_counts(SENTINELS)))) == expected


def test_a_legend_of_other_order_is_followed():
    legend = ("-1 = Off scale well", "-2 = Well is not counted")
    found = wells_of(
        read(ctl_tabbed(ctl_cells(sentinel_counts(SENTINELS | {"C3": ("3", ""), "D4": ("4", "")}), legend=legend)))
    )
    assert (found["A1"], found["B2"]) == ((None, "off_scale"), (None, "not_counted"))


def sentinels(**meaning: str) -> StudySettings:
    lines = "".join(f'{number} = "{status}"\n' for number, status in meaning.items())
    return parse_study(f"{STUDY}\n[elispot.sentinels]\n{lines}".encode())


ONLY_MINUS_1 = {f"H{n}": ("-1", "") for n in range(1, 13)}


@pytest.mark.parametrize("form", FORMS)
def test_a_number_no_legend_explains_is_refused_by_name_until_the_study_file_does(form):
    content = FORMS[form](sentinel_counts(ONLY_MINUS_1), **({} if form == "fixed width" else {"legend": ()}))
    with pytest.raises(SourceFileError, match=r"12 of 96 wells hold -1.*elispot\.sentinels") as refused:
        read(content)
    assert refused.value.code == "sentinel.undeclared"
    assert "well H1" in str(refused.value.place)
    found = wells_of(read(content, sentinels(**{"-1": "tntc"})))
    assert found == DRAWN | dict.fromkeys(ONLY_MINUS_1, (None, "tntc"))


def test_the_legend_of_a_file_goes_before_the_study_file():
    content = ctl_tabbed(ctl_cells(sentinel_counts(ONLY_MINUS_1)))
    assert wells_of(read(content, sentinels(**{"-1": "tntc"})))["H1"] == (None, "not_counted")


@pytest.mark.parametrize("legend", [LEGEND, ("-1 = Well is not counted", "-5 = Off scale well", "-5 = Not Done")])
def test_a_legend_that_leaves_a_number_open_does_not_explain_it(legend):
    with pytest.raises(SourceFileError, match="1 of 96 wells hold -5") as refused:
        read(ctl_tabbed(ctl_cells(with_count("C4", "-5"), legend=legend)))
    assert refused.value.code == "sentinel.undeclared"


@pytest.mark.parametrize("number", ["0", "7", "-0", "tntc", "-1.5"])
def test_only_numbers_below_zero_can_be_given_a_meaning(number):
    with pytest.raises(StudyFileError, match="below zero"):
        sentinels(**{f'"{number}"': "tntc"})


def test_a_meaning_that_is_no_status_is_an_error_of_the_study_file():
    with pytest.raises(StudyFileError, match=r"elispot\.sentinels\.-1"):
        sentinels(**{"-1": "counted"})


# --- variants and damage -----------------------------------------------------------------------------------------

VARIANTS: dict[str, Callable[[], str | bytes]] = {
    "an assay layout above": lambda: ctl_tabbed(ctl_cells(has_layout=True)),
    "no histogram": lambda: ctl_tabbed(ctl_cells(has_histogram=False)),
    "no sizes beside": lambda: ctl_tabbed(ctl_cells(has_sizes=False)),
    "counts and nothing else": lambda: ctl_tabbed(ctl_cells(has_sizes=False, has_histogram=False)),
    "counts without a title": lambda: as_workbook(ctl_cells(title="")),
    "CRLF": lambda: ctl_fixed().replace("\n", "\r\n").encode(),
    "UTF-16": lambda: ctl_fixed().encode("utf-16"),
    "cells in CRLF and Windows-1252": lambda: (
        ctl_tabbed(ctl_cells(path="D:\\Forsøg\\PL-1.xls")).replace("\n", "\r\n").encode("cp1252")
    ),
    "decimal commas": lambda: re.sub(r"(\d)\.(\d{3,})", r"\1,\2", ctl_fixed()),
    "rows parted by tabs": lambda: re.sub(
        r"(?m)^([A-H]?)((?: +\d+){12})$", lambda m: m[1] + "\t" + "\t".join(m[2].split()), ctl_fixed()
    ),
    "no other grid": lambda: ctl_fixed().partition("\t\t\tMean")[0],
    "a network path": lambda: ctl_fixed(path=r"\\reader\plates\PL-1.xls"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_around_the_grid_change_no_count(variant):
    found = read(VARIANTS[variant]())
    assert wells_of(found) == DRAWN
    assert column(found, "plates", "plate_id") == ["PL-1"]


def test_a_workbook_holds_a_plate_a_sheet():
    rows = ctl_cells(), ctl_cells(with_count("A1", "9"), path="D:\\PL-2.xls")
    found = read(workbook({"one": rows[0], "two": rows[1]}))
    assert column(found, "plates", "plate_id") == ["PL-1", "PL-2"]
    assert found.tables["elispot_counts"].height == 192


ROW_C = "C" + "".join(f"{token:>6}" for token in COUNTS[2])
ROW_D = "D" + "".join(f"{token:>6}" for token in COUNTS[3])
ROW_H = "H" + "".join(f"{token:>6}" for token in COUNTS[7])


def fixed(old: str, new: str) -> Callable[[], str]:
    """The export of fixed width with one change."""
    return lambda: ctl_fixed().replace(old, new, 1)


def without_cell(rows: list[list[str]], letter: str, at: int) -> str:
    """A text whose row of that letter has lost a cell; all that follow have moved one to the left."""
    row = next(row for row in rows if row[0] == letter)
    del row[at]
    return ctl_tabbed(rows)


def moved_left(**sides: bool) -> list[list[str]]:
    """Cells of an export of which one was deleted; those behind it have moved."""
    rows = ctl_cells(**sides)
    del next(row for row in rows if row[0] == "C")[3]
    return rows


def tabbed(old: str, new: str, **more: bool) -> Callable[[], str]:
    """The export of cells with one change."""
    return lambda: ctl_tabbed(ctl_cells(**more)).replace(old, new, 1)


def swapped_sheets() -> bytes:
    return workbook({"PL-1": ctl_cells(), "notes": [["thawed by", "KL"]]})


DAMAGE: dict[str, Callable[[], str | bytes]] = {
    "fixed: a count is missing": fixed(ROW_C, ROW_C[:13] + ROW_C[19:]),
    "fixed: a count too many": fixed(ROW_C, ROW_C + "     9"),
    "fixed: a digit lost": fixed(ROW_C, ROW_C[:-1]),
    "fixed: a row is missing": fixed(ROW_C + "\n", ""),
    "fixed: a row twice": fixed(ROW_C, ROW_C + "\n" + ROW_C),
    "fixed: rows exchanged": fixed(f"{ROW_C}\n{ROW_D}", f"{ROW_D}\n{ROW_C}"),
    "fixed: a row too many": fixed(ROW_H, f"{ROW_H}\nI{ROW_H[1:]}"),
    "fixed: cut short": lambda: ctl_fixed().partition(ROW_H)[0] + ROW_H[:-1],
    "fixed: a letter": fixed(ROW_C, ROW_C.replace(" 14", " 1O", 1)),
    "fixed: no title": fixed("Unprocessed Data", "Processed"),
    "fixed: two grids of counts": fixed("Mean spot sizes (Sq.mm)", "Unprocessed Data"),
    "fixed: sizes under the title": lambda: (
        ctl_fixed().replace("Unprocessed Data", "Counts").replace("Mean spot sizes (Sq.mm)", "Unprocessed Data")
    ),
    "fixed: column numbers": fixed("9     10    11", "9     11    10"),
    "fixed: no path": fixed(PATH, ""),
    "fixed: two plates": fixed(PATH, PATH + "\nD:\\Plates\\PL-2.xls"),
    "fixed: no such day": fixed("Oct 03", "Oct 33"),
    "cells: a cell lost": lambda: without_cell(ctl_cells(), "C", 3),
    "cells: a cell lost, no sizes": lambda: without_cell(ctl_cells(has_sizes=False), "C", 3),
    "cells: a cell lost, nothing else": lambda: without_cell(ctl_cells(has_sizes=False, has_histogram=False), "C", 3),
    "cells: other than the histogram": tabbed("C\t14\t", "C\t15\t"),
    "cells: blank beside the histogram": tabbed("C\t14\t", "C\t\t"),
    "cells: histogram cut": tabbed("C1\t14\t", "x\t14\t"),
    "cells: a letter": tabbed("C\t14\t", "C\t1O\t", has_histogram=False),
    "cells: a decimal": tabbed("C\t14\t", "C\t1.4\t", has_histogram=False),
    "cells: no title": tabbed("Spot Counts", "", has_sizes=False),
    "cells: two titles": tabbed("Well areas covered by spots (%)", "Spot Counts"),
    "cells: sizes under the title": lambda: (
        ctl_tabbed(ctl_cells())
        .replace("Spot Counts", "Sizes")
        .replace("Well areas covered by spots (%)", "Spot Counts")
    ),
    "cells: titles exchanged": lambda: (
        ctl_tabbed(ctl_cells(has_layout=True, has_histogram=False))
        .replace("Spot Counts", "x")
        .replace("Assay Layout", "Spot Counts")
    ),
    "workbook: a cell lost, nothing else": lambda: as_workbook(moved_left(has_sizes=False, has_histogram=False)),
    "cells: a row lost": lambda: ctl_tabbed([row for row in ctl_cells() if row[0] != "E"]),
    "cells: cut short": lambda: ctl_tabbed(ctl_cells()[: [row[0] for row in ctl_cells()].index("H") + 1]).rstrip("\n"),
    "workbook: another sheet": swapped_sheets,
    "workbook: one plate twice": lambda: workbook({"one": ctl_cells(), "two": ctl_cells()}),
}
REFUSED = """
    damage                            | code            | says
    fixed: a count is missing         | ctl.count_grid  | row C does not have one count under each of 12
    fixed: a count too many           | ctl.count_grid  | row C does not have one count under each of 12
    fixed: a digit lost               | ctl.count_grid  | row C does not have one count under each of 12
    fixed: a row is missing           | ctl.count_grid  | expected row C of the counts, found 'D
    fixed: a row twice                | ctl.count_grid  | expected row D of the counts, found 'C
    fixed: rows exchanged             | ctl.count_grid  | expected row C of the counts, found 'D
    fixed: a row too many             | ctl.count_grid  | expected an empty line or a legend below
    fixed: cut short                  | ctl.count_grid  | row H does not have one count
    fixed: a letter                   | ctl.count_token | well C1: '1O' is neither a count
    fixed: no title                   | ctl.count_grid  | found 0
    fixed: two grids of counts        | ctl.count_grid  | titled `Unprocessed Data`, found 2
    fixed: sizes under the title      | ctl.count_token | well A1: '0.0000' is neither a count
    fixed: column numbers             | ctl.count_grid  | expected the column numbers
    fixed: no path                    | ctl.header      | no line with the path of the plate's file
    fixed: two plates                 | ctl.header      | several paths name the plate (PL-1, PL-2)
    fixed: no such day                | ctl.header      | the day of counting cannot be read
    cells: a cell lost                | ctl.count_grid  | the cells of row C do not stand under the column numbers
    cells: a cell lost, no sizes      | ctl.count_grid  | the cells of row C do not stand under the column numbers
    cells: a cell lost, nothing else  | ctl.count_grid  | the cells of row C do not stand under the column numbers
    cells: other than the histogram   | ctl.count_grid  | says '15' and the histogram below says '14'
    cells: blank beside the histogram | ctl.count_grid  | says '' and the histogram below says '14'
    cells: histogram cut              | ctl.count_grid  | says '14' and the histogram below has no line for it
    cells: a letter                   | ctl.count_token | well C1: '1O' is neither a count
    cells: a decimal                  | ctl.count_token | well C1: '1.4' is neither a count
    cells: no title                   | ctl.count_grid  | expected one grid titled `Spot Counts`
    cells: two titles                 | ctl.count_grid  | found 2
    cells: sizes under the title      | ctl.count_grid  | the histogram below says
    cells: titles exchanged           | ctl.count_grid  | what stands below the assay layout
    workbook: a cell lost, nothing else | ctl.count_grid | the cells of row C do not stand under the column numbers
    cells: a row lost                 | ctl.count_grid  | expected row E of the counts, found 'F'
    cells: cut short                  | ctl.count_grid  | expected a row of underscores below the 8 rows of counts
    workbook: another sheet           | ctl.header      | the sheet does not begin with the version
    workbook: one plate twice         | ctl.header      | two sheets hold the same plate
"""


@pytest.mark.parametrize(("damage", "code", "says"), table(REFUSED).rows())
def test_a_damaged_export_is_refused_whole_with_place_and_remedy(damage, code, says):
    with pytest.raises(SourceFileError, match=re.escape(says)) as refused:
        read(DAMAGE[damage]())
    assert refused.value.code == code
    assert refused.value.place
    assert refused.value.remedy


def test_every_damage_has_its_answer():
    assert set(DAMAGE) == set(table(REFUSED)["damage"])


# --- real files --------------------------------------------------------------------------------------------------

REAL = """
    name                           | plate_id     | read_date  | n_counted | n_off_scale
    CTL_20071113_001.xls           | 20071113_001 |            | 39        | 9
    CTL_datafile.xls               | 20070410_002 |            | 72        | 0
    ctl_immunospot_example1.txt    | quux         | 2023-10-03 | 96        | 0
    ctl_immunospot_v7_0_38_8_QC.txt | SAMPLE_FILE |            | 96        | 0
"""


@needs_shared
@pytest.mark.parametrize(("name", "plate_id", "read_date", "n_counted", "n_off_scale"), table(REAL).rows())
def test_real_exports_give_the_counts_of_their_grid(name, plate_id, read_date, n_counted, n_off_scale):
    found = read((FOLDER / name).read_bytes())
    wells = wells_of(found)
    assert wells == by_eye(real_cells(name))
    statuses = [status for _, status in wells.values()]
    assert (len(wells), statuses.count("counted"), statuses.count("off_scale")) == (96, n_counted, n_off_scale)
    assert column(found, "plates", "plate_id") == [plate_id]
    assert column(found, "plates", "read_date") == [read_date]
