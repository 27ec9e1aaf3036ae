"""Best overall response derived and reported side by side, and what no change of the input may change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.clinical_in import FOLLOW_UP
from tests.clinical_study import assessed, contacts, infused, on, study
from tests.drawn_lesions import derive, lesions, said
from tests.recist_by_hand import responses_by_hand
from transforms.best_response import best_responses, leading_assessments
from transforms.recist import derived_assessments

LAWS = settings(max_examples=15, deadline=None)
RESPONDER = "lesion | kind | -5 | 60 | 88 | 120\nT1 | target | 50 | 35 | 20 | 70"


def best(*drawn: Any, reported: str = "", follow_up: str = "", **response: Any) -> pl.DataFrame:
    told = assessed({"P1": reported})
    frame = derive(*drawn, reported=told, **response)
    return best_responses(frame, infused("P1"), contacts({"P1": follow_up}), study(response=response))


def row(frame: pl.DataFrame, source: str, evaluator: str = "investigator") -> dict[str, Any]:
    return frame.row(
        by_predicate=(pl.col("response_source") == source) & (pl.col("evaluator") == evaluator), named=True
    )


def test_derived_and_reported_best_responses_stand_side_by_side_and_one_leads():
    frame = best(lesions(RESPONDER), reported="60 SD, 88 PR, 120 PD", source="derived")
    derived, reported = row(frame, "derived"), row(frame, "reported")
    assert (derived["best_overall_response"], derived["best_response_date"]) == ("PR", on(60))
    assert derived["first_response_date"] == on(60)
    assert (reported["best_overall_response"], reported["best_response_reason"]) == ("SD", "not_confirmed")
    assert (derived["progression_date"], reported["progression_date"]) == (on(120), on(120))
    assert (derived["is_leading"], reported["is_leading"]) == (True, False)
    assert frame.height == 2


@pytest.mark.parametrize(("day", "response"), [(88, "PR"), (87, "SD")])
def test_a_derived_response_is_confirmed_after_28_days_and_not_after_27(day: int, response: str):
    drawing = f"lesion | kind | -5 | 60 | {day}\nT1 | target | 50 | 35 | 20"
    assert row(best(lesions(drawing)), "derived")["best_overall_response"] == response


def test_a_missing_target_between_two_responses_is_one_ne():
    drawing = "lesion | kind | -5 | 60 | 75 | 90\nT1 | target | 50 | 35 | - | 20"
    assert row(best(lesions(drawing)), "derived")["best_overall_response"] == "PR"
    assert row(best(lesions(drawing), allow_ne_between=False), "derived")["best_overall_response"] == "SD"


def test_the_best_change_is_the_smallest_up_to_the_first_progression_and_not_after_a_new_therapy():
    drawing = "lesion | kind | -5 | 60 | 88 | 120 | 150\nT1 | target | 50 | 40 | 30 | 70 | 5"
    assert row(best(lesions(drawing)), "derived")["best_change_percent"] == pytest.approx(-40)
    therapy = best(lesions(drawing), follow_up="70 therapy")
    assert row(therapy, "derived")["best_change_percent"] == pytest.approx(-20)


def test_who_progresses_at_once_has_the_growth_as_best_change():
    frame = best(lesions("lesion | kind | -5 | 60\nT1 | target | 50 | 75"), reported="60 PD")
    assert row(frame, "derived")["best_change_percent"] == pytest.approx(50)
    assert row(frame, "reported")["best_change_percent"] is None


def test_an_infused_subject_without_assessments_has_its_leading_row_and_the_reason():
    frame = best_responses(derive(), infused("P1"), FOLLOW_UP.empty(), study(response={"evaluator": "Central"}))
    assert frame.select("subject_id", "evaluator", "response_source", "best_response_reason", "is_leading").rows() == [
        ("P1", "central", "reported", "no_assessment", True)
    ]


def test_a_subject_never_infused_has_no_best_response():
    assert best_responses(derive(reported=assessed({"P1": "60 PR"})), infused(), FOLLOW_UP.empty(), study()).is_empty()


def accepted_by_turns(**response: Any) -> pl.DataFrame:
    """Reader 1 accepted on day 60, reader 2 on day 88; each of them sees a response on the other's day only."""
    known = {
        i: lesions(f"lesion | kind | -5 | 60 | 88\nT1 | target | 50 | {a} | {b}", evaluator=f"central, reader {i}")
        for i, a, b in ((1, 35, 50), (2, 50, 35))
    }
    turns = {1: on(60), 2: on(88)}
    drawn = [(k, m.with_columns(is_accepted=pl.col("assessment_date") == turns[i])) for i, (k, m) in known.items()]
    return derive(*drawn, evaluator="central", source="derived", **response)


def test_the_leading_best_response_rests_on_the_accepted_reader_of_each_visit():
    frame, chosen = accepted_by_turns(), study(response={"evaluator": "central", "source": "derived"})
    told = best_responses(frame, infused("P1"), FOLLOW_UP.empty(), chosen)
    assert told.select("evaluator", "best_overall_response", "is_leading").rows() == [
        ("central", "PR", True),
        ("central, reader 1", "SD", False),
        ("central, reader 2", "SD", False),
    ]
    leading = leading_assessments(frame, chosen)
    assert leading.columns == ["subject_id", "assessment_date", "overall_response"]
    assert leading.rows() == [("P1", on(60), "PR"), ("P1", on(88), "PR")]


def test_leading_assessments_have_the_report_s_own_date_or_the_first_day_of_the_imaging():
    known, measured = lesions("lesion | kind | -5 | 60\nT1 | target | 50 | 80", visit="Week 9")
    measured = measured.with_columns(visit=pl.when(pl.col("assessment_date") > on(0)).then(pl.lit("Week 9")))
    report = assessed({"P1": "63 SD"}).with_columns(visit=pl.lit("week 9"))
    frame = derive((known, measured), reported=report)
    assert leading_assessments(frame, study()).rows() == [("P1", on(63), "SD")]
    assert leading_assessments(frame, study(response={"source": "derived"})).rows() == [("P1", on(60), "PD")]


CELLS = st.sampled_from(["0", "4.9", "5", "9.9", "10", "12", "17", "35", "50", "small", "absent", "merged", "-", ""])
WORDS = st.sampled_from(["present", "absent", "progressed", "-", "", "9", "12"])
NEW = st.sampled_from(["", "", "absent", "present", "12", "-"])
DAYS = (-5, 50, 80, 120, 170)


@st.composite
def drawings(draw: st.DrawFn) -> str:
    """Up to three targets, two non-target lesions and a new one over four assessments after the baseline."""
    lines = ["lesion | kind | " + " | ".join(map(str, DAYS))]
    for i in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["target", "node"]))
        lines.append(f"T{i} | {kind} | {draw(st.sampled_from(['20', '50']))} | " + _cells(draw, CELLS))
    for i in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(["non_target", "non_target_node"]))
        lines.append(f"X{i} | {kind} | present | " + _cells(draw, WORDS))
    lines.append("W | new | | " + _cells(draw, NEW))
    return "\n".join(lines)


def _cells(draw: st.DrawFn, of: st.SearchStrategy[str]) -> str:
    return " | ".join(draw(of) for _ in DAYS[1:])


CRITERIA = st.sampled_from(["RECIST 1.0", "RECIST 1.1"])


@given(drawing=drawings(), criteria=CRITERIA, seed=st.integers(0, 1000))
@LAWS
def test_the_order_of_rows_is_irrelevant(drawing: str, criteria: str, seed: int):
    known, measured = lesions(drawing)
    shuffled = known.sample(fraction=1, shuffle=True, seed=seed), measured.sample(fraction=1, shuffle=True, seed=seed)
    assert derive((known, measured), criteria=criteria).equals(derive(shuffled, criteria=criteria))


@given(drawing=drawings(), criteria=CRITERIA, days=st.integers(-4000, 4000))
@LAWS
def test_moving_all_dates_of_a_subject_moves_the_dates_and_nothing_else(drawing: str, criteria: str, days: int):
    known, measured = lesions(drawing)
    chosen, by = study(response={"criteria": criteria}), timedelta(days=days)
    told = assessed({"P1": "50 SD, 90 PD"})
    plain = derived_assessments(known, measured, told, infused("P1"), chosen)
    moved = derived_assessments(
        known,
        measured.with_columns(pl.col("assessment_date") + by),
        told.with_columns(pl.col("assessment_date") + by),
        infused("P1").with_columns(pl.col("infusion_date") + by),
        chosen,
    )
    back = moved.with_columns(pl.col("assessment_date", "reported_date") - by)
    assert back.equals(plain)


@given(drawing=drawings(), criteria=CRITERIA, last=st.sampled_from(DAYS))
@LAWS
def test_what_comes_later_changes_no_earlier_response(drawing: str, criteria: str, last: int):
    known, measured = lesions(drawing)
    whole = derive((known, measured), criteria=criteria)
    early = derive((known, measured.filter(pl.col("assessment_date") <= on(last))), criteria=criteria)
    assert early.equals(whole.filter(pl.col("study_day") <= last))


@given(drawing=drawings(), criteria=CRITERIA, again=st.sets(st.sampled_from(["T0", "T1", "T2"])), is_said=st.booleans())
@LAWS
def test_scanning_some_targets_again_before_day_0_without_a_change_changes_no_response(
    drawing: str, criteria: str, again: set[str], is_said: bool
):
    known, measured = lesions(drawing)
    first = measured.filter((pl.col("assessment_date") == on(DAYS[0])) & pl.col("lesion_id").str.starts_with("T"))
    is_again, told = pl.col("lesion_id").is_in(again), pl.lit("not_assessed")
    scan = first.with_columns(
        assessment_date=on(0),
        status=pl.when(is_again).then("status").otherwise(told),
        diameter_mm=pl.when(is_again).then("diameter_mm"),
    ).filter(is_again | is_said)
    plain, scanned = (derive((known, pl.concat(rows)), criteria=criteria) for rows in ([measured], [measured, scan]))
    columns = ["derived_response", "n_targets", "n_targets_missing", "baseline_sum_mm", "nadir_mm", "derived_reason"]
    after = (frame.filter(pl.col("study_day") > 0).select(columns) for frame in (plain, scanned))
    assert next(after).equals(next(after))


@given(drawing=drawings(), criteria=CRITERIA)
@LAWS
def test_responses_are_those_of_the_papers_read_line_by_line(drawing: str, criteria: str):
    assert said(derive(lesions(drawing), criteria=criteria)) == responses_by_hand(drawing, criteria)
