"""Long CSVs, mutated: a damaged line changes no other, and a well is read as it was written or not at all."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings

from expectations.ingested import ELISPOT_COUNTS
from expectations.rules import UNREADABLE
from tests import drawn_exports
from tests.drawn_exports import read
from tests.mutating import NUMBERS, TextCase, cut, double, flip, found_or_none, lines, truncate

Found = dict[tuple[str, str, str], tuple[int | None, str]]
"""Plate, well and analyte to count and status."""

SENTINELS = drawn_exports.settings(sentinels={"-1": "off_scale"})
WITH_STATUS = """plate,well,spots,analyte,status,read_date,instrument,comment
P1,A1,12,IFNg,,2012-03-13,Reader X,run again
P1,A2,,IFNg,masked,2012-03-13,Reader X,
P1,A3,TNTC,IFNg,,2012-03-13,Reader X,
P1,A4,-1,IFNg,,2012-03-13,Reader X,
P1,A5,,IFNg,,2012-03-13,Reader X,
P1,A1,7,IL-2,counted,2012-03-13,Reader X,
P2,H12,345,IFNg,,2012-03-14,Reader X,"a comment, with a comma"
"""
WELLS_WITH_STATUS: Found = {
    ("P1", "A1", "IFNg"): (12, "counted"),
    ("P1", "A2", "IFNg"): (None, "masked"),
    ("P1", "A3", "IFNg"): (None, "tntc"),
    ("P1", "A4", "IFNg"): (None, "off_scale"),
    ("P1", "A5", "IFNg"): (None, "not_counted"),
    ("P1", "A1", "IL-2"): (7, "counted"),
    ("P2", "H12", "IFNg"): (345, "counted"),
}
PLAIN = "plate;well;spots\n" + "".join(f"P;{letter}{n};{10 * n}\n" for letter in "AB" for n in range(1, 7))
WELLS_OF_PLAIN: Found = {("P", f"{letter}{n}", "IFNg"): (10 * n, "counted") for letter in "AB" for n in range(1, 7)}
COLUMNS = ("plate_id", "well", "analyte", "spots", "status")
CASES = {"with status": (WITH_STATUS, WELLS_WITH_STATUS), "plain": (PLAIN, WELLS_OF_PLAIN)}


TEXTS = {name: TextCase(text, {}, first=1, n_rows=text.count("\n") - 1) for name, (text, _) in CASES.items()}


def wells_of(data: bytes) -> Found:
    """Every row that breaks no rule; the others are rejected."""
    rows = read(data, SENTINELS).tables["elispot_counts"].filter(pl.col(UNREADABLE).is_null())
    kept = rows.filter(pl.all_horizontal(rule.holds for rule in ELISPOT_COUNTS.rules))
    return {
        (plate, well, analyte): (spots, status)
        for plate, well, analyte, spots, status in kept.select(*COLUMNS).iter_rows()
    }


@pytest.mark.parametrize("name", CASES)
def test_what_is_mutated_is_read_as_it_stands(name):
    assert wells_of(TEXTS[name].data) == CASES[name][1]


@pytest.mark.parametrize(("how", "n_others"), [(flip, 1), (cut, 1), (double, 1), (truncate, 0), (lines, 0)])
@pytest.mark.parametrize("name", CASES)
@settings(max_examples=200, deadline=None)
@given(one=NUMBERS, other=NUMBERS, value=NUMBERS)
def test_a_damaged_line_changes_no_other_line(name, how, n_others, one, other, value):
    found = found_or_none(lambda: wells_of(how(TEXTS[name], one, other, value).data))
    assert found is None or len(found.items() - CASES[name][1].items()) <= n_others


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=200, deadline=None)
@given(one=NUMBERS, value=NUMBERS)
def test_a_byte_flipped_in_the_header_changes_no_well(name, one, value):
    case = TEXTS[name]
    position = 2 * (one % case.starts[1])
    found = found_or_none(lambda: wells_of(flip(case, position, 0, value).data))
    assert found is None or found.items() <= CASES[name][1].items()
