"""Excel workbooks of which the same content gives the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_MADE_ON: Final = "2014-12-31T00:00:00Z"


def write_sheets(sheets: Mapping[str, Iterable[list[object]]]) -> bytes:
    """A workbook of these sheets, line by line; dates become date cells."""
    from openpyxl import Workbook

    book, raw, fixed = Workbook(write_only=True), io.BytesIO(), io.BytesIO()
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    book.save(raw)
    # openpyxl stamps the time of saving into the archive and into its properties.
    with ZipFile(raw) as saved, ZipFile(fixed, "w", ZIP_DEFLATED) as archive:
        for name in saved.namelist():
            part = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", _MADE_ON.encode(), saved.read(name))
            archive.writestr(ZipInfo(name, (2014, 12, 31, 0, 0, 0)), part, ZIP_DEFLATED)
    return fixed.getvalue()
