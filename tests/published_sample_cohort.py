"""The sample study: fifteen infused subjects (P01-P15), one who never was (P16), and what was measured in them."""

# ruff: noqa: E501 - one subject, one line

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import polars as pl

from expectations.tables import TABLES
from tests.drawing import table

DAY_ZERO = date(2009, 3, 2)
LOD = 12.5
THRESHOLD = 55.0
LANDMARKS = ((90, 14), (30, 10), (180, 30))
VISITS = (("baseline", -7, -30, 0), ("week 2", 14, 7, 21), ("month 1", 30, 22, 45), ("month 3", 90, 70, 110),
          ("month 6", 180, 150, 210), ("month 12", 365, 330, 400))  # fmt: skip
ANTIGENS = (("MART-1", "tumour"), ("gp100", "tumour"), ("NY-ESO-1", "tumour"), ("CMV", "viral"))

# course: net value at each visit as a share of the subject's peak; `.` is a visit without a response.
COURSES = {
    "persistent": (0.02, 1.0, 0.8, 0.55, 0.4, 0.25),
    "transient": (0.01, 1.0, 0.3, 0.04, 0.01, -0.01),
    "none": (0.005, 0.02, -0.01, 0.01, 0.015, -0.005),
    "steady": (0.9, 0.7, 0.8, 1.0, 0.95, 0.9),
}

COHORT = table("""
    subject_id | bor | response_day | progression_day | last_day | dead  | cells | is_below | peak  | mart       | gp         | ny
    P01        | CR  | 42           |                 | 2010     | false | 3.1e9 | false    | 900   | persistent | persistent | none
    P02        | CR  | 85           |                 | 1890     | false | 1.4e9 | false    | 2400  | persistent | transient  | none
    P03        | PR  | 44           | 400             | 905      | true  | 9.5e8 | false    | 640   | persistent | none       | none
    P04        | PR  | 41           | 280             | 740      | true  | 2.2e9 | false    | 410   | persistent | persistent | transient
    P05        | PR  | 88           | 600             | 1310     | false | 6.0e8 | false    | 1500  | transient  | none       | none
    P06        | PR  | 43           | 190             | 520      | true  | 4.4e8 | false    | 330   | persistent | none       | none
    P07        | SD  |              | 170             | 660      | true  | 2.0e8 | false    | 280   | transient  | none       | none
    P08        | SD  |              | 140             | 410      | true  | 3.5e8 | false    | 350   | persistent | none       | none
    P09        | SD  |              | 200             | 1105     | false | 1.1e8 | false    | 190   | transient  | transient  | none
    P10        | SD  |              | 130             | 365      | true  | 5.0e7 | true     | 30    | none       | none       | none
    P11        | PD  |              | 40              | 95       | true  | 6.2e7 | true     | 25    | none       | none       | none
    P12        | PD  |              | 42              | 210      | true  | 1.6e8 | false    | 220   | transient  | none       | none
    P13        | PD  |              | 45              | 160      | true  | 5.0e7 | true     | 40    | none       | none       | none
    P14        | PD  |              | 39              | 300      | true  | 7.7e8 | false    | 260   | none       | transient  | none
    P15        | NE  |              |                 | 26       | true  |       | false    | 140   | transient  | none       | none
""")


def settings_rows(*, simulated: bool = True) -> list[tuple[str, Any, bool]]:
    """The settings the pages read, as (setting, value, is_default)."""
    return [
        ("study.id", "TIL-S", False),
        ("study.title", "Sample of a TIL study", False),
        ("study.simulated", simulated, False),
        ("visits", [{"name": n, "day": d, "window": [a, b], "expected": True} for n, d, a, b in VISITS], False),
        ("sampling.expect_infusion_product", True, True),
        ("antigens", [{"name": n, "role": r, "aliases": []} for n, r in ANTIGENS], False),
        ("elispot.analyte", "IFNg", True),
        ("elispot.lod", None, True),
        ("elispot.trend.reference_first", "2009-03-01", False),
        ("elispot.trend.reference_last", "2009-09-30", False),
        ("elispot.trend.min_plates", 5, False),
        ("elispot.quality.max_negative_control", 40.0, False),
        ("cytometry.populations", [], True),
        ("cytometry.markers", {}, True),
        ("cytometry.readouts", [], True),
        ("cytometry.rules.primary", "fisher", True),
        ("rules.primary", "dfr_eq", True),
        ("rules.threshold.min_net", THRESHOLD, True),
        ("persistence.landmarks", [{"day": d, "half_width": w} for d, w in LANDMARKS], False),
        ("persistence.auc_days", 365, True),
        ("infusion_product.reactive_stimuli", [], True),
        ("response.criteria", "RECIST 1.1", True),
        ("response.source", "reported", True),
        ("response.evaluator", "investigator", True),
        ("analysis.primary.exposure", "persistent_at_landmark", True),
        ("analysis.primary.outcome", "responder", True),
        ("analysis.primary.assay", "elispot", True),
        ("analysis.primary.population", None, True),
        ("analysis.primary.readout", None, True),
        ("analysis.primary.landmark", None, True),
    ]


def settings(*, simulated: bool = True) -> pl.DataFrame:
    """The table `settings`, values as JSON."""
    rows = [(name, json.dumps(value), default) for name, value, default in settings_rows(simulated=simulated)]
    return pl.DataFrame(rows, schema=["setting", "value", "is_default"], orient="row")


def with_settings(**changed: Any) -> pl.DataFrame:
    """The sample's settings with some values changed; a dot in a name is written as two underscores."""
    changes = {name.replace("__", "."): json.dumps(value) for name, value in changed.items()}
    return settings().with_columns(value=pl.col("setting").replace_strict(changes, default=pl.col("value")))


def responses() -> pl.DataFrame:
    """Responses of blood and product under both rules; P04's product has wells too numerous to count."""
    rows: list[dict[str, Any]] = []
    for number, subject in enumerate(COHORT.iter_rows(named=True)):
        courses = dict(zip(("MART-1", "gp100", "NY-ESO-1"), (subject[c] for c in ("mart", "gp", "ny")), strict=True))
        for antigen, role in ANTIGENS:
            course = COURSES[courses.get(antigen, "steady")]
            peak = subject["peak"] * {"MART-1": 1, "gp100": 0.6, "NY-ESO-1": 0.4, "CMV": 0.9}[antigen]
            for (visit, day, _, _), share in zip(VISITS, course, strict=True):
                day_drawn = day + number % 5 - 2
                if day_drawn > subject["last_day"] or (number + day) % 11 == 0:
                    continue
                rows.append(_response(subject["subject_id"], visit, day_drawn, antigen, role, share * peak))
            rows.append(_response(subject["subject_id"], "infusion product", 0, antigen, role, subject["peak"] * 4))
    both = pl.DataFrame(rows, infer_schema_length=None)
    rules = [
        both.with_columns(rule=pl.lit(rule), is_primary_rule=pl.lit(rule == "dfr_eq"))
        for rule in ("dfr_eq", "threshold")
    ]
    strict = (pl.col("rule") == "threshold") & (pl.col("call") == "positive") & (pl.col("net_value") < 300)
    frame = pl.concat(rules).with_columns(
        call=pl.when(strict).then(pl.lit("negative")).otherwise("call"),
        response_key=pl.format("{}/{}/{}", "specimen_id", "antigen", "rule"),
        rule_version=pl.lit("1"),
        rule_parameters=pl.when(pl.col("rule") == "dfr_eq")
        .then(pl.lit('{"alpha": 0.05}'))
        .otherwise(pl.lit('{"min_net": 55.0, "min_fold": 4.0}')),
    )
    return filled("responses", frame)


def _response(subject: str, visit: str, day: int, antigen: str, role: str, net: float) -> dict[str, Any]:
    is_product = visit == "infusion product"
    net = round(net + (len(antigen) * 7 + day * 3 + int(subject[1:]) * 5) % 17 - 8, 1)
    is_open = net > 2000
    failed = antigen == "gp100" and visit == "month 1" and subject in ("P03", "P09")
    call = "not_evaluable" if failed else "positive" if net >= THRESHOLD else "negative"
    return {
        "specimen_id": f"{subject}-{'IP' if is_product else visit}", "subject_id": subject,
        "material": "infusion_product" if is_product else "blood", "study_day": day, "visit": visit,
        "collection_date": DAY_ZERO + timedelta(days=day), "plate_id": f"PL-{subject}", "antigen": antigen,
        "antigen_role": role, "assay": "elispot", "population": "all cells", "readout": "IFNg", "is_reported": True, "n_antigen_wells": 3,
        "n_control_wells": 6, "unit": "spots per 10^6 cells", "net_value": net, "net_lower": net,
        "net_upper": None if is_open else net, "lod": LOD, "is_below_lod": net < LOD, "lod_version": 1,
        "quality_flags": "negative_control_high" if failed else "", "call": call,
        "reason": "negative_control_high" if failed else None,
    }  # fmt: skip


def filled(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as the contract of that table wants it, missing columns as nulls."""
    contract = TABLES[name]
    missing = [
        pl.lit(None, dtype=dtype).alias(column)
        for column, dtype in contract.schema.items()
        if column not in frame.columns
    ]
    return contract.conform(frame.with_columns(missing))
