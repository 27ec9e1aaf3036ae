"""FACSDiva experiments exported as XML (`<bdfacs>`): events of every population of every tube.

A tube is a `tube` of a specimen, or a global worksheet that recorded data of its own. FACSDiva counts a tube when it is
shown; one that was acquired and never shown since holds 0 for all events, and its counts are stale.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from expectations.errors import SourceFileError
from expectations.reasons import reason
from expectations.study import StudySettings
from transforms.readers.dates import read_moment
from transforms.readers.population_counts import Export, Gates, Sample, Samples, Told, populations_of
from transforms.readers.sample_words import file_name
from transforms.readers.source import Reading, SourceFile

if TYPE_CHECKING:
    from lxml import etree

FORMAT: Final = "facsdiva_xml"
ROOT: Final = "bdfacs"
CODE: Final = "facsdiva.table"
_ALL_EVENTS: Final = "All Events"
_PART: Final = "\\"
"""What parts the gates of a full name."""
_INTERNAL: Final = re.compile(r"\$[0-9]+")
"""Names FACSDiva gives what its quadrants hang from: no populations."""
_GATE_TYPES: Final = {
    "POLYGON_REGION": "polygon",
    "RECTANGLE_REGION": "rectangle",
    "INTERVAL_REGION": "rectangle",
    "ELLIPSE_REGION": "ellipsoid",
}


def read(source: SourceFile, root: etree._Element, settings: StudySettings) -> Reading:
    """One row of `cytometry_samples` a tube, one of `cytometry_counts` a population of it.

    Populations of a tube that was never acquired are not counted, whatever number stands there.

    Raises SourceFileError: gating.no_counts for a template or an experiment without an acquired tube; facsdiva.table
    for a tube without a name, a population without a parent, twice or without a number that is a count.
    """
    export = Export(source, FORMAT, CODE, settings)
    version = root.get("release_version", root.get("version", ""))
    software = re.sub(r"(?i)^version\s*", "", version.strip())
    samples = Samples(export)
    n_acquired = 0
    for experiment in root.iter("experiment"):
        shared: dict[str, object] = {
            "software_version": f"FACSDiva {software}" if software else None,
            "saved_at": _moment(_text(experiment, "export_time"), settings),
        }
        for specimen, tube in _tubes(experiment):
            keywords = _keywords(experiment, specimen, tube)
            samples.add(_sample(export, keywords, tube, shared))
            n_acquired += _is_acquired(tube)
    if not n_acquired:
        raise _no_counts(source)
    return samples.reading([])


def _tubes(experiment: etree._Element) -> Iterator[tuple[etree._Element | None, etree._Element]]:
    """Every tube with its specimen; worksheets, which have none, only where they recorded data no tube has."""
    tubes = [(specimen, tube) for specimen in experiment.iter("specimen") for tube in specimen.iter("tube")]
    of_tubes = {_text(tube, "data_filename") for _, tube in tubes} - {""}
    for worksheet in experiment.iterfind("acquisition_worksheets/worksheet_template"):
        if _is_acquired(worksheet) and _text(worksheet, "data_filename") not in of_tubes:
            yield None, worksheet
    yield from tubes


def _sample(export: Export, keywords: dict[str, str], tube: etree._Element, shared: dict[str, object]) -> Sample:
    name = tube.get("name", "").strip()
    place = f"tube {name}"
    if not name:
        raise export.refuse("tube without a name", "a tube has no name, so its counts belong to nothing")
    told = _told(export, tube, place)
    root = told.get(())
    is_stale = root is not None and root.count is not None and export.count(root.count, root.place) == 0
    fcs_name = file_name(_text(tube, "data_filename")) or None
    begun = _moment(_text(tube, "data_begin_date") or _text(tube, "date"), export.settings)
    known = shared | {"fcs_name": fcs_name, "acquisition_date": begun.date() if begun and _is_acquired(tube) else None}
    trays = tuple(tray.get("name") for tray in tube.iterancestors("tray"))
    populations = populations_of(export, told, is_stale=is_stale)
    return Sample(name, place, populations, keywords, trays, known)


def _told(export: Export, tube: etree._Element, place: str) -> dict[Gates, Told]:
    """Cells of the populations of a tube; without counts where nothing was acquired."""
    told: dict[Gates, Told] = {}
    gates_by_name: dict[str, Gates] = {}
    is_acquired = _is_acquired(tube)
    for gate in tube.iterfind("gates/gate"):
        full = gate.get("fullname", "").strip()
        gates = _gates(export, gate, full, gates_by_name, place)
        if full in gates_by_name:
            raise export.refuse(place, f"the population {full[:60]!r} stands twice")
        gates_by_name[full] = gates
        if not (gates and _INTERNAL.fullmatch(gates[-1])):
            count = _text(gate, "num_events") if is_acquired else None
            told[gates] = Told(count, None, f"{place}: {full}", _gate_type(gate) if gates else None)
    return told


def _gates(export: Export, gate: etree._Element, full: str, known: dict[str, Gates], place: str) -> Gates:
    parent = _text(gate, "parent")
    if not parent:
        if full != _ALL_EVENTS:
            raise export.refuse(place, f"the population {full[:60]!r} has no parent")
        return ()
    above = known.get(parent)
    name = full.removeprefix(f"{parent}{_PART}")
    if above is None or name in ("", full):
        raise export.refuse(place, f"the population {full[:60]!r} is not inside its parent {parent[:60]!r}")
    return (*above, name)


def _gate_type(gate: etree._Element) -> str:
    if _INTERNAL.fullmatch(_text(gate, "input").rpartition(_PART)[2]):
        return "quadrant"
    region = gate.find("region")
    if region is None:
        return "boolean" if gate.get("type") != "Region_Classifier" else "other"
    return _GATE_TYPES.get(region.get("type", ""), "other")


def _is_acquired(tube: etree._Element) -> bool:
    """It names the file of its data, or when that began."""
    return bool(_text(tube, "data_filename") or _text(tube, "data_begin_date"))


def _keywords(experiment: etree._Element, specimen: etree._Element | None, tube: etree._Element) -> dict[str, str]:
    """Keywords of a tube before those of its specimen and experiment, named as in FCS files."""
    told = {}
    for level in (experiment, specimen, tube):
        for one in () if level is None else level.iterfind("keywords/keyword"):
            if (value := _text(one, "value")) and one.get("name"):
                told[one.get("name", "").upper()] = value
    names = {
        "EXPERIMENT NAME": experiment.get("name", ""),
        "$SRC": "" if specimen is None else specimen.get("name", ""),
        "SPECIMEN NAME": "" if specimen is None else specimen.get("name", ""),
        "TUBE NAME": "" if specimen is None else tube.get("name", ""),
        "$FIL": _text(tube, "data_filename"),
        "$CYT": _text(tube, "data_instrument_name"),
    }
    return told | {name: value for name, value in names.items() if value}


def _text(element: etree._Element, name: str) -> str:
    return str(element.findtext(name) or "").strip()


def _moment(text: str, settings: StudySettings) -> datetime | None:
    try:
        return read_moment(text, settings.dates.order)
    except ValueError:
        return None


def _no_counts(source: SourceFile) -> SourceFileError:
    return source.refuse(
        "gating.no_counts",
        place="experiment",
        problem="this FACSDiva export holds a template, or tubes that were never acquired, and no counts",
        remedy=reason("gating.no_counts").remedy,
    )
