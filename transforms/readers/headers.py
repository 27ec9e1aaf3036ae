"""What may be told of a header nobody knows: it can be a row about a patient, so only known names are quoted."""

from __future__ import annotations

from functools import cache

from expectations.ingested import INGESTED
from transforms.readers.tabular import HEADER_ALIASES, column_name

_OF_EXPORTS = {
    "sample", "population", "count", "percent_of_parent", "studyid", "domain", "rdomain", "usubjid", "subjid", "siteid",
    "visit", "visitnum", "visitdy", "epoch",
}  # fmt: skip
"""Columns of exports that no table has under that name, in small letters."""


@cache
def _known() -> frozenset[str]:
    own = {name for table in INGESTED for name in table.schema}
    return frozenset(own | set(HEADER_ALIASES) | set(HEADER_ALIASES.values()) | _OF_EXPORTS)


def known_names(header: list[str]) -> list[str]:
    """The cells of a header that are columns of a table or export perdure knows, as they are written there."""
    return [cell for cell in header if column_name(cell) in _known()]


def header_in_words(header: list[str]) -> str:
    """A header without its content: how many columns it has, and those names in it that perdure knows."""
    n = sum(bool(cell) for cell in header)
    known = list(dict.fromkeys(known_names(header)))
    counted = f"{n} column{'' if n == 1 else 's'}"
    return f"{counted}, of which perdure knows {', '.join(known) if known else 'none'}"
