"""Persistence at landmarks: what was known of a response by day L + w, and nothing that came later."""

from __future__ import annotations

import polars as pl

from expectations.computed import PERSISTENCE_AT_LANDMARK
from expectations.study import Landmark, StudySettings
from transforms.response_series import Followed, followed, with_origin


def persistence_at_landmark(
    responses: pl.DataFrame, visited: pl.DataFrame, outcomes: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """PERSISTENCE_AT_LANDMARK: whether the evaluable sample nearest to day L within L - w to L + w is positive.

    Of two samples equally near, the earlier. Without one it is null: `dead` for a death by L + w,
    `sample_not_evaluable` where the window has a sample whose response could not be called, `window_not_reached` where
    follow-up is not known to reach L + w, else `no_sample_in_window`. The origin too rests on samples up to L + w only:
    both may be associated with outcome from L + w on (Anderson, Cain and Gelber, J Clin Oncol 1983;1:710).
    """
    known = followed(responses, visited, outcomes, settings)
    by_landmark = [_at(landmark, part) for part in known.parts() for landmark in settings.persistence.landmarks]
    names = visited.select(pl.col("specimen_id").sort()).with_row_index("specimen_number")
    named = pl.concat(by_landmark).join(names, on="specimen_number", how="left", validate="m:1")
    return PERSISTENCE_AT_LANDMARK.conform(named).sort(PERSISTENCE_AT_LANDMARK.key)


def _at(landmark: Landmark, part: Followed) -> pl.DataFrame:
    last_day = landmark.day + landmark.half_width
    known = part.samples.filter(pl.col("study_day") <= last_day)
    return (
        with_origin(part.series, known)
        .join(_nearest(landmark, known), on="series_id", how="left", validate="1:1")
        .join(_tried(landmark, part.not_evaluable), on="series_id", how="left", validate="1:1")
        .with_columns(
            landmark_day=pl.lit(landmark.day, dtype=pl.Int32),
            half_width_days=pl.lit(landmark.half_width, dtype=pl.Int32),
            origin_by_landmark=pl.col("origin"),
            reason=pl.when(pl.col("persistent").is_null()).then(_why_not(last_day)),
        )
        .select(*(set(PERSISTENCE_AT_LANDMARK.schema) - {"specimen_id"}), "specimen_number")
    )


def _nearest(landmark: Landmark, samples: pl.DataFrame) -> pl.DataFrame:
    """series_id, persistent, sample_day, net_value and specimen_number of the sample that decides."""
    distance = (pl.col("study_day") - landmark.day).abs()
    return (
        samples.filter((pl.col("study_day") > 0) & (distance <= landmark.half_width))
        .with_columns(distance=distance)
        .sort("series_id", "distance", "study_day")
        .unique("series_id", keep="first", maintain_order=True)
        .select("series_id", "specimen_number", "net_value", persistent="is_positive", sample_day="study_day")
    )


def _tried(landmark: Landmark, tried: pl.DataFrame) -> pl.DataFrame:
    """series_id, is_tried: there is a response in the window that could not be called."""
    distance = (pl.col("study_day") - landmark.day).abs()
    inside = tried.filter((pl.col("study_day") > 0) & (distance <= landmark.half_width))
    return inside.select("series_id").unique().with_columns(is_tried=pl.lit(value=True))


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
