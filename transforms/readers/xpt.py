"""SAS transport files (XPT), version 5 and 8: one SDTM dataset each.

The layout is that of SAS's technical notes TS-140 (version 5) and on version 8: records of 80 bytes, headers that name
library, member, variables and observations. Read with ReadStat through pyreadstat.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from expectations.errors import SourceFileError
from expectations.study import StudySettings
from transforms.readers import sdtm
from transforms.readers.sheets import Sheet, text_of_value
from transforms.readers.source import Reading, SourceFile

FORMAT: Final = "xpt"

_RECORD: Final = 80
_LIBRARIES: Final = (
    b"HEADER RECORD*******LIBRARY HEADER RECORD",
    b"HEADER RECORD*******LIBV8   HEADER RECORD",
)
_MEMBER: Final = re.compile(rb"HEADER RECORD\*{7}(?:MEMBER |MEMBV8 ) HEADER RECORD!{7}")
_OBSERVATIONS: Final = re.compile(rb"HEADER RECORD\*{7}OBSV8   HEADER RECORD!{7}([ 0-9]{15})")
"""Of version 8 only: how many rows there are."""
_VERSION_5_OBSERVATIONS: Final = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!"
_ENCODINGS: Final = ("UTF-8", "WINDOWS-1252")


def recognises(data: bytes) -> bool:
    """True for the first record of a transport file."""
    return data.startswith(_LIBRARIES)


def read(source: SourceFile, settings: StudySettings) -> Reading:
    """What the SDTM dataset in it gives.

    Raises SourceFileError: xpt.damaged, and those of `sdtm.read`.
    """
    _refuse_torn(source)
    columns, width = _columns(source)
    sheet = _sheet(columns)
    _refuse_short(source, sheet)
    _refuse_left_over(source, sheet, width)
    if not sdtm.is_dataset(sheet):
        shown = ", ".join(sheet.header)[:120]
        raise source.refuse(
            "sdtm.variables",
            problem=f"this transport file holds no SDTM dataset: STUDYID, DOMAIN or USUBJID is missing ({shown})",
            remedy="export the SDTM domain; analysis datasets (ADaM) are not taken",
        )
    return sdtm.read(source, [sheet], settings)


def _refuse_torn(source: SourceFile) -> None:
    if over := len(source.data) % _RECORD:
        raise _damaged(source, f"it ends {over} bytes into a record of {_RECORD} bytes: it is cut short")
    members = len(_MEMBER.findall(source.data))
    if members != 1:
        raise _damaged(source, f"it holds {members} datasets, and perdure takes one a file")


def _refuse_short(source: SourceFile, sheet: Sheet) -> None:
    declared = _OBSERVATIONS.search(source.data)
    if declared is None or not declared[1].strip().isdigit():
        return
    if int(declared[1]) != len(sheet.rows):
        problem = f"its header declares {int(declared[1])} rows, and {len(sheet.rows)} are there: it is cut short"
        raise _damaged(source, problem)


def _refuse_left_over(source: SourceFile, sheet: Sheet, width: int) -> None:
    """Version 5 does not say how many rows there are: behind the last are only blanks, to the end of its record."""
    at = source.data.find(_VERSION_5_OBSERVATIONS)
    if at < 0:
        return
    left = source.data[at + _RECORD + len(sheet.rows) * width :]
    if len(left) >= _RECORD or left.strip(b" "):
        problem = f"behind row {len(sheet.rows)} stand {len(left)} bytes that are no whole row: it is cut short"
        raise _damaged(source, problem)


def _columns(source: SourceFile) -> tuple[Mapping[str, Sequence[Any]], int]:
    """Values by variable, and the bytes of a row."""
    import pyreadstat

    for encoding in _ENCODINGS:
        try:
            columns, about = pyreadstat.read_xport(
                io.BytesIO(source.data), output_format="dict", encoding=encoding, disable_datetime_conversion=True
            )
        except Exception as error:
            # whatever the library makes of damaged bytes
            problem = str(error) or type(error).__name__
        else:
            if None in columns or len(columns) != about.number_columns:
                raise _damaged(source, "a variable of it has no name, or the name of another one")
            return columns, sum(about.variable_storage_width.values())
    raise _damaged(source, f"it cannot be read ({problem[:120]})")


def _sheet(columns: Mapping[str, Sequence[Any]]) -> Sheet:
    cells = [[_text(value) for value in values] for values in columns.values()]
    rows = [list(row) for row in zip(*cells, strict=True)]
    return Sheet(None, list(columns), rows, [f"row {n}" for n in range(1, len(rows) + 1)], point_is_decimal=True)


def _text(value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    if isinstance(value, str | float | int | date | datetime) or value is None:
        return text_of_value(value)
    return str(value)


def _damaged(source: SourceFile, problem: str) -> SourceFileError:
    remedy = "export it again as XPT version 5 or 8, one dataset a file, or as CSV"
    return source.refuse("xpt.damaged", problem=problem, remedy=remedy)
