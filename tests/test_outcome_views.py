"""The published views of responses, survival and association, drawn beside the tables they come from."""

from __future__ import annotations

import pytest

from tests.published_sample import drawn, view
from tests.published_sample_cohort import with_settings

MONTH = 30.4375

OUTCOMES = """
    subject_id | is_infused | best_overall_response | is_responder | infusion_date | os_days | os_event | os_months | first_response_day | progression_date | withdrawal_date
    P1         | true       | CR                    | true         | 2009-03-02    | 1000    | false    | 32.85     | 42                 |                  |
    P2         | true       | PD                    | false        | 2009-03-02    | 200     | true     | 6.57      |                    | 2009-04-01       |
    P3         | true       |                       |              | 2009-03-02    | 10      | true     | 0.33      |                    |                  |
    P4         | false      |                       |              |               |         |          |           |                    |                  |
"""  # noqa: E501 - one subject a line


def test_net_over_time_holds_reported_blood_of_the_infused_under_the_primary_rule_and_analyte():
    responses = drawn(
        "responses",
        """
        specimen_id | subject_id | material         | study_day | readout | rule      | is_reported
        kept        | P1         | blood            | 14        | IFNg    | dfr_eq    | true
        rerun       | P1         | blood            | 14        | IFNg    | dfr_eq    | false
        product     | P1         | infusion_product | 0         | IFNg    | dfr_eq    | true
        other rule  | P1         | blood            | 14        | IFNg    | threshold | true
        other stain | P1         | blood            | 14        | TNF     | dfr_eq    | true
        no day 0    | P4         | blood            |           | IFNg    | dfr_eq    | true
        """,
        assay="elispot",
        antigen="MART-1",
    )
    assert view("net_over_time", "specimen_id", responses=responses) == [("kept",)]


def test_a_net_value_open_on_one_side_is_a_bound_and_a_closed_one_is_not():
    responses = drawn(
        "responses",
        """
        subject_id | net_value | net_lower | net_upper
        P1         | 20        | 20        | 20
        P2         | 900       | 900       |
        P3         | 30        |           | 30
        """,
        material="blood",
        study_day=14,
        assay="elispot",
        readout="IFNg",
        rule="dfr_eq",
        is_reported=True,
        antigen="MART-1",
    )
    columns = "subject_id, is_lower_bound, is_upper_bound, response_group"
    assert view("net_over_time", columns, responses=responses, outcomes=drawn("outcomes", OUTCOMES)) == [
        ("P1", False, False, "responder"),
        ("P2", True, False, "non-responder"),
        ("P3", False, True, "not evaluable"),
    ]


def test_the_swimmer_holds_the_infused_longest_first():
    assert view("swimmer", "subject_id, best_overall_response, position", outcomes=drawn("outcomes", OUTCOMES)) == [
        ("P1", "CR", 1),
        ("P2", "PD", 2),
        ("P3", "NE", 3),
    ]


def test_events_of_the_swimmer_count_both_ends_of_a_duration():
    events = view("swimmer_events", "subject_id, event, months", outcomes=drawn("outcomes", OUTCOMES))
    assert [(subject, event) for subject, event, _ in events] == [
        ("P1", "first response"),
        ("P1", "alive at last contact"),
        ("P2", "progression"),
        ("P2", "death"),
        ("P3", "death"),
    ]
    months = {(subject, event): value for subject, event, value in events}
    assert months["P1", "first response"] == pytest.approx(43 / MONTH)
    assert months["P2", "progression"] == pytest.approx(31 / MONTH)  # 1 April is study day 30
    assert months["P2", "death"] == pytest.approx(6.57)


# Four subjects: deaths at 60 days and at three months to the day, one censored at four months, one at ten.
CURVE = """
    time_days | n_at_risk | n_events | n_censored | survival | lower | upper
    60        | 4         | 1        | 0          | 0.75     | 0.13  | 0.96
    91.3125   | 3         | 1        | 0          | 0.5      | 0.06  | 0.84
    121.75    | 2         | 0        | 1          | 0.5      | 0.06  | 0.84
    304.375   | 1         | 0        | 1          | 0.5      | 0.06  | 0.84
"""
PLACE = {"endpoint": "OS", "population": "infused", "landmark_day": 0, "group": "all"}


def test_a_curve_starts_at_one_with_everybody_at_risk():
    curves = drawn("survival_curves", CURVE, **PLACE)
    summaries = drawn("survival_summaries", "n | n_events\n4 | 2", **PLACE)
    steps = view(
        "survival_steps", "time_months, survival, n_at_risk", survival_curves=curves, survival_summaries=summaries
    )
    assert steps[0] == (0, 1, 4)
    assert [round(months, 3) for months, _, _ in steps] == [0, 1.971, 3, 4, 10]


def test_a_curve_that_has_its_start_is_given_no_second_one():
    start = "time_days | n_at_risk | n_events | n_censored | survival\n0 | 4 | 0 | 0 | 1"
    curves = drawn("survival_curves", start, **PLACE)
    summaries = drawn("survival_summaries", "n | n_events\n4 | 0", **PLACE)
    steps = view("survival_steps", "time_days, lower, upper", survival_curves=curves, survival_summaries=summaries)
    assert steps == [(0, 1, 1)]


def test_a_subject_is_at_risk_on_the_day_of_its_event_and_not_after():
    curves = drawn("survival_curves", CURVE, **PLACE)
    summaries = drawn("survival_summaries", "n | n_events\n4 | 2", **PLACE)
    at_risk = view("survival_at_risk", "month, n_at_risk", survival_curves=curves, survival_summaries=summaries)
    assert at_risk == [(0, 4), (3, 3), (6, 1), (9, 1)]


def test_both_groups_of_a_landmark_share_one_grid_of_months():
    place = {"endpoint": "OS", "population": "infused", "landmark_day": 90}
    step = "group | time_days | n_at_risk | n_events | n_censored | survival\n"
    curves = drawn(
        "survival_curves", f"{step}persistent | 700 | 1 | 1 | 0 | 0\nnot persistent | 100 | 1 | 1 | 0 | 0", **place
    )
    summaries = drawn("survival_summaries", "group | n | n_events\npersistent | 1 | 1\nnot persistent | 1 | 1", **place)
    at_risk = view(
        "survival_at_risk", '"group", month, n_at_risk', survival_curves=curves, survival_summaries=summaries
    )
    assert at_risk == [
        *(("not persistent", month, n) for month, n in ((0, 1), (6, 0), (12, 0), (18, 0))),
        *(("persistent", month, n) for month, n in ((0, 1), (6, 1), (12, 1), (18, 1))),
    ]


ASSOCIATIONS = """
    exposure                      | outcome   | rule      | landmark_day | family      | n  | estimate | p_value
    persistent_at_landmark        | OS        | dfr_eq    | 180          | exploratory | 9  |          | 0.5
    persistent_at_landmark        | OS        | dfr_eq    | 90           | exploratory | 12 |          | 0.2
    persistent_at_landmark        | OS        | threshold | 90           | exploratory | 12 |          | 0.3
    persistent_at_landmark        | responder | dfr_eq    | 90           | primary     | 13 | 14.9     | 0.009
    persistent_at_landmark        | responder | threshold | 90           | exploratory | 13 | 8        | 0.04
    tumour_reactive_cells_infused | responder | dfr_eq    | 0            | exploratory | 14 | 3e8      | 0.03
"""


def test_landmark_survival_is_of_the_primary_rule_with_the_primary_landmark_first():
    associations = drawn("associations", ASSOCIATIONS, assay="elispot", readout="IFNg")
    assert view("landmark_survival", "landmark_day, is_primary, n, p_value", associations=associations) == [
        (90, True, 12, 0.2),
        (180, False, 9, 0.5),
    ]


def test_landmark_survival_of_both_endpoints_shows_the_first_method_that_tests_the_curves():
    rows = """
        outcome | method              | landmark_day | p_value
        PFS     | landmark_cox        | 90           | 0.4
        PFS     | logrank_permutation | 90           | 0.3
        OS      | landmark_logrank    | 90           | 0.2
        OS      | landmark_cox        | 90           | 0.1
    """
    place = {"assay": "elispot", "readout": "IFNg", "rule": "dfr_eq", "exposure": "persistent_at_landmark"}
    shown = view("landmark_comparisons", "endpoint, method, p_value", associations=drawn("associations", rows, **place))
    assert shown == [("OS", "landmark_logrank", 0.2), ("PFS", "logrank_permutation", 0.3)]


def test_robustness_holds_the_primary_question_under_every_rule_landmark_and_assay_and_marks_the_declared_one():
    rows = """
        assay     | population | rule      | landmark_day | family      | is_robustness
        cytometry | CD8        | fisher    | 90           | exploratory | true
        elispot   | all cells  | dfr_eq    | 180          | exploratory | true
        elispot   | all cells  | dfr_eq    | 90           | primary     | true
        elispot   | all cells  | threshold | 90           | exploratory | true
        elispot   | all cells  | dfr_eq    | 30           | secondary   | false
    """
    frame = drawn("associations", rows.replace("population", "cell_population"), readout="IFNg")
    assert view("robustness", "assay, rule, landmark_day, is_as_declared", associations=frame) == [
        ("elispot", "dfr_eq", 90, True),
        ("elispot", "dfr_eq", 180, False),
        ("elispot", "threshold", 90, False),
        ("cytometry", "fisher", 90, False),
    ]


def test_the_headline_leads_with_the_evaluable_the_infused_and_the_primary_association():
    rates = drawn(
        "denominators",
        """
        measure                 | population | n_with | n  | percent
        objective_response_rate | enrolled   | 10     | 26 | 38.5
        objective_response_rate | infused    | 10     | 25 | 40
        objective_response_rate | evaluable  | 10     | 24 | 41.7
        complete_response_rate  | evaluable  | 3      | 24 | 12.5
        """,
    )
    place = {"endpoint": "OS", "landmark_day": 0, "group": "all"}
    medians = drawn(
        "survival_summaries", "population | n | n_events | median_months\ninfused | 25 | 19 | 21.8", **place
    )
    associations = drawn("associations", ASSOCIATIONS, assay="elispot", readout="IFNg")
    frames = {"denominators": rates, "survival_summaries": medians, "associations": associations}
    assert view("headline", "headline, population, is_lead, n_with, n, value", **frames) == [
        ("objective_response_rate", "evaluable", True, 10, 24, 41.7),
        ("objective_response_rate", "infused", False, 10, 25, 40.0),
        ("objective_response_rate", "enrolled", False, 10, 26, 38.5),
        ("median_overall_survival", "infused", True, 19, 25, 21.8),
        ("primary_association", None, True, None, 13, 14.9),
    ]


PRODUCTS = """
    subject_id | tumour_reactive_cells | tumour_reactive_cells_lower | tumour_reactive_cells_lod | is_below_lod | is_bounded | reactive_reason
    P1         | 9e8                   | 9e8                         | 5e7                       | false        | true       |
    P2         | 2e7                   | 2e7                         | 5e7                       | true         | false      |
    P3         |                       |                             |                           |              |            | no_product_result
    P4         | 7e8                   |                             | 5e7                       |              | true       |
"""  # noqa: E501 - one product a line


def _infused(columns):
    frames = {"infused_cells": drawn("infused_cells", PRODUCTS), "outcomes": drawn("outcomes", OUTCOMES)}
    return view("infused_by_response", columns, **frames)


def test_a_number_of_cells_below_its_lod_stands_at_the_lod_and_none_is_made_up():
    assert _infused("subject_id, drawn_cells, is_below_lod, reactive_reason") == [
        ("P1", 9e8, False, None),
        ("P2", 5e7, True, None),
        ("P3", None, False, "no_product_result"),
        ("P4", 7e8, False, None),
    ]


def test_a_bound_without_a_lower_end_is_no_lower_bound():
    assert _infused("subject_id, is_lower_bound") == [("P1", True), ("P2", False), ("P3", False), ("P4", False)]


BY_SUBJECT = """
    subject_id | rule      | landmark_day | persistent | reason              | n_antigens_persistent
    P1         | dfr_eq    | 90           | true       |                     | 2
    P2         | dfr_eq    | 90           | false      |                     | 0
    P3         | dfr_eq    | 90           |            | no_sample_in_window | 0
    P1         | dfr_eq    | 30           | false      |                     | 0
    P1         | threshold | 90           | false      |                     | 0
"""


def test_persistence_is_shown_at_the_primary_landmark_under_the_primary_rule():
    frame = drawn("persistence_by_subject", BY_SUBJECT, assay="elispot", readout="IFNg")
    columns = "subject_id, persistence, best_overall_response, response_group"
    assert view(
        "persistence_at_primary_landmark", columns, persistence_by_subject=frame, outcomes=drawn("outcomes", OUTCOMES)
    ) == [
        ("P1", "persistent", "CR", "responder"),
        ("P2", "not persistent", "PD", "non-responder"),
        ("P3", "not evaluable", "NE", "not evaluable"),
    ]


def test_confounders_are_described_in_each_exposure_group_with_the_subjects_that_have_a_value():
    frame = drawn(
        "persistence_by_subject",
        "subject_id | persistent\nP1 | true\nP2 | true\nP3 | true\nP4 | false",
        rule="dfr_eq",
        landmark_day=90,
        assay="elispot",
        readout="IFNg",
    )
    subjects = drawn(
        "subjects",
        """
        subject_id | enrolment_date | birth_year | m_stage | ldh_at_baseline
        P1         | 2009-01-31     | 1949       | M1c     | 200
        P2         | 2009-01-31     | 1959       | M1a     | 300
        P3         | 2009-01-31     |            | M1c     |
        P4         | 2009-01-31     | 1969       |         | 900
        """,
    )
    columns = "persistence, n, n_with_ldh, ldh_median, n_with_age, age_min, age_max, m_stages, n_with_dose"
    assert view("persistence_confounders", columns, persistence_by_subject=frame, subjects=subjects) == [
        ("persistent", 3, 2, 250, 2, 50, 60, "M1a 1, M1c 2", 0),
        ("not persistent", 1, 1, 900, 1, 40, 40, None, 0),
    ]


def test_antigens_at_the_primary_landmark_stand_in_the_order_of_the_study_file():
    frame = drawn(
        "persistence_at_landmark",
        "antigen | antigen_role | persistent\nCMV | viral | true\nNY-ESO-1 | tumour | false\nMART-1 | tumour | true",
        subject_id="P1",
        rule="dfr_eq",
        landmark_day=90,
        assay="elispot",
        readout="IFNg",
    )
    shown = view("antigens_at_primary_landmark", "antigen, persistent", persistence_at_landmark=frame)
    assert shown == [("MART-1", True), ("NY-ESO-1", False), ("CMV", True)]


CYTOMETRY = {
    "analysis__primary__assay": "cytometry",
    "cytometry__populations": [{"name": "CD8", "paths": ["CD8+"], "counted_as": "CD8"}],
    "cytometry__markers": {"IFNg": [], "TNF": []},
}
"""A study whose primary analysis is by cytometry: CD8, IFNg, fisher."""

BOTH_ASSAYS = """
    assay     | population | readout | rule   | {value}
    elispot   | all cells  | IFNg    | dfr_eq | {elispot}
    cytometry | CD8        | IFNg    | fisher | {cytometry}
    cytometry | CD4        | IFNg    | fisher | {other}
    cytometry | CD8        | TNF     | fisher | {other}
    cytometry | CD8        | IFNg    | mimosa | {other}
"""


def _of_each(value: str, elispot: str, cytometry: str, other: str) -> str:
    return BOTH_ASSAYS.format(value=value, elispot=elispot, cytometry=cytometry, other=other)


@pytest.mark.parametrize(("changed", "shown"), [({}, "elispot"), (CYTOMETRY, "cytometry")])
def test_what_is_shown_of_one_series_is_of_the_primary_assay_though_both_have_the_readout(changed, shown):
    frame, place = with_settings(**changed), {"landmark_day": 90, "subject_id": "P1"}
    specimens = _of_each("specimen_id", "elispot", "cytometry", "other")
    responses = drawn("responses", specimens, subject_id="P1", material="blood", study_day=14, is_reported=True)
    assert view("net_over_time", "specimen_id", settings=frame, responses=responses) == [(shown,)]
    reasons = _of_each("reason", "elispot", "cytometry", "other")
    by_subject = drawn("persistence_by_subject", reasons, **place)
    columns = "reason"
    assert view("persistence_at_primary_landmark", columns, settings=frame, persistence_by_subject=by_subject) == [
        (shown,)
    ]
    at_landmark = drawn("persistence_at_landmark", reasons, antigen="MART-1", antigen_role="tumour", **place)
    assert view("antigens_at_primary_landmark", columns, settings=frame, persistence_at_landmark=at_landmark) == [
        (shown,)
    ]


def test_survival_by_persistence_is_of_the_primary_series():
    compared = "\n".join(
        f"{assay} | {population} | {readout} | {rule} | persistent_at_landmark | OS | 90"
        for assay, population, readout, rule in (
            ("elispot", "all cells", "IFNg", "dfr_eq"), ("cytometry", "CD8", "IFNg", "fisher"),
            ("cytometry", "CD8", "IFNg", "mimosa"), ("cytometry", "CD4", "IFNg", "fisher"),
        )
    )  # fmt: skip
    header = "assay | cell_population | readout | rule | exposure | outcome | landmark_day"
    frames = {"settings": with_settings(**CYTOMETRY), "associations": drawn("associations", f"{header}\n{compared}")}
    assert view("landmark_survival", "rule", **frames) == [("fisher",)]
