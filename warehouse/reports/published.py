"""The published DuckDB file, read and never written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Published:
    """An open published file."""

    connection: duckdb.DuckDBPyConnection

    def rows(self, query: str, *parameters: Any) -> list[Row]:
        """The rows a query gives, each as column to value, in the query's order."""
        relation = self.connection.execute(query, list(parameters))
        names = [column[0] for column in relation.description or ()]
        return [dict(zip(names, values, strict=True)) for values in relation.fetchall()]

    def view(self, name: str) -> list[Row]:
        """Every row of a view, in the order the view gives."""
        return self.rows(f'select * from "{name}"')

    def only(self, name: str) -> Row:
        """The one row of a view whose grain is one row."""
        (row,) = self.view(name)
        return row


@contextmanager
def open_published(database: Path) -> Iterator[Published]:
    """The file opened read-only; an open reader keeps its state when a new file is renamed over it."""
    import duckdb

    with duckdb.connect(database, read_only=True) as connection:
        yield Published(connection)
