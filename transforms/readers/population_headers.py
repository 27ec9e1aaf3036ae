"""Headers of FlowJo's tables: which statistic of which population a column holds.

FlowJo 10 writes `path | Statistic (channel)`, FlowJo 9 `path,Statistic,channel`; a column of a keyword has neither.
Statistics other than Count and Freq. of Parent are known, and passed over.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from transforms.readers.population_counts import Gates, gates_of_text

Kind = Literal["count", "percent", "other"]
SAMPLE_HEADERS: Final = frozenset(
    {"", "sample", "sample:", "name", "name:", "sample name", "filename", "$fil", "depth"}
)
"""What the first column may be headed; FlowJo itself leaves it empty."""

_COUNT = re.compile(r"count", re.IGNORECASE)
_PERCENT = re.compile(r"freq\. of parent(?: ?\(%\))?", re.IGNORECASE)
_STATISTIC = (
    r"(?:count|freq\.|mean|median|geom|mode|sd|robust|cv|percentile|min|max|mfi|\d+(?:st|nd|rd|th)? percentile)"
)
_FORMS: Final = (
    re.compile(r"(?P<path>.*)(?:^|\s)\|\s(?P<statistic>.*)", re.DOTALL),
    re.compile(rf"(?P<path>.*),\s*(?P<statistic>{_COUNT.pattern}|{_PERCENT.pattern})", re.IGNORECASE),
    re.compile(rf"(?P<path>.*?),\s*(?P<statistic>{_STATISTIC}\b.*)", re.IGNORECASE),
)
"""Of FlowJo 10; of FlowJo 9 without a channel, and with one or of a statistic perdure does not read."""


class Statistic(NamedTuple):
    """One statistic of one population."""

    gates: Gates
    kind: Kind


def statistic_of(cell: str) -> Statistic | None:
    """The statistic a header cell names; None for a keyword. `Count` alone is of all events."""
    if _COUNT.fullmatch(cell):
        return Statistic((), "count")
    match = next((match for form in _FORMS if (match := form.fullmatch(cell))), None)
    if match is None:
        return None
    gates = gates_of_text(match["path"])
    return Statistic(gates, _kind(match["statistic"].strip(), gates))


def is_of_population(cell: str) -> bool:
    """True for a header that names a population and a statistic FlowJo gives of one that perdure reads."""
    told = statistic_of(cell)
    return told is not None and told.kind != "other" and not _COUNT.fullmatch(cell)


def _kind(statistic: str, gates: Gates) -> Kind:
    if _COUNT.fullmatch(statistic):
        return "count"
    return "percent" if _PERCENT.fullmatch(statistic) and gates else "other"
