"""A three by three matrix of peptides in four specimens, and what is to be said of each peptide."""

from __future__ import annotations

import json
from itertools import product
from typing import Any, Final

import polars as pl

from tests.published_sample_cohort import LOD, filled, settings_rows

ROWS, COLUMNS = "ABC", "123"
POSITIVE: Final = {"P01-IP": "A1", "P02-week 2": "AB12", "P03-week 2": "A", "P04-week 2": "C"}
"""Specimen to the pools called positive; all others were negative, but for those in SILENT."""
SILENT: Final = {"P04-week 2": "3"}
CONTRADICTED: Final = ("P03-week 2", "pool A")
DESIGN: Final = filled(
    "peptide_pools",
    pl.DataFrame(
        [(pool, row + column) for row, column in product(ROWS, COLUMNS) for pool in (row, column)],
        schema=["pool", "peptide"],
        orient="row",
    ).with_columns(protein=pl.lit("p53"), file_sha256=pl.lit("31"), place=pl.col("peptide")),
)
"""The laboratory writes A where study.toml says pool A."""


def pool_tables() -> dict[str, pl.DataFrame]:
    """Settings, design, responses and candidates, under both rules and for a second analyte that is not primary."""
    responses = [
        _of(specimen, readout, rule) | _response(specimen, pool)
        for specimen, readout, rule in product(POSITIVE, ("IFNg", "GzB"), ("dfr_eq", "threshold"))
        for pool in ROWS + COLUMNS
    ]
    peptides = [
        _of(specimen, readout, rule) | _peptide(specimen, row, column)
        for specimen, readout, rule in product(POSITIVE, ("IFNg", "GzB"), ("dfr_eq", "threshold"))
        for row, column in product(ROWS, COLUMNS)
    ]
    return {
        "settings": pool_settings(),
        "peptide_pools": DESIGN,
        "responses": filled("responses", pl.DataFrame(responses)),
        "pool_candidates": filled("pool_candidates", pl.DataFrame(peptides, infer_schema_length=None)),
    }


def pool_settings() -> pl.DataFrame:
    """The sample's settings with the six pools as its antigens."""
    antigens = [{"name": f"pool {pool}", "role": "tumour", "aliases": [pool]} for pool in ROWS + COLUMNS]
    rows = [(name, json.dumps(antigens if name == "antigens" else value), is_default)
            for name, value, is_default in settings_rows()]  # fmt: skip
    return pl.DataFrame(rows, schema=["setting", "value", "is_default"], orient="row")


def _of(specimen: str, readout: str, rule: str) -> dict[str, Any]:
    return {
        "specimen_id": specimen,
        "subject_id": specimen[:3],
        "study_day": 0 if specimen.endswith("IP") else 14,
        "visit": "infusion product" if specimen.endswith("IP") else "week 2",
        "assay": "elispot",
        "population": "all cells",
        "readout": readout,
        "rule": rule,
        "is_primary_rule": rule == "dfr_eq",
    }


def _response(specimen: str, pool: str) -> dict[str, Any]:
    call = _call(specimen, pool)
    return {
        "antigen": f"pool {pool}",
        "antigen_role": "tumour",
        "material": "blood",
        "plate_id": "PL",
        "is_reported": True,
        "call": call,
        "net_value": 200.0 if call == "positive" else 3.0,
        "lod": LOD,
        "response_key": f"{specimen}/pool {pool}",
        "rule_version": "1",
        "rule_parameters": "{}",
    }


def _call(specimen: str, pool: str) -> str:
    if pool in SILENT.get(specimen, ""):
        return "not_evaluable"
    return "positive" if pool in POSITIVE[specimen] else "negative"


def _peptide(specimen: str, row: str, column: str) -> dict[str, Any]:
    calls = [_call(specimen, row), _call(specimen, column)]
    status = "excluded" if "negative" in calls else "open" if "not_evaluable" in calls else "candidate"
    return {
        "peptide": row + column,
        "status": status,
        "n_pools": 2,
        "n_pools_positive": calls.count("positive"),
        "n_pools_negative": calls.count("negative"),
        "pools": f"pool {row} {calls[0]}; pool {column} {calls[1]}",
        "lowest_net_value": 200.0 if "positive" in calls else None,
        "n_rivals": None if status == "excluded" else 1 if specimen.startswith("P02") else 0,
    }
