"""A small study file for tests of clinical outcome, and clinical records drawn in study days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from expectations.ingested import FOLLOW_UP, INFUSION_PRODUCTS, SUBJECTS, TUMOUR_ASSESSMENTS
from expectations.outcome_tables import BEST_RESPONSES
from expectations.study import StudySettings

DAY_0 = date(2020, 3, 1)


def study(**parts: Any) -> StudySettings:
    """Settings with one landmark (90 +- 14) unless `persistence` says otherwise."""
    return StudySettings.model_validate(
        {
            "study": {"id": "TEST"},
            "visits": [{"name": "Baseline", "day": -7, "window": (-30, 0)}],
            "antigens": [{"name": "MART-1", "role": "tumour"}, {"name": "CMV", "role": "viral"}],
            "persistence": {"landmarks": [{"day": 90}]},
            **parts,
        }
    )


CYTOMETRY = {
    "populations": [{"name": "CD8", "paths": ["8+"], "counted_as": "CD8"}, {"name": "CD4", "paths": ["4+"]}],
    "markers": {"IFNg": ["IFN-g"], "TNF": []},
}
"""Settings of cytometry: its primary series is IFNg of CD8 under fisher."""


def on(day: int) -> date:
    """The date of a study day."""
    return DAY_0 + timedelta(days=day)


def subjects(*ids: str, enrolled: int = -20) -> pl.DataFrame:
    """Subjects enrolled on one study day."""
    return _rows(SUBJECTS, [{"subject_id": i, "enrolment_date": on(enrolled)} for i in ids])


def infused(*ids: str) -> pl.DataFrame:
    """Infusion products, all given on day 0."""
    return _rows(INFUSION_PRODUCTS, [{"subject_id": i, "infusion_date": DAY_0} for i in ids])


def assessed(by_subject: dict[str, str], evaluator: str = "investigator") -> pl.DataFrame:
    """Tumour assessments from `{"P1": "60 PR, 88 CR"}`: study day and overall response."""
    rows = [
        {
            "subject_id": subject,
            "assessment_date": on(int(item.split()[0])),
            "overall_response": item.split()[1],
            "evaluator": evaluator,
        }
        for subject, drawing in by_subject.items()
        for item in (drawing.split(",") if drawing else ())
    ]
    return _rows(TUMOUR_ASSESSMENTS, rows)


def leading(by_subject: dict[str, str]) -> pl.DataFrame:
    """The same drawing as the assessments that lead: subject_id, assessment_date, overall_response."""
    return assessed(by_subject).select("subject_id", "assessment_date", "overall_response")


def best_responses(by_subject: dict[str, str], **constants: Any) -> pl.DataFrame:
    """Leading BEST_RESPONSES from `{"P1": "60 PR"}`: the study day of a best response, which is the first one too.

    An empty drawing is a subject without an assessment.
    """
    rows = []
    for subject, drawing in by_subject.items():
        row: dict[str, Any] = {"subject_id": subject, "evaluator": "investigator", "response_source": "reported"}
        row |= {"is_leading": True, **constants}
        if drawing:
            day, response = drawing.split()
            row |= {"best_overall_response": response, "best_response_date": on(int(day))}
            row["first_response_date"] = on(int(day)) if response in ("CR", "PR") else None
        else:
            row["best_response_reason"] = "no_assessment"
        rows.append(row)
    return _rows(BEST_RESPONSES, rows)


def contacts(by_subject: dict[str, str]) -> pl.DataFrame:
    """Follow-up from `{"P1": "100 alive, 150 therapy, 300 dead"}`; `therapy` tells of a new therapy on that day."""
    rows = []
    for subject, drawing in by_subject.items():
        for item in drawing.split(",") if drawing else ():
            day, what = item.split()
            row: dict[str, Any] = {"subject_id": subject, "contact_date": on(int(day))}
            row["vital_status"] = "dead" if what == "dead" else "alive"
            row["new_therapy_date"] = on(int(day)) if what == "therapy" else None
            rows.append(row)
    return _rows(FOLLOW_UP, rows)


def _rows(contract: Any, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=contract.schema, orient="row") if rows else contract.empty()
