"""Plates of the sample study: twenty on control charts, one saturated, and findings about layouts."""

# ruff: noqa: E501 - one row, one line

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from expectations.tables import TABLES
from tests.drawing import table
from tests.published_sample_cohort import filled

PERIOD_FIRST, PERIOD_LAST = date(2009, 3, 1), date(2009, 9, 30)
MEAN, SD = {"negative_control": 1.0, "positive_control": 3.0}, 0.1

# z of each plate in turn, one a month; the positive control of the last plate is a lower bound.
NEGATIVE = (0.3, -0.9, 1.2, -0.4, 0.8, -1.1, 0.1, 0.6, 2.4, 2.6, 0.2, -0.7, 1.0, -0.2, 3.4, 0.5, -1.3, 0.9, -2.2, 0.4)
POSITIVE = (-0.5, 0.7, 0.2, -1.4, 0.9, 0.1, -0.3, 1.1, 0.4, -0.8, 0.6, -1.0, 0.3, -0.1, 0.8, -3.6, 0.5, -0.6, 1.3, 1.2)
RULES = {("negative_control", 8): "1-2s", ("negative_control", 9): "1-2s,2-2s", ("negative_control", 14): "1-2s,1-3s",
         ("negative_control", 18): "1-2s", ("positive_control", 15): "1-2s,1-3s"}  # fmt: skip


def plate_tables() -> dict[str, pl.DataFrame]:
    """Plates, their quality, the limits of their charts, and findings about them."""
    return {
        "plates": plates(),
        "plate_quality": plate_quality(),
        "control_baselines": control_baselines(),
        "plate_findings": plate_findings(),
    }


def plates() -> pl.DataFrame:
    """GC_2012 to GC_2031, one a month."""
    rows = [
        {"plate_id": plate, "analyte": "IFNg", "instrument": "AID", "read_date": day, "n_wells": 96}
        for plate, day in map(_plate, range(20))
    ]
    return filled("plates", pl.DataFrame(rows, infer_schema_length=None))


def _plate(number: int) -> tuple[str, date]:
    return f"GC_{2012 + number}", date(2009, 3, 9) + timedelta(days=30 * number)


def plate_quality() -> pl.DataFrame:
    """Two charts, and the measures that have none."""
    rows = []
    for number in range(20):
        plate, day = _plate(number)
        common = {
            "plate_id": plate,
            "analyte": "IFNg",
            "instrument": "AID",
            "read_date": day,
            "is_reference": day <= PERIOD_LAST,
        }
        for measure, sample, z in (
            ("negative_control", "medium", NEGATIVE[number]),
            ("positive_control", "PHA", POSITIVE[number]),
        ):
            is_bound = measure == "positive_control" and number == 19
            rules = RULES.get((measure, number))
            rejected = rules is not None and rules != "1-2s"
            status = "not_judged" if is_bound else "rejected" if rejected else "warning" if rules else "in_control"
            value = MEAN[measure] + z * SD
            rows.append({**common, "measure": measure, "sample": sample, "value": 10**value - 1, "is_bound": is_bound, "n_wells": 6,
                         "value_log10": value, "mean_log10": MEAN[measure], "sd_log10": SD, "z": z, "baseline_version": 1,
                         "westgard": rules, "trend_status": status})  # fmt: skip
        for measure, value in (
            ("tntc_share", 25.0 if number == 19 else 0.0),
            ("replicate_variability", 1 + number / 10),
        ):
            rows.append(
                {
                    **common,
                    "measure": measure,
                    "sample": "",
                    "value": value,
                    "is_bound": False,
                    "n_wells": 96,
                    "trend_status": "not_charted",
                }
            )
    return filled("plate_quality", pl.DataFrame(rows, infer_schema_length=None))


def control_baselines() -> pl.DataFrame:
    """The limits the charts stand on."""
    return table(
        """
        measure          | sample | mean_log10 | n_plates | n_bounds
        negative_control | medium | 1.0        | 7        | 0
        positive_control | PHA    | 3.0        | 7        | 0
        """,
        TABLES["control_baselines"],
        instrument="AID", analyte="IFNg", reference_first=PERIOD_FIRST, reference_last=PERIOD_LAST, version=1, sd_log10=SD,
        input_sha256="cd", estimated_on=date(2012, 2, 1), run_id="2012-02-01T0615-0001",
    )  # fmt: skip


def plate_findings() -> pl.DataFrame:
    """Two reasons, one of them on two plates."""
    return table(
        """
        plate_id | reason                     | place    | analyte | specimen_id | detail
        GC_2013  | layout.well_without_layout | H10-H12  |         |             | counted, but no layout names them
        GC_2020  | layout.well_without_layout | A1-H12   |         |             | counted, but no layout names them
        GC_2020  | layout.no_control          | <MART-1> | IFNg    | P04-week 2  | no well of DMSO
        """,
        TABLES["plate_findings"],
    ).with_columns(pl.col("analyte").fill_null(""))
