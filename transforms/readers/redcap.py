"""REDCap flat exports: rows of their instruments become rows of tables, as [[clinical.redcap]] in study.toml says.

Only fields that study.toml names are ever read: free text and identities of patients stay in the archive.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import Final

import polars as pl

from expectations.contract import Table
from expectations.errors import SourceFileError
from expectations.ingested import REFERENCE_TABLES
from expectations.rules import UNREADABLE
from expectations.study import StudySettings
from expectations.study_clinical import RedcapTable
from transforms.readers.redcap_export import Export, Field, is_among, is_export
from transforms.readers.reference_tables import strange_sheet
from transforms.readers.sheets import Sheet
from transforms.readers.source import BadCell, Reading, SourceFile
from transforms.readers.tabular import incoming

FORMAT: Final = "redcap_export"
UNMAPPED: Final = "redcap.unmapped"
"""Refusal of an export of which study.toml maps nothing, or nothing any more."""

_SUBJECT: Final = "subject_id"
_N_SHOWN: Final = 25
"""Names of fields shown in a refusal."""
_DOCS: Final = "docs/formats.md, REDCap"
_TABLES: Final = {table.name: table for table in REFERENCE_TABLES}


@dataclass(frozen=True, slots=True)
class _Mapping:
    """One entry of [[clinical.redcap]], its fields found in an export."""

    key: str
    asked: RedcapTable
    table: Table
    fields: dict[str, Field]
    """Column of the table to field of the export."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry held against an export: whether it has fields of it, and which of its fields name none or several."""

    mapping: _Mapping
    is_own: bool
    faulty: list[tuple[str, str]]
    """Column of the table and name of the field."""


@dataclass(frozen=True, slots=True)
class _Row:
    """Cells of one row of a table, in the order of its header; and checkboxes that are neither on nor off."""

    place: str
    cells: list[str]
    odd: dict[str, str]


def recognises(sheets: list[Sheet]) -> bool:
    """True where any sheet has the header of a REDCap flat export."""
    return any(is_export(sheet) for sheet in sheets)


def read(source: SourceFile, sheets: list[Sheet], settings: StudySettings) -> Reading:
    """Incoming frames of every table that study.toml fills from this export.

    An entry none of whose fields are in the export speaks of another export and is passed over, and so is one that fits
    in part where another entry of the table fits and takes its rows. Raises SourceFileError: redcap.unmapped,
    redcap.field, redcap.rows, table.empty.
    """
    exports = [Export(sheet) for sheet in sheets if is_export(sheet)]
    bad = [strange_sheet(source, sheet) for sheet in sheets if not is_export(sheet)]
    for export in exports:
        _refuse_torn(source, export)
    frames: dict[str, list[pl.DataFrame]] = {}
    used: set[str] = set()
    for export in exports:
        mappings = _mappings(source, export, settings)
        for mapping in mappings:
            used |= {field.name for field in mapping.fields.values()}
            rows = _rows(export, mapping)
            if not rows:
                if not any(_takes_rows_of(export, mapping, other) for other in mappings):
                    _refuse_elsewhere(source, export, mapping)
                continue
            frame, cells = _frame(source, export, mapping, rows, settings)
            frames.setdefault(mapping.table.name, []).append(frame)
            bad += cells
    if not frames:
        raise _unmapped(source, exports, is_mapped=bool(used))
    unused = [name for export in exports for name in export.field_names if not _is_used(name, used)]
    return Reading(
        FORMAT,
        {name: pl.concat(parts) for name, parts in frames.items()},
        bad,
        {next(iter(frames)): list(dict.fromkeys(unused))} if unused else {},
    )


def _is_used(name: str, used: set[str]) -> bool:
    """One choice of a checkbox may be mapped alone, under the name of its column."""
    return any(one == name or one.startswith((f"{name}___", f"{name} (choice=")) for one in used)


def _refuse_torn(source: SourceFile, export: Export) -> None:
    sheet = export.sheet
    for place, row in zip(sheet.places, sheet.rows, strict=True):
        if len(row) > len(sheet.header):
            raise source.refuse(
                "redcap.rows",
                place=place,
                problem=f"the row has {len(row)} cells, and the header {len(sheet.header)}",
                remedy="export it again from REDCap; do not edit it by hand",
            )
    if not sheet.rows:
        raise source.refuse(
            "table.empty",
            problem="the REDCap export has a header and no row below it",
            remedy="check the report's filters and the user rights in REDCap, and export it again",
        )


def _mappings(source: SourceFile, export: Export, settings: StudySettings) -> list[_Mapping]:
    """The entries of the study file that speak of this export."""
    entries = [_entry(n, asked, export) for n, asked in enumerate(settings.clinical.redcap, start=1)]
    fitting = [one for one in entries if one.is_own and not one.faulty]
    found = []
    for one in entries:
        if one.faulty:
            if not any(_is_covered(export, one, other, fitting) for other in fitting):
                column, name = one.faulty[0]
                problem = f"{one.mapping.key}.columns.{column} in study.toml names the field {name!r}"
                _refuse_field(source, export, problem, name)
        elif one.is_own:
            found.append(one.mapping)
    for mapping in found:
        if not any(_takes_rows_of(export, mapping, other) for other in found):
            _refuse_misspelt_event(source, export, mapping)
    return found


def _entry(n: int, asked: RedcapTable, export: Export) -> _Entry:
    named = {column: export.named(name) for column, name in asked.columns.items()}
    is_own = any(fields and not export.is_structure(fields[0]) for fields in named.values())
    is_own |= all(named.values()) and is_among(asked.instrument or "", export.instruments)
    faulty = [
        (column, asked.columns[column])
        for column, fields in named.items()
        if len(fields) > 1 or (not fields and (is_own or _nearest(asked.columns[column], export)))
    ]
    one_each = {column: fields[0] for column, fields in named.items() if len(fields) == 1}
    return _Entry(_Mapping(f"clinical.redcap[{n}]", asked, _TABLES[asked.table], one_each), is_own, faulty)


def _is_covered(export: Export, one: _Entry, other: _Entry, fitting: list[_Entry]) -> bool:
    """True where another entry, which fits, says of this export what the faulty one says of another.

    So it is with entries for the raw and for the label export of a project, or for a field before and after it was
    renamed. An entry that has rows of its own here, or that names a field nearly as one is called that no entry takes,
    is misspelt and not of another export.
    """
    if not _takes_rows_of(export, one.mapping, other.mapping, selected=True):
        return False
    taken = {field.name for entry in fitting for field in entry.mapping.fields.values()}
    near = [_nearest(name, export) for _, name in one.faulty if not export.named(name)]
    return all(name is None or _is_used(name, taken) for name in near)


def _takes_rows_of(export: Export, mine: _Mapping, other: _Mapping, *, selected: bool = False) -> bool:
    """True where another entry fills the same table, with no other constants, from every row that holds my fields.

    With `selected`, from those of my instrument and events.
    """
    constants = mine.asked.constants
    if other is mine or mine.table != other.table:
        return False
    if any(constants.get(name, value) != value for name, value in other.asked.constants.items()):
        return False
    rows = (n for n in _filled_rows(export, mine) if not selected or _is_selected(export, mine, n))
    return all(_is_selected(export, other, n) for n in rows)


def _filled_rows(export: Export, mapping: _Mapping) -> list[int]:
    own = _own(export, mapping)
    return [n for n in range(len(export.sheet.rows)) if any(export.is_filled(n, field) for field in own)]


def _refuse_field(source: SourceFile, export: Export, problem: str, name: str) -> None:
    """A name of no field, or of several."""
    if fields := export.named(name):
        problem += f", and {len(fields)} columns of the export are called so"
        remedy = "export raw data with variable names as headers, or give the fields labels of their own"
    else:
        near = _nearest(name, export)
        problem += ", which the export does not have"
        remedy = f"write {near!r}, if that is what you mean" if near else "correct the name, or export that field too"
    raise source.refuse("redcap.field", place="header", problem=problem, remedy=remedy)


def _nearest(name: str, export: Export) -> str | None:
    names = [*export.field_names, *(field.name for fields in export.fields.values() for field in fields)]
    spelled = {one.casefold(): one for one in names}
    close = difflib.get_close_matches(name.casefold(), spelled, n=1, cutoff=0.75)
    return spelled[close[0]] if close else None


def _refuse_misspelt_event(source: SourceFile, export: Export, mapping: _Mapping) -> None:
    for event in mapping.asked.events:
        if is_among(event, export.events):
            continue
        if close := difflib.get_close_matches(event, export.events, n=1, cutoff=0.75):
            raise source.refuse(
                "redcap.field",
                place="redcap_event_name",
                problem=f"{mapping.key}.events in study.toml names {event!r}, and no row is of that event",
                remedy=f"write {close[0]!r}, if that is what you mean",
            )


def _rows(export: Export, mapping: _Mapping) -> list[_Row]:
    """Rows of the entry's instrument and events in which one of its own fields is filled."""
    subjects = _subject_of_record(export, mapping)
    own = _own(export, mapping)
    rows = []
    for n, place in enumerate(export.sheet.places):
        # REDCap writes a row for every event, also without the form: one in which every own field is empty is none
        if _is_selected(export, mapping, n) and (not own or any(export.is_filled(n, field) for field in own)):
            rows.append(_row(export, mapping, n, place, subjects))
    return _completed(rows, mapping) if mapping.table.key == (_SUBJECT,) else rows


def _is_selected(export: Export, mapping: _Mapping, row: int) -> bool:
    instrument, event = export.instrument(row), export.event(row)
    asked = mapping.asked
    of_instrument = not instrument if asked.instrument is None else is_among(instrument, [asked.instrument])
    return of_instrument and (not asked.events or is_among(event, asked.events))


def _own(export: Export, mapping: _Mapping) -> list[Field]:
    """Fields that tell whether there is a row: neither REDCap's own columns nor the subject, where there are others."""
    filling = [field for column, field in mapping.fields.items() if column != _SUBJECT]
    own = [field for field in filling if not export.is_structure(field)]
    return own or [field for field in mapping.fields.values() if not export.is_structure(field)]


def _row(export: Export, mapping: _Mapping, row: int, place: str, subjects: dict[str, str]) -> _Row:
    cells, odd = [], {}
    for column, field in mapping.fields.items():
        cell, strange = export.text(row, field, mapping.asked.codes.get(column, {}))
        if column == _SUBJECT and not cell:
            cell = subjects.get(export.record(row), "")
        if strange is not None:
            odd[column] = strange
        cells.append(cell)
    codes = mapping.asked.codes
    cells += [codes.get(column, {}).get(value, value) for column, value in mapping.asked.constants.items()]
    return _Row(place, cells, odd)


def _subject_of_record(export: Export, mapping: _Mapping) -> dict[str, str]:
    """Record to the one subject its rows name: a field stands only in the rows of its own form."""
    field = mapping.fields.get(_SUBJECT)
    if field is None or export.is_structure(field):
        return {}
    told: dict[str, set[str]] = {}
    for row in range(len(export.sheet.rows)):
        subject, _ = export.text(row, field, mapping.asked.codes.get(_SUBJECT, {}))
        if subject:
            told.setdefault(export.record(row), set()).add(subject)
    return {record: next(iter(names)) for record, names in told.items() if len(names) == 1}


def _completed(rows: list[_Row], mapping: _Mapping) -> list[_Row]:
    """One row a subject where its rows (of several events) complete each other; those that contradict stay apart."""
    at = _header(mapping).index(_SUBJECT)
    by_subject: dict[str, list[_Row]] = {}
    for row in rows:
        by_subject.setdefault(row.cells[at], []).append(row)
    whole = []
    for subject, parts in by_subject.items():
        columns = [dict.fromkeys(filter(None, cells)) for cells in zip(*(row.cells for row in parts), strict=True)]
        if not subject or len(parts) == 1 or any(len(values) > 1 for values in columns):
            whole += parts
            continue
        odd = {column: cell for row in parts for column, cell in row.odd.items()}
        place = ", ".join(row.place for row in parts)
        whole.append(_Row(place, [next(iter(values), "") for values in columns], odd))
    return whole


def _header(mapping: _Mapping) -> list[str]:
    return [*mapping.fields, *mapping.asked.constants]


def _frame(
    source: SourceFile, export: Export, mapping: _Mapping, rows: list[_Row], settings: StudySettings
) -> tuple[pl.DataFrame, list[BadCell]]:
    """Rows as an incoming frame: their sheet has the mapped fields only, so that a reject can quote no other."""
    sheet = Sheet(
        export.sheet.name,
        _header(mapping),
        [row.cells for row in rows],
        [row.place for row in rows],
        point_is_decimal=export.sheet.point_is_decimal,
    )
    frame, cells = incoming(source, sheet, mapping.table, settings)
    name = mapping.table.name
    for row in rows:
        shown = json.dumps(dict(zip(sheet.header, row.cells, strict=True)), ensure_ascii=False)
        cells += [BadCell(source.sha256, name, row.place, "row.unreadable", *told, shown) for told in row.odd.items()]
    odd = pl.Series([",".join(row.odd) or None for row in rows], dtype=pl.String)
    told = pl.concat_str([pl.col(UNREADABLE), odd], separator=",", ignore_nulls=True).replace("", None)
    return frame.with_columns(told.alias(UNREADABLE)), cells


def _refuse_elsewhere(source: SourceFile, export: Export, mapping: _Mapping) -> None:
    """An entry whose fields are filled in rows of another instrument or event names the wrong one."""
    rows = _filled_rows(export, mapping)
    if not rows:
        return
    asked = mapping.asked
    of = "no repeating instrument" if asked.instrument is None else f"the repeating instrument {asked.instrument!r}"
    wanted = of + (f" and of {_listed(asked.events)}" if asked.events else "")
    instruments = dict.fromkeys(export.instrument(n) for n in rows)
    events = list(dict.fromkeys(event for n in rows if (event := export.event(n))))
    there = [repr(one) if one else "no repeating instrument" for one in instruments]
    where = f"{' and '.join(there)}" + (f", events {_listed(events)}" if events else "")
    others = [one for one in instruments if one and one != asked.instrument]
    near = difflib.get_close_matches(asked.instrument or "", others, n=1, cutoff=0.75)
    raise source.refuse(
        "redcap.field",
        place=export.sheet.places[rows[0]],
        problem=f"{mapping.key} in study.toml takes rows of {wanted}, and its fields are filled in rows of {where}",
        remedy=f"write instrument = {near[0]!r}, if that is what you mean"
        if near
        else "correct `instrument` and `events`",
    )


def _unmapped(source: SourceFile, exports: list[Export], *, is_mapped: bool) -> SourceFileError:
    instruments = [one for export in exports for one in export.instruments]
    events = [one for export in exports for one in export.events]
    fields = list(dict.fromkeys(name for export in exports for name in export.field_names))
    parts = [f"fields {_listed(fields)}"]
    if events:
        parts.insert(0, f"events {_listed(events)}")
    parts.insert(0, f"repeating instruments {_listed(instruments)}" if instruments else "no repeating instrument")
    what = "no row holds a field that" if is_mapped else "none of its fields is in"
    said = "study.toml maps" if is_mapped else "[[clinical.redcap]] of study.toml"
    example = f'[[clinical.redcap]] with table = "...", columns = {{ subject_id = "{fields[0]}", ... }}'
    if instruments:
        example = example.replace(", columns", f', instrument = "{instruments[0]}", columns')
    return source.refuse(
        UNMAPPED,
        problem=f"this is a REDCap export, and {what} {said}; it has {'; '.join(parts)}",
        remedy=f"write {example} in study.toml ({_DOCS}); the file is tried again by the next run",
    )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - _N_SHOWN} more" if len(names) > _N_SHOWN else ""
    return ", ".join(names[:_N_SHOWN]) + more
