"""Tables of a page: each column's heading beside what it shows of a row; long ones are cut and say where all are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from warehouse.reports.blocks import Mark, Table
from warehouse.reports.published import Row
from warehouse.reports.wording import NOTHING, number

SHOWN: Final = 300
"""Rows of a long table that a page shows; the published file holds all of them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One column: `cell` words a row, or names the column whose text or number stands there as it is."""

    heading: str
    cell: str | Callable[[Row], str | Mark]
    is_numeric: bool = False

    def of(self, row: Row) -> str | Mark:
        """The cell of a row; a dash for none."""
        if not isinstance(self.cell, str):
            return self.cell(row)
        value = row[self.cell]
        if value is None or value == "":
            return NOTHING
        return number(value) if isinstance(value, int | float) else str(value)


def tabulate(  # noqa: PLR0913 - the last three only where a table needs them
    caption: str,
    rows: Sequence[Row],
    columns: Sequence[Shown],
    when_empty: str,
    *,
    notes: tuple[str, ...] = (),
    rest_in: str = "",
    of: int = 0,
) -> Table:
    """The table of the first SHOWN rows.

    `rest_in` is where the published file holds all of them: a view, with a condition where it holds others too. `of`
    says how many there are where fewer are given.
    """
    shown, n = rows[:SHOWN], max(of, len(rows))
    where = f"all are in `{rest_in}` of the published file" if " " not in rest_in else f"all: `select * from {rest_in}`"
    cut = f"The first {len(shown)} of {number(n)}; {where}."
    return Table(
        caption=caption,
        headings=tuple(column.heading for column in columns),
        rows=tuple(tuple(column.of(row) for column in columns) for row in shown),
        when_empty=when_empty,
        numeric=frozenset(place for place, column in enumerate(columns) if column.is_numeric),
        notes=(*notes, *((cut,) if n > len(shown) else ())),
    )
