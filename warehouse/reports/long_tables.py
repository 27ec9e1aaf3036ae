"""Long tables: a page shows their start and says where the rest is."""

from __future__ import annotations

from typing import Final

from warehouse.reports.published import Row
from warehouse.reports.wording import number

SHOWN: Final = 300
"""Rows of a long table that a page shows; the published file holds all of them."""


def cut_note(rows: list[Row], where: str) -> tuple[str, ...]:
    """Where the rest of a long table is, for a table cut after SHOWN rows."""
    if len(rows) <= SHOWN:
        return ()
    return (f"The first {SHOWN} of {number(len(rows))}; all are in `{where}` of the published file.",)
