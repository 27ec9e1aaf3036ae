"""Laboratory of SDTM (LB): numbers to lab_results, lymphocyte counts also to blood_counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from expectations.clinical_in import BLOOD_COUNTS, LAB_RESULTS
from transforms.readers.dates import read_moment
from transforms.readers.sdtm_dataset import Dataset, Fault, Rows, quoted, together

_LYMPHOCYTES: Final = {"LYM", "LYMPH"}
_PER_UL: Final = {
    **dict.fromkeys(("10^9/L", "10*9/L", "10E9/L", "X10^9/L", "GI/L", "G/L", "BILLION/L"), 1000.0),
    **dict.fromkeys(("10^3/UL", "10*3/UL", "10^3/MM3", "X10^3/UL", "K/UL", "THOU/UL", "THOU/MCL"), 1000.0),
    **dict.fromkeys(("10^6/L", "10*6/L", "/UL", "CELLS/UL", "/MM3", "CELLS/MM3"), 1.0),
}
"""Cells per microlitre that one unit stands for; percentages are no counts."""
_BLOOD: Final = {"", "BLOOD", "SERUM", "PLASMA", "SERUM/PLASMA", "SERUM OR PLASMA", "WHOLE BLOOD"}
_RESULTS: Final = {
    "subject_id": "USUBJID",
    "sample_date": "LBDTC",
    "test": "LBTESTCD",
    "value": "LBSTRESN",
    "unit": "LBSTRESU",
    "upper_limit": "LBSTNRHI",
}
_COUNTS: Final = {"subject_id": "USUBJID", "count_date": "LBDTC", "lymphocytes_per_ul": "LBSTRESN"}


def results(lb: Dataset) -> list[Rows]:
    """Rows of lab_results and blood_counts from LB; results that are no numbers, or were not done, give none.

    Of several results of one test on a day the first by its time of day counts; without times they are rejects where
    they differ. Tests of another material than blood carry its name (`GLUC, urine`).
    """
    lb.need("LBTESTCD", "LBSTRESN", "LBSTRESU", "LBDTC")
    found, counts = Rows(LAB_RESULTS, lb, _RESULTS), Rows(BLOOD_COUNTS, lb, _COUNTS)
    told = together(
        ((lb.text(row, "USUBJID"), lb.day(row, "LBDTC"), _test(lb, row)), row)
        for row in range(lb.n_rows)
        if lb.text(row, "LBSTRESN") and lb.word(row, "LBSTAT") != "NOT DONE"
    )
    for (_, day, test), rows in told:
        row, faults = _first(lb, rows)
        value, unit = lb.text(row, "LBSTRESN"), lb.text(row, "LBSTRESU")
        upper = lb.text(row, "LBSTNRHI")
        number, limit = lb.number(value), lb.number(upper)
        cells = {
            "sample_date": day,
            "test": test,
            "value": "" if number is None else repr(number),
            "unit": unit,
            "upper_limit": "" if limit is None else repr(limit),
        }
        if number is None:
            faults = {"value": _no_number("LBSTRESN", value), **faults}
        if upper and limit is None:
            faults = {"upper_limit": _no_number("LBSTNRHI", upper), **faults}
        if not unit:
            found.reject(row, "row.required", "LBSTRESU", "", "a number has a unit")
            continue
        found.add(row, cells, faults)
        per_ul = _PER_UL.get(lb.word(row, "LBSTRESU").replace(" ", ""))
        if test in _LYMPHOCYTES and per_ul is not None and number is not None and not faults:
            counts.add(row, {"count_date": day, "lymphocytes_per_ul": repr(number * per_ul)})
    return [found, counts]


def _test(lb: Dataset, row: int) -> str:
    material = lb.word(row, "LBSPEC")
    test = lb.word(row, "LBTESTCD")
    return test if material in _BLOOD else f"{test}, {material.lower()}"


def _no_number(variable: str, text: str) -> Fault:
    return Fault("row.unreadable", variable, quoted(text), "a number that can be read in one way only")


def _first(lb: Dataset, rows: list[int]) -> tuple[int, dict[str, Fault]]:
    """The row that counts of several of one day; a fault where they differ and no time tells which is the first."""
    values = dict.fromkeys((lb.text(row, "LBSTRESN"), lb.text(row, "LBSTRESU")) for row in rows)
    if len(values) == 1:
        return rows[0], {}
    times = [_time(lb, row) for row in rows]
    known = [time for time in times if time is not None]
    if len(known) == len(rows) and known.count(first := min(known)) == 1:
        return rows[known.index(first)], {}
    says = "different results of one test on a day have a time of day"
    return rows[0], {"value": Fault("row.conflicting_key", "LBSTRESN", _shown(value for value, _ in values), says)}


def _shown(values: Iterable[str]) -> str:
    return ", ".join(map(quoted, values))


def _time(lb: Dataset, row: int) -> datetime | None:
    """Date and time of day; None without a time, and for one with an offset, which none without it compares to."""
    text = lb.text(row, "LBDTC")
    try:
        return read_moment(text, lb.settings.dates.order) if "T" in text else None
    except ValueError:
        return None
