"""Findings of one kind gathered in one row: where they were, and what was found."""

from __future__ import annotations

from typing import Final

from warehouse.reports.published import Row

_PLACES_SHOWN: Final = 12


def places(row: Row, most: int = _PLACES_SHOWN) -> str:
    """The first places of a row, and how many more there are."""
    named = row["places"]
    more = len(named) - most
    return "; ".join(named[:most]) + (f" and {more} more" if more > 0 else "")


def details(row: Row) -> str:
    """What was found at the first place, and how many other things elsewhere."""
    more = row["n_details"] - 1
    return f"{row['first_detail']} (and {more} more)" if more else str(row["first_detail"])
