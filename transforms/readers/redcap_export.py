"""A REDCap flat export as it lies there: fields, checkboxes, and the instrument and event of every row.

REDCap writes one row a record, event and repeated instance, and leaves the fields of other forms empty in it. Raw
exports name fields by variable and choices by code (`prior___1`); label exports by label and choice
(`Prior therapy (choice=Ipilimumab)`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from transforms.readers.sheets import Sheet
from transforms.readers.tabular import column_name

EVENT: Final = "redcap_event_name"
INSTRUMENT: Final = "redcap_repeat_instrument"
INSTANCE: Final = "redcap_repeat_instance"
RECORD: Final = "record_id"

_STRUCTURE: Final = {
    "event_name": EVENT,
    "repeat_instrument": INSTRUMENT,
    "repeat_instance": INSTANCE,
    "data_access_group": "redcap_data_access_group",
    "survey_identifier": "redcap_survey_identifier",
    "survey_timestamp": "redcap_survey_timestamp",
}
"""Columns REDCap adds: what the label export calls them, and the raw one."""

_CHECKBOX: Final = re.compile(r"(?P<field>[a-z][a-z0-9_]*?)___(?P<choice>[a-z0-9_.-]+)")
_CHOICE: Final = re.compile(r"(?P<field>.+?)\s*\(choice=(?P<choice>.+)\)")
_STATUS: Final = re.compile(r"(?:[a-z][a-z0-9_]*_complete|Complete\?)(?:\.\d+)?")
"""The column in which REDCap keeps whether a form is complete."""
_TICKED: Final = {"1", "checked"}
_NOT_TICKED: Final = {"", "0", "unchecked"}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the export: the columns it stands in, and for a checkbox the choice of each."""

    name: str
    columns: tuple[int, ...]
    choices: tuple[str, ...] = ()
    is_choice: bool = False
    """True for one choice of a checkbox by itself."""


def is_export(sheet: Sheet) -> bool:
    """True for the header of a flat export: the columns REDCap adds, checkboxes, or forms' states behind a record."""
    names = [column_name(cell) for cell in sheet.header]
    if {EVENT, INSTRUMENT, INSTANCE, "repeat_instrument", "repeat_instance"} & set(names):
        return True
    if any(_checkbox(cell) for cell in sheet.header):
        return True
    is_record = names[:1] == [RECORD]
    return names[1:2] == ["event_name"] or (is_record and any(_STATUS.fullmatch(cell) for cell in sheet.header))


class Export:
    """One flat export; rows are told by their number from 0."""

    def __init__(self, sheet: Sheet) -> None:
        """`sheet` has the export's header, and no row is wider than it."""
        self.sheet = sheet
        self.header = [" ".join(cell.split()) for cell in sheet.header]
        self._events = self._structure_column(EVENT)
        self._instruments = self._structure_column(INSTRUMENT)

    def _structure_column(self, name: str) -> int | None:
        return next((n for n, cell in enumerate(self.header) if _structure(cell) == name), None)

    def cell(self, row: int, column: int) -> str:
        """A cell; empty where the line ends before it."""
        cells = self.sheet.rows[row]
        return cells[column] if column < len(cells) else ""

    def event(self, row: int) -> str:
        """The event of a row; empty where the project has none."""
        return "" if self._events is None else self.cell(row, self._events)

    def instrument(self, row: int) -> str:
        """The repeating instrument of a row; empty where it is of none."""
        return "" if self._instruments is None else self.cell(row, self._instruments)

    def record(self, row: int) -> str:
        """The record of a row: REDCap puts it into the first column."""
        return self.cell(row, 0)

    @property
    def events(self) -> list[str]:
        """Events in the order in which they first stand there."""
        return _distinct(self.event(row) for row in range(len(self.sheet.rows)))

    @property
    def instruments(self) -> list[str]:
        """Repeating instruments in the order in which they first stand there."""
        return _distinct(self.instrument(row) for row in range(len(self.sheet.rows)))

    @cached_property
    def fields(self) -> dict[str, list[Field]]:
        """Fields by the name they go by, without case; several where a label is that of several fields."""
        found: dict[str, list[Field]] = {}
        boxes: dict[str, list[tuple[int, str]]] = {}
        for n, cell in enumerate(self.header):
            if not cell:
                continue
            match = _checkbox(cell)
            found.setdefault(cell.casefold(), []).append(Field(cell, (n,), is_choice=match is not None))
            if match:
                boxes.setdefault(match["field"], []).append((n, _code(match)))
        for name, columns in boxes.items():
            one = Field(name, tuple(n for n, _ in columns), tuple(choice for _, choice in columns))
            found.setdefault(name.casefold(), []).append(one)
        return found

    def named(self, name: str) -> list[Field]:
        """The fields of a name: by variable or label; REDCap's own columns under either of their names."""
        wanted = " ".join(name.split())
        if found := self.fields.get(wanted.casefold()):
            return found
        if own := _structure(wanted):
            column = self._structure_column(own)
            return [] if column is None else [Field(self.header[column], (column,))]
        return [Field(self.header[0], (0,))] if column_name(wanted) == RECORD else []

    def is_structure(self, field: Field) -> bool:
        """True for the record and the columns REDCap adds: they are filled in every row, whatever the form."""
        return field.columns == (0,) or _structure(self.header[field.columns[0]]) is not None

    @property
    def field_names(self) -> list[str]:
        """What a study can map: every field once, checkboxes without their choices, no states of forms."""
        names = []
        for n, cell in enumerate(self.header):
            if not cell or (n and (_structure(cell) or _STATUS.fullmatch(cell))):
                continue
            match = _checkbox(cell)
            names.append(match["field"] if match else cell)
        return list(dict.fromkeys(names))

    def text(self, row: int, field: Field, codes: dict[str, str]) -> tuple[str, str | None]:
        """What a row holds of a field, by the codes' meaning; and a cell of a checkbox that is neither on nor off."""
        if not field.choices:
            return _meaning(self.cell(row, field.columns[0]), codes), None
        ticked = []
        for column, choice in zip(field.columns, field.choices, strict=True):
            state = self.cell(row, column)
            if state.casefold() in _TICKED:
                ticked.append(_meaning(choice, codes))
            elif state.casefold() not in _NOT_TICKED:
                return "", state
        return ", ".join(filter(None, ticked)), None

    def is_filled(self, row: int, field: Field) -> bool:
        """True where the row holds something of the field: of a checkbox or one choice of it, one that is ticked."""
        cells = [self.cell(row, column) for column in field.columns]
        empty = _NOT_TICKED if field.choices or field.is_choice else {""}
        return any(cell.casefold() not in empty for cell in cells)


def _checkbox(cell: str) -> re.Match[str] | None:
    return _CHECKBOX.fullmatch(cell.strip()) or _CHOICE.fullmatch(" ".join(cell.split()))


def _code(match: re.Match[str]) -> str:
    """The choice of a column; of a raw export its code, whose sign REDCap writes as an underscore."""
    choice = match["choice"]
    return f"-{choice[1:]}" if match.re is _CHECKBOX and choice.startswith("_") else choice


def _structure(cell: str) -> str | None:
    name = column_name(cell)
    return name if name in _STRUCTURE.values() else _STRUCTURE.get(name)


def _meaning(cell: str, codes: dict[str, str]) -> str:
    if cell in codes:
        return codes[cell]
    return next((value for code, value in codes.items() if code.casefold() == cell.casefold()), cell)


def _distinct(cells: Iterable[str]) -> list[str]:
    return [cell for cell in dict.fromkeys(cells) if cell]


def is_among(cell: str, names: Sequence[str]) -> bool:
    """True where a name of the study file is that of the cell, whatever its case."""
    return cell.casefold() in {name.casefold() for name in names}
