"""Persistence at landmarks: what was known of a response by day L + w, and nothing that came later."""

from __future__ import annotations

import polars as pl

from expectations.computed import PERSISTENCE_AT_LANDMARK
from expectations.study import Landmark, StudySettings
from transforms.response_series import SERIES, evaluable_samples, every_series, with_origin


def persistence_at_landmark(
    responses: pl.DataFrame, visited: pl.DataFrame, outcomes: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """PERSISTENCE_AT_LANDMARK: whether the evaluable sample nearest to day L within L - w to L + w is positive.

    Of two samples equally near, the earlier. Without one it is null: `dead` for a death by L + w,
    `sample_not_evaluable` where the window has a sample whose response could not be called, `window_not_reached` where
    follow-up is not known to reach L + w, else `no_sample_in_window`. The origin too rests on samples up to L + w only:
    both may be associated with outcome from L + w on (Anderson, Cain and Gelber, J Clin Oncol 1983;1:710).
    """
    samples = evaluable_samples(responses, visited, settings)
    series = every_series(responses, outcomes, settings)
    reported = responses.filter(pl.col("is_reported") & (pl.col("material") == "blood"))
    by_landmark = [_at(landmark, series, samples, reported) for landmark in settings.persistence.landmarks]
    return PERSISTENCE_AT_LANDMARK.conform(pl.concat(by_landmark)).sort(PERSISTENCE_AT_LANDMARK.key)


def _at(landmark: Landmark, series: pl.DataFrame, samples: pl.DataFrame, reported: pl.DataFrame) -> pl.DataFrame:
    last_day = landmark.day + landmark.half_width
    known = samples.filter(pl.col("study_day") <= last_day)
    return (
        with_origin(series, known)
        .join(_nearest(landmark, known), on=SERIES, how="left", validate="1:1")
        .join(_tried(landmark, reported), on=SERIES, how="left", validate="1:1")
        .with_columns(
            landmark_day=pl.lit(landmark.day, dtype=pl.Int32),
            half_width_days=pl.lit(landmark.half_width, dtype=pl.Int32),
            origin_by_landmark=pl.col("origin"),
            reason=pl.when(pl.col("persistent").is_null()).then(_why_not(last_day)),
        )
    )


def _nearest(landmark: Landmark, samples: pl.DataFrame) -> pl.DataFrame:
    """SERIES, persistent, sample_day and specimen_id of the sample that decides."""
    distance = (pl.col("study_day") - landmark.day).abs()
    return (
        samples.filter((pl.col("study_day") > 0) & (distance <= landmark.half_width))
        .with_columns(distance=distance)
        .sort(*SERIES, "distance", "study_day")
        .unique(SERIES, keep="first", maintain_order=True)
        .select(*SERIES, "specimen_id", persistent="is_positive", sample_day="study_day")
    )


def _tried(landmark: Landmark, reported: pl.DataFrame) -> pl.DataFrame:
    """SERIES, is_tried: there is a response in the window, evaluable or not."""
    distance = (pl.col("study_day") - landmark.day).abs()
    inside = reported.filter((pl.col("study_day") > 0) & (distance <= landmark.half_width))
    return inside.select(SERIES).unique().with_columns(is_tried=pl.lit(value=True))


def _why_not(last_day: int) -> pl.Expr:
    is_reached = (pl.col("last_contact_day") >= last_day).fill_null(value=False)
    return (
        pl.when(pl.col("death_day") <= last_day)
        .then(pl.lit("dead"))
        .when(pl.col("is_tried").fill_null(value=False))
        .then(pl.lit("sample_not_evaluable"))
        .when(~is_reached)
        .then(pl.lit("window_not_reached"))
        .otherwise(pl.lit("no_sample_in_window"))
    )
