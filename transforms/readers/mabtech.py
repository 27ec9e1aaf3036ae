"""Mabtech Apex and IRIS, workbook export: a long sheet of wells and populations, and grids of the same counts.

Read is the long sheet. Populations overlap (`LED490 Total` holds what `LED490 Single` and `LED490+LED550` hold), so
each is an analyte of its own and none is added to another.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from expectations.ingested import ELISPOT_COUNTS, INSTRUMENT_LAYOUTS, PLATES
from expectations.study import StudySettings
from transforms.readers.aid_text import plate_id_of
from transforms.readers.dates import AmbiguousDateError, read_date
from transforms.readers.mabtech_layout import counting_parameters, layout_rows, unused_layout_columns
from transforms.readers.mabtech_list import (
    EXPORT_AGAIN,
    PLATE,
    SHEET,
    Listed,
    LongSheet,
    Sheets,
    is_long,
    long_sheet,
)
from transforms.readers.source import Reading, SourceFile, incoming
from transforms.readers.workbook_process import PassedOver

FORMAT: Final = "mabtech"
PASSED_OVER: Final = PassedOver(SHEET, r"(?:Average|Sum) RSV\d*|Average Sensor Values?|Layouts?|Exposures?")
"""Sheets beside the long one that say again, in grids, what its other columns say."""
_INFORMATION: Final = "Plate Info"
"""How the name of the sheet of facts about the plate begins."""
_NAME, _READ, _MACHINE, _SOFTWARE = "Plate Name:", "Plate Read Date:", "Machine ID:", "Software Version:"
_COMMENT: Final = "comment"
"""What stands in the label of a fact that is free text."""

Facts = dict[str, str]


def recognises(sheets: Sheets) -> bool:
    """True where a sheet is called, or begins, as Apex calls or begins its sheet of wells and populations."""
    return any(is_long(name, cells) for name, cells in sheets)


def read(source: SourceFile, sheets: Sheets, settings: StudySettings) -> Reading:
    """One plate: per population, a row of `plates` and one row of `elispot_counts` a well; and the layout, if entered.

    The analyte is the name of the population; of a plate read in white light it is what the layout in the file names,
    else the study's. A masked well has no count; an empty count is a well not counted. `instrument_layouts` has a row
    for every well with anything filled in, and is left out where there is none.

    Raises SourceFileError (mabtech.plate, mabtech.columns, mabtech.well, mabtech.wells): the plate is taken in whole or
    not at all.
    """
    sheet = long_sheet(source, sheets, settings.elispot.analyte)
    facts = _facts(source, sheets)
    whole: dict[str, object] = {
        "plate_id": _plate_name(source, sheet, facts),
        "file_sha256": source.sha256,
        "instrument": " ".join(["Mabtech", facts.get(_MACHINE, "")]).strip(),
        "software_version": facts.get(_SOFTWARE),
        "read_date": _read_date(source, facts, settings),
        "comment": " | ".join(value for label, value in facts.items() if _COMMENT in label.lower()) or None,
    }
    layout, unread = layout_rows(source, sheet)
    tables = {
        "plates": incoming(PLATES, [whole | plate for plate in _plates(sheet)]),
        "elispot_counts": incoming(ELISPOT_COUNTS, [whole | _well(row) for row in sheet.rows]),
    }
    unused = {"elispot_counts": unused_layout_columns(sheet), "instrument_layouts": unread}
    if layout:
        tables["instrument_layouts"] = incoming(INSTRUMENT_LAYOUTS, [whole | row for row in layout])
    return Reading(FORMAT, tables, unused_columns={name: told for name, told in unused.items() if told})


def _plates(sheet: LongSheet) -> list[dict[str, object]]:
    of_analyte: dict[str, list[Listed]] = {}
    for row in sheet.rows:
        of_analyte.setdefault(row.analyte, []).append(row)
    return [
        {
            "analyte": analyte,
            "n_wells": len(wells),
            "n_wells_declared": None,
            "counting_parameters": counting_parameters(sheet, wells),
            "place": wells[0].place,
        }
        for analyte, wells in of_analyte.items()
    ]


def _well(row: Listed) -> dict[str, object]:
    status = "masked" if row.is_masked else "not_counted" if row.spots is None else "counted"
    spots = row.spots if status == "counted" else None
    return {"well": row.well, "analyte": row.analyte, "spots": spots, "status": status, "place": row.place}


def _facts(source: SourceFile, sheets: Sheets) -> Facts:
    """Label to value of the sheet of facts about the plate, filled ones only."""
    lines = [[cell for cell in row if cell] for name, cells in sheets if name.startswith(_INFORMATION) for row in cells]
    facts: Facts = {}
    for label, value in (line[:2] for line in lines if len(line) > 1):
        if facts.setdefault(label, value) != value:
            raise source.refuse(
                "mabtech.plate",
                place=f"{_INFORMATION}, {label}",
                problem=f"it stands twice, with {facts[label][:40]!r} and {value[:40]!r}",
                remedy=EXPORT_AGAIN,
            )
    return facts


def _plate_name(source: SourceFile, sheet: LongSheet, facts: Facts) -> str:
    names = {row.plate for row in sheet.rows} | {plate_id_of(facts.get(_NAME, ""))}
    names.discard("")
    if len(names) == 1:
        return names.pop()
    raise source.refuse(
        "mabtech.plate",
        place=f"{sheet.name}, column `{PLATE}`, and {_INFORMATION}",
        problem=f"expected one plate name, found {len(names)} ({', '.join(sorted(names))[:80]})",
        remedy="name the plate in the Apex software and export one plate a workbook",
    )


def _read_date(source: SourceFile, facts: Facts, settings: StudySettings) -> date | None:
    value = facts.get(_READ)
    if value is None:
        return None
    try:
        return read_date(value, settings.dates.order)
    except ValueError as error:
        is_open = isinstance(error, AmbiguousDateError)
        raise source.refuse(
            "mabtech.plate",
            place=f"{_INFORMATION}, Plate Read Date",
            problem=f"the read date cannot be read: {f'in {value!r} ' if is_open else ''}{error}",
            remedy="set dates.order in study.toml" if is_open else EXPORT_AGAIN,
        ) from error
