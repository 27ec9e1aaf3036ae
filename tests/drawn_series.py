"""Responses over time drawn in tests: `-7:-  30:+250  90:?` is a call (and net value) on each study day.

`+` positive, `-` negative, `?` indeterminate, `0` not evaluable. Without a number a positive is 100, others 1.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from expectations.computed import RESPONSES, VISITED_SPECIMENS
from expectations.ingested import INFUSION_PRODUCTS
from expectations.outcome_tables import OUTCOMES
from expectations.study import StudySettings

DAY_0 = date(2020, 1, 1)
CALLS = {"+": "positive", "-": "negative", "?": "indeterminate", "0": "not_evaluable"}


def study(*landmarks: tuple[int, int], cytometry: dict | None = None, **persistence) -> StudySettings:
    """Tumour antigens A and B, viral comparator CMV; the landmarks as (day, half-width), else day 90 with 14."""
    days = [{"day": day, "half_width": width} for day, width in landmarks or ((90, 14),)]
    return StudySettings.model_validate(
        {
            "study": {"id": "T"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [
                {"name": "A", "role": "tumour"},
                {"name": "B", "role": "tumour"},
                {"name": "CMV", "role": "viral"},
            ],
            "persistence": {"landmarks": days, **persistence},
            "cytometry": cytometry or {},
        }
    )


def drawn_responses(series: dict[tuple[str, str], str], rule: str = "dfr_eq", **columns) -> pl.DataFrame:
    """RESPONSES of the primary rule in reported blood samples, from {(subject, antigen): drawing}; LOD 10."""
    rows = []
    for (subject, antigen), drawing in series.items():
        for sample in drawing.split():
            day, _, seen = sample.partition(":")
            value = float(seen[1:]) if seen[1:] else (100.0 if seen[0] == "+" else 1.0)
            rows.append(
                {
                    "response_key": sample, "specimen_id": f"{subject}/{int(day):05d}", "subject_id": subject,
                    "material": "blood", "study_day": int(day), "plate_id": "X", "antigen": antigen,
                    "assay": "elispot", "population": "all cells", "readout": "IFNg", "rule": rule,
                    "is_primary_rule": True, "is_reported": True,
                    "call": CALLS[seen[0]], "net_value": value, "net_lower": value, "net_upper": value, "lod": 10.0,
                    "is_below_lod": value < 10,
                }
            )  # fmt: skip
    return pl.DataFrame(rows, schema=RESPONSES.schema).with_columns(**columns)


def visits_of(responses: pl.DataFrame) -> pl.DataFrame:
    """VISITED_SPECIMENS of these responses: baseline candidates are the samples up to day 0."""
    specimens = responses.select("specimen_id", "subject_id", "material", "study_day").unique()
    candidates = specimens.with_columns(is_baseline_candidate=pl.col("study_day") <= 0)
    return pl.concat([VISITED_SPECIMENS.empty(), candidates], how="diagonal").sort("specimen_id")


def outcomes_of(subjects: dict[str, tuple[int | None, int | None]]) -> pl.DataFrame:
    """OUTCOMES of infused subjects, from {subject: (day of death, last contact)}."""

    def on(day: int | None) -> date | None:
        return None if day is None else DAY_0 + timedelta(days=day)

    rows = [
        {
            "subject_id": subject, "is_infused": True, "infusion_date": DAY_0, "death_date": on(death),
            "last_contact_date": on(contact),
        }
        for subject, (death, contact) in subjects.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=OUTCOMES.schema)


def products_of(outcomes: pl.DataFrame, named: str | None = None) -> pl.DataFrame:
    """INFUSION_PRODUCTS of the infused subjects; `named` is the specimen the table names."""
    infused = outcomes.filter("is_infused").select("subject_id", "infusion_date", specimen_id=pl.lit(named, pl.String))
    return pl.concat([INFUSION_PRODUCTS.empty(), infused], how="diagonal")


def in_cytometry(responses: pl.DataFrame, population: str = "CD8", readout: str = "IFNg", **columns) -> pl.DataFrame:
    """The same responses as cytometry gives them: the readout has the same name, values are percent, LOD 0.01."""
    as_percent = [pl.col(name) / 1000 for name in ("net_value", "net_lower", "net_upper", "lod")]
    return responses.with_columns(
        *as_percent,
        assay=pl.lit("cytometry"), population=pl.lit(population), readout=pl.lit(readout), rule=pl.lit("fisher"),
        plate_id=pl.lit("batch 1"), **columns,
    )  # fmt: skip


MULTIMERS = {
    "populations": [
        {"name": "CD8", "paths": ["8+"], "counted_as": "CD8"}, {"name": "CD4", "paths": ["4+"], "counted_as": "CD4"}
    ],
    "markers": {"IFNg": ["IFN-g"]},
    "multimers": [{"antigen": "A", "hla": "A*02:01", "population": "CD8", "gates": ["A tetramer"]}],
}  # fmt: skip
"""Settings of cytometry: CD8 and CD4, IFNg, and a multimer of antigen A."""
