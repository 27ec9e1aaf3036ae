"""From tumour assessments and lesions to outcomes, every transform as it is wired."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.clinical_in import LESION_MEASUREMENTS, LESIONS
from expectations.study import StudySettings
from tests.clinical_study import assessed, contacts, infused, on, study, subjects
from tests.drawing import table
from transforms.best_response import ORDER, best_responses, leading_assessments
from transforms.outcome import outcomes
from transforms.recist import derived_assessments

LAWS = settings(max_examples=15, deadline=None)
COURSE = st.dictionaries(st.integers(-30, 400), st.sampled_from(ORDER), max_size=7).map(
    lambda drawn: ", ".join(f"{day} {response}" for day, response in drawn.items())
)
CONTACTS = st.tuples(
    st.integers(1, 500), st.sampled_from(["alive", "therapy"]), st.sampled_from(["alive", "dead"])
).map(lambda drawn: f"{drawn[0]} {drawn[1]}, {drawn[0] + 401} {drawn[2]}")
"""A contact or new therapy at any time, and a last contact after every assessment: nobody is assessed once dead."""

PLANNED = study(response={"assessment_every_days": 60})


def lesions(drawing: str) -> list[pl.DataFrame]:
    """One target lesion of each subject, from `subject_id | day | mm`."""
    drawn = table(drawing).with_columns(lesion_id=pl.lit("T1"), evaluator=pl.lit("investigator"))
    measured = drawn.with_columns(
        pl.col("mm").cast(pl.Float64).alias("diameter_mm"),
        status=pl.lit("measured"),
        assessment_date=pl.lit(on(0)) + pl.duration(days="day"),
    ).drop("day", "mm")
    named = drawn.select("subject_id", "lesion_id", "evaluator").unique().with_columns(category=pl.lit("target"))
    return [
        pl.concat([contract.empty(), frame], how="diagonal_relaxed")
        for contract, frame in ((LESIONS, named), (LESION_MEASUREMENTS, measured))
    ]


def chain(
    settings: StudySettings,
    courses: dict[str, str],
    follow_up: dict[str, str],
    of_lesions: list[pl.DataFrame] | None = None,
) -> list[pl.DataFrame]:
    """Subjects, products, follow-up, reports and lesions; the last subject of several is not infused."""
    ids = sorted({*courses, *follow_up})
    given = of_lesions or [LESIONS.empty(), LESION_MEASUREMENTS.empty()]
    return [subjects(*ids), infused(*(ids[:-1] or ids)), contacts(follow_up), assessed(courses), *given]


def run(tables: list[pl.DataFrame], settings: StudySettings) -> pl.DataFrame:
    enrolled, products, follow_up, reports, named, measured = tables
    assessments = derived_assessments(named, measured, reports, products, settings)
    best = best_responses(assessments, products, follow_up, settings)
    return outcomes(enrolled, products, best, leading_assessments(assessments, settings), follow_up, settings)


def test_reported_responses_become_outcomes():
    courses = {"P1": "60 PR, 90 PR, 200 PD", "P2": "60 PR, 80 SD", "P3": "", "P4": "60 CR, 90 CR", "P5": "50 PD"}
    follow_up = {"P1": "300 alive", "P2": "400 alive", "P3": "20 dead", "P4": "500 alive", "P5": "100 dead"}
    told = run(chain(study(), courses, follow_up), study())
    expected = table("""
        subject_id | best_overall_response | is_responder | first_response_day | pfs_days | pfs_reason      | dor_days | os_days
        P1         | PR                    | true         | 60                 | 201      | progression     | 141      | 301
        P2         | SD                    | false        |                    | 81       | last_assessment |          | 401
        P3         |                       |              |                    | 21       | death           |          | 21
        P4         | CR                    | true         | 60                 | 91       | last_assessment | 31       | 501
        P5         |                       |              |                    |          | progression     |          |
    """)  # noqa: E501 - one subject a line
    assert told.select(expected.columns).rows() == expected.rows()
    assert told.filter(subject_id="P5")["pfs_days_from_enrolment"].to_list() == [71]


@pytest.mark.parametrize(
    ("source", "best", "pfs_reason", "pfs_days"),
    [("reported", "PR", "last_assessment", 91), ("derived", "SD", "progression", 91)],
)
def test_the_leading_source_decides_response_and_progression(source: str, best: str, pfs_reason: str, pfs_days: int):
    given = lesions("""
        subject_id | day | mm
        P1         | -5  | 50
        P1         | 60  | 40
        P1         | 90  | 50
    """)
    leads = study(response={"source": source})
    (row,) = run(chain(leads, {"P1": "60 PR, 90 PR"}, {"P1": "300 alive"}, given), leads).rows(named=True)
    assert (row["best_overall_response"], row["pfs_reason"], row["pfs_days"]) == (best, pfs_reason, pfs_days)
    assert (row["response_source"], row["best_change_percent"]) == (source, -20.0)


@given(drawn=st.lists(st.tuples(COURSE, CONTACTS), min_size=2, max_size=4), seed=st.integers(0, 2**32))
@LAWS
def test_order_of_rows_is_irrelevant_and_durations_fit_together(drawn: list[tuple[str, str]], seed: int):
    courses, follow_up = ({f"P{n}": each[place] for n, each in enumerate(drawn)} for place in (0, 1))
    tables = chain(PLANNED, courses, follow_up)
    told = run(tables, PLANNED)
    assert told.equals(run([frame.sample(fraction=1.0, shuffle=True, seed=seed) for frame in tables], PLANNED))
    responders = told.filter("is_responder")
    assert responders["dor_days"].null_count() == 0
    assert (responders["dor_days"] + responders["first_response_day"] == responders["pfs_days"]).all()
    assert (responders["dor_event"] == responders["pfs_event"]).all()


@given(course=COURSE, follow_up=CONTACTS, shift=st.integers(-5000, 5000))
@LAWS
def test_a_shift_of_all_dates_of_a_subject_changes_no_duration(course: str, follow_up: str, shift: int):
    tables = chain(PLANNED, {"P1": course, "P2": course}, {"P1": follow_up, "P2": follow_up})
    moved = [
        frame.with_columns(
            pl.when(subject_id="P1").then(pl.col(pl.Date) + timedelta(days=shift)).otherwise(pl.col(pl.Date))
        )
        for frame in tables
    ]
    before, after = (run(each, PLANNED).drop(pl.col(pl.Date)) for each in (tables, moved))
    assert before.equals(after)
