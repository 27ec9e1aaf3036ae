"""Best overall response, clause by clause."""

from __future__ import annotations

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.clinical_in import FOLLOW_UP, LESION_MEASUREMENTS, LESIONS
from tests.clinical_study import assessed, contacts, infused, on, study
from tests.drawing import table
from transforms.best_response import ORDER, best_responses
from transforms.recist import derived_assessments

LAWS = settings(max_examples=80, deadline=None)
RESPONSES = st.sampled_from(ORDER)
COURSES = st.dictionaries(st.integers(1, 300), RESPONSES, min_size=1, max_size=8)


def cases(drawing: str) -> pytest.MarkDecorator:
    """One test a line: case, assessments in study days, best response, its day, first day of a CR or PR that counts."""
    rows = table(drawing).with_columns(pl.col("day", "first").cast(pl.Int64)).rows()
    return pytest.mark.parametrize(
        ("course", "response", "day", "first"), [row[1:] for row in rows], ids=[r[0] for r in rows]
    )


def best(
    assessments: pl.DataFrame, infused: pl.DataFrame, follow_up: pl.DataFrame | None = None, **response: object
) -> pl.DataFrame:
    """The leading BEST_RESPONSES of reported assessments."""
    chosen = study(response=response)
    reported = derived_assessments(LESIONS.empty(), LESION_MEASUREMENTS.empty(), assessments, infused, chosen)
    frame = best_responses(reported, infused, FOLLOW_UP.empty() if follow_up is None else follow_up, chosen)
    return frame.filter("is_leading")


def judge(course: str, follow_up: pl.DataFrame | None = None, **response: object) -> dict[str, object]:
    return best(assessed({"P1": course}), infused("P1"), follow_up, **response).row(0, named=True)


def told(row: dict[str, object]) -> tuple[object, ...]:
    return row["best_overall_response"], row["best_response_date"], row["first_response_date"]


def expected(response: str | None, day: int | None, first: int | None) -> tuple[object, ...]:
    return response, None if day is None else on(day), None if first is None else on(first)


@cases("""
    case                                                    | course                       | best          | day | first
    CR confirmed by a CR after 28 days                      | 60 CR, 88 CR                 | CR            | 60  | 60
    CR not confirmed by a CR after 27 days counts as SD     | 60 CR, 87 CR                 | SD            | 60  |
    CR confirmed by the CR after the next                   | 60 CR, 80 CR, 100 CR         | CR            | 60  | 60
    CR confirmed across one NE                              | 60 CR, 80 NE, 100 CR         | CR            | 60  | 60
    CR not confirmed across two NE                          | 60 CR, 70 NE, 80 NE, 100 CR  | SD            | 60  |
    CR not confirmed across a PR, nor the PR by that CR     | 60 CR, 80 PR, 100 CR         | SD            | 60  |
    CR not confirmed by a PR                                | 60 CR, 100 PR                | SD            | 60  |
    PR confirmed by a PR after 28 days                      | 60 PR, 88 PR                 | PR            | 60  | 60
    PR not confirmed by a PR after 27 days counts as SD     | 60 PR, 87 PR                 | SD            | 60  |
    PR confirmed by a CR                                    | 60 PR, 100 CR                | PR            | 60  | 60
    PR confirmed by a later CR though the first is too near | 60 PR, 70 CR, 90 CR          | PR            | 60  | 60
    PR confirmed across one NE and a PR                     | 60 PR, 70 NE, 80 PR, 90 PR   | PR            | 60  | 60
    PR not confirmed across two NE                          | 60 PR, 70 NE, 80 NE, 90 PR   | SD            | 60  |
    PR not confirmed across an SD                           | 60 PR, 80 SD, 100 PR         | SD            | 60  |
    PR after a CR does not confirm the PR before it         | 60 PR, 70 CR, 95 PR          | SD            | 60  |
    PR after a CR is confirmed by the PR after it           | 60 PR, 70 CR, 95 PR, 130 PR  | PR            | 95  | 95
    CR after PR, both confirmed, is dated at the CR         | 60 PR, 100 CR, 140 CR        | CR            | 100 | 60
    CR after an SD after an unconfirmed CR                  | 60 CR, 90 SD, 120 CR, 160 CR | CR            | 120 | 120
    SD on day 42 counts                                     | 42 SD                        | SD            | 42  |
    SD on day 41 is NE                                      | 41 SD                        | NE            | 41  |
    an unconfirmed PR on day 41 is NE                       | 41 PR                        | NE            | 41  |
    an early SD does not hide a PD                          | 30 SD, 50 PD                 | PD            | 50  |
    an SD stands above the PD that follows                  | 60 SD, 90 PD                 | SD            | 60  |
    assessments after the first PD do not count             | 60 PD, 90 CR, 130 CR         | PD            | 60  |
    nor do they confirm                                     | 60 PR, 80 PD, 100 PR         | SD            | 60  |
    NON-CR/NON-PD stands above PD                           | 60 NON-CR/NON-PD, 90 PD      | NON-CR/NON-PD | 60  |
    NON-CR/NON-PD stands below SD                           | 60 NON-CR/NON-PD, 90 SD      | SD            | 90  |
    only NE                                                 | 60 NE, 90 NE                 | NE            | 60  |
    ties go to the earliest date                            | 60 SD, 90 SD                 | SD            | 60  |
    assessments up to day 0 are baseline                    | -20 CR, 0 CR, 50 PD          | PD            | 50  |
    a baseline CR is not confirmed by a later one           | 0 CR, 60 CR                  | SD            | 60  |
""")  # fmt: skip
def test_best_overall_response(course: str, response: str, day: int, first: int | None):
    assert told(judge(course)) == expected(response, day, first)


@cases("""
    case                             | course              | best | day | first
    without confirmation a CR counts | 30 PR, 60 CR, 80 PD | CR   | 60  | 30
    without confirmation a PR counts | 30 PR, 60 SD        | PR   | 30  | 30
    an early SD is NE all the same   | 30 SD               | NE   | 30  |
""")
def test_without_confirmation_the_first_response_counts(course: str, response: str, day: int, first: int | None):
    assert told(judge(course, confirm=False)) == expected(response, day, first)


def test_recist_1_0_always_asks_for_confirmation():
    assert judge("60 PR", confirm=False, criteria="RECIST 1.0")["best_overall_response"] == "SD"


@cases("""
    case                   | course                      | best | day | first
    one SD may lie between | 60 PR, 80 SD, 100 PR        | PR   | 60  | 60
    two may not            | 60 PR, 70 SD, 80 SD, 100 PR | SD   | 60  |
    none between two CR    | 60 CR, 80 SD, 100 CR        | SD   | 60  |
""")
def test_the_setting_lets_one_sd_lie_between_a_pr_and_its_confirmation(
    course: str, response: str, day: int, first: int | None
):
    assert told(judge(course, allow_sd_between=True)) == expected(response, day, first)


@cases("""
    case                           | course                | best | day | first
    one NE breaks a CR             | 60 CR, 80 NE, 100 CR  | SD   | 60  |
    one NE breaks a PR             | 60 PR, 80 NE, 100 PR  | SD   | 60  |
    nothing between still confirms | 60 PR, 88 PR          | PR   | 60  | 60
""")
def test_the_setting_lets_no_ne_lie_between(course: str, response: str, day: int, first: int | None):
    assert told(judge(course, allow_ne_between=False)) == expected(response, day, first)


def test_days_of_confirmation_and_of_stable_disease_are_settings():
    assert judge("60 PR, 70 PR", confirmation_days=10)["best_overall_response"] == "PR"
    assert judge("30 SD", min_sd_days=30)["best_overall_response"] == "SD"


def test_nothing_after_a_new_therapy_counts_but_the_day_it_starts_does():
    course, therapy_on = "60 PR, 100 PR", lambda day: contacts({"P1": f"{day} therapy"})
    assert judge(course, therapy_on(99))["best_overall_response"] == "SD"
    assert judge(course, therapy_on(100))["best_overall_response"] == "PR"


def test_a_therapy_from_before_the_infusion_cuts_nothing_off():
    assert judge("60 PR, 100 PR", contacts({"P1": "-10 therapy, 90 therapy"}))["best_overall_response"] == "SD"
    assert judge("60 PR, 100 PR", contacts({"P1": "-10 therapy"}))["best_overall_response"] == "PR"


def test_only_the_chosen_evaluator_counts():
    both = pl.concat([assessed({"P1": "60 PD"}), assessed({"P1": "60 CR, 100 CR"}, evaluator="central")])
    frame = best(both, infused("P1"), evaluator="Central")
    assert frame["best_overall_response"].to_list() == ["CR"]


def test_an_infused_subject_never_assessed_after_infusion_has_no_best_response_and_the_reason():
    frame = best(assessed({"P1": "-5 SD", "P3": "60 SD"}), infused("P1", "P2"))
    assert frame["subject_id"].to_list() == ["P1", "P2"]
    assert frame["best_overall_response"].to_list() == [None, None]
    assert frame["best_response_reason"].to_list() == ["no_assessment", "no_assessment"]


@pytest.mark.parametrize(
    ("course", "why"),
    [
        ("60 PR, 100 PR", None),
        ("60 PR, 80 SD", "not_confirmed"),
        ("60 PR, 90 CR", "not_confirmed"),
        ("30 SD, 50 PD", "too_early"),
        ("60 SD, 90 PD, 120 CR", None),
    ],
)
def test_a_better_response_that_did_not_count_leaves_its_reason(course: str, why: str | None):
    assert judge(course)["best_response_reason"] == why


@given(course=COURSES)
@LAWS
def test_confirmation_never_betters_a_response(course: dict[int, str]):
    drawn = ", ".join(f"{day} {response}" for day, response in course.items())
    ranks = [ORDER.index(judge(drawn, confirm=confirm)["best_overall_response"]) for confirm in (True, False)]
    assert ranks[0] >= ranks[1]


@given(course=COURSES, seed=st.integers())
@LAWS
def test_the_order_of_rows_is_irrelevant(course: dict[int, str], seed: int):
    days = list(course)
    random.Random(seed).shuffle(days)
    in_order, shuffled = (", ".join(f"{day} {course[day]}" for day in order) for order in (sorted(course), days))
    assert judge(in_order) == judge(shuffled)
