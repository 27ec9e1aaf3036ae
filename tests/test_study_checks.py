"""Checks that span tables: each finds its fault, names it, and is content without it."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as law
from hypothesis import strategies as st

from expectations.computed import (
    ELISPOT_WELLS,
    EXPECTED_SPECIMENS,
    PLATE_FINDINGS,
    PLATE_QUALITY,
    RESPONSES,
    VISITED_SPECIMENS,
)
from expectations.ingested import (
    ELISPOT_COUNTS,
    FOLLOW_UP,
    INFUSION_PRODUCTS,
    INSTRUMENT_LAYOUTS,
    LAYOUT_TEMPLATES,
    PLATE_LAYOUTS,
    PLATE_TEMPLATES,
    PLATES,
    SPECIMENS,
    TUMOUR_ASSESSMENTS,
)
from expectations.outcome_tables import OUTCOMES
from expectations.reasons import REASONS
from expectations.records import CHECK_COLUMNS, CONTROL_BASELINES, ESTIMATES, QUALITY_CHECKS
from expectations.study import StudySettings
from tests.clinical_study import study
from tests.drawing import table
from transforms.layouts import layouts
from transforms.plate_findings import plate_findings
from transforms.study_checks import LAID, study_checks
from transforms.wells import elispot_wells


def check(
    table_name: str, check_name: str, parts: dict[str, object] | None = None, **tables: pl.DataFrame
) -> dict[str, object]:
    (row,) = (
        study_checks(tables, study(**(parts or {}))).filter(table_name=table_name, check_name=check_name).to_dicts()
    )
    assert row["success"] == (row["n_unexpected"] == 0)
    assert row["severity"] == "warning"
    return row


def found(row: dict[str, object]) -> tuple[object, ...]:
    return row["n_rows"], row["n_unexpected"], row["examples"]


COUNTS = """
    plate_id | well | analyte | spots | status
    GC_1     | A1   | IFNg    | 5     | counted
    GC_1     | A2   | IFNg    |       | tntc
    GC_1     | A3   | IFNg    |       | not_counted
    GC_1     | H12  | IFNg    | 0     | counted
    GC_1     | H11  | IFNg    |       | not_counted
"""

LAYOUTS = """
    plate_id | well | specimen_id | stimulus | cells_per_well
    GC_1     | A1   | P1-W4       | medium   | 200000
    GC_1     | A2   | P1-W4       | MART-1   | 200000
    GC_1     | A3   | P1-W4       | MART-1   | 200000
    GC_1     | A4   | P1-W4       | CMV      | 200000
    GC_1     | A5   | P1-W4       | empty    | 200000
    GC_1     | A6   |             | medium   |
    GC_2     | A1   | P2-W4       | medium   | 200000
    GC_2     | A2   | P2-W4       | MART-1   | 200000
    GC_3     | A1   |             | empty    |
"""


def plates(*, settings: StudySettings | None = None, **drawn: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Counts and layouts with what is computed from them; COUNTS and LAYOUTS where none are given."""
    settings = settings or study()
    stored = {one.name: one.empty() for one in (LAYOUT_TEMPLATES, PLATE_TEMPLATES, INSTRUMENT_LAYOUTS, SPECIMENS)}
    stored |= {"elispot_counts": table(COUNTS, ELISPOT_COUNTS), "plate_layouts": table(LAYOUTS, PLATE_LAYOUTS), **drawn}
    laid = layouts(stored, settings)
    wells = elispot_wells(stored["elispot_counts"], PLATES.empty(), laid.effective, stored["specimens"], settings)
    found = plate_findings(laid, stored["elispot_counts"], wells, settings)
    return {**stored, LAID: laid.effective, "elispot_wells": wells, "plate_findings": found}


def test_counted_wells_without_a_layout_are_named():
    assert found(check("elispot_counts", "has_layout", **plates())) == (3, 1, "GC_1 H12 (IFNg)")


def test_wells_of_a_layout_without_a_count_are_named_but_not_those_without_cells_or_test():
    assert found(check("plate_layouts", "has_count", **plates())) == (4, 2, "GC_1 A3; GC_1 A4")


def test_plates_never_received_are_named_once_and_their_wells_not_at_all():
    assert found(check("plate_layouts", "received", **plates())) == (2, 1, "GC_2")


TEMPLATE = """
    template | well | slot | stimulus | cells_per_well
    T        | A1   | 1    | medium   | 200000
    T        | A2   | 1    | MART-1   | 200000
    T        | A3   |      | empty    |
"""


def test_plates_that_follow_a_template_are_waited_for_too():
    assigned = "plate_id | template | slot | specimen_id\n GC_1 | T | 1 | P1-W4\n GC_4 | T | 1 | P2-W4"
    templates = {"layout_templates": LAYOUT_TEMPLATES, "plate_templates": PLATE_TEMPLATES}
    drawn = {name: table(text, templates[name]) for name, text in zip(templates, (TEMPLATE, assigned), strict=True)}
    found_plates = plates(plate_layouts=PLATE_LAYOUTS.empty(), **drawn)
    assert found(check("plate_layouts", "received", **found_plates)) == (2, 1, "GC_4")
    assert found(check("elispot_counts", "has_layout", **found_plates)) == (3, 1, "GC_1 H12 (IFNg)")


WARNED = {
    ("plate_layouts", "sources_agree"): "layout.sources_disagree",
    ("plate_layouts", "cells_known"): "layout.cells_unknown",
    ("plate_templates", "slot_known"): "layout.slot_unknown",
    ("instrument_layouts", "names_known"): "layout.stimulus_unknown",
    ("elispot_counts", "one_name_each"): "layout.analyte_twice",
    ("elispot_wells", "one_control"): "layout.control_ambiguous",
}


@pytest.mark.parametrize("name", WARNED)
def test_a_finding_about_a_plate_is_a_warning_with_all_its_places(name: tuple[str, str]):
    places = table("place\nB1\nA1", PLATE_FINDINGS, plate_id="GC_1", reason=WARNED[name], analyte="")
    other = next(code for code in WARNED.values() if code != WARNED[name])
    noise = table("place\nC1", PLATE_FINDINGS, plate_id="GC_2", reason=other, analyte="")
    counts = table("plate_id\nGC_1\nGC_1\nGC_2", ELISPOT_COUNTS)
    row = check(*name, plate_findings=pl.concat([places, noise]), elispot_counts=counts)
    assert found(row) == (2, 1, "GC_1 (A1; B1)")


def test_every_reason_a_plate_can_have_is_a_warning_but_a_specimen_tested_twice():
    of_wells = {"layout.well_without_layout", "layout.well_without_count", "layout.no_control", "layout.donor_unknown"}
    told = {*WARNED.values(), *of_wells, "layout.specimen_on_several_plates"}
    assert told == {code for code, one in REASONS.items() if one.kind == "plate"}


VISITED = """
    specimen_id | subject_id | material         | study_day | visit            | declared_visit | is_baseline_candidate
    P1-BL       | P1         | blood            | -7        | Baseline         | baseline       | true
    P1-W4       | P1         | blood            | 28        | Week 4           | Week 6         | false
    P1-X        | P1         | blood            | 70        | unscheduled      |                | false
    P1-IP       | P1         | infusion_product | 0         | infusion product |                | false
    P2-BL       | P2         | blood            | -7        | Baseline         |                | true
    P3-BL       | P3         | blood            | -3        | Baseline         |                | false
    P9-BL       | P9         | blood            |           |                  | Baseline       | false
"""


def test_specimens_outside_every_window_are_named_with_their_day():
    visited = table(VISITED, VISITED_SPECIMENS)
    assert found(check("visited_specimens", "in_a_window", visited_specimens=visited)) == (6, 1, "P1-X (day 70)")


def test_a_declared_visit_that_is_not_that_of_the_date_is_named_whatever_the_case():
    visited = table(VISITED, VISITED_SPECIMENS)
    expected = (2, 1, "P1-W4 (declared Week 6, dated Week 4)")
    assert found(check("visited_specimens", "declared_visit", visited_specimens=visited)) == expected


INFUSED = """
    subject_id | lymphodepletion_start
    P1         | 2020-02-23
    P2         |
    P3         | 2020-02-24
"""

RESPONDED = """
    specimen_id | call          | rule      | is_primary_rule | is_reported
    P1-BL       | negative      | dfr_eq    | true            | true
    P2-BL       | not_evaluable | dfr_eq    | true            | true
    P2-BL       | indeterminate | dfr_eq    | true            | true
    P2-BL       | positive      | threshold | false           | true
    P2-BL       | positive      | dfr_eq    | true            | false
    P3-BL       | positive      | dfr_eq    | true            | true
"""


@pytest.mark.parametrize(("indeterminate", "without"), [("skip", "P2; P3"), ("negative", "P3")])
def test_a_baseline_must_be_before_lymphodepletion_reported_and_evaluable_under_the_primary_rule(
    indeterminate: str, without: str
):
    row = check(
        "infusion_products",
        "baseline",
        {"persistence": {"landmarks": [{"day": 90}], "indeterminate": indeterminate}},
        visited_specimens=table(VISITED, VISITED_SPECIMENS),
        responses=table(RESPONDED, RESPONSES),
        infusion_products=table(INFUSED, INFUSION_PRODUCTS),
    )
    assert (row["n_rows"], row["examples"]) == (3, without)


def test_an_unknown_start_of_lymphodepletion_is_told():
    row = check("infusion_products", "lymphodepletion_start", infusion_products=table(INFUSED, INFUSION_PRODUCTS))
    assert found(row) == (3, 1, "P2")


def test_subjects_without_follow_up_are_named():
    outcomes = table("subject_id\nP1\nP2", OUTCOMES)
    row = check("outcomes", "has_follow_up", outcomes=outcomes, follow_up=table("subject_id\nP2", FOLLOW_UP))
    assert found(row) == (2, 1, "P1")


SEEN = {
    "outcomes": table(
        """
        subject_id | is_infused | enrolment_date | infusion_date | death_date | last_contact_date
        P1         | true       | 2020-01-01     | 2020-01-10    | 2020-06-01 | 2020-06-01
        P2         | true       | 2020-01-01     | 2019-12-30    |            | 2020-06-01
        """,
        OUTCOMES,
    ),
    "specimens": table("subject_id | collection_date\n P1 | 2020-06-01\n P2 | 2020-06-02", SPECIMENS),
    "tumour_assessments": table("subject_id | assessment_date\n P1 | 2020-09-01\n P2 | 2020-05-01", TUMOUR_ASSESSMENTS),
    "follow_up": table("subject_id | contact_date\n P1 | 2020-05-01\n P2 | 2020-06-01", FOLLOW_UP),
}


def test_what_is_dated_after_a_death_or_after_the_last_contact_is_named():
    assert found(check("outcomes", "nothing_after_death", **SEEN)) == (3, 1, "P1 assessment 2020-09-01")
    assert found(check("outcomes", "nothing_after_last_contact", **SEEN)) == (3, 1, "P2 specimen 2020-06-02")


def test_an_infusion_before_enrolment_is_named():
    assert found(check("outcomes", "enrolled_first", **SEEN)) == (2, 1, "P2 (2019-12-30)")


def test_an_antigen_needs_an_evaluable_negative_control_of_its_own_specimen_plate_and_analyte():
    wells = table(
        """
        plate_id | well | analyte | specimen_id | well_role        | antigen | status  | control
        GC_1     | A1   | IFNg    | P1-W4       | negative_control |         | counted | medium
        GC_1     | A2   | IFNg    | P1-W4       | antigen          | MART-1  | counted | medium
        GC_1     | A3   | IFNg    | P1-W4       | antigen          | MART-1  | counted | medium
        GC_1     | A4   | IFNg    | P2-W4       | antigen          | CMV     | counted | medium
        GC_1     | A5   | IFNg    | P1-W4       | antigen          | gp100   | counted | DMSO
        GC_1     | A2   | IL2     | P1-W4       | antigen          | MART-1  | counted | medium
        GC_2     | A1   | IFNg    | P1-W4       | negative_control |         | masked  | medium
        GC_2     | A2   | IFNg    | P1-W4       | antigen          | MART-1  | counted | medium
        """,
        ELISPOT_WELLS,
    )
    assert found(check("elispot_wells", "has_negative_control", elispot_wells=wells)) == (
        5,
        4,
        "CMV on GC_1 (P2-W4, IFNg); MART-1 on GC_1 (P1-W4, IL2); MART-1 on GC_2 (P1-W4, IFNg);"
        " gp100 on GC_1 (P1-W4, IFNg)",
    )


def test_only_absences_without_a_reason_are_named_and_only_due_specimens_looked_at():
    expected = table(
        """
        subject_id | visit  | specimen_status | reason
        P1         | Week 4 | received        |
        P2         | Week 4 | absent          | dead
        P3         | Week 4 | absent          | unknown
        P4         | Week 4 | not_due         |
        """,
        EXPECTED_SPECIMENS,
    )
    row = check("expected_specimens", "absence_explained", expected_specimens=expected)
    assert found(row) == (3, 1, "P3, Week 4")


def estimates_and_wells(n_estimated: int, n_now: int) -> dict[str, pl.DataFrame]:
    """Version 1 rests on 1 well, version 2 on n_estimated; the plates now hold n_now counted control wells."""
    estimates = table(
        f"version | n_wells\n2 | {n_estimated}\n1 | 1",
        ESTIMATES,
        estimate="limit_of_blank",
        assay="elispot",
        readout="IFNg",
    )
    names = "\n".join(f"GC_{n} | A1 | counted" for n in range(n_now))
    wells = table(
        f"plate_id | well | status\n{names}\nGC_X | A1 | tntc",
        ELISPOT_WELLS,
        analyte="IFNg",
        well_role="negative_control",
    )
    return {"estimates": estimates, "elispot_wells": wells}


def test_an_estimate_is_old_when_its_latest_version_rests_on_less_than_half_of_the_wells():
    assert check("estimates", "up_to_date", **estimates_and_wells(12, 24))["success"]
    old = check("estimates", "up_to_date", **estimates_and_wells(12, 25))
    assert found(old) == (1, 1, "IFNg version 2 (12 of 25 wells)")


def test_where_the_lod_is_fixed_no_estimate_can_be_old():
    row = check("estimates", "up_to_date", {"elispot": {"lod": 20.0}}, **estimates_and_wells(12, 100))
    assert found(row) == (0, 0, None)


CHARTED = """
    plate_id | measure          | sample | is_reference | value_log10 | westgard | trend_status
    GC_1     | negative_control | medium | true         | 0.5         |          | in_control
    GC_2     | negative_control | medium | true         | 1.9         | 1-3s     | rejected
    GC_3     | negative_control | medium | false        | 0.9         | 1-2s     | warning
    GC_4     | negative_control | medium | false        | 0.9         |          | no_reference
"""
LIMITS = """
    version | n_plates
    1       | 1
    2       | {}
"""


def charted() -> dict[str, pl.DataFrame]:
    told = table(CHARTED).with_columns(instrument=pl.lit("AID"), analyte=pl.lit("IFNg"))
    return {"plate_quality": pl.concat([PLATE_QUALITY.empty(), told], how="diagonal_relaxed")}


def test_a_plate_that_a_control_chart_rejects_is_named_with_the_rule():
    row = check("plate_quality", "in_control", **charted())
    assert found(row) == (3, 1, "GC_2 (negative_control medium, 1-3s)")


@pytest.mark.parametrize(
    ("n_plates", "examples"), [(1, "negative_control medium on AID (IFNg), version 2: 1 of 2 plates"), (2, None)]
)
def test_limits_that_rest_on_fewer_plates_of_the_period_than_there_are_now_are_named(n_plates, examples):
    chart = {"measure": "negative_control", "instrument": "AID", "analyte": "IFNg", "sample": "medium"}
    days = {"reference_first": date(2020, 1, 1), "reference_last": date(2020, 6, 30)}
    held = table(LIMITS.format(n_plates)).with_columns(**{k: pl.lit(v) for k, v in (chart | days).items()})
    limits = pl.concat([CONTROL_BASELINES.empty(), held], how="diagonal_relaxed")
    asked = {"elispot": {"trend": days}}
    row = check("control_baselines", "up_to_date", asked, control_baselines=limits, **charted())
    assert found(row) == (1, int(examples is not None), examples)
    without_period = check("control_baselines", "up_to_date", {}, control_baselines=limits, **charted())
    assert found(without_period) == (0, 0, None)


def test_a_study_of_nothing_breaks_nothing():
    checks = study_checks({}, study())
    assert checks["success"].all()
    assert checks["n_rows"].to_list() == [0] * checks.height


def test_every_check_is_told_in_the_columns_of_quality_checks_under_a_name_of_its_own():
    checks = study_checks(plates(), study())
    assert checks.schema == {name: QUALITY_CHECKS.schema[name] for name in CHECK_COLUMNS}
    assert checks.select("table_name", "check_name").is_duplicated().sum() == 0
    assert set(checks["engine"]) == {"perdure"}
    assert checks.drop("examples").null_count().sum_horizontal().item() == 0


def test_examples_are_few_but_the_result_holds_every_key():
    counts = table(
        "\n".join(["plate_id | well | analyte | status", *(f"GC_1 | A{n} | IFNg | masked" for n in range(1, 10))]),
        ELISPOT_COUNTS,
    )
    row = check("elispot_counts", "has_layout", **plates(elispot_counts=counts, plate_layouts=PLATE_LAYOUTS.empty()))
    assert row["n_unexpected"] == 9
    assert len(str(row["examples"]).split("; ")) == 5
    assert len(json.loads(str(row["result"]))["unexpected"]) == 9


@given(seed=st.integers(0, 2**32))
@law(max_examples=20, deadline=None)
def test_the_order_of_rows_is_irrelevant(seed: int):
    tables = {
        **plates(),
        "visited_specimens": table(VISITED, VISITED_SPECIMENS),
        "responses": table(RESPONDED, RESPONSES),
        "infusion_products": table(INFUSED, INFUSION_PRODUCTS),
        "estimates": estimates_and_wells(3, 9)["estimates"],
    }
    shuffled = {name: frame.sample(fraction=1.0, shuffle=True, seed=seed) for name, frame in tables.items()}
    assert study_checks(tables, study()).equals(study_checks(shuffled, study()))
