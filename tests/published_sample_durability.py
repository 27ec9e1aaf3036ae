"""How long responses of the sample study last: persistence, breadth, loss; and Table 1 of its subjects."""

# ruff: noqa: E501 - one row of a table, few lines

from __future__ import annotations

from statistics import median, quantiles
from typing import Any

import polars as pl

from tests.published_sample_cohort import ANTIGENS, COHORT, LOD, filled

SERIES = {"assay": "elispot", "population": "all cells", "readout": "IFNg"}
TUMOUR = [name for name, role in ANTIGENS if role == "tumour"]
ALL_TUMOUR = "all tumour antigens"


def durability_tables(responses: pl.DataFrame, by_subject: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Persistence, breadth, loss curves and characteristics."""
    return {
        "persistence": persistence(responses),
        "breadth": breadth(responses),
        "loss_curves": loss_curves(),
        "characteristics": characteristics(by_subject),
    }


def persistence(responses: pl.DataFrame) -> pl.DataFrame:
    """Each subject and antigen under both rules; areas and half-lives where four samples are there, else a reason."""
    blood = responses.filter((pl.col("material") == "blood") & (pl.col("study_day") > 0)).sort("study_day")
    keys = ["subject_id", "antigen", "antigen_role", "rule", "is_primary_rule"]
    rows = []
    for (subject, antigen, role, rule, is_primary), own in blood.group_by(keys, maintain_order=True):
        values, days = own["net_value"].to_list(), own["study_day"].to_list()
        positive = [day for day, call in zip(days, own["call"], strict=True) if call == "positive"]
        peak, peak_day = max(zip(values, days, strict=True))
        detected = sum(value >= LOD for value, day in zip(values, days, strict=True) if day >= peak_day)
        after = sum(day >= peak_day for day in days)
        is_declining, is_sampled = detected >= 3 and values[-1] < peak / 2, len(days) >= 4
        half_life = 180.0 * (values[-1] + 60) / peak if is_declining else None
        lost = next((day for day in days if positive and day > positive[-1]), None)
        rows.append(
            {**SERIES, "subject_id": subject, "antigen": antigen, "antigen_role": role, "rule": rule, "is_primary_rule": is_primary,
             "persistence_key": f"{subject}/{antigen}/elispot/all cells/IFNg/{rule}", "n_evaluable": len(days),
             "n_positive": len(positive), "origin": "induced" if positive else "never", "peak_value": peak,
             "peak_day": peak_day, "first_positive_day": min(positive, default=None),
             "last_positive_day": max(positive, default=None), "loss_left_day": max(positive, default=None),
             "loss_right_day": lost,
             "loss_kind": "never_detected" if not positive else "interval" if lost else "right_censored",
             "auc_per_day": sum(max(value, LOD) / LOD for value in values) / 365 if is_sampled else None,
             "auc_end_day": 365 if is_sampled else None, "auc_reason": None if is_sampled else "ends_too_early",
             "half_life_days": half_life, "half_life_lower": half_life and half_life * 0.6,
             "half_life_upper": None if half_life is None or after == detected else half_life * 2.4,
             "half_life_n": after if half_life else None, "half_life_n_censored": after - detected if half_life else None,
             "half_life_reason": None if half_life else "too_few_detected" if detected < 3 else "not_declining"}
        )  # fmt: skip
    return filled("persistence", pl.DataFrame(rows, infer_schema_length=None))


def breadth(responses: pl.DataFrame) -> pl.DataFrame:
    """Tumour antigens positive in each blood sample."""
    is_called = pl.col("call").is_in(["positive", "negative"])
    counted = (
        responses.filter(pl.col("material") == "blood", pl.col("antigen_role") == "tumour")
        .group_by("subject_id", *SERIES, "rule", "is_primary_rule", "study_day", "visit", maintain_order=True)
        .agg(
            n_antigens_declared=pl.lit(len(TUMOUR)),
            n_antigens_evaluable=is_called.sum(),
            n_antigens_positive=(pl.col("call") == "positive").sum(),
            sum_net_value=pl.col("net_value").sum(),
        )
    )
    return filled("breadth", counted)


# Days from the first positive sample: incidence of loss with loss at the right end, the middle and the left end of its
# interval, and of death before loss.
_LOSS = ((14, 0.0, 0.0, 0.1, 0.0), (30, 0.0, 0.1, 0.25, 0.04), (76, 0.1, 0.25, 0.32, 0.09), (120, 0.25, 0.32, 0.38, 0.14),
         (166, 0.32, 0.38, 0.42, 0.19), (260, 0.38, 0.42, 0.42, 0.24), (351, 0.42, 0.42, 0.42, 0.24))  # fmt: skip


def loss_curves() -> pl.DataFrame:
    """The same shape for all tumour antigens together and for each."""
    rows = [
        {**SERIES, "rule": rule, "is_primary_rule": rule == "dfr_eq", "antigen": antigen, "curve": curve, "time_days": day,
         "n_series": n, "n_at_risk": None if curve == "turnbull" else n - position, "loss": loss * share,
         "death": None if curve == "turnbull" else death}
        for rule in ("dfr_eq", "threshold")
        for antigen, n, share in ((ALL_TUMOUR, 21, 1.0), ("MART-1", 11, 0.7), ("gp100", 8, 1.2))
        for position, (day, right, middle, left, death) in enumerate(_LOSS)
        for curve, loss in (("midpoint", middle), ("left", left), ("right", right), ("turnbull", left))
    ]  # fmt: skip
    return filled("loss_curves", pl.DataFrame(rows, infer_schema_length=None))


def characteristics(by_subject: pl.DataFrame) -> pl.DataFrame:
    """Age, sex, stage, LDH and cells infused of the fifteen infused, not divided and divided in both ways."""
    at_90 = by_subject.filter(rule="dfr_eq", landmark_day=90)
    persistent = dict(zip(at_90["subject_id"], at_90["persistent"], strict=True))
    named = {True: "persistent", False: "not persistent", None: "not evaluable"}
    rows: list[dict[str, Any]] = []
    subjects = [
        {**s, "n": n, "persistence": named[persistent[s["subject_id"]]],
         "response": "responder" if s["bor"] in ("CR", "PR") else "not evaluable" if s["bor"] == "NE" else "non-responder"}
        for n, s in enumerate(COHORT.to_dicts())
    ]  # fmt: skip
    for division, group_of in (("all", None), ("response", "response"), ("primary_exposure", "persistence")):
        for group in dict.fromkeys("all" if group_of is None else s[group_of] for s in subjects):
            own = [s for s in subjects if group_of is None or s[group_of] == group]
            rows += [{"division": division, "group": group, "n_subjects": len(own), "position": position, **line}
                     for position, line in enumerate(_lines(own))]  # fmt: skip
    return filled("characteristics", pl.DataFrame(rows, infer_schema_length=None))


def _lines(own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    numbers = {
        ("age", "years"): [69.0 - 2 * s["n"] for s in own],
        ("ldh_at_baseline", "U/L"): [150.0 + 37 * (s["n"] % 7) for s in own if s["n"] != 3],
        ("total_viable_cells", "cells"): [5e10 + 4e9 * s["n"] for s in own],
    }
    levels = {
        "sex": ["female" if s["n"] % 3 else "male" for s in own],
        "m_stage": [("M1a", "M1b", "M1c")[s["n"] % 3] for s in own],
    }
    lines: list[dict[str, Any]] = []
    for (name, unit), values in numbers.items():
        lower, _, upper = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
        lines.append({"characteristic": name, "level": "", "unit": unit, "n_known": len(values), "median": median(values),
                      "lower_quartile": lower, "upper_quartile": upper, "minimum": min(values), "maximum": max(values)})  # fmt: skip
    for name, found in levels.items():
        for level in {"sex": ("female", "male"), "m_stage": ("M1a", "M1b", "M1c")}[name]:
            lines.append({"characteristic": name, "level": level, "n_known": len(found), "n_with": found.count(level),
                          "percent": 100 * found.count(level) / len(found)})  # fmt: skip
    return lines
