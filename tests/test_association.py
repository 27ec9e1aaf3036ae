"""Associations: who is compared, who is left out, what the numbers are and how they are told."""

from __future__ import annotations

from itertools import combinations
from math import comb, exp, inf, log
from statistics import median
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.association_tables import ASSOCIATIONS
from expectations.computed import PERSISTENCE, PERSISTENCE_BY_SUBJECT
from tests.clinical_study import study
from tests.drawing import SHARED, needs_shared, table
from tests.drawn_associations import associate, by_subject, cohort, outcomes
from transforms.survival import survival_tables

LAWS = settings(max_examples=25, deadline=None)
PERSISTENT, CELLS = "persistent_at_landmark", "tumour_reactive_cells_infused"
EVERY_OUTCOME = {"exploratory": {"exposures": [PERSISTENT, CELLS], "outcomes": [
    "responder", "disease_control", "complete_response", "best_response", "best_change_percent", "OS", "PFS",
]}}  # fmt: skip


def row_of(outcome: str, exposure: str = PERSISTENT, drawn: pl.DataFrame | None = None, **analysis: Any) -> dict:
    drawn = cohort() if drawn is None else drawn
    rows = associate(drawn, study(analysis=EVERY_OUTCOME | analysis)).filter(outcome=outcome, exposure=exposure)
    return rows.row(by_predicate=pl.col("method") != "firth_logistic", named=True)


def test_every_analysis_leaves_out_each_subject_once_under_the_first_reason_that_holds():
    # Response: P14 never infused; P9 died on day 104 = L + w, P10 and P13 before; P12 without one; P11 without
    # persistence. P9 and P10 had been found persistent before they died.
    # Ordered response: P11 too is without one, as NON-CR/NON-PD has no place in the order.
    # OS from day 104: P9 died on it, P10 and P13 before, P15 is not followed.
    # PFS from day 104: P5 and P7 progressed; P11 was censored before.
    # Cells, known on day 0: P12 and P13 without a response; P10 and P13 have no number; P9 dies on day 104 > 0.
    expected = table("""
        exposure                      | outcome           | n  | n_excluded_not_infused | n_excluded_death | n_excluded_progression | n_excluded_outcome | n_excluded_exposure
        persistent_at_landmark        | responder         | 9  | 1                      | 3                | 0                      | 1                  | 1
        persistent_at_landmark        | complete_response | 9  | 1                      | 3                | 0                      | 1                  | 1
        persistent_at_landmark        | disease_control   | 9  | 1                      | 3                | 0                      | 1                  | 1
        persistent_at_landmark        | best_response     | 9  | 1                      | 3                | 0                      | 2                  | 0
        persistent_at_landmark        | OS                | 9  | 1                      | 4                | 0                      | 0                  | 1
        persistent_at_landmark        | PFS               | 7  | 1                      | 5                | 2                      | 0                  | 0
        tumour_reactive_cells_infused | responder         | 11 | 1                      | 0                | 0                      | 2                  | 1
        tumour_reactive_cells_infused | OS                | 11 | 1                      | 1                | 0                      | 0                  | 2
        tumour_reactive_cells_infused | PFS               | 11 | 1                      | 1                | 0                      | 0                  | 2
    """)  # noqa: E501
    rows = associate(cohort(), study(analysis=EVERY_OUTCOME)).filter(pl.col("method") != "firth_logistic")
    found = expected.select("exposure", "outcome").join(
        rows, on=["exposure", "outcome"], how="left", maintain_order="left"
    )
    assert found.select(expected.columns).rows() == expected.rows()


def test_fisher_by_hand():
    row = row_of("responder")
    # Responders 3 of 4 persistent, 1 of 5 not. Tables with these margins weigh 5, 40, 60, 20, 1 of 126.
    assert (row["n_exposed_with_outcome"], row["n_exposed"]) == (3, 4)
    assert (row["n_unexposed_with_outcome"], row["n_unexposed"]) == (1, 5)
    assert row["p_value"] == pytest.approx((5 + 20 + 1) / 126)
    assert row["statistic"] == pytest.approx(3 * 4 / (1 * 1))
    assert row["lower"] < row["estimate"] < row["upper"]
    assert (row["estimate_name"], row["time_zero_day"], row["reason"]) == ("conditional odds ratio", None, None)


@pytest.mark.parametrize(
    ("outcome", "exposed", "others"), [("disease_control", (4, 4), (3, 5)), ("complete_response", (2, 4), (0, 5))]
)
def test_other_yes_or_no_responses_are_counted_by_their_own_definition(
    outcome: str, exposed: tuple[int, int], others: tuple[int, int]
):
    row = row_of(outcome)
    assert (row["n_exposed_with_outcome"], row["n_exposed"]) == exposed
    assert (row["n_unexposed_with_outcome"], row["n_unexposed"]) == others


DEATHS_AT_RISK = [(4, 5), (4, 4), (4, 3), (4, 2), (3, 2), (3, 1), (2, 0)]
"""Persistent and others at risk at each death after day 104."""
OS_FROM_104 = [
    (396, 0, 1), (296, 1, 1), (196, 0, 1), (175, 1, 0), (145, 1, 1), (95, 1, 0), (45, 1, 0), (15, 1, 0), (195, 1, 0),
]  # fmt: skip
"""Days from day 104, death, persistent: P1 to P8, P12."""


def excess(subjects: list[tuple[int, int, int]], exposed: tuple[int, ...]) -> float:
    """Observed minus expected events of the subjects at these places, from the definition; times do not tie."""
    told = 0.0
    for place, (time, event, _) in enumerate(subjects):
        at_risk = [other for other, (later, _, _) in enumerate(subjects) if later >= time]
        told += event * ((place in exposed) - len(set(exposed) & set(at_risk)) / len(at_risk))
    return told


def test_the_landmark_log_rank_test_by_hand():
    row = row_of("OS")
    assert (row["n_exposed_with_outcome"], row["n_exposed"]) == (2, 4)
    assert (row["n_unexposed_with_outcome"], row["n_unexposed"], row["n_events"]) == (5, 5, 7)
    expected = sum(a / (a + b) for a, b in DEATHS_AT_RISK)
    variance = sum(a * b / (a + b) ** 2 for a, b in DEATHS_AT_RISK)
    assert row["statistic"] == pytest.approx((2 - expected) ** 2 / variance)
    assert (row["method"], row["time_zero_day"], row["n_permutations"]) == ("logrank_permutation", 104, None)


def test_its_p_value_is_the_share_of_divisions_as_far_from_the_expected():
    seen = abs(excess(OS_FROM_104, tuple(i for i, one in enumerate(OS_FROM_104) if one[2])))
    every = [abs(excess(OS_FROM_104, exposed)) for exposed in combinations(range(9), 4)]
    assert row_of("OS")["p_value"] == pytest.approx(sum(one >= seen - 1e-9 for one in every) / comb(9, 4))


def test_the_hazard_ratio_is_where_the_partial_likelihood_is_highest():
    row = row_of("OS")

    def log_likelihood(beta: float) -> float:
        return 2 * beta - sum(log(a * exp(beta) + b) for a, b in DEATHS_AT_RISK)

    beta = log(row["estimate"])
    assert log_likelihood(beta) > max(log_likelihood(beta - 0.001), log_likelihood(beta + 0.001))
    # 1.920729 is half of the 95 % point of chi-square with one degree of freedom.
    for end in ("lower", "upper"):
        assert log_likelihood(beta) - log_likelihood(log(row[end])) == pytest.approx(1.920729, abs=1e-4)
    assert row["estimate_name"] == "hazard ratio"


def test_the_ordered_response_by_hand():
    row = row_of("best_response")
    # PD P7 P15, SD P5 P6 P8, PR P2 P4, CR P1 P3; 1 is persistent.
    groups = [[0, 0], [1, 0, 0], [1, 0], [1, 1]]
    pairs = [(a, b) for lower, higher in combinations(groups, 2) for a in lower for b in higher]
    concordant = sum((b > a) + (a == b) / 2 for a, b in pairs)
    assert row["statistic"] == concordant
    assert row["estimate"] == pytest.approx(concordant / len(pairs))
    assert (row["n_exposed"], row["n_unexposed"], row["n_exposed_with_outcome"]) == (4, 5, None)


def test_wilcoxon_by_hand():
    row = row_of("responder", CELLS)
    # The four responders hold the four highest of eleven ranks.
    assert (row["n_exposed"], row["n_unexposed"], row["statistic"]) == (4, 7, 11 + 10 + 9 + 8)
    assert row["p_value"] == pytest.approx(2 / comb(11, 4))
    differences = [a - b for a in (9e8, 8e8, 7e8, 6e8) for b in (5e8, 4e8, 3e8, 2e8, 1e8, 5e7, 3e7)]
    assert row["estimate"] == pytest.approx(median(differences))
    assert 0 < row["lower"] < row["estimate"] < row["upper"]
    assert (row["rule"], row["landmark_day"], row["n_exposed_with_outcome"]) == ("dfr_eq", 0, None)


def test_cells_against_time_are_taken_by_rank_with_a_hazard_ratio_per_tenfold_number():
    row = row_of("OS", CELLS)
    assert (row["method"], row["time_zero_day"], row["n_exposed"]) == ("score_permutation", 0, None)
    assert (row["n_permutations"], row["seed"]) == (9999, 1)
    assert row["estimate_name"] == "hazard ratio per tenfold number of cells"
    times_ten = row_of("OS", CELLS, cohort().with_columns(pl.col("cells") * 10))
    assert times_ten["estimate"] == pytest.approx(row["estimate"])


def test_the_change_of_the_sum_is_compared_between_groups_and_correlated_with_numbers():
    changed = cohort().with_columns(best_change_percent=-pl.col("cells") / 1e7)
    groups, ranks = row_of("best_change_percent", PERSISTENT, changed), row_of("best_change_percent", CELLS, changed)
    assert groups["estimate_name"] == "Hodges-Lehmann shift, exposed minus others"
    exposed, others = (-90, -80, -70, -50), (-60, -40, -30, -20, -4, -3)
    assert groups["estimate"] == pytest.approx(median(a - b for a in exposed for b in others))
    assert (ranks["method"], ranks["estimate"], ranks["n"]) == ("spearman_permutation", pytest.approx(-1), 12)


@needs_shared
@pytest.mark.parametrize("day", [30, 60, 90])
def test_landmark_analyses_of_the_stanford_heart_transplants_are_rs(day: int):
    # Transplanted by the landmark is the exposure; R's data hold those alive then, with the time t since.
    given = pl.read_csv(SHARED / "reference" / "survival" / f"data_jasa_landmark_{day}.csv", null_values="NA")
    drawn = given.select(
        subject_id=pl.format("P{}", pl.int_range(pl.len())),
        is_infused=pl.lit(value=True),
        os_days=(pl.col("futime") + 1).cast(pl.Int32),
        os_event=pl.col("fustat") == 1,
        persistent=pl.col("tx") == 1,
        **dict.fromkeys(("best", "pfs_reason"), pl.lit(None, pl.String)),
        **dict.fromkeys(("cells", "lod"), pl.lit(None, pl.Float64)),
        pfs_days=pl.lit(None, pl.Int32),
        **dict.fromkeys(("pfs_event", "is_below_lod"), pl.lit(None, pl.Boolean)),
    )
    secondary = [{"outcome": "OS", "method": method} for method in ("landmark_logrank", "landmark_cox")]
    settings = study(persistence={"landmarks": [{"day": day, "half_width": 0}]}, analysis={"secondary": secondary})
    exposure = by_subject(drawn, landmark_day=day, half_width_days=0)
    rows = {row["method"]: row for row in associate(drawn, settings, exposure).filter(family="secondary").to_dicts()}
    of_r = {"dataset": f"jasa_landmark_{day}"}
    (chi2,) = reference("R_logrank").filter(**of_r, rho=0)["chisq"]
    (model,) = reference("R_cox").filter(**of_r).to_dicts()
    assert rows["landmark_logrank"]["statistic"] == pytest.approx(chi2, rel=1e-6)
    assert log(rows["landmark_cox"]["estimate"]) == pytest.approx(model["coef"], rel=1e-6)
    assert rows["landmark_cox"]["statistic"] == pytest.approx(model["z"], rel=1e-6)
    assert (rows["landmark_cox"]["n"], rows["landmark_cox"]["n_events"]) == (model["n"], model["nevent"])


def reference(name: str) -> pl.DataFrame:
    return pl.read_csv(SHARED / "reference" / "survival" / f"{name}.csv", null_values="NA")


def test_who_died_before_time_zero_is_in_neither_group_whatever_the_classification():
    early = cohort().with_columns(
        persistent=pl.when(subject_id="P10").then(pl.lit(value=False)).otherwise("persistent")
    )
    names = ["n", "n_exposed", "n_unexposed", "statistic", "p_value", "estimate"]
    assert [row_of("OS", drawn=early)[name] for name in names] == [row_of("OS")[name] for name in names]


@pytest.mark.parametrize("outcome", ["OS", "PFS"])
def test_what_happens_before_time_zero_never_moves_a_landmark_comparison(outcome: str):
    # Those with an event before day 104 could have had it on day 1; nothing would be different.
    days = f"{outcome.lower()}_days"
    sooner = cohort().with_columns(pl.when(pl.col(days) < 105).then(2).otherwise(days).alias(days))
    assert row_of(outcome, drawn=sooner) == row_of(outcome)


def test_the_groups_are_those_of_the_survival_curves():
    drawn = cohort()
    _, summaries = survival_tables(outcomes(drawn).with_columns(is_evaluable=True), by_subject(drawn), study())
    curves = dict(summaries.filter(landmark_day=90, endpoint="OS").select("group", "n").rows())
    row = row_of("OS")
    assert (curves["persistent"], curves["not persistent"]) == (row["n_exposed"], row["n_unexposed"])


def test_persistence_from_the_whole_follow_up_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="immortal time"):
        associate(cohort(), study(), PERSISTENCE.empty())


SEPARATED = """
    subject_id | is_infused | best | os_days | os_event | persistent | cells | is_below_lod | lod
    P1         | true       | CR   | 501     | false    | true       |       |              |
    P2         | true       | PR   | 401     | false    | true       |       |              |
    P3         | true       | SD   | 301     | true     | false      |       |              |
    P4         | true       | PD   | 201     | true     | false      |       |              |
"""


def test_an_empty_cell_leaves_the_odds_ratio_infinite_and_says_so():
    row = row_of("responder", drawn=cohort(SEPARATED))
    assert (row["estimate"], row["upper"], row["statistic"]) == (inf, inf, inf)
    assert row["p_value"] == pytest.approx(2 / comb(4, 2))
    assert "infinite because a cell of the two-by-two table is empty" in row["reads"]


def test_an_empty_cell_has_a_finite_odds_ratio_beside_and_no_further_test():
    twice = pl.concat([cohort(SEPARATED), cohort(SEPARATED).with_columns(pl.format("{}b", "subject_id"))])
    rows = associate(twice, study())
    (firth,) = rows.filter(method="firth_logistic").to_dicts()
    assert (firth["family"], firth["p_value"], firth["is_robustness"]) == ("exploratory", None, False)
    # Of a two-by-two table Firth's estimate is that with one half added to each cell.
    assert firth["estimate"] == pytest.approx((4.5 / 0.5) ** 2)
    assert 1 < firth["lower"] < firth["estimate"] < firth["upper"] < inf
    assert firth["estimate_name"] == "odds ratio (Firth)"
    assert firth["family_size"] == rows.filter(family="exploratory")["p_value"].count()


def test_a_hazard_ratio_without_a_maximum_is_not_given_beside_the_p_value():
    row = row_of("OS", drawn=cohort(SEPARATED))
    # The two deaths are in the group not persistent: of 6 divisions of 4 only this one and its mirror are as far.
    assert (row["estimate"], row["reason"]) == (None, "separation")
    assert row["p_value"] == pytest.approx(2 / 6)
    assert "separate" in row["reads"]


def test_what_cannot_be_estimated_has_no_number_but_a_reason():
    nobody = cohort().with_columns(persistent=pl.lit(value=False), cells=pl.lit(None, dtype=pl.Float64))
    rows = associate(nobody, study())
    assert set(rows["reason"]) == {"not_estimable"}
    numbers = rows.select("statistic", "p_value", "p_value_adjusted", "estimate", "lower", "upper")
    assert set(numbers.null_count().row(0)) == {rows.height}
    assert all("Not estimable" in reads for reads in rows["reads"])


def test_without_an_event_nothing_is_estimated_and_the_reason_says_so():
    row = row_of("OS", drawn=cohort().with_columns(os_event=pl.lit(value=False)))
    assert (row["reason"], row["p_value"], row["n_events"]) == ("no_event", None, 0)


def test_the_primary_row_exists_even_where_nothing_was_measured():
    primary = associate(cohort(), study(), PERSISTENCE_BY_SUBJECT.empty()).filter(family="primary")
    # Three died by day 104, P12 is without a response, P14 was never infused.
    counted = primary.select("n", "n_excluded_death", "n_excluded_exposure", "reason")
    assert counted.rows() == [(0, 3, 10, "not_estimable")]


CENSORED = """
    subject_id | is_infused | best | os_days | os_event | persistent | cells | is_below_lod | lod
    P1         | true       | PR   | 501     | true     |            | 900   | false        | 10
    P2         | true       | PR   | 501     | true     |            | 700   | false        | 10
    P3         | true       | PR   | 501     | true     |            | 5     | true         | 10
    P4         | true       | PD   | 501     | true     |            | 400   | false        | 10
    P5         | true       | PD   | 501     | true     |            | -3    | true         | {lod}
    P6         | true       | PD   | 401     | true     |            | 300   | false        | 10
"""


def test_numbers_below_their_lod_share_the_lowest_rank_whatever_their_values():
    row = row_of("responder", CELLS, cohort(CENSORED.format(lod=60)))
    assert row["n_exposure_below_lod"] == 2
    assert row["statistic"] == 1.5 + 5 + 6
    assert "share the lowest rank" in row["reads"]


def test_a_shift_that_hangs_on_where_censored_numbers_lie_is_not_given():
    # Sorted: -400, -300, 0 +- LOD, 300, 400, 500, 600, 700, 900: the median is 400 for small LODs.
    assert row_of("responder", CELLS, cohort(CENSORED.format(lod=60)))["estimate"] == pytest.approx(400)
    # 900 - 550 and 700 - 550 may or may not lie below 400: the median moves.
    assert row_of("responder", CELLS, cohort(CENSORED.format(lod=550)))["estimate"] is None


@pytest.mark.parametrize("outcome", ["responder", "OS"])
def test_a_censored_number_leaves_what_hangs_on_it_open_and_the_test_stands(outcome: str):
    row = row_of(outcome, CELLS, cohort(CENSORED.format(lod="")))
    assert (row["estimate"], row["lower"], row["upper"]) == (None, None, None)
    assert row["p_value"] is not None


SUBJECTS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(["CR", "PR", "SD", "PD", "NE", None]),
        st.none() | st.integers(1, 400),
        st.booleans(),
        st.sampled_from([True, False, None]),
        st.none() | st.integers(-3, 40),
        st.booleans(),
    ),
    min_size=1,
    max_size=15,
)


def drawn_from(subjects: list[tuple[object, ...]]) -> pl.DataFrame:
    names = ("is_infused", "best", "os_days", "os_event", "persistent", "cells", "is_below_lod")
    rows = [
        {"subject_id": f"P{n}", **dict(zip(names, traits, strict=True)), "lod": 10} for n, traits in enumerate(subjects)
    ]
    progression = {"pfs_days": pl.col("os_days"), "pfs_event": pl.col("os_event"), "pfs_reason": pl.lit("death")}
    types = cohort().schema
    frame = pl.DataFrame(rows, schema={name: types[name] for name in rows[0]}, infer_schema_length=None)
    return frame.with_columns(**progression)


@given(subjects=SUBJECTS)
@LAWS
def test_compared_and_left_out_are_all_the_enrolled(subjects: list[tuple[object, ...]]):
    rows = associate(drawn_from(subjects), study(analysis=EVERY_OUTCOME))
    total = pl.sum_horizontal("n", pl.col("^n_excluded_.*$"))
    assert set(rows.select(total)["n"]) == {len(subjects)}
    divided = rows.filter(pl.col("n_exposed").is_not_null())
    assert (divided["n_exposed"] + divided["n_unexposed"]).to_list() == divided["n"].to_list()


@given(subjects=SUBJECTS)
@LAWS
def test_a_number_or_a_reason(subjects: list[tuple[object, ...]]):
    rows = associate(drawn_from(subjects), study(analysis=EVERY_OUTCOME))
    tested = rows.filter(pl.col("method") != "firth_logistic")
    assert tested.filter(pl.col("p_value").is_null())["reason"].null_count() == 0
    assert rows["p_value"].drop_nulls().is_between(0, 1).all()
    assert (rows["p_value_adjusted"] >= rows["p_value"] - 1e-12).drop_nulls().all()
    of_ratios = rows.filter(pl.col("p_value").is_not_null(), pl.col("estimate_name").str.contains("ratio"))
    is_outside = (pl.col("lower") > 1) | (pl.col("upper") < 1)
    differs = ((pl.col("p_value") <= 0.05) != is_outside).fill_null(value=False)
    assert of_ratios.filter(pl.col("reads").str.contains("both are to be looked at") != differs).is_empty()


def test_the_table_keeps_the_contract():
    rows = associate(cohort(), study(analysis=EVERY_OUTCOME))
    assert rows.schema == ASSOCIATIONS.schema
    assert rows.select(ASSOCIATIONS.required).null_count().sum_horizontal().item() == 0
    assert rows.select(ASSOCIATIONS.key).is_unique().all()
    for column in ASSOCIATIONS.columns:
        if column.values:
            assert set(rows[column.name].drop_nulls()) <= set(column.values), column.name
