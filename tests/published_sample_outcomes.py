"""Persistence, outcomes and associations of the sample study, computed by the shortest route that looks right."""

# ruff: noqa: E501 - one row of a table, few lines

from __future__ import annotations

from datetime import timedelta
from math import exp, log, sqrt
from typing import Any

import polars as pl
from scipy.stats import beta

from tests.published_sample_associations import associations
from tests.published_sample_cohort import ANTIGENS, COHORT, DAY_ZERO, LANDMARKS, LOD, VISITS, filled
from tests.published_sample_durability import durability_tables
from tests.published_sample_tumours import tumour_tables

TUMOUR = [name for name, role in ANTIGENS if role == "tumour"]
MONTH = 30.4375
SUBJECTS = COHORT.to_dicts()
BASE = {"assay": "elispot", "population": "all cells", "readout": "IFNg"}


def outcome_tables(responses: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Every table of the sample that follows from its cohort and responses."""
    by_subject = persistence_by_subject(responses)
    tumours = tumour_tables()
    return {
        **tumours,
        **durability_tables(responses, by_subject),
        "subjects": subjects(),
        "expected_specimens": expected_specimens(responses),
        "visited_specimens": visited_specimens(responses),
        "infused_cells": infused_cells(),
        "outcomes": outcomes(tumours["best_responses"]),
        "denominators": denominators(),
        "persistence_at_landmark": persistence_at_landmark(responses),
        "persistence_by_subject": by_subject,
        **survival(by_subject),
        "associations": associations(by_subject),
    }


def subjects() -> pl.DataFrame:
    """P01 to P16, two of them without an LDH."""
    rows = [
        {"subject_id": f"P{n:02d}", "enrolment_date": DAY_ZERO - timedelta(days=30), "birth_year": 1940 + 2 * n,
         "m_stage": ("M1a", "M1b", "M1c")[n % 3], "ldh_at_baseline": None if n in (3, 11) else 150.0 + 37 * (n % 7),
         "file_sha256": "21", "place": f"line {n + 1}"}
        for n in range(1, 17)
    ]  # fmt: skip
    return filled("subjects", pl.DataFrame(rows, infer_schema_length=None))


def expected_specimens(responses: pl.DataFrame) -> pl.DataFrame:
    """Each visit of each infused subject: received, absent with a reason, or not due (P01 at month 12)."""
    there = {(r["subject_id"], r["visit"]) for r in responses.iter_rows(named=True)}
    rows = []
    for s in SUBJECTS:
        for visit, day, first, last in (*VISITS, ("infusion product", 0, 0, 0)):
            status, why = _state(s, visit, day, there)
            rows.append({"subject_id": s["subject_id"], "visit": visit, "specimen_status": status, "reason": why,
                         "material": "infusion_product" if visit == "infusion product" else "blood",
                         "window_start_date": DAY_ZERO + timedelta(days=first),
                         "window_end_date": DAY_ZERO + timedelta(days=last)})  # fmt: skip
    return filled("expected_specimens", pl.DataFrame(rows, infer_schema_length=None))


def _state(s: dict[str, Any], visit: str, day: int, there: set[tuple[str, str]]) -> tuple[str, str | None]:
    name = s["subject_id"]
    if (name, visit) in {("P01", "month 12"), ("P02", "month 12")}:
        return "not_due", None
    if (name, visit) in there:
        return "received", "assay_failed" if (name, visit) == ("P12", "month 1") else None
    if day > s["last_day"]:
        return "absent", "dead"
    return "absent", {"P05": "withdrawn", "P07": "progressed"}.get(name, "unknown")


def visited_specimens(responses: pl.DataFrame) -> pl.DataFrame:
    """The specimens of the responses, one of them outside every window and one declared as another visit."""
    unique = responses.unique("specimen_id", maintain_order=True).with_columns(declared_visit=pl.col("visit"))
    is_stray, is_other = pl.col("specimen_id") == "P02-month 3", pl.col("specimen_id") == "P06-month 1"
    return filled(
        "visited_specimens",
        unique.with_columns(
            visit=pl.when(is_stray).then(pl.lit("unscheduled")).otherwise("visit"),
            declared_visit=pl.when(is_other).then(pl.lit("week 2")).otherwise("declared_visit"),
            is_baseline_candidate=pl.col("study_day") <= 0,
        ),
    )


def infused_cells() -> pl.DataFrame:
    """Products; P15's was not assayed."""
    rows = [
        {"subject_id": s["subject_id"], "infusion_date": DAY_ZERO, "specimen_id": f"{s['subject_id']}-IP",
         "lymphodepletion_start": None if s["subject_id"] == "P08" else DAY_ZERO - timedelta(days=7),
         "total_viable_cells": 5e10 + n * 4e9, "reactive_net_value": s["cells"] and s["cells"] / 5e4,
         "tumour_reactive_cells": None if s["cells"] is None else s["cells"] * (0.4 if s["is_below"] else 1),
         "tumour_reactive_cells_ci_lower": s["cells"] and s["cells"] * 0.8, "reactive_assay": "elispot",
         "tumour_reactive_cells_ci_upper": s["cells"] and (None if s["subject_id"] == "P02" else s["cells"] * 1.25),
         "is_bounded": s["subject_id"] == "P02",
         "tumour_reactive_cells_lower": s["cells"], "tumour_reactive_cells_lod": 6.5e7, "is_below_lod": s["is_below"],
         "reactive_reason": None if s["cells"] else "no_product_result", "file_sha256": "25", "place": f"line {n + 2}"}
        for n, s in enumerate(SUBJECTS)
    ]  # fmt: skip
    return filled("infused_cells", pl.DataFrame(rows, infer_schema_length=None))


def outcomes(best_responses: pl.DataFrame) -> pl.DataFrame:
    """P01 to P15 as drawn in the cohort, P16 enrolled and never infused."""
    derived = best_responses.filter(response_source="derived")
    change = dict(zip(derived["subject_id"], derived["best_change_percent"], strict=True))
    rows: list[dict[str, Any]] = [
        {"subject_id": s["subject_id"], "is_infused": True, "is_evaluable": s["bor"] != "NE", "infusion_date": DAY_ZERO,
         "response_source": "reported", "best_change_percent": change[s["subject_id"]],
         "has_disease_control": None if s["bor"] == "NE" else s["bor"] != "PD", **_progression_free(s),
         "best_overall_response": s["bor"], "is_responder": None if s["bor"] == "NE" else s["bor"] in ("CR", "PR"),
         "first_response_day": s["response_day"], "os_days": s["last_day"] + 1, "os_event": s["dead"],
         "progression_date": s["progression_day"] and DAY_ZERO + timedelta(days=s["progression_day"]),
         "withdrawal_date": DAY_ZERO + timedelta(days=1310) if s["subject_id"] == "P05" else None,
         "os_months": (s["last_day"] + 1) / MONTH}
        for s in SUBJECTS
    ]  # fmt: skip
    rows.append({"subject_id": "P16", "is_infused": False, "is_evaluable": False, "response_source": "reported"})
    return filled("outcomes", pl.DataFrame(rows, infer_schema_length=None))


def _progression_free(s: dict[str, Any]) -> dict[str, Any]:
    pfs, event = _to_progression(s)
    dor = s["response_day"] and pfs - s["response_day"]
    reason = "progression" if s["progression_day"] else "death" if s["dead"] else "last_assessment"
    return {"pfs_days": pfs, "pfs_event": event, "pfs_months": pfs / MONTH, "pfs_reason": reason, "dor_days": dor,
            "dor_event": event if dor else None, "dor_months": dor and dor / MONTH}  # fmt: skip


def _to_progression(s: dict[str, Any]) -> tuple[int, bool]:
    return (s["progression_day"] or s["last_day"]) + 1, bool(s["progression_day"] or s["dead"])


def denominators() -> pl.DataFrame:
    """Six responders, two of them complete, and ten with disease control of 16 enrolled, 15 infused and 14 evaluable."""
    rows = [
        {"measure": measure, "population": population, "n_with": k, "n": n, "percent": 100 * k / n,
         "lower_percent": 100 * beta.ppf(0.025, k, n - k + 1), "upper_percent": 100 * beta.ppf(0.975, k + 1, n - k)}
        for measure, k in (("objective_response_rate", 6), ("complete_response_rate", 2), ("disease_control_rate", 10))
        for population, n in (("enrolled", 16), ("infused", 15), ("evaluable", 14))
    ]  # fmt: skip
    return filled("denominators", pl.DataFrame(rows))


def persistence_at_landmark(responses: pl.DataFrame) -> pl.DataFrame:
    """Nearest evaluable sample of each antigen within the window of each landmark."""
    series = responses.filter((pl.col("material") == "blood") & (pl.col("call") != "not_evaluable"))
    rows = []
    for s in SUBJECTS:
        for rule in ("dfr_eq", "threshold"):
            for antigen, role in ANTIGENS:
                own = series.filter(subject_id=s["subject_id"], rule=rule, antigen=antigen)
                rows += [{**_at(own, day, width), "subject_id": s["subject_id"], "rule": rule, "antigen": antigen,
                          "is_primary_rule": rule == "dfr_eq", "antigen_role": role, **BASE}
                         for day, width in LANDMARKS]  # fmt: skip
    return filled("persistence_at_landmark", pl.DataFrame(rows, infer_schema_length=None))


def _at(own: pl.DataFrame, day: int, width: int) -> dict[str, Any]:
    inside = own.filter((pl.col("study_day") - day).abs() <= width).sort((pl.col("study_day") - day).abs())
    found = inside.to_dicts()[0] if inside.height else None
    positive = bool(found) and found["call"] == "positive"
    return {
        "landmark_day": day, "half_width_days": width, "persistent": positive if found else None,
        "reason": None if found else "no_sample_in_window", "sample_day": found and found["study_day"],
        "specimen_id": found and found["specimen_id"],
        "origin_by_landmark": "induced" if positive else "never" if found else "not_evaluable",
    }  # fmt: skip


def persistence_by_subject(responses: pl.DataFrame) -> pl.DataFrame:
    """Subjects over the three tumour antigens."""
    keys = [
        "subject_id",
        "assay",
        "population",
        "readout",
        "rule",
        "is_primary_rule",
        "landmark_day",
        "half_width_days",
    ]
    tumour = persistence_at_landmark(responses).filter(pl.col("antigen_role") == "tumour")
    evaluable = pl.col("n_antigens_evaluable") == pl.col("n_antigens_declared")
    counted = tumour.group_by(keys, maintain_order=True).agg(
        n_antigens_declared=pl.len(),
        n_antigens_evaluable=pl.col("persistent").count(),
        n_antigens_persistent=pl.col("persistent").sum(),
        n_antigens_induced=(pl.col("origin_by_landmark") == "induced").sum(),
        induced=(pl.col("origin_by_landmark") == "induced").any(),
        n_product_antigens_evaluable=pl.len(),
        n_product_antigens=pl.lit(2),
        n_product_antigens_persistent=pl.col("persistent").sum().clip(upper_bound=2),
        sum_net_value=pl.lit(LOD) * 4,
    )
    persistent = pl.when(pl.col("n_antigens_persistent") > 0).then(pl.lit(True)).when(evaluable).then(pl.lit(False))
    judged = counted.with_columns(persistent=persistent)
    reason = pl.when(pl.col("persistent").is_null()).then(pl.lit("not_all_antigens_tested"))
    return filled("persistence_by_subject", judged.with_columns(reason=reason))


def survival(by_subject: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Kaplan-Meier curves: overall survival of the infused, and by persistence at each landmark."""
    curves: list[dict[str, Any]] = []
    summaries: list[dict[str, Any]] = []
    everyone = [(s["last_day"] + 1, s["dead"]) for s in SUBJECTS]
    progressions = [_to_progression(s) for s in SUBJECTS]
    responders = [(s, _to_progression(s)) for s in SUBJECTS if s["response_day"]]
    endpoints = {"OS": everyone, "PFS": progressions, "FOLLOW-UP": [(t, not dead) for t, dead in everyone],
                 "DOR": [(t - s["response_day"], event) for s, (t, event) in responders]}  # fmt: skip
    for endpoint, times in endpoints.items():
        for population in ("evaluable",) if endpoint == "DOR" else ("enrolled", "infused", "evaluable"):
            _curve(curves, summaries, times, endpoint, population, 0, "all")
    for day, width in LANDMARKS:
        for group, state in (("persistent", True), ("not persistent", False)):
            names = set(by_subject.filter(rule="dfr_eq", landmark_day=day, persistent=state)["subject_id"])
            times = [(s["last_day"] - day - width, s["dead"]) for s in SUBJECTS if s["subject_id"] in names]
            _curve(curves, summaries, [t for t in times if t[0] > 0], "OS", "infused", day, group)
    frames = {"survival_curves": curves, "survival_summaries": summaries}
    return {name: filled(name, pl.DataFrame(rows, infer_schema_length=None)) for name, rows in frames.items()}


def _curve(curves: list[Any], summaries: list[Any], times: list[Any], *place: Any) -> None:
    key = dict(zip(("endpoint", "population", "landmark_day", "group"), place, strict=True))
    alive, greenwood, median = 1.0, 0.0, None
    for time in sorted({t for t, _ in times}):
        at_risk = sum(t >= time for t, _ in times)
        deaths = sum(t == time and dead for t, dead in times)
        lost = sum(t == time and not dead for t, dead in times)
        alive *= 1 - deaths / at_risk
        greenwood += deaths / (at_risk * max(at_risk - deaths, 1))
        low, high = _log_log(alive, greenwood)
        median = time if median is None and alive <= 0.5 else median
        curves.append({**key, "time_days": time, "n_at_risk": at_risk, "n_events": deaths, "n_censored": lost,
                       "survival": alive, "lower": low, "upper": high})  # fmt: skip
    summaries.append({**key, "n": len(times), "n_events": sum(dead for _, dead in times), "median_days": median,
                      "median_months": median and median / MONTH, "lower_months": median and median / MONTH * 0.5})  # fmt: skip


def _log_log(alive: float, greenwood: float) -> tuple[float | None, float | None]:
    if not 0 < alive < 1:
        return None, None
    half = 1.959964 * sqrt(greenwood) / abs(log(alive))
    return alive ** exp(half), alive ** exp(-half)
