"""Counting again: the gates of a workspace's sample or of a Gating-ML file, applied to the events of an FCS file.

FlowKit (White et al., Front Immunol 2021;12:768541) reads the gates and decides which events are inside; every gate is
applied to the events of the population it lies in, which gives the same counts in less time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from expectations.records import REGATED_COUNTS
from transforms.gating_from_gating_ml import gating_ml_plan
from transforms.gating_from_workspace import workspace_plan
from transforms.gating_paths import path_of
from transforms.gating_plan import GatingPlan, PlannedGate, channel_of, with_bounds
from transforms.gating_tube import ChannelMissingError, Tube
from transforms.readers import gating_ml
from transforms.readers.flowjo_workspace import Gates

UNSUPPORTED: Final = "gating.unsupported"
CHANNEL_MISSING: Final = "gating.channel_missing"
COUNTED: Final = {
    name: REGATED_COUNTS.schema[name] for name in ("population_path", "count_regated", "gate_type", "reason")
}
"""Columns of what is counted again."""

_Events = npt.NDArray[np.intp]
"""Numbers of the events inside, ascending."""


def engine() -> str:
    """What counts again, with its version."""
    return f"FlowKit {version('flowkit')}"


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
    """
    gating = _Gating(plan, tube)
    rows: list[tuple[str, int | None, str | None, str | None]] = [("", tube.n_events, None, None)]
    for population in plan.populations:
        inside = gating.inside(population.gates)
        is_counted = not isinstance(inside, str)
        rows.append(
            (
                path_of(population.gates),
                len(inside) if is_counted else None,
                population.gate_type,
                None if is_counted else str(inside),
            )
        )
    return pl.DataFrame(rows, schema=COUNTED, orient="row")


class _Gating:
    """The populations of one tube, each found once; a reason code where it cannot be."""

    def __init__(self, plan: GatingPlan, tube: Tube) -> None:
        self.plan, self.tube = plan, tube
        self.planned = {one.gates: one for one in plan.populations}
        self.found: dict[Gates, _Events | str] = {(): np.arange(tube.n_events)}
        self.quadrants: dict[Gates, dict[str, _Events]] = {}

    def inside(self, gates: Gates) -> _Events | str:
        if gates not in self.found:
            self.found[gates] = UNSUPPORTED  # what a population gets that is made of itself
            self.found[gates] = self._applied(self.planned[gates]) if gates in self.planned else UNSUPPORTED
        return self.found[gates]

    def _applied(self, population: PlannedGate) -> _Events | str:
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
        except Exception:
            # A gate nobody can apply is told of, whatever FlowKit stumbles over in it: the others have their counts.
            return UNSUPPORTED

    def _joined(self, population: PlannedGate, within: _Events) -> _Events | str:
        masks = []
        for gates, is_outside in population.of:
            events = self.inside(gates)
            if isinstance(events, str):
                return events
            mask = np.zeros(self.tube.n_events, dtype=bool)
            mask[events] = True
            masks.append(~mask if is_outside else mask)
        joined = ~masks[0] if population.operation == "not" else _OPERATIONS[population.operation](masks)
        return within[joined[within]]

    def _drawn(self, population: PlannedGate, within: _Events) -> _Events:
        if population.quadrant is None:
            inside: _Events = within[self._mask(population.gate, within)]
            return inside
        of = population.gates[:-1]
        if of not in self.quadrants:
            masks = self._mask(population.gate, within)
            self.quadrants[of] = {name: within[mask] for name, mask in masks.items()}
        return self.quadrants[of][population.quadrant]

    def _mask(self, gate: Any, within: _Events) -> Any:
        import pandas as pd

        with_bounds(gate.dimensions)
        columns = [self.tube.values(dimension, self.plan) for dimension in gate.dimensions]
        if len(within) < self.tube.n_events:
            columns = [column[within] for column in columns]
        names = [channel_of(dimension) for dimension in gate.dimensions]
        if len(within) == 0:
            empty = np.zeros(0, dtype=bool)
            return dict.fromkeys(gate.quadrants, empty) if hasattr(gate, "quadrants") else empty
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return gate.apply(pd.DataFrame(dict(zip(names, columns, strict=True)), copy=False))


_OPERATIONS: Final[dict[str, Callable[[list[npt.NDArray[np.bool_]]], npt.NDArray[np.bool_]]]] = {
    "and": np.logical_and.reduce,
    "or": np.logical_or.reduce,
}
