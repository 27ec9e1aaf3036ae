"""Kaplan-Meier and log-rank against R's survival, hand calculations, and the protection against immortal time."""

from __future__ import annotations

import random
from math import exp, log, sqrt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.computed import PERSISTENCE_BY_SUBJECT
from expectations.outcome_tables import OUTCOMES, SURVIVAL_CURVES, SURVIVAL_SUMMARIES
from tests.clinical_study import CYTOMETRY, study
from tests.drawing import SHARED, needs_shared, table
from transforms.survival import kaplan_meier, logrank, survival_tables, time_from_landmark

LAWS = settings(max_examples=60, deadline=None)
SURVIVAL = SHARED / "reference" / "survival"
PATIENTS = st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.integers(0, 2)), min_size=1, max_size=20)


def r_rows(name: str, **only: object) -> list[dict[str, object]]:
    return pl.read_csv(SURVIVAL / name, infer_schema_length=None).filter(**only).to_dicts() if SURVIVAL.is_dir() else []


def dataset(name: str) -> pl.DataFrame:
    """One of R's data sets as time and event beside its own columns."""
    frame = pl.read_csv(SURVIVAL / f"data_{name}.csv", infer_schema_length=None)
    time, status = next(
        pair for pair in (("t", "fustat"), ("time", "status"), ("futime", "fustat")) if pair[0] in frame.columns
    )
    # Only `lung` counts its status from 1.
    return frame.with_columns(time=pl.col(time).cast(pl.Float64), event=pl.col(status) == pl.col(status).max())


def part(frame: pl.DataFrame, stratum: str) -> pl.DataFrame:
    column, _, value = stratum.partition("=")
    return frame.filter(pl.col(column).cast(pl.String) == value) if value else frame


@needs_shared
@pytest.mark.parametrize(
    "row", r_rows("R_km_medians.csv", conf_type="log-log"), ids=lambda r: f"{r['dataset']} {r['stratum']}"
)
def test_medians_and_their_limits_are_rs(row: dict[str, object]):
    members = part(dataset(str(row["dataset"])), str(row["stratum"]))
    ours = kaplan_meier(members["time"].to_list(), members["event"].to_list())
    assert (members.height, members["event"].sum()) == (row["n"], row["events"])
    for got, wanted in zip((ours.median, ours.lower, ours.upper), (row["median"], row["lcl"], row["ucl"]), strict=True):
        assert got is None if wanted is None else got == pytest.approx(wanted, abs=1e-9)


@needs_shared
@pytest.mark.parametrize(
    "row",
    [row for row in r_rows("R_logrank.csv", rho=0) if "strata" not in str(row["formula"])],
    ids=lambda r: f"{r['dataset']} {r['formula']}",
)
def test_the_log_rank_test_is_rs(row: dict[str, object]):
    frame = dataset(str(row["dataset"]))
    groups = frame[str(row["formula"]).split("~")[1].strip()].to_list()
    ours = logrank(frame["time"].to_list(), frame["event"].to_list(), groups)
    assert (ours.chi2, ours.p_value) == pytest.approx((row["chisq"], row["p"]), abs=1e-9)
    assert ours.df == row["df"]


@needs_shared
def test_the_reference_covers_medians_and_log_rank_of_two_and_four_groups_and_landmarks():
    assert len(r_rows("R_km_medians.csv", conf_type="log-log")) == 20
    assert {row["df"] for row in r_rows("R_logrank.csv", rho=0)} == {1, 3}
    assert {f"jasa_landmark_{day}" for day in (30, 60, 90)} <= {row["dataset"] for row in r_rows("R_logrank.csv")}


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


@given(patients=PATIENTS)
@LAWS
def test_a_curve_only_falls_lies_within_its_limits_and_accounts_for_everybody(patients: list[tuple[int, bool, int]]):
    durations, events, _ = map(list, zip(*patients, strict=True))
    curve = kaplan_meier(durations, events).curve
    assert curve["survival"].is_sorted(descending=True)
    assert curve.filter(~pl.col("survival").is_between("lower", "upper")).is_empty()
    assert curve["n_events"].sum() + curve["n_censored"].sum() == len(patients)


COHORT = """
    subject_id | is_infused | is_evaluable | os_days | os_event | pfs_days | pfs_event
    P1         | true       | true         | 501     | false    | 301      | true
    P2         | true       | true         | 201     | true     | 101      | true
    P3         | true       | false        | 104     | true     | 1        | false
    P4         | true       | true         | 105     | true     | 61       | true
    P5         | true       | true         | 105     | false    | 61       | true
    P6         | true       | true         | 106     | true     | 61       | true
    P7         | false      | false        |         | true     |          | true
    P8         | true       | true         |         |          | 61       | false
"""


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
        subject_id | is_at_risk | time_days | event | why
        P1         | true       | 396.0     | false | alive long after
        P2         | true       | 96.0      | true  | died long after
        P3         | false      |           |       | died the day before
        P4         | false      |           |       | died on the day
        P5         | true       | 0.0       | false | last known alive on the day
        P6         | true       | 1.0       | true  | died the day after
        P7         | false      |           |       | never infused
        P8         | false      |           |       | no follow-up
    """).drop("why")
    assert time_from_landmark(cohort(), 104).rows() == expected.rows()


def test_who_died_before_the_landmark_is_in_neither_curve_even_if_called_persistent():
    curves, summaries = survival_tables(cohort(), by_subject("++++-+++"), study())
    landmark = summaries.filter(pl.col("landmark_day") == 90)
    assert landmark.select("endpoint", "population", "group", "n", "n_events").rows() == [
        ("OS", "infused", "not persistent", 1, 0),
        ("OS", "infused", "persistent", 3, 2),
    ]
    start = curves.filter(landmark_day=90, group="persistent", time_days=0.0)
    assert start["n_at_risk"].to_list() == [3]


def test_only_the_primary_rule_and_analyte_divide_the_curves():
    rows = pl.concat([by_subject("+-"), by_subject("--", rule="threshold"), by_subject("--", readout="IL2")])
    _, summaries = survival_tables(cohort(), rows, study())
    assert summaries.filter(landmark_day=90).sort("group")["n"].to_list() == [1, 1]


def test_with_cytometry_as_the_primary_assay_its_series_divides_the_curves():
    cytometry = {"assay": "cytometry", "population": "CD8", "rule": "fisher"}
    others = [
        by_subject("--"),
        *(by_subject("--", **{**cytometry, **o}) for o in ({"population": "CD4"}, {"rule": "mimosa"})),
    ]
    settings = study(cytometry=CYTOMETRY, analysis={"primary": {"assay": "cytometry"}})
    _, summaries = survival_tables(cohort(), pl.concat([*others, by_subject("+-", **cytometry)]), settings)
    assert summaries.filter(landmark_day=90).sort("group")["n"].to_list() == [1, 1]


def test_a_group_of_nobody_is_told_with_n_0_and_has_no_curve():
    curves, summaries = survival_tables(cohort(), by_subject("++"), study())
    empty = summaries.filter(group="not persistent")
    assert empty.select("n", "n_events", "median_days").rows() == [(0, 0, None)]
    assert curves.filter(group="not persistent").is_empty()


def test_each_population_runs_from_its_own_start():
    curves, summaries = survival_tables(cohort(), PERSISTENCE_BY_SUBJECT.empty(), study())
    last = curves.filter(endpoint="OS", landmark_day=0).group_by("population").agg(pl.col("time_days").max())
    assert dict(last.rows()) == {"enrolled": 511.0, "infused": 501.0, "evaluable": 501.0}
    expected = table("""
        endpoint | population | n | n_events
        OS       | enrolled   | 7 | 5
        OS       | evaluable  | 5 | 3
        OS       | infused    | 6 | 4
        PFS      | enrolled   | 8 | 6
        PFS      | evaluable  | 6 | 5
        PFS      | infused    | 7 | 5
    """)
    assert summaries.filter(landmark_day=0).select(expected.columns).rows() == expected.rows()


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
