"""Which analyses are made: the declared ones always, every other one once, families and robustness."""

from __future__ import annotations

from itertools import product
from typing import Any

import polars as pl
import pytest

from expectations.analyses import EXPOSURES, OUTCOMES, methods_for
from expectations.association_tables import ASSOCIATIONS
from expectations.computed import PERSISTENCE_BY_SUBJECT
from tests.clinical_study import CYTOMETRY, study
from tests.drawn_associations import associate, by_subject, cohort
from transforms.association_plan import LARGEST_PERMUTED, Question, plan

IFNG = ("elispot", "all cells", "IFNg")
CD8 = ("cytometry", "CD8", "IFNg")
MULTIMER = ("cytometry", "CD8", "multimer", "multimer_events")
OTHERS = [
    ("elispot", "all cells", "IL2", "dfr_eq"),
    ("cytometry", "CD4", "IFNg", "fisher"),
    ("cytometry", "CD8", "TNF", "fisher"),
]
ASSOCIATED = {(*IFNG, "dfr_eq"), (*IFNG, "threshold"), (*CD8, "fisher"), (*CD8, "mimosa"), MULTIMER}
OCCURRING = [*ASSOCIATED, *OTHERS]
TWO_LANDMARKS = {"persistence": {"landmarks": [{"day": 42, "half_width": 7}, {"day": 90}]}}


def planned(n_infused: int = 25, **parts: Any) -> list[Question]:
    return plan(OCCURRING, n_infused, study(**{"cytometry": CYTOMETRY, **parts}))


def of(questions: list[Question], **traits: object) -> list[Question]:
    return [one for one in questions if all(getattr(one, name) == value for name, value in traits.items())]


def test_each_exposure_is_asked_at_each_landmark_under_every_rule_of_each_assays_own_series():
    asked = of(planned(**TWO_LANDMARKS), exposure="induced_by_landmark", outcome="PFS")
    assert {(one.series, one.landmark_day) for one in asked} == set(product(ASSOCIATED, (42, 90)))
    assert {(one.landmark_day, one.time_zero_day) for one in asked} == {(42, 49), (90, 104)}


def test_what_has_no_landmark_is_asked_once_a_series_and_cells_once_of_all():
    questions = planned(**TWO_LANDMARKS)
    assert {one.series for one in of(questions, exposure="positive_over_time", outcome="OS")} == ASSOCIATED
    (cells,) = of(questions, exposure="tumour_reactive_cells_infused", outcome="OS")
    assert (cells.series, cells.landmark_day, cells.time_zero_day) == ((*IFNG, "dfr_eq"), 0, 0)


def test_pairs_that_are_not_offered_are_passed_over():
    known_in_time = [one.name for one in EXPOSURES if one.timing != "whole_follow_up"]
    every = {"exposures": known_in_time, "outcomes": [one.name for one in OUTCOMES]}
    asked = {(one.exposure, one.outcome) for one in planned(analysis={"exploratory": every})}
    offered = {pair for pair in product(every["exposures"], every["outcomes"]) if methods_for(*pair)}
    assert asked == offered
    assert ("positive_over_time", "responder") not in asked


def test_the_primary_question_is_repeated_everywhere_whatever_is_explored():
    primary = {"exposure": "n_persistent_at_landmark", "outcome": "OS", "method": "landmark_cox", "landmark": 90}
    nothing = {"exposures": [], "outcomes": []}
    questions = planned(analysis={"primary": primary, "exploratory": nothing}, **TWO_LANDMARKS)
    assert {(one.series, one.landmark_day) for one in questions} == set(product(ASSOCIATED, (42, 90)))
    assert {(one.method, one.is_robustness) for one in questions} == {("landmark_cox", True)}
    assert [(one.series, one.landmark_day) for one in of(questions, family="primary")] == [((*IFNG, "dfr_eq"), 90)]


def test_a_declared_analysis_of_another_readout_brings_its_series_under_every_rule():
    questions = planned(analysis={"secondary": [{"readout": "IL2"}]})
    assert [one.series for one in of(questions, family="secondary")] == [("elispot", "all cells", "IL2", "dfr_eq")]
    series = {one.series for one in of(questions, exposure="persistent_at_landmark", outcome="responder")}
    assert series == ASSOCIATED | {("elispot", "all cells", "IL2", "dfr_eq")}


def test_a_declared_analysis_is_not_repeated_as_exploratory():
    secondary = [{"outcome": "OS"}, {"exposure": "positive_over_time", "outcome": "PFS"}]
    questions = planned(analysis={"secondary": secondary})
    assert len({one.key for one in questions}) == len(questions)
    assert [one.family for one in questions[:3]] == ["primary", "secondary", "secondary"]
    assert {one.family for one in questions[3:]} == {"exploratory"}


def test_another_method_for_a_declared_pair_is_another_analysis():
    questions = planned(analysis={"primary": {"outcome": "OS", "method": "landmark_cox"}})
    at_primary = of(questions, exposure="persistent_at_landmark", outcome="OS", series=(*IFNG, "dfr_eq"))
    assert {(one.method, one.family, one.is_robustness) for one in at_primary} == {
        ("landmark_cox", "primary", True),
        ("logrank_permutation", "exploratory", False),
    }


@pytest.mark.parametrize(
    ("n_infused", "method"), [(LARGEST_PERMUTED, "logrank_permutation"), (LARGEST_PERMUTED + 1, "landmark_logrank")]
)
def test_the_default_against_time_is_a_permutation_up_to_200_infused(n_infused: int, method: str):
    secondary = [{"outcome": "OS"}, {"outcome": "PFS", "method": "logrank_permutation"}]
    questions = planned(n_infused, analysis={"secondary": secondary})
    assert [one.method for one in of(questions, family="secondary")] == [method, "logrank_permutation"]
    (cells,) = of(questions, exposure="tumour_reactive_cells_infused", outcome="OS")
    assert cells.method == "score_permutation"


@pytest.mark.parametrize(
    ("declared", "key"),
    [
        ({"outcome": "OS"}, "persistent_at_landmark/OS/logrank_permutation/elispot/all cells/IFNg/dfr_eq/90"),
        (
            {"exposure": "tumour_reactive_cells_infused"},
            "tumour_reactive_cells_infused/responder/wilcoxon_exact/elispot/all cells/IFNg/dfr_eq/0",
        ),
        (
            {"assay": "cytometry", "landmark": 90},
            "persistent_at_landmark/responder/fisher_exact/cytometry/CD8/IFNg/fisher/90",
        ),
    ],
)
def test_the_study_file_names_the_primary_row(declared: dict[str, Any], key: str):
    rows = associate(cohort(), study(analysis={"primary": declared}, cytometry=CYTOMETRY))
    assert rows.filter(family="primary")["association_key"].to_list() == [key]
    assert {("Exploratory" in reads) for reads in rows.filter(family="primary")["reads"]} == {False}
    assert {("Exploratory" in reads) for reads in rows.filter(family="exploratory")["reads"]} == {True}


def test_declared_analyses_are_there_where_nothing_was_measured():
    analysis = {
        "primary": {"assay": "cytometry"},
        "secondary": [{"exposure": "positive_over_time", "outcome": "OS"}, {"exposure": "induced_by_landmark"}],
        "exploratory": {"exposures": [], "outcomes": []},
    }
    settings = study(analysis=analysis, cytometry=CYTOMETRY)
    rows = associate(cohort(), settings, PERSISTENCE_BY_SUBJECT.empty())
    assert rows.select("family", "n", "reason", "family_size").sort("family").rows() == [
        ("primary", 0, "not_estimable", 1),
        ("secondary", 0, "not_estimable", 2),
        ("secondary", 0, "not_estimable", 2),
    ]


@pytest.mark.parametrize("exposure", ["persistent_at_landmark", "tumour_reactive_cells_infused"])
def test_cells_infused_keep_the_assay_that_measured_them(exposure: str):
    parts = {
        "cytometry": CYTOMETRY,
        "analysis": {"primary": {"assay": "cytometry", "exposure": exposure}},
        "infusion_product": {"assay": "elispot"},
    }
    rows = associate(cohort(), study(**parts))
    cells = rows.filter(exposure="tumour_reactive_cells_infused")
    assert set(cells.select("assay", "cell_population", "readout", "rule").rows()) == {(*IFNG, "dfr_eq")}
    assert rows.filter(family="primary")["exposure"].to_list() == [exposure]


def test_each_series_is_associated_with_its_own_exposure():
    drawn = cohort()
    turned = drawn.with_columns(~pl.col("persistent"))
    other = by_subject(turned, assay="cytometry", population="CD8", rule="fisher")
    settings = study(cytometry=CYTOMETRY)
    rows = associate(drawn, settings, pl.concat([by_subject(drawn), other])).filter(outcome="responder")
    odds = dict(rows.filter(exposure="persistent_at_landmark").select("assay", "statistic").rows())
    assert odds == {"elispot": pytest.approx(12), "cytometry": pytest.approx(1 / 12)}


FAMILIES = {
    "secondary": [{"outcome": "OS"}, {"outcome": "PFS"}, {"exposure": "tumour_reactive_cells_infused"}],
    "exploratory": {"outcomes": ["responder", "best_response", "OS"]},
}


def test_p_values_are_adjusted_within_their_family_only():
    exposure = pl.concat([by_subject(cohort(), rule=rule) for rule in ("dfr_eq", "threshold")])
    rows = associate(cohort(), study(analysis=FAMILIES), exposure)
    primary, secondary, rest = (rows.filter(family=f) for f in ("primary", "secondary", "exploratory"))
    assert primary.select("adjustment", "family_size").rows() == [("none", 1)]
    assert primary["p_value_adjusted"].to_list() == primary["p_value"].to_list()
    assert set(secondary.select("adjustment", "family_size").rows()) == {("Holm", 3)}
    smallest = secondary.filter(pl.col("p_value") == pl.col("p_value").min())
    assert smallest["p_value_adjusted"].to_list() == pytest.approx([3 * smallest["p_value"].item()])
    tested = rest.filter(pl.col("p_value").is_not_null())
    assert set(rest.select("adjustment", "family_size").rows()) == {("Benjamini-Hochberg", tested.height)}
    from scipy.stats import false_discovery_control

    assert tested["p_value_adjusted"].to_list() == pytest.approx(false_discovery_control(tested["p_value"]).tolist())


def test_a_secondary_without_a_p_value_counts_among_those_declared():
    # Nobody progresses or dies, so that PFS has no event: of three declared secondaries two are tested.
    drawn = cohort().with_columns(pfs_event=pl.lit(value=False))
    secondary = associate(drawn, study(analysis=FAMILIES)).filter(family="secondary")
    assert secondary.filter(outcome="PFS").select("p_value", "p_value_adjusted", "family_size").rows() == [
        (None, None, 3)
    ]
    smaller, larger = secondary["p_value"].drop_nulls().sort()
    adjusted = secondary.filter(pl.col("p_value").is_not_null()).sort("p_value")["p_value_adjusted"]
    assert adjusted.to_list() == pytest.approx([min(1, 3 * smaller), min(1, max(3 * smaller, 2 * larger))])


def test_the_table_has_no_key_twice_and_says_what_is_robustness():
    exposure = pl.concat([by_subject(cohort(), rule=rule) for rule in ("dfr_eq", "threshold")])
    rows = associate(cohort(), study(), exposure)
    assert not rows.select(ASSOCIATIONS.key).is_duplicated().any()
    robust = rows.filter("is_robustness").select("exposure", "outcome", "method", "rule", "family").rows()
    assert sorted(robust) == [
        ("persistent_at_landmark", "responder", "fisher_exact", "dfr_eq", "primary"),
        ("persistent_at_landmark", "responder", "fisher_exact", "threshold", "exploratory"),
    ]
