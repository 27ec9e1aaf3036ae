"""What is to be gated: the gates of one sample as FlowKit's, each with what it lies in or why it cannot be applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from transforms.readers.flowjo_workspace import Gates

UNSUPPORTED: Final = "gating.unsupported"
FAILED: Final = "gating.failed"
"""What passes and is tried again: it says nothing of the gates."""


@dataclass(frozen=True, slots=True)
class PlannedGate:
    """One population: `gate` is FlowKit's, or None and `reason` says why; `of` are the populations a boolean joins.

    A quadrant is a population of its own; its `gate` is the whole quadrant gate and `quadrant` its name there.
    """

    gates: Gates
    gate_type: str | None
    within: Gates
    gate: Any = None
    of: tuple[tuple[Gates, bool], ...] = ()
    """Population and whether all that is outside it is meant."""
    operation: str = ""
    quadrant: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GatingPlan:
    """The populations of one sample, with compensation matrices and scales by the names their gates call them."""

    populations: tuple[PlannedGate, ...]
    matrices: dict[str, Any] = field(default_factory=dict)
    scales: dict[str, Any] = field(default_factory=dict)


def channel_of(dimension: Any) -> str:
    """The name by which a gate looks up the values of one of its dimensions."""
    for name in ("ratio_ref", "dimension_ref"):
        if hasattr(dimension, name):
            return str(getattr(dimension, name))
    return str(dimension.id)


def with_bounds(dimensions: Iterable[Any]) -> None:
    """Gives a ratio the open ends FlowKit forgets to set."""
    for dimension in dimensions:
        if hasattr(dimension, "ratio_ref"):
            dimension.min = getattr(dimension, "min", None)
            dimension.max = getattr(dimension, "max", None)


def check_whole(gate: Any) -> None:
    """Refuses a gate of which a part is missing: FlowKit would apply what is left. Raises ValueError."""
    vertices = getattr(gate, "vertices", None)
    if vertices is None:
        if not gate.dimensions:
            raise ValueError("no dimension")
    elif len(gate.dimensions) != 2 or len(vertices) < 3:
        raise ValueError("a polygon of fewer than two channels or three corners")
