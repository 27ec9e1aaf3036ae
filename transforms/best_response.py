"""Best overall response from the overall response at each assessment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from expectations.contract import Column
from expectations.outcome_tables import OUTCOMES
from expectations.reasons import reason
from expectations.study import Response, StudySettings

ORDER: Final = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE")
"""Best first."""

_SCHEMA: Final = {
    column.name: column.dtype
    for column in (
        OUTCOMES.column("subject_id"),
        *(OUTCOMES.column(f"best_{of}") for of in ("overall_response", "response_date", "response_reason")),
        Column("first_response_date", pl.Date, "First assessment of a CR or PR that counts."),
    )
}


@dataclass(frozen=True, slots=True)
class Assessment:
    """Overall response at one date."""

    date: date
    response: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What one infused subject's best response is judged from."""

    infusion_date: date
    new_therapy_date: date | None
    assessments: tuple[Assessment, ...]

    @property
    def eligible(self) -> tuple[Assessment, ...]:
        """Assessments after day 0, none after a new therapy, in order, up to and including the first PD."""
        last = self.new_therapy_date or date.max
        kept: list[Assessment] = []
        for assessment in sorted(self.assessments, key=lambda a: a.date):
            if self.infusion_date < assessment.date <= last:
                kept.append(assessment)
                if assessment.response == "PD":
                    break
        return tuple(kept)


def best_overall_response(
    assessments: pl.DataFrame, infusion_products: pl.DataFrame, follow_up: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """Best overall response of every infused subject: its date, why there is none, first_response_date.

    From the assessments of the evaluator the study names, after day 0, up to and including the first PD and none after
    a new anticancer therapy (one on the day it starts still counts). CR and PR need confirmation where the study says
    so, and always under RECIST 1.0 (Therasse, J Natl Cancer Inst 2000;92:205; Eisenhauer, Eur J Cancer 2009;45:228).
    first_response_date is the first CR or PR that counts, from which a duration of response runs.
    """
    rows = [
        {"subject_id": subject_id, **_best(subject, settings.response)}
        for subject_id, subject in _subjects(assessments, infusion_products, follow_up, settings.response.evaluator)
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row").sort("subject_id")


def new_therapy_dates(follow_up: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """First new anticancer therapy after each subject's start_date: subject_id, new_therapy_date.

    An earlier one belongs to the disease's history, not to this treatment; subjects without one have no row.
    """
    return (
        follow_up.join(starts.select("subject_id", "start_date"), on="subject_id", how="inner", validate="m:1")
        .filter(pl.col("new_therapy_date") > pl.col("start_date"))
        .group_by("subject_id")
        .agg(pl.col("new_therapy_date").min())
        .sort("subject_id")
    )


def is_evaluator(name: str) -> pl.Expr:
    """True for the assessments of an evaluator; capitals make no other one."""
    return pl.col("evaluator").str.to_lowercase() == name.lower()


def _subjects(
    assessments: pl.DataFrame, infusion_products: pl.DataFrame, follow_up: pl.DataFrame, evaluator: str
) -> Iterator[tuple[str, Subject]]:
    seen = {
        str(subject_id): tuple(Assessment(*row) for row in rows.select("assessment_date", "overall_response").rows())
        for (subject_id,), rows in assessments.filter(is_evaluator(evaluator)).group_by("subject_id")
    }
    starts = infusion_products.select("subject_id", pl.col("infusion_date").alias("start_date"))
    therapy: dict[str, date] = dict(new_therapy_dates(follow_up, starts).rows())
    for subject_id, infused in starts.rows():
        yield subject_id, Subject(infused, therapy.get(subject_id), seen.get(subject_id, ()))


def _best(subject: Subject, settings: Response) -> dict[str, Any]:
    counted = [
        Assessment(assessment.date, _as_counted(subject, place, settings))
        for place, assessment in enumerate(subject.eligible)
    ]
    if not counted:
        return {"best_response_reason": reason("no_assessment").code}
    best = min(counted, key=lambda a: (ORDER.index(a.response), a.date))
    responses = [assessment.date for assessment in counted if assessment.response in ("CR", "PR")]
    return {
        "best_overall_response": best.response,
        "best_response_date": best.date,
        "best_response_reason": _why_no_better(subject.eligible, best),
        "first_response_date": min(responses, default=None),
    }


def _why_no_better(seen: Sequence[Assessment], best: Assessment) -> str | None:
    best_seen = min(seen, key=lambda a: ORDER.index(a.response)).response
    if ORDER.index(best_seen) >= ORDER.index(best.response):
        return None
    return reason("too_early" if best_seen == "SD" else "not_confirmed").code


def _as_counted(subject: Subject, place: int, settings: Response) -> str:
    """What the assessment at this place counts as: a CR or PR not confirmed is SD, an SD too early is NE."""
    assessments = subject.eligible
    here = assessments[place]
    if here.response in ("CR", "PR"):
        needs_confirmation = settings.confirm or settings.criteria == "RECIST 1.0"
        if not needs_confirmation or _is_confirmed(here, assessments[place + 1 :], settings):
            return here.response
    if here.response in ("CR", "PR", "SD"):
        return "SD" if (here.date - subject.infusion_date).days >= settings.min_sd_days else "NE"
    return here.response


def _is_confirmed(here: Assessment, later: Sequence[Assessment], settings: Response) -> bool:
    return any(
        (there.date - here.date).days >= settings.confirmation_days
        and _confirms(here.response, there.response, [a.response for a in later[:place]], settings)
        for place, there in enumerate(later)
    )


def _confirms(first: str, second: str, between: Sequence[str], settings: Response) -> bool:
    if between.count("NE") > 1:
        return False
    if first == "CR":
        return second == "CR" and set(between) <= {"CR", "NE"}
    if second == "PR" and "CR" in between:
        return False  # after a CR, a PR is a step back
    n_sd_allowed = 1 if settings.allow_sd_between else 0
    return second in ("PR", "CR") and set(between) <= {"PR", "CR", "NE", "SD"} and between.count("SD") <= n_sd_allowed
