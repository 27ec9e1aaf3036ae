"""The baseline of RECIST where not every target was scanned on its day, or one was taken out by then."""

from __future__ import annotations

import polars as pl
import pytest

from expectations.reasons import REASONS
from tests.clinical_study import assessed
from tests.drawn_lesions import derive, lesions, responses, said

SUMS = ("n_targets", "n_targets_missing", "sum_mm", "measured_sum_mm", "baseline_sum_mm")


def reasons(frame: pl.DataFrame) -> list[str | None]:
    told = frame["derived_reason"].to_list()
    assert {code for code in told if code} <= set(REASONS)
    return told


@pytest.mark.parametrize("on_the_day", ["", "-", "present"])
@pytest.mark.parametrize("criteria", ["RECIST 1.0", "RECIST 1.1"])
def test_a_partial_scan_before_day_0_takes_no_target_from_the_sum(on_the_day: str, criteria: str):
    # S0 = 40 + 50 = 90; 30 + 90 = 120 is 33 % and 30 mm more; 20 + 90 = 110 is 22 % and 20 mm above the nadir of 90.
    drawing = f"""
        lesion | kind   | -20 | -5           | 60 | 88
        T1     | target | 50  | 40           | 30 | 20
        T2     | target | 50  | {on_the_day} | 90 | 90
    """
    frame = derive(lesions(drawing), criteria=criteria)
    assert said(frame) == "60 PD, 88 PD"
    assert reasons(frame) == ["recist.before_day_0", "recist.baseline_older", None, None]
    assert frame.select(SUMS).rows() == [
        (2, 0, 100.0, 100.0, 90.0),
        (2, 1, None, 40.0, 90.0),
        (2, 0, 120.0, 120.0, 90.0),
        (2, 0, 110.0, 110.0, 90.0),
    ]
    assert frame["nadir_mm"].to_list() == [None, None, 90.0, 90.0]
    changes = [0.0, 100 * 30 / 90, 100 * 20 / 90]
    assert frame["change_from_baseline_percent"].to_list()[1:] == pytest.approx(changes)


def test_the_latest_earlier_diameter_counts():
    # S0 = 40 + 30 = 70, and 49 is 30 % less; with the first diameter of T2 it would be 90.
    drawing = """
        lesion | kind   | -60 | -30 | -5 | 60
        T1     | target | 50  | 45  | 40 | 29
        T2     | target | 50  | 30  | -  | 20
    """
    frame = derive(lesions(drawing))
    assert (said(frame), set(frame["baseline_sum_mm"])) == ("60 PR", {70.0})


def test_a_scan_without_any_diameter_is_no_baseline():
    drawing = """
        lesion | kind   | -20 | -5 | 60
        T1     | target | 50  | -  | 30
    """
    frame = derive(lesions(drawing))
    assert said(frame) == "60 PR"
    assert frame["is_baseline"].to_list() == [True, False, False]
    assert reasons(frame) == [None, "recist.before_day_0", None]


def test_a_target_never_measured_before_day_0_is_no_target_and_the_baseline_says_so():
    drawing = """
        lesion | kind   | -40 | -5 | 60
        T1     | target | 50  | 50 | 50
        T2     | target | -   |    | 90
    """
    frame = derive(lesions(drawing))
    assert said(frame) == "60 SD"
    assert set(frame["n_targets"]) == {1}
    assert reasons(frame) == ["recist.before_day_0", "recist.baseline_incomplete", None]


@pytest.mark.parametrize(
    ("before", "on_the_day"), [("30", "absent"), ("30", "0"), ("", "absent"), ("absent", "-"), ("absent", "")]
)
def test_a_target_gone_by_the_baseline_is_no_target(before: str, on_the_day: str):
    drawing = f"""
        lesion | kind   | -60 | -20      | -5           | 60
        T1     | target | 50  | 50       | 50           | 35
        T2     | target | 30  | {before} | {on_the_day} | absent
    """
    frame = derive(lesions(drawing))
    assert said(frame) == "60 PR"
    assert frame.select("n_targets", "n_targets_missing", "baseline_sum_mm").unique().rows() == [(1, 0, 50.0)]
    assert reasons(frame)[2:] == ["recist.baseline_absent", None]


def test_a_lesion_taken_out_that_is_there_again_is_told_and_is_in_no_sum():
    # 35 of 50 is PR; with the 20 mm of T2 it would be 55, SD. Nothing is complete while T2 is there.
    drawing = """
        lesion | kind   | -40 | -5     | 60     | 120        | 180    | 240
        T1     | target | 50  | 50     | 35     | 35         | absent | absent
        T2     | target | 30  | absent | 20     | progressed | 20     | absent
    """
    frame = derive(lesions(drawing))
    assert said(frame) == "60 PR, 120 PR, 180 PR, 240 CR"
    back = "recist.absent_is_back"
    assert reasons(frame) == ["recist.before_day_0", "recist.baseline_absent", back, back, back, None]
    assert frame["measured_sum_mm"].to_list()[2:] == [35.0, 35.0, 0.0, 0.0]


@pytest.mark.parametrize(("then", "reported"), [("35", "60 PD"), ("absent", "60 CR")])
def test_a_report_that_counts_a_lesion_taken_out_differs_by_it(then: str, reported: str):
    drawn = lesions(f"lesion | kind | -40 | -5 | 60\nT1 | target | 50 | 50 | {then}\nT2 | target | 30 | absent | 20")
    frame = derive(drawn, reported=assessed({"P1": reported}))
    assert frame["derived_response"][2] == "PR"
    assert frame["difference_reason"][2] == "differs.absent_is_back"


def test_a_lesion_taken_out_and_not_looked_for_hides_no_complete_response():
    drawing = """
        lesion | kind   | -40 | -5     | 60     | 120
        T1     | target | 50  | 50     | absent | absent
        T2     | target | 30  | absent |        | -
    """
    assert responses(drawing) == "60 CR, 120 CR"


def test_only_a_lesion_recorded_as_new_is_new_where_another_was_taken_out():
    drawing = """
        lesion | kind   | -40 | -5     | 60 | 120
        T1     | target | 50  | 50     | 35 | 35
        T2     | target | 30  | absent |    | 20
        W1     | new    |     |        |    | {}
    """
    assert responses(drawing.format("")) == "60 PR, 120 PR"
    assert responses(drawing.format("present")) == "60 PR, 120 PD"


def test_where_all_targets_were_gone_by_the_baseline_growth_is_from_nothing():
    # Half of the records are absent, half 0 mm: the same thing. 4.9 mm are less than 5.
    drawing = """
        lesion | kind   | -40 | -5     | 60     | 120 | 180
        T1     | target | 50  | absent | absent | 4.9 | 5
        T2     | target | 30  | 0      | absent | 0   | 0
    """
    frame = derive(lesions(drawing))
    assert said(frame) == "60 NE, 120 SD, 180 PD"
    assert (set(frame["n_targets"]), set(frame["baseline_sum_mm"])) == ({2}, {0.0})
    assert frame["change_from_baseline_percent"].to_list() == [None] * 5


def test_a_target_that_merged_before_the_baseline_stays_a_target():
    drawing = """
        lesion | kind   | -40 | -5     | 60
        T1     | target | 50  | 80     | 60
        T2     | target | 30  | merged | 20
    """
    frame = derive(lesions(drawing))
    assert said(frame) == "60 SD"
    assert (set(frame["n_targets"]), set(frame["baseline_sum_mm"])) == ({2}, {80.0})


def test_fragments_of_an_earlier_scan_count_together():
    # S0 = 40 + (20 + 10) = 70; 49 is 30 % less.
    drawing = """
        lesion | kind   | -40 | -20 | -5 | 60
        T1     | target | 50  | 45  | 40 | 29
        T2     | target | 50  | 20  |    | 12
        F1     | of T2  |     | 10  |    | 8
    """
    frame = derive(lesions(drawing))
    assert (said(frame), set(frame["baseline_sum_mm"])) == ("60 PR", {70.0})


def test_each_evaluator_has_a_baseline_of_its_own():
    whole = lesions("lesion | kind | -20 | 60\nT1 | target | 50 | 35\nT2 | target | 50 | 35", evaluator="irc")
    part = lesions("lesion | kind | -20 | -5 | 60\nT1 | target | 50 | 40 | 35\nT2 | target | 50 | | 35")
    frame = derive(whole, part)
    sums = frame.filter(pl.col("study_day") == 60).select("evaluator", "baseline_sum_mm", "derived_response")
    assert sums.rows() == [("investigator", 90.0, "SD"), ("irc", 100.0, "PR")]


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ("equivocal", "60 CR, 120 NON-CR/NON-PD"),
        ("absent", "60 CR, 120 CR"),
        ("present", "60 CR, 120 PD"),
    ],
)
def test_an_equivocal_non_target_lesion_is_not_back_after_a_complete_response(then: str, told: str):
    drawing = f"""
        lesion | kind       | -5      | 60     | 120
        X1     | non_target | present | absent | {then}
    """
    assert responses(drawing) == told
    assert said(derive(lesions(drawing)), "derived_non_target_response") == told
