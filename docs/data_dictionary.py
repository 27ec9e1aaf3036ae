"""The data dictionary, from the contract and from an empty published file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

from docs.markdown import code, codes, grid, head
from expectations.contract import Column, Reference, Rule, Table, UniqueInFile
from expectations.tables import PUBLISHED_AS, TABLES
from warehouse.ledger import State
from warehouse.publish import fill

Types = dict[str, dict[str, str]]
"""Published table or view to its columns and their DuckDB types."""

_VIEWS: Final = Path(__file__).parents[1] / "warehouse" / "views"
_GRAIN: Final = "-- Grain: "

_INTRO: Final = """\
Every table and view of `warehouse.duckdb`. The same words stand in the file as comments on tables and columns
(`select * from duckdb_columns()`). [querying.md](querying.md) shows how to ask.

- **Ingested** tables hold rows of files. **Computed** tables follow from these and are brought up to date by every run
  that changes something. **Records** say what perdure did.
- *Required* means never empty in an accepted row.
- Every ingested row carries `file_sha256` and `place`: the file it came from and where in it.
- The row rules of an ingested table are checked twice. Great Expectations checks the incoming table as it came; its
  results stand in `quality_checks`. Then each row that breaks a rule is split off and kept in `rejects`, whatever the
  rule's severity. Of a file held back for too many broken rows, `rejects` has these rows too.
- *Limit* is the share of rows that may break the rule. Where a file breaks a critical rule more often, the whole file
  is held back. A broken warning is reported and holds nothing back.
- Beside its row rules, every incoming table must have at least one row.
- Reasons are explained in [reason-codes.md](reason-codes.md).
"""

_STAGES: Final = {
    "record": "A record; its rows stay.",
    "ingested": "Ingested.",
    "computed": "Computed.",
}


def page() -> str:
    """The whole page."""
    types = _types()
    parts = [head("Data dictionary", "expectations/ and warehouse/views/"), _INTRO, _contents()]
    parts += ["\n".join(_section(table, types[published(table)])) for table in TABLES.values()]
    parts += [
        "## Views\n\nViews bring the tables into the shape of the reports; both pages are drawn from them alone.\n"
    ]
    parts += [_view(path, types[path.stem]) for path in sorted(_VIEWS.glob("*.sql"))]
    return "\n".join(parts)


def published(table: Table) -> str:
    """The name people see."""
    return PUBLISHED_AS.get(table.name, table.name)


def _types() -> Types:
    """What an empty study publishes, so that the page shows the types DuckDB really has."""
    nothing = State(0, {"run_id": "", "table_versions": "{}"})
    types: Types = {}
    with duckdb.connect() as connection:
        fill(connection, Path("a study that does not exist"), nothing)
        question = "select table_name, column_name, data_type from duckdb_columns() where not internal order by all"
        cursor = connection.execute(f"select * from ({question}) order by table_name")
        for name, column, data_type in cursor.fetchall():
            types.setdefault(name, {})[column] = data_type
        for name in types:
            described = connection.execute(f'describe "{name}"').fetchall()
            types[name] = {row[0]: row[1] for row in described}
    return types


def _contents() -> str:
    rows = [(f"[{published(table)}](#{published(table)})", table.stage, table.grain) for table in TABLES.values()]
    return grid(("table", "stage", "grain: one row is"), rows)


def _section(table: Table, types: dict[str, str]) -> Iterator[str]:
    yield f"## {published(table)}\n"
    yield f"Grain: {table.grain}. Key: {codes(table.key)}. {_stage(table)}\n"
    if published(table) != table.name:
        yield f"In the lake this table is called {code(table.name)}.\n"
    yield grid(("column", "type", "unit", "required", "meaning"), (_column(column, types) for column in table.columns))
    if table.stage == "ingested":
        yield "Row rules:\n"
        yield grid(("rule", "reason code", "severity", "limit"), _rules(table))


def _stage(table: Table) -> str:
    together = f" All rows of one {code(', '.join(table.entity))} come from one file." if table.entity else ""
    return _STAGES[table.stage] + together


def _column(column: Column, types: dict[str, str]) -> tuple[str, ...]:
    values = f" One of: {codes(column.values)}." if column.values else ""
    required = "yes" if column.required else ""
    return code(column.name), types[column.name], column.unit or "", required, column.description + values


def _rules(table: Table) -> Iterator[tuple[str, ...]]:
    rules: tuple[Rule | Reference, ...] = (*table.rules, table.unique_in_file, *table.references)
    for rule in rules:
        yield rule.says, _reason(rule), rule.severity, f"{100 * rule.limit:g} %"


def _reason(rule: Rule | Reference) -> str:
    if isinstance(rule, Reference) and rule.holds_file_as != "expectation.critical":
        return f"{code(rule.reason)}; the file is held as {code(rule.holds_file_as)}"
    if isinstance(rule, UniqueInFile):
        return f"{code(rule.reason)}; {code('row.conflicting_key')} where the values differ"
    return code(rule.reason)


def _view(path: Path, types: dict[str, str]) -> str:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    if not first.startswith(_GRAIN):
        raise ValueError(f"{path.name} does not begin with its grain")
    columns = ", ".join(f"{code(name)} {data_type}" for name, data_type in types.items())
    return f"### {path.stem}\n\nGrain: {first.removeprefix(_GRAIN)}\n\nColumns: {columns}.\n"
