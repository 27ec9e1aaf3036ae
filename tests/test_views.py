"""The published views: what each row says, drawn beside the tables it comes from."""

from __future__ import annotations

import re

import polars as pl
import pytest

from expectations.study import StudySettings
from tests.published_sample import VIEWS, drawn, view
from tests.published_sample_cohort import settings, with_settings


@pytest.mark.parametrize("path", sorted(VIEWS.glob("*.sql")), ids=lambda path: path.stem)
def test_a_view_file_states_its_grain_and_makes_the_view_of_its_name(path):
    text = path.read_text()
    assert re.match(r"-- Grain: .+\.\n", text)
    assert re.findall(r"create or replace view (\w+) as", text) == [path.stem]
    assert text.count(";") == 1 and text.endswith(";\n")


def test_the_primary_landmark_is_the_one_set_and_otherwise_the_first_that_is_written():
    assert view("analysis_in_force", "rule, readout, landmark_day, half_width_days") == [("dfr_eq", "IFNg", 90, 14)]
    chosen = with_settings(analysis__primary__landmark=180)
    assert view("analysis_in_force", "landmark_day, half_width_days", settings=chosen) == [(180, 30)]


CD8_AND_CD4 = {
    "analysis__primary__assay": "cytometry",
    "cytometry__populations": [{"name": "CD8", "paths": ["8+"]}, {"name": "CD4", "paths": ["4+"]}],
    "cytometry__markers": {"TNF": [], "IFNg": ["IFN-g"]},
}


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"readout": "GzB"},
        {"assay": "cytometry"},
        {"assay": "cytometry", "population": "CD4", "readout": "IFNg"},
        {"assay": "cytometry", "readout": "multimer"},
    ],
)
@pytest.mark.parametrize("readouts", [[], ["TNF+IFNg+", "IFNg"]])
def test_the_series_in_force_is_the_one_the_study_file_declares(parts, readouts):
    changed = {**CD8_AND_CD4, "cytometry__readouts": readouts, "cytometry__rules__primary": "mimosa"}
    changed |= {f"analysis__primary__{name}": parts.get(name) for name in ("assay", "population", "readout")}
    changed["analysis__primary__assay"] = parts.get("assay", "elispot")
    populations, markers = CD8_AND_CD4["cytometry__populations"], CD8_AND_CD4["cytometry__markers"]
    declared = StudySettings.model_validate(
        {
            "study": {"id": "T"},
            "visits": [{"name": "baseline", "day": 0, "window": [-30, 0]}],
            "antigens": [{"name": "A", "role": "tumour"}],
            "persistence": {"landmarks": [{"day": 90}]},
            "cytometry": {
                "populations": populations, "markers": markers, "readouts": readouts, "rules": {"primary": "mimosa"},
            },
            "analysis": {"primary": parts},
        }
    )  # fmt: skip
    shown = view("analysis_in_force", "assay, population, readout, rule", settings=with_settings(**changed))
    assert shown == [declared.primary_series]


def test_settings_from_before_there_was_cytometry_are_those_of_elispot():
    old = settings().filter(~pl.col("setting").str.contains(r"cytometry|primary\.(assay|population|readout)"))
    columns = "assay, population, readout, rule, unit"
    assert view("analysis_in_force", columns, settings=old) == [
        ("elispot", "all cells", "IFNg", "dfr_eq", "spots per 10^6 cells")
    ]


def test_landmarks_stand_with_the_primary_one_first_and_then_by_day():
    assert view("analysis_landmarks", "landmark_day, is_primary") == [(90, True), (30, False), (180, False)]


def test_visits_stand_by_day_with_the_infusion_product_on_day_0():
    names = [name for (name,) in view("analysis_visits", "visit")]
    assert names == ["baseline", "infusion product", "week 2", "month 1", "month 3", "month 6", "month 12"]


def test_antigens_stand_in_the_order_of_the_study_file_with_tumour_antigens_first():
    declared = [{"name": "CMV", "role": "viral"}, {"name": "gp100", "role": "tumour"}, {"name": "A", "role": "tumour"}]
    frame = with_settings(antigens=declared)
    assert view("analysis_antigens", "antigen", settings=frame) == [("gp100",), ("A",), ("CMV",)]


def test_the_header_shows_the_run_committed_last_and_the_study_even_before_any_run():
    runs = drawn(
        "runs",
        """
        run_id | committed_at        | as_of_date
        b      | 2012-02-01T06:15:00 | 2012-02-01
        a      | 2012-03-01T23:59:00 | 2012-03-01
        """,
    )
    columns = "study_id, is_simulated, run_id, committed_at_utc"
    assert view("report_header", columns, runs=runs) == [("TIL-S", True, "a", "2012-03-01 23:59 UTC")]
    assert view("report_header", columns, settings=settings(simulated=False)) == [("TIL-S", False, None, None)]


def test_files_are_counted_by_state_and_reason_with_all_files_as_denominator():
    files = drawn(
        "files",
        """
        path | state       | reason         | n_rows | n_rejects
        a    | accepted    | accepted.whole | 96     | 0
        b    | accepted    | accepted.whole | 96     | 0
        c    | quarantined | layout.missing | 96     | 0
        d    | quarantined | format.empty   |        |
        """,
    )
    assert view("report_files", "state, reason, n_files, n_files_in_all, n_rows", files=files) == [
        ("quarantined", "format.empty", 1, 4, None),
        ("quarantined", "layout.missing", 1, 4, 96),
        ("accepted", "accepted.whole", 2, 4, 192),
    ]


def test_only_files_held_back_are_listed_as_held():
    files = drawn("files", "path | state | reason\na | accepted |\nb | quarantined | format.empty\nc | ignored | x")
    assert view("held_files", "path, reason", files=files) == [("b", "format.empty")]


CHECKS = """
    run_id | table_name | attempt | check_name | severity | success
    one    | specimens  | 1       | rows       | critical | false
    one    | plates     | 1       | rows       | critical | true
    two    | specimens  | 1       | rows       | critical | true
    two    | specimens  | 1       | key        | critical | false
    two    | specimens  | 2       | key        | critical | true
    two    | specimens  | 1       | visit      | warning  | false
"""
RUNS = """
    run_id | committed_at
    one    | 2012-02-01T06:00:00
    two    | 2012-03-01T06:00:00
"""


def test_a_table_is_shown_as_last_checked_even_where_the_last_run_did_not_touch_it():
    checks, runs = drawn("quality_checks", CHECKS), drawn("runs", RUNS)
    shown = view(
        "report_checks", "table_name, check_name, attempt, is_last_attempt, success", quality_checks=checks, runs=runs
    )
    assert sorted(shown) == [
        ("plates", "rows", 1, True, True),
        ("specimens", "key", 1, False, False),
        ("specimens", "key", 2, True, True),
        ("specimens", "rows", 1, True, True),
        ("specimens", "visit", 1, True, False),
    ]


def test_a_check_that_kept_a_file_out_counts_as_failed_but_not_as_still_failing():
    checks, runs = drawn("quality_checks", CHECKS), drawn("runs", RUNS)
    columns = "n_checks, n_critical_failed, n_critical_failing, n_warning_failed"
    assert view("summary_of_quality", columns, quality_checks=checks, runs=runs) == [(4, 1, 0, 1)]


def test_a_row_that_broke_two_rules_is_one_rejected_row():
    rejects = drawn(
        "rejects",
        """
        file_sha256 | table_name | place   | rule         | column_name
        f           | specimens  | line 71 | row.range    | viability_percent
        f           | specimens  | line 71 | row.required | subject_id
        f           | specimens  | line 9  | row.required | subject_id
        """,
    )
    assert view("summary_of_quality", "n_rejected_rows", rejects=rejects) == [(2,)]
    assert view("reject_counts", "column_name, rule, n_rejects", rejects=rejects) == [
        ("subject_id", "row.required", 2),
        ("viability_percent", "row.range", 1),
    ]
    assert view("report_rejects", "place", rejects=rejects) == [("line 9",), ("line 71",), ("line 71",)]


EXPECTED = """
    subject_id | visit            | material         | specimen_status | reason
    P1         | week 2           | blood            | received        |
    P2         | week 2           | blood            | received        | assay_failed
    P3         | week 2           | blood            | absent          | dead
    P4         | week 2           | blood            | absent          | unknown
    P5         | week 2           | blood            | not_due         |
    P1         | infusion product | infusion_product | received        |
"""


def test_specimens_that_are_not_due_are_in_no_denominator():
    columns = "visit, n_due, n_received, n_received_silent, n_absent, n_absent_unexplained, n_not_due"
    assert view("specimens_by_visit", columns, expected_specimens=drawn("expected_specimens", EXPECTED)) == [
        ("infusion product", 1, 1, 0, 0, 0, 0),
        ("week 2", 4, 2, 1, 2, 1, 1),
    ]


def test_each_expected_specimen_has_its_state_in_words():
    shown = view(
        "specimen_matrix", "subject_id, visit, state", expected_specimens=drawn("expected_specimens", EXPECTED)
    )
    assert shown == [
        ("P1", "infusion product", "received"),
        ("P1", "week 2", "received"),
        ("P2", "week 2", "received, says nothing"),
        ("P3", "week 2", "absent: dead"),
        ("P4", "week 2", "absent: unknown"),
        ("P5", "week 2", "not due yet"),
    ]


def test_missing_specimens_are_told_by_reason_with_their_subjects():
    columns = "visit, specimen_status, reason, n_specimens, subjects"
    assert view("missing_specimens", columns, expected_specimens=drawn("expected_specimens", EXPECTED)) == [
        ("week 2", "absent", "dead", 1, "P3"),
        ("week 2", "absent", "unknown", 1, "P4"),
        ("week 2", "received", "assay_failed", 1, "P2"),
    ]


def test_date_findings_are_unscheduled_contradicted_or_undated_blood_and_unknown_lymphodepletion():
    specimens = drawn(
        "visited_specimens",
        """
        specimen_id | subject_id | material         | study_day | visit       | declared_visit
        a           | P1         | blood            | 14        | week 2      | week 2
        b           | P1         | blood            | 60        | unscheduled | month 3
        c           | P1         | blood            | 30        | month 1     | week 2
        d           | P2         | blood            |           |             | baseline
        e           | P1         | infusion_product | 0         | unscheduled |
        """,
    )
    products = drawn("infused_cells", "subject_id | infusion_date | lymphodepletion_start\nP1 | 2009-03-02 |")
    found = view(
        "visit_findings", "finding, subject_id, specimen_id", visited_specimens=specimens, infused_cells=products
    )
    assert found == [
        ("declared as another visit", "P1", "c"),
        ("lymphodepletion start unknown", "P1", None),
        ("no study day", "P2", "d"),
        ("unscheduled", "P1", "b"),
    ]


def test_calls_are_counted_among_the_reported_responses_of_one_material_and_rule():
    responses = drawn(
        "responses",
        """
        material         | rule   | is_reported | is_primary_rule | call          | reason
        blood            | dfr_eq | true        | true            | positive      |
        blood            | dfr_eq | true        | true            | indeterminate | below_lod
        blood            | dfr_eq | false       | true            | negative      |
        infusion_product | dfr_eq | true        | true            | positive      |
        """,
    )
    assert view("calls_by_reason", "material, call, reason, n_responses, n_in_all", responses=responses) == [
        ("blood", "positive", None, 1, 2),
        ("blood", "indeterminate", "below_lod", 1, 2),
        ("infusion_product", "positive", None, 1, 1),
    ]


def test_calls_of_each_assay_and_population_are_counted_by_themselves():
    responses = drawn(
        "responses",
        """
        assay     | population | rule   | call
        elispot   | all cells  | dfr_eq | positive
        cytometry | CD4        | fisher | positive
        cytometry | CD8        | fisher | positive
        cytometry | CD8        | fisher | negative
        """,
        material="blood",
        is_reported=True,
        is_primary_rule=True,
    )
    columns = "assay, population, call, n_responses, n_in_all"
    assert view("calls_by_reason", columns, responses=responses) == [
        ("elispot", "all cells", "positive", 1, 1),
        ("cytometry", "CD4", "positive", 1, 1),
        ("cytometry", "CD8", "positive", 1, 2),
        ("cytometry", "CD8", "negative", 1, 2),
    ]


def test_limits_of_detection_are_those_of_elispot_whatever_the_primary_assay():
    responses = drawn(
        "responses",
        """
        assay     | readout | rule   | lod
        elispot   | IFNg    | dfr_eq | 12
        cytometry | IFNg    | fisher | 0.01
        """,
    )
    frames = {"settings": with_settings(**CD8_AND_CD4), "responses": responses}
    assert view("limits_of_detection", "assay, lod_min, lod_max", **frames) == [("elispot", 12, 12)]


def test_limits_of_detection_show_versions_no_call_uses_and_lods_without_a_version():
    estimates = drawn(
        "estimates",
        """
        estimate       | assay   | readout | version | limit_of_blank
        limit_of_blank | elispot | IFNg    | 1       | 20
        limit_of_blank | elispot | IFNg    | 2       | 24
        """,
    )
    responses = drawn(
        "responses",
        """
        assay   | readout | rule      | lod_version | lod
        elispot | IFNg    | dfr_eq    | 1           | 12
        elispot | IFNg    | dfr_eq    | 1           | 15
        elispot | IFNg    | threshold | 1           | 12
        elispot | IFNg    | dfr_eq    |             | 5
        """,
    )
    shown = view(
        "limits_of_detection",
        "version, limit_of_blank, n_responses, lod_min, lod_max",
        estimates=estimates,
        responses=responses,
    )
    assert shown == [(1, 20, 2, 12, 15), (2, 24, 0, None, None), (None, None, 1, 5, 5)]


def test_rules_in_force_name_every_version_and_parameters_a_call_was_made_with():
    responses = drawn(
        "responses",
        """
        rule      | rule_version | rule_parameters | is_primary_rule
        threshold | 1            | {"min_net": 55} | false
        dfr_eq    | 1            | {"alpha": 0.05} | true
        dfr_eq    | 1            | {"alpha": 0.05} | true
        """,
    )
    assert view("rules_in_force", "rule, n_responses", responses=responses) == [("dfr_eq", 2), ("threshold", 1)]
