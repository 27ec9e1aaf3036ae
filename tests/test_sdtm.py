"""CDISC SDTM datasets: subjects, infusions, dispositions and responses, and what is held back."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from expectations.errors import SourceFileError
from tests.drawn_exports import bad_cells, column, source, workbook
from tests.drawn_judging import after, empty_store, judged
from tests.drawn_sdtm import PATTERN, SDTM, candidates, held_rows, judge, read, refusal, rows, study
from transforms.readers import registry
from transforms.study_checks import study_checks

# --- Recognition ---


def test_an_index_without_a_name_na_and_floats_are_as_r_and_python_write_them():
    text = ",STUDYID,DOMAIN,USUBJID,RFICDTC,SEX,BRTHDTC,RFPENDTC,AGE\n0,S,DM,P1,2014-01-02,F,1950-12-26,NA,63.0\n"
    reading = registry.read(source(text), study())
    assert reading.format == "sdtm"
    assert rows(reading, "subjects", "subject_id", "enrolment_date", "sex", "birth_year", "place") == [
        ("P1", date(2014, 1, 2), "female", 1950, "line 2")
    ]
    assert set(reading.tables) == {"subjects"}


def test_a_sheet_of_a_workbook_is_read_as_its_csv():
    dm = [["STUDYID", "DOMAIN", "USUBJID", "RFICDTC"], ["S", "DM", "P1", "2014-01-02"]]
    reading = registry.read(source(workbook({"DM": dm, "notes": [["a", "b"], [1, 2]]})), study())
    assert column(reading, "subjects", "subject_id") == ["P1"]
    assert [cell.rule for cell in reading.bad_cells] == ["row.sheet_unrecognised"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("STUDYID,DOMAIN,USUBJID,AETERM\nS,AE,P1,RASH\n", "sdtm.domain"),
        ("STUDYID,RDOMAIN,USUBJID,QNAM\nS,DM,P1,X\n", "sdtm.domain"),
        ("STUDYID,DOMAIN,USUBJID,RFICDTC\nS,DM,P1,2014-01-02\nS,EX,P1,\n", "sdtm.variables"),
        ("STUDYID,DOMAIN,USUBJID,RFICDTC\n", "table.empty"),
        ("STUDYID,DOMAIN,USUBJID,RFICDTC,RFICDTC\nS,DM,P1,2014-01-02,2014-01-02\n", "table.repeated_column"),
        ("STUDYID,DOMAIN,USUBJID,RFICDTC\nS,DM,P1,2014-01-02,more\n", "sdtm.variables"),
        ("STUDYID,DOMAIN,USUBJID,RSTESTCD,RSDTC\nS,RS,P1,OVRLRESP,2014-01-02\n", "sdtm.variables"),
        ("STUDYID,DOMAIN,USUBJID,TRTESTCD,TREVAL\nS,TR,P1,LDIAM,INVESTIGATOR\n", "sdtm.variables"),
        ("STUDYID,DOMAIN,USUBJID,LBTESTCD,LBSTRESN,LBSTRESU,LBDTC\nS,LB,P1,COLOR,,,2014-01-02\n", "sdtm.domain"),
    ],
)
def test_what_is_no_whole_dataset_of_a_known_domain_is_refused(content, code):
    with pytest.raises(SourceFileError) as caught:
        registry.read(source(content), study())
    assert caught.value.code == code


# --- Subjects ---

DM = """USUBJID | RFICDTC    | SEX | BRTHDTC | RFPENDTC         | DTHDTC     | DTHFL | ARMCD
        S-1-01  | 2014-01-02 | F   | 1950    | 2014-07-02T11:45 |            |       | A
        S-1-02  | 2014-01-03 | M   | --05-12 | 2014-09-02       | 2014-09-01 | Y     | A"""


def test_dm_gives_subjects_their_deaths_and_the_last_day_they_took_part():
    reading = read("DM", DM, study(SDTM + PATTERN))
    assert rows(reading, "subjects", "subject_id", "enrolment_date", "sex", "birth_year") == [
        ("01", date(2014, 1, 2), "female", 1950),
        ("02", date(2014, 1, 3), "male", None),
    ]
    assert rows(reading, "follow_up", "subject_id", "contact_date", "vital_status") == [
        ("02", date(2014, 9, 1), "dead")
    ]
    assert rows(reading, "dispositions", "subject_id", "disposition_date", "disposition", "is_withdrawal") == [
        ("01", date(2014, 7, 2), "end of participation", False)
    ]


def test_a_subject_without_the_enrolment_variable_is_held_back_by_its_name_and_that_of_the_setting():
    reading = read("DM", "USUBJID | RFICDTC\nP1 | 2014-01-02\nP2 | NA")
    (cell,) = reading.bad_cells
    assert (cell.place, cell.rule, cell.column, cell.value) == ("line 3", "row.required", "RFICDTC", None)
    assert "clinical.sdtm.enrolment_variable" in cell.says
    told = {f"P{n}": f"P{n} | 2014-01-02" for n in range(20)} | {"P3": "P3 |"}
    judgement = judge(study(), DM="USUBJID | RFICDTC\n" + "\n".join(told.values()))
    assert held_rows(judgement) == [("row.required", "RFICDTC", None)]
    assert judgement.new["subjects"].height == 19


def test_an_enrolment_variable_that_is_nowhere_filled_refuses_the_file_and_lists_those_that_are():
    error = refusal("DM", "USUBJID | RFICDTC | RFSTDTC | BRTHDTC\nP1 | | 2014-01-02 | 1950-02-03")
    assert error.code == "sdtm.variables"
    assert "RFICDTC" in error.problem
    assert "RFSTDTC (1)" in error.remedy
    assert "BRTHDTC" not in error.remedy


def test_a_screen_failure_was_never_enrolled_whatever_its_dates():
    drawing = """USUBJID | RFICDTC    | BRTHDTC    | RFPENDTC   | ARMCD    | ARMNRS
                 P1      | 2014-01-02 | 1950-01-01 | 2014-02-02 | A        |
                 P2      | 2014-01-02 | 1950-01-01 | 2014-01-09 | Scrnfail |
                 P3      |            | 1950-01-01 | 2014-01-09 |          | SCREEN FAILURE"""
    reading = read("DM", drawing)
    assert column(reading, "subjects", "subject_id") == column(reading, "dispositions", "subject_id") == ["P1"]
    assert bad_cells(reading) == [
        ("line 3", "row.not_used", "ARMCD", "Scrnfail"),
        ("line 4", "row.not_used", "ARMNRS", "SCREEN FAILURE"),
    ]
    assert not any("1950" in cell.row for cell in reading.bad_cells)


def test_a_death_without_its_day_is_told():
    reading = read("DM", "USUBJID | RFICDTC | DTHDTC | DTHFL\nP1 | 2014-01-02 | | Y")
    assert bad_cells(reading) == [("line 2", "row.required", "DTHDTC", None)]


def test_who_died_on_a_day_unknown_did_not_end_the_study_alive():
    reading = read("DM", "USUBJID | RFICDTC | DTHDTC | DTHFL | RFPENDTC\nP1 | 2014-01-02 | | Y | 2014-05-01")
    assert set(reading.tables) == {"subjects"}
    assert bad_cells(reading) == [("line 2", "row.required", "DTHDTC", None)]


def test_a_day_of_enrolment_without_its_day_is_a_partial_date():
    reading = read("DM", "USUBJID | RFICDTC\nP1 | 2012-01\nP2 | 2012-01-02")
    assert bad_cells(reading) == [("line 2", "row.partial_date", "RFICDTC", "2012-01")]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("DOMAIN,USUBJID,RFICDTC", "no variable STUDYID"),
        ("STUDYID,DOMAIN,SUBJID,RFICDTC", "no variable USUBJID"),
        ("DOMAIN,SUBJID,RFICDTC", "no variable STUDYID and no USUBJID"),
    ],
)
def test_a_dataset_without_a_key_says_which(header, told):
    cells = {"STUDYID": "S", "DOMAIN": "DM", "USUBJID": "P1", "SUBJID": "1", "RFICDTC": "2014-01-02"}
    with pytest.raises(SourceFileError) as caught:
        registry.read(source(f"{header}\n{','.join(cells[name] for name in header.split(','))}\n"), study())
    assert caught.value.code == "sdtm.variables"
    assert told in caught.value.problem


@pytest.mark.parametrize(
    ("usubjids", "pattern", "told"),
    [
        (["S-1-01", "S-2-01"], PATTERN, "both 'S-1-01' and 'S-2-01'"),
        (["S1", "S2"], PATTERN, "such as 'S1'"),
    ],
)
def test_a_pattern_that_takes_two_for_one_or_finds_nobody_is_refused(usubjids, pattern, told):
    drawing = "USUBJID | RFICDTC\n" + "\n".join(f"{one} | 2014-01-02" for one in usubjids)
    error = refusal("DM", drawing, study(SDTM + pattern))
    assert error.code == "sdtm.subject"
    assert told in error.problem


def test_a_usubjid_the_pattern_does_not_fit_is_held_back():
    reading = read("DM", "USUBJID | RFICDTC\nS-01 | 2014-01-02\nS1 | 2014-01-02", study(SDTM + PATTERN))
    assert column(reading, "subjects", "subject_id") == ["01"]
    assert bad_cells(reading) == [("line 3", "row.pattern", "USUBJID", "S1")]


def test_two_files_in_which_the_pattern_finds_one_subject_in_two_people_are_told_by_a_check():
    told = study(SDTM + PATTERN)
    rs = "USUBJID | RSTESTCD | RSSTRESC | RSDTC\n{} | OVRLRESP | {} | {}"
    site1, site2 = (
        {f"DM{n}": f"USUBJID | RFICDTC\n{who} | 2014-01-0{n}", f"RS{n}": rs.format(who, what, f"2014-03-0{n}")}
        for n, who, what in ((1, "S-1-101", "PR"), (2, "S-2-101", "PD"))
    )
    first = after(empty_store(), judge(told, **site1))
    both = after(first, judged(candidates(told, **site2), first, told))
    assert both["tumour_assessments"].height == 2

    def check(tables):
        return study_checks(tables, told).filter(table_name="subjects", check_name="one_usubjid").to_dicts()[0]

    assert check(first)["success"]
    assert (check(both)["n_rows"], check(both)["examples"]) == (1, "101 is S-1-101, S-2-101")


# --- Infusions ---


def test_ex_gives_day_0_the_lymphodepletion_before_it_and_the_cells_of_that_day():
    drawing = """USUBJID | EXTRT            | EXDOSE | EXDOSU     | EXSTDTC
                 P1      | Cyclophosphamide | 60     | mg/kg      | 2014-01-03
                 P1      | FLUDARABINE      | 25     | mg/m2      | 2014-01-05
                 P1      | TIL              | 30     | 10^9 CELLS | 2014-01-10T09:00
                 P1      | TIL              | 12.5   | 10^9 cells | 2014-01-10T15:00
                 P1      | TIL              | 99     | 10^9 CELLS | 2014-06-10
                 P1      | IL-2             | 1      | MIU        | 2014-01-11
                 P2      | TIL              | 1      | BAG        | 2014-02-01
                 P2      | FLUDARABINE      | 25     | mg/m2      | 2014-03-01"""
    reading = read("EX", drawing)
    assert reading.bad_cells == []
    assert rows(
        reading, "infusion_products", "subject_id", "infusion_date", "lymphodepletion_start", "total_viable_cells"
    ) == [("P1", date(2014, 1, 10), date(2014, 1, 3), 42.5e9), ("P2", date(2014, 2, 1), None, None)]
    assert column(reading, "infusion_products", "place") == ["line 4, line 5", "line 8"]


@pytest.mark.parametrize("sdtm", ["", '[clinical.sdtm]\ninfusion_treatments = ["LIFILEUCEL"]\n'])
def test_ex_without_a_declared_infusion_is_refused_with_the_treatments_there_are(sdtm):
    error = refusal("EX", "USUBJID | EXTRT | EXSTDTC\nP1 | TIL | 2014-01-10\nP1 | IL-2 | 2014-01-11", study(sdtm))
    assert error.code == "sdtm.treatment"
    assert "TIL, IL-2" in error.problem


def test_an_infusion_without_a_whole_date_could_be_the_first_so_its_subject_is_held_back():
    drawing = """USUBJID | EXTRT | EXSTDTC
                 P1      | TIL   | 2014-06-10
                 P1      | TIL   | 2014-01
                 P2      | TIL   | 2014-01-10"""
    told = study(SDTM, '[dates]\npartial = "middle"\n')
    assert bad_cells(read("EX", drawing, told)) == [("line 2, line 3", "row.partial_date", "EXSTDTC", "2014-01")]


def test_infusions_without_their_subject_are_each_told():
    reading = read("EX", "USUBJID | EXTRT | EXSTDTC\n | TIL | 2014-06-10\n | TIL | 2014-01-10\nP2 | TIL | 2014-01-10")
    assert column(reading, "infusion_products", "place") == ["line 2", "line 3", "line 4"]


def test_a_sentence_among_the_treatments_is_not_quoted():
    error = refusal("EX", "USUBJID | EXTRT | EXSTDTC\nP1 | anna hansen did not want it | 2014-01-10")
    assert "text of 27 characters" in error.problem
    assert "hansen" not in error.problem


def test_an_infusion_that_did_not_take_place_is_none():
    drawing = "USUBJID | EXTRT | EXSTDTC | EXOCCUR\nP1 | TIL | 2014-01-09 | N\nP1 | TIL | 2014-01-10 | Y"
    assert column(read("EX", drawing), "infusion_products", "infusion_date") == [date(2014, 1, 10)]


# --- Dispositions ---

DS = """USUBJID | DSDECOD               | DSSCAT             | DSSTDTC
        P1      | RANDOMIZED            |                    | 2014-01-02
        P1      | WITHDRAWAL BY SUBJECT | STUDY PARTICIPATION | 2014-07-02
        P2      | WITHDRAWAL BY SUBJECT | STUDY TREATMENT    | 2014-03-01
        P2      | DEATH                 |                    | 2014-09-01
        P2      | DEATH                 | STUDY TREATMENT    | 2014-09-01T10:00
        P3      | SCREEN FAILURE        |                    | 2014-01-05"""


def test_ds_gives_deaths_and_dispositions_and_a_withdrawal_from_treatment_is_none_from_the_study():
    reading = read("DS", DS)
    assert rows(reading, "follow_up", "subject_id", "contact_date", "vital_status", "place") == [
        ("P2", date(2014, 9, 1), "dead", "line 5, line 6")
    ]
    assert rows(reading, "dispositions", "subject_id", "disposition_date", "disposition", "is_withdrawal") == [
        ("P1", date(2014, 1, 2), "randomized", False),
        ("P1", date(2014, 7, 2), "withdrawal by subject", True),
        ("P2", date(2014, 3, 1), "withdrawal by subject", False),
    ]
    assert bad_cells(reading) == [("line 7", "row.not_used", "DSDECOD", "SCREEN FAILURE")]


def test_a_verbatim_term_is_no_disposition():
    drawing = """USUBJID | DSTERM              | DSDECOD   | DSSTDTC
                 P1      | MOVED TO HER SISTER |           | 2014-01-02
                 P1      | MOVED TO HER SISTER |           | 2014-01-02
                 P2      | COMPLETED           | COMPLETED | 2014-01-02"""
    reading = read("DS", drawing)
    assert rows(reading, "dispositions", "disposition", "place") == [
        (None, "line 2"),
        (None, "line 3"),
        ("completed", "line 4"),
    ]
    assert "SISTER" not in str(reading)


def test_dm_and_ds_tell_of_the_same_days_without_a_conflict():
    dm = """USUBJID | RFICDTC    | RFPENDTC   | DTHDTC
            P1      | 2014-01-01 | 2014-07-02 |
            P2      | 2014-01-01 | 2014-09-01 | 2014-09-01"""
    ds = "\n".join(line for line in DS.splitlines() if "SCREEN" not in line)
    judgement = judge(study(), DM=dm, DS=ds)
    assert judgement.holds == {}
    assert held_rows(judgement) == []
    assert judgement.new["follow_up"].select("subject_id", "vital_status").rows() == [("P2", "dead")]
    assert judgement.new["dispositions"].height == 4


# --- Dates ---


@pytest.mark.parametrize(
    ("text", "middle"), [("2014-02", date(2014, 2, 15)), ("2014", date(2014, 7, 1)), ("2014---15", date(2014, 7, 1))]
)
def test_a_partial_date_is_held_back_or_the_middle_and_marked(text, middle):
    drawing = f"""USUBJID | RSTESTCD | RSSTRESC | RSEVAL       | RSDTC
                  P1      | OVRLRESP | PR       | INVESTIGATOR | {text}
                  P1      | OVRLRESP | PR       | INVESTIGATOR | 2014-09-02T09:15"""
    assert bad_cells(read("RS", drawing)) == [("line 2", "row.partial_date", "RSDTC", text)]
    imputed = read("RS", drawing, study(SDTM, '[dates]\npartial = "middle"\n'))
    assert imputed.bad_cells == []
    found = rows(imputed, "tumour_assessments", "assessment_date", "is_date_imputed")
    assert found == [(middle, True), (date(2014, 9, 2), None)]


def test_the_example_of_the_page_gives_what_the_page_says():
    page = (Path(__file__).parents[1] / "docs/formats.md").read_text()
    (text,) = re.findall(r"```sdtm\n(.*?)```", page, re.DOTALL)
    (told,) = re.findall(r"```toml\n(\[clinical\.sdtm\]\n.*?)```", page, re.DOTALL)
    reading = registry.read(source(text), study(told))
    columns = ("subject_id", "infusion_date", "lymphodepletion_start", "total_viable_cells")
    assert rows(reading, "infusion_products", *columns) == [("101", date(2012, 2, 6), date(2012, 1, 30), 5.2e10)]
    assert reading.bad_cells == []
