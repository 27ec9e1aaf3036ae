"""The limit of blank is estimated once, from the study's negative controls, and changes only when asked."""

from __future__ import annotations

import math
import statistics
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import ELISPOT_WELLS
from expectations.records import ESTIMATES
from expectations.study import StudySettings
from tests.drawing import table
from transforms.limit_of_blank import limits_of_blank, versioned

TODAY = date(2020, 6, 1)


def study(**elispot) -> StudySettings:
    return StudySettings.model_validate(
        {
            "study": {"id": "T"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [{"name": "MART-1", "role": "tumour"}],
            "persistence": {"landmarks": [{"day": 30}]},
            "elispot": elispot,
        }
    )


def controls(spots: list[int], analyte: str = "IFNg", cells: int = 200_000) -> pl.DataFrame:
    rows = [
        {
            "plate_id": f"X{i // 96}", "well": f"A{i % 96}", "analyte": analyte, "spots": n, "status": "counted",
            "subject_id": "P1", "well_role": "negative_control", "cells_per_well": cells,
            "spots_per_million": n * 1e6 / cells,
        }
        for i, n in enumerate(spots)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=ELISPOT_WELLS.schema)


def test_limit_is_the_antilog_of_mean_plus_1645_sd():
    # log10(x + 1) of 0, 9, 99 spots per 10^6 is 0, 1, 2: mean 1, SD 1
    wells = controls([0, 9, 99], cells=1_000_000)
    row = limits_of_blank(wells, study(min_control_wells=3), TODAY).row(0, named=True)
    assert row["limit_of_blank"] == pytest.approx(10**2.645 - 1, rel=1e-12)
    assert row["control_mean"] == pytest.approx(36)
    assert (row["estimate"], row["assay"], row["readout"], row["n_wells"]) == ("limit_of_blank", "elispot", "IFNg", 3)
    assert row["estimated_on"] == TODAY


def test_counts_are_scaled_to_a_million_cells_first():
    spots = [0, 1, 2, 3, 5, 8]
    logs = [math.log10(n * 5 + 1) for n in spots]
    row = limits_of_blank(controls(spots), study(min_control_wells=6), TODAY).row(0, named=True)
    assert row["limit_of_blank"] == pytest.approx(10 ** (statistics.mean(logs) + 1.645 * statistics.stdev(logs)) - 1)


def test_only_counted_negative_controls_count():
    blank = controls([0, 9, 99], cells=1_000_000)
    other = table(
        """
        plate_id | well | analyte | spots | status  | well_role        | spots_per_million | cells_per_well
        Z        | A1   | IFNg    | 500   | counted | antigen          | 500               | 1000000
        Z        | A2   | IFNg    |       | tntc    | negative_control |                   | 1000000
        Z        | A3   | IFNg    |       | masked  | negative_control |                   | 1000000
        Z        | A4   | IFNg    | 400   | counted | positive_control | 400               | 1000000
        Z        | A5   | IFNg    | 400   | counted | unused           | 400               | 1000000
        """,
        ELISPOT_WELLS,
        subject_id="P1",
    )
    settings = study(min_control_wells=3)
    assert_frame_equal(
        limits_of_blank(pl.concat([blank, other]), settings, TODAY), limits_of_blank(blank, settings, TODAY)
    )


def test_a_reference_sample_is_not_the_study_s_own():
    blank, reference = controls([0, 9, 99]), controls([500] * 12).with_columns(plate_id=pl.lit("Z"), subject_id=None)
    settings = study(min_control_wells=3)
    assert_frame_equal(
        limits_of_blank(pl.concat([blank, reference]), settings, TODAY), limits_of_blank(blank, settings, TODAY)
    )


def test_all_negative_controls_enter_whatever_is_in_them():
    wells = controls([0, 9, 99], cells=1_000_000).with_columns(control=pl.Series(["medium", "DMSO", "K562"]))
    row = limits_of_blank(wells, study(min_control_wells=3), TODAY).row(0, named=True)
    assert (row["n_wells"], row["limit_of_blank"]) == (3, pytest.approx(10**2.645 - 1))


def test_an_analyte_with_too_few_control_wells_has_no_limit():
    wells = pl.concat([controls([1] * 12), controls([1] * 11, "GrB")])
    fresh = limits_of_blank(wells, study(), TODAY)
    assert dict(fresh.select("readout", pl.col("limit_of_blank").is_null()).iter_rows()) == {"GrB": True, "IFNg": False}


def test_the_well_that_makes_the_wells_enough_changes_no_limit_until_somebody_asks():
    few = limits_of_blank(controls([1] * 11), study(), TODAY)
    first = versioned(ESTIMATES.empty(), few, re_estimate=False, run_id="run-000001")
    assert first.select("version", "limit_of_blank").rows() == [(0, None)]
    enough = limits_of_blank(controls([1] * 12), study(), TODAY)
    assert versioned(first, enough, re_estimate=False, run_id="run-000002").is_empty()
    asked = versioned(first, enough, re_estimate=True, run_id="run-000003")
    assert asked["version"].to_list() == [1]
    assert asked["limit_of_blank"].null_count() == 0


def test_where_a_changed_setting_makes_the_same_wells_enough_asking_gives_a_limit():
    wells = controls([1, 2] * 5)
    first = versioned(ESTIMATES.empty(), limits_of_blank(wells, study(), TODAY), re_estimate=False, run_id="r1")
    allowed = limits_of_blank(wells, study(min_control_wells=10), TODAY)
    assert versioned(first, allowed, re_estimate=False, run_id="r2").is_empty()
    assert versioned(first, allowed, re_estimate=True, run_id="r2")["version"].to_list() == [1]


@given(st.lists(st.integers(0, 60), min_size=12, max_size=40), st.randoms())
def test_row_order_changes_neither_value_nor_fingerprint(spots, random):
    wells = controls(spots)
    order = random.sample(range(len(spots)), len(spots))
    assert_frame_equal(
        limits_of_blank(wells, study(), TODAY), limits_of_blank(wells[order], study(), TODAY), check_exact=True
    )


def test_the_fingerprint_changes_with_a_count_and_with_a_well():
    spots = list(range(12))
    prints = {
        limits_of_blank(wells, study(), TODAY)["input_sha256"].item()
        for wells in (
            controls(spots),
            controls([*spots[:-1], 12]),
            controls([*spots, 3]),
            controls(spots, cells=100_000),
        )
    }
    assert len(prints) == 4


def estimates(drawing: str) -> pl.DataFrame:
    constants = {"estimate": "limit_of_blank", "assay": "elispot", "n_wells": 12, "estimated_on": TODAY}
    return table(drawing, ESTIMATES, **constants)


HELD = """
    readout | version | limit_of_blank | control_mean | input_sha256 | run_id
    IFNg    | 1       | 20             | 5            | a            | r1
    IFNg    | 2       | 22             | 5            | b            | r2
    """


@pytest.mark.parametrize(
    ("re_estimate", "fingerprint", "added"),
    [
        (False, "c", []),
        (True, "c", [("IFNg", 3, 30.0, "r9")]),
        (True, "b", []),
        (True, "a", [("IFNg", 3, 30.0, "r9")]),
    ],
)
def test_a_new_version_needs_both_the_wish_and_other_wells(re_estimate, fingerprint, added):
    fresh = estimates(f"readout | limit_of_blank | control_mean | input_sha256\n IFNg | 30 | 6 | {fingerprint}")
    new = versioned(estimates(HELD), fresh.drop("version", "run_id"), re_estimate=re_estimate, run_id="r9")
    assert new.select("readout", "version", "limit_of_blank", "run_id").rows() == added


def test_the_first_estimate_of_an_analyte_is_version_1_without_asking():
    fresh = estimates("readout | limit_of_blank | control_mean | input_sha256\n GrB | 9 | 2 | z\n IFNg | 30 | 6 | c")
    new = versioned(estimates(HELD), fresh.drop("version", "run_id"), re_estimate=False, run_id="r9")
    assert new.select("readout", "version", "run_id").rows() == [("GrB", 1, "r9")]
    assert new.schema == ESTIMATES.schema


def test_without_controls_there_is_nothing_to_add():
    fresh = limits_of_blank(ELISPOT_WELLS.empty(), study(), TODAY)
    assert_frame_equal(versioned(ESTIMATES.empty(), fresh, re_estimate=True, run_id="r1"), ESTIMATES.empty())
