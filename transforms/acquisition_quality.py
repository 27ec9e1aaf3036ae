"""How FCS files were acquired, judged by the limits of the study file."""

from __future__ import annotations

import polars as pl

from expectations.computed_cytometry import ACQUISITION_QUALITY
from expectations.study import StudySettings


def acquisition_quality(
    measures: pl.DataFrame, samples: pl.DataFrame, matched: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """Every measure of every FCS file beside its limit; a value at the limit passes.

    Args:
        measures: ACQUISITION_MEASURES.
        samples: CYTOMETRY_SAMPLES.
        matched: MATCHED_SAMPLES, for the tube the file is; null where it is none.
        settings: cytometry.acquisition. Time never runs backwards, so that limit is no setting.

    Returns:
        ACQUISITION_QUALITY.
    """
    limits = settings.cytometry.acquisition
    largest = {
        "time_gap": limits.max_time_gap,
        "flow_rate_jump": limits.max_flow_rate_jump,
        "margin_events": limits.max_margin_percent,
        "time_backwards": 0.0,
    }
    sample = ("file_sha256", "sample_number")
    raw = (
        samples.filter(source="fcs")
        .join(matched.select(*sample, "tube_id"), on=sample, how="left", validate="1:1")
        .sort(sample)
        .unique("file_sha256", keep="first", maintain_order=True)
    )
    judged = measures.join(
        raw.select("file_sha256", "sample_name", "tube_id"), on="file_sha256", how="inner", validate="m:1"
    ).with_columns(largest_allowed=pl.col("measure").replace_strict(largest, return_dtype=pl.Float64))
    passes = pl.col("value") <= pl.col("largest_allowed")
    return ACQUISITION_QUALITY.conform(judged.with_columns(passes=passes)).sort(ACQUISITION_QUALITY.key)
