"""Plain tables of clinical data: yes and no, dates without a day, words of closed vocabularies."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.study import StudySettings
from expectations.study_file import parse_study
from tests import drawn_exports
from tests.drawing import table
from tests.drawn_exports import bad_cells, column, read, workbook
from transforms.readers.dates import PartialDateError, read_partial_date

ASSESSMENT = "subject_id,assessment_date,overall_response,evaluator"


def settings(partial: str = "reject", order: str | None = None) -> StudySettings:
    dates = f'[dates]\npartial = "{partial}"\n' + (f'order = "{order}"\n' if order else "")
    return parse_study((drawn_exports.STUDY + dates).encode())


MIDDLE = settings("middle")

BOOLEANS = """
    cell      | value
    yes       | true
    Yes       | true
    Y         | true
    TRUE      | true
    1         | true
    Checked   | true
    no        | false
    N         | false
    false     | false
    0         | false
    Unchecked | false
              |
    n/a       |
    none      |
"""


@pytest.mark.parametrize(("cell", "value"), table(BOOLEANS).rows())
def test_yes_and_no_are_read_from_a_closed_list(cell, value):
    reading = read(f"{ASSESSMENT},has_new_lesion\nP1,2014-05-02,PD,investigator,{cell or ''}\n")
    assert column(reading, "tumour_assessments", "has_new_lesion") == [value]
    assert reading.bad_cells == []


@pytest.mark.parametrize("cell", ["x", "?", "2", "ja", "maybe", "-1", "1.0", "ticked"])
def test_nothing_else_is_taken_for_yes_or_no(cell):
    reading = read(f"{ASSESSMENT},has_new_lesion\nP1,2014-05-02,PD,investigator,{cell}\n")
    assert bad_cells(reading) == [("line 2", "row.unreadable", "has_new_lesion", cell)]
    assert column(reading, "tumour_assessments", "has_new_lesion") == [None]


def test_true_and_false_of_a_workbook_are_yes_and_no():
    rows = [[*ASSESSMENT.split(","), "is_accepted"]]
    rows += [["P1", date(2014, 5, day), "SD", "investigator", value] for day, value in ((2, True), (3, False), (4, 1))]
    assert column(read(workbook({"RS": rows})), "tumour_assessments", "is_accepted") == [True, False, True]


PARTIAL = """
    cell        | middle
    2014-05     | 2014-05-15
    2014-02     | 2014-02-15
    2014        | 2014-07-01
    2014-UN-UN  | 2014-07-01
    2014-05-UNK | 2014-05-15
    2014-05--   | 2014-05-15
    2014---15   | 2014-07-01
"""


@pytest.mark.parametrize(("cell", "middle"), table(PARTIAL).rows())
def test_a_date_without_a_day_is_rejected_or_its_middle_and_marked(cell, middle):
    text = f"{ASSESSMENT}\nP1,{cell},PR,investigator\nP1,2014-09-01,PR,investigator\n"
    rejected, taken = read(text, settings()), read(text, MIDDLE)
    assert bad_cells(rejected) == [("line 2", "row.partial_date", "assessment_date", cell)]
    assert column(rejected, "tumour_assessments", "assessment_date") == [None, date(2014, 9, 1)]
    assert column(rejected, "tumour_assessments", "is_date_imputed") == [None, None]
    assert column(taken, "tumour_assessments", "assessment_date") == [middle, date(2014, 9, 1)]
    assert column(taken, "tumour_assessments", "is_date_imputed") == [True, None]
    assert taken.bad_cells == []


@pytest.mark.parametrize("cell", ["2014-13", "2014-00", "0214-05", "2014-5-", "May", "14-05", "201405"])
def test_what_is_no_date_is_no_partial_date_either(cell):
    for told in (settings(), MIDDLE):
        reading = read(f"{ASSESSMENT}\nP1,{cell},PR,investigator\n", told)
        assert bad_cells(reading) == [("line 2", "row.unreadable", "assessment_date", cell)]


def test_an_ambiguous_date_stays_ambiguous_where_middles_are_taken():
    reading = read(f"{ASSESSMENT}\nP1,03/04/2014,PR,investigator\n", MIDDLE)
    assert bad_cells(reading) == [("line 2", "row.ambiguous_date", "assessment_date", "03/04/2014")]


def test_a_whole_date_stays_in_the_order_the_study_file_gives():
    reading = read(f"{ASSESSMENT}\nP1,03/04/2014,PR,investigator\n", settings("middle", "dmy"))
    assert column(reading, "tumour_assessments", "assessment_date") == [date(2014, 4, 3)]


def test_what_the_file_says_of_imputed_dates_is_kept():
    text = f"{ASSESSMENT},is_date_imputed\nP1,2014-05-15,PR,investigator,yes\nP1,2014-06,PR,investigator,no\n"
    assert column(read(text, MIDDLE), "tumour_assessments", "is_date_imputed") == [True, True]


@pytest.mark.parametrize("told", [settings(), MIDDLE], ids=["reject", "middle"])
@pytest.mark.parametrize("text", ["subject_id,enrolment_date\nS1,2014-05\n", "subject_id,infusion_date\nS1,2014-05\n"])
def test_no_middle_is_taken_of_enrolment_and_infusion_which_everything_is_counted_from(told, text):
    assert [cell.rule for cell in read(text, told).bad_cells] == ["row.unreadable"]


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_a_whole_date_is_never_imputed(day):
    assert read_partial_date(day.isoformat(), "reject") == (day, False)
    assert read_partial_date(day.isoformat(), "middle") == (day, False)


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_the_middle_lies_in_the_month_or_year_the_date_gives(day):
    for text, same in ((f"{day:%Y-%m}", "%Y-%m"), (f"{day:%Y}", "%Y")):
        middle, is_imputed = read_partial_date(text, "middle")
        assert is_imputed
        assert middle.strftime(same) == day.strftime(same)
        with pytest.raises(PartialDateError):
            read_partial_date(text, "reject")


SPELLED = """
    column    | cell          | value
    category  | Target        | target
    category  | NON-TARGET    | non_target
    category  | non target    | non_target
    category  | Non_Target    | non_target
    category  | new           | new
    category  | newish        | newish
"""


@pytest.mark.parametrize(("name", "cell", "value"), table(SPELLED).rows())
def test_words_of_a_vocabulary_are_read_whatever_their_capitals_blanks_and_hyphens(name, cell, value):
    reading = read(f"subject_id,lesion_id,evaluator,{name}\nP1,T01,investigator,{cell}\n")
    assert column(reading, "lesions", name) == [value]


def test_the_response_non_cr_non_pd_is_read_however_it_is_spaced():
    lines = "".join(
        f"P1,2014-05-0{n},{cell},investigator\n" for n, cell in ((1, "Non-CR/Non-PD"), (2, "pr"), (3, "NE"))
    )
    reading = read(f"{ASSESSMENT}\n{lines}")
    assert column(reading, "tumour_assessments", "overall_response") == ["NON-CR/NON-PD", "PR", "NE"]


def test_lesions_and_their_measurements_and_laboratory_values_come_in_as_sheets_of_one_workbook():
    sheets = {
        "lesions": [["Subject", "Lesion ID", "Evaluator", "Category", "Organ", "Is lymph node"],
                    ["P1", "T01", "investigator", "Target", "liver", "no"]],
        "measurements": [["Subject", "Lesion ID", "Evaluator", "Assessment date", "Status", "Diameter mm"],
                         ["P1", "T01", "investigator", date(2014, 5, 2), "Too small", None]],
        "laboratory": [["Subject", "Sample date", "Test", "Value", "Unit", "Upper limit"],
                       ["P1", date(2014, 2, 20), "LDH", 412, "U/L", 205]],
    }  # fmt: skip
    reading = read(workbook(sheets))
    assert {name: frame.height for name, frame in reading.tables.items()} == {
        "lesions": 1, "lesion_measurements": 1, "lab_results": 1,
    }  # fmt: skip
    assert column(reading, "lesions", "is_lymph_node") == [False]
    assert column(reading, "lesion_measurements", "status") == ["too_small"]
    assert column(reading, "lab_results", "value") == [412.0]
    assert reading.bad_cells == []
