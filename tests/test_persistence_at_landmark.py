"""Persistence at a landmark rests on samples up to L + w, and says why where it is not known."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.drawing import table
from tests.drawn_series import drawn_responses, outcomes_of, study, visits_of
from transforms.landmarks import persistence_at_landmark

LONG = (None, 999)


def at_landmarks(series: dict[str, str], contacts: dict | None = None, landmarks=((90, 14),), **parts) -> pl.DataFrame:
    responses = drawn_responses({(subject, "A"): drawing for subject, drawing in series.items()})
    outcomes = outcomes_of({subject: LONG for subject in series} | (contacts or {}))
    rows = persistence_at_landmark(responses, visits_of(responses), outcomes, study(*landmarks, **parts))
    return rows.filter((pl.col("antigen") == "A") & (pl.col("rule") == "dfr_eq"))


def test_the_nearest_evaluable_sample_in_the_window_decides():
    drawn = table(
        """
        id | series                    | death | contact | persistent | reason              | day | origin
        a  | -7:- 85:- 92:+            |       | 999     | true       |                     | 92  | induced
        b  | -7:- 76:+                 |       | 999     | true       |                     | 76  | induced
        c  | -7:- 75:+                 |       | 999     |            | no_sample_in_window |     | induced
        d  | -7:- 104:-                |       | 999     | false      |                     | 104 | never
        e  | -7:- 105:+                |       | 999     |            | no_sample_in_window |     | not_evaluable
        f  | -7:- 88:- 92:+            |       | 999     | false      |                     | 88  | induced
        g  | -7:- 88:+ 92:-            |       | 999     | true       |                     | 88  | induced
        h  | -7:- 80:+ 90:? 91:0       |       | 999     | true       |                     | 80  | induced
        i  | -7:+100 30:- 120:+300     |       | 999     |            | no_sample_in_window |     | lost
        j  | -7:- 30:+                 | 104   | 104     |            | dead                |     | induced
        k  | -7:- 30:+                 | 105   | 105     |            | no_sample_in_window |     | induced
        l  | -7:- 30:+                 |       | 103     |            | window_not_reached  |     | induced
        m  | -7:- 30:+                 |       | 104     |            | no_sample_in_window |     | induced
        n  | -7:- 30:+                 |       |         |            | window_not_reached  |     | induced
        o  | -7:- 80:+                 | 95    | 95      | true       |                     | 80  | induced
        p  | -7:- 90:?                 |       | 999     |            | sample_not_evaluable|     | not_evaluable
        q  |                           | 20    | 20      |            | dead                |     | not_evaluable
        """
    )
    series = {row["id"]: row["series"] or "" for row in drawn.to_dicts()}
    contacts = {row["id"]: (row["death"], row["contact"]) for row in drawn.to_dicts()}
    rows = at_landmarks(series, contacts)
    names = {"id": "subject_id", "day": "sample_day", "origin": "origin_by_landmark"}
    answer = drawn.drop("series", "death", "contact").rename(names)
    assert_frame_equal(rows.select(answer.columns), answer, check_dtypes=False)
    assert rows.filter(pl.col("subject_id") == "a")["specimen_id"].item() == "a/00092"


def test_an_indeterminate_sample_decides_only_where_it_counts_as_negative():
    row = at_landmarks({"P": "-7:- 80:+ 90:?"}, indeterminate="negative").row(0, named=True)
    assert (row["persistent"], row["sample_day"]) == (False, 90)


def test_a_window_never_reaches_back_before_infusion():
    row = at_landmarks({"P": "-7:+ 0:+"}, landmarks=[(10, 20)]).row(0, named=True)
    assert (row["persistent"], row["reason"]) == (None, "no_sample_in_window")


def test_every_landmark_is_judged_by_itself():
    rows = at_landmarks({"P": "-7:- 30:+ 180:-"}, landmarks=[(30, 7), (90, 14), (180, 30)])
    answer = table(
        """
        landmark_day | half_width_days | persistent | origin_by_landmark
        30           | 7               | true       | induced
        90           | 14              |            | induced
        180          | 30              | false      | induced
        """
    )
    assert_frame_equal(rows.select(answer.columns), answer, check_dtypes=False)


SAMPLES = st.dictionaries(st.integers(-30, 300), st.sampled_from("+-?0"), max_size=12)


def judged(samples: dict[int, str], death: int | None, contact: int) -> pl.DataFrame:
    # CMV keeps the assay present, so that rows exist however few samples of A there are.
    series = {("P", "A"): " ".join(f"{day}:{call}" for day, call in samples.items()), ("P", "CMV"): "-7:-"}
    responses = drawn_responses(series)
    rows = persistence_at_landmark(
        responses, visits_of(responses), outcomes_of({"P": (death, contact)}), study((90, 14), (180, 30))
    )
    return rows.filter((pl.col("antigen") == "A") & (pl.col("rule") == "dfr_eq"))


@settings(deadline=None, max_examples=50)
@given(SAMPLES, SAMPLES, st.one_of(st.none(), st.integers(1, 300)), st.integers(1, 300))
def test_nothing_after_the_window_changes_anything(samples, more, death, contact):
    before = judged(samples, death, contact)
    for landmark, last_day in ((90, 104), (180, 210)):
        added = {day: call for day, call in more.items() if day > last_day}
        up_to = {day: call for day, call in samples.items() if day <= last_day}
        for other in (samples | added, up_to):
            after = judged(other, death, contact)
            assert_frame_equal(before.filter(landmark_day=landmark), after.filter(landmark_day=landmark))


@settings(deadline=None)
@given(SAMPLES, st.integers(-30, 300))
def test_taking_late_visits_away_never_makes_unknown_negative(samples, last):
    before = judged(samples, None, 300)
    after = judged({day: call for day, call in samples.items() if day <= last}, None, 300)
    for was, now in zip(before["persistent"], after["persistent"], strict=True):
        assert not (was is None and now is not None)


@settings(deadline=None)
@given(SAMPLES, st.randoms())
def test_row_order_changes_nothing(samples, random):
    responses = drawn_responses({("P", "A"): " ".join(f"{day}:{call}" for day, call in samples.items())})
    order = random.sample(range(responses.height), responses.height)
    inputs = visits_of(responses), outcomes_of({"P": LONG}), study((90, 14), (180, 30))
    one, other = (persistence_at_landmark(frame, *inputs) for frame in (responses, responses[order]))
    assert_frame_equal(one, other)


@pytest.mark.parametrize("death", [None, 105, 400])
def test_a_death_after_the_window_is_no_reason(death):
    row = at_landmarks({"P": "-7:- 30:+"}, {"P": (death, 400)}).row(0, named=True)
    assert row["reason"] == "no_sample_in_window"
