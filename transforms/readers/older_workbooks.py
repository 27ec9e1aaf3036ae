"""A process that reads one .xls or .ods workbook from its input and writes its sheets, as text in JSON, to its output.

Run by `transforms.readers.workbooks`: on a damaged file the library ends the process instead of raising.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Final

from transforms.readers.sheets import text_of_value

_BYTES_OF_MEMORY: Final = 4 * 2**30
"""A damaged file can claim billions of cells; beyond this the process ends."""


def main() -> None:
    """Reads, converts, writes."""
    from python_calamine import CalamineWorkbook

    _limit_memory()
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
    named = [(name, workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in workbook.sheet_names]
    told = [(name, [[text_of_value(cell) for cell in row] for row in rows]) for name, rows in named]
    json.dump(told, sys.stdout)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (_BYTES_OF_MEMORY, _BYTES_OF_MEMORY))


if __name__ == "__main__":
    main()
