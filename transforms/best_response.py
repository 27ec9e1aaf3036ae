"""Best overall response from the overall response at each assessment, reported and derived, of every evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import polars as pl

from expectations.outcome_tables import BEST_RESPONSES
from expectations.reasons import reason
from expectations.study import StudySettings
from expectations.study_clinical import Response
from transforms.evaluators import leading_key

ORDER: Final = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE")
"""Best first."""

_SERIES: Final = ["subject_id", "evaluator", "response_source"]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Overall response at one date, and the change of the target sum from baseline, percent, where it is known."""

    date: date
    response: str
    change_percent: float | None = None


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

    @property
    def progression_date(self) -> date | None:
        """First PD after day 0, whatever therapy was begun before it."""
        return min(
            (a.date for a in self.assessments if a.response == "PD" and a.date > self.infusion_date), default=None
        )


def best_responses(
    derived_assessments: pl.DataFrame,
    infusion_products: pl.DataFrame,
    follow_up: pl.DataFrame,
    settings: StudySettings,
) -> pl.DataFrame:
    """BEST_RESPONSES of every infused subject: each evaluator and source with an assessment after day 0.

    From the assessments after day 0, up to and including the first PD and none after a new anticancer therapy (one on
    the day it starts still counts). CR and PR need confirmation where the study says so, and always under RECIST 1.0
    (Therasse, J Natl Cancer Inst 2000;92:205; Eisenhauer, Eur J Cancer 2009;45:228). first_response_date is the first
    CR or PR that counts, from which a duration of response runs; progression_date is the first PD after day 0.

    The evaluator of the study file has a row for every infused subject; where several assessors go by that name, it
    rests at each visit on the accepted one, whose own rows stand beside it.

    Args:
        derived_assessments: DERIVED_ASSESSMENTS.
        infusion_products: INFUSION_PRODUCTS; day 0.
        follow_up: FOLLOW_UP; new therapies.
        settings: for `response`.
    """
    starts = infusion_products.select("subject_id", pl.col("infusion_date").alias("start_date"))
    therapy: dict[str, date] = dict(new_therapy_dates(follow_up, starts).rows())
    begun: dict[str, date] = dict(starts.rows())
    key, source = leading_key(settings.response.evaluator), settings.response.source
    rows = {
        (subject_id, key, source): _best(Subject(day_0, None, ()), settings.response)
        for subject_id, day_0 in begun.items()
    }
    series = _series(derived_assessments, key).join(starts, on="subject_id", validate="m:1")
    after_day_0 = series.filter(pl.col("date") > pl.col("start_date")).select(*_SERIES, "date", "response", "change")
    for name, of_one in groupby(after_day_0.sort(*_SERIES, "date").rows(), key=itemgetter(0, 1, 2)):
        subject_id = name[0]
        seen = tuple(Assessment(*row[3:]) for row in of_one)
        rows[name] = _best(Subject(begun[subject_id], therapy.get(subject_id), seen), settings.response)
    told = [
        {**dict(zip(_SERIES, name, strict=True)), **best, "is_leading": name[1:] == (key, source)}
        for name, best in rows.items()
    ]
    return pl.DataFrame(told, schema=BEST_RESPONSES.schema, orient="row").sort(BEST_RESPONSES.key)


def leading_assessments(derived_assessments: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """The assessments outcomes rest on: subject_id, assessment_date, overall_response.

    Of the evaluator of the study file, reported (with the report's own date) or derived, as `response.source` says.
    """
    series = _series(derived_assessments, leading_key(settings.response.evaluator))
    leads = (pl.col("evaluator") == leading_key(settings.response.evaluator)) & (
        pl.col("response_source") == settings.response.source
    )
    return (
        series.filter(leads)
        .select("subject_id", pl.col("date").alias("assessment_date"), pl.col("response").alias("overall_response"))
        .sort("subject_id", "assessment_date")
    )


def _series(derived_assessments: pl.DataFrame, leading: str) -> pl.DataFrame:
    """_SERIES, date, response, change: every evaluator's own, and that of the study's evaluator under its name."""
    leads = pl.col("is_leading_evaluator")
    whose = pl.concat(
        [
            derived_assessments.filter(pl.col("evaluator") != leading),
            derived_assessments.filter(leads).with_columns(pl.lit(leading).alias("evaluator")),
        ]
    )
    change = pl.col("change_from_baseline_percent")
    of_source = {
        "reported": ("reported_date", "reported_response", pl.lit(None, pl.Float64)),
        "derived": ("assessment_date", "derived_response", change),
    }
    return pl.concat(
        whose.select(
            "subject_id",
            "evaluator",
            pl.lit(source).alias("response_source"),
            pl.col(day).alias("date"),
            pl.col(response).alias("response"),
            how_much.alias("change"),
        ).drop_nulls(["date", "response"])
        for source, (day, response, how_much) in of_source.items()
    )


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


def _best(subject: Subject, settings: Response) -> dict[str, Any]:
    seen = subject.eligible
    counted = [
        Assessment(assessment.date, _as_counted(seen, place, subject.infusion_date, settings))
        for place, assessment in enumerate(seen)
    ]
    if not counted:
        return {"best_response_reason": reason("no_assessment").code, "progression_date": subject.progression_date}
    best = min(counted, key=lambda a: (ORDER.index(a.response), a.date))
    responses = [assessment.date for assessment in counted if assessment.response in ("CR", "PR")]
    changes = [assessment.change_percent for assessment in seen if assessment.change_percent is not None]
    return {
        "best_overall_response": best.response,
        "best_response_date": best.date,
        "best_response_reason": _why_no_better(seen, best),
        "first_response_date": min(responses, default=None),
        "progression_date": subject.progression_date,
        "best_change_percent": min(changes, default=None),
    }


def _why_no_better(seen: Sequence[Assessment], best: Assessment) -> str | None:
    best_seen = min(seen, key=lambda a: ORDER.index(a.response)).response
    if ORDER.index(best_seen) >= ORDER.index(best.response):
        return None
    return reason("too_early" if best_seen == "SD" else "not_confirmed").code


def _as_counted(seen: Sequence[Assessment], place: int, day_0: date, settings: Response) -> str:
    """What the assessment at this place counts as: a CR or PR not confirmed is SD, an SD too early is NE."""
    here = seen[place]
    if here.response in ("CR", "PR"):
        needs_confirmation = settings.confirm or settings.criteria == "RECIST 1.0"
        if not needs_confirmation or _is_confirmed(here, seen[place + 1 :], settings):
            return here.response
    if here.response in ("CR", "PR", "SD"):
        return "SD" if (here.date - day_0).days >= settings.min_sd_days else "NE"
    return here.response


def _is_confirmed(here: Assessment, later: Sequence[Assessment], settings: Response) -> bool:
    return any(
        (there.date - here.date).days >= settings.confirmation_days
        and _confirms(here.response, there.response, [a.response for a in later[:place]], settings)
        for place, there in enumerate(later)
    )


def _confirms(first: str, second: str, between: Sequence[str], settings: Response) -> bool:
    if between.count("NE") > (1 if settings.allow_ne_between else 0):
        return False
    if first == "CR":
        return second == "CR" and set(between) <= {"CR", "NE"}
    if second == "PR" and "CR" in between:
        return False  # after a CR, a PR is a step back
    n_sd_allowed = 1 if settings.allow_sd_between else 0
    return second in ("PR", "CR") and set(between) <= {"PR", "CR", "NE", "SD"} and between.count("SD") <= n_sd_allowed
