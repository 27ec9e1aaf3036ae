"""Counts that cannot be right: of an earlier state of the gates than those beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

_Gates = tuple[str, ...]

NEVER_COMPUTED: Final = -1
"""What FlowJo and FACSDiva store for a count they have not made."""


def stale(counts: Mapping[_Gates, int | None], n_declared: int | None) -> set[_Gates]:
    """The populations of a sample whose counts are stale.

    Everything, where all events are 0 of a sample that has some. Where a population holds more events than one it lies
    in, one of the two is of an earlier state of the gates; nothing says which, so both are stale, and so is whatever
    else lies inside the outer one.

    Args:
        counts: by the gates of the population; None and NEVER_COMPUTED where there is none.
        n_declared: events of the sample where something else than its counts says so.
    """
    if counts.get(()) == 0 and n_declared:
        return set(counts)
    counted = {gates: n for gates, n in counts.items() if n is not None and n != NEVER_COMPUTED}
    if () not in counted and n_declared is not None:
        counted[()] = n_declared
    outer = {gates: next((one for one in _around(gates) if one in counted), None) for gates in counted}
    tops = {above for gates, above in outer.items() if above is not None and counted[gates] > counted[above]}
    return {gates for gates in counts if gates in tops or any(one in tops for one in _around(gates))}


def _around(gates: _Gates) -> Iterator[_Gates]:
    """What a population lies in, the nearest first."""
    return (gates[:n] for n in range(len(gates) - 1, -1, -1))
