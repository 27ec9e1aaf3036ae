"""The contract language: columns with meaning and unit, tables with grain and key, rules that rows must keep.

A rule is declared once. From it follow the Polars predicate that splits rows off (`holds`), the Great Expectations
check of the whole incoming table (`expectations.suites`), the DuckDB comment and the data dictionary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import polars as pl

Severity = Literal["critical", "warning"]
Stage = Literal["ingested", "computed", "record"]

UNREADABLE = "unreadable_columns"
"""Helper column of an incoming table: names of columns whose text could not be read, joined by commas, else null."""

DEFAULT_LIMIT = 0.10
"""Share of the rows of one incoming table that may break a rule before the expectation fails."""


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
class Rule:
    """What a row must keep. `columns` names what is shown when it does not; `limit` is the share that may break it."""

    reason: ClassVar[str]
    columns: tuple[str, ...]
    severity: Severity = "critical"
    limit: float = DEFAULT_LIMIT

    @property
    def holds(self) -> pl.Expr:
        """True where the row keeps the rule; never null."""
        raise NotImplementedError  # pragma: no cover - abstract

    @property
    def parts(self) -> tuple[pl.Expr, ...]:
        """What the limit holds for, each on its own: the rule, where it has no parts."""
        return (self.holds,)

    @property
    def says(self) -> str:
        """The rule in words."""
        raise NotImplementedError  # pragma: no cover - abstract

    @property
    def applies(self) -> pl.Expr:
        """True for the rows the rule can say something about: the denominator of `limit`."""
        return pl.all_horizontal(pl.col(name).is_not_null() for name in self.columns)

    @property
    def column(self) -> str:
        """The first column the rule speaks of."""
        return self.columns[0]

    @property
    def name(self) -> str:
        """What checks and rejects call the rule: required(subject_id)."""
        return f"{self.reason.removeprefix('row.')}({', '.join(self.columns)})"


@dataclass(frozen=True, slots=True)
class Readable(Rule):
    """Every filled cell of the row could be read as its column's type."""

    reason: ClassVar[str] = "row.unreadable"

    @property
    def holds(self) -> pl.Expr:
        """No column of the row is listed as unreadable."""
        return pl.col(UNREADABLE).is_null()

    @property
    def applies(self) -> pl.Expr:
        """Every row."""
        return pl.lit(value=True)

    @property
    def says(self) -> str:
        """The rule in words."""
        return "every filled cell can be read as its column's type"


@dataclass(frozen=True, slots=True)
class Required(Rule):
    """The column is filled."""

    reason: ClassVar[str] = "row.required"

    @property
    def holds(self) -> pl.Expr:
        """Not null."""
        return pl.col(self.column).is_not_null()

    @property
    def applies(self) -> pl.Expr:
        """Every row."""
        return pl.lit(value=True)

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"{self.column} is filled"


@dataclass(frozen=True, slots=True)
class OneOf(Rule):
    """The column, where filled, holds one of the declared values."""

    reason: ClassVar[str] = "row.allowed_values"
    values: tuple[str, ...] = ()

    @property
    def holds(self) -> pl.Expr:
        """Null or a member."""
        return pl.col(self.column).is_in(list(self.values)).fill_null(value=True)

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"{self.column} is one of {', '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Between(Rule):
    """The number, where filled, lies between the bounds, bounds included."""

    reason: ClassVar[str] = "row.range"
    minimum: float | None = None
    maximum: float | None = None

    @property
    def holds(self) -> pl.Expr:
        """Null or inside; NaN is outside."""
        value = pl.col(self.column)
        inside = value.cast(pl.Float64).is_not_nan()
        if self.minimum is not None:
            inside = inside & (value >= self.minimum)
        if self.maximum is not None:
            inside = inside & (value <= self.maximum)
        return inside.fill_null(value=True)

    @property
    def says(self) -> str:
        """The rule in words."""
        if self.maximum is None:
            return f"{self.column} is at least {self.minimum:g}"
        if self.minimum is None:
            return f"{self.column} is at most {self.maximum:g}"
        return f"{self.column} is between {self.minimum:g} and {self.maximum:g}"


@dataclass(frozen=True, slots=True)
class Matches(Rule):
    """The text, where filled, has the form of the pattern (a regular expression for the whole text)."""

    reason: ClassVar[str] = "row.pattern"
    pattern: str = ""

    @property
    def holds(self) -> pl.Expr:
        """Null or a full match."""
        return pl.col(self.column).str.contains(f"^(?:{self.pattern})$").fill_null(value=True)

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"{self.column} has the form {self.pattern}"


@dataclass(frozen=True, slots=True)
class NotBefore(Rule):
    """The first column is not before (not below) the second, where both are filled."""

    reason: ClassVar[str] = "row.order"

    @property
    def holds(self) -> pl.Expr:
        """Null on either side, or in order."""
        later, earlier = self.columns
        return (pl.col(later) >= pl.col(earlier)).fill_null(value=True)

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"{self.columns[0]} is not before {self.columns[1]}"


@dataclass(frozen=True, slots=True)
class Equal(Rule):
    """Two columns agree, where both are filled."""

    reason: ClassVar[str] = "row.not_equal"

    @property
    def holds(self) -> pl.Expr:
        """Null on either side, or equal."""
        return (pl.col(self.columns[0]) == pl.col(self.columns[1])).fill_null(value=True)

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"{self.columns[0]} equals {self.columns[1]}"


@dataclass(frozen=True, slots=True)
class FilledExactlyWhen(Rule):
    """The column is filled exactly in rows where another column has one given value."""

    reason: ClassVar[str] = "row.filled_exactly_when"
    when: str = ""
    equals: str = ""

    @property
    def holds(self) -> pl.Expr:
        """Filled and the other column has the value, or neither."""
        filled, empty = self.parts
        return filled & empty

    @property
    def parts(self) -> tuple[pl.Expr, ...]:
        """Filled where the other column has the value; empty where it has not."""
        has_value = (pl.col(self.when) == self.equals).fill_null(value=False)
        return pl.col(self.column).is_not_null() | ~has_value, pl.col(self.column).is_null() | has_value

    @property
    def applies(self) -> pl.Expr:
        """Every row."""
        return pl.lit(value=True)

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"{self.column} is filled exactly where {self.when} is {self.equals}"


@dataclass(frozen=True, slots=True)
class FilledWith(Rule):
    """The first column is filled in every row where the second is."""

    reason: ClassVar[str] = "row.required"

    @property
    def holds(self) -> pl.Expr:
        """The first filled, or the second empty."""
        needed, given = self.columns
        return pl.col(needed).is_not_null() | pl.col(given).is_null()

    @property
    def applies(self) -> pl.Expr:
        """The rows where the second column is filled."""
        return pl.col(self.columns[1]).is_not_null()

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"{self.columns[0]} is filled wherever {self.columns[1]} is"


@dataclass(frozen=True, slots=True)
class UniqueInFile(Rule):
    """The columns together differ from row to row. Follows from a table's key."""

    reason: ClassVar[str] = "row.repeated_key"

    @property
    def holds(self) -> pl.Expr:
        """A column empty, or no second row like it."""
        return ~(self.applies & pl.struct(self.columns).is_duplicated())

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"{', '.join(self.columns[1:])} stands once in a file"


@dataclass(frozen=True, slots=True)
class Reference:
    """The column, where filled, names something declared elsewhere.

    `target` is `table.column` of an ingested table, or `study.stimuli` for what study.toml declares.
    """

    column: str
    target: str
    severity: Severity = "critical"
    limit: float = DEFAULT_LIMIT
    holds_file_as: str = "expectation.critical"
    """Reason code of a file held back because too many of its rows break this."""

    @property
    def reason(self) -> str:
        """Undeclared in the study file, or an unknown row."""
        return "row.undeclared" if self.target.startswith("study.") else "row.unknown_reference"

    @property
    def name(self) -> str:
        """What checks call the reference."""
        return f"{self.reason.removeprefix('row.')}({self.column})"

    @property
    def says(self) -> str:
        """The rule in words."""
        table, _, column = self.target.partition(".")
        return (
            f"{self.column} is declared in study.toml"
            if table == "study"
            else f"{self.column} is a {column} of {table}"
        )

    def holds(self, known: Iterable[str]) -> pl.Expr:
        """True where the column is empty or among the known values; never null."""
        return pl.col(self.column).is_in(pl.Series(list(known), dtype=pl.String).implode()).fill_null(value=True)

    @property
    def applies(self) -> pl.Expr:
        """The rows where the column is filled."""
        return pl.col(self.column).is_not_null()


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
        return UniqueInFile(("file_sha256", *self.key))

    def empty(self) -> pl.DataFrame:
        """No rows, the declared schema."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The declared columns in the declared order and types.

        Raises polars.exceptions.ColumnNotFoundError or InvalidOperationError where a transform broke the contract.
        """
        return frame.select(pl.col(name).cast(dtype) for name, dtype in self.schema.items())
