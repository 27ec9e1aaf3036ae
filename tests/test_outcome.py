"""Durations, events and denominators of the outcome table."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.outcome_tables import OUTCOMES
from expectations.reasons import REASONS
from tests.clinical_study import assessed, contacts, infused, on, study, subjects
from tests.drawing import table
from transforms.best_response import ORDER
from transforms.denominators import denominators
from transforms.outcome import outcomes

LAWS = settings(max_examples=40, deadline=None)
COURSE = st.dictionaries(st.integers(-30, 400), st.sampled_from(ORDER), max_size=6).map(
    lambda drawn: ", ".join(f"{day} {response}" for day, response in drawn.items())
)
CONTACTS = st.dictionaries(st.integers(0, 800), st.sampled_from(["alive", "dead", "therapy"]), max_size=4).map(
    lambda drawn: ", ".join(f"{day} {what}" for day, what in drawn.items())
)


def one(course: str, follow_up: str, is_infused: bool = True, **response: object) -> dict[str, object]:
    """The outcome of subject P1, enrolled on day -20."""
    frame = outcomes(
        subjects("P1"),
        infused("P1") if is_infused else infused(),
        assessed({"P1": course}),
        contacts({"P1": follow_up}),
        study(response=response),
    )
    assert frame.schema == OUTCOMES.schema
    return frame.row(0, named=True)


def cases(drawing: str) -> pytest.MarkDecorator:
    """One test a line; `days` run from day 0, `enrolled` from enrolment on day -20."""
    rows = table(drawing).with_columns(pl.col("course", "contacts").fill_null("")).rows()
    return pytest.mark.parametrize(
        ("course", "contacts", "days", "enrolled", "why"), [row[1:] for row in rows], ids=[row[0] for row in rows]
    )


def pfs(row: dict[str, object]) -> tuple[object, ...]:
    assert row["pfs_event"] == (row["pfs_reason"] in ("progression", "death"))
    return row["pfs_days"], row["pfs_days_from_enrolment"], row["pfs_reason"]


@cases("""
    case                                       | course        | contacts               | days | enrol | why
    the first PD is the event                  | 60 PD, 99 PD  | 200 alive              | 61   | 81    | progression
    a death before any PD is the event         | 60 SD         | 120 dead               | 121  | 141   | death
    a death after a PD is not                  | 60 PD         | 120 dead               | 61   | 81    | progression
    a death before any assessment is the event |               | 30 dead                | 31   | 51    | death
    else censored at the last assessment       | 60 SD, 120 SD | 300 alive              | 121  | 141   | last_assessment
    an NE is no such assessment                | 60 SD, 120 NE | 300 alive              | 61   | 81    | last_assessment
    never assessed after day 0: day 1          | -10 SD        | 300 alive              | 1    | 1     | no_assessment
    only NE after day 0: day 1                 | 60 NE         | 300 alive              | 1    | 1     | no_assessment
    a baseline PD is no progression            | 0 PD, 60 SD   | 300 alive              | 61   | 81    | last_assessment
    a therapy before the PD censors before it  | 60 SD, 120 PD | 100 therapy, 300 dead  | 61   | 81    | new_therapy
    a therapy after the PD changes nothing     | 60 SD, 120 PD | 130 therapy, 300 dead  | 121  | 141   | progression
    a PD on the day of a therapy is the event  | 60 SD, 120 PD | 120 therapy, 300 dead  | 121  | 141   | progression
    a therapy before the death does so too     | 60 SD         | 100 therapy, 300 dead  | 61   | 81    | new_therapy
    a therapy before any assessment: day 1     | 120 SD        | 100 therapy            | 1    | 1     | new_therapy
    the first of several therapies decides     | 60 SD, 95 SD  | 90 therapy, 99 therapy | 61   | 81    | new_therapy
    a therapy after the death changes nothing  | 60 SD         | 120 dead, 130 therapy  | 121  | 141   | death
""")
def test_progression_free_survival(course: str, contacts: str, days: int, enrolled: int, why: str):
    assert pfs(one(course, contacts)) == (days, enrolled, why)


@cases("""
    case                                | course        | contacts              | days | enrol | why
    a PD after the therapy is the event | 60 SD, 120 PD | 100 therapy, 300 dead | 121  | 141   | progression
    so is a death after the therapy     | 60 SD         | 100 therapy, 300 dead | 301  | 321   | death
    else the last assessment of all     | 60 SD, 120 SD | 100 therapy           | 121  | 141   | last_assessment
""")
def test_where_the_setting_is_off_a_new_therapy_does_not_censor(
    course: str, contacts: str, days: int, enrolled: int, why: str
):
    assert pfs(one(course, contacts, pfs_censor_at_new_therapy=False)) == (days, enrolled, why)


def test_overall_survival_ends_with_the_first_contact_that_says_dead():
    row = one("60 SD", "100 alive, 250 dead, 260 dead")
    assert (row["death_date"], row["last_contact_date"], row["os_event"]) == (on(250), on(250), True)
    assert (row["os_days"], row["os_days_from_enrolment"]) == (251, 271)
    assert row["os_months"] == pytest.approx(251 / 30.4375)


def test_overall_survival_of_the_living_is_censored_at_the_last_contact():
    row = one("60 SD, 500 SD", "100 alive, 400 alive")
    assert (row["death_date"], row["last_contact_date"], row["os_event"], row["os_days"]) == (None, on(400), False, 401)


@pytest.mark.parametrize("follow_up", ["", "-5 alive"])
def test_without_follow_up_after_day_0_there_is_no_survival_from_it(follow_up: str):
    row = one("60 SD", follow_up)
    assert (row["os_days"], row["os_months"]) == (None, None)
    assert row["pfs_days"] == 61


def test_a_death_on_the_day_of_infusion_is_day_1():
    row = one("", "0 dead")
    assert (row["os_days"], row["os_event"], row["pfs_days"], row["pfs_reason"]) == (1, True, 1, "death")


def test_a_subject_never_infused_counts_from_enrolment_only_and_is_never_evaluable():
    row = one("30 PR, 90 PD", "200 dead", is_infused=False)
    assert not row["is_infused"]
    assert not row["is_evaluable"]
    assert (row["is_responder"], row["best_overall_response"], row["best_response_reason"]) == (
        None,
        None,
        "not_infused",
    )
    assert (row["os_days"], row["os_days_from_enrolment"], row["os_event"]) == (None, 221, True)
    assert pfs(row) == (None, 111, "progression")


def test_a_best_response_of_ne_or_none_is_not_evaluable():
    ne, none, sd = one("30 SD", ""), one("-3 SD", ""), one("60 SD", "")
    assert [row["is_evaluable"] for row in (ne, none, sd)] == [False, False, True]
    assert [row["is_responder"] for row in (ne, none, sd)] == [None, None, False]
    assert none["best_response_reason"] == "no_assessment"


def test_first_response_day_is_that_of_the_confirmed_response():
    row = one("30 PR, 60 SD, 90 PR, 130 PR", "400 alive")
    assert (row["is_responder"], row["first_response_day"], row["best_response_date"]) == (True, 90, on(90))


def test_withdrawal_is_the_first_one_told():
    follow_up = contacts({"P1": "100 alive, 200 alive"}).with_columns(pl.Series("withdrawal_date", [on(90), on(190)]))
    frame = outcomes(subjects("P1"), infused("P1"), assessed({}), follow_up, study())
    assert frame["withdrawal_date"].to_list() == [on(90)]


def test_every_enrolled_subject_has_one_row_and_no_one_else():
    frame = outcomes(subjects("P2", "P1"), infused("P1", "P9"), assessed({"P9": "60 PD"}), contacts({}), study())
    assert frame["subject_id"].to_list() == ["P1", "P2"]


def records(courses: list[str], follow_ups: list[str]) -> list[pl.DataFrame]:
    ids = [f"P{n}" for n in range(len(courses))]
    return [
        subjects(*ids),
        infused(*ids[1:]),
        assessed(dict(zip(ids, courses, strict=True))),
        contacts(dict(zip(ids, follow_ups, strict=True))),
    ]


@given(drawn=st.lists(st.tuples(COURSE, CONTACTS), min_size=1, max_size=4), seed=st.integers(0, 2**32))
@LAWS
def test_the_order_of_rows_is_irrelevant(drawn: list[tuple[str, str]], seed: int):
    tables = records(*map(list, zip(*drawn, strict=True)))
    shuffled = [frame.sample(fraction=1.0, shuffle=True, seed=seed) for frame in tables]
    assert outcomes(*tables, study()).equals(outcomes(*shuffled, study()))


@given(course=COURSE, follow_up=CONTACTS, shift=st.integers(-5000, 5000))
@LAWS
def test_shifting_all_dates_of_a_subject_changes_no_derived_day(course: str, follow_up: str, shift: int):
    tables = records(["", course], ["", follow_up])
    moved = [
        frame.with_columns(
            pl.when(subject_id="P1").then(pl.col(pl.Date) + timedelta(days=shift)).otherwise(pl.col(pl.Date))
        )
        for frame in tables
    ]
    before, after = (outcomes(*each, study()).drop(pl.col(pl.Date)) for each in (tables, moved))
    assert before.equals(after)


@given(course=COURSE, therapy=st.integers(0, 800))
@LAWS
def test_progression_free_survival_never_outlasts_survival(course: str, therapy: int):
    row = one(course, f"{therapy} therapy, 801 dead")
    assert 1 <= row["pfs_days"] <= row["os_days"] == 802
    assert row["best_response_reason"] is None or row["best_response_reason"] in REASONS


def trial(n_enrolled: int, n_infused: int) -> pl.DataFrame:
    """Enrolled subjects of whom 3 have a CR, 7 a PR, 14 an SD; the infused among the rest have no assessment."""
    responses = ["60 CR, 100 CR"] * 3 + ["60 PR, 100 PR"] * 7 + ["60 SD"] * 14
    ids = [f"P{n:02d}" for n in range(n_enrolled)]
    course = dict(zip(ids, responses, strict=False))
    return outcomes(subjects(*ids), infused(*ids[:n_infused]), assessed(course), contacts({}), study())


def test_the_three_denominators_of_the_response_rate():
    rates = denominators(trial(n_enrolled=26, n_infused=25)).with_columns(pl.col(pl.Float64).round(1))
    expected = table("""
        measure                 | population | n_with | n  | percent | lower_percent | upper_percent
        objective_response_rate | evaluable  | 10     | 24 | 41.7    | 22.1          | 63.4
        objective_response_rate | infused    | 10     | 25 | 40.0    | 21.1          | 61.3
    """)
    assert (
        expected.rows()
        == rates.filter(pl.col("measure") == "objective_response_rate", pl.col("population") != "enrolled").rows()
    )
    counts = rates.select("measure", "population", "n_with", "n").rows()
    assert ("objective_response_rate", "enrolled", 10, 26) in counts
    assert ("complete_response_rate", "evaluable", 3, 24) in counts


def test_a_population_of_nobody_has_no_percentage():
    rates = denominators(trial(n_enrolled=2, n_infused=0)).filter(population="infused")
    assert rates.select("n_with", "n", "percent", "lower_percent", "upper_percent").unique().rows() == [
        (0, 0, None, None, None)
    ]
