"""The gates of one sample of a FlowJo 10 workspace, each on its own: one that cannot be read leaves the others be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from transforms.gating_plan import UNSUPPORTED, GatingPlan, PlannedGate, check_whole
from transforms.gating_tube import OWN
from transforms.readers.flowjo_workspace import (
    FLOWJO_10,
    Gates,
    Population,
    gate_element,
    gate_type,
    populations_of,
    samples_of,
)

if TYPE_CHECKING:
    from lxml import etree

_OPERATIONS: Final = {"AndNode": "and", "OrNode": "or", "NotNode": "not"}
_SPACES: Final = {
    "http://www.isac-net.org/std/Gating-ML/v2.0/gating": "gating",
    "http://www.isac-net.org/std/Gating-ML/v2.0/datatypes": "data-type",
    "http://www.isac-net.org/std/Gating-ML/v2.0/transformations": "transforms",
}


class _Matrix(NamedTuple):
    """A sample's matrix as FlowKit tells of it; None where it cannot be applied. `begin` and `end` mark channels."""

    told: dict[str, Any] | None
    begin: str
    end: str
    is_own: bool
    """The workspace names it without its numbers: the file's own is meant."""


class _Channel(NamedTuple):
    """What the name of a dimension in a workspace stands for."""

    name: str
    matrix: str | None
    scale: str | None


class _Sample:
    """What the gates of one sample are drawn in."""

    def __init__(self, root: etree._Element, sample: etree._Element) -> None:
        self.spaces = {space: prefix for prefix, url in root.nsmap.items() if (space := _SPACES.get(url))}
        self.matrix = self._matrix(sample)
        self.scales = self._scales(sample)

    def _matrix(self, sample: etree._Element) -> _Matrix | None:
        from flowkit._utils import wsp_utils

        element = sample.find("{*}spilloverMatrix")
        if element is None:
            return None
        begin, end = element.get("prefix", ""), element.get("suffix", "")
        if element.find("{*}spillover") is None:
            return _Matrix(None, begin, end, is_own=True)
        try:
            told = wsp_utils._parse_wsp_compensation(sample, self.spaces["transforms"], self.spaces["data-type"])
        except MemoryError:  # passes, and says nothing of the matrix
            raise
        except Exception:  # of a kind FlowKit does not know
            told = None
        return _Matrix(told, begin, end, is_own=False)

    def _scales(self, sample: etree._Element) -> dict[str, Any]:
        """Scales by the name of the channel; None for one of a kind that cannot be computed."""
        from flowkit._utils import wsp_utils

        scales: dict[str, Any] = {}
        for element in sample.iterfind("Transformations/*"):
            try:
                one = wsp_utils._parse_wsp_transforms(
                    _Only(element), self.spaces["transforms"], self.spaces["data-type"]
                )
            except MemoryError:
                raise
            except Exception:  # published for a few kinds of scale only
                parameter = element.find("{*}parameter")
                names = [] if parameter is None else [value for key, value in parameter.items() if key.endswith("name")]
                one = dict.fromkeys(names)
            scales |= one
        return scales

    def channel(self, name: str) -> _Channel:
        """The channel, matrix and scale a name in a gate stands for.

        Compensated channels have names of their own (`Comp-FITC-A`), and scales of their own.
        """
        matrix = self.matrix
        if matrix is None or not (name.startswith(matrix.begin) and name.endswith(matrix.end)):
            return _Channel(name, None, name if name in self.scales else None)
        inner = name[len(matrix.begin) : len(name) - len(matrix.end)]
        scale = next((one for one in (name, inner) if one in self.scales), None)
        if matrix.is_own:
            return _Channel(inner, OWN if inner != name else None, scale)
        if matrix.told is None:
            raise NotImplementedError("a matrix of a kind that cannot be applied")
        if inner in matrix.told["detectors"]:
            return _Channel(inner, matrix.told["matrix_name"], scale)
        return _Channel(name, None, name if name in self.scales else None)


class _Only:
    """One scale as FlowKit wants to find it: inside an element."""

    def __init__(self, element: etree._Element) -> None:
        self._element = element

    def getchildren(self) -> list[etree._Element]:
        return [self._element]


def workspace_plan(root: etree._Element, sample_number: int) -> GatingPlan:
    """The gates of a sample, the first being number 1; with a reason where one cannot be read.

    Workspaces before FlowJo 10 draw their gates in ways nobody published: none of theirs can be applied.
    """
    sample = samples_of(root)[sample_number - 1]
    populations = list(populations_of(sample.find("SampleNode")))
    if root.get("version") not in FLOWJO_10:
        return GatingPlan(tuple(_refused(one) for one in populations))
    drawn = _Sample(root, sample)
    by_name = _by_name([one.gates for one in populations])
    matrix = drawn.matrix.told if drawn.matrix else None
    return GatingPlan(
        tuple(_planned(one, drawn, by_name) for one in populations),
        matrices={matrix["matrix_name"]: matrix["matrix"]} if matrix else {},
        scales=drawn.scales,
    )


def _refused(population: Population) -> PlannedGate:
    gates, element = population
    return PlannedGate(gates, gate_type(element), gates[:-1], reason=UNSUPPORTED)


def _by_name(paths: list[Gates]) -> dict[str, Gates | None]:
    """Populations by the path FlowJo writes for them; None where two are written alike."""
    by_name: dict[str, Gates | None] = {}
    for gates in paths:
        name = "/".join(gates)
        by_name[name] = None if name in by_name else gates
    return by_name


def _planned(population: Population, drawn: _Sample, by_name: Mapping[str, Gates | None]) -> PlannedGate:
    gates, element = population
    if operation := _OPERATIONS.get(str(element.tag)):
        of = [by_name.get(one.get("name", "")) for one in element.iterfind("Dependents/Dependent")]
        known = [gates for gates in of if gates is not None]
        reason = UNSUPPORTED if not of or len(known) < len(of) else None
        joined = tuple((gates, False) for gates in known)
        return PlannedGate(gates, "boolean", gates[:-1], of=joined, operation=operation, reason=reason)
    try:
        gate = _flowkit_gate(element, drawn)
    except MemoryError:
        raise
    except Exception:  # FlowKit raises whatever it meets in a gate it does not know
        return _refused(population)
    return PlannedGate(gates, gate_type(element), gates[:-1], gate)


def _flowkit_gate(element: etree._Element, drawn: _Sample) -> Any:
    """FlowKit's gate on the scales of its channels, with the compensation and scale each name stands for."""
    from flowkit._utils import wsp_utils

    if gate_element(element) is None:
        raise NotImplementedError("no gate is drawn")
    told = wsp_utils._parse_population_node(element, None, drawn.spaces["gating"], drawn.spaces["data-type"])
    channels = [drawn.channel(one.id) for one in told.dimensions]
    if len({one.name for one in channels}) < len(channels):
        raise NotImplementedError("two dimensions of one channel")
    scales = {one.name: drawn.scales[one.scale] for one in channels if one.scale is not None}
    if gate_type(element) in ("rectangle", "quadrant"):
        # Scales only ever rise: an edge parts the same events on any of them, so one nobody can compute is no loss.
        scales = {name: scale for name, scale in scales.items() if scale is not None}
    elif None in scales.values() or (gate_type(element) == "ellipsoid" and len(scales) < len(channels)):
        raise NotImplementedError("a scale that is not there or of a kind that cannot be computed")
    for dimension, channel in zip(told.dimensions, channels, strict=True):
        dimension.id = channel.name
    gate = wsp_utils._convert_wsp_gate(told, None, scales)
    for dimension, channel in zip(gate.dimensions, channels, strict=True):
        dimension.compensation_ref = channel.matrix
        dimension.transformation_ref = channel.scale if channel.name in scales else None
    check_whole(gate)
    return gate
