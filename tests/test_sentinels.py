"""Numbers below zero in place of counts: what the study file says of them, or the file is held back by that name."""

from __future__ import annotations

import re

import pytest

from expectations.errors import SourceFileError
from tests import drawn_exports
from tests.drawn_aid_workbook import drawn, row_of
from tests.drawn_exports import COUNTS, aid_export, counted, read, wells_of, with_count, workbook, zeiss_export

COUNTS_WITH_TWO = with_count("C4", "-1")
COUNTS_WITH_TWO[6][11] = "-2"
DECLARED = drawn_exports.settings(sentinels={"-1": "off_scale", "-2": "not_counted"})
HALF_DECLARED = drawn_exports.settings(sentinels={"-1": "off_scale"})


def of_workbook() -> bytes:
    """A workbook with the same counts in its first block, and no other."""
    sheets = drawn()
    rows = [["A", *row] for row in COUNTS_WITH_TWO]
    for offset, row in enumerate(rows):
        sheets["PlateData"][row_of(0, "A") + offset][1:] = [int(cell) for cell in row[1:]]
    sheets["PlateData"] = sheets["PlateData"][:13]
    sheets["PlateData"][1][0] = " Plate Data - Spots Number "
    return workbook(sheets)


def zeiss_adding_up() -> str:
    """A Zeiss export whose sums have the numbers below zero in them."""
    text = zeiss_export(COUNTS_WITH_TWO)
    for line in ("C", "G"):
        row = next(one for one in text.split("\n") if one.startswith(f"{line}\t"))
        cells = row.split("\t")
        cells[-1] = str(sum(map(int, cells[1:-1])))
        text = text.replace(row, "\t".join(cells))
    old = next(one for one in text.split("\n") if one.startswith("S\t"))
    cells = old.split("\t")
    cells[4], cells[12] = str(int(cells[4]) - 1), str(int(cells[12]) - 2)
    return text.replace(old, "\t".join(cells))


EXPORTS = {
    "AID text": aid_export(COUNTS_WITH_TWO),
    "AID workbook": of_workbook(),
    "Zeiss": zeiss_export(COUNTS_WITH_TWO),
    "Zeiss whose sums have them": zeiss_adding_up(),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_a_number_below_zero_is_what_the_study_file_says_it_is(name):
    expected = counted(COUNTS) | {"C4": (None, "off_scale"), "G12": (None, "not_counted")}
    assert wells_of(read(EXPORTS[name], DECLARED)) == expected


@pytest.mark.parametrize("name", EXPORTS)
def test_a_number_below_zero_that_nothing_explains_holds_the_file_back_with_wells_and_setting(name):
    with pytest.raises(SourceFileError, match=re.escape("2 of 96 wells hold -1, -2,")) as refused:
        read(EXPORTS[name])
    assert refused.value.code == "sentinel.undeclared"
    assert "well C4" in str(refused.value.place)
    assert "[elispot.sentinels]" in refused.value.remedy


@pytest.mark.parametrize("name", EXPORTS)
def test_one_meaning_too_few_is_asked_for_by_its_number(name):
    with pytest.raises(SourceFileError, match=re.escape("1 of 96 wells hold -2,")) as refused:
        read(EXPORTS[name], HALF_DECLARED)
    assert "well G12" in str(refused.value.place)


@pytest.mark.parametrize("number", ["-0", "-01", "--1", "\u22121"])
def test_what_only_looks_like_a_number_below_zero_is_no_count(number):
    with pytest.raises(SourceFileError) as refused:
        read(aid_export(with_count("C4", number)), DECLARED)
    assert refused.value.code == "aid.count_token"


def test_a_long_csv_may_hold_the_numbers_the_study_file_explains():
    text = "plate,well,spots,status\nP,A1,-1,\nP,A2,-2,not_counted\nP,A3,-1,counted\n"
    rows = read(text, DECLARED).tables["elispot_counts"].select("spots", "status").rows()
    assert rows == [(None, "off_scale"), (None, "not_counted"), (-1, "counted")]
