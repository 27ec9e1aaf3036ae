"""The gates of a Gating-ML 2.0 file, each on its own: one that cannot be read leaves the others be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from transforms.gating_plan import UNSUPPORTED, GatingPlan, PlannedGate, check_whole
from transforms.readers.flowjo_workspace import Gates
from transforms.readers.gating_ml import GATING, Gate, gates_of_file, references_of

if TYPE_CHECKING:
    from lxml import etree

_SPACES: Final = {
    "gating": GATING,
    "data-type": "http://www.isac-net.org/std/Gating-ML/v2.0/datatypes",
    "transforms": "http://www.isac-net.org/std/Gating-ML/v2.0/transformations",
}


def gating_ml_plan(root: etree._Element) -> GatingPlan:
    """The gates of a Gating-ML file, with a reason where one cannot be applied.

    A quadrant is the population `<quadrant gate>/<quadrant>` of what its gate lies in.
    """
    root = _prefixed(root)
    gates = list(gates_of_file(root))
    paths = _Paths(gates)
    return GatingPlan(
        tuple(one for gate in gates for one in _planned(gate, paths)),
        matrices=dict(_told(root.iterfind("transforms:spectrumMatrix", _SPACES), _matrix)),
        scales=dict(_told(root.iterfind("transforms:transformation", _SPACES), _scale)),
    )


class _Paths:
    """Gates from the root to every population by its name."""

    def __init__(self, gates: list[Gate]) -> None:
        self._gates = {gate.name: gate for gate in gates}
        self._quadrants = {name: gate for gate in gates for name in gate.quadrants}

    def of(self, name: str | None, seen: tuple[str, ...] = ()) -> Gates:
        """Empty for all events; RecursionError for one that lies in itself."""
        if name is None:
            return ()
        if name in seen:
            raise RecursionError(name)
        gate = self._gates.get(name) or self._quadrants[name]
        inner = (gate.name,) if gate.name == name else (gate.name, name)
        return (*self.of(gate.parent, (*seen, name)), *inner)


def _planned(gate: Gate, paths: _Paths) -> Iterator[PlannedGate]:
    try:
        within = paths.of(gate.parent, (gate.name,))
    except RecursionError:
        yield PlannedGate((gate.name,), gate.kind, (), reason=UNSUPPORTED)
        return
    gates = (*within, gate.name)
    try:
        told = _flowkit_gate(gate)
    except MemoryError:  # passes, and says nothing of the gate
        raise
    except Exception:  # FlowKit raises whatever it meets in a gate it does not know
        for one in gate.quadrants or (None,):
            yield PlannedGate((*gates, one) if one else gates, gate.kind, within, reason=UNSUPPORTED)
        return
    if gate.kind == "boolean":
        of = _joined(gate, paths)
        yield PlannedGate(gates, gate.kind, within, of=of, operation=told.type, reason=None if of else UNSUPPORTED)
    elif gate.quadrants:
        for name in gate.quadrants:
            yield PlannedGate((*gates, name), gate.kind, within, told, quadrant=name)
    else:
        yield PlannedGate(gates, gate.kind, within, told)


def _joined(gate: Gate, paths: _Paths) -> tuple[tuple[Gates, bool], ...]:
    """The populations a boolean joins; none where one of them lies in itself."""
    try:
        return tuple((paths.of(name), is_outside) for name, is_outside in references_of(gate))
    except RecursionError:
        return ()


def _flowkit_gate(gate: Gate) -> Any:
    from flowkit._utils import xml_utils

    kind = str(gate.element.tag).rpartition("}")[2]
    told = xml_utils.gate_constructor_lut[kind](gate.element, "gating", "data-type")
    if gate.kind != "boolean":
        check_whole(told)
    return told


def _matrix(element: etree._Element) -> Any:
    from flowkit._utils import xml_utils

    return xml_utils._parse_matrix_element(element, "transforms", "data-type")


def _scale(element: etree._Element) -> Any:
    from flowkit._utils import xml_utils

    return xml_utils._parse_transformation_element(element, "transforms", "data-type")


def _told(elements: Iterator[etree._Element], parse: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:
    """Name and content of what can be parsed; a gate that calls for another finds nothing and is told of."""
    for element in elements:
        try:
            name, content = parse(element)
        except MemoryError:
            raise
        except Exception:
            continue
        if content is not None:
            yield name, content


def _prefixed(root: etree._Element) -> etree._Element:
    """The same document with the prefixes FlowKit looks for; a file may use others, or none."""
    from lxml import etree

    prefixed = etree.Element(root.tag, nsmap=_SPACES)
    prefixed.extend([etree.fromstring(etree.tostring(child, with_tail=False)) for child in root.iterchildren("{*}*")])
    return prefixed
