"""What can never move an association: later samples, the order of rows, the calendar, another run."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.outcome_tables import INFUSED_CELLS, OUTCOMES
from expectations.study import StudySettings
from tests.drawn_series import drawn_responses, outcomes_of, products_of, visits_of
from transforms.association import associations
from transforms.landmarks import persistence_at_landmark
from transforms.persistence import persistence
from transforms.persistence_by_subject import persistence_by_subject

LAWS = settings(max_examples=8, deadline=None)
LANDMARK, HALF_WIDTH = 90, 14
LAST_DAY = LANDMARK + HALF_WIDTH
SETTINGS = StudySettings.model_validate(
    {
        "study": {"id": "T"},
        "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
        "antigens": [{"name": "A", "role": "tumour"}, {"name": "B", "role": "tumour"}],
        "persistence": {"landmarks": [{"day": LANDMARK, "half_width": HALF_WIDTH}]},
        "analysis": {
            "secondary": [{"outcome": "OS", "method": "landmark_cox"}],
            "exploratory": {
                "exposures": [
                    "persistent_at_landmark", "induced_by_landmark", "sum_net_value_at_landmark", "positive_over_time",
                ],
                "outcomes": ["responder", "OS", "PFS"],
            },
            "permutations": 999,
        },
    }
)  # fmt: skip
DAYS = (-7, 14, 60, 80, 90, 104)
BEST = ("CR", "PR", "SD", "PD", "NE")

CALLS = st.sampled_from("+-?0")
SERIES = st.dictionaries(st.sampled_from(DAYS), CALLS, min_size=1)
PATIENTS = st.lists(
    st.tuples(SERIES, SERIES, st.integers(20, 500), st.booleans(), st.integers(10, 400), st.sampled_from(BEST)),
    min_size=4,
    max_size=12,
)
Patients = list[tuple[dict[int, str], dict[int, str], int, bool, int, str]]


def responses_of(patients: Patients) -> pl.DataFrame:
    """Samples of both antigens, none after the subject's last day."""
    series = {
        (f"P{number:02d}", antigen): " ".join(f"{day}:{call}" for day, call in sorted(calls.items()) if day <= last)
        for number, (first, second, last, *_) in enumerate(patients)
        for antigen, calls in (("A", first), ("B", second))
    }
    return drawn_responses(series)


def outcomes_of_all(patients: Patients) -> pl.DataFrame:
    followed = outcomes_of(
        {f"P{n:02d}": (last if dead else None, last) for n, (*_, last, dead, _, _) in enumerate(patients)}
    )
    best = pl.Series([one[-1] for one in patients], dtype=pl.String)
    progression = pl.Series([min(one[4], one[2]) for one in patients])
    last, dead = (pl.Series([one[place] for one in patients]) for place in (2, 3))
    known = pl.Series([one[-1] != "NE" for one in patients])
    return OUTCOMES.conform(
        followed.with_columns(
            best_overall_response=best,
            is_responder=pl.when(known).then(best.is_in(["CR", "PR"])),
            os_days=last + 1,
            os_event=dead,
            pfs_days=progression + 1,
            pfs_event=(progression < last) | dead,
            pfs_reason=pl.when(progression < last).then(pl.lit("progression")).otherwise(pl.lit("death")),
        )
    )


def chain(responses: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Responses to persistence to associations."""
    visited = visits_of(responses)
    samples = (responses, visited, outcomes)
    whole = persistence(*samples, products_of(outcomes), SETTINGS)
    at_landmark = persistence_at_landmark(*samples, SETTINGS)
    tables = {
        "persistence_by_subject": persistence_by_subject(at_landmark, whole, outcomes, SETTINGS),
        "outcomes": outcomes,
        "infused_cells": INFUSED_CELLS.empty(),
        "responses": responses,
        "visited_specimens": visited,
    }
    return associations(tables, SETTINGS)


def same(first: pl.DataFrame, second: pl.DataFrame) -> None:
    assert first.columns == second.columns
    for name in first.columns:
        expected = second[name].to_list()
        is_number = first.schema[name] == pl.Float64
        assert first[name].to_list() == (pytest.approx(expected, nan_ok=True) if is_number else expected), name


def unadjusted(rows: pl.DataFrame) -> pl.DataFrame:
    """Landmark analyses without what depends on the other rows of their family."""
    return rows.filter(pl.col("landmark_day") == LANDMARK).drop("p_value_adjusted", "family_size")


@given(patients=PATIENTS, later=st.lists(st.tuples(st.integers(1, 400), CALLS, CALLS), max_size=6))
@LAWS
def test_samples_after_the_window_change_no_landmark_result(patients: Patients, later: list[tuple[int, str, str]]):
    outcomes = outcomes_of_all(patients)
    more = [
        (first | {LAST_DAY + day: a for day, a, _ in later}, second | {LAST_DAY + day: b for day, _, b in later}, *rest)
        for first, second, *rest in patients
    ]
    same(unadjusted(chain(responses_of(patients), outcomes)), unadjusted(chain(responses_of(more), outcomes)))


@given(patients=PATIENTS, seed=st.integers(0, 2**32))
@LAWS
def test_the_order_of_rows_is_irrelevant(patients: Patients, seed: int):
    responses, outcomes = responses_of(patients), outcomes_of_all(patients)
    shuffled = [frame.sample(fraction=1.0, shuffle=True, seed=seed) for frame in (responses, outcomes)]
    same(chain(responses, outcomes), chain(*shuffled))


@given(patients=PATIENTS, shifts=st.lists(st.integers(-3000, 3000), min_size=12, max_size=12))
@LAWS
def test_a_subjects_dates_may_all_be_shifted_by_the_same_amount(patients: Patients, shifts: list[int]):
    responses, outcomes = responses_of(patients), outcomes_of_all(patients)
    days = {f"P{number:02d}": shift for number, shift in enumerate(shifts)}
    moved = []
    for frame in (responses, outcomes):
        by = pl.duration(days=pl.col("subject_id").replace_strict(days, return_dtype=pl.Int64))
        moved.append(frame.with_columns(pl.col(pl.Date) + by))
    same(chain(responses, outcomes), chain(*moved))


@given(patients=PATIENTS)
@LAWS
def test_the_same_seed_gives_the_same_numbers(patients: Patients):
    responses, outcomes = responses_of(patients), outcomes_of_all(patients)
    assert chain(responses, outcomes).equals(chain(responses, outcomes))
