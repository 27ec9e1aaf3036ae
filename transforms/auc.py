"""Area under a response over time: how much of it there was, for how long, in one number a day."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.study import Persistence

MIN_SAMPLES: Final = 2
"""Samples after infusion without which there is no area: part of its definition."""


def auc_per_day(measured: pl.DataFrame, after: pl.DataFrame, settings: Persistence) -> pl.DataFrame:
    """Area under y = log10(max(x, LOD) / LOD) from day 0 to the earlier of tau and death, divided by these days.

    Trapezoids from the baseline's value, taken to hold on day 0, through every evaluable sample. At the end the line to
    the next sample is cut; where there is none, the last value is held for at most `auc_hold_days`. Each value is
    compared with the LOD of its own sample, so that a value below it is 0 by definition and no bound. Values too
    numerous to count are at their ceiling: the area is then a lower bound, or an upper one where they are among the
    controls, and `auc_is_bound` says so.

    Null with a reason, the first that holds: `no_baseline`; `dead` (by day 0); `too_few_samples` (fewer than two after
    infusion); `ends_too_early` (the last one before the end by more than `auc_hold_days`); `gap_too_long` (more than
    `auc_max_gap_days` from day 0 or a sample to the next, the one after the end included where the line is cut).
    Trapezoids as in Matthews et al., BMJ 1990;300:230. Descriptive only: it looks at the whole follow-up.

    Args:
        measured: one row a series: series_id, death_day, baseline_value, baseline_lod, baseline_is_lower_bound and
            baseline_is_upper_bound.
        after: evaluable samples after infusion, sorted by series_id and study_day (see `response_series.Followed`).
        settings: for tau and the longest hold and gap, days.

    Returns:
        series_id, auc_per_day (log10 over LOD), auc_end_day, auc_reason, auc_is_bound.
    """
    end = pl.min_horizontal(pl.lit(settings.auc_days, dtype=pl.Int32), pl.col("death_day").cast(pl.Int32))
    series = measured.select(
        "series_id",
        auc_end_day=end,
        baseline_height=_height("baseline_value", "baseline_lod"),
        baseline_is_bound=_is_bound("baseline_"),
    )
    return (
        series.join(_areas(series, after), on="series_id", how="left", validate="1:1")
        .with_columns(auc_reason=_why_not(settings))
        .select(
            "series_id",
            auc_per_day=pl.when(pl.col("auc_reason").is_null()).then(_area() / pl.col("auc_end_day")),
            auc_end_day="auc_end_day",
            auc_reason="auc_reason",
            auc_is_bound=pl.when(pl.col("auc_reason").is_null()).then(
                pl.col("baseline_is_bound") | pl.col("has_bound")
            ),
        )
    )


def _height(value: str, lod: str) -> pl.Expr:
    """log10(max(x, LOD) / LOD); null without a value or an LOD."""
    return pl.when(pl.col(value).is_not_null() & (pl.col(lod) > 0)).then(
        (pl.max_horizontal(value, lod) / pl.col(lod)).log10()
    )


def _is_bound(prefix: str = "") -> pl.Expr:
    return pl.col(f"{prefix}is_lower_bound") | pl.col(f"{prefix}is_upper_bound")


def _areas(series: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Per series with samples after infusion: area up to the end or the last sample, that sample, longest gap."""
    day, end = pl.col("study_day"), pl.col("auc_end_day")
    is_first = pl.col("series_id") != pl.col("series_id").shift(1, fill_value=None)
    is_first = is_first.fill_null(value=True)
    before = pl.when(is_first).then(0).otherwise(day.shift(1))
    height_before = pl.when(is_first).then("baseline_height").otherwise(pl.col("height").shift(1))
    steps = (
        after.lazy()
        .select("series_id", "study_day", height=_height("net_value", "lod"), is_bound=_is_bound())
        .filter(pl.col("height").is_not_null())
        .join(series.lazy(), on="series_id", how="left", validate="m:1", maintain_order="left")
        .with_columns(before=before, height_before=height_before)
        .with_columns(is_used=pl.col("before") < end, days=pl.min_horizontal(day, end) - pl.col("before"))
    )
    slope = (pl.col("height") - pl.col("height_before")) / (day - pl.col("before"))
    trapezoid = pl.col("days") * (pl.col("height_before") + slope * pl.col("days") / 2)
    return (
        steps.group_by("series_id")
        .agg(
            n_samples=pl.len(),
            area=trapezoid.filter("is_used").sum(),
            longest_gap=(day - pl.col("before")).filter("is_used").max(),
            has_bound=pl.col("is_bound").filter("is_used").any(),
            last_day=day.last(),
            last_height=pl.col("height").last(),
        )
        .collect()
    )


def _area() -> pl.Expr:
    held = pl.max_horizontal(pl.col("auc_end_day") - pl.col("last_day"), 0)
    return pl.col("area") + held * pl.col("last_height")


def _why_not(settings: Persistence) -> pl.Expr:
    return (
        pl.when(pl.col("baseline_height").is_null())
        .then(pl.lit("no_baseline"))
        .when(pl.col("auc_end_day") <= 0)
        .then(pl.lit("dead"))
        .when(pl.col("n_samples").fill_null(0) < MIN_SAMPLES)
        .then(pl.lit("too_few_samples"))
        .when(pl.col("last_day") < pl.col("auc_end_day") - settings.auc_hold_days)
        .then(pl.lit("ends_too_early"))
        .when(pl.col("longest_gap") > settings.auc_max_gap_days)
        .then(pl.lit("gap_too_long"))
    )
