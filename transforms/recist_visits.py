"""Which measurements are one assessment, and which report belongs to it."""

from __future__ import annotations

from typing import Final

import polars as pl

from transforms.evaluators import EVALUATOR_KEY

BY: Final = ["subject_id", "evaluator"]
"""One course: the assessments of a subject by one evaluator."""
ASSESSMENT: Final = [*BY, "assessment_date"]

LONGEST_GAP_DAYS: Final = 28
"""Days further apart than this are not one visit, whatever its name (every extra visit may be called `unscheduled`)."""

_LABEL: Final = pl.col("visit").str.strip_chars().str.to_lowercase()


def dated_by_visit(measurements: pl.DataFrame) -> pl.DataFrame:
    """Measurements with measured_on, their day, and assessment_date, the first day of the assessment they belong to.

    Days of one visit of a course are one assessment, however many they are, as long as none is more than
    LONGEST_GAP_DAYS after the one before. A measurement without a visit belongs to the visit whose days it lies
    between, else its day is an assessment of its own. Two visits that begin on one day are one assessment.
    """
    days = measurements.rename({"assessment_date": "measured_on"}).with_columns(_LABEL.alias("label"))
    is_far = pl.col("measured_on").diff().dt.total_days().fill_null(0) > LONGEST_GAP_DAYS
    named = days.filter(pl.col("label").is_not_null()).sort(*BY, "label", "measured_on")
    named = named.with_columns(is_far.cum_sum().over(*BY, "label").alias("episode"))
    first, last = (
        getattr(pl.col("measured_on"), of)().over(*BY, "label", "episode").alias(name)
        for of, name in (("min", "assessment_date"), ("max", "last_day"))
    )
    named = named.with_columns(first, last).drop("episode")
    spans = named.select(*ASSESSMENT, "last_day").unique().sort("assessment_date", "last_day")
    unnamed = (
        days.filter(pl.col("label").is_null())
        .sort("measured_on")
        .join_asof(spans, left_on="measured_on", right_on="assessment_date", by=BY, check_sortedness=False)
    )
    is_between = pl.col("measured_on") <= pl.col("last_day")
    unnamed = unnamed.with_columns(
        pl.when(is_between).then("assessment_date").otherwise("measured_on").alias("assessment_date")
    )
    return pl.concat([named.drop("last_day"), unnamed.drop("last_day")], how="diagonal")


def paired_with_reports(dated: pl.DataFrame, reports: pl.DataFrame) -> pl.DataFrame:
    """One row an assessment: those with lesions beside the report that belongs to each, and reports without lesions.

    A report belongs to the assessment that begins on its day, else to the nearest one of the same visit, else to the
    one between whose days it lies; an assessment has at most one report, and a report left over is an assessment of
    its own. Two reports of one day by evaluators that differ in capitals are one; where they contradict each other it
    has no response. Gives subject_id, evaluator, assessment_date, visit, has_lesions, is_accepted, reported_date and
    reported_response, reported_target_response, reported_non_target_response, reported_has_new_lesion.
    """
    assessments = dated.group_by(ASSESSMENT).agg(
        pl.col("measured_on").max().alias("last_day"),
        pl.col("visit").sort().drop_nulls().first(),
        pl.col("label").drop_nulls().unique().alias("labels"),
        pl.col("is_accepted").max().alias("lesions_accepted"),
    )
    reported = _reported(reports)
    pairs = pl.DataFrame(schema={**{name: assessments.schema[name] for name in ASSESSMENT}, "reported_date": pl.Date})
    for candidates in (_on_one_day, _of_one_visit, _between_days):
        unpaired = assessments.join(pairs, on=ASSESSMENT, how="anti")
        left_over = reported.join(pairs, on=[*BY, "reported_date"], how="anti")
        pairs = pl.concat([pairs, _one_to_one(candidates(unpaired, left_over)).select(pairs.columns)])
    with_lesions = assessments.join(pairs, on=ASSESSMENT, how="left", validate="1:1").join(
        reported.drop("reported_visit", "label"), on=[*BY, "reported_date"], how="left", validate="m:1"
    )
    alone = reported.join(pairs, on=[*BY, "reported_date"], how="anti").with_columns(
        pl.col("reported_date").alias("assessment_date"), pl.col("reported_visit").alias("visit")
    )
    whole = pl.concat(
        [with_lesions.with_columns(has_lesions=True), alone.with_columns(has_lesions=False)], how="diagonal"
    )
    return (
        whole.with_columns(pl.coalesce("reported_accepted", "lesions_accepted").alias("is_accepted"))
        .drop("last_day", "labels", "lesions_accepted", "reported_accepted", "reported_visit", "label")
        .sort(ASSESSMENT)
    )


def _reported(reports: pl.DataFrame) -> pl.DataFrame:
    of_one, response = [*BY, "reported_date"], pl.col("reported_response")
    return (
        reports.select(
            "subject_id",
            EVALUATOR_KEY.alias("evaluator"),
            pl.col("assessment_date").alias("reported_date"),
            pl.col("visit").alias("reported_visit"),
            _LABEL.alias("label"),
            pl.col("is_accepted").alias("reported_accepted"),
            pl.col("overall_response").alias("reported_response"),
            pl.col("target_response").alias("reported_target_response"),
            pl.col("non_target_response").alias("reported_non_target_response"),
            pl.col("has_new_lesion").alias("reported_has_new_lesion"),
        )
        .with_columns(pl.when(response.n_unique().over(of_one) == 1).then(response).alias("reported_response"))
        .sort(pl.all())
        .unique(of_one, keep="first", maintain_order=True)
    )


def _on_one_day(assessments: pl.DataFrame, reported: pl.DataFrame) -> pl.DataFrame:
    return assessments.join(reported, left_on=ASSESSMENT, right_on=[*BY, "reported_date"], coalesce=False)


def _of_one_visit(assessments: pl.DataFrame, reported: pl.DataFrame) -> pl.DataFrame:
    labelled = assessments.explode("labels").filter(pl.col("labels").is_not_null())
    return labelled.join(reported, left_on=[*BY, "labels"], right_on=[*BY, "label"]).filter(
        _days_apart() <= LONGEST_GAP_DAYS
    )


def _between_days(assessments: pl.DataFrame, reported: pl.DataFrame) -> pl.DataFrame:
    return assessments.join(reported, on=BY).filter(_days_apart() == 0)


def _days_apart() -> pl.Expr:
    """Days from the report to the nearest day of the assessment; 0 between its first and last."""
    before = pl.col("assessment_date") - pl.col("reported_date")
    after = pl.col("reported_date") - pl.col("last_day")
    return pl.max_horizontal(before.dt.total_days(), after.dt.total_days(), 0)


def _one_to_one(candidates: pl.DataFrame) -> pl.DataFrame:
    """Of candidate pairs the nearest, none of which shares a report or an assessment with another."""
    nearest = candidates.sort(_days_apart(), "assessment_date", "reported_date")
    for of_one in ([*BY, "reported_date"], ASSESSMENT):
        nearest = nearest.unique(of_one, keep="first", maintain_order=True)
    return nearest
