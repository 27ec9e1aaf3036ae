"""SDTM datasets of any cells raise nothing but the reader's own error, and every row of them is told of."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.contract import UNREADABLE
from expectations.errors import SourceFileError
from expectations.ingested import INGESTED
from tests.drawn_exports import source
from tests.drawn_sdtm import study
from transforms.readers import registry

VARIABLES = {
    "DM": ("RFICDTC", "SEX", "BRTHDTC", "RFPENDTC", "DTHDTC", "DTHFL", "ARM"),
    "EX": ("EXTRT", "EXDOSE", "EXDOSU", "EXSTDTC", "EXOCCUR"),
    "DS": ("DSDECOD", "DSSCAT", "DSSTDTC"),
    "RS": ("RSTESTCD", "RSSTRESC", "RSORRES", "RSEVAL", "RSEVALID", "RSACPTFL", "VISIT", "RSDTC", "RSCAT"),
    "TU": ("TUTESTCD", "TUSTRESC", "TULNKID", "TUEVAL", "TULOC", "TUDTC"),
    "TR": ("TRTESTCD", "TRLNKID", "TRGRPID", "TRSTRESC", "TRSTRESN", "TRSTRESU", "TREVAL", "TRDTC", "TRSTAT"),
    "LB": ("LBTESTCD", "LBSTRESN", "LBSTRESU", "LBSTNRHI", "LBDTC", "LBSPEC"),
}
DATES = ("2014-01-02", "2014-01-02T08:00", "2014-02", "2014", "2014---15", "--05-01", "2014-02-30", "yesterday")
WORDS = {
    "TESTCD": (
        "OVRLRESP",
        "TRGRESP",
        "NEWLPROG",
        "TUMIDENT",
        "TUSPLIT",
        "LDIAM",
        "LPERP",
        "TUMSTATE",
        "SUMDIAM",
        "LYM",
        "X",
    ),
    "DTC": DATES,
    "STRESC": ("PR", "ned", "TARGET", "NON-TARGET", "ABSENT", "TOO SMALL TO MEASURE", "12", "1e400"),
    "STRESN": ("12", "0", "-3", "1.5", "nan", "inf", "1,5", "1_0"),
    "STRESU": ("mm", "cm", "in", "10^9/L", "%"),
    "TRT": ("TIL", "FLUDARABINE", "IL-2"),
    "DECOD": ("DEATH", "COMPLETED", "WITHDRAWAL BY SUBJECT", "SCREEN FAILURE"),
    "LNKID": ("T01", "T01.1", "T02", "*", "("),
    "DOSE": ("1", "x", "nan"),
}
ANY = ("", "NA", ".", "Y", "N", "NOT DONE", "x", "M", "Ω", "CELLS")


def of(variable: str) -> st.SearchStrategy[str]:
    words = next((words for end, words in WORDS.items() if variable.endswith(end)), ())
    return st.sampled_from((*words, *words, *ANY))


@st.composite
def datasets(draw: st.DrawFn) -> tuple[str, int]:
    domain = draw(st.sampled_from(sorted(VARIABLES)))
    names = VARIABLES[domain]
    subjects = st.sampled_from(("P1", "P2", ""))
    rows = draw(st.lists(st.tuples(subjects, *(of(name) for name in names)), min_size=1, max_size=12))
    lines = [("STUDYID", "DOMAIN", "USUBJID", *names), *(("S", domain, *row) for row in rows)]
    return "\n".join(",".join(f'"{cell}"' for cell in line) for line in lines), len(rows)


@settings(max_examples=300, deadline=None)
@given(datasets(), st.sampled_from(("reject", "middle")))
def test_cells_of_any_kind_raise_nothing_but_the_readers_own_error(drawn, partial):
    text, _ = drawn
    told = study(more=f'[dates]\npartial = "{partial}"\n')
    try:
        reading = registry.read(source(text), told)
    except SourceFileError as refused:
        assert refused.code.startswith(("sdtm.", "table."))
        return
    contracts = {table.name: table for table in INGESTED}
    for name, frame in reading.tables.items():
        assert frame.height
        assert dict(frame.schema) == {**contracts[name].schema, UNREADABLE: frame[UNREADABLE].dtype}
        assert frame["place"].null_count() == 0
    assert {cell.table for cell in reading.bad_cells} <= set(reading.tables)


@pytest.mark.parametrize("domain", ["RS", "TU", "TR", "DM"])
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_row_of_these_domains_comes_in_or_is_told_of_or_is_passed_over_by_rule(domain, data):
    names = VARIABLES[domain]
    rows = data.draw(st.lists(st.tuples(*(of(name) for name in names)), min_size=1, max_size=10))
    lines = [("STUDYID", "DOMAIN", "USUBJID", *names), *(("S", domain, f"P{n}", *row) for n, row in enumerate(rows))]
    text = "\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)
    try:
        reading = registry.read(source(text), study())
    except SourceFileError:
        return
    told = {place for frame in reading.tables.values() for cell in frame["place"] for place in cell.split(", ")}
    told |= {place for cell in reading.bad_cells for place in cell.place.split(", ")}
    silent = [row for n, row in enumerate(rows) if f"line {n + 2}" not in told]
    assert all(row[0] == "SUMDIAM" for row in silent)
