"""Table 1: characteristics of the infused subjects, a column a group, on the pages and for a paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from warehouse.reports.blocks import Table
from warehouse.reports.published import Published, Row
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import NOTHING, SPACE, cells, percent, plain_number, sentence, spelled

GROUPS: Final = (
    "all", "responder", "non-responder", "persistent", "not persistent", "induced", "not induced", "not evaluable",
)  # fmt: skip
"""Order of the columns; a group of another name stands before `not evaluable`."""

_NAMES: Final = {
    "age": "Age at infusion, years",
    "m_stage": "M stage",
    "ecog": "ECOG performance status",
    "n_prior_therapies": "Lines of prior therapy",
    "ldh_at_baseline": "LDH at baseline, U/L",
    "ldh_ratio_to_upper_limit": "LDH as a multiple of the upper limit of normal",
    "ldh_elevated": "LDH above the upper limit of normal",
    "lymphodepletion_days": "Lymphodepletion to infusion, days",
    "total_viable_cells": "Viable cells infused",
    "cd8_percent": "CD8 in the product, %",
    "tumour_reactive_cells": "Tumour-reactive T cells infused",
    "tumour_reactive_cells_status": "Tumour-reactive T cells infused, known as",
}
"""In words, with the unit; of others the unit follows."""
_BELOW: Final = "below LOD"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it is, and a cell for each group; `ranges` are of numbers alone."""

    characteristic: str
    name: str
    level: str
    cells: dict[str, str]
    ranges: dict[str, str]

    @property
    def label(self) -> str:
        """What stands before the cells."""
        return f"{self.name}: {self.level}" if self.level else self.name


@dataclass(frozen=True, slots=True)
class TableOne:
    """The lines with their columns: group and number of infused subjects in it."""

    sizes: dict[str, int]
    lines: tuple[Line, ...]
    unknown: tuple[str, ...]
    """Characteristics known of nobody: they have no line."""

    def heading(self, group: str) -> str:
        """A group with its n."""
        return f"{sentence(group)} (n{SPACE}={SPACE}{self.sizes[group]})"


def table_one(published: Published, division: str) -> TableOne:
    """Characteristics under one division of the subjects, the groups in their order, all subjects first."""
    rows = published.rows(
        "select * from characteristics where division in (?, 'all') order by position, division <> 'all'", division
    )
    known = {row["group"]: row["n_subjects"] for row in rows}
    order = {group: float(place) for place, group in enumerate(GROUPS)}
    # A group of another name, as those above and below a median, stands before those that are in none.
    sizes = dict(sorted(known.items(), key=lambda item: (order.get(item[0], len(order) - 1.5), item[0])))
    by_line: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_line.setdefault((row["characteristic"], row["level"]), []).append(row)
    lines = tuple(_line(*place, found) for place, found in by_line.items() if _says_something(found))
    unknown = dict.fromkeys(
        name_of(name, found[0]["unit"])
        for (name, _), found in by_line.items()
        if not any(row["n_known"] for row in found)
    )
    return TableOne(sizes, lines, tuple(unknown))


def _says_something(rows: list[Row]) -> bool:
    """Not for a level nobody is in, nor for what is known of nobody."""
    return any(row["n_known"] if row["n_with"] is None else row["n_with"] for row in rows)


def _line(characteristic: str, level: str, rows: list[Row]) -> Line:
    unit = next((row["unit"] for row in rows if row["unit"]), None)
    cells_of = {row["group"]: _cell(row) for row in rows}
    ranges = {row["group"]: _range(row) for row in rows if not level}
    return Line(characteristic, name_of(characteristic, unit), level, cells_of, ranges)


def name_of(characteristic: str, unit: str | None) -> str:
    """A characteristic in words with its unit."""
    if characteristic in _NAMES:
        return _NAMES[characteristic]
    words = sentence(spelled(characteristic))
    return f"{words}, {unit}" if unit else words


def _cell(row: Row) -> str:
    if not row["n_known"]:
        return "not known" if row["n_subjects"] else NOTHING
    if row["n_with"] is not None:
        return f"{row['n_with']}/{row['n_known']} ({percent(row['percent'])})"
    unknown = row["n_subjects"] - row["n_known"]
    middle, low, high = (_worded(row, name) for name in ("median", "lower_quartile", "upper_quartile"))
    return f"{middle} ({low} to {high}){f'; {unknown} unknown' if unknown else ''}"


def _range(row: Row) -> str:
    return f"{_worded(row, 'minimum')} to {_worded(row, 'maximum')}" if row["n_known"] else NOTHING


def _worded(row: Row, name: str) -> str:
    """A number of a group in which there are some: what is not there is below its LOD."""
    if row[name] is None:
        return _BELOW
    return cells(row[name]) if row["unit"] == "cells" else plain_number(row[name])


def characteristics(  # noqa: PLR0913 - the last two only where a table needs them
    published: Published,
    *,
    division: str,
    caption: str,
    when_empty: str,
    notes: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
) -> Table:
    """The block of a page: one line a characteristic, those named in `without` left out, one column a group."""
    table = table_one(published, division)
    groups = [group for group in table.sizes if group != "all" or division == "all"]

    def column(group: str) -> Shown:
        return Shown(table.heading(group), lambda row: row["cells"].get(group, NOTHING), is_numeric=True)

    rows = [{"label": line.label, "cells": line.cells} for line in table.lines if line.characteristic not in without]
    n = sum(table.sizes[group] for group in groups)
    return tabulate(
        f"{caption}, n = {n} infused",
        rows if groups else [],
        (Shown("Characteristic", "label"), *map(column, groups)),
        when_empty,
        notes=(
            "Median (lower to upper quartile) of a number; subjects with it of those known of a category.",
            *((f"Not known of anybody: {'; '.join(table.unknown)}.",) if table.unknown else ()),
            *notes,
        ),
        rest_in="characteristics",
    )
