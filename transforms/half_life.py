"""Half-life of a response from its peak on, with values below the LOD and too numerous to count taken as such."""

from __future__ import annotations

from math import log
from typing import Final

import numpy as np
import polars as pl

from transforms.tobit import ABOVE, BELOW, EXACT, Points, tobit_lines

MIN_DETECTED: Final = 3
"""Detected samples, the peak among them, without which there is no half-life: part of its definition."""

_SCHEMA: Final = {
    "series_id": pl.UInt32,
    "half_life_days": pl.Float64,
    "half_life_lower": pl.Float64,
    "half_life_upper": pl.Float64,
    "half_life_reason": pl.String,
}


def half_lives(after: pl.DataFrame, peaks: pl.DataFrame) -> pl.DataFrame:
    """Half-life ln 2 / b of ln x = a - b (t - t_peak) + noise, with its 95 % profile-likelihood interval, in days.

    A value below its LOD contributes the probability of lying below it, one too numerous to count that of lying above
    its ceiling (and, among the controls, below the net value there): leaving such samples out, or setting them to the
    LOD, is biased. See `tobit.tobit_lines` for the likelihood (Tobin 1958, Olsen 1978).

    Null with a reason: `too_few_detected` (fewer than three samples from the peak on are detected, or the peak is not),
    `not_converged` (no greatest likelihood: a line through all exact values agrees with every bound, and there are only
    two of them; or fewer than two are exact), `not_declining` (the slope is 0 or above). An interval end that does not
    exist is null: the upper one where no decline is compatible with the values, both where three or more values lie
    exactly on a line.

    Args:
        after: evaluable samples after infusion, sorted by series_id and study_day (see `response_series.Followed`).
        peaks: series_id, peak_day.

    Returns:
        A row a series in `peaks`: series_id, half_life_days, half_life_lower, half_life_upper, half_life_n and
        half_life_n_censored (samples from the peak on that say something, and those that are bounds), half_life_reason.
    """
    falling = _from_peak(after, peaks)
    counted = falling.group_by("series_id").agg(
        half_life_n=pl.len().cast(pl.Int32),
        half_life_n_censored=(pl.col("known") != EXACT).sum().cast(pl.Int32),
        is_enough=(pl.col("is_detected").sum() >= MIN_DETECTED)
        & pl.col("is_detected").filter(pl.col("days") == 0).any(),
    )
    enough = counted.lazy().filter("is_enough").select("series_id")
    chosen = falling.lazy().join(enough, on="series_id", how="semi", maintain_order="left").collect()
    reason = pl.when(pl.col("is_enough").fill_null(value=False)).then("half_life_reason")
    return (
        peaks.select("series_id")
        .join(counted, on="series_id", how="left", validate="1:1")
        .join(_fitted(chosen), on="series_id", how="left", validate="1:1")
        .with_columns(pl.col("half_life_n", "half_life_n_censored").fill_null(0))
        .with_columns(half_life_reason=reason.otherwise(pl.lit("too_few_detected")))
        .drop("is_enough")
    )


def _from_peak(after: pl.DataFrame, peaks: pl.DataFrame) -> pl.DataFrame:
    """series_id, days since the peak, known (see `tobit`), ln_value (or of its limit), is_detected.

    Samples that say nothing of a logarithm are left out: without a value or LOD, and too numerous to count at a ceiling
    that lies below the controls.
    """
    is_below = ~pl.col("is_detected") & ~pl.col("is_lower_bound") & ~pl.col("is_upper_bound")
    limit = pl.when(is_below).then("lod").otherwise("net_value")
    known = (
        pl.when(is_below | pl.col("is_upper_bound"))
        .then(BELOW)
        .when(pl.col("is_lower_bound"))
        .then(ABOVE)
        .otherwise(EXACT)
    )
    return (
        after.lazy()
        .join(peaks.lazy().select("series_id", "peak_day"), on="series_id", how="inner", maintain_order="left")
        .filter((pl.col("study_day") >= pl.col("peak_day")) & pl.col("net_value").is_not_null() & (pl.col("lod") > 0))
        .select(
            "series_id",
            "is_detected",
            days=(pl.col("study_day") - pl.col("peak_day")).cast(pl.Float64),
            known=known.cast(pl.Int8),
            limit=limit,
        )
        .filter(pl.col("limit") > 0)
        .with_columns(ln_value=pl.col("limit").log())
        .drop("limit")
        .collect()
    )


def _fitted(falling: pl.DataFrame) -> pl.DataFrame:
    """Half-lives of series with enough detected samples."""
    if falling.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    numbers = falling["series_id"].to_numpy()
    starts = np.flatnonzero(np.diff(numbers, prepend=-1) != 0)
    points = Points(
        t=falling["days"].to_numpy(),
        y=falling["ln_value"].to_numpy(),
        known=falling["known"].to_numpy(),
        starts=starts,
        sizes=np.diff(starts, append=numbers.size),
    )
    found = tobit_lines(points)
    slope = pl.col("slope")
    return pl.DataFrame(
        {"series_id": numbers[starts], "slope": found.slope, "lower": found.lower, "upper": found.upper},
        nan_to_null=True,
    ).select(
        pl.col("series_id").cast(pl.UInt32),
        half_life_days=pl.when(slope < 0).then(-log(2) / slope),
        half_life_lower=pl.when(slope < 0).then(-log(2) / pl.col("lower")),
        half_life_upper=pl.when((slope < 0) & (pl.col("upper") < 0)).then(-log(2) / pl.col("upper")),
        half_life_reason=pl.when(slope.is_null())
        .then(pl.lit("not_converged"))
        .when(slope >= 0)
        .then(pl.lit("not_declining")),
    )
