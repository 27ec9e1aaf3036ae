"""A hundred drawn events and what gates hold of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tests.drawn_workspaces import rectangle
from transforms.fcs.spillover import Spillover
from transforms.gating import counted_again, document, plan_of
from transforms.gating_tube import Tube

GRID = {"A": [float(x) for x in range(10) for _ in range(10)], "B": [float(y) for _ in range(10) for y in range(10)]}
"""A hundred events, one at each pair of whole numbers from 0 to 9."""
LOW = rectangle({"A": (None, 5)})
"""Half of the grid: A of 0 to 4."""
FLAT = rectangle({"B": (0, 2)})
"""A fifth of it: B of 0 and 1."""


def tube(channels: Mapping[str, Sequence[float]], stains: Sequence[str] = (), own: Spillover | None = None) -> Tube:
    values = [np.asarray(one, dtype=np.float64) for one in channels.values()]
    return Tube(list(channels), list(stains) or [None] * len(values), lambda index: values[index], len(values[0]), own)


def gated(data: bytes, events: Tube | None = None, sample: int = 1) -> dict[str, int | str]:
    """Population to its count, or to the reason why it has none; without all events."""
    told = counted_again(plan_of(document(data), sample), events or tube(GRID))
    assert told["population_path"][0] == ""
    return {row["population_path"]: row["reason"] or row["count_regated"] for row in told.to_dicts()[1:]}
