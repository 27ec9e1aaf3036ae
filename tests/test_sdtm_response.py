"""CDISC SDTM datasets: responses with their parts, evaluators and criteria, and what is held back."""

from __future__ import annotations

import pytest

from tests.drawn_exports import bad_cells, column
from tests.drawn_sdtm import held_rows, judge, read, refusal, rows, study

RS = """USUBJID | RSTESTCD | RSSTRESC      | RSORRES | RSEVAL       | RSEVALID | RSACPTFL | VISIT  | RSDTC
        P1      | OVRLRESP | PR            | PR      | INVESTIGATOR |          |          | WEEK 6 | 2014-03-01
        P1      | TRGRESP  | PR            | PR      | INVESTIGATOR |          |          | WEEK 6 | 2014-03-01
        P1      | NTRGRESP | NON-CR/NON-PD |         | INVESTIGATOR |          |          | WEEK 6 | 2014-03-01
        P1      | NEWLPROG | N             | N       | INVESTIGATOR |          |          | WEEK 6 | 2014-03-01
        P1      | OVRLRESP | sd            | SD      | CENTRAL      | READER 1 | Y        | WEEK 6 | 2014-03-01
        P1      | OVRLRESP |               | CR      | CENTRAL      | READER 2 | NA       | WEEK 6 | 2014-03-01"""


def test_rs_gives_an_assessment_an_evaluator_with_its_parts():
    reading = read("RS", RS)
    assert reading.bad_cells == []
    columns = (
        "evaluator",
        "overall_response",
        "target_response",
        "non_target_response",
        "has_new_lesion",
        "is_accepted",
    )
    assert rows(reading, "tumour_assessments", *columns) == [
        ("investigator", "PR", "PR", "NON-CR/NON-PD", False, None),
        ("central, reader 1", "SD", None, None, None, True),
        ("central, reader 2", "CR", None, None, None, False),
    ]
    assert column(reading, "tumour_assessments", "visit") == ["WEEK 6"] * 3
    assert column(reading, "tumour_assessments", "place")[0] == "line 2, line 3, line 4, line 5"


def test_an_evaluator_empty_throughout_is_the_investigator_and_empty_here_and_there_is_missing():
    drawing = "USUBJID | RSTESTCD | RSSTRESC | RSEVAL | RSDTC\nP1 | OVRLRESP | PR | | 2014-03-01"
    assert column(read("RS", drawing), "tumour_assessments", "evaluator") == ["investigator"]
    mixed = drawing + "\nP1 | OVRLRESP | PR | CENTRAL | 2014-03-01"
    assert column(read("RS", mixed), "tumour_assessments", "evaluator") == [None, "central"]


def test_without_an_acceptance_flag_nothing_says_whose_reading_counts():
    drawing = (
        "USUBJID | RSTESTCD | RSSTRESC | RSEVAL | RSEVALID | RSDTC\nP1 | OVRLRESP | PR | CENTRAL | R1 | 2014-03-01"
    )
    assert column(read("RS", drawing), "tumour_assessments", "is_accepted") == [None]


def test_a_response_no_table_knows_a_part_alone_and_other_tests_are_told():
    drawing = """USUBJID | RSTESTCD | RSSTRESC | RSEVAL       | RSDTC      | RSSTAT
                 P1      | OVRLRESP | NED      | INVESTIGATOR | 2014-03-01 |
                 P1      | OVRLRESP | PR       | INVESTIGATOR | 2014-04-01 |
                 P1      | TRGRESP  | PR       | INVESTIGATOR | 2014-05-01 |
                 P1      | SYMPTDTR | Y        | INVESTIGATOR | 2014-05-01 |
                 P1      | BESTRESP | PR       | INVESTIGATOR | 2014-05-01 |
                 P1      | OVRLRESP |          | INVESTIGATOR | 2014-06-01 | NOT DONE"""
    reading = read("RS", drawing)
    assert sorted(bad_cells(reading)) == [
        ("line 4", "row.not_used", "RSTESTCD", "TRGRESP"),
        ("line 5", "row.not_used", "RSTESTCD", "SYMPTDTR"),
        ("line 7", "row.not_used", "RSSTAT", "NOT DONE"),
    ]
    many = [f"P1 | OVRLRESP | PR | INVESTIGATOR | 2014-03-{n:02}" for n in range(1, 20)]
    header = "USUBJID | RSTESTCD | RSSTRESC | RSEVAL | RSDTC\n"
    odd = "\nP1 | OVRLRESP | NED | INVESTIGATOR | 2014-04-01"
    judgement = judge(study(), DM="USUBJID | RFICDTC\nP1 | 2014-01-01", RS=header + "\n".join(many) + odd)
    assert held_rows(judgement) == [("row.allowed_values", "overall_response", "NED")]
    assert judgement.new["tumour_assessments"].height == 19


def test_of_several_criteria_those_of_the_study_count():
    drawing = """USUBJID | RSTESTCD | RSCAT      | RSSTRESC | RSEVAL       | RSDTC
                 P1      | OVRLRESP | RECIST 1.1 | PD       | INVESTIGATOR | 2014-03-01
                 P1      | OVRLRESP | iRECIST    | iUPD     | INVESTIGATOR | 2014-03-01"""
    reading = read("RS", drawing)
    assert column(reading, "tumour_assessments", "overall_response") == ["PD"]
    assert bad_cells(reading) == [("line 3", "row.not_used", "RSCAT", "IRECIST")]


@pytest.mark.parametrize("spelled", ["RECIST1.1", "Recist v1.1", "RECIST VERSION 1.1", "RECIST"])
def test_criteria_are_known_in_other_spellings(spelled):
    drawing = f"""USUBJID | RSTESTCD | RSCAT     | RSSTRESC | RSEVAL       | RSDTC
                  P1      | OVRLRESP | {spelled} | PR       | INVESTIGATOR | 2014-03-01
                  P1      | OVRLRESP | IRECIST   | PD       | INVESTIGATOR | 2014-03-01"""
    assert column(read("RS", drawing), "tumour_assessments", "overall_response") == ["PR"]


@pytest.mark.parametrize("others", [["IRRC"], ["IRRC", "iRECIST"], ["RECIST 1.0"], ["RECIST 1.0", ""]])
def test_responses_by_none_but_other_criteria_are_refused(others):
    lines = [f"P1 | OVRLRESP | {one} | PR | INVESTIGATOR | 2014-03-0{n}" for n, one in enumerate(others, 1)]
    error = refusal("RS", "USUBJID | RSTESTCD | RSCAT | RSSTRESC | RSEVAL | RSDTC\n" + "\n".join(lines))
    assert error.code == "sdtm.variables"
    assert others[0] in error.problem
    assert "response.criteria" in error.remedy


def test_an_assessment_told_twice_with_its_parts_is_one():
    lines = RS.splitlines()
    judgement = judge(study(), DM="USUBJID | RFICDTC\nP1 | 2014-01-01", RS="\n".join([*lines[:5], lines[1]]))
    assert held_rows(judgement) == []
    found = judgement.new["tumour_assessments"]
    columns = ("overall_response", "target_response", "place")
    assert found.select(columns).rows() == [("PR", "PR", "line 2, line 6, line 3, line 4, line 5")]
