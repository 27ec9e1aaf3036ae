"""Counted wells with what was in them: the counts of the instrument joined to the layout of the plate."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.computed import ELISPOT_WELLS
from expectations.study import StudySettings

PLATE_ANALYTE: Final = ("plate_id", "analyte")


def elispot_wells(
    counts: pl.DataFrame,
    plates: pl.DataFrame,
    layouts: pl.DataFrame,
    specimens: pl.DataFrame,
    settings: StudySettings,
) -> pl.DataFrame:
    """Every counted well with its specimen, stimulus, role, cells and spots per 10^6 cells.

    A well without a layout, or without a specimen, holds no test: its role is `unused`. The ceiling of wells too
    numerous to count is the setting, else the highest countable count of that plate and analyte; null where the plate
    has none. Only counted wells have spots per 10^6 cells.
    """
    laid = layouts.rename({"file_sha256": "layout_sha256", "place": "layout_place"})
    wells = (
        counts.join(laid, on=["plate_id", "well"], how="left", validate="m:1")
        .join(specimens.select("specimen_id", "subject_id"), on="specimen_id", how="left", validate="m:1")
        .join(plates.select(*PLATE_ANALYTE, "read_date"), on=PLATE_ANALYTE, how="left", validate="m:1")
        .join(_meanings(settings), on="stimulus", how="left", validate="m:1")
        .with_columns(
            tntc_ceiling=_ceiling(settings),
            spots_per_million=pl.col("spots") * 1e6 / pl.col("cells_per_well"),
            well_role=pl.when(pl.col("specimen_id").is_null()).then(pl.lit("unused")).otherwise(pl.col("meant_role")),
        )
        .with_columns(
            well_role=pl.col("well_role").fill_null("unused"),
            antigen=pl.when(pl.col("well_role") == "antigen").then(pl.col("antigen")),
            control=pl.when(pl.col("well_role").is_in(["antigen", "negative_control"])).then(
                pl.lit(settings.controls.negative[0])
            ),
            layout_source=pl.when(pl.col("layout_sha256").is_not_null()).then(pl.lit("plate_layouts")),
        )
    )
    return ELISPOT_WELLS.conform(wells).sort(ELISPOT_WELLS.key)


def _meanings(settings: StudySettings) -> pl.DataFrame:
    """stimulus, meant_role, antigen: what each spelling of the study file stands for."""
    controls = settings.controls
    roles: dict[str, tuple[str, str | None]] = {
        **{name: ("unused", None) for name in controls.unused},
        **{name: ("negative_control", None) for name in controls.negative},
        **{name: ("positive_control", None) for name in controls.positive},
        **{spelling: ("antigen", a.name) for a in settings.antigens for spelling in (a.name, *a.aliases)},
    }
    schema = {"stimulus": pl.String, "meant_role": pl.String, "antigen": pl.String}
    return pl.DataFrame([(name, *meaning) for name, meaning in roles.items()], schema=schema, orient="row")


def _ceiling(settings: StudySettings) -> pl.Expr:
    if settings.elispot.tntc_ceiling is not None:
        return pl.lit(settings.elispot.tntc_ceiling)
    return pl.col("spots").filter(pl.col("status") == "counted").max().over(PLATE_ANALYTE)
