"""The events of one tube as gates ask for them: a channel, compensated and on a scale, computed once and then kept.

FlowKit prepares all channels anew for every gate. Here only the channels gates are drawn on are prepared, each once;
the numbers are those FlowKit computes, by the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from transforms.fcs.spillover import Spillover, Values, compensated
from transforms.gating_plan import GatingPlan

OWN: Final = "FCS"
"""What Gating-ML calls the matrix the FCS file carries."""
_UNCOMPENSATED: Final = (None, "uncompensated")


class ChannelMissingError(LookupError):
    """A gate, a matrix or a ratio is made of a channel that the FCS file does not have."""


class Tube:
    """Channels of one FCS file by name ($PnN) or stain ($PnS); `values` gives the linear values of one by its index."""

    def __init__(
        self,
        channels: Sequence[str],
        stains: Sequence[str | None],
        values: Callable[[int], Values],
        n_events: int,
        spillover: Spillover | None = None,
    ) -> None:
        self.pnn_labels, self.n_events, self.spillover = list(channels), n_events, spillover
        self.fluoro_indices = range(len(self.pnn_labels))
        self._stains = [stain or "" for stain in stains]
        self._as_flowjo = [name.replace("/", "_") for name in channels]
        self._linear = values
        self._kept: dict[object, Values] = {}
        self._freed: dict[str, dict[str, Values]] = {}

    def values(self, dimension: Any, plan: GatingPlan) -> Values:
        """Values of one dimension of a gate for every event, on the scale the gate is drawn on.

        Raises ChannelMissingError, and whatever FlowKit raises for a scale or matrix it cannot apply.
        """
        scale = dimension.transformation_ref
        if hasattr(dimension, "ratio_ref"):
            return self._once(
                ("ratio", dimension.ratio_ref, scale), lambda: self._ratio(dimension.ratio_ref, scale, plan)
            )
        told = dimension.compensation_ref
        matrix: str | None = None if told in _UNCOMPENSATED else str(told)
        if matrix == OWN and self.spillover is None:  # Gating-ML 2.0, 4.3: then as if uncompensated
            matrix = None
        index = self._index(getattr(dimension, "dimension_ref", dimension.id), plan.matrices.get(matrix or ""))
        return self._once((index, matrix, scale), lambda: self._scaled(index, matrix, scale, plan))

    def get_events(self, source: str) -> Values:
        """All channels as FlowKit's ratios and spectral matrices ask for them."""
        del source
        columns = range(len(self.pnn_labels))
        return self._once("all", lambda: np.column_stack([self._column(index) for index in columns]))

    def get_channel_index(self, name: str) -> int:
        """Where a channel stands."""
        if name not in self.pnn_labels:
            raise ChannelMissingError(name)
        return self.pnn_labels.index(name)

    def _index(self, name: str, matrix: Any) -> int:
        for names in (self.pnn_labels, self._stains, self._as_flowjo):
            if name in names:
                return names.index(name)
        dyes = getattr(matrix, "fluorochromes", [])
        if name in dyes:
            return self.get_channel_index(matrix.detectors[dyes.index(name)])
        raise ChannelMissingError(name)

    def _scaled(self, index: int, matrix: str | None, scale: str | None, plan: GatingPlan) -> Values:
        if scale is None:
            return self._column(index) if matrix is None else self._compensated(index, matrix, plan)
        linear = self._once((index, matrix, None), lambda: self._scaled(index, matrix, None, plan))
        return np.asarray(plan.scales[scale].apply(linear.reshape(-1, 1)), dtype=np.float64).ravel()

    def _compensated(self, index: int, name: str, plan: GatingPlan) -> Values:
        matrix: Any = plan.matrices.get(name)
        if name != OWN and hasattr(matrix, "true_detectors"):  # spectral: fewer dyes than detectors
            return np.ascontiguousarray(self._once((name,), lambda: matrix.apply(self))[:, index])
        if name == OWN:
            assert self.spillover is not None
            detectors, shares = self.spillover.channels, self.spillover.matrix
        else:
            detectors, shares = matrix.detectors, matrix.matrix
        if name not in self._freed:
            observed = {detector: self._column(self.get_channel_index(detector)) for detector in detectors}
            self._freed[name] = compensated(observed, shares)
        freed = self._freed[name].get(self.pnn_labels[index])
        return self._column(index) if freed is None else freed

    def _ratio(self, name: str, scale: str | None, plan: GatingPlan) -> Values:
        ratio = plan.scales[name]
        for channel in ratio.dimensions:
            self.get_channel_index(channel)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = ratio.apply(self)
        return np.asarray(values if scale is None else plan.scales[scale].apply(values), dtype=np.float64).ravel()

    def _column(self, index: int) -> Values:
        return self._once((index, None, None), lambda: self._linear(index))

    def _once(self, key: object, compute: Callable[[], Values]) -> Values:
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]
