"""Which day and visit a specimen belongs to, and which specimens are missing and why."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import EXPECTED_SPECIMENS, RESPONSES, VISITED_SPECIMENS
from expectations.ingested import INFUSION_PRODUCTS, SPECIMENS
from expectations.outcome_tables import OUTCOMES
from expectations.study import StudySettings
from tests.drawing import table
from transforms.visits import expected_specimens, next_due_date, visited_specimens


def study(**parts) -> StudySettings:
    return StudySettings.model_validate(
        {
            "study": {"id": "T"},
            "visits": [
                {"name": "Baseline", "day": -14, "window": [-60, 0]},
                {"name": "Day 30", "day": 30, "window": [20, 40]},
                {"name": "Extra", "day": 60, "window": [55, 65], "expected": False},
            ],
            "antigens": [{"name": "MART-1", "role": "tumour"}],
            "persistence": {"landmarks": [{"day": 30}]},
            **parts,
        }
    )


PRODUCTS = table(
    """
    subject_id | infusion_date | lymphodepletion_start | specimen_id
    P1         | 2020-03-01    | 2020-02-23            | P1-TIL
    P2         | 2020-03-01    |                       |
    """,
    INFUSION_PRODUCTS,
)


def cut(drawn, contract):
    known = [name for name in drawn.columns if name in contract.schema]
    return pl.concat(
        [contract.empty(), drawn.select(pl.col(n).cast(contract.schema[n]) for n in known)], how="diagonal"
    )


def test_day_visit_and_baseline_follow_from_dates():
    drawn = table(
        """
        specimen_id | subject_id | collection_date | material | study_day | visit       | is_baseline_candidate
        a-before    | P1         | 2020-02-22      | blood    | -8        | Baseline    | true
        b-depleted  | P1         | 2020-02-23      | blood    | -7        | Baseline    | false
        c-day0      | P2         | 2020-03-01      | blood    | 0         | Baseline    | true
        d-day1      | P2         | 2020-03-02      | blood    | 1         | unscheduled | false
        e-first     | P1         | 2020-03-21      | blood    | 20        | Day 30      | false
        f-last      | P1         | 2020-04-10      | blood    | 40        | Day 30      | false
        g-past      | P1         | 2020-04-11      | blood    | 41        | unscheduled | false
        h-early     | P2         | 2019-12-01      | blood    | -91       | unscheduled | true
        i-tumour    | P1         | 2020-02-01      | tumour   | -29       | Baseline    | false
        k-never     | P9         | 2020-03-01      | blood    |           |             | false
        """
    )
    visited = visited_specimens(cut(drawn, SPECIMENS), PRODUCTS, study())
    assert_frame_equal(visited.select(drawn.columns), drawn, check_dtypes=False)


def test_the_infusion_product_is_what_is_called_so_or_what_its_table_names():
    drawn = table(
        """
        specimen_id | subject_id | collection_date | said             | material         | visit
        P1-TIL      | P1         | 2020-03-01      |                  | infusion_product | infusion product
        bag         | P2         | 2020-02-29      | infusion_product | infusion_product | infusion product
        not-given   | P9         | 2020-03-01      | infusion_product | infusion_product |
        tube        | P2         | 2020-02-29      |                  | blood            | Baseline
        """
    )
    specimens = cut(drawn.drop("material").rename({"said": "material"}), SPECIMENS)
    visited = visited_specimens(specimens, PRODUCTS, study())
    answer = drawn.drop("said")
    assert_frame_equal(visited.select(answer.columns), answer)
    assert visited["is_baseline_candidate"].to_list() == [False, False, False, True]


def test_every_expected_specimen_is_received_not_due_or_absent_with_its_reason():
    visited = table(
        """
        specimen_id | subject_id | material         | collection_date | visit            | is_baseline_candidate
        here        | received   | blood            | 2020-03-25      | Day 30           | false
        earlier     | twice      | blood            | 2020-03-23      | Day 30           | false
        late        | twice      | blood            | 2020-03-29      | Day 30           | false
        dull        | failed     | blood            | 2020-03-25      | Day 30           | false
        unread      | unassayed  | blood            | 2020-03-25      | Day 30           | false
        other       | absent     | blood            | 2020-04-20      | unscheduled      | false
        """,
        VISITED_SPECIMENS,
    )
    responses = table(
        """
        specimen_id | is_reported | is_primary_rule | call          | antigen
        here        | true        | true            | negative      | MART-1
        late        | true        | true            | indeterminate | MART-1
        dull        | true        | true            | not_evaluable | MART-1
        dull        | true        | false           | positive      | MART-1
        dull        | false       | true            | positive      | MART-1
        """,
        RESPONSES,
    )
    drawn = table(
        """
        subject_id | death_date | withdrawal_date | progression_date | specimen_status | reason       | specimen_id
        absent     |            |                 |                  | absent          | unknown      |
        died_after | 2020-04-11 |                 |                  | absent          | unknown      |
        died_last  | 2020-04-10 |                 |                  | absent          | dead         |
        failed     |            |                 |                  | received        | assay_failed | dull
        left       |            | 2020-03-10      |                  | absent          | withdrawn    |
        progressed |            |                 | 2020-03-20       | absent          | progressed   |
        progresses |            |                 | 2020-03-21       | absent          | unknown      |
        received   | 2020-04-05 |                 |                  | received        |              | here
        stopped    | 2020-04-09 | 2020-03-10      | 2020-03-10       | absent          | dead         |
        twice      |            |                 |                  | received        |              | earlier
        unassayed  |            |                 |                  | received        | not_assayed  | unread
        """
    )
    products = drawn.select("subject_id", pl.lit(date(2020, 3, 1)).alias("infusion_date"))
    outcomes = cut(drawn, OUTCOMES)
    settings = study(sampling={"stops_at_progression": True, "expect_infusion_product": False})
    expected = expected_specimens(visited, outcomes, products, responses, settings, date(2020, 4, 11))
    at_day_30 = expected.filter(pl.col("visit") == "Day 30")
    assert_frame_equal(
        at_day_30.select("subject_id", "specimen_status", "reason", "specimen_id"),
        drawn.select("subject_id", "specimen_status", "reason", "specimen_id"),
    )
    assert at_day_30["window_start_date"].unique().to_list() == [date(2020, 3, 21)]
    assert at_day_30["window_end_date"].unique().to_list() == [date(2020, 4, 10)]


def test_a_specimen_speaks_where_either_assay_could_evaluate_it():
    visited = table(
        """
        specimen_id | subject_id | visit    | material | is_baseline_candidate
        a           | P1         | Baseline | blood    | true
        b           | P1         | Day 30   | blood    | false
        c           | P2         | Baseline | blood    | true
        """,
        VISITED_SPECIMENS,
    )
    responses = table(
        """
        specimen_id | assay     | call          | is_primary_rule
        a           | elispot   | not_evaluable | true
        a           | cytometry | negative      | true
        b           | cytometry | negative      | true
        c           | elispot   | not_evaluable | true
        c           | cytometry | not_evaluable | true
        c           | cytometry | negative      | false
        """,
        RESPONSES,
        is_reported=True,
    )
    expected = expected_specimens(visited, OUTCOMES.empty(), PRODUCTS, responses, study(), date(2021, 1, 1))
    received = expected.filter(pl.col("specimen_status") == "received")
    assert received.select("specimen_id", "reason").rows() == [("a", None), ("b", None), ("c", "assay_failed")]


def test_progression_explains_nothing_where_sampling_goes_on():
    outcomes = table("subject_id | progression_date\n P1 | 2020-03-05\n P2 |", OUTCOMES)
    expected = expected_specimens(
        VISITED_SPECIMENS.empty(), outcomes, PRODUCTS, RESPONSES.empty(), study(), date(2021, 1, 1)
    )
    assert expected["reason"].unique().to_list() == ["unknown"]


def test_visits_and_the_product_are_expected_only_as_the_study_file_says():
    answer = table(
        """
        subject_id | visit            | material
        P1         | Baseline         | blood
        P1         | Day 30           | blood
        P1         | infusion product | infusion_product
        P2         | Baseline         | blood
        P2         | Day 30           | blood
        P2         | infusion product | infusion_product
        """
    )
    frames = (VISITED_SPECIMENS.empty(), OUTCOMES.empty(), PRODUCTS, RESPONSES.empty())
    expected = expected_specimens(*frames, study(), date(2020, 1, 1))
    assert_frame_equal(expected.select(answer.columns), answer)
    without = expected_specimens(*frames, study(sampling={"expect_infusion_product": False}), date(2020, 1, 1))
    assert_frame_equal(without.select(answer.columns), answer.filter(pl.col("material") == "blood"))


@pytest.mark.parametrize(
    ("today", "statuses", "due"),
    [
        (date(2020, 3, 1), ["not_due", "not_due", "not_due"], date(2020, 3, 2)),
        (date(2020, 3, 2), ["absent", "not_due", "absent"], date(2020, 4, 11)),
        (date(2020, 4, 10), ["absent", "not_due", "absent"], date(2020, 4, 11)),
        (date(2020, 4, 11), ["absent", "absent", "absent"], None),
    ],
)
def test_a_visit_falls_due_the_day_after_its_window(today, statuses, due):
    products = PRODUCTS.filter(pl.col("subject_id") == "P2")
    expected = expected_specimens(
        VISITED_SPECIMENS.empty(), OUTCOMES.empty(), products, RESPONSES.empty(), study(), today
    )
    assert expected["specimen_status"].to_list() == statuses
    assert next_due_date(expected, today) == due


def test_a_specimen_received_early_is_not_waited_for():
    visited = table(
        "specimen_id | subject_id | material | collection_date | visit\n s | P2 | blood | 2020-03-25 | Day 30",
        VISITED_SPECIMENS,
    )
    products = PRODUCTS.filter(pl.col("subject_id") == "P2")
    expected = expected_specimens(visited, OUTCOMES.empty(), products, RESPONSES.empty(), study(), date(2020, 3, 26))
    row = expected.filter(pl.col("visit") == "Day 30")
    assert (row["specimen_status"].item(), row["specimen_id"].item()) == ("received", "s")
    assert next_due_date(expected, date(2020, 3, 26)) is None


def test_without_data_the_tables_are_empty_and_nothing_is_due():
    visited = visited_specimens(SPECIMENS.empty(), INFUSION_PRODUCTS.empty(), study())
    assert_frame_equal(visited, VISITED_SPECIMENS.empty())
    expected = expected_specimens(
        visited, OUTCOMES.empty(), INFUSION_PRODUCTS.empty(), RESPONSES.empty(), study(), date(2020, 1, 1)
    )
    assert_frame_equal(expected, EXPECTED_SPECIMENS.empty())
    assert next_due_date(expected, date(2020, 1, 1)) is None


@given(st.lists(st.integers(-200, 400), min_size=1, max_size=20), st.randoms())
def test_row_order_changes_nothing_and_no_day_falls_into_two_visits(days, random):
    rows = [
        {"specimen_id": f"s{i}", "subject_id": "P2", "collection_date": date(2020, 3, 1) + timedelta(days=day)}
        for i, day in enumerate(days)
    ]
    shuffled = random.sample(rows, len(rows))
    first, second = (
        visited_specimens(pl.DataFrame(r, schema=SPECIMENS.schema), PRODUCTS, study()) for r in (rows, shuffled)
    )
    assert_frame_equal(first, second)
    windows = {visit.name: visit.window for visit in study().visits}
    for day, visit in first.select("study_day", "visit").iter_rows():
        holding = [name for name, (low, high) in windows.items() if low <= day <= high]
        assert [visit] == (holding or ["unscheduled"])


def test_a_specimen_that_can_no_longer_come_is_absent_at_once_and_never_falls_due():
    outcomes = table(
        """
        subject_id | death_date | withdrawal_date
        P1         | 2020-03-10 |
        P2         |            | 2020-03-10
        """,
        OUTCOMES,
    )
    today = date(2020, 3, 11)
    expected = expected_specimens(
        VISITED_SPECIMENS.empty(), outcomes, PRODUCTS, RESPONSES.empty(), study(), today
    ).filter(pl.col("visit") == "Day 30")
    assert expected["specimen_status"].to_list() == ["absent", "absent"]
    assert expected["reason"].to_list() == ["dead", "withdrawn"]
    assert next_due_date(expected, today) is None
