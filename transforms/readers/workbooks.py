"""Workbooks as sheets of text: .xlsx in this process; older kinds in one of their own, which may fall over alone."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Sequence
from typing import Any, Final

from transforms.readers.sheets import Sheet, text_of_value, trimmed
from transforms.readers.source import SourceFile

WORKBOOK_SIGNATURES: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of .xlsx (a zip) and of old .xls files."""
_SECONDS: Final = 60
"""A workbook of an older kind that takes longer is damaged."""

Cells = Sequence[Sequence[str]]


def workbook_cells(source: SourceFile) -> list[tuple[str, Cells]]:
    """Name and cells of every sheet of a workbook, each cell where it stands.

    Dates come as YYYY-MM-DD, cells formatted as percentages with their percent sign.

    Raises SourceFileError (format.workbook) for a file that is damaged, encrypted or no workbook.
    """
    try:
        return _xlsx(source.data) if _is_xlsx(source.data) else _older(source.data)
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


def _xlsx(data: bytes) -> list[tuple[str, Cells]]:
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and validations perdure does not use
        workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        named: list[tuple[str, Cells]] = []
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()  # some programs write a size that is too small, and rows would be lost
            named.append((sheet.title, [[_text(cell) for cell in row] for row in sheet.iter_rows()]))
    return named


def _older(data: bytes) -> list[tuple[str, Cells]]:
    """Sheets of .xls and .ods. Their library can take the whole process down on a damaged file, so it has its own."""
    command = [sys.executable, "-m", "transforms.readers.older_workbooks"]
    done = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS, check=False)
    if done.returncode != 0:
        raise ValueError(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    return [(name, cells) for name, cells in json.loads(done.stdout)]


def _sheet(name: str, cells: Cells) -> Sheet | None:
    filled = [(number, list(row)) for number, row in enumerate(cells, start=1) if any(row)]
    if not filled:
        return None
    header, rows = trimmed([row for _, row in filled])
    return Sheet(name, header, rows, [f"{name}!row {number}" for number, _ in filled[1:]], point_is_decimal=True)


def _text(cell: Any) -> str:
    if isinstance(cell.value, int | float) and not isinstance(cell.value, bool) and "%" in (cell.number_format or ""):
        return f"{text_of_value(round(100.0 * cell.value, 10))}%"
    return text_of_value(cell.value)
