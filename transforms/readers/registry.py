"""Which reader takes which file: by content, never by extension."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from expectations.errors import SourceFileError
from expectations.study import StudySettings
from transforms.readers import (
    aid_text,
    aid_workbook,
    ctl_text,
    ctl_workbook,
    cytobank_table,
    cytometry_csv,
    facsdiva_table,
    facsdiva_xml,
    fcs_file,
    flowjo_table,
    flowjo_workspace,
    gating_ml,
    long_csv,
    mabtech,
    redcap,
    reference_tables,
    sdtm,
    xpt,
    zeiss_text,
)
from transforms.readers.headers import header_in_words
from transforms.readers.sheets import Sheet, csv_sheet
from transforms.readers.source import Reading, SourceFile, text_of
from transforms.readers.workbooks import WORKBOOK_SIGNATURES, Cells, sheets_of, workbook_cells
from transforms.readers.xml_documents import XmlReader, read_document


@dataclass(frozen=True, slots=True)
class BinaryReader:
    """A reader of files that are neither text nor workbook, by their bytes."""

    format: str
    recognises: Callable[[bytes], bool]
    read: Callable[[SourceFile, StudySettings], Reading]


@dataclass(frozen=True, slots=True)
class TextReader:
    """A reader of text exports."""

    format: str
    recognises: Callable[[str], bool]
    read: Callable[[SourceFile, str, StudySettings], Reading]


@dataclass(frozen=True, slots=True)
class WorkbookReader:
    """A reader of workbooks whose cells mean something by where they stand: name and cells of every sheet."""

    format: str
    recognises: Callable[[list[tuple[str, Cells]]], bool]
    read: Callable[[SourceFile, list[tuple[str, Cells]], StudySettings], Reading]


@dataclass(frozen=True, slots=True)
class SheetReader:
    """A reader of tables, whether they came as CSV or as the sheets of a workbook."""

    format: str
    recognises: Callable[[list[Sheet]], bool]
    read: Callable[[SourceFile, list[Sheet], StudySettings], Reading]


def _refuse_script(source: SourceFile, *_: object) -> Reading:
    raise gating_ml.refuse_script(source)


BINARY_READERS: Final = (
    BinaryReader(fcs_file.FORMAT, fcs_file.recognises, fcs_file.read),
    BinaryReader(xpt.FORMAT, xpt.recognises, xpt.read),
)
XML_READERS: Final = (
    XmlReader(flowjo_workspace.FORMAT, (flowjo_workspace.ROOT,), flowjo_workspace.read, "workspace.damaged"),
    XmlReader(gating_ml.FORMAT, ("Gating-ML",), gating_ml.read, "gating.damaged"),
    XmlReader(facsdiva_xml.FORMAT, (facsdiva_xml.ROOT,), facsdiva_xml.read, "facsdiva.table"),
    XmlReader("labkey_script", (gating_ml.SCRIPT,), _refuse_script, "gating.damaged"),
)
TEXT_READERS: Final = (
    TextReader(aid_text.FORMAT, aid_text.recognises, aid_text.read),
    TextReader(ctl_text.FORMAT, ctl_text.recognises, ctl_text.read),
    TextReader(zeiss_text.FORMAT, zeiss_text.recognises, zeiss_text.read),
    TextReader(facsdiva_table.FORMAT, facsdiva_table.recognises, facsdiva_table.read),
    TextReader(cytobank_table.FORMAT, cytobank_table.recognises, cytobank_table.read),
)
WORKBOOK_READERS: Final = (
    WorkbookReader(aid_workbook.FORMAT, aid_workbook.recognises, aid_workbook.read),
    WorkbookReader(ctl_workbook.FORMAT, ctl_workbook.recognises, ctl_workbook.read),
    WorkbookReader(mabtech.FORMAT, mabtech.recognises, mabtech.read),
)
PASSED_OVER: Final = (mabtech.PASSED_OVER,)
"""Sheets that are not even opened: opening them takes longer than reading the others."""
SHEET_READERS: Final = (
    SheetReader(long_csv.FORMAT, long_csv.recognises, long_csv.read),
    SheetReader(cytometry_csv.FORMAT, cytometry_csv.recognises, cytometry_csv.read),
    SheetReader(flowjo_table.FORMAT, flowjo_table.recognises, flowjo_table.read),
    SheetReader(redcap.FORMAT, redcap.recognises, redcap.read),
    SheetReader(sdtm.FORMAT, sdtm.recognises, sdtm.read),
    SheetReader(reference_tables.FORMAT, reference_tables.recognises, reference_tables.read),
)

BY_STUDY_FILE: Final = frozenset({redcap.FORMAT, sdtm.FORMAT})
"""Formats of which study.toml says what they give: when it changes, files that came in are read again."""
TRIED_AGAIN: Final = BY_STUDY_FILE | {reference_tables.FORMAT}
"""Formats whose rejected rows may come in later, when what they refer to is there."""


def read(source: SourceFile, settings: StudySettings) -> Reading:
    """The file as its reader understands it.

    Raises SourceFileError for a file that no reader recognises, or that its reader refuses.
    """
    if not source.data.strip():
        raise source.refuse("format.empty", problem="the file is empty", remedy="export or copy it again")
    for binary in BINARY_READERS:
        if binary.recognises(source.data):
            return binary.read(source, settings)
    if (document := read_document(source, XML_READERS, settings)) is not None:
        return document
    if source.data.startswith(WORKBOOK_SIGNATURES):
        return _read_workbook(source, workbook_cells(source, PASSED_OVER), settings)
    text = text_of(source)
    if text is None:
        raise _unrecognised(source, "this is neither a workbook nor text in UTF-8, UTF-16 or Windows-1252")
    for reader in TEXT_READERS:
        if reader.recognises(text):
            return reader.read(source, text, settings)
    sheet = csv_sheet(text)
    return _read_sheets(source, [sheet] if sheet else [], settings)


def _read_workbook(source: SourceFile, sheets: list[tuple[str, Cells]], settings: StudySettings) -> Reading:
    for reader in WORKBOOK_READERS:
        if reader.recognises(sheets):
            return reader.read(source, sheets, settings)
    return _read_sheets(source, sheets_of(sheets), settings)


def _read_sheets(source: SourceFile, sheets: list[Sheet], settings: StudySettings) -> Reading:
    for reader in SHEET_READERS:
        if reader.recognises(sheets):
            _refuse_faults(source, sheets)
            return reader.read(source, sheets, settings)
    headers = [cell for sheet in sheets for cell in sheet.header if cell]
    if not headers:
        raise _unrecognised(source, "it begins like no export or table perdure knows")
    told = header_in_words(headers)
    raise _unrecognised(source, f"no instrument's export and no reference table has the first row of this one: {told}")


def _refuse_faults(source: SourceFile, sheets: list[Sheet]) -> None:
    for sheet in sheets:
        if sheet.fault is not None:
            remedy = "save it again as CSV from the spreadsheet; a quotation mark inside a quoted cell is written twice"
            raise source.refuse("format.unrecognised", problem=sheet.fault, remedy=remedy)


def _unrecognised(source: SourceFile, problem: str) -> SourceFileError:
    return source.refuse(
        "format.unrecognised",
        problem=problem,
        remedy="export it in a format of docs/formats.md, or dismiss it with `perdure quarantine dismiss`",
    )
