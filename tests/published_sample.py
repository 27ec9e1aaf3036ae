"""A small published DuckDB file built from the contract alone, and one of a study without any row."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from expectations.study import ALL_CELLS
from expectations.tables import PUBLISHED_AS, TABLES
from tests.drawing import table
from tests.published_sample_cohort import responses, settings
from tests.published_sample_outcomes import outcome_tables
from tests.published_sample_plates import plate_tables
from tests.published_sample_records import record_tables

VIEWS = Path(__file__).parents[1] / "warehouse" / "views"


def publish(path: Path, frames: dict[str, pl.DataFrame]) -> Path:
    """A published file: every contract table under its published name (empty where not given), then every view."""
    with duckdb.connect(path) as connection:
        load(connection, frames)
    return path


def load(connection: duckdb.DuckDBPyConnection, frames: dict[str, pl.DataFrame]) -> None:
    """Tables and views of a published file into an open connection."""
    for name, contract in TABLES.items():
        frame = contract.conform(frames[name]) if name in frames else contract.empty()
        connection.register("incoming", frame)
        connection.execute(f'create table "{PUBLISHED_AS.get(name, name)}" as select * from incoming').fetchall()
        connection.unregister("incoming")
    for view in sorted(VIEWS.glob("*.sql")):
        connection.execute(view.read_text()).fetchall()


def with_tables(database: Path, to: Path, frames: dict[str, pl.DataFrame]) -> Path:
    """A copy of a published file in which frames replace tables; cheaper than publishing anew."""
    shutil.copyfile(database, to)
    with duckdb.connect(to) as connection:
        for name, frame in frames.items():
            published = PUBLISHED_AS.get(name, name)
            connection.register("incoming", TABLES[name].conform(frame))
            connection.execute(f'delete from "{published}"').fetchall()
            connection.execute(f'insert into "{published}" by name select * from incoming').fetchall()
            connection.unregister("incoming")
    return to


def empty_study(path: Path) -> Path:
    """A published file in which every table has zero rows."""
    return publish(path, {})


def sample_study(path: Path, *, simulated: bool = True) -> Path:
    """The published file of the sample."""
    measured = responses()
    frames = {
        "settings": settings(simulated=simulated),
        "responses": measured,
        **outcome_tables(measured),
        **record_tables(),
        **plate_tables(),
    }
    return publish(path, frames)


def view(name: str, columns: str, **frames: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Rows of a view over the given tables, all others empty; booleans and numbers as DuckDB gives them."""
    with duckdb.connect() as connection:
        load(connection, {"settings": settings(), **frames})
        return connection.execute(f"select {columns} from {name}").fetchall()


def drawn(name: str, drawing: str, **constants: object) -> pl.DataFrame:
    """A drawn table under its contract; what is measured is of ELISpot's population unless drawn or given."""
    contract = TABLES[name]
    of_cells = {"population", "cell_population"} & set(contract.schema) if "assay" in contract.schema else set()
    undrawn = of_cells - {cell.strip() for cell in drawing.strip().splitlines()[0].split("|")}
    return table(drawing, contract, **(dict.fromkeys(undrawn, ALL_CELLS) | constants))
