"""Durations, events and denominators of the outcome table."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.outcome_tables import OUTCOMES
from expectations.reasons import REASONS
from tests.clinical_study import best_responses, contacts, infused, leading, on, study, subjects
from tests.drawing import table
from transforms.best_response import ORDER
from transforms.denominators import denominators
from transforms.outcome import outcomes

PLANNED = study(response={"assessment_every_days": 60})
LAWS = settings(max_examples=40, deadline=None)
COURSE = st.dictionaries(st.integers(-30, 400), st.sampled_from(ORDER), max_size=6).map(
    lambda drawn: ", ".join(f"{day} {response}" for day, response in drawn.items())
)
CONTACTS = st.dictionaries(st.integers(0, 800), st.sampled_from(["alive", "dead", "therapy"]), max_size=4).map(
    lambda drawn: ", ".join(f"{day} {what}" for day, what in drawn.items())
)


def one(course: str, follow_up: str, best: str = "", is_infused: bool = True, **response: object) -> dict[str, object]:
    """The outcome of subject P1, enrolled on day -20; `best` is its best response with its study day."""
    frame = outcomes(
        subjects("P1"),
        infused("P1") if is_infused else infused(),
        best_responses({"P1": best} if is_infused else {}),
        leading({"P1": course}),
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


@cases("""
    case                                      | course                | contacts    | days | enrol | why
    a PD 180 days later: one was missed       | 60 SD, 240 PD         | 300 alive   | 241  | 261   | progression
    a PD 181 days later: two were missed      | 60 SD, 241 PD         | 300 alive   | 61   | 81    | missed_assessments
    a death 180 days later is the event       | 60 SD                 | 240 dead    | 241  | 261   | death
    a death 181 days later censors            | 60 SD                 | 241 dead    | 61   | 81    | missed_assessments
    a PD on day 180 without one before it     | 180 PD                | 300 alive   | 181  | 201   | progression
    a PD on day 181 without one: day 1        | 181 PD                | 300 alive   | 1    | 1     | missed_assessments
    a death on day 181 without one: day 1     |                       | 181 dead    | 1    | 1     | missed_assessments
    an NE between is a missed one             | 60 SD, 150 NE, 250 PD | 300 alive   | 61   | 81    | missed_assessments
    a gap before the last one does not matter | 300 SD, 390 PD        | 500 alive   | 391  | 411   | progression
    without an event a gap changes nothing    | 60 SD                 | 900 alive   | 61   | 81    | last_assessment
    nor does a death after such a PD count    | 60 SD, 300 PD         | 310 dead    | 61   | 81    | missed_assessments
    a therapy before the event comes first    | 60 SD, 150 SD, 400 PD | 100 therapy | 61   | 81    | new_therapy
    a therapy after the event does not        | 60 SD, 300 PD         | 310 therapy | 61   | 81    | missed_assessments
""")
def test_an_event_after_two_missed_assessments_censors_at_the_last_one_before(
    course: str, contacts: str, days: int, enrolled: int, why: str
):
    assert pfs(one(course, contacts, assessment_every_days=90)) == (days, enrolled, why)


def test_without_a_planned_interval_no_assessment_is_missed():
    assert pfs(one("60 SD", "2000 dead")) == (2001, 2021, "death")


def test_a_subject_never_infused_misses_assessments_from_enrolment_on():
    late, just = (one(f"{day} PD", "", is_infused=False, assessment_every_days=90) for day in (161, 160))
    assert pfs(late) == (None, 1, "missed_assessments")
    assert pfs(just) == (None, 181, "progression")


@pytest.mark.parametrize(
    ("course", "follow_up", "days", "event", "why"),
    [
        ("60 PR, 90 PR, 200 PD", "300 alive", 141, True, "from the first response to the PD, both days counted"),
        ("60 PR, 90 PR", "200 dead", 141, True, "or to the death"),
        ("60 PR, 90 PR", "300 alive", 31, False, "else to the last assessment"),
        ("60 PR, 90 PR, 200 PD", "150 therapy", 31, False, "censored by a new therapy as PFS is"),
        ("60 PR, 90 PR, 271 PD", "300 alive", 31, False, "and by two missed assessments"),
        ("60 PR", "300 alive", 1, False, "a response seen once lasts a day"),
    ],
)
def test_the_duration_of_response(course: str, follow_up: str, days: int, event: bool, why: str):
    row = one(course, follow_up, best="60 PR", assessment_every_days=90)
    assert (row["dor_days"], row["dor_event"]) == (days, event), why
    assert row["dor_months"] == pytest.approx(days / 30.4375)


@pytest.mark.parametrize("best", ["60 SD", "60 NE", ""])
def test_without_a_response_there_is_no_duration_of_it(best: str):
    row = one("60 SD", "300 alive", best)
    assert (row["dor_days"], row["dor_event"], row["dor_months"]) == (None, None, None)


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


@pytest.mark.parametrize(
    ("follow_up", "why"), [("100 alive", "last_contact"), ("100 alive, 150 dead", "death"), ("", None)]
)
def test_what_ended_overall_survival_is_told(follow_up: str, why: str | None):
    assert one("60 SD", follow_up)["os_reason"] == why


def test_a_subject_never_infused_counts_from_enrolment_only_and_is_never_evaluable():
    row = one("30 PR, 90 PD", "200 dead", is_infused=False)
    assert not row["is_infused"]
    assert not row["is_evaluable"]
    response = [row[name] for name in ("is_responder", "has_disease_control", "best_overall_response", "dor_days")]
    assert (response, row["best_response_reason"]) == ([None] * 4, "not_infused")
    assert (row["os_days"], row["os_days_from_enrolment"], row["os_event"]) == (None, 221, True)
    assert pfs(row) == (None, 111, "progression")


@pytest.mark.parametrize(
    ("best", "is_evaluable", "is_responder", "has_control"),
    [
        ("60 CR", True, True, True),
        ("60 PR", True, True, True),
        ("60 SD", True, False, True),
        ("60 NON-CR/NON-PD", True, False, True),
        ("60 PD", True, False, False),
        ("30 NE", False, None, None),
        ("", False, None, None),
    ],
)
def test_evaluable_responders_and_disease_control(
    best: str, is_evaluable: bool, is_responder: bool | None, has_control: bool | None
):
    row = one("60 SD", "", best)
    told = (row["is_evaluable"], row["is_responder"], row["has_disease_control"])
    assert told == (is_evaluable, is_responder, has_control)
    assert row["best_response_reason"] == (None if best else "no_assessment")


def test_an_infused_subject_without_a_best_response_has_no_assessment():
    frame = outcomes(subjects("P1"), infused("P1"), best_responses({}), leading({}), contacts({}), study())
    assert frame["best_response_reason"].to_list() == ["no_assessment"]


def test_first_response_day_is_that_of_the_first_response_that_counts():
    row = one("30 PR, 60 SD, 90 PR, 130 PR", "400 alive", best="90 PR")
    assert (row["is_responder"], row["first_response_day"], row["best_response_date"]) == (True, 90, on(90))


def test_the_leading_response_counts_and_the_best_change_is_the_same_evaluators_derived_one():
    best = pl.concat(
        [
            best_responses({"P1": "60 PR"}),
            best_responses({"P1": "60 SD"}, is_leading=False, response_source="derived", best_change_percent=-28.0),
            best_responses({"P1": "60 CR"}, is_leading=False, evaluator="central", response_source="reported"),
            best_responses(
                {"P1": "60 CR"}, is_leading=False, evaluator="central", response_source="derived",
                best_change_percent=-100.0,
            ),
        ]
    )  # fmt: skip
    frame = outcomes(subjects("P1"), infused("P1"), best, leading({"P1": "60 PR"}), contacts({}), study())
    assert frame.select("best_overall_response", "best_change_percent", "response_source").rows() == [
        ("PR", -28.0, "reported")
    ]


def test_the_source_that_leads_is_told():
    assert one("60 SD", "", source="derived")["response_source"] == "derived"


def test_withdrawal_is_the_first_one_told():
    follow_up = contacts({"P1": "100 alive, 200 alive"}).with_columns(pl.Series("withdrawal_date", [on(90), on(190)]))
    frame = outcomes(subjects("P1"), infused("P1"), best_responses({"P1": ""}), leading({}), follow_up, study())
    assert frame["withdrawal_date"].to_list() == [on(90)]


def test_every_enrolled_subject_has_one_row_and_no_one_else():
    best = best_responses({"P1": "", "P9": "60 PD"})
    infusions, seen = infused("P1", "P9"), leading({"P9": "60 PD"})
    frame = outcomes(subjects("P2", "P1"), infusions, best, seen, contacts({}), study())
    assert frame["subject_id"].to_list() == ["P1", "P2"]


def first(course: str) -> str:
    """The first assessment after day 0 that says CR, PR or SD, in place of a best response; empty where none does."""
    seen = sorted((int(day), response) for day, response in (item.split() for item in course.split(", ") if item))
    return next((f"{day} {response}" for day, response in seen if day > 0 and response in ("CR", "PR", "SD")), "")


def records(courses: list[str], follow_ups: list[str]) -> list[pl.DataFrame]:
    ids = [f"P{n}" for n in range(len(courses))]
    return [
        subjects(*ids),
        infused(*ids[1:]),
        best_responses({i: first(course) for i, course in zip(ids[1:], courses[1:], strict=True)}),
        leading(dict(zip(ids, courses, strict=True))),
        contacts(dict(zip(ids, follow_ups, strict=True))),
    ]


@given(drawn=st.lists(st.tuples(COURSE, CONTACTS), min_size=1, max_size=4), seed=st.integers(0, 2**32))
@LAWS
def test_the_order_of_rows_is_irrelevant(drawn: list[tuple[str, str]], seed: int):
    tables = records(*map(list, zip(*drawn, strict=True)))
    shuffled = [frame.sample(fraction=1.0, shuffle=True, seed=seed) for frame in tables]
    assert outcomes(*tables, PLANNED).equals(outcomes(*shuffled, PLANNED))


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
    before, after = (outcomes(*each, PLANNED).drop(pl.col(pl.Date)) for each in (tables, moved))
    assert before.equals(after)


@given(course=COURSE, therapy=st.integers(0, 800))
@LAWS
def test_progression_free_survival_never_outlasts_survival(course: str, therapy: int):
    row = one(course, f"{therapy} therapy, 801 dead", first(course))
    assert 1 <= row["pfs_days"] <= row["os_days"] == 802
    assert row["dor_days"] is None or 1 <= row["dor_days"] <= row["pfs_days"]
    assert row["best_response_reason"] is None or row["best_response_reason"] in REASONS


@given(course=COURSE, follow_up=CONTACTS, every=st.integers(1, 200))
@LAWS
def test_censoring_for_missed_assessments_never_lengthens_and_never_adds_an_event(
    course: str, follow_up: str, every: int
):
    plain, planned = one(course, follow_up), one(course, follow_up, assessment_every_days=every)
    assert planned["pfs_days"] <= plain["pfs_days"]
    assert plain["pfs_event"] or not planned["pfs_event"]
    assert planned["pfs_reason"] in (plain["pfs_reason"], "missed_assessments")


def trial(n_enrolled: int, n_infused: int) -> pl.DataFrame:
    """Enrolled subjects of whom 3 have a CR, 7 a PR, 14 an SD; the infused among the rest have no assessment."""
    responses = ["60 CR, 100 CR"] * 3 + ["60 PR, 100 PR"] * 7 + ["60 SD"] * 14
    ids = [f"P{n:02d}" for n in range(n_enrolled)]
    course = dict(zip(ids, responses, strict=False))
    best = best_responses({i: first(course.get(i, "")) for i in ids[:n_infused]})
    return outcomes(subjects(*ids), infused(*ids[:n_infused]), best, leading(course), contacts({}), study())


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
    assert ("disease_control_rate", "infused", 24, 25) in counts


def test_a_population_of_nobody_has_no_percentage():
    rates = denominators(trial(n_enrolled=2, n_infused=0)).filter(population="infused")
    assert rates.select("n_with", "n", "percent", "lower_percent", "upper_percent").unique().rows() == [
        (0, 0, None, None, None)
    ]


def test_a_death_known_to_the_day_goes_before_the_middle_of_its_month():
    told = contacts({"P1": "15 dead, 20 dead"}).with_columns(is_date_imputed=pl.col("contact_date") == on(15))
    frame = outcomes(
        subjects("P1"), infused("P1"), best_responses({"P1": ""}), leading({"P1": ""}), told, study(response={})
    )
    assert frame["os_days"].to_list() == [21]
    alone = outcomes(
        subjects("P1"),
        infused("P1"),
        best_responses({"P1": ""}),
        leading({"P1": ""}),
        told.filter("is_date_imputed"),
        study(response={}),
    )
    assert alone["os_days"].to_list() == [16]
