"""FlowJo workspaces: the counts of every population of every sample as they are stored, at full precision.

FlowJo 10 (`.wsp`), its forerunners on Windows, and FlowJo 9 on the Mac (`.xml`) keep one `Sample` per FCS file, with
its keywords and a tree of populations. A stored count says what FlowJo found when it last computed it, if it ever did.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from expectations.cytometry_in import CYTOMETRY_COUNTS, CYTOMETRY_SAMPLES
from expectations.errors import SourceFileError
from expectations.study import StudySettings
from transforms.gating_paths import path_of
from transforms.readers.dates import read_date, read_moment
from transforms.readers.sample_words import batches_of, file_name, kept_keywords
from transforms.readers.source import Reading, SourceFile, incoming
from transforms.readers.stale_counts import NEVER_COMPUTED, stale

if TYPE_CHECKING:
    from lxml import etree

FORMAT: Final = "flowjo_workspace"
ROOT: Final = "Workspace"
FLOWJO_10: Final = ("1.8", "20.0")
"""Versions whose gates are Gating-ML in FlowJo's own wrapping."""
VERSIONS: Final = ("1.6", "1.61", "2.0", "3.0", *FLOWJO_10)
"""Of the attribute `version`: FlowJo 7 on Windows, FlowJo 9 on the Mac (two), FlowJo X and 10."""

_EVERYTHING: Final = ("All Samples", "Compensation")
"""Groups FlowJo makes by itself; they say nothing about how tubes were stained."""
_NODES: Final = ("Population", "AndNode", "OrNode", "NotNode")
_BOOLEAN: Final = (*_NODES[1:], "BooleanGate")
_GATE_TYPES: Final = {
    "RectangleGate": "rectangle",
    "PolyRect": "rectangle",
    "Range": "rectangle",
    "PolygonGate": "polygon",
    "Polygon": "polygon",
    "EllipsoidGate": "ellipsoid",
    "EllipseGate": "ellipsoid",
    "Ellipse": "ellipsoid",
    "QuadrantGate": "quadrant",
    "BooleanGate": "boolean",
}
_HOMES: Final = frozenset({"users", "home", "documents and settings"})
"""Folders in which every person has one."""
_SAVED = re.compile(r"(\w+) (\w+) (\d{1,2}) ([\d:]{7,8}) (?:\S+ )?(\d{4})")
"""As Java writes a moment: Sat Mar 07 08:58:20 EST 2020."""
_SAVE_AGAIN: Final = "save the workspace again from FlowJo; the copy may have been cut short"
Gates = tuple[str, ...]


class Population(NamedTuple):
    """A population of a sample: names of its gates from the root, and its element."""

    gates: Gates
    element: etree._Element


def read(source: SourceFile, root: etree._Element, settings: StudySettings) -> Reading:
    """One row of `cytometry_samples` a sample, one of `cytometry_counts` a population, all events among them.

    A count stored as -1 was never computed. One is stale that cannot be right: anything below a root stored as 0 while
    the sample has events, and a population that holds fewer events than one inside it, with everything inside it.

    Args:
        source: the file, for its path and for refusing it.
        root: its element `Workspace`.
        settings: for the keywords the study keeps.

    Raises SourceFileError (workspace.version, workspace.no_samples, workspace.damaged).
    """
    _check_version(source, root)
    found = samples_of(root)
    if not found:
        raise source.refuse(
            "workspace.no_samples",
            problem="the workspace holds no sample",
            remedy="add the samples in FlowJo and save it, or dismiss it",
        )
    shared = {"source": FORMAT, "software_version": _software(root), "saved_at": _saved_at(root)}
    groups = _groups_of(root)
    samples: list[dict[str, object]] = []
    counts: list[dict[str, object]] = []
    for number, element in enumerate(found, 1):
        one = _Sample(source, element, number)
        samples.append(shared | one.row(settings, groups))
        counts += one.counts()
    tables = {"cytometry_samples": (CYTOMETRY_SAMPLES, samples), "cytometry_counts": (CYTOMETRY_COUNTS, counts)}
    return Reading(FORMAT, {name: incoming(table, rows) for name, (table, rows) in tables.items()})


def samples_of(root: etree._Element) -> list[etree._Element]:
    """The samples of a workspace in its order: the first is sample number 1."""
    return [*root.iterfind("SampleList/Sample"), *root.iterfind("Samples/Sample")]


def populations_of(node: etree._Element, above: Gates = ()) -> Iterator[Population]:
    """The populations below a sample's node, every one before those inside it."""
    for child in _children(node):
        gates = (*above, _name(child))
        yield Population(gates, child)
        yield from populations_of(child, gates)


def gate_element(population: etree._Element) -> etree._Element | None:
    """The element that draws the gate: in FlowJo 10 inside `Gate`, before inside the population itself."""
    for inside in population.iterfind("Gate"):
        return next(iter(inside.iterchildren("{*}*")), None)
    return next((child for child in population.iterchildren("{*}*") if _tag(child).endswith("Gate")), None)


def gate_type(population: etree._Element) -> str | None:
    """Kind of a population's gate (GATE_TYPES); None where nothing is drawn."""
    if _tag(population) in _BOOLEAN:
        return "boolean"
    gate = gate_element(population)
    if gate is None:
        return None if _tag(population) == "Population" else "other"
    if gate.get("quadId", gate.get("quadID", "-1")) != "-1":
        return "quadrant"
    drawn = [_tag(child) for child in gate.iterchildren("{*}*")]  # FlowJo 9: PolygonGate around what is drawn
    return next((_GATE_TYPES[tag] for tag in (*drawn, _tag(gate)) if tag in _GATE_TYPES), "other")


class _Sample:
    """One sample of a workspace, with what is wrong with it told in terms of its number."""

    def __init__(self, source: SourceFile, element: etree._Element, number: int) -> None:
        self.source, self.number = source, number
        self.node = element.find("SampleNode")
        if self.node is None:
            raise self.damaged("it has no node of populations")
        self.keywords = {
            one.get("name"): one.get("value", "") for one in element.iterfind("Keywords/Keyword") if one.get("name")
        }
        data_set = element.find("DataSet")
        self.uri: str = "" if data_set is None else data_set.get("uri", "")
        self.id: str | None = self.node.get("sampleID", None if data_set is None else data_set.get("sampleID"))
        self.stored: dict[Gates, int | None] = {(): self._stored(self.node, ())}
        self.populations = list(populations_of(self.node))
        if any(not one.gates[-1] for one in self.populations):
            raise self.damaged("one of its populations has no name")
        self.stored |= {one.gates: self._stored(one.element, one.gates) for one in self.populations}

    def damaged(self, problem: str, place: str | None = None) -> SourceFileError:
        return self.source.refuse(
            "workspace.damaged", place=place or f"sample {self.number}", problem=problem, remedy=_SAVE_AGAIN
        )

    def row(self, settings: StudySettings, groups: Mapping[str, list[str]]) -> dict[str, object]:
        fcs_name = file_name(self.keywords.get("$FIL", "")) or file_name(self.uri) or None
        name = _name(self.node).strip() or fcs_name
        if name is None:
            raise self.damaged("it has no name")
        also = [*groups.get(self.id or "", []), _folder(self.uri)]
        return {
            "sample_number": self.number,
            "sample_name": name,
            "fcs_name": fcs_name,
            "batches": batches_of(self.source.path, self.keywords, settings, also),
            "keywords": kept_keywords(self.keywords, settings),
            "n_events": self.n_events,
            "acquisition_date": _day(self.keywords.get("$DATE", ""), settings),
            "file_sha256": self.source.sha256,
            "place": f"sample {self.number}",
        }

    @property
    def n_events(self) -> int | None:
        """What the FCS file declares; else what the root holds."""
        root = self.stored[()]
        return self._declared if self._declared is not None else None if root in (None, NEVER_COMPUTED) else root

    @property
    def _declared(self) -> int | None:
        text = self.keywords.get("$TOT", "").strip()
        return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None

    def counts(self) -> Iterator[dict[str, object]]:
        cannot_be = stale(self.stored, self._declared)
        for gates, element in (Population((), self.node), *self.populations):
            stored, path = self.stored[gates], path_of(gates)
            status = _status(stored, is_stale=gates in cannot_be)
            yield {
                "sample_number": self.number,
                "population_path": path,
                "status": status,
                "count": stored if status == "counted" else None,
                "gate_type": gate_type(element) if gates else None,
                "file_sha256": self.source.sha256,
                "place": f"sample {self.number}: {path or 'all events'}",
            }

    def _stored(self, element: etree._Element, gates: Gates) -> int | None:
        text = element.get("count")
        if text is None:
            return None
        if not re.fullmatch(r"[0-9]{1,15}|-1", text):
            place = f"sample {self.number}: {path_of(gates) or 'all events'}"
            raise self.damaged(f"a count is {text[:40]!r}, which is no count", place)
        return int(text)


def _status(stored: int | None, *, is_stale: bool) -> str:
    if stored is None:
        return "not_counted"
    if stored == NEVER_COMPUTED:
        return "never_computed"
    return "stale" if is_stale else "counted"


def _check_version(source: SourceFile, root: etree._Element) -> None:
    version = root.get("version", "")
    if version not in VERSIONS:
        raise source.refuse(
            "workspace.version",
            problem=f"the workspace is of version {version[:40] or '(none)'}, perdure reads {', '.join(VERSIONS)}",
            remedy="save it from FlowJo 10 as .wsp, or export its table",
        )


def _children(node: etree._Element) -> Iterator[etree._Element]:
    """Populations right below a node; of kinds FlowJo or its plug-ins add, those that have a name and a count."""
    for child in node.iterchildren("{*}*"):
        if _tag(child) == "Subpopulations":
            yield from (one for one in child.iterchildren("{*}*") if _tag(one) in _NODES or _is_counted(one))
        elif _tag(child) == "Population":
            yield child


def _is_counted(element: etree._Element) -> bool:
    return _tag(element) != "Statistic" and element.get("count") is not None and bool(_name(element))


def _tag(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _name(element: etree._Element) -> str:
    return str(element.get("name", element.get("nodeName", "")))


def _groups_of(root: etree._Element) -> dict[str, list[str]]:
    """Names of the groups a person made, by the id of the samples in them."""
    groups: dict[str, list[str]] = {}
    for group in root.iterfind("Groups/GroupNode"):
        for sample in group.iterfind("Group/SampleRefs/SampleRef"):
            if _name(group) not in _EVERYTHING:
                groups.setdefault(sample.get("sampleID", ""), []).append(_name(group))
    return groups


def _folder(uri: str) -> str | None:
    """The folder the FCS file lay in: the last one only, since those above it name computers and people.

    None where that is a person's own folder, which has that person's name, or the one that such folders are in.
    """
    path = [part.strip() for part in re.split(r"[/\\]", unquote(uri))]
    is_of_a_person = any(part.lower() in _HOMES for part in path[-3:-1])
    return path[-2] if len(path) > 1 and not path[-2].endswith(":") and not is_of_a_person else None


def _software(root: etree._Element) -> str | None:
    version = re.sub(r"(?i)^version\s*", "", root.get("flowJoVersion", "").strip())
    return f"FlowJo {version}" if version else None


def _saved_at(root: etree._Element) -> datetime | None:
    """When it was saved, as the clock of that computer showed; None where it does not say so readably."""
    text = root.get("modDate", "").strip()
    if match := _SAVED.fullmatch(text):
        weekday, month, day, clock, year = match.groups()
        text = f"{weekday} {day} {month} {year} {clock}"
    elif root.get("dateSaved"):
        text = f"{root.get('dateSaved')} {root.get('timeSaved', '')}".strip()
    try:
        return read_moment(text, None)
    except ValueError:
        return None


def _day(text: str, settings: StudySettings) -> date | None:
    try:
        return read_date(text, settings.dates.order)
    except ValueError:
        return None
