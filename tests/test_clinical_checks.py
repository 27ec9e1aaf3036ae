"""Checks of lesions and their measurements: each finds its fault, names it, and is content without it."""

from __future__ import annotations

import polars as pl
import pytest

from expectations.ingested import INFUSION_PRODUCTS, LESION_MEASUREMENTS, LESIONS, TUMOUR_ASSESSMENTS
from tests.clinical_study import study
from tests.drawing import table
from transforms.study_checks import study_checks


def found(
    check: str, lesions: str = "", measured: str = "", infused: str = "", **response: object
) -> tuple[int, int, str | None]:
    table_name, _, check_name = check.partition(".")
    drawn = {
        "lesions": table(LESIONS_HEADER + lesions, LESIONS, evaluator="investigator") if lesions else LESIONS.empty(),
        "lesion_measurements": table(MEASURED_HEADER + measured, LESION_MEASUREMENTS, evaluator="Investigator")
        if measured
        else LESION_MEASUREMENTS.empty(),
        "infusion_products": table("subject_id | infusion_date | lymphodepletion_start\n" + infused, INFUSION_PRODUCTS)
        if infused
        else INFUSION_PRODUCTS.empty(),
    }
    return row_of(drawn, table_name, check_name, **response)


def row_of(
    drawn: dict[str, pl.DataFrame], table_name: str, check_name: str, **response: object
) -> tuple[int, int, str | None]:
    checks = study_checks(drawn, study(response=response))
    (row,) = checks.filter(table_name=table_name, check_name=check_name).to_dicts()
    assert row["severity"] == "warning"
    assert row["success"] == (row["n_unexpected"] == 0)
    return row["n_rows"], row["n_unexpected"], row["examples"]


LESIONS_HEADER = "subject_id | lesion_id | category | organ | identified_date | split_from\n"
MEASURED_HEADER = "subject_id | lesion_id | assessment_date | status | diameter_mm\n"
INFUSED = """
    P1 | 2014-03-01 | 2014-02-22
    P2 | 2014-03-01 |
"""


def test_a_lesion_that_nobody_assessed_is_named():
    lesions = "P1 | T01 | target | liver | |\n P1 | T02 | target | lung | |\n P1 | T03 | target | lung | |"
    measured = """
        P1 | T01 | 2014-02-20 | measured     | 20
        P1 | T02 | 2014-02-20 | not_assessed |
        P2 | T03 | 2014-02-20 | absent       |
    """
    assert found("lesions.is_assessed", lesions, measured) == (
        3, 2, "P1 T02 (investigator); P1 T03 (investigator)",
    )  # fmt: skip


def test_a_measurement_of_a_lesion_that_only_another_subject_has_is_named():
    lesions = "P1 | T01 | target | liver | |"
    measured = "P1 | T01 | 2014-02-20 | measured | 20\n P2 | T01 | 2014-02-20 | measured | 30"
    assert found("lesion_measurements.is_declared", lesions, measured) == (2, 1, "P2 T01 (investigator)")


def test_a_target_of_an_infused_subject_without_an_assessment_up_to_day_0_is_named():
    lesions = """
        P1 | T01 | target     | liver | |
        P1 | T02 | target     | lung  | |
        P1 | T03 | target     | lung  | | T01
        P1 | N01 | non_target | bone  | |
        P3 | T01 | target     | liver | |
    """
    measured = """
        P1 | T01 | 2014-03-01 | measured     | 20
        P1 | T02 | 2014-02-20 | not_assessed |
        P1 | T02 | 2014-03-02 | measured     | 15
    """
    assert found("lesions.targets_at_baseline", lesions, measured, INFUSED) == (2, 1, "P1 T02 (investigator)")


def targets(organs: str) -> str:
    return "\n".join(f"P1 | T{n:02} | target | {organ} | |" for n, organ in enumerate(organs.split(), start=1))


TARGETS = """
    criteria   | organs                                           | n | told
    RECIST 1.1 | liver liver lung lung node                       | 0 |
    RECIST 1.1 | liver Liver liver                                | 1 | P1 (investigator): 3 liver
    RECIST 1.1 | liver liver lung lung node skin                  | 1 | P1 (investigator): 6 in all
    RECIST 1.0 | liver liver lung lung node skin                  | 0 |
    RECIST 1.0 | a a a a a b b b b b                              | 0 |
    RECIST 1.0 | a a a a a a b b b b                              | 1 | P1 (investigator): 6 a
    RECIST 1.0 | a a a a a b b b b b c                            | 1 | P1 (investigator): 11 in all
"""


@pytest.mark.parametrize(("criteria", "organs", "n", "told"), table(TARGETS).rows())
def test_more_targets_than_the_criteria_allow_are_counted(criteria, organs, n, told):
    assert found("lesions.n_targets", targets(organs), criteria=criteria) == (1, n, told)


def test_parts_of_a_split_target_are_no_further_targets():
    parts = targets("liver liver lung lung node") + "\nP1 | T06 | target | liver | | T01"
    assert found("lesions.n_targets", parts) == (1, 0, None)


def test_a_lesion_that_is_measured_before_it_was_first_seen_is_named():
    lesions = "P1 | N01 | new | lung | 2014-05-01 |"
    measured = "P1 | N01 | 2014-03-15 | measured | 12\n P1 | N01 | 2014-05-01 | measured | 14"
    assert found("lesion_measurements.identified_first", lesions, measured) == (
        2, 1, "P1 N01 (investigator) 2014-03-15",
    )  # fmt: skip
    absent = "P1 | N01 | 2014-03-15 | absent |\n P1 | N01 | 2014-05-01 | measured | 14"
    assert found("lesion_measurements.identified_first", lesions, absent) == (2, 0, None)


def test_a_new_lesion_that_is_there_on_day_0_is_named():
    lesions = "P1 | N01 | new | lung | |"
    measured = "P1 | N01 | 2014-03-01 | present |\n P1 | N01 | 2014-03-02 | present |"
    assert found("lesion_measurements.new_is_new", lesions, measured, INFUSED) == (
        2, 1, "P1 N01 (investigator) 2014-03-01",
    )  # fmt: skip


def test_a_baseline_is_old_more_than_28_days_before_lymphodepletion_or_without_it_day_0():
    lesions = "P1 | T01 | target | lung | |\n P2 | T01 | target | lung | |"
    in_time = "P1 | T01 | 2014-01-25 | measured | 10\n P2 | T01 | 2014-02-01 | measured | 10"
    assert found("lesion_measurements.baseline_in_time", lesions, in_time, INFUSED) == (2, 0, None)
    too_old = "P1 | T01 | 2014-01-24 | measured | 10\n P2 | T01 | 2014-01-31 | measured | 10"
    assert found("lesion_measurements.baseline_in_time", lesions, too_old, INFUSED) == (
        2, 2, "P1 (investigator): 29 days; P2 (investigator): 29 days",
    )  # fmt: skip


LESIONS_OF = """
    subject_id | lesion_id | evaluator                          | category
    P1         | T01       | independent assessor, radiologist 1 | target
    P2         | T01       | site                               | target
"""


def test_lesions_of_nobody_who_counts_are_told_only_where_responses_are_derived():
    drawn = {"lesions": table(LESIONS_OF, LESIONS)}
    derived = {"source": "derived", "evaluator": "Independent assessor"}
    assert row_of(drawn, "lesions", "evaluator", **derived) == (2, 1, "P2 (site)")
    assert row_of(drawn, "lesions", "evaluator", **(derived | {"source": "reported"})) == (0, 0, None)


def test_assessments_of_one_of_several_readers_are_those_of_the_evaluator():
    drawn = {
        "tumour_assessments": table(
            """
            subject_id | assessment_date | overall_response | evaluator
            P1         | 2014-05-01      | PR               | independent assessor, radiologist 1
            P2         | 2014-05-01      | PR               | investigator
            """,
            TUMOUR_ASSESSMENTS,
        )
    }
    assert row_of(drawn, "tumour_assessments", "evaluator", evaluator="independent assessor") == (
        2, 1, "P2 (investigator)",
    )  # fmt: skip


def test_without_lesions_no_check_finds_anything():
    checks = study_checks({}, study()).filter(pl.col("table_name").is_in(["lesions", "lesion_measurements"]))
    assert checks.height == 8
    assert checks["success"].all()
    assert set(checks["n_rows"]) == {0}
