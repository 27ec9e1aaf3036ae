"""REDCap flat exports: raw and label, repeating instruments, events and checkboxes, as study.toml maps them."""

from __future__ import annotations

import json
from datetime import date

import pytest

from tests.drawn_exports import bad_cells, column, read, workbook
from tests.drawn_redcap import FITS, LABEL_MAPPING, LABELS, LESION, MAPPING, RAW, SUBJECT, exported, refusal, rows, told


def test_a_raw_export_fills_every_table_its_rows_are_mapped_to():
    reading = read(exported(RAW), told())
    assert reading.format == "redcap_export"
    assert set(reading.tables) == {"subjects", "lesion_measurements"}
    assert rows(reading, "subjects", *SUBJECT) == [
        ("P01", date(2014, 1, 10), "female", "ipilimumab, nivolumab", "line 2"),
        ("P02", date(2014, 2, 1), "male", None, "line 6"),
    ]
    assert rows(reading, "lesion_measurements", *LESION) == [
        ("P01", "T01", "investigator", date(2014, 5, 2), "measured", 21.5, "Week 12", "line 4"),
        ("P01", "T02", "investigator", date(2014, 5, 2), "too_small", None, "Week 12", "line 5"),
    ]
    assert reading.bad_cells == []


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_an_export_reads_alike_whatever_separates_its_cells(separator):
    reading = read(exported(RAW, separator), told())
    assert column(reading, "lesion_measurements", "diameter_mm") == [21.5, None]


def test_an_export_saved_as_a_workbook_reads_like_its_csv():
    cells = [[cell.strip() or None for cell in line.split("|")] for line in RAW.strip().splitlines()]
    reading = read(workbook({"DATA": cells, "notes": [["call the clinic"]]}), told())
    assert [row[:-1] for row in rows(reading, "lesion_measurements", *LESION)] == [
        row[:-1] for row in rows(read(exported(RAW), told()), "lesion_measurements", *LESION)
    ]
    assert column(reading, "lesion_measurements", "place") == ["DATA!row 4", "DATA!row 5"]
    assert bad_cells(reading) == [("notes!row 1", "row.sheet_unrecognised", "header", _STRANGE)]


_STRANGE = "1 column, of which perdure knows none"


def test_a_label_export_is_mapped_by_the_labels_of_its_fields_and_choices():
    reading = read(exported(LABELS), told(LABEL_MAPPING))
    assert rows(reading, "subjects", *SUBJECT) == [
        ("P01", date(2014, 1, 10), "female", "Ipilimumab", "line 2"),
        ("P02", date(2014, 2, 1), "male", "Ipilimumab, nivolumab", "line 3"),
    ]
    assert rows(reading, "lesion_measurements", *LESION) == [
        ("P01", "T01", "investigator", date(2014, 5, 2), "measured", 20.0, "Week 12", "line 4")
    ]


def test_what_is_no_code_stays_as_it_is_and_is_judged_by_the_contract():
    reading = read(exported(RAW.replace("2014-02-01 | 2 ", "2014-02-01 | 3 ")), told())
    assert column(reading, "subjects", "sex") == ["female", "3"]


def test_a_missing_data_code_is_a_number_until_the_study_file_says_otherwise():
    mapping = MAPPING.replace('codes.diameter_mm = { "-99" = "" }', "")
    assert column(read(exported(RAW), told(mapping)), "lesion_measurements", "diameter_mm") == [21.5, -99.0]


def test_a_row_of_an_event_without_the_form_is_no_row():
    assert column(read(exported(RAW), told()), "subjects", "subject_id") == ["P01", "P02"]


def test_mappings_of_one_table_are_put_together():
    second = MAPPING.replace('instrument = "lesions"', 'instrument = "nodes"').partition("[[clinical.redcap]]")[2]
    second = "[[clinical.redcap]]" + second.partition("[[clinical.redcap]]")[2]
    nodes = RAW + "P02|week_12_arm_1|nodes|1||||||||2014-05-03|T07|1|15|"
    reading = read(exported(nodes), told(MAPPING + second))
    assert column(reading, "lesion_measurements", "lesion_id") == ["T01", "T02", "T07"]


def test_rows_of_an_instrument_count_even_where_only_their_instance_is_mapped():
    mapping = """
[[clinical.redcap]]
table = "lesions"
instrument = "lesions"
columns = { subject_id = "record_id", lesion_id = "redcap_repeat_instance" }
constants = { evaluator = "investigator", category = "target" }
"""
    reading = read(exported(RAW), told(mapping))
    assert rows(reading, "lesions", "subject_id", "lesion_id") == [("P01", "1"), ("P01", "2")]


def test_one_choice_of_a_checkbox_can_be_yes_or_no():
    drawing = """
        record_id | redcap_event_name | seen_on    | resp | findings___new
        P01       | week_6            | 2014-03-01 | PD   | 1
        P01       | week_12           | 2014-05-01 | SD   | 0
    """
    mapping = """
[[clinical.redcap]]
table = "tumour_assessments"
columns = { subject_id = "record_id", assessment_date = "seen_on", overall_response = "resp", has_new_lesion = "findings___new" }
constants = { evaluator = "investigator" }
"""  # noqa: E501
    reading = read(exported(drawing), told(mapping))
    assert column(reading, "tumour_assessments", "has_new_lesion") == [True, False]
    assert reading.unused_columns == {}


def test_a_checkbox_that_is_neither_on_nor_off_is_unreadable_in_its_row_only():
    odd = RAW.replace("12345678 | 1         | 1 ", "12345678 | 1         | 7 ")
    reading = read(exported(odd), told())
    assert bad_cells(reading) == [("line 2", "row.unreadable", "prior_therapies", "7")]
    assert column(reading, "subjects", "unreadable_columns") == ["prior_therapies", None]


BY_NUMBER = """
    record_id | redcap_event_name | redcap_repeat_instrument | patient | scan_date  | les_no | les_status | les_mm
    1         | screening         |                          | P01     |            |        |            |
    1         | week_12           | lesions                  |         | 2014-05-02 | T01    | 1          | 20
    2         | screening         |                          | P02     |            |        |            |
    2         | week_12           |                          | P03     |            |        |            |
    2         | week_12           | lesions                  |         | 2014-05-02 | T01    | 1          | 30
"""


def test_a_subject_named_in_another_row_of_the_record_is_found_unless_the_record_names_two():
    mapping = MAPPING.partition('[[clinical.redcap]]\ntable = "lesion')[2].replace('"record_id"', '"patient"')
    reading = read(exported(BY_NUMBER), told('[[clinical.redcap]]\ntable = "lesion' + mapping))
    assert column(reading, "lesion_measurements", "subject_id") == ["P01", None]


SPREAD = """
    record_id | redcap_event_name | icf_date   | sex | ecog
    P01       | screening         | 2014-01-10 | 1   |
    P01       | baseline          |            |     | 0
    P02       | screening         | 2014-01-11 | 2   | 0
    P02       | baseline          |            |     | 1
"""


def test_a_subject_whose_fields_are_spread_over_events_is_one_row_unless_they_contradict():
    mapping = """
[[clinical.redcap]]
table = "subjects"
columns = { subject_id = "record_id", enrolment_date = "icf_date", sex = "sex", ecog = "ecog" }
codes.sex = { "1" = "female", "2" = "male" }
"""
    reading = read(exported(SPREAD), told(mapping))
    assert rows(reading, "subjects", "subject_id", "enrolment_date", "ecog", "place") == [
        ("P01", date(2014, 1, 10), 0, "line 2, line 3"),
        ("P02", date(2014, 1, 11), 0, "line 4"),
        ("P02", None, 1, "line 5"),
    ]


# --- what stays out ----------------------------------------------------------------------------------------------


def test_only_mapped_fields_are_quoted_in_rejects():
    faulty = RAW.replace("2014-05-02 | T01", "yesterday  | T01").replace("2014-01-10", "soon      ")
    reading = read(exported(faulty), told())
    assert bad_cells(reading) == [
        ("line 2", "row.unreadable", "enrolment_date", "soon"),
        ("line 4", "row.unreadable", "assessment_date", "yesterday"),
    ]
    quoted = " ".join(cell.row for cell in reading.bad_cells)
    assert "Smith" not in quoted
    assert "12345678" not in quoted
    assert set(json.loads(reading.bad_cells[0].row)) == {"subject_id", "enrolment_date", "sex", "prior_therapies"}


def test_fields_that_are_not_mapped_are_named_once_without_their_content():
    assert read(exported(RAW), told()).unused_columns == {"subjects": ["phone", "les_note"]}


@pytest.mark.parametrize("mistake", ["nothing", *FITS])
def test_no_refusal_quotes_a_cell_of_a_field(mistake):
    mapping = MAPPING.replace(*FITS[mistake], 1) if mistake in FITS else ""
    told_all = refusal(RAW, mapping).paragraph()
    assert not any(text in told_all for text in ("Smith", "12345678", "2014", "P01", "T01"))
