"""What a plate measures: controls, reference samples, replicates and wells too numerous to count, by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from polars.testing import assert_frame_equal

from expectations.computed import ELISPOT_WELLS, PLATE_QUALITY
from expectations.ingested import PLATES
from expectations.study import StudySettings
from tests.drawing import table
from tests.test_plate_quality import FIRST, LAST, PERIOD, estimated, study
from transforms.control_baselines import CHART
from transforms.plate_quality import plate_measures, plate_quality

WELLS = """
    well | specimen_id | stimulus | antigen | well_role        | control | spots | status  | cells_per_well
    A1   | S1          | medium   |         | negative_control | medium  | 2     | counted | 200000
    A2   | S2          | Medium   |         | negative_control | medium  | 4     | counted | 100000
    A3   | S2          | medium   |         | negative_control | medium  |       | masked  | 100000
    A4   | S1          | DMSO     |         | negative_control | DMSO    | 7     | counted | 200000
    B1   | S1          | PHA      |         | positive_control |         | 300   | counted | 200000
    B2   | S1          | PHA      |         | positive_control |         |       | tntc    | 200000
    C1   | S1          | MART-1   | MART-1  | antigen          | medium  | 10    | counted | 200000
    C2   | S1          | mart1    | MART-1  | antigen          | medium  | 14    | counted | 200000
    C3   | S2          | MART-1   | MART-1  | antigen          | medium  | 0     | counted | 100000
    C4   | S2          | MART-1   | MART-1  | antigen          | medium  | 4     | counted | 100000
    C5   | S2          | CMV      | CMV     | antigen          | medium  | 90    | counted | 100000
    C6   | S2          | CMV      | CMV     | antigen          | medium  |       | tntc    | 100000
    C7   | S1          | CMV      | CMV     | antigen          | medium  | 90    | counted | 200000
    D1   | QC-1        | medium   |         | negative_control | medium  | 50    | counted | 200000
    D2   | QC-1        | CEF      | CMV     | antigen          | medium  | 40    | counted | 200000
    D3   | QC-1        | CMV      | CMV     | antigen          | medium  | 60    | counted | 200000
    E1   |             |          |         | unused           |         | 999   | counted |
"""
ONE_PLATE = {"plate_id": "P", "analyte": "IFNg", "tntc_ceiling": 400, "read_date": date(2020, 3, 1)}


def measured(drawing: str = WELLS, instrument: str = "AID", settings: StudySettings | None = None, **changed):
    """Measures of one plate by measure and sample."""
    wells = table(drawing, ELISPOT_WELLS, **{**ONE_PLATE, **changed})
    plates = table(f"plate_id | analyte | instrument\nP | FITC | {instrument}\nP | Cy3 | {instrument}", PLATES)
    found = plate_measures(wells, plates, settings or study(reference_samples=["QC-1"]))
    return {(row["measure"], row["sample"]): row for row in found.iter_rows(named=True)}


def numbers(row) -> tuple[float | None, bool, int]:
    return row["value"], row["is_bound"], row["n_wells"]


def test_a_plate_has_a_mean_for_each_control_apart_and_for_each_stimulus_of_a_reference_sample():
    found = measured()
    assert {key: numbers(row) for key, row in found.items() if row["value_log10"] is not None} == {
        # 2 / 0.2 = 10 and 4 / 0.1 = 40 spots per 10^6; the reference sample's 250 is not among them
        ("negative_control", "medium"): (25.0, False, 2),
        ("negative_control", "DMSO"): (35.0, False, 1),
        # 300 / 0.2 = 1500, and at least 400 / 0.2 = 2000
        ("positive_control", "PHA"): (1750.0, True, 2),
        ("reference_sample", "QC-1, medium"): (250.0, False, 1),
        ("reference_sample", "QC-1, CMV"): (250.0, False, 2),
    }


def test_the_charted_value_is_log10_of_one_more():
    wells = WELLS.replace("| 2     | counted | 200000", "| 99    | counted | 1000000").replace("| 4     |", "|       |")
    wells = wells.replace("medium  |       | counted", "medium  |       | masked")
    assert measured(wells)["negative_control", "medium"]["value_log10"] == pytest.approx(2, abs=1e-12)


def test_variability_is_the_median_over_antigens_with_two_counted_wells_and_none_too_numerous():
    # S1 MART-1: 10, 14: 8 / 13; S2 MART-1: 0, 4: 8 / 3; QC-1 CMV: 40, 60: 200 / 51; the others have one well or TNTC
    assert numbers(measured()["replicate_variability", ""]) == (pytest.approx(8 / 3), False, 6)


def test_the_share_of_tntc_counts_wells_that_held_a_test_and_were_read():
    assert numbers(measured()["tntc_share", ""]) == (pytest.approx(100 * 2 / 15), False, 15)


def test_a_reference_sample_that_is_not_named_is_a_specimen_like_any_other():
    found = measured(settings=study())
    assert numbers(found["negative_control", "medium"]) == (pytest.approx(100), False, 3)
    assert not any(measure == "reference_sample" for measure, _ in found)


def test_a_plate_without_a_ceiling_has_no_mean_where_wells_are_too_numerous_to_count():
    row = measured(tntc_ceiling=None)["positive_control", "PHA"]
    assert (*numbers(row), row["value_log10"]) == (None, False, 2, None)


@pytest.mark.parametrize(
    ("read_date", "settings", "is_reference"),
    [
        (FIRST, study(**PERIOD), True),
        (LAST, study(**PERIOD), True),
        (LAST + timedelta(days=1), study(**PERIOD), False),
        (None, study(**PERIOD), False),
        (FIRST, study(), False),
    ],
)
def test_the_reference_period_includes_both_its_ends(read_date, settings, is_reference):
    assert {row["is_reference"] for row in measured(settings=settings, read_date=read_date).values()} == {is_reference}


def test_a_measure_without_a_read_well_has_no_row():
    found = measured("well | specimen_id | stimulus | well_role | status\nA1 | S1 | medium | negative_control | masked")
    assert found == {}


def test_row_order_changes_no_measure():
    wells = table(WELLS, ELISPOT_WELLS, **ONE_PLATE)
    plates = table("plate_id | analyte | instrument\nP | IFNg | AID", PLATES)
    one, other = (plate_measures(rows, plates, study()) for rows in (wells, wells.reverse()))
    assert_frame_equal(one, other, check_exact=True)


def test_no_wells_give_no_rows():
    nothing = plate_measures(ELISPOT_WELLS.empty(), PLATES.empty(), study(**PERIOD))
    assert set(CHART) <= set(nothing.columns)
    assert_frame_equal(
        plate_quality(nothing, estimated(nothing, study(**PERIOD)), study(**PERIOD)), PLATE_QUALITY.empty()
    )
