"""Views of tumour response and of how long responses last, drawn beside the tables they come from."""

from __future__ import annotations

import pytest

from tests.published_sample import drawn, view
from tests.published_sample_cohort import with_settings

OUTCOMES = """
    subject_id | is_infused | best_overall_response | is_responder | best_change_percent
    P1         | true       | PR                    | true         | -40
    P2         | true       | PD                    | false        | 25
    P3         | true       | NE                    |              |
    P4         | true       | SD                    | false        |
    P5         | true       | PD                    | false        |
    P6         | true       | NE                    |              |
    P7         | true       | NON-CR/NON-PD         | false        |
    P8         | true       | PD                    | false        |
    P9         | false      |                       |              |
"""
ASSESSMENTS = """
    subject_id | assessment_date | study_day | is_baseline | n_targets | sum_mm | baseline_sum_mm | change_from_baseline_percent | derived_reason
    P1         | 2020-01-01      | -5        | true        | 2         | 50     | 50              | 0                            |
    P1         | 2020-02-15      | 40        | false       | 2         | 30     | 50              | -40                          |
    P3         | 2020-01-01      | -5        | true        | 2         | 50     | 50              | 0                            |
    P4         | 2020-01-01      | -5        | true        | 2         | 50     | 50              | 0                            |
    P4         | 2020-02-15      | 40        | false       | 2         |        | 50              |                              |
    P5         | 2020-02-15      | 40        | false       | 0         |        |                 |                              | recist.no_baseline
    P7         | 2020-01-01      | -5        | true        | 0         |        |                 |                              |
    P7         | 2020-02-15      | 40        | false       | 0         |        |                 |                              |
    P8         | 2020-01-01      | -5        | true        | 2         | 50     | 50              | 0                            |
    P8         | 2020-02-15      | 40        | false       | 2         | 70     | 50              | 40                           |
"""  # noqa: E501 - one assessment a line


def _clinical(name, columns):
    outcomes = drawn("outcomes", OUTCOMES, response_source="reported")
    assessments = drawn("derived_assessments", ASSESSMENTS, evaluator="investigator", is_leading_evaluator=True)
    return view(name, columns, outcomes=outcomes, derived_assessments=assessments)


def test_the_waterfall_holds_every_infused_subject_largest_growth_first_and_says_why_a_bar_is_missing():
    assert _clinical("waterfall", "subject_id, best_change_percent, reason") == [
        ("P2", 25, None),
        ("P1", -40, None),
        ("P3", None, "no assessment after day 0"),
        ("P4", None, "target lesions never all assessed"),
        ("P5", None, "no lesion measured on or before day 0"),
        ("P6", None, "no lesion measurements"),
        ("P7", None, "no target lesion"),
        ("P8", None, "none before progression or new therapy"),
    ]


def test_the_spider_holds_complete_sums_of_the_infused_with_months_since_infusion():
    shown = _clinical("spider", "subject_id, study_day, months, change_from_baseline_percent, is_baseline")
    assert [row[:2] for row in shown] == [("P1", -5), ("P1", 40), ("P3", -5), ("P4", -5), ("P8", -5), ("P8", 40)]
    assert shown[1] == ("P1", 40, pytest.approx(40 / 30.4375), -40, False)


PROGRESSIONS = """
    subject_id | assessment_date | study_day | derived_response | reported_response | change_from_baseline_percent | evaluator    | is_leading_evaluator
    P1         | 2020-02-15      | 40        | SD               | PD                | 5                            | investigator | true
    P1         | 2020-04-15      | 100       | PD               | PD                | 30                           | investigator | true
    P1         | 2020-04-16      | 101       | PD               | PD                | 30                           | reader 2     | false
"""  # noqa: E501 - one assessment a line


@pytest.mark.parametrize(("source", "day"), [("reported", 40), ("derived", 100)])
def test_the_spider_marks_the_first_progression_of_the_leading_source(source, day):
    frames = {
        "outcomes": drawn("outcomes", "subject_id | is_infused\nP1 | true", response_source=source),
        "derived_assessments": drawn("derived_assessments", PROGRESSIONS, is_baseline=False),
    }
    shown = view("spider", "study_day, is_progression", **frames)
    assert [place for place, is_marked in shown if is_marked] == [day]
    assert 101 not in [place for place, _ in shown], "another evaluator's assessments stay away"


COMPARED = """
    subject_id | assessment_date | reported_response | derived_response | agrees | difference_reason     | is_baseline
    P1         | 2020-01-01      |                   |                  |        |                       | true
    P1         | 2020-02-15      | PR                | PR               | true   |                       | false
    P1         | 2020-04-15      | PR                | SD               | false  | differs.target        | false
    P2         | 2020-02-15      | PD                |                  |        | differs.not_derivable | false
    P2         | 2020-04-15      |                   | PD               |        | differs.not_reported  | false
    P3         | 2020-02-15      | PR                | SD               | false  | differs.target        | false
"""


def _compared(name, columns):
    frame = drawn("derived_assessments", COMPARED, evaluator="investigator", is_leading_evaluator=True)
    return view(name, columns, derived_assessments=frame)


def test_derived_and_reported_responses_agree_differ_or_stand_alone_and_a_baseline_without_either_is_left_out():
    assert _compared("response_comparisons", "subject_id, comparison, difference_reason") == [
        ("P1", "agree", None),
        ("P1", "differ", "differs.target"),
        ("P2", "only reported", "differs.not_derivable"),
        ("P2", "only derived", "differs.not_reported"),
        ("P3", "differ", "differs.target"),
    ]


def test_agreement_is_counted_by_reported_response():
    columns = "reported_response, n_pr, n_sd, n_pd, n_not_derived, n_assessments, n_agree, n_with_both"
    assert _compared("response_counts", columns) == [
        ("PR", 1, 2, 0, 0, 3, 1, 3),
        ("PD", 0, 0, 0, 1, 1, 0, 0),
        ("not reported", 0, 0, 1, 0, 1, 0, 0),
    ]


def test_differences_are_counted_by_reason_with_their_places():
    shown = _compared(
        "response_differences_by_reason", "reason, n_assessments, n_subjects, n_assessments_in_all, places"
    )
    assert shown == [
        ("differs.target", 2, 2, 5, ["P1, 2020-04-15", "P3, 2020-02-15"]),
        ("differs.not_derivable", 1, 1, 5, ["P2, 2020-02-15"]),
        ("differs.not_reported", 1, 1, 5, ["P2, 2020-04-15"]),
    ]


def test_best_responses_stand_beside_each_other_also_where_one_source_has_none():
    frame = drawn(
        "best_responses",
        """
        subject_id | evaluator    | response_source | best_overall_response | is_leading
        P1         | investigator | reported        | PR                    | true
        P1         | investigator | derived         | SD                    | false
        P2         | investigator | reported        | PD                    | true
        P1         | reader 2     | derived         | PR                    | false
        """,
    )
    columns = "subject_id, evaluator, is_leading_evaluator, reported_response, derived_response, agrees"
    assert view("best_responses_compared", columns, best_responses=frame) == [
        ("P1", "investigator", True, "PR", "SD", False),
        ("P2", "investigator", True, "PD", None, None),
        ("P1", "reader 2", False, None, "PR", None),
    ]


SERIES = {"assay": "elispot", "readout": "IFNg"}


def test_each_curve_of_loss_keeps_its_last_value_until_it_changes_and_starts_at_0():
    frame = drawn(
        "loss_curves",
        """
        curve     | time_days | loss | death | rule
        left      | 10        | 0.5  | 0     | dfr_eq
        midpoint  | 30        | 0.5  | 0     | dfr_eq
        right     | 50        | 0.4  | 0.1   | dfr_eq
        midpoint  | 60        | 0.5  | 0.2   | dfr_eq
        turnbull  | 20        | 0.9  |       | dfr_eq
        midpoint  | 5         | 1    | 0     | threshold
        """,
        antigen="MART-1",
        n_series=4,
        **SERIES,
    )
    shown = view("loss_incidence", "time_days, loss, death, loss_if_left, loss_if_right, n_series", loss_curves=frame)
    assert shown == [
        (0, 0, 0, 0, 0, 4),
        (10, 0, 0, 0.5, 0, 4),
        (30, 0.5, 0, 0.5, 0, 4),
        (50, 0.5, 0, 0.5, 0.4, 4),
        (60, 0.5, 0.2, 0.5, 0.4, 4),
    ]


def test_breadth_counts_subjects_at_a_visit_once_by_their_earlier_sample_and_says_how_many_are_incomplete():
    frame = drawn(
        "breadth",
        """
        subject_id | study_day | visit       | n_antigens_evaluable | n_antigens_positive
        P1         | 14        | week 2      | 3                    | 2
        P1         | 16        | week 2      | 3                    | 0
        P2         | 14        | week 2      | 2                    | 2
        P2         | 60        | unscheduled | 3                    | 3
        P9         | 14        | week 2      | 3                    | 1
        """,
        n_antigens_declared=3,
        rule="dfr_eq",
        **SERIES,
    )
    outcomes = drawn(
        "outcomes", "subject_id | is_infused | is_responder\nP1 | true | true\nP2 | true | true\nP9 | false |"
    )
    columns = "visit, response_group, n_antigens_positive, n_subjects, n_subjects_in_group, n_subjects_incomplete"
    assert view("breadth_by_visit", columns, breadth=frame, outcomes=outcomes) == [("week 2", "responder", 2, 2, 2, 1)]


PERSISTENCE = """
    subject_id | antigen | antigen_role | rule      | auc_per_day | auc_reason     | half_life_days | half_life_reason
    P1         | MART-1  | tumour       | dfr_eq    | 0.5         |                | 60             |
    P1         | gp100   | tumour       | dfr_eq    |             | no_baseline    |                | too_few_detected
    P2         | MART-1  | tumour       | dfr_eq    |             | no_baseline    |                | not_declining
    P1         | CMV     | viral        | dfr_eq    |             | ends_too_early |                | not_declining
    P1         | MART-1  | tumour       | threshold |             | ends_too_early |                | not_declining
"""


def test_measures_are_of_tumour_antigens_under_the_primary_rule_and_each_missing_one_has_its_reason_counted():
    frame = drawn("persistence", PERSISTENCE, **SERIES)
    shown = view("persistence_measures", "subject_id, antigen, auc_per_day, half_life_days", persistence=frame)
    assert shown == [("P1", "MART-1", 0.5, 60), ("P1", "gp100", None, None), ("P2", "MART-1", None, None)]
    columns = "measure, reason, n_series, n_subjects, n_series_in_all"
    assert view("persistence_measures_missing", columns, persistence=frame) == [
        ("area under the curve", "no_baseline", 2, 2, 3),
        ("half-life", "not_declining", 1, 1, 3),
        ("half-life", "too_few_detected", 1, 1, 3),
    ]


def test_measures_of_a_study_by_cytometry_are_of_its_series():
    changed = with_settings(
        analysis__primary__assay="cytometry",
        cytometry__populations=[{"name": "CD8", "paths": ["8+"]}],
        cytometry__markers={"IFNg": []},
    )
    frame = drawn(
        "persistence",
        "assay | population | rule\nelispot | all cells | dfr_eq\ncytometry | CD8 | fisher\ncytometry | CD4 | fisher",
        subject_id="P1",
        antigen="MART-1",
        antigen_role="tumour",
        readout="IFNg",
    )
    assert len(view("persistence_measures", "antigen", settings=changed, persistence=frame)) == 1
