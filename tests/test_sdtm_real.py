"""The public SDTM datasets go in: what comes out is what a reading of our own of the CSVs gives.

DM and EX are those of the CDISC pilot study, RS, TR and TU the oncology datasets made for its subjects (pharmaverse).
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from datetime import date
from functools import cache

import pytest

from expectations.errors import SourceFileError
from expectations.study import StudySettings
from tests.drawing import SHARED, needs_shared
from tests.drawn_exports import bad_cells, source
from tests.drawn_judging import judged
from tests.drawn_sdtm import study, transport
from transforms.judging import Candidate, Judgement, rejects_of
from transforms.readers import registry
from transforms.readers.source import Reading

pytestmark = needs_shared

FILES = {
    "DM": "sdtm_dm.csv",
    "EX": "sdtm_ex.csv",
    "RS": "rs_onco_recist.csv",
    "TR": "tr_onco_recist.csv",
    "TU": "tu_onco_recist.csv",
}
SDTM = """
[clinical.sdtm]
enrolment_variable = "RFSTDTC"
infusion_treatments = ["XANOMELINE", "PLACEBO"]
"""
MIDDLE = '[dates]\npartial = "middle"\n'

Cells = dict[str, str]


@cache
def cells(domain: str) -> list[Cells]:
    """Rows of a dataset with NA as empty, read by the csv module alone."""
    with (SHARED / "real/clinical" / FILES[domain]).open(newline="") as lines:
        return [{name: "" if cell == "NA" else cell for name, cell in row.items()} for row in csv.DictReader(lines)]


def read(domain: str, told: StudySettings) -> Reading:
    path = SHARED / "real/clinical" / FILES[domain]
    return registry.read(source(path.read_bytes(), path.name), told)


def judge_all(told: StudySettings) -> Judgement:
    paths = {domain: SHARED / "real/clinical" / name for domain, name in FILES.items()}
    files = [source(path.read_bytes(), path.name) for path in paths.values()]
    return judged([Candidate(one.sha256, one.path, 1, registry.read(one, told)) for one in files], settings=told)


def evaluator(row: Cells, domain: str) -> str:
    return ", ".join(row[domain + name].lower() for name in ("EVAL", "EVALID") if row[domain + name])


def test_all_five_come_in_and_only_screen_failures_and_partial_dates_stay_out():
    judgement = judge_all(study(SDTM))
    assert judgement.holds == {}
    assert {name: frame.height for name, frame in judgement.new.items() if frame.height} == {
        "subjects": 254,
        "infusion_products": 254,
        "follow_up": 3,
        "dispositions": 251,
        "tumour_assessments": 63,
        "lesions": 75,
        "lesion_measurements": 267,
    }
    assert Counter(rejects_of(judgement).select("table_name", "rule", "column_name").rows()) == {
        ("subjects", "row.not_used", "ARMNRS"): 52,
        ("tumour_assessments", "row.partial_date", "RSDTC"): 3,
        ("lesion_measurements", "row.partial_date", "TRDTC"): 6,
    }


def test_with_the_middle_of_partial_dates_every_assessment_and_measurement_comes_in():
    judgement = judge_all(study(SDTM, MIDDLE))
    assert judgement.new["tumour_assessments"].height == len(cells("RS")) == 66
    imputed = judgement.new["lesion_measurements"].filter("is_date_imputed")
    assert imputed.height == 6
    assert set(imputed["assessment_date"]) == {date(2014, 2, 15)}
    assert judgement.new["lesion_measurements"].height == 273


def test_subjects_are_those_of_dm_who_were_no_screen_failures():
    told = [row for row in cells("DM") if row["ARMNRS"] != "SCREEN FAILURE"]
    found = read("DM", study(SDTM)).tables
    sexes = {"F": "female", "M": "male"}
    assert set(found["subjects"].select("subject_id", "enrolment_date", "sex", "birth_year").rows()) == {
        (row["USUBJID"], date.fromisoformat(row["RFSTDTC"]), sexes[row["SEX"]], int(row["BRTHDTC"][:4])) for row in told
    }
    assert set(found["follow_up"].select("subject_id", "contact_date").rows()) == {
        (row["USUBJID"], date.fromisoformat(row["DTHDTC"])) for row in told if row["DTHDTC"]
    }
    assert set(found["dispositions"].select("subject_id", "disposition_date").rows()) == {
        (row["USUBJID"], date.fromisoformat(row["RFPENDTC"][:10])) for row in told if not row["DTHDTC"]
    }


def test_day_0_is_the_first_dose():
    first: dict[str, str] = {}
    for row in cells("EX"):
        first[row["USUBJID"]] = min(row["EXSTDTC"], first.get(row["USUBJID"], "9999"))
    found = read("EX", study(SDTM)).tables["infusion_products"]
    assert dict(found.select("subject_id", "infusion_date").rows()) == {
        subject: date.fromisoformat(day) for subject, day in first.items()
    }
    assert found["total_viable_cells"].null_count() == found.height == 254


def test_responses_are_those_of_rs():
    found = read("RS", study(SDTM, MIDDLE)).tables["tumour_assessments"]
    expected = {
        (row["USUBJID"], evaluator(row, "RS"), row["VISIT"]): (
            row["RSSTRESC"],
            row["RSACPTFL"] == "Y" if row["RSEVALID"] else None,
        )
        for row in cells("RS")
    }
    assert len(expected) == 66
    assert {
        (row["subject_id"], row["evaluator"], row["visit"]): (row["overall_response"], row["is_accepted"])
        for row in found.iter_rows(named=True)
    } == expected


def test_lesions_are_those_of_tu():
    found = read("TU", study(SDTM)).tables["lesions"]
    columns = ("subject_id", "lesion_id", "evaluator", "category", "organ", "is_lymph_node", "visit")
    assert set(found.select(columns).rows()) == {
        (
            row["USUBJID"],
            row["TULNKID"],
            evaluator(row, "TU"),
            row["TUSTRESC"].lower().replace("-", "_"),
            row["TULOC"].lower(),
            row["TULOC"] == "LYMPH NODE",
            row["VISIT"],
        )
        for row in cells("TU")
    }


def test_measurements_are_those_of_tr_both_diameters_beside_each_other():
    told: dict[tuple[str, ...], Cells] = defaultdict(dict)
    for row in cells("TR"):
        key = (row["USUBJID"], row["TRLNKID"], evaluator(row, "TR"), row["VISIT"])
        told[key][row["TRTESTCD"]] = row["TRSTRESC"]
    expected = {
        key: ("measured", float(tests["LDIAM"]), float(tests["LPERP"]))
        if "LDIAM" in tests
        else (tests["TUMSTATE"].lower(), None, None)
        for key, tests in told.items()
    }
    assert len(expected) == 273
    found = read("TR", study(SDTM, MIDDLE)).tables["lesion_measurements"]
    assert {
        (row["subject_id"], row["lesion_id"], row["evaluator"], row["visit"]): (
            row["status"],
            row["diameter_mm"],
            row["short_axis_mm"],
        )
        for row in found.iter_rows(named=True)
    } == expected


@pytest.mark.parametrize("version", [5, 8])
def test_as_transport_files_they_give_the_same(version):
    numbers = {"EX": ("EXSEQ", "EXDOSE"), "TR": ("TRSTRESN", "VISITNUM", "TRSEQ")}
    for domain, numeric in numbers.items():
        lines = io.StringIO()
        writer = csv.DictWriter(lines, [name for name in cells(domain)[0] if name])
        writer.writeheader()
        writer.writerows({name: cell for name, cell in row.items() if name} for row in cells(domain))
        data = transport(lines.getvalue(), version, numeric)
        found, expected = registry.read(source(data), study(SDTM)), read(domain, study(SDTM))
        for name, frame in expected.tables.items():
            assert found.tables[name].drop("file_sha256", "place").equals(frame.drop("file_sha256", "place"))


def test_every_measurement_is_of_a_lesion_of_its_evaluator():
    key = ["subject_id", "lesion_id", "evaluator"]
    lesions, measured = (read(domain, study(SDTM)).tables for domain in ("TU", "TR"))
    found = measured["lesion_measurements"].select(key).unique().sort(key)
    assert found.equals(lesions["lesions"].select(key).sort(key))


def test_without_settings_dm_and_ex_say_which_ones_are_needed():
    told = {}
    for domain in FILES:
        try:
            read(domain, study(""))
        except SourceFileError as error:
            told[domain] = f"{error.code}: {error.problem}; {error.remedy}"
    assert set(told) == {"DM", "EX"}
    assert "RFICDTC" in told["DM"]
    assert "RFSTDTC (254)" in told["DM"]
    assert "PLACEBO, XANOMELINE" in told["EX"]


def test_a_partial_date_is_told_with_its_line_and_variable():
    assert bad_cells(read("RS", study(SDTM))) == [
        (f"line {n}", "row.partial_date", "RSDTC", "2014-02") for n in (5, 6, 7)
    ]
