"""`perdure export`: the whole analysis as tidy CSV with a data dictionary, and the tables of a paper, in one folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from expectations.association_tables import ASSOCIATIONS, CHARACTERISTICS
from expectations.computed import (
    BREADTH,
    EXPECTED_SPECIMENS,
    LOSS_CURVES,
    PERSISTENCE,
    PERSISTENCE_AT_LANDMARK,
    PERSISTENCE_BY_SUBJECT,
    RESPONSES,
    VISITED_SPECIMENS,
)
from expectations.computed_cytometry import BOOLEAN_SUBSETS, POLYFUNCTIONALITY, REACTIVE_CELLS
from expectations.contract import Column, Table
from expectations.errors import UsageError
from expectations.outcome_tables import (
    BEST_RESPONSES,
    DENOMINATORS,
    DERIVED_ASSESSMENTS,
    INFUSED_CELLS,
    OUTCOMES,
    SURVIVAL_CURVES,
    SURVIVAL_SUMMARIES,
)
from expectations.records import SETTINGS
from expectations.tables import PUBLISHED_AS
from warehouse.query import opened

if TYPE_CHECKING:
    import duckdb
    import polars as pl

EXPORTED: Final = (
    VISITED_SPECIMENS,
    EXPECTED_SPECIMENS,
    RESPONSES,
    BOOLEAN_SUBSETS,
    POLYFUNCTIONALITY,
    PERSISTENCE,
    PERSISTENCE_AT_LANDMARK,
    PERSISTENCE_BY_SUBJECT,
    BREADTH,
    LOSS_CURVES,
    INFUSED_CELLS,
    REACTIVE_CELLS,
    DERIVED_ASSESSMENTS,
    BEST_RESPONSES,
    OUTCOMES,
    DENOMINATORS,
    SURVIVAL_CURVES,
    SURVIVAL_SUMMARIES,
    ASSOCIATIONS,
    CHARACTERISTICS,
    SETTINGS,
)
"""What an analyst needs to do the analysis again from responses on; wells, tubes and files stay in the warehouse."""

DICTIONARY: Final = "data_dictionary.csv"
README: Final = "README.txt"
_TYPES: Final = {
    "String": "text", "Boolean": "boolean", "Date": "date", "Datetime": "datetime", "Float64": "number",
    "Int64": "integer", "Int32": "integer",
}  # fmt: skip

_CONVENTIONS: Final = """\
How values are written
----------------------
CSV, UTF-8, comma, one header line, lines ended by a line feed; rows sorted by the key of the table.
- A value that is not there is an empty cell; a text that is there and empty is written "". R and pandas read both as
  missing unless told otherwise.
- Booleans are true and false. Dates are YYYY-MM-DD, times are UTC. Numbers have a decimal point and full precision;
  infinite is inf (an odds ratio with an empty cell), minus infinite -inf.
- Nothing is imputed. A null has its reason in the same row (reason, auc_reason, half_life_reason,
  best_response_reason).

How censored values are written
-------------------------------
- responses: net_value is the value as measured, negative ones included. is_below_lod = true: censored at `lod` from
  above. net_lower and net_upper are bounds where wells were too numerous to count; an empty net_upper is open.
- persistence: loss lies in (loss_left_day, loss_right_day]; an empty loss_right_day with loss_kind = right_censored is
  open; loss_kind = death: death came first. half_life_n_censored samples entered as censored.
- infusion_products: is_below_lod and is_bounded as above, with tumour_reactive_cells_lod and _lower.
- outcomes: os_event, pfs_event, dor_event = false are censored times; os_reason and pfs_reason name the rule. Reported
  durations count both ends (days + 1); months are days / 30.4375.
- survival_summaries: an empty median or end of an interval is not reached.
- associations: landmark_day and time_zero_day say when subjects were classified and from when time runs. Persistence
  over the whole follow-up (persistence.csv) holds part of the outcome: use persistence_at_landmark against outcomes.
"""


def export_analysis(study: Path, folder: Path, as_of: date | None = None, division: str = "response") -> Iterator[str]:
    """Writes the newest published state, or the last one of a day, into a new or empty folder; says what it wrote.

    `division` gives the columns of Table 1. Raises UsageError: export.folder, and those of `warehouse.query.opened`.
    """
    _refuse_what_is_in_use(folder)
    with opened(study, as_of) as connection:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Whatever fails on the way leaves the folder as empty as it was.
            with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as part:
                sizes = _write(connection, Path(part), division)
                for path in sorted(Path(part).iterdir()):
                    path.replace(folder / path.name)
        except OSError as error:
            raise UsageError(
                str(folder),
                code="export.folder",
                problem=f"it cannot be written ({error.strerror})",
                remedy="name a folder where you may write",
            ) from error
    yield f"Wrote {len(sizes)} tables, {sum(sizes.values())} rows in all, to {folder}"
    yield f"  {DICTIONARY} says what each column means, {README} how values are written"
    yield "  table1.html and results.html are tables for a paper"


def file_of(table: Table) -> str:
    """The CSV of a table: its published name."""
    return f"{published_name(table)}.csv"


def published_name(table: Table) -> str:
    """The name in the published file."""
    return PUBLISHED_AS.get(table.name, table.name)


def type_of(column: Column) -> str:
    """The type of a column in words of no program."""
    return _TYPES[str(column.dtype).partition("(")[0]]


def dictionary() -> pl.DataFrame:
    """One row a column of the exported tables: table, column, type, unit, description, allowed values, key."""
    import polars as pl

    rows = [
        {
            "table": published_name(table),
            "column": column.name,
            "type": type_of(column),
            "unit": column.unit,
            "description": column.description,
            "allowed_values": None if column.values is None else "; ".join(column.values),
            "is_never_empty": column.required,
            "is_in_key": column.name in table.key,
        }
        for table in EXPORTED
        for column in table.columns
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _refuse_what_is_in_use(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            str(folder),
            code="export.folder",
            problem="the folder is not empty" if folder.is_dir() else "this is a file",
            remedy="name a new folder",
        )


def _write(connection: duckdb.DuckDBPyConnection, folder: Path, division: str) -> dict[str, int]:
    """Every file of an export; rows by file."""
    from warehouse.reports.paper_tables import results_page, table1_page
    from warehouse.reports.published import Published

    sizes: dict[str, int] = {}
    for table in EXPORTED:
        frame = table.conform(_rows(connection, table))
        frame.write_csv(folder / file_of(table))
        sizes[file_of(table)] = frame.height
    dictionary().write_csv(folder / DICTIONARY)
    published = Published(connection)
    (folder / "table1.html").write_text(table1_page(published, division), encoding="utf-8")
    (folder / "results.html").write_text(results_page(published), encoding="utf-8")
    (folder / README).write_text(_readme(published.only("report_header"), sizes, division), encoding="utf-8")
    return sizes


def _rows(connection: duckdb.DuckDBPyConnection, table: Table) -> pl.DataFrame:
    """The rows of a table by its key; of a file that an earlier perdure published, columns it lacks are null."""
    import polars as pl

    there = connection.execute(
        "select column_name from duckdb_columns() where table_name = ? and not internal", [published_name(table)]
    ).fetchall()
    if not there:
        return table.empty()
    frame = pl.from_arrow(connection.sql(f'select * from "{published_name(table)}"').to_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    missing = {name: pl.lit(None, dtype) for name, dtype in table.schema.items() if name not in frame.columns}
    return frame.with_columns(**missing).sort(table.key, nulls_last=False)


def _readme(header: dict[str, Any], sizes: dict[str, int], division: str) -> str:
    simulated = "SIMULATED DATA. No number in these files comes from a patient.\n\n" if header["is_simulated"] else ""
    width = max(map(len, sizes))
    files = [
        f"{file_of(table):<{width}}  {sizes[file_of(table)]:>8} rows; one row is {table.grain}" for table in EXPORTED
    ]
    also = [
        f"{DICTIONARY:<{width}}  table, column, type, unit, description, allowed values, key of every column",
        f"{'table1.html':<{width}}  characteristics of the infused subjects, by {division.replace('_', ' ')}",
        f"{'results.html':<{width}}  response rates, medians and declared analyses",
    ]
    about = [
        f"Study       {header['study_id'] or 'not named'}: {header['study_title'] or 'no title'}",
        f"Data as of  {header['as_of_date'] or 'no run yet'}",
        f"Run         {header['run_id'] or 'none'}, {header['committed_at_utc'] or 'never'}",
        f"perdure     {header['program_version'] or 'unknown'}",
        f"study.toml  sha256 {header['study_file_sha256'] or 'unknown'}",
    ]
    listed = "\n".join((*files, *also))
    return f"{simulated}{chr(10).join(about)}\n\nFiles\n-----\n{listed}\n\n{_CONVENTIONS}"
