"""The ledger: one row a run that changed something, committed last, naming the version of every table of that state.

Read through DuckDB so that looking at it costs no heavy import.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from warehouse import lake

if TYPE_CHECKING:
    import duckdb
    import polars as pl

LEDGER: Final = "runs"


@dataclass(frozen=True, slots=True)
class State:
    """What a run committed: its ledger row, and the versions that belong together."""

    number: int
    row: dict[str, Any]

    @property
    def run_id(self) -> str:
        """The run."""
        return str(self.row["run_id"])

    @property
    def versions(self) -> dict[str, int]:
        """Table name to Delta version; the ledger itself is not among them."""
        return dict(json.loads(self.row["table_versions"]))


def run_name(number: int) -> str:
    """The id of the nth run of a study."""
    return f"run-{number:06d}"


def run_number(run_id: str) -> int:
    """The n of a run's id."""
    return int(run_id.rpartition("-")[2])


def states(folder: Path) -> list[State]:
    """Every committed state, oldest first."""
    version = lake.latest(folder, LEDGER)
    files = [] if version is None else lake.data_files(folder, LEDGER, version)
    if not files:
        return []
    rows = select("select * from read_parquet(?) order by run_id", files)
    return [State(number, row) for number, row in enumerate(rows, start=1)]


def head(folder: Path) -> State | None:
    """The newest committed state; None before the first run."""
    found = states(folder)
    return found[-1] if found else None


def state_as_of(folder: Path, day: date) -> State | None:
    """The newest state committed on or before that day (UTC)."""
    limit = datetime.combine(day + timedelta(days=1), time())
    before = [state for state in states(folder) if state.row["committed_at"] < limit]
    return before[-1] if before else None


def commit(folder: Path, row: pl.DataFrame, as_of_days: int) -> None:
    """Makes a run's tables visible together: the one write that counts."""
    from expectations.records import RUNS

    lake.append(folder, RUNS, row, as_of_days)


def read_light(folder: Path, name: str, columns: str, state: State) -> list[dict[str, Any]]:
    """Some columns of a table of a state as dictionaries, without a heavy import."""
    if name not in state.versions:
        return []
    files = lake.data_files(folder, name, state.versions[name])
    return select(f"select {columns} from read_parquet(?)", files) if files else []


def select(query: str, files: list[str]) -> list[dict[str, Any]]:
    """Rows of a query over Parquet files on an in-memory DuckDB; no character of a path stands for others."""
    plain = [re.sub(r"[*?\[]", lambda found: f"[{found[0]}]", file) for file in files]
    with _memory().cursor() as cursor:
        cursor.execute(query, [plain])
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@cache
def _memory() -> duckdb.DuckDBPyConnection:
    """One in-memory database for a process: opening one costs as much as a light command's other work."""
    import duckdb

    return duckdb.connect()
