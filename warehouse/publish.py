"""The published DuckDB file: every table of a state copied in, commented, with the views; built beside, renamed over.

Nobody ever writes the file that people query: DuckDB's lock would let a reader block the pipeline. A reader that has
the old file open keeps it; a new one sees the new file.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from warehouse import events, lake, ledger

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from warehouse.ledger import State

PUBLISHED: Final = "warehouse.duckdb"
_VIEWS: Final = Path(__file__).parent / "views"
_STORAGE: Final = "v1.0.0"
"""Storage format of the published file: any DuckDB client from 1.0 on opens it, at the price of a larger file."""

_MARKER: Final = "published.json"


def published(folder: Path) -> Path:
    """Where the published file lies."""
    return folder / PUBLISHED


def published_run(folder: Path) -> str | None:
    """The run the published file shows; None where there is none or it is not the file that was published."""
    marker = folder / lake.LAKE / _MARKER
    path = published(folder)
    if not (marker.is_file() and path.is_file()):
        return None
    told = json.loads(marker.read_text())
    return str(told["run_id"]) if told["size_bytes"] == path.stat().st_size else None


def publish(folder: Path, state: State) -> Path:
    """Publishes a state and gives the file's path."""
    import duckdb

    path = published(folder)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    _clear_parts(path)
    with duckdb.connect(part, config={"storage_compatibility_version": _STORAGE}) as connection:
        fill(connection, folder, state)
    part.chmod(0o444)
    _set_stale_log_aside(path)
    part.replace(path)
    marker = folder / lake.LAKE / _MARKER
    told = marker.with_suffix(".part")
    told.write_text(json.dumps({"run_id": state.run_id, "size_bytes": path.stat().st_size}))
    told.replace(marker)
    return path


def fill(connection: duckdb.DuckDBPyConnection, folder: Path, state: State) -> None:
    """Copies every table of a state into an empty database, with comments, then makes the views."""
    from expectations.cytometry_in import CYTOMETRY_FILES
    from expectations.tables import PUBLISHED_AS, TABLES

    connection.begin()  # one transaction: hundreds of comments, each on its own, cost as much as the data
    for table in TABLES.values():
        frame = lake.read(folder, table, state.versions)
        if table.name == ledger.LEDGER:
            frame = _ledger_rows(folder, state)
        name = PUBLISHED_AS.get(table.name, table.name)
        connection.register("incoming", frame.to_arrow())
        connection.execute(f'create table "{name}" as select * from incoming')
        connection.unregister("incoming")
        connection.execute(f'comment on table "{name}" is {_quoted(f"Grain: {table.grain}.")}')
        for column in table.columns:
            connection.execute(f'comment on column "{name}"."{column.name}" is {_quoted(column.comment)}')
    for view in sorted(_VIEWS.glob("*.sql")):
        connection.execute(view.read_text())
    for statement in events.view(folder, lake.read(folder, CYTOMETRY_FILES, state.versions)["file_sha256"]):
        connection.execute(statement)
    connection.commit()


def _ledger_rows(folder: Path, state: State) -> pl.DataFrame:
    import polars as pl

    from expectations.records import RUNS

    rows = [known.row for known in ledger.states(folder) if known.number <= state.number]
    return RUNS.conform(pl.DataFrame(rows, schema=RUNS.schema))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _clear_parts(path: Path) -> None:
    """Removes what a killed publish left; the write lock says that no other one is at work."""
    for left in path.parent.glob(f".{path.name}.*.part*"):
        left.unlink()


def _set_stale_log_aside(path: Path) -> None:
    """A client killed with the file open for writing leaves a log that DuckDB would hold against the new file."""
    log = path.with_name(f"{path.name}.wal")
    if log.exists():
        log.replace(path.with_name(f"{path.name}.wal.stale-{datetime.now(UTC):%Y%m%d%H%M%S}"))
