"""Tumours of the sample study: sums of target lesions over time, derived beside reported, by the shortest route."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl

from tests.drawing import table
from tests.published_sample_cohort import COHORT, DAY_ZERO, filled

# Sums of target lesions in mm by study day; `?` is a sum with a missing target. P13 has no lesion on record.
TUMOURS = table("""
    subject_id | baseline | sums
    P01        | 62       | 42:20 84:0 180:0 365:0 730:0
    P02        | 45       | 45:22 85:0 170:0 350:0
    P03        | 110      | 44:60 90:40 180:38 270:42 400:70
    P04        | 88       | 41:55 85:50 170:48 280:66
    P05        | 73       | 88:40 180:30 360:28 600:41
    P06        | 54       | 43:36 90:33 190:45
    P07        | 95       | 45:90 90:66 170:104
    P08        | 120      | 44:112 90:104 140:130
    P09        | 64       | 45:60 100:58 200:72
    P10        | 81       | 43:88 90:84 130:?
    P11        | 70       | 40:98
    P12        | 56       | 42:60
    P14        | 90       | 39:92
    P15        | 77       |
""")
NEW_LESION = {("P10", 130), ("P14", 39)}
REPORTED = {("P07", 90): "SD", ("P12", 42): "PD", ("P13", 45): "PD"}
"""Where the evaluator reported something else than the lesions say."""
DIFFERS = {("P07", 90): "differs.target", ("P12", 42): "differs.new_lesion", ("P13", 45): "differs.not_derivable"}
ASSESSMENT = {"evaluator": "investigator", "is_leading_evaluator": True}


def tumour_tables() -> dict[str, pl.DataFrame]:
    """Derived assessments and best responses."""
    rows = [row for tumour in TUMOURS.to_dicts() for row in _assessments(tumour)]
    rows.append(
        {**ASSESSMENT, **_dated("P13", 45), "is_baseline": False, "n_targets": 0, "n_targets_missing": 0,
         "reported_response": "PD", "derived_reason": "recist.no_lesions", "difference_reason": DIFFERS["P13", 45]}
    )  # fmt: skip
    assessments = filled("derived_assessments", pl.DataFrame(rows, infer_schema_length=None))
    return {"derived_assessments": assessments, "best_responses": best_responses(assessments)}


def _dated(subject: str, day: int) -> dict[str, Any]:
    return {"subject_id": subject, "study_day": day, "assessment_date": DAY_ZERO + timedelta(days=day)}


def _assessments(tumour: dict[str, Any]) -> list[dict[str, Any]]:
    subject, baseline = tumour["subject_id"], float(tumour["baseline"])
    same = {**ASSESSMENT, "n_targets": 3, "baseline_sum_mm": baseline}
    rows = [{**same, **_dated(subject, -5), "is_baseline": True, "n_targets_missing": 0, "sum_mm": baseline,
             "measured_sum_mm": baseline, "change_from_baseline_percent": 0.0}]  # fmt: skip
    nadir = baseline
    for day, drawn in (one.split(":") for one in (tumour["sums"] or "").split()):
        place, total = (subject, int(day)), None if drawn == "?" else float(drawn)
        target = _target(total, baseline, nadir)
        derived = "PD" if place in NEW_LESION else target
        reported = REPORTED.get(place, derived)
        rows.append(
            {**same, **_dated(*place), "is_baseline": False, "n_targets_missing": int(total is None), "sum_mm": total,
             "measured_sum_mm": 60.0 if total is None else total, "nadir_mm": nadir, "derived_target_response": target,
             "change_from_baseline_percent": None if total is None else 100 * (total - baseline) / baseline,
             "change_from_nadir_percent": None if total is None or not nadir else 100 * (total - nadir) / nadir,
             "derived_non_target_response": "NONE", "derived_has_new_lesion": place in NEW_LESION,
             "derived_response": derived, "derived_reason": "recist.new_lesion" if place in NEW_LESION else None,
             "reported_response": reported, "agrees": derived == reported, "difference_reason": DIFFERS.get(place)}
        )  # fmt: skip
        nadir = nadir if total is None else min(nadir, total)
    return rows


def _target(total: float | None, baseline: float, nadir: float) -> str:
    if total is None:
        return "NE"
    if total == 0:
        return "CR"
    if total >= 1.2 * nadir and total - nadir >= 5:
        return "PD"
    return "PR" if total <= 0.7 * baseline else "SD"


def best_responses(assessments: pl.DataFrame) -> pl.DataFrame:
    """Reported as the cohort says, derived from the assessments up to the first progression."""
    order = ["CR", "PR", "SD", "PD"]
    rows: list[dict[str, Any]] = []
    for s in COHORT.to_dicts():
        same = {"subject_id": s["subject_id"], "evaluator": "investigator"}
        rows.append({**same, "response_source": "reported", "is_leading": True, "best_overall_response": s["bor"],
                     "best_response_reason": "no_assessment" if s["bor"] == "NE" else None})  # fmt: skip
        own = assessments.filter(subject_id=s["subject_id"], is_baseline=False).sort("study_day").to_dicts()
        until = next((n for n, row in enumerate(own) if row["derived_response"] == "PD"), len(own))
        used = [row for row in own[: until + 1] if row["derived_response"] is not None]
        changes = [row["change_from_baseline_percent"] for row in used if row["sum_mm"] is not None]
        best = min((row["derived_response"] for row in used), key=order.index, default="NE")
        rows.append({**same, "response_source": "derived", "is_leading": False, "best_overall_response": best,
                     "best_change_percent": min(changes, default=None),
                     "best_response_reason": None if used else "no_assessment"})  # fmt: skip
    return filled("best_responses", pl.DataFrame(rows, infer_schema_length=None))
