"""What the cells of a count grid mean; numbers below zero only what the study file says they mean.

A format may have words of its own for wells without a count. It seldom says what -1 is: too numerous, off scale and
not counted have all been written so. Such a file is held back until `elispot.sentinels` says it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from expectations.errors import SourceFileError
from expectations.study import StudySettings
from transforms.readers.source import SourceFile

_LONGEST: Final = 6
"""Digits of the largest count there is."""
_SENTINEL = re.compile(r"-[1-9]\d{0,3}", re.ASCII)


class CountCell(NamedTuple):
    """What stands in a count grid for one well; `place` says where."""

    well: str
    text: str
    place: str


class Meanings(NamedTuple):
    """Spots and status of cells, in their order; spots are null unless the status is `counted`."""

    spots: list[int | None]
    statuses: list[str]


def meanings_of(
    source: SourceFile,
    cells: Sequence[CountCell],
    words: Mapping[str, str],
    settings: StudySettings,
    refuse: Callable[[CountCell], SourceFileError],
) -> Meanings:
    """Counts, the format's own `words` (in capitals) for wells without one, and the study's sentinels.

    Raises SourceFileError: what `refuse` gives for a cell that is none of these, and sentinel.undeclared for numbers
    below zero that the study file does not explain.
    """
    meant = {**settings.elispot.sentinels, **words}
    spots: list[int | None] = []
    statuses: list[str] = []
    undeclared: list[CountCell] = []
    for cell in cells:
        text = cell.text
        if text.isdigit() and text.isascii() and len(text) <= _LONGEST:
            spots.append(int(text))
            statuses.append("counted")
            continue
        status = meant.get(text.upper())
        if status is None and not _SENTINEL.fullmatch(text):
            raise refuse(cell)
        if status is None:
            undeclared.append(cell)
        spots.append(None)
        statuses.append(status or "")
    if undeclared:
        raise _undeclared(source, undeclared, len(cells))
    return Meanings(spots, statuses)


def _undeclared(source: SourceFile, cells: Sequence[CountCell], n_wells: int) -> SourceFileError:
    first, numbers = cells[0], sorted({cell.text for cell in cells}, key=int, reverse=True)
    return source.refuse(
        "sentinel.undeclared",
        place=f"{first.place}, well {first.well}",
        problem=f"{len(cells)} of {n_wells} wells hold {', '.join(numbers)}, and the file does not say what that means",
        remedy=f'say it in study.toml under [elispot.sentinels], as {numbers[0]} = "not_counted"',
    )
