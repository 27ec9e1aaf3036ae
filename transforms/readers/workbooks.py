"""Workbooks as sheets of text: by a fast library in a process of its own, or by a careful one where that may differ.

The fast library tells neither the number format of a cell nor a cell that holds an error. So an .xlsx in which a format
or an error would change the text of a cell goes to the careful one, as does one the fast library cannot read.
"""

from __future__ import annotations

import io
import posixpath
import re
import warnings
import zipfile
from collections.abc import Sequence
from typing import Any, Final
from xml.etree import ElementTree

from transforms.readers.plate_grid import Cells
from transforms.readers.sheets import Sheet, filled, text_of_value, trimmed
from transforms.readers.source import SourceFile
from transforms.readers.workbook_process import PassedOver, needed
from transforms.readers.workbook_worker import NamedCells, sheets_in

__all__ = ["WORKBOOK_SIGNATURES", "Cells", "sheets_of", "workbook_cells"]

WORKBOOK_SIGNATURES: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of .xlsx (a zip) and of old .xls files."""
_FORMATS_OF_NUMBERS: Final = frozenset({0, 1, 2, 3, 4, 11, 12, 13, 37, 38, 39, 40, 48, 49})
"""Formats every spreadsheet knows by number that are neither of dates nor of percentages."""
_FORMAT_OF_NUMBERS = re.compile(r"(?:General|[#0?.,;@_+()* \-])*")
_MARKS: Final = ((b">#", b't="e"'), (b">#", b"t='e'"), (b"!", b"<!"), (b"_", b"_x"), (b"&", b"&#13;"))
"""Cells with an error, comments, escapes and lone line ends, each behind what is found faster and is rare."""
_NAME: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_LARGEST: Final = 100 * 2**20
"""Bytes of an unpacked workbook; beyond, its rows are read one by one."""
_EXACT_DIGITS: Final = 15


class _DiffersError(Exception):
    """The fast library might give other cells than the careful one."""


class _LostSheetError(Exception):
    """The workbook names a sheet that is not in it."""


def workbook_cells(source: SourceFile, passed_over: Sequence[PassedOver] = ()) -> list[tuple[str, Cells]]:
    """Name and cells of the sheets of a workbook, each cell where it stands; a row ends with its last filled cell.

    Dates come as YYYY-MM-DD, cells formatted as percentages with their percent sign.

    Raises SourceFileError (format.workbook) for a file that is damaged, encrypted or no workbook.
    """
    try:
        named = _xlsx(source.data, passed_over) if _is_xlsx(source.data) else sheets_in(source.data, passed_over)
        if not named:
            raise ValueError("there is no sheet in it")
        return named
    except Exception as error:  # whatever a damaged file makes a library raise, it is the file's fault
        raise source.refuse(
            "format.workbook",
            problem=f"the workbook cannot be opened: it is damaged, has a password or is none ({str(error)[:80]})",
            remedy="save it again as .xlsx without a password",
        ) from error


def sheets_of(named: Sequence[tuple[str, Cells]]) -> list[Sheet]:
    """Every sheet that has any filled cell, its first filled row as its header."""
    return [sheet for name, cells in named if (sheet := _sheet(name, cells)) is not None]


def _is_xlsx(data: bytes) -> bool:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return False
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return "xl/workbook.xml" in archive.namelist()


def _xlsx(data: bytes, passed_over: Sequence[PassedOver]) -> NamedCells:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            named = sheets_in(data, passed_over, meanwhile=lambda: _check(archive, passed_over))
        _check_numbers(named)
    except _LostSheetError:  # both libraries would leave it out without a word
        raise
    except Exception:  # whatever it is, it shows again here, or it was the fast library's alone
        return cells_by_openpyxl(data, passed_over)
    return named


def cells_by_openpyxl(data: bytes, passed_over: Sequence[PassedOver] = ()) -> NamedCells:
    """Name and cells of the sheets of an .xlsx, as the careful library reads them.

    Raises whatever it raises at a damaged file.
    """
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and validations perdure does not use
        workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        named: NamedCells = []
        sheets = {sheet.title: sheet for sheet in workbook.worksheets}
        for name in needed(list(sheets), passed_over):
            sheet = sheets[name]
            sheet.reset_dimensions()  # some programs write a size that is too small, and rows would be lost
            named.append((name, filled([[_text(cell) for cell in row] for row in sheet.iter_rows()])))
    return named


def _check(archive: zipfile.ZipFile, passed_over: Sequence[PassedOver]) -> None:
    """Raises _LostSheetError, or anything else where the careful library is to be asked."""
    unread = _parts_passed_over(archive, passed_over)
    _check_formats(archive)
    _check_parts(archive, unread)


def _check_formats(archive: zipfile.ZipFile) -> None:
    """Raises _DiffersError where any cell may be a date, a time or a percentage."""
    for part in archive.namelist():
        if "styles" in part.lower():
            styles = ElementTree.fromstring(archive.read(part))
            if styles.tag != _NAME + "styleSheet":
                raise _DiffersError(styles.tag)
            codes = {form.get("numFmtId", ""): form.get("formatCode", "") for form in styles.iter(_NAME + "numFmt")}
            for cell in styles.iterfind(f"{_NAME}cellXfs/{_NAME}xf"):
                number = cell.get("numFmtId", "0")
                code = codes.get(number)
                is_plain = int(number) in _FORMATS_OF_NUMBERS if code is None else _FORMAT_OF_NUMBERS.fullmatch(code)
                if not is_plain:
                    raise _DiffersError(f"format {number}")


def _check_parts(archive: zipfile.ZipFile, unread: set[str]) -> None:
    """Raises _DiffersError for what the fast library reads otherwise, BadZipFile where bytes were changed."""
    parts = [part for part in archive.infolist() if part.filename.endswith((".xml", ".rels"))]
    if sum(part.file_size for part in parts) > _LARGEST:
        raise _DiffersError("large")
    for part in parts:
        content = b"" if part.filename in unread else archive.read(part)
        if b"\x00" in content[:8] or any(rare in content and mark in content for rare, mark in _MARKS):
            raise _DiffersError(part.filename)


def _parts_passed_over(archive: zipfile.ZipFile, passed_over: Sequence[PassedOver]) -> set[str]:
    """Parts that hold nothing but a sheet that is not read. Raises _LostSheetError where one of a sheet is missing."""
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    target = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    sheets = ElementTree.fromstring(archive.read("xl/workbook.xml")).iterfind(f"{_NAME}sheets/{_NAME}sheet")
    parts = {one.get("name", ""): _path(target[one.get(_RELATION)]) for one in sheets}
    if not parts:
        raise _DiffersError("sheets")
    for name in parts.keys() - {name for name, part in parts.items() if part in archive.namelist()}:
        raise _LostSheetError(f"the content of sheet {name} is missing")
    read = {parts[name] for name in needed(list(parts), passed_over)}
    return set(parts.values()) - read


def _path(target: str) -> str:
    """Where a part lies in the archive; the workbook names it from where it lies itself, or from the top."""
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _check_numbers(named: NamedCells) -> None:
    """Raises _DiffersError for a whole number with more digits than the fast library keeps."""
    for _, cells in named:
        for row in cells:
            for cell in row:
                if len(cell) > _EXACT_DIGITS and cell.lstrip("-").isdigit():
                    raise _DiffersError(cell)


def _sheet(name: str, cells: Cells) -> Sheet | None:
    lines = [(number, list(row)) for number, row in enumerate(cells, start=1) if any(row)]
    if not lines:
        return None
    header, rows = trimmed([row for _, row in lines])
    return Sheet(name, header, rows, [f"{name}!row {number}" for number, _ in lines[1:]], point_is_decimal=True)


def _text(cell: Any) -> str:
    if isinstance(cell.value, int | float) and not isinstance(cell.value, bool) and "%" in (cell.number_format or ""):
        return f"{text_of_value(round(100.0 * cell.value, 10))}%"
    return text_of_value(cell.value)
