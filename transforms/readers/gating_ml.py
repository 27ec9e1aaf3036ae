"""Gating-ML 2.0: gates without counts. The file is a sample of its own; the tubes it gates name it in `gating_file`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from expectations.cytometry_in import CYTOMETRY_COUNTS, CYTOMETRY_SAMPLES
from expectations.errors import SourceFileError
from expectations.study import StudySettings
from transforms.readers.sample_words import batches_of, file_name
from transforms.readers.source import Reading, SourceFile, incoming

if TYPE_CHECKING:
    from lxml import etree

FORMAT: Final = "gating_ml"
GATING: Final = "http://www.isac-net.org/std/Gating-ML/v2.0/gating"
ROOT: Final = f"{{{GATING}}}Gating-ML"
SCRIPT: Final = "{http://cpas.fhcrc.org/flow/script/xml}script"
"""Root of a LabKey script of gates."""

_KINDS: Final = {
    "RectangleGate": "rectangle",
    "PolygonGate": "polygon",
    "EllipsoidGate": "ellipsoid",
    "QuadrantGate": "quadrant",
    "BooleanGate": "boolean",
}
_NUMBERS: Final = frozenset({"min", "max", "value", "location", "T", "W", "M", "A", "B", "C"})
"""Attributes that hold numbers, without their namespace."""
_EXPORT_AGAIN: Final = "export the gates again as Gating-ML 2.0"


class Gate(NamedTuple):
    """A gate: what it lies in by name (None for all events), and the names of its quadrants if it has any."""

    name: str
    parent: str | None
    kind: str
    element: etree._Element
    quadrants: tuple[str, ...]


def read(source: SourceFile, root: etree._Element, settings: StudySettings) -> Reading:
    """One row of `cytometry_samples`, named as the file; there are no counts.

    Raises SourceFileError (gating.damaged) for another version, and for a gate that has no name or the name of another,
    lies in or is made of one that is not there, or holds a number that is none.
    """
    _check(source, root)
    name = file_name(source.path)
    row = {
        "sample_number": 1,
        "sample_name": name,
        "batches": batches_of(source.path, {}, settings),
        "source": FORMAT,
        "file_sha256": source.sha256,
        "place": f"{sum(1 for _ in gates_of_file(root))} gates",
    }
    tables = {
        "cytometry_samples": incoming(CYTOMETRY_SAMPLES, [row]),
        "cytometry_counts": incoming(CYTOMETRY_COUNTS, []),
    }
    return Reading(FORMAT, tables)


def refuse_script(source: SourceFile) -> SourceFileError:
    """The error for a LabKey script: it draws gates and stores no counts."""
    return source.refuse(
        "gating.no_counts",
        problem="this LabKey script draws gates and stores no counts",
        remedy="export the populations with their counts, or the gates as Gating-ML 2.0; else dismiss it",
    )


def gates_of_file(root: etree._Element) -> Iterator[Gate]:
    """The gates in the file's order."""
    for element in root.iterchildren("{*}*"):
        kind = _KINDS.get(_local(element.tag))
        if kind is not None:
            quadrants = tuple(_said(one, "id") or "" for one in element.iterchildren(f"{{{GATING}}}Quadrant"))
            yield Gate(_said(element, "id") or "", _said(element, "parent_id"), kind, element, quadrants)


def references_of(gate: Gate) -> list[tuple[str, bool]]:
    """The populations a boolean gate is made of, and whether what is outside them is meant."""
    told = gate.element.iter(f"{{{GATING}}}gateReference")
    return [(_said(one, "ref") or "", _said(one, "use-as-complement") == "true") for one in told]


def _check(source: SourceFile, root: etree._Element) -> None:
    if root.tag != ROOT:
        raise _damaged(source, "this is Gating-ML of another version than 2.0")
    gates = list(gates_of_file(root))
    if not gates:
        raise _damaged(source, "it holds no gate")
    names = Counter(name for gate in gates for name in (gate.name, *gate.quadrants))
    for name, n in names.items():
        if not name or n > 1:
            raise _damaged(source, f"the gate name {name!r} stands {n} times" if name else "a gate has no name", name)
    populations = {name for gate in gates for name in gate.quadrants or (gate.name,)}
    for gate in gates:
        needed = [gate.parent] if gate.parent is not None else []
        needed += [name for name, _ in references_of(gate)]
        for name in needed:
            if name not in populations:
                raise _damaged(source, f"it needs the population {name!r}, which is not there", gate.name)
        _check_numbers(source, gate)


def _check_numbers(source: SourceFile, gate: Gate) -> None:
    for element in gate.element.iter("{*}*"):
        told = [value for name, value in element.items() if _local(name) in _NUMBERS]
        told += [element.text or ""] if element.tag == f"{{{GATING}}}value" else []
        for text in told:
            if not _is_number(text):
                raise _damaged(source, f"{text[:40]!r} is no number", gate.name)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _damaged(source: SourceFile, problem: str, gate: str | None = None) -> SourceFileError:
    place = f"gate {gate}" if gate else None
    return source.refuse("gating.damaged", place=place, problem=problem, remedy=_EXPORT_AGAIN)


def _said(element: etree._Element, name: str) -> str | None:
    value = element.get(f"{{{GATING}}}{name}")
    return None if value is None else str(value)


def _local(name: object) -> str:
    return str(name).rpartition("}")[2]
