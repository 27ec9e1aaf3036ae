"""Clinical outcome of every enrolled subject: best response, overall and progression-free survival."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from expectations.outcome_tables import OUTCOMES
from expectations.reasons import reason
from expectations.study import StudySettings
from transforms.best_response import best_overall_response, is_evaluator, new_therapy_dates

DAYS_PER_MONTH: Final = 30.4375
"""A month in every reported duration: a year of 365.25 days in twelve parts."""

_NEVER: Final = pl.lit(date.max)


def outcomes(
    subjects: pl.DataFrame,
    infusion_products: pl.DataFrame,
    tumour_assessments: pl.DataFrame,
    follow_up: pl.DataFrame,
    settings: StudySettings,
) -> pl.DataFrame:
    """OUTCOMES: one row for every enrolled subject.

    OS runs to the first contact that says dead, else is censored at the last contact. PFS runs to the first PD or
    death, else is censored at the last assessment other than NE, at day 1 where there is none; a new therapy before
    either censors it at the last assessment up to that therapy where the study says so. Durations count both ends
    (the clinical +1). Only assessments after the start count: infusion, or enrolment for a subject never infused.
    """
    started = subjects.select("subject_id", "enrolment_date").join(
        infusion_products.select("subject_id", "infusion_date"), on="subject_id", how="left", validate="1:1"
    )
    started = started.with_columns(pl.coalesce("infusion_date", "enrolment_date").alias("start_date"))
    best = best_overall_response(tumour_assessments, infusion_products, follow_up, settings)
    therapy = new_therapy_dates(follow_up, started)
    frame = started
    for part in (best, _vital_status(follow_up), therapy, _assessed(started, therapy, tumour_assessments, settings)):
        frame = frame.join(part, on="subject_id", how="left", validate="1:1")
    for step in (_response, _overall_survival, _progression_free_survival):
        frame = step(frame)
    return OUTCOMES.conform(frame).sort(OUTCOMES.key)


def _vital_status(follow_up: pl.DataFrame) -> pl.DataFrame:
    contact, is_dead = pl.col("contact_date"), pl.col("vital_status") == "dead"
    return follow_up.group_by("subject_id").agg(
        contact.filter(is_dead).min().alias("death_date"),
        pl.coalesce(contact.filter(is_dead).min(), contact.max()).alias("last_contact_date"),
        pl.col("withdrawal_date").min(),
    )


def _assessed(
    started: pl.DataFrame, therapy: pl.DataFrame, assessments: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """First PD, and the date at which PFS is censored where it must be: progression_date, censoring_date, cut_date.

    cut_date is the new therapy, where the study censors at it.
    """
    censors = settings.response.pfs_censor_at_new_therapy
    cut = pl.col("new_therapy_date") if censors else pl.lit(None, dtype=pl.Date)
    when, response = pl.col("assessment_date"), pl.col("overall_response")
    after_start = (
        started.join(therapy, on="subject_id", how="left", validate="1:1")
        .with_columns(cut.alias("cut_date"))
        .join(
            assessments.filter(is_evaluator(settings.response.evaluator)), on="subject_id", how="left", validate="1:m"
        )
        .with_columns(pl.when(when > pl.col("start_date")).then(when).alias("assessment_date"))
    )
    counts = (response != "NE") & (when <= pl.col("cut_date").fill_null(_NEVER))
    return after_start.group_by("subject_id").agg(
        when.filter(response == "PD").min().alias("progression_date"),
        when.filter(counts).max().alias("censoring_date"),
        pl.col("cut_date").first(),
    )


def _response(frame: pl.DataFrame) -> pl.DataFrame:
    response, is_infused = pl.col("best_overall_response"), pl.col("infusion_date").is_not_null()
    is_evaluable = is_infused & (response != "NE").fill_null(value=False)
    why_none = pl.when(~is_infused).then(pl.lit(reason("not_infused").code)).otherwise("best_response_reason")
    return frame.with_columns(
        is_infused.alias("is_infused"),
        is_evaluable.alias("is_evaluable"),
        why_none.alias("best_response_reason"),
        pl.when(is_evaluable).then(response.is_in(["CR", "PR"])).alias("is_responder"),
        (pl.col("first_response_date") - pl.col("infusion_date")).dt.total_days().alias("first_response_day"),
    )


def _overall_survival(frame: pl.DataFrame) -> pl.DataFrame:
    days, is_known = _days("infusion_date", "last_contact_date"), pl.col("last_contact_date").is_not_null()
    return frame.with_columns(
        days.alias("os_days"),
        pl.when(is_known).then(pl.col("death_date").is_not_null()).alias("os_event"),
        (days / DAYS_PER_MONTH).alias("os_months"),
        _days("enrolment_date", "last_contact_date").alias("os_days_from_enrolment"),
    )


def _progression_free_survival(frame: pl.DataFrame) -> pl.DataFrame:
    progression, death, cut = (pl.col(f"{name}_date").fill_null(_NEVER) for name in ("progression", "death", "cut"))
    pfs_reason = (
        pl.when((progression < _NEVER) & (progression <= death) & (progression <= cut))
        .then(pl.lit("progression"))
        .when(cut < death)
        .then(pl.lit("new_therapy"))
        .when(death < _NEVER)
        .then(pl.lit("death"))
        .when(pl.col("censoring_date").is_not_null())
        .then(pl.lit("last_assessment"))
        .otherwise(pl.lit("no_assessment"))
    )
    frame = frame.with_columns(pfs_reason.alias("pfs_reason")).with_columns(
        pl.when(pfs_reason == "progression")
        .then("progression_date")
        .when(pfs_reason == "death")
        .then("death_date")
        .otherwise("censoring_date")
        .alias("pfs_date"),
    )
    never_assessed = pl.col("pfs_date").is_null()
    days = pl.when(never_assessed & pl.col("is_infused")).then(1).otherwise(_days("infusion_date", "pfs_date"))
    return frame.with_columns(
        days.alias("pfs_days"),
        pl.col("pfs_reason").is_in(["progression", "death"]).alias("pfs_event"),
        (days / DAYS_PER_MONTH).alias("pfs_months"),
        pl.when(never_assessed).then(1).otherwise(_days("enrolment_date", "pfs_date")).alias("pfs_days_from_enrolment"),
    )


def _days(start: str, end: str) -> pl.Expr:
    """Days from start to end, both included; null where the end lies before the start or either is unknown."""
    days = (pl.col(end) - pl.col(start)).dt.total_days() + 1
    return pl.when(days >= 1).then(days)
