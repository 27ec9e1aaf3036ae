"""Replicate wells summarised: one antigen in one specimen on one plate, beside the controls it is judged by."""

from __future__ import annotations

from typing import Final

import polars as pl

SAMPLE: Final = ("specimen_id", "plate_id", "analyte")
"""Wells that are looked at together."""

RESPONSE: Final = (*SAMPLE, "antigen")
"""One antigen of a sample; it is compared with one negative control."""

FAMILY: Final = (*SAMPLE, "control")
"""The antigens of a sample that are compared with the same negative control: they share its wells."""


def at_ceiling(wells: pl.DataFrame) -> pl.DataFrame:
    """The wells of specimens with `known_spots`: the count, the ceiling where too numerous to count, else null.

    Masked, rejected and uncounted wells stay as rows without a number: they are missing, not zero. A well too numerous
    to count on a plate without a ceiling has no number either; it is not missing but open.
    """
    status = pl.col("status")
    known = pl.when(status == "tntc").then("tntc_ceiling").when(status == "counted").then("spots")
    return wells.filter(pl.col("specimen_id").is_not_null()).with_columns(known_spots=known.cast(pl.Float64))


def replicate_summaries(wells: pl.DataFrame, default_control: str) -> pl.DataFrame:
    """One row an antigen of a sample, beside the wells of its negative control and of the positive controls.

    Args:
        wells: as `at_ceiling` returns them.
        default_control: name of the negative control that positive controls are measured against. Where the sample has
            no evaluable well of it, or one too numerous to count, they are measured against the antigen's own: which
            vehicle positive controls are in nobody says, and the difference is far larger than that between vehicles.

    Returns:
        RESPONSE and `control`, null where the antigen's wells name several; for each prefix `antigen`, `control` and
        `positive`: `n_*_wells` with a count or too numerous to count; `*_mean` and `*_median` in spots per 10^6 cells;
        `*_variability`, variance / (median + 1) in spots per well; `*_min_cells` and `*_max_cells` per well;
        `*_has_tntc`; `*_is_open`, true where a well too numerous to count has no ceiling, so that there is no mean.
        Without such wells n = 0 and there are no numbers. `positive_net` is the mean of the positive controls minus
        that of the negative control they are measured against, in spots per 10^6 cells.
    """
    antigens = _summaries(wells, "antigen", "antigen", RESPONSE)
    controls = _summaries(wells, "negative_control", "control", FAMILY)
    positives = _summaries(wells, "positive_control", "positive", SAMPLE)
    by_default = controls.filter(
        pl.col("n_control_wells") > 0, ~pl.col("control_has_tntc"), control=default_control
    ).select(*SAMPLE, default_mean="control_mean", has_default=pl.lit(value=True))
    measured_against = pl.when("has_default").then("default_mean").otherwise("control_mean")
    return (
        antigens.join(_named_controls(wells), on=RESPONSE, how="left", validate="1:1")
        .join(controls, on=FAMILY, how="left", validate="m:1")
        .join(positives, on=SAMPLE, how="left", validate="m:1")
        .join(by_default, on=SAMPLE, how="left", validate="m:1")
        .with_columns(
            pl.col("n_control_wells", "n_positive_wells").fill_null(0),
            pl.col("^(control|positive)_(has_tntc|is_open)$").fill_null(value=False),
            positive_net=pl.col("positive_mean") - measured_against,
        )
        .drop("default_mean", "has_default")
        .sort(RESPONSE)
    )


def _named_controls(wells: pl.DataFrame) -> pl.DataFrame:
    """RESPONSE and control: the one that all wells of the antigen name, else null."""
    named = wells.filter(pl.col("well_role") == "antigen").group_by(RESPONSE)
    return named.agg(control=pl.when(pl.col("control").n_unique() == 1).then(pl.col("control").first()))


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
