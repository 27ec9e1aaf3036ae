"""RECIST from the lesions of a public study (CDISC pilot, with simulated tumours): derived beside reported."""

from __future__ import annotations

from functools import cache

import polars as pl
import pytest

from expectations.clinical_in import FOLLOW_UP, LESION_MEASUREMENTS, LESIONS, TUMOUR_ASSESSMENTS
from expectations.contract import Table
from expectations.ingested import INFUSION_PRODUCTS
from expectations.study import StudySettings
from expectations.study_file import parse_study
from tests.drawing import SHARED, needs_shared
from tests.drawn_exports import STUDY, source
from transforms.best_response import best_responses, leading_assessments
from transforms.readers import registry
from transforms.recist import derived_assessments

pytestmark = needs_shared

PARTIAL_DATES = '[dates]\npartial = "middle"\n'
"""One visit of one subject is dated 2014-02."""

CRITERIA = ("RECIST 1.1", "RECIST 1.0")
BACK_AFTER_CR = ("01-701-1133", "independent assessor, radiologist 2", "WEEK 9")
CR_WITH_NODES_LEFT = ("01-701-1015", "01-701-1115")


def study(criteria: str = "RECIST 1.1", evaluator: str = "investigator", source_: str = "reported") -> StudySettings:
    response = f'[response]\ncriteria = "{criteria}"\nevaluator = "{evaluator}"\nsource = "{source_}"\n'
    return parse_study((STUDY + PARTIAL_DATES + response).encode())


@cache
def frames() -> dict[str, pl.DataFrame]:
    """Lesions, measurements and assessments as the reader gives them, each once, and the start of treatment."""
    tables: dict[str, pl.DataFrame] = {}
    for name in ("rs", "tr", "tu"):
        path = SHARED / "real" / "clinical" / f"{name}_onco_recist.csv"
        tables |= registry.read(source(path.read_bytes(), path.name), study()).tables
    dm = pl.read_csv(SHARED / "real" / "clinical" / "sdtm_dm.csv", null_values="NA", infer_schema=False)
    begun = dm.select(pl.col("USUBJID").alias("subject_id"), pl.col("RFXSTDTC").str.to_date().alias("infusion_date"))
    begun = begun.join(tables["lesions"], on="subject_id", how="semi")
    contracts = (LESIONS, LESION_MEASUREMENTS, TUMOUR_ASSESSMENTS)
    return {one.name: _only(one, tables[one.name]) for one in contracts} | {
        "infusion_products": _only(INFUSION_PRODUCTS, begun)
    }


def _only(contract: Table, frame: pl.DataFrame) -> pl.DataFrame:
    missing = {name: pl.lit(None, dtype) for name, dtype in contract.schema.items() if name not in frame.columns}
    return contract.conform(frame.with_columns(**missing))


def derived(told: StudySettings) -> pl.DataFrame:
    names = ("lesions", "lesion_measurements", "tumour_assessments", "infusion_products")
    return derived_assessments(*(frames()[name] for name in names), told)


def differing(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(~pl.col("agrees"))


def test_every_assessment_of_every_evaluator_is_there_with_its_report():
    frame = derived(study())
    assert frame["subject_id"].n_unique() == 8
    assert frame.filter("is_baseline").height == 8 * 3
    after = frame.filter(~pl.col("is_baseline"))
    assert after.height == 66
    assert after["reported_response"].null_count() == 0
    assert after["derived_response"].null_count() == 0


def test_under_recist_1_1_the_one_difference_is_a_lesion_back_after_a_complete_response():
    """Reader 2: 4.95 mm after 0 mm. Back after CR, so PD, though 5 mm were not reached; the report says PR."""
    found = differing(derived(study()))
    assert found.select("subject_id", "evaluator", "visit").rows() == [BACK_AFTER_CR]
    assert found.select("nadir_mm", "sum_mm", "reported_response", "derived_response", "difference_reason").rows() == [
        (0.0, 4.95, "PR", "PD", "differs.reappeared")
    ]


def test_under_recist_1_0_complete_responses_with_a_small_node_left_differ_too():
    found = differing(derived(study("RECIST 1.0")))
    told = found.filter(pl.col("difference_reason") != "differs.reappeared")
    assert told["subject_id"].unique(maintain_order=True).to_list() == list(CR_WITH_NODES_LEFT)
    assert set(told.select("reported_response", "derived_response", "difference_reason").rows()) == {
        ("CR", "PR", "differs.node_not_gone")
    }
    assert (found.height, told.height) == (7, 6)


@pytest.mark.parametrize(
    ("subject", "visit", "s0", "nadir", "total", "response"),
    [
        ("01-701-1133", "WEEK 3", 60.0, 60.0, 42.0, "PR"),  # 19 + 21 + 20 to 15 + 14 + 13: -30.0 %
        ("01-701-1115", "WEEK 9", 90.0, 44.0, 10.0, "CR"),  # nodes of 7 and 3 mm, the third target gone
        ("01-701-1015", "WEEK 9", 96.0, 96.0, 7.0, "CR"),  # a node of 7 mm, the three others gone
        ("01-701-1130", "WEEK 6", 90.0, 88.0, 96.0, "SD"),  # +9.1 %
        ("01-701-1130", "WEEK 9", 90.0, 88.0, 124.0, "PD"),  # +40.9 %
    ],
)
def test_sums_of_the_investigator_are_those_added_up_by_hand(
    subject: str, visit: str, s0: float, nadir: float, total: float, response: str
):
    row = derived(study()).row(
        by_predicate=(pl.col("subject_id") == subject)
        & (pl.col("visit") == visit)
        & (pl.col("evaluator") == "investigator"),
        named=True,
    )
    assert (row["baseline_sum_mm"], row["nadir_mm"], row["sum_mm"], row["derived_response"]) == (
        s0,
        nadir,
        total,
        response,
    )


def test_a_missing_target_hides_progression_from_one_reader_and_not_from_the_other():
    """Week 6 without T01: 107.9 of a nadir of 90.86 is +18.8 %, 111.2 of 91.0 is +22.2 %."""
    frame = derived(study()).filter(pl.col("subject_id") == "01-701-1028", pl.col("visit") == "WEEK 6")
    assert frame.select("nadir_mm", "measured_sum_mm", "derived_response", "n_targets_missing").rows() == [
        (90.86, 107.9, "NE", 1),
        (91.0, 111.2, "PD", 1),
        (91.0, 110.0, "PD", 1),
    ]


# confirmed after 28 days; visits are 21 days apart; SD counts from day 42 on
BEST_BY_HAND = {
    "01-701-1015": ("SD", "not_confirmed"),  # 21 SD, 44 NE, 63 CR
    "01-701-1028": ("PD", "too_early"),  # 21 SD, 42 PD
    "01-701-1034": ("NON-CR/NON-PD", None),
    "01-701-1097": ("NON-CR/NON-PD", None),
    "01-701-1115": ("SD", "not_confirmed"),  # 21 SD, 42 PR, 63 CR
    "01-701-1118": ("PR", None),  # 21 SD, 42 PR, 63 NE, 84 PR
    "01-701-1130": ("SD", None),  # 21 SD, 42 SD, 63 PD
    "01-701-1133": ("SD", "not_confirmed"),  # 21 PR, 42 CR, 63 PD
}


@pytest.mark.parametrize("told_by", ["reported", "derived"])
@pytest.mark.parametrize("evaluator", ["INVESTIGATOR", "Independent Assessor"])
def test_best_responses_are_those_judged_by_hand_whoever_leads(told_by: str, evaluator: str):
    told = study(evaluator=evaluator, source_=told_by)
    frame = best_responses(derived(told), frames()["infusion_products"], FOLLOW_UP.empty(), told).filter("is_leading")
    found = {
        s: (best, why)
        for s, best, why in frame.select("subject_id", "best_overall_response", "best_response_reason").rows()
    }
    assert found == BEST_BY_HAND


def test_of_two_readers_the_accepted_one_leads_at_each_visit():
    told = study(evaluator="independent assessor")
    accepted = frames()["tumour_assessments"].filter("is_accepted").sort("subject_id", "assessment_date")
    assert accepted.height == 22
    columns = ["subject_id", "assessment_date", "overall_response"]
    assert leading_assessments(derived(told), told).equals(accepted.select(columns))
