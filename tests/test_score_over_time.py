"""The score test of a changing marker: by hand, by walking through who could have failed, and as Mantel and Byar's."""

from __future__ import annotations

import random
from itertools import combinations, product
from math import prod
from statistics import mean

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.drawing import SHARED, needs_shared, table
from transforms.score_over_time import ScoreOverTime, score_over_time
from transforms.survival import logrank

LAWS = settings(max_examples=50, deadline=None)
SUBJECTS = st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.booleans()), min_size=2, max_size=7)


def test_three_deaths_by_hand_with_a_marker_that_changes():
    intervals = table("""
        start | stop | event | marked
        0     | 10   | true  | false
        0     | 5    | false | false
        5     | 20   | true  | true
        0     | 15   | false | true
        15    | 30   | true  | true
        0     | 30   | false | false
    """)
    # Day 10: 2 marked of 4; day 20: 2 of 3; day 30: 1 of 2. Marked deaths: days 20 and 30.
    ours = score_over_time(*(intervals[name].to_list() for name in intervals.columns))
    assert (ours.n_events_exposed, ours.expected) == (2, pytest.approx(1 / 2 + 2 / 3 + 1 / 2))
    assert ours.variance == pytest.approx(1 / 4 + 2 / 9 + 1 / 4)
    # |sum - 5/3| >= 1/3: all but sums at 5/3 +- less than 1/3; 2 itself is as far, 1 is 2/3 away: everything counts.
    assert ours.p_value == pytest.approx(1)


def test_three_marked_deaths_of_three_by_hand():
    # At risk 3 marked of 6, 2 of 5, 1 of 4: all three marked has probability 1/2 x 2/5 x 1/4; none, 1/2 x 3/5 x 3/4.
    ours = score_over_time([0] * 6, [1, 2, 3, 9, 9, 9], [True] * 3 + [False] * 3, [True] * 3 + [False] * 3)
    assert ours.expected == pytest.approx(1.15)
    assert ours.p_value == pytest.approx(1 / 2 * 2 / 5 * 1 / 4)


@given(subjects=SUBJECTS)
@LAWS
def test_p_is_that_of_all_who_could_have_failed_at_each_time(subjects: list[tuple[int, bool, bool]]):
    time, event, marked = map(list, zip(*subjects, strict=True))
    ours = score_over_time([0] * len(time), time, event, marked)
    assume(ours is not None)
    choices = []
    for moment in sorted({t for t, e in zip(time, event, strict=True) if e}):
        at_risk = [m for t, m in zip(time, marked, strict=True) if t >= moment]
        n_dying = sum(e and t == moment for t, e in zip(time, event, strict=True))
        if len(set(at_risk)) == 2 and n_dying < len(at_risk):
            choices.append([sum(chosen) for chosen in combinations(at_risk, n_dying)])
    expected = sum(map(mean, choices))
    sums = [sum(each) for each in product(*choices)]
    assert len(sums) == prod(map(len, choices))
    as_far = mean(abs(each - expected) >= abs(ours.n_events_exposed - expected) - 1e-9 for each in sums)
    assert (ours.expected, ours.p_value) == pytest.approx((expected, as_far), abs=1e-9)


@given(subjects=SUBJECTS, seed=st.integers())
@LAWS
def test_a_marker_that_never_changes_has_the_log_rank_test_and_order_is_irrelevant(
    subjects: list[tuple[int, bool, bool]], seed: int
):
    time, event, marked = map(list, zip(*subjects, strict=True))
    ours, test = score_over_time([0] * len(time), time, event, marked), logrank(time, event, marked)
    assert (ours and ours.asymptotic_p_value) == pytest.approx(test and test.p_value)
    t2, e2, m2 = zip(*random.Random(seed).sample(subjects, k=len(subjects)), strict=True)
    assert score_over_time([0] * len(time), t2, e2, m2) == ours


@needs_shared
def test_mantel_and_byars_form_is_rs_score_of_the_time_dependent_model():
    rows = pl.read_csv(SHARED / "reference" / "survival" / "R_cox.csv", infer_schema_length=None)
    (row,) = rows.filter(dataset="heart", formula="Surv(start, stop, event) ~ transplant", ties="efron").to_dicts()
    heart = pl.read_csv(SHARED / "reference" / "survival" / "data_heart.csv")
    marked = (heart["transplant"] == 1).to_list()
    ours = score_over_time(heart["start"].to_list(), heart["stop"].to_list(), heart["event"].to_list(), marked)
    chi2 = (ours.n_events_exposed - ours.expected) ** 2 / ours.variance
    # Tied deaths are few; Efron and the hypergeometric variance treat them a little differently.
    assert chi2 == pytest.approx(row["score"], rel=0.05)


@pytest.mark.parametrize(
    ("stop", "events", "marked"),
    [
        ([1, 2, 3], [True] * 3, [True] * 3),
        ([1, 2, 3], [False] * 3, [True, False, False]),
        ([1, 2, 3], [False, True, True], [True, False, False]),
        ([2, 2], [True, True], [True, False]),
    ],
    ids=["all marked", "no events", "marked gone before the first event", "all fail together"],
)
def test_where_no_event_could_tell_there_is_no_test(stop: list[float], events: list[bool], marked: list[bool]):
    assert score_over_time([0] * len(stop), stop, events, marked) is None


def test_an_interval_without_length_is_refused():
    with pytest.raises(ValueError, match="does not end after its start"):
        score_over_time([1], [1], [True], [True])


def test_two_at_risk_tell_little():
    ours = score_over_time([0, 0], [1, 2], [True, False], [True, False])
    assert ours == ScoreOverTime(1, 0.5, 0.25, 1.0, pytest.approx(0.3173105078629141))
