"""Associations: who is compared, who is left out, what the numbers are and how they are told."""

from __future__ import annotations

from math import comb, inf
from statistics import median

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import PERSISTENCE, PERSISTENCE_BY_SUBJECT
from expectations.contract import Table
from expectations.outcome_tables import ASSOCIATIONS, INFUSED_CELLS, OUTCOMES
from tests.clinical_study import CYTOMETRY, study
from tests.drawing import table
from transforms.association import associations
from transforms.survival import survival_tables

LAWS = settings(max_examples=40, deadline=None)

# os_days count both ends: 105 days end on study day 104 = 90 + 14, the landmark's time zero.
COHORT = """
    subject_id | is_infused | is_responder | os_days | os_event | persistent | cells | is_below_lod | lod
    P1         | true       | true         | 501     | false    | true       | 9e8   | false        | 1e7
    P2         | true       | true         | 401     | true     | true       | 8e8   | false        | 1e7
    P3         | true       | true         | 301     | false    | true       | 7e8   | false        | 1e7
    P4         | true       | true         | 280     | true     | false      | 6e8   | false        | 1e7
    P5         | true       | false        | 250     | true     | true       | 5e8   | false        | 1e7
    P6         | true       | false        | 200     | true     | false      | 4e8   | false        | 1e7
    P7         | true       | false        | 150     | true     | false      | 3e8   | false        | 1e7
    P8         | true       | false        | 120     | true     | false      | 2e8   | false        | 1e7
    P9         | true       | false        | 105     | true     | true       | 1e8   | false        | 1e7
    P10        | true       | false        | 60      | true     | true       |       |              |
    P11        | true       | false        | 300     | true     |            | 5e7   | false        | 1e7
    P12        | true       |              | 300     | true     | false      | 4e7   | false        | 1e7
    P13        | true       |              | 50      | true     |            |       |              |
    P14        | false      |              |         | true     |            |       |              |
    P15        | true       | false        |         |          | false      | 3e7   | false        | 1e7
"""


def cohort(drawing: str = COHORT) -> pl.DataFrame:
    types = {"persistent": pl.Boolean, "is_responder": pl.Boolean, "os_event": pl.Boolean, "is_below_lod": pl.Boolean}
    return table(drawing).cast({**types, "cells": pl.Float64, "lod": pl.Float64, "os_days": pl.Int32})


def under(contract: Table, frame: pl.DataFrame, **constants: object) -> pl.DataFrame:
    """The frame with every column of the contract, those not drawn null."""
    given_columns = [pl.lit(value).alias(name) for name, value in constants.items()]
    return contract.conform(pl.concat([contract.empty(), frame.with_columns(given_columns)], how="diagonal_relaxed"))


def by_subject(drawn: pl.DataFrame, **constants: object) -> pl.DataFrame:
    traits = {"assay": "elispot", "population": "all cells", "readout": "IFNg", "rule": "dfr_eq"}
    traits |= {"landmark_day": 90, "half_width_days": 14}
    return under(
        PERSISTENCE_BY_SUBJECT, drawn.filter("is_infused").select("subject_id", "persistent"), **{**traits, **constants}
    )


def outcomes(drawn: pl.DataFrame) -> pl.DataFrame:
    return under(OUTCOMES, drawn.select("subject_id", "is_infused", "is_responder", "os_days", "os_event"))


def infused_cells(drawn: pl.DataFrame) -> pl.DataFrame:
    names = {"cells": "tumour_reactive_cells", "lod": "tumour_reactive_cells_lod"}
    columns = drawn.filter("is_infused").select("subject_id", "cells", "lod", "is_below_lod").rename(names)
    return under(INFUSED_CELLS, columns)


def associate(drawn: pl.DataFrame, exposure: pl.DataFrame | None = None, **parts: object) -> pl.DataFrame:
    exposure = by_subject(drawn) if exposure is None else exposure
    return associations(exposure, outcomes(drawn), infused_cells(drawn), study(**parts))


def row_of(method: str, drawn: pl.DataFrame | None = None) -> dict[str, object]:
    (row,) = associate(cohort() if drawn is None else drawn).filter(method=method).to_dicts()
    return row


def test_every_method_leaves_out_each_subject_once_under_the_first_reason_that_holds():
    # Fisher: P14; P12, P13 without response; P11 without persistence.
    # Log-rank: P14; P9 (died on day 104), P10, P13, and P15 (no follow-up) not at risk; P11.
    # Wilcoxon: P14; P12, P13; P10 without a number.
    expected = table("""
        method           | n  | n_excluded_not_infused | n_excluded_death | n_excluded_outcome | n_excluded_exposure
        fisher_exact     | 11 | 1                      | 0                | 2                  | 1
        landmark_logrank | 9  | 1                      | 4                | 0                  | 1
        wilcoxon_exact   | 11 | 1                      | 0                | 2                  | 1
    """)
    assert associate(cohort()).select(expected.columns).sort("method").rows() == expected.rows()


def test_fisher_by_hand():
    row = row_of("fisher_exact")
    # Responders 3 of 6 persistent, 1 of 5 not. Tables with these margins weigh 5, 60, 150, 100, 15 of 330.
    assert (row["n_exposed_with_outcome"], row["n_exposed"]) == (3, 6)
    assert (row["n_unexposed_with_outcome"], row["n_unexposed"]) == (1, 5)
    assert row["p_value"] == pytest.approx((5 + 60 + 100 + 15) / 330)
    assert row["statistic"] == pytest.approx(3 * 4 / (3 * 1))
    assert row["lower"] < row["estimate"] < row["upper"]
    assert (row["estimate_name"], row["time_zero_day"], row["reason"]) == ("conditional odds ratio", None, None)


def test_the_landmark_log_rank_test_by_hand():
    row = row_of("landmark_logrank")
    assert (row["n_exposed_with_outcome"], row["n_exposed"]) == (2, 4)
    assert (row["n_unexposed_with_outcome"], row["n_unexposed"]) == (5, 5)
    # Persistent and others at risk at each death after day 104.
    at_risk = [(4, 5), (4, 4), (4, 3), (4, 2), (3, 2), (3, 1), (2, 0)]
    expected = sum(a / (a + b) for a, b in at_risk)
    variance = sum(a * b / (a + b) ** 2 for a, b in at_risk)
    assert row["statistic"] == pytest.approx((2 - expected) ** 2 / variance)
    assert row["time_zero_day"] == 104


def test_wilcoxon_by_hand():
    row = row_of("wilcoxon_exact")
    # The four responders hold the four highest of eleven ranks.
    assert (row["n_exposed"], row["n_unexposed"], row["statistic"]) == (4, 7, 11 + 10 + 9 + 8)
    assert row["p_value"] == pytest.approx(2 / comb(11, 4))
    differences = [a - b for a in (9e8, 8e8, 7e8, 6e8) for b in (5e8, 4e8, 3e8, 2e8, 1e8, 5e7, 3e7)]
    assert row["estimate"] == pytest.approx(median(differences))
    assert 0 < row["lower"] < row["estimate"] < row["upper"]
    assert (row["rule"], row["landmark_day"], row["n_exposed_with_outcome"]) == ("dfr_eq", 0, None)


def test_who_died_before_time_zero_is_in_neither_group_whatever_the_classification():
    early = cohort().with_columns(
        persistent=pl.when(subject_id="P10").then(pl.lit(value=False)).otherwise("persistent")
    )
    names = ["n", "n_exposed", "n_unexposed", "statistic", "p_value"]
    assert [row_of("landmark_logrank", early)[name] for name in names] == [
        row_of("landmark_logrank")[name] for name in names
    ]


def test_what_happens_before_time_zero_never_moves_a_landmark_comparison():
    # P10 and P13 died before day 104; had they died on day 1, nothing could be different.
    sooner = cohort().with_columns(os_days=pl.when(pl.col("os_days") < 105).then(2).otherwise("os_days"))
    assert row_of("landmark_logrank", sooner) == row_of("landmark_logrank")


def test_the_groups_are_those_of_the_survival_curves():
    drawn = cohort()
    _, summaries = survival_tables(outcomes(drawn).with_columns(is_evaluable=True), by_subject(drawn), study())
    curves = dict(summaries.filter(landmark_day=90).select("group", "n").rows())
    row = row_of("landmark_logrank")
    assert (curves["persistent"], curves["not persistent"]) == (row["n_exposed"], row["n_unexposed"])


def test_persistence_from_the_whole_follow_up_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="immortal time"):
        associations(PERSISTENCE.empty(), outcomes(cohort()), infused_cells(cohort()), study())


def test_an_empty_cell_leaves_the_odds_ratio_infinite_and_says_so():
    drawn = cohort("""
        subject_id | is_infused | is_responder | os_days | os_event | persistent | cells | is_below_lod | lod
        P1         | true       | true         | 501     | true     | true       |       |              |
        P2         | true       | true         | 401     | true     | true       |       |              |
        P3         | true       | false        | 301     | true     | false      |       |              |
        P4         | true       | false        | 201     | true     | false      |       |              |
    """)
    row = row_of("fisher_exact", drawn)
    assert (row["estimate"], row["upper"], row["statistic"]) == (inf, inf, inf)
    assert row["p_value"] == pytest.approx(2 / comb(4, 2))
    assert "infinite because a cell of the two-by-two table is empty" in row["reads"]


def test_what_cannot_be_estimated_has_no_number_but_a_reason():
    nobody_persistent = cohort().with_columns(persistent=pl.lit(value=False), cells=pl.lit(None, dtype=pl.Float64))
    rows = associate(nobody_persistent)
    assert rows["reason"].to_list() == ["not_estimable"] * 3
    assert rows.select("statistic", "p_value", "estimate", "lower", "upper").null_count().row(0) == (3,) * 5
    assert all("Not estimable" in reads for reads in rows["reads"])


CENSORED = """
    subject_id | is_infused | is_responder | os_days | os_event | persistent | cells | is_below_lod | lod
    P1         | true       | true         | 501     | true     |            | 900   | false        | 10
    P2         | true       | true         | 501     | true     |            | 700   | false        | 10
    P3         | true       | true         | 501     | true     |            | 5     | true         | 10
    P4         | true       | false        | 501     | true     |            | 400   | false        | 10
    P5         | true       | false        | 501     | true     |            | -3    | true         | {lod}
    P6         | true       | false        | 501     | true     |            | 300   | false        | 10
"""


def test_numbers_below_their_lod_share_the_lowest_rank_whatever_their_values():
    row = row_of("wilcoxon_exact", cohort(CENSORED.format(lod=60)))
    assert row["n_exposure_below_lod"] == 2
    assert row["statistic"] == 1.5 + 5 + 6
    assert "(2) share the lowest rank" in row["reads"]


def test_a_shift_that_hangs_on_where_censored_numbers_lie_is_not_given():
    # Sorted: -400, -300, 0 +- LOD, 300, 400, 500, 600, 700, 900: the median is 400 for small LODs.
    assert row_of("wilcoxon_exact", cohort(CENSORED.format(lod=60)))["estimate"] == pytest.approx(400)
    # 900 - 550 and 700 - 550 may or may not lie below 400: the median moves.
    assert row_of("wilcoxon_exact", cohort(CENSORED.format(lod=550)))["estimate"] is None


def test_a_censored_number_without_its_lod_leaves_the_shift_open():
    row = row_of("wilcoxon_exact", cohort(CENSORED.format(lod="")))
    assert row["estimate"] is None
    assert row["p_value"] is not None


def test_every_rule_and_landmark_has_its_rows_and_one_row_of_all_is_primary():
    drawn = cohort()
    landmarks = [{"day": 42, "half_width": 7}, {"day": 90}]
    exposure = pl.concat(
        by_subject(drawn, rule=rule, landmark_day=day) for rule in ("dfr_eq", "threshold") for day in (42, 90)
    )
    rows = associate(drawn, exposure, persistence={"landmarks": landmarks})
    expected = {
        ("persistent_at_landmark", outcome, rule, day)
        for outcome in ("responder", "OS")
        for rule in ("dfr_eq", "threshold")
        for day in (42, 90)
    } | {("tumour_reactive_cells_infused", "responder", "dfr_eq", 0)}
    assert set(rows.select(ASSOCIATIONS.key).rows()) == expected
    assert rows.height == len(expected)
    assert dict(rows.filter(outcome="OS", rule="dfr_eq").select("landmark_day", "time_zero_day").rows()) == {
        42: 49,
        90: 104,
    }
    primary = rows.filter(family="primary")
    assert primary["association_key"].to_list() == ["persistent_at_landmark/responder/dfr_eq/42"]


@pytest.mark.parametrize(
    ("declared", "key"),
    [
        ({"outcome": "OS"}, "persistent_at_landmark/OS/dfr_eq/90"),
        ({"exposure": "tumour_reactive_cells_infused"}, "tumour_reactive_cells_infused/responder/dfr_eq/0"),
    ],
)
def test_the_study_file_names_the_primary_row(declared: dict[str, str], key: str):
    rows = associate(cohort(), analysis={"primary": declared})
    assert rows.filter(family="primary")["association_key"].to_list() == [key]
    assert {("Exploratory" in reads) for reads in rows.filter(family="primary")["reads"]} == {False}
    assert {("Exploratory" in reads) for reads in rows.filter(family="exploratory")["reads"]} == {True}


def test_the_primary_row_exists_even_where_nothing_was_measured():
    rows = associate(cohort(), PERSISTENCE_BY_SUBJECT.empty())
    primary = rows.filter(family="primary")
    assert primary.select("n", "n_excluded_exposure", "reason").rows() == [(0, 12, "not_estimable")]


def test_another_analyte_does_not_enter():
    drawn = cohort()
    both = pl.concat([by_subject(drawn), by_subject(drawn, readout="IL2")])
    assert associate(drawn, both).equals(associate(drawn))


def test_with_cytometry_as_the_primary_assay_its_series_is_associated_and_elispot_is_not():
    drawn = cohort()
    turned = drawn.with_columns(~pl.col("persistent"))
    series = {"assay": "cytometry", "population": "CD8", "rule": "fisher"}
    others = ({"population": "CD4"}, {"readout": "TNF"})
    both = [by_subject(drawn, **series), by_subject(turned), *(by_subject(turned, **{**series, **o}) for o in others)]
    parts = {"cytometry": CYTOMETRY, "analysis": {"primary": {"assay": "cytometry"}}}
    rows = associate(drawn, pl.concat(both), **parts).filter(pl.col("exposure") == "persistent_at_landmark")
    same = associate(drawn).filter(pl.col("exposure") == "persistent_at_landmark")
    named = ("association_key", "assay", "cell_population", "rule")
    assert set(rows.select("assay", "cell_population", "readout", "rule").rows()) == {
        ("cytometry", "CD8", "IFNg", "fisher")
    }
    assert_frame_equal(rows.drop(named), same.drop(named))
    assert rows.filter(family="primary")["association_key"].to_list() == ["persistent_at_landmark/responder/fisher/90"]


def test_rows_of_cytometry_do_not_enter_an_analysis_of_elispot():
    drawn = cohort()
    turned = by_subject(drawn.with_columns(~pl.col("persistent")), assay="cytometry", population="CD8", rule="fisher")
    assert_frame_equal(associate(drawn, pl.concat([by_subject(drawn), turned])), associate(drawn))


@pytest.mark.parametrize("exposure", ["persistent_at_landmark", "tumour_reactive_cells_infused"])
def test_cells_infused_keep_the_assay_that_measured_them(exposure: str):
    parts = {
        "cytometry": CYTOMETRY,
        "analysis": {"primary": {"assay": "cytometry", "exposure": exposure}},
        "infusion_product": {"assay": "elispot"},
    }
    rows = associate(cohort(), **parts)
    cells = rows.filter(pl.col("exposure") == "tumour_reactive_cells_infused")
    assert cells.select("assay", "cell_population", "readout", "rule").rows() == [
        ("elispot", "all cells", "IFNg", "dfr_eq")
    ]
    assert rows.filter(family="primary")["exposure"].to_list() == [exposure]


SUBJECTS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from([True, False, None]),
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
    names = cohort().columns
    rows = [(f"P{n}", *traits, 10) for n, traits in enumerate(subjects)]
    return pl.DataFrame(rows, schema={name: cohort().schema[name] for name in names}, orient="row")


@given(subjects=SUBJECTS)
@LAWS
def test_compared_and_left_out_are_all_the_enrolled(subjects: list[tuple[object, ...]]):
    rows = associate(drawn_from(subjects))
    total = pl.sum_horizontal("n", pl.col("^n_excluded_.*$"))
    assert rows.select(total)["n"].to_list() == [len(subjects)] * 3
    assert (rows["n_exposed"] + rows["n_unexposed"]).to_list() == rows["n"].to_list()


@given(subjects=SUBJECTS, seed=st.integers(0, 2**32))
@LAWS
def test_the_order_of_rows_is_irrelevant(subjects: list[tuple[object, ...]], seed: int):
    drawn = drawn_from(subjects)
    shuffled = drawn.sample(fraction=1.0, shuffle=True, seed=seed)
    first, second = associate(drawn), associate(shuffled)
    for name in first.columns:
        same = pytest.approx(second[name].to_list()) if first.schema[name] == pl.Float64 else second[name].to_list()
        assert first[name].to_list() == same


def test_the_table_keeps_the_contract():
    rows = associate(cohort())
    assert rows.schema == ASSOCIATIONS.schema
    assert rows.select(ASSOCIATIONS.required).null_count().sum_horizontal().item() == 0
