"""The published views of flow cytometry, drawn beside the tables they come from."""

# ruff: noqa: E501 - one row, one line

from __future__ import annotations

import json

import polars as pl
import pytest

from tests.published_sample import drawn, view
from tests.published_sample_cohort import settings, with_settings


def changed(**values: object) -> pl.DataFrame:
    """The sample's settings with cytometry's own; two underscores are a dot."""
    named = {name.replace("__", "."): json.dumps(value) for name, value in values.items()}
    known = settings().filter(~pl.col("setting").is_in(list(named)))
    told = pl.DataFrame({"setting": list(named), "value": list(named.values())}).with_columns(is_default=pl.lit(False))
    return pl.concat([known, told])


def test_a_file_that_lies_twice_in_the_inbox_is_called_by_the_path_that_is_no_copy():
    files = drawn(
        "files",
        """
        file_sha256 | path      | reason
        a           | a copy.csv | duplicate.same_bytes
        a           | table.csv | accepted.whole
        b           | z.fcs     |
        b           | y.fcs     |
        """,
    )
    assert view("archived_files", "file_sha256, path", files=files) == [("a", "table.csv"), ("b", "y.fcs")]


SAMPLES = """
    file_sha256 | sample_number | source           | tube_id | matched_by      | reason
    w           | 1             | flowjo_workspace | T1      | cytometry_tubes |
    w           | 2             | flowjo_workspace | T2      | keywords        |
    w           | 3             | flowjo_workspace |         |                 | tube.unmatched
    x           | 1             | flowjo_workspace | T1      | cytometry_tubes |
    f           | 1             | fcs              | T1      | file_name       |
    g           | 1             | gating_ml        |         |                 |
"""


def test_samples_and_tubes_are_counted_apart_because_files_tell_of_one_tube_several_times():
    frames = {
        "cytometry_samples": drawn("cytometry_samples", SAMPLES),
        "matched_samples": drawn("matched_samples", SAMPLES).filter(pl.col("source") != "gating_ml"),
        "cytometry_counts": drawn(
            "cytometry_counts",
            "file_sha256 | sample_number | status\nw | 1 | counted\nw | 1 | stale\nw | 2 | counted",
        ),
    }
    assert view("cytometry_overview", "n_files, n_samples, n_matched, n_tubes", **frames) == [(4, 5, 4, 2)]
    columns = (
        "source, n_files, n_samples, n_matched, n_tubes, n_by_table, n_by_keywords, n_no_tube, n_counted, n_not_counted"
    )
    assert view("cytometry_samples_by_source", columns, **frames) == [
        ("fcs", 1, 1, 1, 1, 0, 0, 0, 0, 0),
        ("flowjo_workspace", 2, 4, 3, 2, 2, 1, 1, 2, 1),
        ("gating_ml", 1, 1, 0, 0, 0, 0, 0, 0, 0),
    ]


def test_findings_are_counted_by_reason_among_all_files_and_gathered_by_file():
    findings = drawn(
        "tube_findings",
        """
        reason              | file_sha256 | place | tube_id | detail
        tube.unmatched      | w           | b     |         | second
        tube.unmatched      | w           | a     |         | first
        tube.unmatched      | x           | a     |         | first
        population.unmapped | w           | CD3+  |         | in 1 sample
        """,
    )
    frames = {"tube_findings": findings, "cytometry_samples": drawn("cytometry_samples", SAMPLES)}
    assert view("tube_findings_by_reason", "reason, n_findings, n_files, n_files_in_all", **frames) == [
        ("tube.unmatched", 3, 2, 4),
        ("population.unmapped", 1, 1, 4),
    ]
    files = drawn("files", "file_sha256 | path\nw | day 1.wsp")
    found = view("tube_findings_by_file", "reason, path, places, first_detail, n_details", files=files, **frames)
    assert found == [
        ("population.unmapped", "day 1.wsp", ["CD3+"], "in 1 sample", 1),
        ("tube.unmatched", "day 1.wsp", ["a", "b"], "first", 2),
        ("tube.unmatched", "x", ["a"], "first", 1),
    ]


def test_gates_above_a_named_population_are_not_called_unmapped_but_a_like_named_one_is():
    paths = drawn(
        "population_paths",
        """
        population_path | is_mapped | n_samples | n_files
                        | false     | 9         | 2
        S               | false     | 9         | 2
        S/CD8           | true      | 9         | 2
        S/CD8/Z+        | false     | 2         | 1
        S/CD            | false     | 4         | 1
        """,
        example_sha256="w",
    ).with_columns(pl.col("population_path").fill_null(""))
    assert view("unmapped_paths", "population_path, n_samples", population_paths=paths) == [
        ("S/CD", 4),
        ("S/CD8/Z+", 2),
    ]


GATES = """
    population_path | gate_type | count_stored | count_regated | difference | difference_percent | agrees | reason
    A               | polygon   | 200          | 190           | -10        | 5                  | false  |
    B               | polygon   | 100          | 100           | 0          | 0                  | true   |
    C               | polygon   |              | 7             |            |                    |        |
    D               |           | 50           |               |            |                    |        | gating.unsupported
"""


def test_disagreements_stand_first_signed_and_missing_counts_are_not_compared():
    frame = drawn("gate_agreement", GATES, file_sha256="w", fcs_sha256="f", sample_number=1, tolerance_percent=1.0)
    columns = "population_path, agrees, larger_count, signed_percent"
    assert view("stored_and_regated", columns, gate_agreement=frame) == [
        ("A", False, 200, -5.0),
        ("B", True, 100, 0.0),
    ]
    columns = "gate_type, n_populations, n_compared, n_agree, n_disagree, n_not_stored, n_not_regated, reasons, max_difference_percent"
    assert view("gate_agreement_by_type", columns, gate_agreement=frame) == [
        ("polygon", 3, 2, 1, 1, 1, 0, None, 5.0),
        ("other", 1, 0, 0, 0, 0, 1, "gating.unsupported", None),
    ]


def test_a_file_with_two_channels_beyond_the_margin_fails_once():
    quality = drawn(
        "acquisition_quality",
        """
        file_sha256 | measure       | channel | value | passes
        a           | margin_events | B       | 9     | false
        a           | margin_events | C       | 8     | false
        b           | margin_events | B       | 1     | true
        b           | time_gap      |         | 1     | true
        """,
        largest_allowed=5.0,
        data_set=1,
    )
    columns = "measure, n_files, n_files_failed, n_values, n_failed, largest_value"
    assert view("acquisition_by_measure", columns, acquisition_quality=quality) == [
        ("margin_events", 2, 1, 3, 2, 9.0),
        ("time_gap", 1, 0, 1, 0, 1.0),
    ]
    assert view("failed_acquisitions", "path, channel, value", acquisition_quality=quality) == [
        ("a", "B", 9.0),
        ("a", "C", 8.0),
    ]


def test_events_are_counted_in_the_first_data_set_only_and_files_against_the_standard_stand_first():
    raw = drawn(
        "cytometry_files",
        """
        file_sha256 | data_set | n_events | n_events_declared | remarks          | cytometer | n_channels
        a           | 1        | 100      | 100               |                  | LSRII     | 10
        a           | 2        | 100      | 100               |                  | LSRII     | 10
        b           | 1        | 50       |                   | $P1R is no range | LSRII     | 12
        c           | 1        | 90       | 91                |                  |           | 4
        """,
        fcs_version="FCS3.0",
        has_compensation=False,
    )
    frames = {
        "cytometry_files": raw,
        "matched_samples": drawn(
            "matched_samples",
            "file_sha256 | tube_id | reason\na | T1 |\nb | | tube.unmatched",
            sample_number=1,
            source="fcs",
        ),
    }
    assert view("fcs_files", "path, data_set, tube_id, reason, is_other_than_declared", **frames) == [
        ("c", 1, None, None, True),
        ("b", 1, None, "tube.unmatched", False),
        ("a", 1, "T1", None, False),
        ("a", 2, None, None, False),
    ]
    columns = "cytometer, n_files, n_tubes, n_events, min_channels, max_channels, n_other_than_declared, n_with_remarks"
    assert view("fcs_files_by_cytometer", columns, **frames) == [
        ("LSRII", 2, 1, 150, 10, 12, 0, 1),
        ("not told", 1, 0, 90, 4, 4, 1, 0),
    ]


def test_the_latest_version_of_a_fit_is_in_force_and_weak_ones_stand_first():
    fits = drawn(
        "mimosa_fits",
        """
        antigen | version | w_response | is_weak | n_specimens
        A       | 1       | 0.5        | true    | 12
        A       | 2       | 0.4        | false   | 14
        B       | 0       |            |         | 3
        C       | 1       | 0.2        | true    | 15
        """,
        population="CD8",
        subset="IFNg+",
        visit="week 2",
    )
    assert view("mimosa_fits_in_force", "antigen, version, fit", mimosa_fits=fits) == [
        ("C", 1, "weak"),
        ("B", 0, "no fit"),
        ("A", 2, "sound"),
    ]
    columns = "antigen, n_fits, n_sound, n_weak, n_no_fit, max_specimens"
    assert view("mimosa_fits_in_sum", columns, mimosa_fits=fits) == [
        ("A", 1, 1, 0, 0, 14),
        ("B", 1, 0, 0, 1, 3),
        ("C", 1, 0, 1, 0, 15),
    ]


def test_over_time_holds_reported_blood_under_each_readouts_primary_rule_with_the_primary_series_first():
    responses = drawn(
        "responses",
        """
        specimen_id | assay     | population | readout  | rule            | is_primary_rule | is_reported | material         | study_day
        kept        | cytometry | CD4        | IFNg     | fisher          | true            | true        | blood            | 14
        in force    | cytometry | CD8        | TNF      | fisher          | true            | true        | blood            | 14
        tetramer    | cytometry | CD8        | multimer | multimer_events | true            | true        | blood            | 14
        other rule  | cytometry | CD8        | IFNg     | mimosa          | false           | true        | blood            | 14
        other batch | cytometry | CD8        | IFNg     | fisher          | true            | false       | blood            | 14
        product     | cytometry | CD8        | IFNg     | fisher          | true            | true        | infusion_product | 0
        no day 0    | cytometry | CD8        | IFNg     | fisher          | true            | true        | blood            |
        wells       | elispot   | all cells  | IFNg     | dfr_eq          | true            | true        | blood            | 14
        """,
        subject_id="P1",
        antigen="MART-1",
    )
    frame = with_settings(
        analysis__primary__assay="cytometry",
        analysis__primary__readout="TNF",
        cytometry__populations=[{"name": "CD8"}, {"name": "CD4"}],
    )
    shown = view("cytometry_over_time", "specimen_id, is_primary_series", settings=frame, responses=responses)
    assert shown == [("in force", True), ("kept", False), ("tetramer", False)]


def test_readouts_and_populations_stand_as_the_study_file_declares_them_and_markers_are_called_without_readouts():
    markers = {"TNF": ["TNFa"], "IFNg": [], "CD107a": []}
    own = changed(
        cytometry__markers=markers,
        cytometry__multimers=[{"antigen": "A"}],
        cytometry__populations=[{"name": "CD8", "counted_as": "CD8"}, {"name": "CD4", "counted_as": None}],
    )
    assert view("analysis_readouts", "assay, readout, position", settings=own) == [
        ("elispot", "IFNg", 1), ("cytometry", "TNF", 1), ("cytometry", "IFNg", 2), ("cytometry", "CD107a", 3),
        ("cytometry", "multimer", 4),
    ]  # fmt: skip
    assert view("analysis_populations", "population, counted_as", settings=own) == [("CD8", "CD8"), ("CD4", None)]
    few = changed(cytometry__markers=markers, cytometry__readouts=["IFNg+TNF+"])
    assert view("analysis_readouts", "readout", settings=few) == [("IFNg",), ("IFNg+TNF+",)]
    assert view("analysis_readouts", "readout") == [("IFNg",)]


def compared(calls: str) -> pl.DataFrame:
    """Responses under both rules: each pair of letters is one specimen, fisher before mimosa; + - ? are the calls."""
    named = {"+": "positive", "-": "negative", "?": "not_evaluable"}
    rows = [
        {"specimen_id": f"S{number}", "rule": rule, "call": named[call]}
        for number, pair in enumerate(calls.split())
        for rule, call in zip(("fisher", "mimosa"), pair, strict=True)
    ]
    lines = "\n".join(" | ".join(row.values()) for row in rows)
    place = {"assay": "cytometry", "population": "CD8", "readout": "IFNg", "antigen": "A", "plate_id": "b"}
    return drawn("responses", f"specimen_id | rule | call\n{lines}", is_reported=True, **place)


def test_agreement_of_the_rules_counts_what_both_called_and_kappa_takes_chance_away():
    # Of 10 called by both: 4 and 3 alike, so 0.7; by chance (6 x 5 + 5 x 4) / 100 = 0.5; kappa = 0.2 / 0.5.
    responses = compared("++ ++ ++ ++ +- +- -+ -- -- -- ?+ -?")
    columns = "n_responses, n_compared, n_both_positive, n_only_fisher, n_only_mimosa, n_both_negative, n_fisher_open"
    assert view("fisher_and_mimosa", columns, responses=responses) == [(12, 10, 4, 2, 1, 3, 1)]
    (agreement, kappa), = view("fisher_and_mimosa", "agreement_percent, kappa", responses=responses)  # fmt: skip
    assert (agreement, kappa) == pytest.approx((70, 0.4))


@pytest.mark.parametrize(("calls", "expected"), [("-- --", (100, None)), ("?- -?", (None, None))])
def test_kappa_is_none_where_nothing_varies_and_agreement_is_none_of_nothing(calls, expected):
    assert view("fisher_and_mimosa", "agreement_percent, kappa", responses=compared(calls)) == [expected]


SCORES = drawn(
    "polyfunctionality",
    """
    specimen_id | subject_id | study_day | visit  | batch | polyfunctionality_score | functionality_score
    S1          | P1         | 13        | week 2 | b1    | 0.2                     | 0.1
    S2          | P1         | 15        | week 2 | b1    | 0.8                     | 0.7
    S3          | P2         | 14        | week 2 | b1    | 0.4                     | 0.3
    S3          | P2         | 14        | week 2 | b2    | 0.9                     | 0.9
    S4          | P3         | 14        | week 2 | b1    |                         |
    """,
    antigen="MART-1",
    population="CD8",
    markers="IFNg, TNF",
)
REPORTED = drawn(
    "responses",
    """
    specimen_id | plate_id | is_reported
    S1          | b1       | true
    S2          | b1       | true
    S3          | b1       | false
    S3          | b2       | true
    S4          | b1       | true
    """,
    assay="cytometry",
    material="blood",
    antigen="MART-1",
    population="CD8",
    readout="IFNg",
)


def test_scores_are_those_of_the_reported_batch_and_a_visit_takes_the_earlier_sample():
    outcomes = drawn("outcomes", "subject_id | is_responder\nP1 | true\nP2 | true\nP3 | false")
    frames = {"polyfunctionality": SCORES, "responses": REPORTED, "outcomes": outcomes}
    columns = "specimen_id, batch, response_group"
    assert view("reported_scores", columns, **frames) == [
        ("S1", "b1", "responder"),
        ("S2", "b1", "responder"),
        ("S3", "b2", "responder"),
        ("S4", "b1", "non-responder"),
    ]
    columns = "visit, response_group, n_subjects, polyfunctionality_min, polyfunctionality_max"
    assert view("scores_by_visit", columns, **frames) == [("week 2", "responder", 2, 0.2, 0.9)]


def test_a_number_of_cells_below_its_lod_stands_at_the_lod_beside_that_of_the_other_assay():
    products = drawn(
        "reactive_cells",
        """
        subject_id | assay     | population | readout  | reactive_cells | reactive_cells_lod | is_below_lod | reason
        P1         | cytometry | CD8        | IFNg     | 2e7            | 5e7                | true         |
        P1         | elispot   | all cells  | IFNg     | 9e8            | 5e7                | false        |
        P1         | cytometry | CD4        | multimer |                |                    |              | no_product_result
        """,
    )
    assert view("reactive_cells_by_assay", "assay, readout, drawn_cells, reason", reactive_cells=products) == [
        ("elispot", "IFNg", 9e8, None),
        ("cytometry", "IFNg", 5e7, None),
        ("cytometry", "multimer", None, "no_product_result"),
    ]


def test_subjects_of_a_multimer_are_counted_by_their_typing_and_alleles_of_one_antigen_stand_together():
    multimers = [
        {"antigen": "MART-1", "hla": "A*02:01", "population": "CD8", "gates": ["a"]},
        {"antigen": "MART-1", "hla": "A*01:01", "population": "CD8", "gates": ["b"]},
        {"antigen": "gp100", "hla": "A*02:01", "population": "CD8", "gates": ["c"]},
    ]
    responses = drawn(
        "responses",
        """
        subject_id | specimen_id | call          | reason
        P1         | S1          | positive      |
        P1         | S2          | negative      |
        P2         | S3          | not_evaluable | hla_mismatch
        P3         | S4          | not_evaluable | hla_unknown
        P4         | S5          | not_evaluable | too_few_events
        """,
        assay="cytometry",
        population="CD8",
        readout="multimer",
        antigen="MART-1",
        is_reported=True,
    )
    frames = {
        "settings": changed(cytometry__multimers=multimers),
        "responses": responses,
        "hla_typing": drawn("hla_typing", "subject_id | allele\nP1 | A*02:01\nP1 | A*01:01\nP2 | A*03:01"),
    }
    columns = "antigen, hla, n_subjects_typed, n_subjects, n_interpretable, n_mismatch, n_unknown, n_called, n_positive"
    assert view("hla_by_multimer", columns, **frames) == [
        ("MART-1", "A*01:01, A*02:01", 2, 4, 2, 1, 1, 2, 1),
        ("gp100", "A*02:01", 2, 0, 0, 0, 0, 0, 0),
    ]
