"""Which measurements are one assessment, which report belongs to it, whose assessment leads, and why the two differ."""

from __future__ import annotations

import polars as pl
import pytest

from expectations.clinical_in import TUMOUR_ASSESSMENTS
from tests.clinical_study import on
from tests.drawing import table
from tests.drawn_lesions import derive, lesions, said

ONE_TARGET = "lesion | kind | -5 | 60 | 120\nT1 | target | 50 | 50 | 50"


def reports(drawing: str, evaluator: str = "investigator") -> pl.DataFrame:
    """TUMOUR_ASSESSMENTS from a drawing whose `day` is a study day."""
    drawn = table(drawing)
    who = {"subject_id": "P1", "evaluator": evaluator}
    rows = [{**who, "assessment_date": on(row.pop("day")), **row} for row in drawn.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=TUMOUR_ASSESSMENTS.schema, orient="row")


def visits(drawing: str, labels: dict[int, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Drawn lesions whose measurements carry the label of their study day."""
    known, measured = lesions(drawing)
    by_date = pl.col("assessment_date").replace_strict({on(d): name for d, name in labels.items()}, default=None)
    return known, measured.with_columns(by_date.alias("visit"))


def test_days_of_one_visit_are_one_assessment_dated_by_the_first():
    drawing = """
        lesion | kind   | -20 | -3 | 60 | 64
        T1     | target | 40  |    | 40 |
        T2     | target |     | 60 |    | 20
    """
    frame = derive(visits(drawing, {-20: "Screening", -3: "SCREENING ", 60: "Week 9", 64: "week 9"}))
    assert said(frame) == "60 PR"
    assert frame["study_day"].to_list() == [-20, 60]
    assert frame["sum_mm"].to_list() == [100.0, 60.0]


def test_without_visits_every_day_is_an_assessment():
    drawing = """
        lesion | kind   | -5 | 60 | 64
        T1     | target | 40 | 20 |
        T2     | target | 40 |    | 20
    """
    assert said(derive(lesions(drawing))) == "60 NE, 64 NE"


def test_a_measurement_without_a_visit_between_the_days_of_one_belongs_to_it():
    drawing = """
        lesion | kind   | -5 | 60 | 62 | 64
        T1     | target | 40 | 20 |    |
        T2     | target | 40 |    | 20 |
        T3     | target | 40 |    |    | 20
    """
    assert said(derive(visits(drawing, {60: "Week 9", 64: "Week 9"}))) == "60 PR"


def test_the_same_visit_name_months_apart_is_another_visit():
    labels = {-5: "Screening", 60: "Unscheduled", 120: "unscheduled"}
    assert said(derive(visits(ONE_TARGET, labels))) == "60 SD, 120 SD"


def test_a_lesion_measured_twice_in_one_visit_counts_as_measured_last():
    drawing = "lesion | kind | -5 | 60 | 64 | 66\nT1 | target | 50 | 50 | 35 | -"
    assert said(derive(visits(drawing, {60: "Week 9", 64: "Week 9", 66: "Week 9"}))) == "60 PR"


@pytest.mark.parametrize(
    ("report", "paired"),
    [
        ("day | overall_response | visit\n60 | SD | ", "60 SD"),
        ("day | overall_response | visit\n64 | SD | WEEK 9", "60 SD"),
        ("day | overall_response | visit\n80 | SD | week 9", "60 SD"),
        ("day | overall_response | visit\n62 | SD | ", "60 SD"),
        ("day | overall_response | visit\n59 | SD | ", "59 SD"),
        ("day | overall_response | visit\n65 | SD | ", "65 SD"),
        ("day | overall_response | visit\n110 | SD | Week 9", "110 SD"),
        ("day | overall_response | visit\n60 | SD |\n64 | PD | week 9", "60 SD, 64 PD"),
        ("day | overall_response | visit\n62 | SD | week 9\n64 | PD | week 9", "60 SD, 64 PD"),
    ],
)
def test_a_report_belongs_to_its_day_its_visit_or_the_days_it_lies_between(report: str, paired: str):
    drawing = "lesion | kind | -5 | 60 | 64\nT1 | target | 50 | 50 |\nT2 | target | 50 | | 50"
    frame = derive(visits(drawing, {-5: "Screening", 60: "Week 9", 64: "Week 9"}), reported=reports(report))
    assert said(frame, "reported_response") == paired
    n_reports = len(report.splitlines()) - 1
    assert frame.height == 2 + n_reports - (1 if "60 SD" in paired else 0)


def test_capitals_make_no_other_evaluator():
    frame = derive(
        lesions(ONE_TARGET, evaluator="INVESTIGATOR"),
        reported=reports("day | overall_response\n60 | SD", "Investigator"),
    )
    assert set(frame["evaluator"]) == {"investigator"}
    assert frame["agrees"].to_list() == [None, True, None]
    assert frame["is_leading_evaluator"].all()


def test_two_reports_of_one_day_that_differ_in_the_capitals_of_the_evaluator_are_one_or_none():
    line = "day | overall_response\n60 | "
    told = {
        second: derive(reported=pl.concat([reports(f"{line}SD"), reports(f"{line}{second}", "INVESTIGATOR")]))
        for second in ("SD", "PD")
    }
    assert [frame["reported_response"].to_list() for frame in told.values()] == [["SD"], [None]]


ASSESSORS = "independent assessor, radiologist"


def readers(*accepted: tuple[bool | None, bool | None]) -> pl.DataFrame:
    """Two radiologists at two visits; reader 2 sees growth at the second."""
    one, two = (
        lesions(f"lesion | kind | -5 | 60 | 120\nT1 | target | 50 | 50 | {mm}", evaluator=f"{ASSESSORS} {i}")
        for i, mm in ((1, 50), (2, 80))
    )
    flags = [
        pl.col("assessment_date").replace_strict(
            {on(60): flag[0], on(120): flag[1]}, default=None, return_dtype=pl.Boolean
        )
        for flag in accepted
    ]
    drawn = [(known, m.with_columns(is_accepted=flag)) for (known, m), flag in zip((one, two), flags, strict=True)]
    return derive(*drawn, evaluator="Independent Assessor")


def leads(frame: pl.DataFrame) -> str:
    return said(frame.filter("is_leading_evaluator", pl.col("study_day") > 0))


def test_of_several_assessors_the_accepted_one_of_each_visit_leads():
    assert leads(readers((True, None), (None, True))) == "60 SD, 120 PD"
    assert leads(readers((False, True), (True, False))) == "60 SD, 120 SD"


def test_of_several_assessors_of_whom_none_was_accepted_none_leads():
    assert leads(readers((None, None), (None, None))) == ""


def test_two_accepted_readings_that_contradict_each_other_lead_nowhere_and_are_told():
    frame = readers((True, True), (True, True))
    assert leads(frame) == "60 SD"
    assert said(frame.filter(pl.col("study_day") == 120), "difference_reason") == ", ".join(
        ["120 differs.accepted_twice"] * 2
    )


def test_the_only_assessor_of_a_family_leads_without_being_marked():
    frame = derive(lesions(ONE_TARGET, evaluator=f"{ASSESSORS} 1"), evaluator="independent assessor")
    assert leads(frame) == "60 SD, 120 SD"


def test_an_assessor_named_in_full_leads_whether_accepted_or_not():
    drawn = lesions(ONE_TARGET, evaluator=f"{ASSESSORS} 1", is_accepted=False)
    assert leads(derive(drawn, evaluator=f"{ASSESSORS} 1")) == "60 SD, 120 SD"
    assert leads(derive(drawn, evaluator="independent assessor")) == ""


@pytest.mark.parametrize(
    ("drawn", "report", "why"),
    [
        ("T1 | target | 50 | 50", "overall_response\nSD", None),
        ("T1 | target | 50 | -", "overall_response\nSD", "differs.not_evaluable"),
        ("T1 | target | 50 | 50", "overall_response\nNE", "differs.not_evaluable"),
        ("T1 | target | 50 | 50", "overall_response | target_response\nPR | PR", "differs.target"),
        (
            "T1 | target | 50 | 50",
            "overall_response | target_response | non_target_response\nPR | SD | NONE",
            "differs.table",
        ),
        ("T1 | target | 50 | 50", "overall_response\nPR", "differs.overall"),
        ("T1 | target | 50 | 50", "overall_response | has_new_lesion\nPD | true", "differs.new_lesion"),
        ("T1 | target | 50 | 50\nW1 | new | | present", "overall_response\nSD", "differs.new_lesion"),
        ("T1 | target | 50 | 50\nX1 | non_target | present | progressed", "overall_response\nSD", "differs.new_lesion"),
        ("T1 | target | 12 | 16", "overall_response\nPD", "differs.less_than_5_mm"),
        (
            "T1 | target | 50 | 0\nX1 | non_target | present | present",
            "overall_response | target_response | non_target_response\nCR | CR | CR",
            "differs.non_target",
        ),
    ],
)  # fmt: skip
def test_every_difference_has_its_reason(drawn: str, report: str, why: str | None):
    head, line = report.splitlines()
    frame = derive(lesions(f"lesion | kind | -5 | 60\n{drawn}"), reported=reports(f"day | {head}\n60 | {line}"))
    assert frame["difference_reason"].to_list() == [None, why]
    assert frame["agrees"].to_list() == [None, why is None]


def test_what_is_only_reported_or_only_derived_says_so():
    told = reports("day | overall_response\n-5 | SD\n90 | SD\n120 | SD")
    frame = derive(lesions(ONE_TARGET), reported=told)
    assert frame["study_day"].to_list() == [-5, 60, 90, 120]
    assert frame["agrees"].to_list() == [None, None, None, True]
    whys = ["differs.baseline", "differs.not_reported", "differs.not_derivable", None]
    assert frame["difference_reason"].to_list() == whys
    assert frame["derived_reason"].to_list() == [None, None, "recist.no_lesions", None]


def test_a_lesion_back_after_a_complete_response_and_reported_otherwise_says_so():
    drawing = "lesion | kind | -5 | 60 | 120\nT1 | target | 50 | 0 | 4.9"
    frame = derive(lesions(drawing), reported=reports("day | overall_response\n60 | CR\n120 | PR"))
    assert frame["difference_reason"].to_list() == [None, None, "differs.reappeared"]


def test_a_complete_response_reported_with_a_small_node_left_differs_under_1_0():
    drawing = "lesion | kind | -5 | 60\nT1 | node | 20 | 9"
    told = reports("day | overall_response\n60 | CR")
    by_1_0 = derive(lesions(drawing), reported=told, criteria="RECIST 1.0")
    assert by_1_0["difference_reason"].to_list() == [None, "differs.node_not_gone"]
    assert derive(lesions(drawing), reported=told)["agrees"].to_list() == [None, True]
