"""REDCap flat exports: raw and label, repeating instruments, events and checkboxes, as study.toml maps them."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from expectations.clinical_in import CLINICAL_TABLES
from expectations.errors import SourceFileError
from expectations.ingested import REFERENCE_TABLES
from expectations.study import StudySettings
from expectations.study_clinical import RedcapTableName
from expectations.study_file import parse_study
from expectations.tables import TABLES
from tests import drawn_exports
from tests.drawing import table
from tests.drawn_exports import bad_cells, column, read, source, workbook
from transforms.readers import registry
from transforms.readers.source import Reading

MAPPING = """
[[clinical.redcap]]
table = "subjects"
events = ["screening_arm_1", "Screening"]
columns = { subject_id = "record_id", enrolment_date = "icf_date", sex = "sex", prior_therapies = "prior" }
codes.sex = { "1" = "female", "2" = "male", "Woman" = "female" }
codes.prior_therapies = { "1" = "ipilimumab", "2" = "nivolumab", "-99" = "" }

[[clinical.redcap]]
table = "lesion_measurements"
instrument = "lesions"
columns = { subject_id = "record_id", lesion_id = "les_no", assessment_date = "scan_date", status = "les_status", diameter_mm = "les_mm", visit = "redcap_event_name" }
constants = { evaluator = "investigator" }
codes.status = { "1" = "measured", "2" = "too_small" }
codes.diameter_mm = { "-99" = "" }
codes.visit = { week_12_arm_1 = "Week 12" }
"""  # noqa: E501

RAW = """
    record_id | redcap_event_name | redcap_repeat_instrument | redcap_repeat_instance | icf_date   | sex | phone    | prior___1 | prior___2 | prior____99 | enrolment_complete | scan_date  | les_no | les_status | les_mm | les_note
    P01       | screening_arm_1   |                          |                        | 2014-01-10 | 1   | 12345678 | 1         | 1         | 0           | 2                  |            |        |            |        |
    P01       | week_12_arm_1     |                          |                        |            |     |          |           |           |             |                    |            |        |            |        |
    P01       | week_12_arm_1     | lesions                  | 1                      |            |     |          |           |           |             |                    | 2014-05-02 | T01    | 1          | 21.5   | Mrs Smith
    P01       | week_12_arm_1     | lesions                  | 2                      |            |     |          |           |           |             |                    | 2014-05-02 | T02    | 2          | -99    |
    P02       | screening_arm_1   |                          |                        | 2014-02-01 | 2   | 87654321 | 0         | 0         | 1           | 2                  |            |        |            |        |
    P03       | screening_arm_1   |                          |                        |            |     |          | 0         | 0         | 0           | 0                  |            |        |            |        |
    P02       | week_12_arm_1     | adverse_events           | 1                      |            |     |          |           |           |             |                    |            |        |            |        |
"""  # noqa: E501


def exported(drawing: str, separator: str = ",") -> str:
    """A drawing as REDCap writes it: CSV with a header and one row a record, event and instance."""
    rows = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue()


def told(mapping: str = MAPPING, dates: str = "") -> StudySettings:
    return parse_study((drawn_exports.STUDY + dates + mapping).encode())


def rows(reading: Reading, name: str, *columns: str) -> list[tuple[object, ...]]:
    return reading.tables[name].select(columns).rows()


def refusal(drawing: str, mapping: str = MAPPING) -> SourceFileError:
    with pytest.raises(SourceFileError) as refused:
        read(exported(drawing), told(mapping))
    return refused.value


SUBJECT = ("subject_id", "enrolment_date", "sex", "prior_therapies", "place")
LESION = ("subject_id", "lesion_id", "evaluator", "assessment_date", "status", "diameter_mm", "visit", "place")


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

LABELS = """
    Record ID | Event Name | Repeat Instrument | Repeat Instance | Date of consent | Sex   | Prior therapy (choice=Ipilimumab) | Prior therapy (choice=Nivolumab (anti-PD-1)) | Complete? | Lesion | Diameter, mm
    P01       | Screening  |                   |                 | 2014-01-10      | Woman | Checked                           | Unchecked                                    | Complete  |        |
    P02       | Screening  |                   |                 | 2014-02-01      | Man   | Checked                           | Checked                                      | Complete  |        |
    P01       | Week 12    | Target Lesions    | 1               |                 |       |                                   |                                              |           | T01    | 20
"""  # noqa: E501
LABEL_MAPPING = """
[[clinical.redcap]]
table = "subjects"
columns = { subject_id = "Record ID", enrolment_date = "Date of consent", sex = "Sex", prior_therapies = "Prior therapy" }
codes.sex = { "Woman" = "female", "Man" = "male" }
codes.prior_therapies = { "Nivolumab (anti-PD-1)" = "nivolumab" }

[[clinical.redcap]]
table = "lesion_measurements"
instrument = "target lesions"
columns = { subject_id = "record_id", lesion_id = "Lesion", diameter_mm = "Diameter, mm", visit = "redcap_event_name" }
constants = { evaluator = "investigator", status = "measured", assessment_date = "2014-05-02" }
"""  # noqa: E501


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


FITS = {
    "a field misspelt": ('"les_mm"', '"les_mmm"'),
    "a field of nowhere": ('"les_mm"', '"tallest"'),
    "an instrument misspelt": ('instrument = "lesions"', 'instrument = "lesion"'),
    "an instrument left out": ('instrument = "lesions"\n', ""),
    "an event misspelt": ('"screening_arm_1", "Screening"', '"screening_arm1"'),
    "another event": ('"screening_arm_1", "Screening"', '"week_12_arm_1"'),
}
"""What fits the export to what does not."""


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


# --- refusals ----------------------------------------------------------------------------------------------------

ANSWERS = """
    mistake                | says
    a field misspelt       | clinical.redcap[2].columns.diameter_mm in study.toml names the field 'les_mmm'
    a field misspelt       | which the export does not have. To mend it: write 'les_mm', if that is what you mean
    a field of nowhere     | names the field 'tallest', which the export does not have
    a field of nowhere     | export that field too
    an instrument misspelt | takes rows of the repeating instrument 'lesion'
    an instrument misspelt | its fields are filled in rows of 'lesions', events week_12_arm_1
    an instrument misspelt | write instrument = 'lesions', if that is what you mean
    an instrument left out | takes rows of no repeating instrument
    an instrument left out | filled in rows of 'lesions'
    an event misspelt      | clinical.redcap[1].events in study.toml names 'screening_arm1', and no row is of that event
    an event misspelt      | write 'screening_arm_1'
    another event          | and of week_12_arm_1, and its fields are filled in rows of no
    another event          | correct `instrument` and `events`
"""


@pytest.mark.parametrize(("mistake", "says"), table(ANSWERS).rows())
def test_a_mapping_that_does_not_fit_the_export_is_answered_with_the_name_that_does(mistake, says):
    mapping = MAPPING.replace(*FITS[mistake], 1)
    assert mapping != MAPPING
    error = refusal(RAW, mapping)
    assert error.code == "redcap.field"
    assert says in error.paragraph()


def test_an_export_that_nothing_maps_tells_its_instruments_and_fields_and_what_to_write():
    error = refusal(RAW, "")
    assert error.code == "redcap.unmapped"
    for words in (
        "repeating instruments lesions, adverse_events",
        "events screening_arm_1, week_12_arm_1",
        "fields record_id, icf_date, sex, phone, prior, scan_date, les_no",
        'instrument = "lesions"',
        "[[clinical.redcap]]",
    ):
        assert words in error.paragraph()


def test_a_mapping_of_another_export_is_passed_over():
    of_labs = """
[[clinical.redcap]]
table = "lab_results"
instrument = "laboratory"
columns = { subject_id = "record_id", sample_date = "drawn_on", value = "ldh" }
constants = { test = "LDH", unit = "U/L" }
"""
    assert set(read(exported(RAW), told(MAPPING + of_labs)).tables) == {"subjects", "lesion_measurements"}


def test_an_instrument_without_an_entry_yet_gives_no_rows_and_no_refusal():
    header, *lines = RAW.strip().splitlines()
    without = "\n".join([header, *(line for line in lines if "lesions" not in line)])
    assert set(read(exported(without), told()).tables) == {"subjects"}


@pytest.mark.parametrize(("drawing", "alone"), [(RAW, MAPPING), (LABELS, LABEL_MAPPING)], ids=["raw", "labels"])
@pytest.mark.parametrize("mapping", [MAPPING + LABEL_MAPPING, LABEL_MAPPING + MAPPING])
def test_the_raw_and_the_label_export_of_a_project_can_both_be_mapped(drawing, alone, mapping):
    both, one = read(exported(drawing), told(mapping)), read(exported(drawing), told(alone))
    assert {name: frame.rows() for name, frame in both.tables.items()} == {
        name: frame.rows() for name, frame in one.tables.items()
    }


RENAMED = """
[[clinical.redcap]]
table = "lab_results"
columns = { subject_id = "record_id", sample_date = "drawn_on", value = "ldh" }
constants = { test = "LDH", unit = "U/L" }

[[clinical.redcap]]
table = "lab_results"
columns = { subject_id = "record_id", sample_date = "drawn_on", value = "lactate_dehydrogenase" }
constants = { test = "LDH", unit = "U/L" }
"""


@pytest.mark.parametrize("name", ["ldh", "lactate_dehydrogenase"])
def test_a_field_that_was_renamed_is_mapped_under_both_names(name):
    text = f"record_id,redcap_event_name,drawn_on,{name}\nP1,screening,2012-01-20,412\n"
    assert rows(read(text, told(RENAMED)), "lab_results", "subject_id", "value") == [("P1", 412.0)]


@pytest.mark.parametrize(
    "mapping",
    [
        RENAMED.replace('"LDH"', '"CRP"', 1),
        RENAMED.replace("columns", 'events = ["screening"]\ncolumns', 1).replace(
            'columns = { subject_id = "record_id", sample_date = "drawn_on", value = "lac',
            'events = ["week_6"]\ncolumns = { subject_id = "record_id", sample_date = "drawn_on", value = "lac',
        ),
    ],
    ids=["another test", "other events"],
)
def test_an_entry_that_fits_does_not_stand_in_for_one_about_something_else(mapping):
    lines = ["record_id,redcap_event_name,drawn_on,lactate_dehydrogenase", "P1,week_6,2012-01-20,412"]
    text = "\n".join([*lines, "P1,screening,2012-01-02,400", ""])
    with pytest.raises(SourceFileError) as refused:
        read(text, told(mapping))
    assert refused.value.code == "redcap.field"
    assert "'ldh'" in refused.value.problem


def test_a_field_misspelt_is_refused_though_another_entry_of_the_table_fits():
    text = "record_id,redcap_event_name,drawn_on,lactate_dehydrogenase,ldh_week_6\nP1,screening,2012-01-20,412,400\n"
    with pytest.raises(SourceFileError, match="write 'ldh_week_6'") as refused:
        read(text, told(RENAMED.replace('"ldh"', '"ldh_wek_6"')))
    assert refused.value.code == "redcap.field"


UNTICKED = """
    record_id | redcap_event_name | seen_on    | findings___2 | note
    P01       | week_6            | 2014-03-01 | {on}            |
    P01       | week_12           |            | {off}            | moved
    P01       | week_18           |            |              |
"""


@pytest.mark.parametrize(("on", "off"), [("1", "0"), ("Checked", "Unchecked")])
def test_a_choice_that_is_not_ticked_makes_no_row_of_an_event(on, off):
    mapping = """
[[clinical.redcap]]
table = "tumour_assessments"
columns = { subject_id = "record_id", assessment_date = "seen_on", has_new_lesion = "findings___2" }
constants = { evaluator = "investigator", overall_response = "SD" }
"""
    reading = read(exported(UNTICKED.format(on=on, off=off)), told(mapping))
    assert rows(reading, "tumour_assessments", "assessment_date", "has_new_lesion") == [(date(2014, 3, 1), True)]


def test_an_evaluator_is_read_in_small_letters_and_single_blanks():
    mapping = MAPPING.replace('evaluator = "investigator"', 'evaluator = "Independent  Assessor"')
    assert set(column(read(exported(RAW), told(mapping)), "lesion_measurements", "evaluator")) == {
        "independent assessor"
    }


def test_a_label_of_two_fields_names_neither():
    twice = LABELS.replace("Complete?", "Sex      ")
    error = refusal(twice, LABEL_MAPPING)
    assert error.code == "redcap.field"
    assert "2 columns of the export are called so" in error.problem


def test_a_row_wider_than_the_header_is_refused_with_its_place():
    error = refusal(RAW + "    P09" + "|" * 20 + "x")
    assert (error.code, error.place) == ("redcap.rows", "line 9")


def test_an_export_without_rows_is_empty():
    assert refusal(RAW.strip().splitlines()[0]).code == "table.empty"


RECOGNISED = """
    header
    record_id,redcap_repeat_instrument,redcap_repeat_instance,age
    study_id,redcap_event_name,age
    Record ID,Event Name,Age
    Study ID,Repeat Instrument,Repeat Instance,Age
    record_id,prior___1,prior___2
    Record ID,Prior (choice=Ipilimumab)
    record_id,age,demographics_complete
    Record ID,Age,Complete?
"""


@pytest.mark.parametrize("header", [line.strip() for line in RECOGNISED.strip().splitlines()[1:]])
def test_a_flat_export_is_recognised_by_what_redcap_adds_to_the_header(header):
    with pytest.raises(SourceFileError) as refused:
        read(header + "\n1" + ",1" * header.count(",") + "\n")
    assert refused.value.code == "redcap.unmapped"


@pytest.mark.parametrize(
    "text",
    ["subject_id,enrolment_date\nS1,2012-01-02\n", "record_id,subject_id,enrolment_date\n1,S1,2012-01-02\n"],
)
def test_a_reference_table_is_not_taken_for_an_export(text):
    assert read(text, told()).format == "reference_table"


@examples(max_examples=150, deadline=None)
@given(st.integers(0, len(exported(RAW)) - 1), st.text(max_size=4), st.integers(0, 30))
def test_no_edit_of_an_export_raises_anything_but_the_readers_error(position, typed, cut):
    text = exported(RAW)
    edited = text[:position] + typed + text[position + cut :]
    with suppress(SourceFileError):
        registry.read(source(edited.encode("utf-8", "replace")), SETTINGS)


SETTINGS = told()


@given(st.permutations(exported(RAW).splitlines()[1:]))
@examples(max_examples=30, deadline=None)
def test_the_order_of_rows_changes_nothing(lines):
    header = exported(RAW).splitlines()[0]
    reading = read("\n".join([header, *lines]) + "\n", SETTINGS)
    assert sorted(rows(reading, "lesion_measurements", *LESION[:-1]), key=str) == sorted(
        rows(read(exported(RAW), SETTINGS), "lesion_measurements", *LESION[:-1]), key=str
    )


def test_every_table_of_clinical_data_can_be_filled_from_redcap():
    assert {table.name for table in CLINICAL_TABLES} < set(get_args(RedcapTableName))
    assert set(get_args(RedcapTableName)) < {table.name for table in REFERENCE_TABLES}


# --- the worked example of docs/formats.md -----------------------------------------------------------------------


def example(language: str) -> str:
    page = (Path(__file__).parents[1] / "docs" / "formats.md").read_text(encoding="utf-8")
    section = page.partition("\n### REDCap\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)[0]


def test_the_worked_example_of_the_docs_gives_the_tables_it_says():
    page = (Path(__file__).parents[1] / "docs" / "formats.md").read_text(encoding="utf-8")
    said = page.partition("\ngives\n")[2].partition("\n- **Rows.**")[0].strip().split("\n\n")
    reading = read(example("redcap"), told(example("toml")))
    for name, drawn in zip(("subjects", "lesion_measurements"), said, strict=True):
        expected = table(re.sub(r"^\| ?|\|$", "", drawn, flags=re.MULTILINE), TABLES[name])
        columns = [column for column in expected.columns if expected[column].null_count() < expected.height]
        assert reading.tables[name].select(columns).rows() == expected.select(columns).rows()
    assert reading.bad_cells == []
    assert "phone" in reading.unused_columns["subjects"]
