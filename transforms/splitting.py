"""Rows that keep every rule, apart from those that do not: the same rules Great Expectations checks the table by."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import polars as pl

from expectations.contract import Table
from expectations.records import REJECTS
from expectations.rules import UNREADABLE, Reference, Rule
from transforms.readers.source import BadCell

REJECT_COLUMNS: Final = tuple(name for name in REJECTS.schema if name != "path")
"""A reject before the file's path is joined to it."""

Known = Mapping[str, Collection[str]]
"""Reference target (`table.column`, `study.stimuli`) to the values it declares."""


class RowTest(NamedTuple):
    """A rule or reference ready to be evaluated on one incoming table; its limit is for each of its parts."""

    rule: Rule | Reference
    holds: pl.Expr
    columns: tuple[str, ...]
    parts: tuple[pl.Expr, ...]


def tests_of(table: Table, known: Known) -> list[RowTest]:
    """Everything a row of the table is held to, references included."""
    rules = [RowTest(rule, rule.holds, rule.columns, rule.parts) for rule in (*table.rules, table.unique_in_file)]
    references = [(reference, reference.holds(known[reference.target])) for reference in table.references]
    return rules + [RowTest(reference, holds, (reference.column,), (holds,)) for reference, holds in references]


def split(
    table: Table, incoming: pl.DataFrame, known: Known, bad_cells: Sequence[BadCell]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Accepted rows in the table's schema, and rejects in REJECT_COLUMNS, one a broken rule and row.

    Only critical rules split: a row that breaks a warning stays, and the failed expectation tells of it.
    A repeated row with the same values as the first of its key is rejected alone; where the values differ, all of that
    key are.
    """
    splitting = [test for test in tests_of(table, known) if test.rule.severity == "critical"]
    told = {f"test{n}": test for n, test in enumerate(splitting) if test.rule.reason != "row.repeated_key"}
    marked = incoming.with_columns(test.holds.alias(name) for name, test in told.items())
    marked = marked.with_columns(_key_fault(table) if _has_repeated_keys(table, incoming) else _NO_FAULT)
    broken = ~pl.all_horizontal(*told) | pl.col("key_fault").is_not_null()
    bad = marked.filter(broken)
    rejects = [_rejects(table, bad.filter(~pl.col(name)), test) for name, test in told.items()]
    rejects.append(_key_rejects(table, bad.filter(pl.col("key_fault").is_not_null())))
    rejects.append(bad_cell_rejects([cell for cell in bad_cells if cell.table == table.name]))
    return table.conform(marked.filter(~broken)), pl.concat(rejects).unique(maintain_order=True)


def bad_cell_rejects(cells: Sequence[BadCell]) -> pl.DataFrame:
    """Rejects of cells, lines and sheets that could not be read."""
    rows = [(c.file_sha256, c.table, c.place, c.rule, c.column, c.value, c.says or SAYS[c.rule], c.row) for c in cells]
    return pl.DataFrame(rows, schema={name: REJECTS.schema[name] for name in REJECT_COLUMNS}, orient="row")


SAYS: Final = {
    "row.unreadable": "every filled cell can be read as its column's type",
    "row.ambiguous_date": "a date can be read in one way only",
    "row.partial_date": "a date has a day and a month",
    "row.width": "a line has no more cells than the header",
    "row.sheet_unrecognised": "every sheet of a workbook holds a known table",
}
"""What is asked of cells, lines and sheets that could not be read."""


def every_column(table: Table) -> str:
    """Value of unreadable_columns of a line wider than the header: no cell of it is known to be of any column."""
    return ",".join(name for name in table.schema if name not in ("file_sha256", "place"))


_NO_FAULT: Final = pl.lit(None, dtype=pl.String).alias("key_fault")


def _has_repeated_keys(table: Table, incoming: pl.DataFrame) -> bool:
    """Looked up first: to compare the values of all rows takes far longer than their keys."""
    return bool(incoming.select(pl.struct(table.key_in_file).is_duplicated().any()).item())


def _key_fault(table: Table) -> pl.Expr:
    """Null for a row alone with its key; else whether it repeats a row or contradicts one."""
    key = list(table.key_in_file)
    values = pl.struct(name for name in table.schema if name not in ("file_sha256", "place"))
    has_key = pl.all_horizontal(pl.col(name).is_not_null() for name in key)
    differs = values.n_unique().over(key) > 1
    repeats = pl.int_range(pl.len()).over(key) > 0
    return (
        pl.when(has_key & differs)
        .then(pl.lit("row.conflicting_key"))
        .when(has_key & repeats)
        .then(pl.lit("row.repeated_key"))
        .otherwise(None)
        .alias("key_fault")
    )


def _rejects(table: Table, rows: pl.DataFrame, test: RowTest) -> pl.DataFrame:
    if test.rule.reason == "row.unreadable":  # told cell by cell by the reader, with what stood there
        rows = rows.clear()
    else:  # a cell that could not be read is neither missing nor wrong
        unreadable = pl.col(UNREADABLE).fill_null("").str.split(",")
        rows = rows.filter(~pl.any_horizontal(unreadable.list.contains(name) for name in test.columns))
    return _as_rejects(table, rows, pl.lit(test.rule.reason), test.columns, test.rule.says)


def _key_rejects(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    return _as_rejects(table, rows, pl.col("key_fault"), table.key, f"{', '.join(table.key)} stands once in a file")


def _as_rejects(table: Table, rows: pl.DataFrame, rule: pl.Expr, columns: Sequence[str], says: str) -> pl.DataFrame:
    value = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in columns], separator=", ")
    return rows.select(
        "file_sha256",
        pl.lit(table.name).alias("table_name"),
        "place",
        rule.alias("rule"),
        pl.lit(", ".join(columns)).alias("column_name"),
        value.replace("", None).alias("value"),
        pl.lit(says).alias("says"),
        pl.Series("row", rows_as_json(table, rows), dtype=pl.String),
    )


def rows_as_json(table: Table, rows: pl.DataFrame) -> list[str]:
    """Each row's own columns, source columns left out, as JSON."""
    told = rows.select(name for name in table.schema if name not in ("file_sha256", "place"))
    return [json.dumps(row, default=str, ensure_ascii=False) for row in told.iter_rows(named=True)]
