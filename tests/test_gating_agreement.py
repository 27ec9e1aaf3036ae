"""Stored and re-gated counts side by side: tolerances by gate type, and what is compared at all."""

from __future__ import annotations

import polars as pl
import pytest

from expectations.computed_cytometry import GATE_AGREEMENT, MATCHED_SAMPLES
from expectations.cytometry_in import CYTOMETRY_COUNTS, CYTOMETRY_SAMPLES
from expectations.records import REGATED_COUNTS
from expectations.study_file import parse_study
from tests.drawing import table
from tests.drawn_exports import SETTINGS, STUDY
from transforms.gating_agreement import gate_agreement

SAMPLES = table(
    """
    file_sha256 | sample_number | sample_name | software_version | source
    W           | 1             | A01.fcs     | FlowJo 10.8.1    | flowjo_workspace
    """,
    CYTOMETRY_SAMPLES,
)
MATCHED = table("file_sha256 | sample_number | tube_id\nW | 1 | t1\nF | 1 | t1", MATCHED_SAMPLES)
PAIRED = pl.DataFrame({"file_sha256": ["W"], "sample_number": pl.Series([1], dtype=pl.Int32), "fcs_sha256": ["F"]})


def agreement(counts: str, regated: str, settings=SETTINGS, paired=PAIRED, samples=SAMPLES) -> pl.DataFrame:
    constants = {"file_sha256": "W", "sample_number": 1}
    told = table(regated, REGATED_COUNTS)
    told = told.with_columns(
        pl.col("engine").fill_null(pl.lit("FlowKit 1.3.2")), pl.col("run_id").fill_null(pl.lit("run-000001"))
    )
    tables = {
        "cytometry_samples": samples,
        "cytometry_counts": table(counts, CYTOMETRY_COUNTS, **constants),
        "matched_samples": MATCHED,
        "regated_counts": told.with_columns(
            pl.col("file_sha256").fill_null(pl.lit("W")),
            pl.col("sample_number").fill_null(1),
            pl.col("fcs_sha256").fill_null(pl.lit("F")),
        ),
    }
    found = gate_agreement(tables, paired, settings)
    assert found.schema == pl.Schema(GATE_AGREEMENT.schema)
    return found


STORED = "population_path | status  | count    | gate_type\nx | counted | {stored} | {gate}"
AGAIN = "population_path | count_regated | gate_type\nx | {regated} | {gate}"


@pytest.mark.parametrize(
    ("gate", "stored", "regated", "agrees"),
    [
        ("rectangle", 10_000, 10_010, True),
        ("rectangle", 10_000, 10_011, False),
        ("polygon", 10_000, 9_900, True),
        ("polygon", 10_000, 9_899, False),
        ("ellipsoid", 10_000, 9_800, True),
        ("ellipsoid", 10_000, 9_799, False),
        ("boolean", 10_000, 9_989, False),
        ("rectangle", 10, 12, True),
        ("rectangle", 10, 13, False),
        ("rectangle", 0, 2, True),
        ("polygon", 0, 50, False),
        ("rectangle", 0, 0, True),
    ],
)
def test_counts_agree_within_the_tolerance_of_the_gates_type_or_a_few_events(gate, stored, regated, agrees):
    found = agreement(STORED.format(stored=stored, gate=gate), AGAIN.format(regated=regated, gate=gate))
    assert found["agrees"].to_list() == [agrees]
    assert found["difference"].to_list() == [regated - stored]


def test_the_difference_is_told_in_percent_of_the_larger_count():
    found = agreement(STORED.format(stored=40, gate="polygon"), AGAIN.format(regated=50, gate="polygon"))
    assert found["difference_percent"].to_list() == [20.0]
    assert found["tolerance_percent"].to_list() == [1.0]


def test_tolerances_are_the_studys():
    more = "[cytometry.gating]\ntolerance_events = 0\ntolerance_percent = { polygon = 25.0 }\n"
    settings = parse_study((STUDY + more).encode())
    counts = STORED.format(stored=40, gate="polygon")
    assert agreement(counts, AGAIN.format(regated=50, gate="polygon"), settings)["agrees"].to_list() == [True]
    counts = STORED.format(stored=40, gate="rectangle")
    assert agreement(counts, AGAIN.format(regated=41, gate="rectangle"), settings)["agrees"].to_list() == [False]


def test_a_count_never_computed_or_stale_or_not_made_again_neither_agrees_nor_disagrees():
    counts = """
        population_path | status         | count | gate_type
        never           | never_computed |       | polygon
        stale           | stale          |       | polygon
        lost            | counted        | 9     | other
    """
    regated = """
        population_path | count_regated | gate_type | reason
        never           | 7             | polygon   |
        stale           | 7             | polygon   |
        lost            |               | other     | gating.unsupported
    """
    found = agreement(counts, regated)
    told = found.select("population_path", "stored_status", "count_stored", "count_regated", "agrees", "reason").rows()
    assert told == [
        ("lost", "counted", 9, None, None, "gating.unsupported"),
        ("never", "never_computed", None, 7, None, None),
        ("stale", "stale", None, 7, None, None),
    ]
    assert found["tube_id"].to_list() == ["t1"] * 3
    assert found["software_version"].to_list() == ["FlowJo 10.8.1"] * 3


def test_all_events_are_no_gate_but_tell_where_nothing_could_be_counted():
    counts = "population_path | status | count\n | counted | 100"
    counts = table("status | count\ncounted | 100", CYTOMETRY_COUNTS, population_path="")
    whole = table("count_regated\n100", REGATED_COUNTS, population_path="")
    failed = whole.with_columns(count_regated=pl.lit(None, pl.Int64), reason=pl.lit("gating.unsupported"))
    for regated, n in ((whole, 0), (failed, 1)):
        tables = {
            "cytometry_samples": SAMPLES,
            "cytometry_counts": counts.with_columns(file_sha256=pl.lit("W"), sample_number=pl.lit(1, pl.Int32)),
            "matched_samples": MATCHED,
            "regated_counts": regated.with_columns(
                file_sha256=pl.lit("W"),
                sample_number=pl.lit(1, pl.Int32),
                fcs_sha256=pl.lit("F"),
                engine=pl.lit("FlowKit 1.3.2"),
                run_id=pl.lit("run-000001"),
            ),
        }
        assert gate_agreement(tables, PAIRED, SETTINGS).height == n


def test_only_pairs_that_still_are_pairs_are_compared_and_the_latest_engine_counts():
    counts = STORED.format(stored=5, gate="rectangle")
    regated = """
        population_path | fcs_sha256 | count_regated | gate_type | engine         | run_id
        x               | F          | 4             | rectangle | FlowKit 1.10.0 | run-000002
        x               | F          | 9             | rectangle | FlowKit 1.9.0  | run-000001
        x               | OLD        | 5             | rectangle | FlowKit 1.10.0 | run-000002
    """
    found = agreement(counts, regated)
    assert found.select("fcs_sha256", "count_regated", "engine").rows() == [("F", 4, "FlowKit 1.10.0")]


def test_gating_ml_stores_no_counts_and_its_tube_is_that_of_the_fcs_file():
    samples = SAMPLES.with_columns(
        file_sha256=pl.lit("M"), source=pl.lit("gating_ml"), software_version=pl.lit(None, pl.String)
    )
    paired = PAIRED.with_columns(file_sha256=pl.lit("M"))
    regated = "file_sha256 | population_path | count_regated | gate_type\nM | x | 4 | polygon"
    (row,) = agreement("population_path | status", regated, paired=paired, samples=samples).to_dicts()
    assert (row["stored_status"], row["count_stored"], row["count_regated"], row["agrees"]) == (None, None, 4, None)
    assert row["tube_id"] == "t1"
