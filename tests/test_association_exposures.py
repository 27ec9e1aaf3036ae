"""Exposures: numbers and shares at a landmark, markers that change over time, and what each method makes of them."""

from __future__ import annotations

from math import exp, log

import polars as pl
import pytest

from expectations.analyses import EXPOSURE, OUTCOME, methods_for
from expectations.computed import PERSISTENCE_BY_SUBJECT
from tests.clinical_study import study as clinical_study
from tests.drawing import table
from tests.drawn_associations import associate, by_subject, cohort, under
from tests.drawn_series import MULTIMERS, drawn_responses, in_cytometry, study, visits_of
from transforms.association_exposures import at_landmark, markers, over_time

ELISPOT = ("elispot", "all cells", "IFNg", "dfr_eq")


def test_numbers_and_shares_exist_where_every_antigen_was_evaluable():
    subjects = table("""
        subject_id | n_antigens_declared | n_antigens_evaluable | n_antigens_persistent | n_product_antigens_evaluable | n_product_antigens | n_product_antigens_persistent | n    | share
        all        | 4                   | 4                    | 2                     | 4                            | 3                  | 2                             | 2.0  | 0.6666666666666666
        none       | 4                   | 4                    | 0                     | 4                            | 1                  | 0                             | 0.0  | 0.0
        untested   | 4                   | 3                    | 2                     | 4                            | 3                  | 2                             |      |
        no product | 4                   | 4                    | 1                     | 4                            | 0                  | 0                             | 1.0  |
        1 of 1 or 2 | 2                  | 2                    | 1                     | 1                            | 1                  | 1                             | 1.0  |
    """)  # noqa: E501
    known = under(PERSISTENCE_BY_SUBJECT, subjects.drop("n", "share"))
    for exposure, name in (("n_persistent_at_landmark", "n"), ("product_share_at_landmark", "share")):
        assert at_landmark(exposure, known)["exposure"].to_list() == subjects[name].to_list()


def intervals_of(series: dict[tuple[str, str], str], ends: dict[str, tuple[int, bool]]) -> list[tuple]:
    responses = drawn_responses(series)
    rows = [(subject, float(day), event) for subject, (day, event) in ends.items()]
    followed = pl.DataFrame(
        rows, schema={"subject_id": pl.String, "time_days": pl.Float64, "event": pl.Boolean}, orient="row"
    )
    marked = markers(responses, visits_of(responses), study())
    return over_time(marked, ELISPOT, followed).rows()


def test_the_marker_changes_on_the_day_of_a_sample_and_is_kept_until_the_next():
    series = {("P1", "A"): "-7:+ 30:+ 90:- 200:-", ("P1", "B"): "-7:- 30:- 90:- 200:+"}
    assert intervals_of(series, {"P1": (300, True)}) == [
        ("P1", 30, 90, False, True),
        ("P1", 90, 200, False, False),
        ("P1", 200, 300, True, True),
    ]


def test_a_subject_enters_at_the_first_sample_that_tells():
    # Day 14 has antigen A alone, negative: B might be positive. Day 30 tells: A is positive.
    series = {("P1", "A"): "-7:+ 14:- 30:+ 90:-", ("P1", "B"): "-7:+ 90:0"}
    # Day 90 does not tell either: A is negative, B not evaluable.
    assert intervals_of(series, {"P1": (300, False)}) == [("P1", 30, 300, False, True)]


@pytest.mark.parametrize("late", ["", "120:-", "150:-"])
def test_a_sample_on_or_after_the_day_of_the_event_changes_nothing(late: str):
    series = {("P1", antigen): f"30:+ {late}" for antigen in "AB"}
    assert intervals_of(series, {"P1": (120, True)}) == [("P1", 30, 120, True, True)]


def test_who_has_no_sample_before_the_end_is_in_no_interval():
    assert intervals_of({("P1", "A"): "-7:+ 30:+"}, {"P1": (30, True), "P2": (90, True)}) == []


def test_a_viral_comparator_makes_nobody_positive():
    series = {("P1", "A"): "30:-", ("P1", "B"): "30:-", ("P1", "CMV"): "30:+ 60:+"}
    assert intervals_of(series, {"P1": (90, True)}) == [("P1", 30, 90, True, False)]


def test_with_multimers_the_antigens_that_have_one_are_enough():
    responses = in_cytometry(drawn_responses({("P1", "A"): "30:-"}), readout="multimer")
    marked = markers(responses, visits_of(responses), study(cytometry=MULTIMERS))
    assert marked.select("study_day", "is_positive").rows() == [(30, False)]


OVER_TIME = {
    ("P1", "A"): "30:+ 90:-", ("P2", "A"): "20:-", ("P3", "A"): "40:+", ("P4", "A"): "35:- 100:+", ("P5", "A"): "10:+",
    ("P6", "A"): "25:-", ("P7", "A"): "80:+",
}  # fmt: skip
SURVIVAL = """
    subject_id | is_infused | best | os_days | os_event | persistent | cells | is_below_lod | lod
    P1         | true       | PR   | 151     | true     |            |       |              |
    P2         | true       | PD   | 61      | true     |            |       |              |
    P3         | true       | PR   | 401     | false    |            |       |              |
    P4         | true       | SD   | 301     | true     |            |       |              |
    P5         | true       | PR   | 121     | true     |            |       |              |
    P6         | true       | PD   | 91      | true     |            |       |              |
    P7         | true       | SD   | 71      | true     |            |       |              |
    P8         | true       | SD   | 501     | false    |            |       |              |
    P9         | true       | SD   | 1       | true     |            |       |              |
"""


def over_time_row(method: str) -> dict:
    responses = drawn_responses(OVER_TIME).with_columns(antigen=pl.lit("MART-1"))
    declared = {"exposure": "positive_over_time", "outcome": "OS", "method": method}
    rows = associate(
        cohort(SURVIVAL),
        clinical_study(analysis={"primary": declared}),
        responses=responses,
        visited_specimens=visits_of(responses),
    )
    return rows.row(by_predicate=pl.col("family") == "primary", named=True)


AT_EACH_DEATH = [(3, 3, 0), (3, 2, 0), (3, 1, 1), (2, 1, 0), (2, 0, 1)]
"""Positive and others at risk by their latest sample, and positives who die, by hand.

Day 60: P1 P3 P5 and P2 P4 P6, P2 dies. Day 90: P1 P3 P5 and P4 P6, P6 dies; the sample of P1 that day is too late to
count. Day 120: P3 P4 P5 and P1, P5 dies. Day 150: P3 P4 and P1, P1 dies. Day 300: P3 P4, P4 dies.
"""


def test_the_score_over_time_by_hand():
    row = over_time_row("score_over_time")
    deaths = AT_EACH_DEATH[:4]  # at the last nobody is there to compare with
    expected = sum(a / (a + b) for a, b, _ in deaths)
    assert row["statistic"] == pytest.approx(1 - expected)
    shares = [1.0]
    for a, b, _ in deaths:  # chance of 0, 1, ... positives among the dying
        p = a / (a + b)
        shares = [stay * (1 - p) + move * p for stay, move in zip([*shares, 0], [0, *shares], strict=True)]
    as_far = sum(share for k, share in enumerate(shares) if abs(k - expected) >= abs(1 - expected) - 1e-9)
    assert row["p_value"] == pytest.approx(as_far)


def test_the_cox_model_over_time_by_hand():
    row = over_time_row("cox_over_time")

    def log_likelihood(beta: float) -> float:
        return sum(dies * beta - log(a * exp(beta) + b) for a, b, dies in AT_EACH_DEATH)

    beta = log(row["estimate"])
    assert log_likelihood(beta) > max(log_likelihood(beta - 0.001), log_likelihood(beta + 0.001))
    assert row["estimate"] == pytest.approx(over_time_row("score_over_time")["estimate"])
    assert "Subjects enter at their first evaluable sample" in row["reads"]


def test_subjects_without_a_telling_sample_are_left_out_of_a_comparison_over_time():
    row = over_time_row("score_over_time")
    # P9 died on day 0. P7 died on day 70 before its sample, P8 has none.
    assert (row["n"], row["n_excluded_death"], row["n_excluded_exposure"]) == (6, 1, 2)
    assert (row["n_events"], row["n_exposed_with_outcome"], row["n_unexposed_with_outcome"]) == (5, 2, 3)
    assert (row["n_exposed"], row["n_unexposed"], row["time_zero_day"], row["landmark_day"]) == (None, None, 0, 0)


OFFERED = [(e, o, m) for e in EXPOSURE for o in OUTCOME for m in methods_for(e, o)]


@pytest.mark.parametrize(("exposure", "outcome", "method"), OFFERED)
def test_every_method_that_is_offered_runs(exposure: str, outcome: str, method: str):
    numbers = pl.int_range(pl.len())
    drawn = cohort().with_columns(
        pl.col("persistent").fill_null(value=True),
        induced=numbers % 3 == 0,
        best_change_percent=(numbers * 37 % 50).cast(pl.Float64) - 40,
    )
    known = by_subject(drawn).with_columns(
        n_antigens_declared=pl.lit(5, pl.Int32),
        n_antigens_evaluable=pl.lit(5, pl.Int32),
        n_antigens_persistent=(numbers * 7 % 5).cast(pl.Int32),
        n_product_antigens_evaluable=pl.lit(5, pl.Int32),
        n_product_antigens=pl.lit(4, pl.Int32),
        n_product_antigens_persistent=(numbers * 7 % 5 % 4).cast(pl.Int32),
        sum_net_value=(numbers * 13 % 11).cast(pl.Float64),
    )
    series = {(f"P{n}", "A"): f"{5 + n}:{'+-'[n % 2]} {40 + n}:{'+-'[n % 3 > 0]}" for n in range(1, 16)}
    responses = drawn_responses(series).with_columns(antigen=pl.lit("MART-1"))
    declared = {"exposure": exposure, "outcome": outcome, "method": method}
    analysis = {"primary": declared, "exploratory": {"exposures": [], "outcomes": []}}
    tables = {"responses": responses, "visited_specimens": visits_of(responses)}
    rows = associate(drawn, clinical_study(analysis=analysis), known, **tables)
    row = rows.row(by_predicate=pl.col("family") == "primary", named=True)
    assert row["method"] == method
    assert row["p_value"] is not None, row["reason"]
    assert row["estimate"] is not None, row["reads"]
