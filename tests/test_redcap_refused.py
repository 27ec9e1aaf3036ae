"""REDCap exports that do not fit their mapping, what is recognised as one, and the worked example of the docs."""

from __future__ import annotations

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
from expectations.study_clinical import RedcapTableName
from expectations.tables import TABLES
from tests.drawing import table
from tests.drawn_exports import column, read, source
from tests.drawn_redcap import FITS, LABEL_MAPPING, LABELS, LESION, MAPPING, RAW, exported, refusal, rows, told
from transforms.readers import registry

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
