"""Counting again: the gates of a workspace's sample or of a Gating-ML file, applied to the events of an FCS file.

FlowKit (White et al., Front Immunol 2021;12:768541) reads the gates and decides which events are inside; every gate is
applied to the events of the population it lies in, which gives the same counts in less time.
"""

from __future__ import annotations

import warnings
from importlib.metadata import version
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from expectations.records import REGATED_COUNTS
from transforms.gating_from_gating_ml import gating_ml_plan
from transforms.gating_from_workspace import workspace_plan
from transforms.gating_paths import path_of
from transforms.gating_plan import UNSUPPORTED, GatingPlan, PlannedGate, channel_of, with_bounds
from transforms.gating_tube import ChannelMissingError, Tube
from transforms.readers import gating_ml
from transforms.readers.flowjo_workspace import Gates

GATING_VERSION: Final = 1
"""Of what is done here around FlowKit; raised when that changes, so that everything is counted again."""
CHANNEL_MISSING: Final = "gating.channel_missing"
COUNTED: Final = {
    name: REGATED_COUNTS.schema[name] for name in ("population_path", "count_regated", "gate_type", "reason")
}
"""Columns of what is counted again."""

_Mask = npt.NDArray[np.bool_]


class _Inside(NamedTuple):
    """The events of a population: a bit each, since workspaces have hundreds of populations of millions of events."""

    n_events: int
    bits: npt.NDArray[np.uint8]


def engine() -> str:
    """What counts again, with its versions."""
    return f"FlowKit {version('flowkit')}, gating {GATING_VERSION}"


def document(data: bytes) -> Any:
    """The root of a workspace or Gating-ML file that a reader has accepted; nothing outside it is looked up."""
    from lxml import etree

    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def plan_of(root: Any, sample_number: int) -> GatingPlan:
    """What is to be gated for a sample of a workspace; of a Gating-ML file, whose only sample is number 1."""
    return gating_ml_plan(root) if root.tag == gating_ml.ROOT else workspace_plan(root, sample_number)


def counted_again(plan: GatingPlan, tube: Tube) -> pl.DataFrame:
    """One row a population (COUNTED), all events among them: its events, or the reason why it has no count.

    A gate that cannot be applied takes with it the populations inside it and the booleans made of it, and no other.

    Raises MemoryError, which says nothing of the gates.
    """
    gating = _Gating(plan, tube)
    rows: list[tuple[str, int | None, str | None, str | None]] = [("", tube.n_events, None, None)]
    for population in plan.populations:
        inside = gating.inside(population.gates)
        rows.append(
            (
                path_of(population.gates),
                None if isinstance(inside, str) else inside.n_events,
                population.gate_type,
                inside if isinstance(inside, str) else None,
            )
        )
    return pl.DataFrame(rows, schema=COUNTED, orient="row")


class _Gating:
    """The populations of one tube, each found once; a reason code where it cannot be."""

    def __init__(self, plan: GatingPlan, tube: Tube) -> None:
        self.plan, self.tube = plan, tube
        self.planned = {one.gates: one for one in plan.populations}
        self.found: dict[Gates, _Inside | str] = {(): _packed(np.ones(tube.n_events, dtype=bool))}
        self.quadrants: dict[Gates, dict[str, _Inside]] = {}

    def inside(self, gates: Gates) -> _Inside | str:
        if gates not in self.found:
            self.found[gates] = UNSUPPORTED  # what a population gets that is made of itself
            self.found[gates] = self._applied(self.planned[gates]) if gates in self.planned else UNSUPPORTED
        return self.found[gates]

    def _applied(self, population: PlannedGate) -> _Inside | str:
        if population.reason is not None:
            return population.reason
        within = self.inside(population.within)
        if isinstance(within, str):
            return within
        try:
            if population.operation:
                return self._joined(population, within)
            return self._drawn(population, within)
        except ChannelMissingError:
            return CHANNEL_MISSING
        except MemoryError:
            raise
        except Exception:
            # A gate nobody can apply is told of, whatever FlowKit stumbles over in it: the others have their counts.
            return UNSUPPORTED

    def _joined(self, population: PlannedGate, within: _Inside) -> _Inside | str:
        joined: _Mask | None = None
        for gates, is_outside in population.of:
            events = self.inside(gates)
            if isinstance(events, str):
                return events
            mask = self._unpacked(events)
            mask = ~mask if is_outside else mask
            joined = mask if joined is None else _OPERATIONS[population.operation](joined, mask)
        if joined is None:
            return UNSUPPORTED
        return _packed(self._unpacked(within) & (~joined if population.operation == "not" else joined))

    def _drawn(self, population: PlannedGate, within: _Inside) -> _Inside:
        if population.quadrant is None:
            there = self._unpacked(within)
            return _packed(_among(there, self._mask(population.gate, there, within.n_events)))
        of = population.gates[:-1]
        if of not in self.quadrants:
            there = self._unpacked(within)
            masks = self._mask(population.gate, there, within.n_events)
            self.quadrants[of] = {name: _packed(_among(there, mask)) for name, mask in masks.items()}
        return self.quadrants[of][population.quadrant]

    def _mask(self, gate: Any, within: _Mask, n_within: int) -> Any:
        """Which of the events within are inside the gate; of a quadrant gate, for every quadrant."""
        import pandas as pd

        with_bounds(gate.dimensions)
        columns = [self.tube.values(dimension, self.plan) for dimension in gate.dimensions]
        if n_within < self.tube.n_events:
            columns = [column[within] for column in columns]
        names = [channel_of(dimension) for dimension in gate.dimensions]
        if n_within == 0:
            empty = np.zeros(0, dtype=bool)
            return dict.fromkeys(gate.quadrants, empty) if hasattr(gate, "quadrants") else empty
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return gate.apply(pd.DataFrame(dict(zip(names, columns, strict=True)), copy=False))

    def _unpacked(self, inside: _Inside) -> _Mask:
        return np.unpackbits(inside.bits, count=self.tube.n_events).view(np.bool_)


def _packed(mask: _Mask) -> _Inside:
    return _Inside(int(np.count_nonzero(mask)), np.packbits(mask))


def _among(within: _Mask, inside: Any) -> _Mask:
    """Events inside as a mask over all events, from one over the events within."""
    mask = np.zeros(len(within), dtype=bool)
    mask[within] = inside
    return mask


_OPERATIONS: Final = {"and": np.logical_and, "or": np.logical_or, "not": np.logical_or}
