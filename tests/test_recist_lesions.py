"""RECIST from lesions that split, merge or are new, and what the baseline is."""

from __future__ import annotations

import polars as pl
import pytest

from tests.clinical_study import infused, on, study
from tests.drawn_lesions import NO_REPORT, derive, lesions, responses, said
from transforms.recist import derived_assessments


@pytest.mark.parametrize(
    ("drawing", "response"),
    [
        ("T1 | target | 30 | 20 | absent\nF1 | of T1 | | 10 | absent", "60 SD, 120 CR"),
        ("T1 | target | 30 | | absent\nF1 | of T1 | | 10 | absent\nF2 | of T1 | | 11 | absent", "60 PR, 120 CR"),
        ("T1 | target | 30 | 20 | 20\nF1 | of T1 | | 16 | -", "60 PD, 120 NE"),
        ("T1 | target | 30 | 20 | 20\nF1 | of T1 | | 1 | ", "60 PR, 120 NE"),
        ("T1 | target | 30 | 20 | 18\nF1 | of T1 | | 9 | 2\nF2 | of F1 | | | 1", "60 SD, 120 PR"),
        ("T1 | target | 30 | - | -\nF1 | of T1 | | 9 | 9", "60 NE, 120 NE"),
    ],
)
def test_fragments_add_to_the_lesion_they_came_from_and_are_no_new_lesions(drawing: str, response: str):
    assert responses("lesion | kind | -5 | 60 | 120\n" + drawing) == response


@pytest.mark.parametrize(
    ("drawing", "response"),
    [
        ("T1 | target | 30 | 20\nT2 | target | 30 | merged", "60 PR"),  # 20 of 60
        ("T1 | target | 30 | 58\nT2 | target | 30 | merged", "60 SD"),
        ("T1 | target | 30 | 0\nT2 | target | 30 | merged", "60 CR"),  # what it merged into is gone
        ("T1 | target | 30 | merged", "60 PR"),  # into what is not told: not gone
        ("T1 | target | 30 | merged\nX1 | non_target | present | absent", "60 CR"),
        ("T1 | target | 30 | merged\nX1 | non_target | present | present", "60 PR"),
        ("T1 | target | 30 | 0\nX1 | non_target | present | merged", "60 CR"),
        ("T1 | target | 30 | 1\nX1 | non_target | present | merged", "60 PR"),
    ],
)
def test_a_merged_lesion_counts_0_and_is_gone_when_all_others_are(drawing: str, response: str):
    assert responses("lesion | kind | -5 | 60\n" + drawing) == response


def test_a_new_lesion_counts_until_it_is_recorded_as_absent():
    drawing = """
        lesion | kind   | -5 | 60 | 120     | 180 | 240
        T1     | target | 50 | 50 | 50      | 50  | 50
        W1     | new    |    |    | present |     | absent
    """
    frame = derive(lesions(drawing))
    assert said(frame) == "60 SD, 120 PD, 180 PD, 240 SD"
    assert frame["derived_reason"].to_list()[1:] == [None, "recist.new_lesion", "recist.new_lesion", None]


def test_an_equivocal_lesion_dates_progression_back_once_it_is_unequivocal_under_1_1():
    drawing = """
        lesion | kind   | -5 | 60        | 120     | 180
        T1     | target | 50 | 50        | 50      | 50
        W1     | new    |    | equivocal | present | present
    """
    frame = derive(lesions(drawing))
    assert said(frame) == "60 PD, 120 PD, 180 PD"
    assert frame["derived_reason"][1] == "recist.new_lesion_told_later"
    assert responses(drawing, criteria="RECIST 1.0") == "60 SD, 120 PD, 180 PD"


def test_an_equivocal_lesion_that_was_absent_between_dates_nothing_back():
    drawing = """
        lesion | kind   | -5 | 60        | 120    | 180
        T1     | target | 50 | 50        | 50     | 50
        W1     | new    |    | equivocal | absent | present
    """
    assert responses(drawing) == "60 SD, 120 SD, 180 PD"


def test_a_new_node_counts_from_10_mm_on():
    assert (
        responses("lesion | kind | -5 | 60 | 120\nT1 | target | 50 | 50 | 50\nW1 | new_node | | 9 | 10")
        == "60 SD, 120 PD"
    )


@pytest.mark.parametrize(
    ("identified", "response"), [(60, "60 PD, 120 PD"), (90, "60 SD, 90 PD, 120 PD"), (None, "60 SD, 120 SD")]
)
def test_a_new_lesion_without_a_measurement_is_there_from_the_day_it_was_identified(
    identified: int | None, response: str
):
    known, measured = lesions("lesion | kind | -5 | 60 | 120\nT1 | target | 50 | 50 | 50\nW1 | new | | | ")
    day = None if identified is None else on(identified)
    dated = known.with_columns(pl.when(pl.col("category") == "new").then(pl.lit(day, pl.Date)).alias("identified_date"))
    assert said(derive((dated, measured))) == response


def test_a_lesion_new_before_day_0_is_disease_of_the_baseline():
    drawing = """
        lesion | kind   | -40 | -5      | 60      | 120
        T1     | target | 50  | 60      | absent  | absent
        W1     | new    |     | present | present | absent
    """
    assert responses(drawing) == "60 PR, 120 CR"


def test_the_baseline_is_the_last_assessment_with_targets_on_or_before_day_0():
    drawing = """
        lesion | kind       | -40     | 0       | 60
        T1     | target     | 100     | 50      | 49
        X1     | non_target | present | present | present
    """
    frame = derive(lesions(drawing))
    assert said(frame) == "60 SD"
    assert frame["is_baseline"].to_list() == [False, True, False]
    assert frame["derived_reason"].to_list() == ["recist.before_day_0", None, None]


@pytest.mark.parametrize("drawing", ["T1 | target | | 50 | 20", "T1 | target | - | 50 | 20"])
def test_without_a_target_measured_by_day_0_nothing_is_derived(drawing: str):
    frame = derive(lesions("lesion | kind | -5 | 60 | 120\nX1 | non_target | present | present | present\n" + drawing))
    assert said(frame) == ""
    assert set(frame["derived_reason"]) == {"recist.no_baseline"}


def test_a_subject_never_infused_has_no_baseline():
    known, measured = lesions("lesion | kind | -5 | 60\nT1 | target | 50 | 20")
    frame = derived_assessments(known, measured, NO_REPORT, infused("P9"), study())
    assert frame["derived_reason"].to_list() == ["recist.no_baseline"] * 2
    assert frame["study_day"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("drawing", "response"),
    [
        ("T1 | target | 0 | 0 | 4.9 | 5", "60 NE, 120 SD, 180 PD"),
        ("N1 | node | 8 | 8 | 9 | 14", "60 NE, 120 NE, 180 PD"),
        ("X1 | non_target | absent | absent | present | progressed", "60 NE, 120 NON-CR/NON-PD, 180 PD"),
    ],
)
def test_where_nothing_was_there_at_baseline_there_is_no_response_only_progression(drawing: str, response: str):
    frame = derive(lesions("lesion | kind | -5 | 60 | 120 | 180\n" + drawing))
    assert said(frame) == response
    assert frame["derived_reason"][1] == "recist.nothing_at_baseline"


def test_a_measurement_of_a_lesion_nobody_identified_counts_for_nothing_and_is_told():
    known, measured = lesions("lesion | kind | -5 | 60\nT1 | target | 50 | 50\nT2 | target | 20 | 90")
    without = known.filter(pl.col("lesion_id") == "T1")
    frame = derive((without, measured))
    assert said(frame) == "60 SD"
    assert frame["derived_reason"].to_list() == ["recist.unknown_lesion"] * 2
    nobody = derived_assessments(known.clear(), measured, NO_REPORT, infused("P1"), study())
    assert nobody["derived_reason"].to_list() == ["recist.unknown_lesion"] * 2
