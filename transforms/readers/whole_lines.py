"""Lines of a CSV that are whole: as many cells as the header, and an end. Of one that is not, no cell is sure."""

from __future__ import annotations

from collections.abc import Collection

from transforms.readers.population_counts import Export
from transforms.readers.sheets import Sheet


def refuse_ragged(export: Export, sheet: Sheet, needed: Collection[str]) -> None:
    """Refuses a sheet with a line too long, and a CSV with one of the `needed` places too short or without an end.

    A row of a workbook ends with its last filled cell, so a short one is nothing strange there.
    """
    width = len(sheet.header)
    for place, row in zip(sheet.places, sheet.rows, strict=True):
        if len(row) > width:
            raise export.refuse(place, f"the line has {len(row)} cells, the header {width}")
        if sheet.name is None and len(row) < width and place in needed:
            raise export.refuse(place, f"the line has {len(row)} cells, the header {width}")
    if sheet.name is None and sheet.places and sheet.places[-1] in needed and not is_ended(export):
        raise export.refuse(sheet.places[-1], "the file ends within this line, so its last cell may be cut short")


def is_ended(export: Export) -> bool:
    """True where the last line of the file has an end."""
    return export.source.data.rstrip(b"\x00").endswith((b"\n", b"\r"))
