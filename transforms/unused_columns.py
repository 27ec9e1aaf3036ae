"""A warning for columns of reference tables that perdure does not know: they stay in the archive only."""

from __future__ import annotations

import json
from collections.abc import Iterable

import polars as pl

from expectations.ingested import REFERENCE_TABLES
from expectations.records import CHECK_COLUMNS, QUALITY_CHECKS
from transforms.readers.source import Reading


def unused_column_checks(readings: Iterable[tuple[str, Reading]]) -> pl.DataFrame:
    """One check a reference table that was read, in CHECK_COLUMNS; readings come with their path."""
    found: dict[str, list[str]] = {}
    rows: dict[str, int] = {}
    for path, reading in readings:
        for name, cells in reading.unused_columns.items():
            found.setdefault(name, []).extend(f"{cell} ({path})" for cell in cells)
        for name, frame in reading.tables.items():
            rows[name] = rows.get(name, 0) + frame.height
    told = [
        {
            "table_name": name,
            "check_name": "known_columns",
            "says": "every column of the file is a column of the table",
            "engine": "perdure",
            "severity": "warning",
            "success": not found.get(name),
            "n_rows": rows[name],
            "n_unexpected": len(found.get(name, [])),
            "limit_percent": None,
            "examples": "; ".join(found.get(name, [])[:5]) or None,
            "result": json.dumps({"unused_columns": found.get(name, [])}),
        }
        for name in sorted(rows)
        if name in {table.name for table in REFERENCE_TABLES} or found.get(name)
    ]
    schema = {name: QUALITY_CHECKS.schema[name] for name in CHECK_COLUMNS}
    return pl.DataFrame(told, schema=schema)
