"""Sections on tumour response, durability and association: what stands there in words, with data and without."""

from __future__ import annotations

import pytest

from tests.published_sample import drawn, empty_study, publish, sample_study
from tests.published_sample_cohort import settings
from tests.test_reports import captions, drawn_rows, words
from warehouse.reports import quality_page, study_page
from warehouse.reports.association_chart import robustness
from warehouse.reports.association_sections import association_results
from warehouse.reports.associations import adjusted, comparison, estimate, exclusions, groups, method
from warehouse.reports.blocks import Chart, Folded
from warehouse.reports.durability_sections import durability
from warehouse.reports.published import open_published
from warehouse.reports.tumour_sections import response_differences, tumour_response


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return sample_study(tmp_path_factory.mktemp("published") / "warehouse.duckdb")


@pytest.fixture(scope="module")
def study(sample) -> str:
    return words(study_page(sample))


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return empty_study(tmp_path_factory.mktemp("published") / "warehouse.duckdb")


def _chart(blocks, anchor) -> Chart:
    inside = [inner for block in blocks for inner in (block.blocks if isinstance(block, Folded) else (block,))]
    return next(block for block in inside if isinstance(block, Chart) and block.anchor == anchor)


def chart_data(part):
    """Every row of data anywhere in a chart specification."""
    if isinstance(part, list) and part and all(isinstance(row, dict) for row in part):
        return [row for row in part if not any(isinstance(value, dict | list) for value in row.values())] + [
            row for item in part for row in chart_data(item)
        ]
    inside = part.values() if isinstance(part, dict) else ()
    return [row for item in inside for row in chart_data(item)]


def test_the_waterfall_counts_the_infused_without_a_bar_by_reason(study):
    assert "Best change of the target sum from baseline: 13 of 15 infused subjects (2 CR, 4 PR, 4 SD, 3 PD)" in study
    assert "No bar: 1 no lesion measurements, 1 no assessment after day 0." in study


def test_the_waterfall_has_one_bar_a_subject_from_the_largest_growth_to_the_largest_shrinkage(sample):
    with open_published(sample) as published:
        chart = _chart(tumour_response(published).blocks, "waterfall")
    bars = [row for row in drawn_rows(chart.spec) if "best_change_percent" in row]
    changes = [row["best_change_percent"] for row in bars]
    assert len({row["subject_id"] for row in bars}) == len(bars) == 13
    assert changes == sorted(changes, reverse=True)


def test_progressions_without_a_sum_are_told_and_not_drawn(sample, study):
    with open_published(sample) as published:
        chart = _chart(tumour_response(published).blocks, "spider")
    marked = [row["subject_id"] for row in drawn_rows(chart.spec) if row.get("event") == "progression"]
    assert len(marked) == 10 and "P10" not in marked and "P13" not in marked
    assert "A diamond marks the first progression: 10 of 12 progressions" in study


def test_every_difference_between_derived_and_reported_has_its_reason_and_remedy(study):
    assert "38/40 (95.0 %) agree" in study
    assert "P07 90 SD PR 66.0 −30.5 % −26.7 % The target response is another one" in study  # noqa: RUF001
    assert "P12 42 PD SD" in study and "Check whether the new lesion is recorded, and since when." in study
    assert "Best overall responses that differ: 3 of 15 subjects with both" in study


def test_differences_of_responses_are_counted_by_reason_on_the_quality_page(sample):
    shown = words(quality_page(sample))
    assert "[differs.target] Check the measurements of this visit, the baseline and the nadir. 1/41 1 P07" in shown


def test_response_rates_of_three_populations_stand_with_disease_control(study):
    assert "Disease control rate evaluable 10/14 71.4 % 41.9 to 91.6 %" in study
    assert study.index("Complete response rate enrolled") < study.index("Disease control rate enrolled")


def test_duration_of_response_runs_from_the_first_response_and_follow_up_is_the_reverse(study):
    assert "Duration of response evaluable first response 4/6" in study
    assert "Follow-up (reverse) enrolled enrolment 4/15" in study


def test_loss_is_drawn_with_a_band_between_both_ends_of_its_interval_and_says_its_series(sample, study):
    with open_published(sample) as published:
        chart = _chart(durability(published).blocks, "loss")
    data = [row for row in chart_data(chart.spec) if "low" in row]
    assert data
    assert all(row["low"] <= row["high"] for row in data)
    assert "n = 21 series with a positive sample after infusion" in study


def test_missing_areas_and_half_lives_are_counted_by_reason(study):
    assert "Half-life Fewer than three detected samples from the peak on. 34/45" in study
    assert "Areas and half-lives, ELISpot IFNg, rule dfr_eq: 45 series, 33 with an area, 11 with a half-life" in study


def test_confounders_stand_by_the_primary_exposure_without_the_outcome_itself(study):
    section = study[study.index("What else could explain a difference") :]
    assert "Persistent (n = 7) Not persistent (n = 6) Not evaluable (n = 2)" in section[:400]
    assert "Shown, not adjusted for." in section
    assert "Best overall response:" not in section


def test_robustness_shows_every_choice_with_its_n_and_what_is_not_estimable_as_such(sample):
    with open_published(sample) as published:
        chart = _chart(association_results(published).blocks, "robustness")
    assert "n = 4 to 13 subjects, 8 choices, 1 without an estimate" in chart.caption
    labels = {row["label"]: row for row in chart_data(chart.spec) if "label" in row}
    assert len(labels) == 8
    none = labels["cytometry CD8 IFNg, fisher, day 180: 4/4 vs 0/0, not estimable"]
    assert not none["has_estimate"] and none["why"] == "not estimable"
    assert [row["choice"] for row in labels.values()].count("declared primary") == 1


def test_robustness_of_a_test_without_an_estimate_says_so_and_draws_nothing(tmp_path):
    frame = drawn(
        "associations",
        """
        rule      | landmark_day | family      | n  | p_value | method
        dfr_eq    | 90           | primary     | 20 | 0.03    | logrank_permutation
        threshold | 90           | exploratory | 20 | 0.04    | logrank_permutation
        """,
        **{f"n_excluded_{why}": 0 for why in ("not_infused", "outcome", "death", "progression", "exposure")},
        exposure="persistent_at_landmark", outcome="OS", assay="elispot", readout="IFNg", is_robustness=True,
        adjustment="none", family_size=1, reads="Association.",
    )  # fmt: skip
    path = publish(tmp_path / "warehouse.duckdb", {"settings": settings(), "associations": frame})
    assert "No estimate under any rule, landmark and assay (2 choices)." in words(study_page(path))


@pytest.mark.parametrize("section", [tumour_response, durability, association_results, response_differences])
def test_a_study_without_data_says_so_in_every_new_section(section, empty):
    with open_published(empty) as published:
        blocks = section(published).blocks
    assert all(block.spec is None and block.when_empty for block in blocks if isinstance(block, Chart))


def test_every_caption_of_the_new_sections_states_n(sample):
    new = [caption for caption in captions(study_page(sample)) if "target sum" in caption or "Loss" in caption]
    assert len(new) == 3 and all("n = " in caption or " of 15 infused" in caption for caption in new)


ROW = {
    "exposure": "persistent_at_landmark", "outcome": "responder", "method": "fisher_exact", "landmark_day": 90, "n": 13,
    "n_events": None, "n_exposed": 7, "n_exposed_with_outcome": 6, "n_unexposed": 6, "n_unexposed_with_outcome": 0,
    "n_exposure_below_lod": None, "estimate": 2.0, "lower": 1.0, "upper": 4.0, "estimate_name": "hazard ratio",
    "p_value": 0.04, "p_value_adjusted": 0.08, "adjustment": "Holm", "family_size": 3,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "responders 6/7 (85.7 %) if persistent, 0/6 (0.0 %) if not"),
        ({"exposure": "induced_by_landmark", "outcome": "PFS"},
         "progressions or deaths 6/7 (85.7 %) if induced, 0/6 (0.0 %) if not"),
        ({"exposure": "n_persistent_at_landmark"}, "7 responders, 6 non-responders"),
        ({"exposure": "tumour_reactive_cells_infused", "n_exposure_below_lod": 2},
         "7 responders, 6 non-responders; 2 of 13 below the LOD, ranked lowest"),
        ({"outcome": "best_response", "n_exposed_with_outcome": None}, "7 persistent, 6 not persistent"),
        ({"exposure": "sum_net_value_at_landmark", "outcome": "OS", "n_exposed": None, "n_unexposed": None,
          "n_events": 9}, "13 subjects, 9 deaths"),
    ],
)  # fmt: skip
def test_groups_are_told_by_kind_of_exposure_and_outcome(changed, says):
    assert groups(ROW | changed).replace("\N{NO-BREAK SPACE}", " ") == says


def test_an_association_is_told_with_its_landmark_method_interval_and_adjustment():
    assert comparison(ROW | {"exposure": "induced_by_landmark", "outcome": "PFS"}) == (
        "induced by day 90 and progression-free survival"
    )
    assert method(ROW | {"method": "jonckheere_exact"}) == "exact Jonckheere-Terpstra"
    assert estimate(ROW, before_ends="") == "hazard ratio: 2.00 (1.00 to 4.00)"
    assert estimate(ROW | {"lower": None, "upper": None}) == "hazard ratio: 2.00 (no interval)"
    assert adjusted(ROW).replace("\N{NO-BREAK SPACE}", " ") == "p = 0.080 (Holm, family of 3)"
    assert adjusted(ROW | {"adjustment": "none"}) == "not adjusted"
    assert adjusted(ROW | {"p_value": None}) == "\N{EN DASH}"


LEFT_OUT = {
    f"n_excluded_{name}": n for n, name in enumerate(("not_infused", "outcome", "death", "progression", "exposure"))
}


def test_exclusions_name_progression_before_time_zero():
    assert exclusions(LEFT_OUT | {"outcome": "PFS"}) == (
        "1 response not evaluable, 2 dead or lost at time zero, 3 progressed at time zero, 4 exposure not evaluable"
    )


def test_against_a_response_those_dead_died_by_the_end_of_the_window():
    counts = LEFT_OUT | {"outcome": "responder", "n_excluded_progression": 0}
    assert exclusions(counts) == ("1 response not evaluable, 2 died by the end of the window, 4 exposure not evaluable")
    assert exclusions(counts, is_short=True) == "1 response n.e., 2 dead, 4 exposure n.e."


def test_estimates_that_are_no_ratios_stand_on_a_plain_axis():
    row = ROW | {
        "assay": "elispot", "cell_population": "all cells", "readout": "IFNg", "rule": "dfr_eq", "is_as_declared": True,
        "estimate_name": "share of concordant pairs", "estimate": 0.8, "lower": 0.6, "upper": 0.95, "reason": None,
    }  # fmt: skip
    assert "'log'" not in str(robustness([row]))
    assert "'log'" in str(robustness([row | {"estimate_name": "conditional odds ratio"}]))
