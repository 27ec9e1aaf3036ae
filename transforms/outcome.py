"""Clinical outcome of every enrolled subject: response, its duration, overall and progression-free survival."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from expectations.outcome_tables import OUTCOMES
from expectations.reasons import reason
from expectations.study import StudySettings
from expectations.study_clinical import Response
from transforms.best_response import new_therapy_dates

DAYS_PER_MONTH: Final = 30.4375
"""A month in every reported duration: a year of 365.25 days in twelve parts."""

RESPONDED: Final = ("CR", "PR")
CONTROLLED: Final = (*RESPONDED, "SD", "NON-CR/NON-PD")
"""Best overall responses that are disease control."""

_NEVER: Final = pl.lit(date.max)


def outcomes(  # noqa: PLR0913, PLR0917 - each table is one argument
    subjects: pl.DataFrame,
    infusion_products: pl.DataFrame,
    best_responses: pl.DataFrame,
    leading: pl.DataFrame,
    follow_up: pl.DataFrame,
    settings: StudySettings,
) -> pl.DataFrame:
    """OUTCOMES: one row for every enrolled subject.

    OS runs to the first contact that says dead, else is censored at the last contact.

    PFS runs to the first PD or death. The first of these rules that holds decides, and `pfs_reason` names it:

    1. new_therapy: an anticancer therapy began before either (setting); censored at the last evaluable assessment up to
       its first day.
    2. missed_assessments: PD or death came more than twice the planned interval after the last evaluable assessment
       before it, or after the start where there was none (setting); censored at that assessment.
    3. progression or death: the event; of both on one day, progression.
    4. last_assessment, no_assessment: censored at the last evaluable assessment.

    An assessment is evaluable where its response is not NE, and counts from the day after the start: infusion, or
    enrolment for a subject never infused. Where none counts, censoring is at day 1. Rules 1 and 2 are those of the FDA
    guidance Clinical Trial Endpoints for the Approval of Cancer Drugs and Biologics (2018), table of censoring.

    The duration of response runs from the first response that counts to where PFS ends, and is censored by the same
    rules. Durations count both ends (the clinical +1).

    Args:
        subjects: SUBJECTS.
        infusion_products: INFUSION_PRODUCTS.
        best_responses: BEST_RESPONSES. The leading row of each subject; the best change is the derived one's of the
            same evaluator.
        leading: subject_id, assessment_date, overall_response: the assessments from which progression is taken.
        follow_up: FOLLOW_UP.
        settings: for `response`.
    """
    started = subjects.select("subject_id", "enrolment_date").join(
        infusion_products.select("subject_id", "infusion_date"), on="subject_id", how="left", validate="1:1"
    )
    frame = started.with_columns(pl.coalesce("infusion_date", "enrolment_date").alias("start_date"))
    for part in (_best(best_responses), _vital_status(follow_up), new_therapy_dates(follow_up, frame)):
        frame = frame.join(part, on="subject_id", how="left", validate="1:1")
    frame = _assessed(frame, leading, settings.response)
    frame = _response(frame, settings.response)
    frame = _overall_survival(frame)
    frame = _progression_free_survival(frame, settings.response)
    return OUTCOMES.conform(_duration_of_response(frame)).sort(OUTCOMES.key)


def _best(best_responses: pl.DataFrame) -> pl.DataFrame:
    whose = ["subject_id", "evaluator"]
    derived = best_responses.filter(response_source="derived").select(*whose, "best_change_percent")
    return (
        best_responses.filter("is_leading")
        .drop("best_change_percent", "progression_date")
        .join(derived, on=whose, how="left", validate="m:1")
        .drop("evaluator", "response_source", "is_leading")
    )


def _vital_status(follow_up: pl.DataFrame) -> pl.DataFrame:
    """death_date is the earliest that is known to the day, else the earliest imputed one."""
    contact, is_dead = pl.col("contact_date"), pl.col("vital_status") == "dead"
    is_whole = ~pl.col("is_date_imputed").fill_null(value=False)
    died = pl.coalesce(contact.filter(is_dead & is_whole).min(), contact.filter(is_dead).min())
    return follow_up.group_by("subject_id").agg(
        died.alias("death_date"),
        pl.coalesce(died, contact.max()).alias("last_contact_date"),
        pl.col("withdrawal_date").min(),
    )


def _assessed(frame: pl.DataFrame, leading: pl.DataFrame, settings: Response) -> pl.DataFrame:
    """Adds progression_date, cut_date (the new therapy, where it censors) and censoring_date.

    censoring_date is the last evaluable assessment before the first PD, not after a death and not after cut_date.
    """
    cut = pl.col("new_therapy_date") if settings.pfs_censor_at_new_therapy else pl.lit(None, dtype=pl.Date)
    when, response = pl.col("assessment_date"), pl.col("overall_response")
    frame = frame.with_columns(cut_date=cut)
    counted = frame.select("subject_id", "start_date", "death_date", "cut_date").join(
        leading, on="subject_id", how="inner", validate="1:m"
    )
    counted = counted.filter(when > pl.col("start_date"), response != "NE").with_columns(
        progression_date=when.filter(response == "PD").min().over("subject_id")
    )
    limits = pl.min_horizontal(pl.col("death_date").fill_null(_NEVER), pl.col("cut_date").fill_null(_NEVER))
    before = (when < pl.col("progression_date").fill_null(_NEVER)) & (when <= limits)
    dates = counted.group_by("subject_id").agg(
        pl.col("progression_date").first(), when.filter(before).max().alias("censoring_date")
    )
    return frame.join(dates, on="subject_id", how="left", validate="1:1")


def _response(frame: pl.DataFrame, settings: Response) -> pl.DataFrame:
    response, is_infused = pl.col("best_overall_response"), pl.col("infusion_date").is_not_null()
    is_evaluable = is_infused & (response != "NE").fill_null(value=False)
    unassessed = pl.when(response.is_null()).then(pl.lit(reason("no_assessment").code))
    why_none = (
        pl.when(~is_infused)
        .then(pl.lit(reason("not_infused").code))
        .otherwise(pl.coalesce("best_response_reason", unassessed))
    )
    return frame.with_columns(
        is_infused=is_infused,
        is_evaluable=is_evaluable,
        response_source=pl.lit(settings.source),
        best_response_reason=why_none,
        is_responder=pl.when(is_evaluable).then(response.is_in(RESPONDED)),
        has_disease_control=pl.when(is_evaluable).then(response.is_in(CONTROLLED)),
        first_response_day=(pl.col("first_response_date") - pl.col("infusion_date")).dt.total_days(),
    )


def _overall_survival(frame: pl.DataFrame) -> pl.DataFrame:
    days, is_known = _days("infusion_date", "last_contact_date"), pl.col("last_contact_date").is_not_null()
    is_dead = pl.when(is_known).then(pl.col("death_date").is_not_null())
    return frame.with_columns(
        os_days=days,
        os_event=is_dead,
        os_reason=pl.when(is_dead).then(pl.lit("death")).when(is_known).then(pl.lit("last_contact")),
        os_months=days / DAYS_PER_MONTH,
        os_days_from_enrolment=_days("enrolment_date", "last_contact_date"),
    )


def _progression_free_survival(frame: pl.DataFrame, settings: Response) -> pl.DataFrame:
    progression, death, cut = (pl.col(f"{name}_date").fill_null(_NEVER) for name in ("progression", "death", "cut"))
    event_date = pl.min_horizontal("progression_date", "death_date")
    is_missed = pl.lit(value=False)
    if settings.assessment_every_days is not None:
        unseen = (event_date - pl.coalesce("censoring_date", "start_date")).dt.total_days()
        is_missed = unseen > 2 * settings.assessment_every_days
    pfs_reason = (
        pl.when(cut < pl.min_horizontal(progression, death))
        .then(pl.lit("new_therapy"))
        .when(is_missed.fill_null(value=False))
        .then(pl.lit("missed_assessments"))
        .when(pl.col("progression_date") <= death)
        .then(pl.lit("progression"))
        .when(pl.col("death_date").is_not_null())
        .then(pl.lit("death"))
        .when(pl.col("censoring_date").is_not_null())
        .then(pl.lit("last_assessment"))
        .otherwise(pl.lit("no_assessment"))
    )
    frame = frame.with_columns(pfs_reason=pfs_reason)
    is_event = pl.col("pfs_reason").is_in(["progression", "death"])
    frame = frame.with_columns(
        pfs_event=is_event, pfs_date=pl.when(is_event).then(event_date).otherwise("censoring_date")
    )
    never_assessed = pl.col("pfs_date").is_null()
    days = pl.when(never_assessed & pl.col("is_infused")).then(1).otherwise(_days("infusion_date", "pfs_date"))
    return frame.with_columns(
        pfs_days=days,
        pfs_months=days / DAYS_PER_MONTH,
        pfs_days_from_enrolment=pl.when(never_assessed).then(1).otherwise(_days("enrolment_date", "pfs_date")),
    )


def _duration_of_response(frame: pl.DataFrame) -> pl.DataFrame:
    days = pl.when("is_responder").then(_days("first_response_date", "pfs_date"))
    return frame.with_columns(
        dor_days=days, dor_months=days / DAYS_PER_MONTH, dor_event=pl.when(days.is_not_null()).then("pfs_event")
    )


def _days(start: str, end: str) -> pl.Expr:
    """Days from start to end, both included; null where the end lies before the start or either is unknown."""
    days = (pl.col(end) - pl.col(start)).dt.total_days() + 1
    return pl.when(days >= 1).then(days)
