"""Kaplan-Meier and log-rank by hand, endpoints and populations, and the protection against immortal time."""

from __future__ import annotations

import random
from math import exp, log, sqrt
from time import perf_counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.computed import PERSISTENCE_BY_SUBJECT
from expectations.outcome_tables import OUTCOMES, SURVIVAL_CURVES, SURVIVAL_SUMMARIES
from tests.clinical_study import CYTOMETRY, study
from tests.drawing import table
from transforms.survival import kaplan_meier, logrank, survival_tables, time_from_landmark

LAWS = settings(max_examples=60, deadline=None)
PATIENTS = st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.integers(0, 2)), min_size=1, max_size=20)


def test_a_curve_by_hand():
    drawn = table("""
        time | n_at_risk | n_events | n_censored | survival
        0    | 5         | 0        | 0          | 1
        3    | 5         | 1        | 0          | 0.8
        5    | 4         | 1        | 1          | 0.6
        8    | 2         | 0        | 1          | 0.6
        9    | 1         | 1        | 0          | 0
    """)
    curve = kaplan_meier([5, 3, 9, 8, 5], [True, True, True, False, False]).curve
    assert curve.select(drawn.columns).rows() == [pytest.approx(row) for row in drawn.rows()]


def test_log_log_limits_by_hand_and_none_where_the_curve_is_one_or_zero():
    curve = kaplan_meier([1, 2, 3, 4], [True, True, True, True]).curve
    greenwood = 1 / (4 * 3) + 1 / (3 * 2)
    width = 1.959963984540054 * sqrt(greenwood) / abs(log(0.5))
    lower, upper = (0.5 ** exp(sign * width) for sign in (1, -1))
    assert curve.row(2)[-2:] == pytest.approx((lower, upper))
    assert (curve.row(0)[-2:], curve.row(4)[-2:]) == ((None, None), (None, None))


@pytest.mark.parametrize(
    ("durations", "events", "median", "why"),
    [
        ([1, 2, 3, 4], "1111", 2.5, "at one half from 2 to 3: the midpoint"),
        ([1, 2, 3, 4], "1101", 3.0, "at one half from 2 to 4, a censoring between"),
        ([1, 2, 3, 4], "1100", 2.0, "at one half from 2 and never below: where it gets there"),
        ([1, 2, 3], "111", 2.0, "from 2/3 to 1/3 at 2"),
        ([1, 2, 3, 4], "1000", None, "never at one half"),
        (list(range(1, 11)), "1111111111", 5.5, "9/10 x 8/9 x 7/8 x 6/7 x 5/6 is one half, but for rounding"),
    ],
)
def test_the_median(durations: list[float], events: str, median: float | None, why: str):
    assert kaplan_meier(durations, [event == "1" for event in events]).median == median, why


def test_nobody_has_an_empty_curve_and_no_median():
    ours = kaplan_meier([], [])
    assert (ours.curve.height, ours.median, ours.lower, ours.upper) == (0, None, None, None)


@pytest.mark.parametrize(
    ("durations", "events", "groups"),
    [
        ([1, 2, 3], [True] * 3, ["a", "a", "a"]),
        ([1, 2, 3], [False] * 3, ["a", "b", "b"]),
        ([1, 5, 6], [False, True, True], ["a", "b", "b"]),
        ([4, 4, 4], [True] * 3, ["a", "b", "b"]),
        ([], [], []),
    ],
    ids=["one group", "no events", "one group gone before the first event", "all die together", "nobody"],
)
def test_a_log_rank_test_in_which_nothing_varies_does_not_exist(
    durations: list[float], events: list[bool], groups: list[str]
):
    assert logrank(durations, events, groups) is None


@given(patients=PATIENTS, seed=st.integers())
@LAWS
def test_the_order_of_patients_is_irrelevant(patients: list[tuple[int, bool, int]], seed: int):
    shuffled = random.Random(seed).sample(patients, k=len(patients))
    (t, e, g), (t2, e2, g2) = (map(list, zip(*each, strict=True)) for each in (patients, shuffled))
    assert kaplan_meier(t, e).curve.equals(kaplan_meier(t2, e2).curve)
    first, second = logrank(t, e, g), logrank(t2, e2, g2)
    assert (first and first.chi2) == pytest.approx(second and second.chi2)


@given(patients=PATIENTS, seed=st.integers(0, 9))
@LAWS
def test_strata_that_hold_everybody_and_weights_of_one_change_nothing(patients: list[tuple[int, bool, int]], seed: int):
    t, e, g = map(list, zip(*patients, strict=True))
    plain, same = logrank(t, e, g), logrank(t, e, g, strata=[seed] * len(t), rho=0.0)
    assert (plain and plain.chi2) == pytest.approx(same and same.chi2)


def test_a_stratified_log_rank_test_by_hand():
    # Stratum x: at 1, a dies of a and b: expected 1/2, variance 1/4. Stratum y: at 2, b dies of a, a, b: 2/3, 2/9.
    durations, events = [1, 5, 2, 6, 7], [True, False, True, False, False]
    groups, strata = ["a", "b", "b", "a", "a"], ["x", "x", "y", "y", "y"]
    assert logrank(durations, events, groups, strata).chi2 == pytest.approx((1 - 1 / 2 - 2 / 3) ** 2 / (1 / 4 + 2 / 9))


@given(patients=PATIENTS)
@LAWS
def test_a_curve_only_falls_lies_within_its_limits_and_accounts_for_everybody(patients: list[tuple[int, bool, int]]):
    durations, events, _ = map(list, zip(*patients, strict=True))
    curve = kaplan_meier(durations, events).curve
    assert curve["survival"].is_sorted(descending=True)
    assert curve.filter(~pl.col("survival").is_between("lower", "upper")).is_empty()
    assert curve["n_events"].sum() + curve["n_censored"].sum() == len(patients)


COHORT = """
    subject_id | is_infused | is_evaluable | is_responder | os_days | os_event | pfs_days | pfs_event | pfs_reason      | dor_days | dor_event
    P1         | true       | true         | true         | 501     | false    | 301      | true      | progression     | 241      | true
    P2         | true       | true         | true         | 201     | true     | 101      | true      | progression     | 31       | true
    P3         | true       | false        |              | 104     | true     | 1        | false     | no_assessment   |          |
    P4         | true       | true         | false        | 105     | true     | 105      | true      | death           |          |
    P5         | true       | true         | false        | 105     | false    | 61       | true      | progression     |          |
    P6         | true       | true         | true         | 106     | true     | 106      | true      | death           | 46       | true
    P7         | false      | false        |              |         | true     |          | true      | progression     |          |
    P8         | true       | true         | true         |         |          | 105      | false     | last_assessment | 45       | false
    P9         | true       | true         | false        | 900     | false    | 104      | false     | new_therapy     |          |
"""  # noqa: E501 - one subject a line


def cohort() -> pl.DataFrame:
    """Infused 10 days after enrolment, but for P7, who died 50 days after it, progressed 30 days after it."""
    uninfused = pl.col("subject_id") == "P7"
    return table(COHORT, OUTCOMES).with_columns(
        pl.when(uninfused).then(51).otherwise(pl.col("os_days") + 10).alias("os_days_from_enrolment"),
        pl.when(uninfused).then(31).otherwise(pl.col("pfs_days") + 10).alias("pfs_days_from_enrolment"),
    )


def by_subject(persistent: str, **constants: object) -> pl.DataFrame:
    """Subjects P1, P2, ... at landmark 90: + persistent, - not, ? not evaluable."""
    rows = "\n".join(
        f"P{n} | {dict(zip('+-?', ('true', 'false', ''), strict=True))[s]}" for n, s in enumerate(persistent, 1)
    )
    traits = {"assay": "elispot", "population": "all cells", "readout": "IFNg", "rule": "dfr_eq"}
    traits |= {"landmark_day": 90, "half_width_days": 14}
    return table(f"subject_id | persistent\n{rows}", PERSISTENCE_BY_SUBJECT, **{**traits, **constants})


def test_at_risk_at_a_landmark_is_who_is_known_alive_on_that_day():
    # os_days counts both ends: 105 days end on study day 104 = 90 + 14.
    expected = table("""
        subject_id | is_at_risk | time_days | event | why_not      | case
        P1         | true       | 396.0     | false |              | alive long after
        P2         | true       | 96.0      | true  |              | died long after
        P3         | false      |           |       | death        | died the day before
        P4         | false      |           |       | death        | died on the day
        P5         | true       | 0.0       | false |              | last known alive on the day
        P6         | true       | 1.0       | true  |              | died the day after
        P7         | false      |           |       |              | never infused
        P8         | false      |           |       | not_followed | no follow-up
        P9         | true       | 795.0     | false |              | alive long after
    """).drop("case")
    assert time_from_landmark(cohort(), 104).rows() == expected.rows()


def test_at_risk_of_progression_at_a_landmark_is_who_is_known_free_of_it_on_that_day():
    expected = table("""
        subject_id | is_at_risk | time_days | event | why_not      | case
        P1         | true       | 196.0     | true  |              | progressed long after
        P2         | false      |           |       | progression  | progressed the day before the landmark, died later
        P3         | false      |           |       | death        | never assessed, died
        P4         | false      |           |       | death        | died on the day
        P5         | false      |           |       | progression  | progressed before, alive on the day
        P6         | true       | 1.0       | true  |              | died the day after
        P7         | false      |           |       |              | never infused
        P8         | true       | 0.0       | false |              | last assessed on the day
        P9         | false      |           |       | not_followed | censored the day before, alive long after
    """).drop("case")
    assert time_from_landmark(cohort(), 104, "PFS").rows() == expected.rows()


@given(day=st.integers(1, 600), endpoint=st.sampled_from(["OS", "PFS"]))
@LAWS
def test_every_infused_subject_is_at_risk_or_told_why_not(day: int, endpoint: str):
    told = time_from_landmark(cohort(), day, endpoint).filter(pl.col("subject_id") != "P7")
    assert (told["is_at_risk"] == told["why_not"].is_null()).all()
    assert (told["is_at_risk"] == told["time_days"].is_not_null()).all()


def test_who_died_or_progressed_before_the_landmark_is_in_neither_curve_even_if_called_persistent():
    curves, summaries = survival_tables(cohort(), by_subject("++++-++++"), study())
    landmark = summaries.filter(pl.col("landmark_day") == 90)
    assert landmark.select("endpoint", "population", "group", "n", "n_events").rows() == [
        ("OS", "infused", "not persistent", 1, 0),
        ("OS", "infused", "persistent", 4, 2),
        ("PFS", "infused", "not persistent", 0, 0),
        ("PFS", "infused", "persistent", 3, 2),
    ]
    start = curves.filter(endpoint="OS", landmark_day=90, group="persistent", time_days=0.0)
    assert start["n_at_risk"].to_list() == [4]


def test_only_the_primary_rule_and_analyte_divide_the_curves():
    rows = pl.concat([by_subject("+-"), by_subject("--", rule="threshold"), by_subject("--", readout="IL2")])
    _, summaries = survival_tables(cohort(), rows, study())
    assert summaries.filter(endpoint="OS", landmark_day=90).sort("group")["n"].to_list() == [1, 1]


def test_with_cytometry_as_the_primary_assay_its_series_divides_the_curves():
    cytometry = {"assay": "cytometry", "population": "CD8", "rule": "fisher"}
    others = [
        by_subject("--"),
        *(by_subject("--", **{**cytometry, **o}) for o in ({"population": "CD4"}, {"rule": "mimosa"})),
    ]
    settings = study(cytometry=CYTOMETRY, analysis={"primary": {"assay": "cytometry"}})
    _, summaries = survival_tables(cohort(), pl.concat([*others, by_subject("+-", **cytometry)]), settings)
    assert summaries.filter(endpoint="OS", landmark_day=90).sort("group")["n"].to_list() == [1, 1]


def test_a_group_of_nobody_is_told_with_n_0_and_has_no_curve():
    curves, summaries = survival_tables(cohort(), by_subject("++"), study())
    empty = summaries.filter(endpoint="OS", group="not persistent")
    assert empty.select("n", "n_events", "median_days").rows() == [(0, 0, None)]
    assert curves.filter(group="not persistent").is_empty()


def test_each_population_runs_from_its_own_start():
    curves, summaries = survival_tables(cohort(), PERSISTENCE_BY_SUBJECT.empty(), study())
    last = curves.filter(endpoint="OS", landmark_day=0).group_by("population").agg(pl.col("time_days").max())
    assert dict(last.rows()) == {"enrolled": 910.0, "infused": 900.0, "evaluable": 900.0}
    expected = table("""
        endpoint  | population | n | n_events
        DOR       | evaluable  | 4 | 3
        FOLLOW-UP | enrolled   | 8 | 3
        FOLLOW-UP | evaluable  | 6 | 3
        FOLLOW-UP | infused    | 7 | 3
        OS        | enrolled   | 8 | 5
        OS        | evaluable  | 6 | 3
        OS        | infused    | 7 | 4
        PFS       | enrolled   | 9 | 6
        PFS       | evaluable  | 7 | 5
        PFS       | infused    | 8 | 5
    """)
    assert summaries.filter(landmark_day=0).select(expected.columns).rows() == expected.rows()


def test_follow_up_is_the_reverse_curve_in_which_a_death_censors():
    # Deaths on days 104, 105, 106 and 201 censor; at the ends on 105, 501 and 900, six, two and one are still there.
    curves, summaries = survival_tables(cohort(), PERSISTENCE_BY_SUBJECT.empty(), study())
    steps = curves.filter(pl.col("n_events") > 0, endpoint="FOLLOW-UP", population="infused")
    assert steps.select("time_days", "n_at_risk").rows() == [(105.0, 6), (501.0, 2), (900.0, 1)]
    assert steps["survival"].to_list() == pytest.approx([5 / 6, 5 / 12, 0])
    (row,) = summaries.filter(endpoint="FOLLOW-UP", population="infused").to_dicts()
    assert row["median_days"] == 501


def test_the_duration_of_response_is_of_the_responders():
    curves, _ = survival_tables(cohort(), PERSISTENCE_BY_SUBJECT.empty(), study())
    steps = curves.filter(endpoint="DOR").select("time_days", "n_at_risk", "n_events", "n_censored")
    assert steps.rows() == [(0, 4, 0, 0), (31, 4, 1, 0), (45, 3, 0, 1), (46, 2, 1, 0), (241, 1, 1, 0)]


def test_ten_thousand_subjects_take_no_time():
    draw = np.random.default_rng(1)
    time, event, group = draw.integers(1, 3000, 10_000), draw.random(10_000) < 0.6, draw.integers(0, 2, 10_000)
    start = perf_counter()
    kaplan_meier(time.tolist(), event.tolist())
    logrank(time.tolist(), event.tolist(), group.tolist())
    assert perf_counter() - start < 1


def test_medians_are_told_in_days_and_in_months():
    outcomes = cohort().filter(pl.col("subject_id").is_in(["P2", "P4", "P6"]))
    _, summaries = survival_tables(outcomes, PERSISTENCE_BY_SUBJECT.empty(), study())
    (row,) = summaries.filter(endpoint="OS", population="infused", landmark_day=0).to_dicts()
    assert (row["median_days"], row["median_months"]) == (106, pytest.approx(106 / 30.4375))


def test_both_tables_keep_the_contract():
    curves, summaries = survival_tables(cohort(), by_subject("+-?+-"), study())
    for frame, contract in ((curves, SURVIVAL_CURVES), (summaries, SURVIVAL_SUMMARIES)):
        assert frame.schema == contract.schema
        assert frame.select(contract.key).is_duplicated().sum() == 0
        assert frame.select(contract.required).null_count().sum_horizontal().item() == 0
