"""CTL ImmunoSpot reader, workbooks of versions 3 and 4 (.xls, or saved again as .xlsx): one plate a sheet.

Colours are not read: which counts were changed in quality control, and which are uncertain, is lost and reported so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from expectations.study import StudySettings
from transforms.readers.ctl_cells import counts_in_cells
from transforms.readers.ctl_plate import Export, is_first_line, reading_of
from transforms.readers.plate_grid import Cells, is_blank
from transforms.readers.source import Reading, SourceFile

FORMAT: Final = "ctl_workbook"
NamedCells = Sequence[tuple[str, Cells]]


def recognises(sheets: NamedCells) -> bool:
    """True where a sheet begins as an ImmunoSpot export does."""
    return any(_is_export(cells) for _, cells in sheets)


def read(source: SourceFile, sheets: NamedCells, settings: StudySettings) -> Reading:
    """Every plate of the workbook: a row of `plates` each and one row of `elispot_counts` a well.

    Raises SourceFileError (ctl.header, ctl.count_grid, ctl.count_token, sentinel.undeclared).
    """
    filled = [(name, cells) for name, cells in sheets if not all(map(is_blank, cells))]
    for name, cells in filled:
        if not _is_export(cells):
            raise source.refuse(
                "ctl.header",
                place=f"sheet {name}",
                problem="the sheet does not begin with the version of the ImmunoSpot software, as others do",
                remedy="move it to a workbook of its own",
            )
    exports = [Export(source, cells, name) for name, cells in filled]
    reading = reading_of(FORMAT, [(export, counts_in_cells(export)) for export in exports], settings)
    names = reading.tables["plates"]["plate_id"]
    if names.n_unique() < len(names):
        raise source.refuse(
            "ctl.header",
            place="sheets " + ", ".join(name for name, _ in filled),
            problem="two sheets hold the same plate",
            remedy="remove one of them",
        )
    return reading


def _is_export(cells: Cells) -> bool:
    first = next((row for row in cells if not is_blank(row)), ())
    return any(is_first_line(text) for text in first)
