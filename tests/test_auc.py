"""Area under a response from day 0 to tau or death, per day, against hand calculations."""

from __future__ import annotations

import csv
from math import log10

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.drawing import SHARED, needs_shared, table
from tests.drawn_series import drawn_responses, outcomes_of, products_of, study, visits_of
from transforms.persistence import persistence

NAMES = ("auc_per_day", "auc_end_day", "auc_reason", "auc_is_bound")


def areas(series: dict[str, str], deaths: dict[str, int | None] | None = None, **parts) -> pl.DataFrame:
    """subject_id and the area of antigen A; LOD 10."""
    responses = drawn_responses({(subject, "A"): drawing for subject, drawing in series.items()})
    outcomes = outcomes_of({subject: ((deaths or {}).get(subject), 999) for subject in series})
    rows = persistence(responses, visits_of(responses), outcomes, products_of(outcomes), study(**parts))
    return rows.filter(pl.col("antigen") == "A").select("subject_id", *NAMES)


def area(drawing: str, death: int | None = None, **parts) -> dict:
    return areas({"P": drawing}, {"P": death}, **parts).row(0, named=True)


@needs_shared
def test_the_worked_example_has_the_area_of_the_reference():
    with (SHARED / "reference" / "persistence_worked_example.csv").open() as file:
        expected = {row["metric"]: float(row["value"]) for row in csv.DictReader(file)}
    drawing = "0:-0 7:+800 30:+400 90:+120 180:-8 360:-0"
    row = area(drawing, auc_days=360, auc_max_gap_days=180)
    assert row["auc_per_day"] == pytest.approx(expected["mean_log10_over_lod"], abs=1e-9)
    assert row["auc_per_day"] * 360 == pytest.approx(expected["auc_log10_over_lod"], abs=1e-9)
    held = area(drawing, auc_max_gap_days=180)  # the last value, below its LOD, held for five days
    assert held["auc_per_day"] * 365 == pytest.approx(expected["auc_log10_over_lod"], abs=1e-9)
    assert (held["auc_end_day"], held["auc_is_bound"]) == (365, False)


# Values 10, 100, 1000 have the heights 0, 1, 2.
@pytest.mark.parametrize(
    ("drawing", "death", "total", "end"),
    [
        ("-7:-0 50:+100 100:+100", None, 25 + 50, 100),
        ("-7:+100 50:+100 100:+100", None, 100, 100),  # the baseline's value stands on day 0
        ("0:+1000 50:+100 100:-3", None, 75 + 25, 100),
        ("-7:-0 50:+100 90:+1000", None, 25 + 60 + 10 * 2, 100),  # held for ten days
        ("-7:-0 50:+100 90:+1000 110:-0", None, 25 + 60 + 10 * 1.5, 100),  # cut halfway down to day 110
        ("-7:-0 50:+100 80:+100 110:-0", 95, 25 + 30 + 15 * 0.75, 95),  # a line across the day of death is cut there
        ("-7:-0 20:+100 50:+100", 60, 10 + 30 + 10, 60),
        ("-7:-0 20:-1 100:-1", None, 0, 100),
    ],
)
def test_trapezoids_run_from_day_0_to_the_end(drawing, death, total, end):
    row = area(drawing, death, auc_days=100)
    assert row["auc_reason"] is None and row["auc_end_day"] == end
    assert row["auc_per_day"] == pytest.approx(total / end, abs=1e-12)


def test_who_has_no_area_and_why():
    drawn = table(
        """
        id | series                              | death | end | reason
        a  | 30:+ 90:+ 200:+ 300:+ 360:+         |       | 365 | no_baseline
        b  | -7:? 30:+ 90:+ 200:+ 300:+ 360:+    |       | 365 | no_baseline
        c  | -7:- 30:+                           |       | 365 | too_few_samples
        d  | -7:-                                | 5     | 5   | too_few_samples
        e  | -7:- 30:+                           | 40    | 40  | too_few_samples
        f  | -7:- 30:+ 90:+ 200:+ 300:+ 350:+    |       | 365 | ends_too_early
        g  | -7:- 30:+ 90:+ 200:+ 300:+ 351:+    |       | 365 |
        h  | -7:- 30:+ 90:+ 210:+ 300:+ 365:+    |       | 365 |
        i  | -7:- 30:+ 90:+ 211:+ 300:+ 365:+    |       | 365 | gap_too_long
        j  | -7:- 121:+ 200:+ 300:+ 365:+        |       | 365 | gap_too_long
        k  | -7:- 30:+ 90:+ 200:+ 300:+ 420:+    |       | 365 |
        l  | -7:- 30:+ 90:+ 200:+ 300:+ 421:+    |       | 365 | gap_too_long
        m  | -7:- 30:+ 90:+ 200:+ 365:+ 600:+    |       | 365 | gap_too_long
        n  | -7:- 30:+ 90:+ 200:+ 300:+ 365:+ 600:+ |    | 365 |
        o  | -7:- 30:+ 90:+                      | 104   | 104 |
        p  | -7:- 30:+ 90:+                      | 105   | 105 | ends_too_early
        q  | -7:- 30:+ 90:+                      | 0     | 0   | dead
        r  | -7:- 30:+ 90:? 150:+ 151:+          | 151   | 151 |
        s  |                                     |       | 365 | no_baseline
        """
    )
    rows = drawn.to_dicts()
    found = areas({row["id"]: row["series"] or "" for row in rows}, {row["id"]: row["death"] for row in rows})
    answer = drawn.select(subject_id="id", auc_end_day="end", auc_reason="reason")
    assert_frame_equal(found.select(answer.columns), answer, check_dtypes=False)
    assert found["auc_per_day"].is_null().to_list() == answer["auc_reason"].is_not_null().to_list()
    assert found["auc_is_bound"].is_null().to_list() == answer["auc_reason"].is_not_null().to_list()


def test_each_value_is_compared_with_the_limit_of_its_own_sample():
    responses = drawn_responses({("P", "A"): "0:+1000 100:+1000 200:+1000"})
    lod = pl.col("study_day").replace_strict({0: 10.0, 100: 100.0, 200: 5000.0}, return_dtype=pl.Float64)
    responses = responses.with_columns(lod=lod, is_below_lod=pl.col("study_day") == 200)
    outcomes = outcomes_of({"P": (None, 999)})
    rows = persistence(responses, visits_of(responses), outcomes, products_of(outcomes), study(auc_days=200))
    row = rows.row(by_predicate=pl.col("antigen") == "A", named=True)
    assert row["auc_per_day"] == pytest.approx((150 + 50) / 200)


@pytest.mark.parametrize(
    ("open_side", "day", "is_bound"),
    [
        ("net_upper", 50, True),  # antigen wells too numerous to count
        ("net_lower", 50, True),  # controls
        ("net_lower", 100, False),  # controls, and yet below the LOD: 0 all the same
        ("net_upper", -7, True),
        ("net_upper", 300, False),  # past the end, and not needed for it
    ],
)
def test_wells_too_numerous_to_count_make_the_area_a_bound_and_it_says_so(open_side, day, is_bound):
    responses = drawn_responses({("P", "A"): "-7:+40 50:+100 100:-1 300:+100"})
    responses = responses.with_columns(pl.when(pl.col("study_day") != day).then(open_side).alias(open_side))
    outcomes = outcomes_of({"P": (None, 999)})
    rows = persistence(responses, visits_of(responses), outcomes, products_of(outcomes), study(auc_days=100))
    row = rows.row(by_predicate=pl.col("antigen") == "A", named=True)
    assert row["auc_is_bound"] is is_bound
    assert row["auc_per_day"] == pytest.approx((25 * (1 + log10(4)) + 25) / 100)


SAMPLES = st.dictionaries(st.integers(-20, 500), st.floats(0, 5000), max_size=14)


@settings(deadline=None, max_examples=20)
@given(SAMPLES, st.one_of(st.none(), st.integers(1, 600)), st.randoms())
def test_the_area_is_the_integral_of_the_line_through_the_samples(samples, death, random):
    drawing = " ".join(f"{day}:+{value:.6f}" for day, value in samples.items())
    responses = drawn_responses({("P", "A"): drawing, ("P", "CMV"): "-7:-"})
    outcomes = outcomes_of({"P": (death, 999)})
    visits, parts = visits_of(responses), study(auc_days=200, auc_max_gap_days=90, auc_hold_days=20)
    order = random.sample(range(responses.height), responses.height)
    others = visits, outcomes, products_of(outcomes), parts
    whole = persistence(responses, *others)
    assert_frame_equal(whole, persistence(responses[order], *others), check_exact=True)
    row = whole.row(by_predicate=pl.col("antigen") == "A", named=True)
    if row["auc_reason"] is not None:
        return
    heights = {day: log10(max(round(value, 6), 10) / 10) for day, value in samples.items()}
    known = sorted(day for day in heights if day > 0)
    days = [0, *known]
    level = [heights[max(day for day in heights if day <= 0)], *(heights[day] for day in known)]

    def at(day: float) -> float:
        if day >= days[-1]:
            return level[-1]
        place = max(n for n, known_day in enumerate(days) if known_day <= day)
        share = (day - days[place]) / (days[place + 1] - days[place])
        return level[place] + share * (level[place + 1] - level[place])

    end = min(200, death or 200)
    # Lines between whole days: trapezoids of one day each are exact.
    integral = sum((at(day) + at(day + 1)) / 2 for day in range(end))
    assert row["auc_per_day"] == pytest.approx(integral / end, abs=1e-9)
    assert max(known) >= end - 20
