"""The contract language: columns with meaning and unit, tables with grain and key.

From the columns of a table follow its row rules (`expectations.rules`), its schema, its comments in DuckDB and its
entry in the data dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import polars as pl

from expectations.rules import (
    DEFAULT_LIMIT,
    UNREADABLE,
    Between,
    Equal,
    FilledExactlyWhen,
    FilledWith,
    Matches,
    NotBefore,
    OneOf,
    Readable,
    Reference,
    Required,
    Rule,
    Severity,
    UniqueInFile,
)

__all__ = [
    "DEFAULT_LIMIT",
    "UNREADABLE",
    "Column",
    "Equal",
    "FilledExactlyWhen",
    "FilledWith",
    "NotBefore",
    "Reference",
    "Rule",
    "Severity",
    "Table",
    "UniqueInFile",
]
"""With the rules a table's declaration speaks of."""

Stage = Literal["ingested", "computed", "record"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `unit` is null for what has none; `required` means never null in an accepted row."""

    name: str
    dtype: Any
    description: str
    unit: str | None = None
    required: bool = False
    values: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    severity: Severity = "critical"
    limit: float = DEFAULT_LIMIT

    def but(self, **changes: Any) -> Column:
        """The same column with another trait, for a table where it means the same but is held to another rule."""
        return replace(self, **changes)

    @property
    def comment(self) -> str:
        """One line for DuckDB and the data dictionary."""
        text = self.description if self.unit is None else f"{self.description} [{self.unit}]"
        return text if self.values is None else f"{text} One of: {', '.join(self.values)}."


@dataclass(frozen=True, slots=True)
class Table:
    """One table: `grain` says what a row is, `key` what makes it unique, `stage` how it comes to be.

    ingested: rows of files, appended or replaced by source file. computed: replaced by every run that computes.
    record: what perdure did, appended.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    stage: Stage = "computed"
    extra_rules: tuple[Rule, ...] = ()
    references: tuple[Reference, ...] = ()
    entity: tuple[str, ...] = field(default=())
    """Ingested tables whose rows belong together and are replaced together: a plate. Empty: every row for itself."""

    @property
    def schema(self) -> dict[str, Any]:
        """Column name to Polars type, in order."""
        return {column.name: column.dtype for column in self.columns}

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that are never null."""
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column:
        """The declared column of that name; KeyError where there is none."""
        return {column.name: column for column in self.columns}[name]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every row rule: those that follow from the columns, then the table's own."""
        return (Readable((UNREADABLE,)), *self._column_rules(), *self.extra_rules)

    def _column_rules(self) -> Iterator[Rule]:
        for column in self.columns:
            names, held = (column.name,), {"severity": column.severity, "limit": column.limit}
            if column.required:
                yield Required(names, **held)  # type: ignore[arg-type]
            if column.values is not None:
                yield OneOf(names, values=column.values, **held)  # type: ignore[arg-type]
            if column.minimum is not None or column.maximum is not None:
                yield Between(names, minimum=column.minimum, maximum=column.maximum, **held)  # type: ignore[arg-type]
            if column.pattern is not None:
                yield Matches(names, pattern=column.pattern, **held)  # type: ignore[arg-type]

    @property
    def unique_in_file(self) -> Rule:
        """No key stands twice in one file; the same key in two files is a matter of corrections, not of this rule."""
        return UniqueInFile(self.key_in_file)

    @property
    def key_in_file(self) -> tuple[str, ...]:
        """The key with the file it stands in."""
        return tuple(dict.fromkeys(("file_sha256", *self.key)))

    def empty(self) -> pl.DataFrame:
        """No rows, the declared schema."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The declared columns in the declared order and types.

        Raises polars.exceptions.ColumnNotFoundError or InvalidOperationError where a transform broke the contract.
        """
        return frame.select(pl.col(name).cast(dtype) for name, dtype in self.schema.items())
