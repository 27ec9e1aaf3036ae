"""The process that reads workbooks: one after the other from its input, their sheets as text in JSON to its output.

Run by `transforms.readers.workbook_worker`: on a damaged file the library ends the process instead of raising. A
message is its length in eight bytes, then its content: first which sheets may be passed over and the seconds there are
for it, then the workbook. The process ends with its input, and when the time is over.
"""

from __future__ import annotations

import faulthandler
import gc
import io
import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO, Final, NamedTuple

from transforms.readers.sheets import filled, text_of_value

LENGTH: Final = 8
"""Bytes of the length that goes before every message, the highest first."""
_BYTES_OF_MEMORY: Final = 4 * 2**30
"""A damaged file can claim billions of cells; beyond this the process ends."""


class PassedOver(NamedTuple):
    """Sheets no reader needs: those whose whole name is `names` (a regular expression) beside a sheet `beside`."""

    beside: str
    names: str


def main() -> None:
    """Reads, converts, writes, until there is nothing more to read."""
    _limit_memory()
    gc.disable()  # it finds nothing, and takes a tenth of the time
    while (head := sys.stdin.buffer.read(LENGTH)) != b"":
        told = json.loads(sys.stdin.buffer.read(int.from_bytes(head)))
        data = sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(LENGTH)))
        faulthandler.dump_traceback_later(told["seconds"], exit=True)  # also out of the library, which holds the lock
        answer = _answer(data, [PassedOver(*pair) for pair in told["passed_over"]])
        faulthandler.cancel_dump_traceback_later()
        _write(sys.stdout.buffer, json.dumps(answer).encode())


def needed(names: Sequence[str], passed_over: Iterable[PassedOver]) -> list[str]:
    """The names of the sheets that are read."""
    unread = [sheets.names for sheets in passed_over if sheets.beside in names]
    return [name for name in names if not any(re.fullmatch(pattern, name) for pattern in unread)]


def _answer(data: bytes, passed_over: Iterable[PassedOver]) -> dict[str, Any]:
    try:
        return {"sheets": _sheets(data, passed_over)}
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic of the library is no Exception
        return {"error": str(error) or type(error).__name__}


def _sheets(data: bytes, passed_over: Iterable[PassedOver]) -> list[tuple[str, list[list[str]]]]:
    from python_calamine import CalamineWorkbook, SheetTypeEnum

    workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    names = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    return [
        (name, _texts(workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)))
        for name in needed(names, passed_over)
    ]


def _texts(rows: list[list[Any]]) -> list[list[str]]:
    return filled([[text_of_value(value) for value in _cut(row)] for row in rows])


def _cut(row: list[Any]) -> list[Any]:
    """Without the empty cells at its end: they are most of many a sheet, and making text of them takes its time."""
    while row and row[-1] == "":
        row.pop()
    return row


def _write(stream: BinaryIO, content: bytes) -> None:
    stream.write(len(content).to_bytes(LENGTH))
    stream.write(content)
    stream.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (_BYTES_OF_MEMORY, _BYTES_OF_MEMORY))


if __name__ == "__main__":
    main()
