"""Tables drawn in tests: the case and the answer stand together, types come from the contract."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from expectations.contract import Table

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).parents[2] / "shared"))
"""Real instrument files and reference numbers; beside the checkout, or where PERDURE_SHARED says."""

needs_shared = pytest.mark.skipif(
    not (SHARED / "reference").is_dir(),
    reason=f"no folder of real files and reference numbers at {SHARED}; set PERDURE_SHARED to run this",
)


def table(drawing: str, contract: Table | None = None, **constants: object) -> pl.DataFrame:
    """A frame from a drawing: a header line, then one line a row, cells parted by `|`; an empty cell is null.

    Columns take their type from `contract` where it declares them; others become integer, float, boolean, ISO date
    or text, whichever all their cells can be read as. `constants` add columns with one value. With a contract, its
    remaining columns are added as nulls.
    """
    lines = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines() if line.strip()]
    header, rows = lines[0], [line for line in lines[1:] if not set("".join(line)) <= {"-", ":"} or "".join(line) == ""]
    declared = contract.schema if contract else {}
    columns = {}
    for index, name in enumerate(header):
        cells = [row[index] or None for row in rows]
        dtype = declared.get(name, _guess(cells))
        columns[name] = pl.Series(name, [_read(cell, dtype) for cell in cells], dtype=dtype)
    frame = pl.DataFrame(columns)
    for name, value in constants.items():
        frame = frame.with_columns(pl.lit(value, dtype=declared.get(name)).alias(name))
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in declared.items() if name not in frame.columns]
    return frame.with_columns(missing).select([*declared, *(n for n in frame.columns if n not in declared)])


def _read(cell: str | None, dtype: object) -> object:
    if cell is None:
        return None
    if dtype == pl.Boolean:
        return {"true": True, "false": False}[cell.lower()]
    if dtype == pl.Date:
        return date.fromisoformat(cell)
    if isinstance(dtype, pl.Datetime):
        return datetime.fromisoformat(cell)
    if dtype in (pl.Float64, pl.Float32):
        return float(cell)
    return cell if dtype == pl.String else int(cell)


def _guess(cells: list[str | None]) -> object:
    filled = [cell for cell in cells if cell is not None]
    for dtype in (pl.Int64, pl.Float64, pl.Boolean, pl.Date):
        try:
            for cell in filled:
                _read(cell, dtype)
        except (ValueError, KeyError):
            continue
        if filled:
            return dtype
    return pl.String
