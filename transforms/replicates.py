"""Replicate wells summarised: one antigen in one specimen on one plate, beside the controls it is judged by."""

from __future__ import annotations

from typing import Final

import polars as pl

FAMILY: Final = ("specimen_id", "plate_id", "analyte")
"""The antigens of a family share their control wells."""

RESPONSE: Final = (*FAMILY, "antigen")


def at_ceiling(wells: pl.DataFrame) -> pl.DataFrame:
    """The wells of specimens with `known_spots`: the count, the ceiling where too numerous to count, else null.

    Masked, rejected and uncounted wells stay as rows without a number: they are missing, not zero. A well too numerous
    to count on a plate without a ceiling has no number either; it is not missing but open.
    """
    status = pl.col("status")
    known = pl.when(status == "tntc").then("tntc_ceiling").when(status == "counted").then("spots")
    return wells.filter(pl.col("specimen_id").is_not_null()).with_columns(known_spots=known.cast(pl.Float64))


def replicate_summaries(wells: pl.DataFrame) -> pl.DataFrame:
    """One row an antigen of a family, beside the negative- and positive-control wells of that family.

    Args:
        wells: as `at_ceiling` returns them.

    Returns:
        RESPONSE, and for each prefix `antigen`, `control` and `positive`: `n_*_wells` with a count or too numerous to
        count; `*_mean` and `*_median` in spots per 10^6 cells; `*_variability`, variance / (median + 1) in spots per
        well; `*_min_cells` and `*_max_cells` per well; `*_has_tntc`; `*_is_open`, true where a well too numerous to
        count has no ceiling, so that there is no mean. A family without such wells has n = 0 and no numbers.
    """
    antigens = _summaries(wells, "antigen", "antigen", RESPONSE)
    controls = _summaries(wells, "negative_control", "control", FAMILY)
    positives = _summaries(wells, "positive_control", "positive", FAMILY)
    return (
        antigens.join(controls, on=FAMILY, how="left", validate="m:1")
        .join(positives, on=FAMILY, how="left", validate="m:1")
        .with_columns(
            pl.col("n_control_wells", "n_positive_wells").fill_null(0),
            pl.col("^(control|positive)_(has_tntc|is_open)$").fill_null(value=False),
        )
        .sort(RESPONSE)
    )


def _summaries(wells: pl.DataFrame, role: str, prefix: str, keys: tuple[str, ...]) -> pl.DataFrame:
    is_tntc = pl.col("status") == "tntc"
    cells = pl.col("cells_per_well").filter(is_tntc | pl.col("known_spots").is_not_null())
    # Sorted within the group: sums of floats depend on their order in the last digit, and rows come in any order.
    spots = pl.col("known_spots").sort()
    spots_per_million = (pl.col("known_spots") * 1e6 / pl.col("cells_per_well")).sort()
    is_open = f"{prefix}_is_open"
    return (
        wells.filter(pl.col("well_role") == role)
        .group_by(keys)
        .agg(
            cells.len().cast(pl.Int32).alias(f"n_{prefix}_wells"),
            spots_per_million.mean().alias(f"{prefix}_mean"),
            spots_per_million.median().alias(f"{prefix}_median"),
            (spots.var() / (spots.median() + 1)).alias(f"{prefix}_variability"),
            cells.min().alias(f"{prefix}_min_cells"),
            cells.max().alias(f"{prefix}_max_cells"),
            is_tntc.any().alias(f"{prefix}_has_tntc"),
            (is_tntc & pl.col("known_spots").is_null()).any().alias(is_open),
        )
        .with_columns(
            pl.when(~pl.col(is_open)).then(f"{prefix}_{number}").alias(f"{prefix}_{number}")
            for number in ("mean", "median", "variability")
        )
    )
