"""ELISpot plates drawn in tests: one line a group of replicate wells, `T` too numerous to count, `x` masked."""

from __future__ import annotations

from datetime import date

import polars as pl

from expectations.computed import ELISPOT_WELLS, VISITED_SPECIMENS
from expectations.study import StudySettings
from tests.drawing import table

ROLES = dict.fromkeys(("medium", "DMSO", "K562"), "negative_control") | {"PHA": "positive_control"}


def study(**parts) -> StudySettings:
    """Antigens A, B (tumour) and CMV; no positive controls unless asked for; a limit of detection of one spot or so."""
    return StudySettings.model_validate(
        {
            "study": {"id": "T"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [
                {"name": "A", "role": "tumour"},
                {"name": "B", "role": "tumour"},
                {"name": "CMV", "role": "viral"},
            ],
            "persistence": {"landmarks": [{"day": 30}]},
            **parts,
        }
    )


def drawn_wells(drawing: str, ceiling: int | None = None) -> pl.DataFrame:
    """ELISPOT_WELLS from a drawing with columns stimulus and spots, and others of `defaults` where need be.

    The ceiling is the highest count of the plate and analyte unless given; 200 000 cells a well unless drawn. Antigens
    are compared with medium unless a control is drawn; `?` stands for wells that name several.
    """
    defaults = {"specimen": "S", "plate": "X", "cells": 200_000, "analyte": "IFNg", "read_date": None, "file": "f"}
    defaults |= {"control": "medium"}
    rows = []
    for number, group in enumerate(table(drawing).with_columns(pl.col("spots").cast(pl.String)).to_dicts()):
        line = defaults | {name: value for name, value in group.items() if value is not None}
        for replicate, mark in enumerate(line["spots"].split(), start=1):
            status = {"T": "tntc", "x": "masked"}.get(mark, "counted")
            spots = int(mark) if status == "counted" else None
            role = ROLES.get(line["stimulus"], "antigen")
            named = {"antigen": line["control"], "negative_control": line["stimulus"]}.get(role)
            rows.append(
                {
                    "plate_id": line["plate"], "well": f"{chr(65 + number)}{replicate}", "analyte": line["analyte"],
                    "spots": spots, "status": status, "specimen_id": line["specimen"], "subject_id": "P1",
                    "stimulus": line["stimulus"], "well_role": role, "cells_per_well": line["cells"],
                    "antigen": line["stimulus"] if role == "antigen" else None, "replicate": replicate,
                    "control": None if named == "?" else named,
                    "spots_per_million": None if spots is None else spots * 1e6 / line["cells"],
                    "read_date": line["read_date"], "file_sha256": line["file"], "place": "grid",
                }
            )  # fmt: skip
    wells = pl.DataFrame(rows, schema=ELISPOT_WELLS.schema)
    highest = pl.col("spots").max().over("plate_id", "analyte") if ceiling is None else pl.lit(ceiling)
    return wells.with_columns(tntc_ceiling=highest)


def visited(*specimens: str, viability: float | None = None) -> pl.DataFrame:
    """VISITED_SPECIMENS: blood of subject P1 on day 0."""
    rows = [
        {
            "specimen_id": specimen, "subject_id": "P1", "material": "blood", "collection_date": date(2020, 3, 1),
            "study_day": 0, "visit": "Baseline",
            "is_baseline_candidate": True, "viability_percent": viability,
        }
        for specimen in specimens or ("S",)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=VISITED_SPECIMENS.schema)
