"""Rules that rows must keep, each declared once.

From a rule follow the Polars predicate that splits rows off (`holds`) and the Great Expectations check of the whole
incoming table (`expectations.suites`), under the same limit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

import polars as pl

Severity = Literal["critical", "warning"]

UNREADABLE = "unreadable_columns"
"""Helper column of an incoming table: names of columns whose text could not be read, joined by commas, else null."""

DEFAULT_LIMIT = 0.10
"""Share of the rows of one incoming table that may break a rule before the expectation fails."""


@dataclass(frozen=True, slots=True)
class Rule(ABC):
    """What a row must keep. `columns` names what is shown when it does not; `limit` is the share that may break it."""

    reason: ClassVar[str]
    columns: tuple[str, ...]
    severity: Severity = "critical"
    limit: float = DEFAULT_LIMIT

    @property
    @abstractmethod
    def holds(self) -> pl.Expr:
        """True where the row keeps the rule; never null."""

    @property
    def parts(self) -> tuple[pl.Expr, ...]:
        """What the limit holds for, each on its own: the rule, where it has no parts."""
        return (self.holds,)

    @property
    @abstractmethod
    def says(self) -> str:
        """The rule in words."""

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

    `target` is `table.column` of an ingested table, or `study.*` for what study.toml declares.
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
        table = self.target.partition(".")[0]
        if table == "study":
            return f"{self.column} is declared in study.toml"
        return f"{self.column} stands in the table {table}"

    def holds(self, known: Iterable[str]) -> pl.Expr:
        """True where the column is empty or among the known values; never null."""
        return pl.col(self.column).is_in(pl.Series(list(known), dtype=pl.String).implode()).fill_null(value=True)

    @property
    def applies(self) -> pl.Expr:
        """The rows where the column is filled."""
        return pl.col(self.column).is_not_null()
