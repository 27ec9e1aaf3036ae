"""AID ELISpot and FluoroSpot readers, workbook export: blocks of numbers, one below the other, each under its title.

Only blocks titled `Spots Number` are counts; activity, SFU, areas and sizes stand in blocks of the same shape. Of a
FluoroSpot plate every fluorochrome has a block, and so has every combination of them: each is an analyte of its own.
The instrument writes the blocks of counts first, images before combinations; another order means that a title is not
that of its block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple

import polars as pl

from expectations.errors import SourceFileError
from expectations.ingested import ELISPOT_COUNTS, PLATES
from expectations.study import StudySettings
from transforms.readers.aid_text import plate_id_of
from transforms.readers.counting_parameters import as_json, labelled, software_version
from transforms.readers.dates import AmbiguousDateError, read_date
from transforms.readers.sentinels import CountCell, meanings_of
from transforms.readers.source import Reading, SourceFile, incoming, incoming_columns
from transforms.readers.workbooks import Cells

FORMAT: Final = "aid_workbook"
_SHEET: Final = "PlateData"
_PROPERTIES: Final = "Properties"
_COUNTS: Final = "Spots Number"
_TITLE = re.compile(r"Plate Data\s*-\s*(?P<what>[^()]+?)\s*(?:\((?P<which>.*)\))?")
_IMAGE = re.compile(r"in (?P<nth>\w+) image:(?P<name>.*)")
_STAINED = re.compile(r"(?P<times>\w+) stained:(?P<names>.*)")
_IMAGES: Final = ("first", "second", "third", "fourth", "fifth")
_TIMES: Final = ("double", "triple", "quadruple", "quintuple")
_HEADER = re.compile(r"Plate:(?P<name>.*?),\s*Date:(?P<date>.*?),\s*User:.*", re.DOTALL)
_ROWS_OF: Final = {12: 8, 24: 16}
"""Columns of a plate to its rows."""
_WORDS: Final = {"": "not_counted", "--": "not_counted", "TNTC": "tntc"}
"""What stands for a count, in capitals."""
_SETTING: Final = "TNTC level"
"""Title of blocks that are no measurement: the count from which the reader gives up, in every well."""
_ENTERED: Final = ("Sample ids",)
"""Titles of blocks in which the operator wrote something."""
_NO_SETTINGS: Final = ("plate name", "date", "user", "comments", "path")
"""Labels, in lower case, of the sheet of properties that do not say how spots were counted."""
_EXPORT_AGAIN: Final = "export the plate again from the AID software and do not edit the workbook"

Sheets = list[tuple[str, Cells]]


class _Block(NamedTuple):
    """A title, its row from 0, what its numbers are and of which image or combination."""

    row: int
    what: str
    which: str | None


def recognises(sheets: Sheets) -> bool:
    """True where a sheet has a title of a block as AID writes it, or the name of AID's sheet of blocks."""
    return any(_has_blocks(name, cells) for name, cells in sheets)


def read(source: SourceFile, sheets: Sheets, settings: StudySettings) -> Reading:
    """One plate: per fluorochrome and per combination, a row of `plates` and one row of `elispot_counts` a well.

    The analyte is what the title names (`FITC`, `FITC+Cy5`), the study's where a title names none. An empty cell and
    `--` are wells not counted.

    Raises SourceFileError (aid.header, aid.count_grid, aid.count_token): all blocks of counts are taken in whole or
    none.
    """
    name, cells = _sheet_of_blocks(source, sheets)
    properties = _properties(sheets)
    header = _header(cells)
    plate: dict[str, object] = {
        "plate_id": _plate_name(source, header, properties),
        "instrument": "AID",
        "software_version": software_version(properties),
        "read_date": _read_date(source, header, properties, settings),
        "comment": " | ".join(properties.get("Comments", [])) or None,
        "file_sha256": source.sha256,
    }
    blocks = _blocks(source, name, cells)
    plates: list[dict[str, object]] = []
    wells: list[pl.DataFrame] = []
    for analyte, block in _blocks_of_counts(source, name, blocks, settings.elispot.analyte):
        grid = _grid(source, name, cells, block)
        spots, statuses = meanings_of(source, grid, _WORDS, settings, lambda cell: _bad_cell(source, cell))
        facts = {
            "analyte": analyte,
            "n_wells": len(grid),
            "counting_parameters": as_json(_parameters(properties, cells, blocks, block), without=_NO_SETTINGS),
            "place": f"{name}!A{block.row + 1}",
        }
        plates.append(plate | facts)
        of_well = {"well": [cell.well for cell in grid], "place": [cell.place for cell in grid]}
        counts = plate | {"analyte": analyte, "spots": spots, "status": statuses} | of_well
        wells.append(incoming_columns(ELISPOT_COUNTS, len(grid), counts))
    if len({facts["n_wells"] for facts in plates}) > 1:
        raise _refused(source, name, "the blocks of counts are not all of one plate: they differ in size")
    tables = {"plates": incoming(PLATES, plates), "elispot_counts": pl.concat(wells)}
    unused = _entered(cells, blocks)
    return Reading(FORMAT, tables, unused_columns={"elispot_counts": unused} if unused else {})


def _is_title(cell: str) -> bool:
    return cell.strip().startswith("Plate Data")


def _has_blocks(name: str, cells: Cells) -> bool:
    return name == _SHEET or any(row and _is_title(row[0]) for row in cells)


def _sheet_of_blocks(source: SourceFile, sheets: Sheets) -> tuple[str, Cells]:
    found = [(name, cells) for name, cells in sheets if _has_blocks(name, cells)]
    if len(found) != 1:
        told = ", ".join(name for name, _ in found)
        raise _refused(source, told, f"expected one sheet of blocks, as `{_SHEET}`, found {len(found)}")
    return found[0]


def _properties(sheets: Sheets) -> dict[str, list[str]]:
    """What the sheet `Properties` says, filled lines only."""
    lines = [row for name, cells in sheets if name == _PROPERTIES for row in cells]
    return labelled((row[0], " | ".join(filter(None, row[1:]))) for row in lines if row and row[0])


def _parameters(
    properties: dict[str, list[str]], cells: Cells, blocks: list[_Block], counts: _Block
) -> dict[str, list[str]]:
    """The settings in the sheet of properties, and the level from which the wells of this image were TNTC."""
    mine = [block for block in blocks if block.what == _SETTING and block.which in (None, counts.which)]
    levels = dict.fromkeys(cell for block in mine for cell in _filled_cells(cells, block))
    return properties | ({_SETTING: list(levels)} if levels else {})


def _entered(cells: Cells, blocks: list[_Block]) -> list[str]:
    """Blocks in which the operator wrote something, which is not read."""
    return [block.what for block in blocks if block.what in _ENTERED and any(_filled_cells(cells, block))]


def _filled_cells(cells: Cells, block: _Block) -> Iterable[str]:
    """What stands in the wells of a block that is not one of counts, empty cells and `--` left out."""
    for row in cells[block.row + 2 :]:
        if not any(row) or _is_title(row[0]):
            return
        yield from (cell for cell in row[1:] if cell not in ("", "--"))


def _header(cells: Cells) -> dict[str, str]:
    """Plate name and date of the line above the first block, filled ones only."""
    above = next((n for n, row in enumerate(cells) if row and _is_title(row[0])), len(cells))
    for row in cells[:above]:
        for cell in row:
            if match := _HEADER.fullmatch(cell):
                return {key: value.strip() for key, value in match.groupdict().items() if value.strip()}
    return {}


def _plate_name(source: SourceFile, header: dict[str, str], properties: dict[str, list[str]]) -> str:
    names = {plate_id_of(name) for name in (header.get("name", ""), *properties.get("Plate Name", []))} - {""}
    if len(names) == 1:
        return names.pop()
    several = f"the workbook gives two plate names ({', '.join(sorted(names))})"
    neither = f"neither the first line nor the sheet `{_PROPERTIES}` gives the plate a name"
    raise source.refuse(
        "aid.header",
        place=f"{_SHEET}!row 1 and {_PROPERTIES}!row 1",
        problem=several if names else neither,
        remedy="name the plate in the AID software and export it again",
    )


def _read_date(
    source: SourceFile, header: dict[str, str], properties: dict[str, list[str]], settings: StudySettings
) -> date | None:
    told = {header.get("date", ""), *properties.get("Date", [])} - {""}
    days: set[date] = set()
    for value in sorted(told):
        try:
            days.add(read_date(value, settings.dates.order))
        except ValueError as error:
            is_open = isinstance(error, AmbiguousDateError)
            problem = f"the read date cannot be read: {f'in {value!r} ' if is_open else ''}{error}"
            remedy = "set dates.order in study.toml" if is_open else _EXPORT_AGAIN
            raise source.refuse("aid.header", place=_PROPERTIES, problem=problem, remedy=remedy) from error
    if len(days) > 1:
        problem = f"the workbook gives two read dates ({', '.join(map(str, sorted(days)))})"
        raise source.refuse("aid.header", place=_PROPERTIES, problem=problem, remedy=_EXPORT_AGAIN)
    return days.pop() if days else None


def _blocks(source: SourceFile, name: str, cells: Cells) -> list[_Block]:
    return [_block(source, name, number, row[0]) for number, row in enumerate(cells) if row and _is_title(row[0])]


def _blocks_of_counts(source: SourceFile, name: str, blocks: list[_Block], unnamed: str) -> list[tuple[str, _Block]]:
    """Analyte and block, in the order of the sheet."""
    are_counts = [block.what == _COUNTS for block in blocks]
    if not any(are_counts):
        raise _refused(source, name, f"there is no block titled `Plate Data - {_COUNTS}`")
    n_counts = sum(are_counts)
    if not all(are_counts[:n_counts]):
        stray = next(block for block, is_counts in zip(blocks, are_counts, strict=True) if not is_counts)
        told = f"a block of {stray.what!r} stands above one of counts, which come first in an export"
        raise _refused(source, f"{name}!A{stray.row + 1}", told)
    counts = blocks[:n_counts]
    named = n_counts > 1 or counts[0].which is not None
    analytes = _analytes(source, name, counts) if named else [unnamed]
    _check_others(source, name, counts, blocks[n_counts:])
    return list(zip(analytes, counts, strict=True))


def _check_others(source: SourceFile, name: str, counts: list[_Block], others: list[_Block]) -> None:
    """Whatever else was measured has blocks of the same images in their order, from the first on."""
    expected = [block.which for block in counts]
    seen: set[str] = set()
    for what, group in groupby(others, key=lambda block: block.what):
        blocks = list(group)
        if what in seen:
            told = f"blocks of {what!r} stand in two places, so rows have been moved or doubled"
            raise _refused(source, f"{name}!A{blocks[0].row + 1}", told)
        seen.add(what)
        for n, block in enumerate(blocks):
            if _is_of_image(block) and (n >= len(expected) or block.which != expected[n]):
                told = (
                    f"the blocks of {what!r} are not those of the blocks of counts, in their order: "
                    f"{str(block.which)[:60]!r} is not expected here, so a block is missing or its title is damaged"
                )
                raise _refused(source, f"{name}!A{block.row + 1}", told)


def _is_of_image(block: _Block) -> bool:
    which = block.which or ""
    return bool(_IMAGE.fullmatch(which) or _STAINED.fullmatch(which))


def _block(source: SourceFile, name: str, row: int, title: str) -> _Block:
    match = _TITLE.fullmatch(" ".join(title.split()))
    if match is None:
        raise _refused(source, f"{name}!A{row + 1}", f"the title {title.strip()[:60]!r} does not say what the block is")
    return _Block(row, match["what"], match["which"])


def _analytes(source: SourceFile, name: str, blocks: list[_Block]) -> list[str]:
    """The analyte of each block; images in their order, then combinations of them in theirs."""
    images: list[str] = []
    combinations: list[tuple[int, ...]] = []
    for block in blocks:
        which = block.which or ""
        image, stained = _IMAGE.fullmatch(which), _STAINED.fullmatch(which)
        is_known = False
        if image and not combinations:
            images.append(image["name"].strip())
            is_known = image["nth"] == _nth(len(images)) and _is_new(images)
        elif stained:
            parts = [part.strip() for part in stained["names"].split("+")]
            combinations.append(tuple(n for n, image_name in enumerate(images) if image_name in parts))
            is_known = [images[n] for n in combinations[-1]] == parts and stained["times"] == _times(len(parts))
        if not is_known:
            told = (
                f"{which[:60]!r} is not the image or combination expected here: images come first, each with a name of "
                "its own, then what is stained in two of them, in three, and so on"
            )
            raise _refused(source, f"{name}!A{block.row + 1}", told)
    ranks = [(len(parts), parts) for parts in combinations]
    for before, after, block in zip(ranks, ranks[1:], blocks[len(images) + 1 :], strict=False):
        if not before < after:
            told = f"{(block.which or '')[:60]!r} stands twice or out of order among the combinations"
            raise _refused(source, f"{name}!A{block.row + 1}", told)
    return images + ["+".join(images[part] for part in parts) for parts in combinations]


def _nth(n: int) -> str | None:
    return _IMAGES[n - 1] if n <= len(_IMAGES) else None


def _times(n: int) -> str | None:
    return _TIMES[n - 2] if 2 <= n <= len(_TIMES) + 1 else None


def _is_new(images: list[str]) -> bool:
    """True where the last image has a name, and no other has it."""
    return images[-1] not in ("", *images[:-1]) and "+" not in images[-1]


def _grid(source: SourceFile, name: str, cells: Cells, block: _Block) -> list[CountCell]:
    n_columns = _columns(source, name, cells, block)
    n_rows, first = _ROWS_OF[n_columns], block.row + 2
    wells: list[CountCell] = []
    for offset in range(n_rows):
        row = _filled(cells, first + offset)
        place, letter = f"{name}!A{first + offset + 1}", chr(ord("A") + offset)
        if not row or row[0] != letter:
            raise _refused(source, place, f"expected row {letter} of the counts, found {' '.join(row)[:40]!r}")
        if len(row) > n_columns + 1:
            told = f"row {letter} has cells to the right of its {n_columns} columns, so which well is which is open"
            raise _refused(source, place, told)
        row += [""] * (n_columns + 1 - len(row))
        wells += [
            CountCell(f"{letter}{column}", cell, f"{name}!{chr(ord('A') + column)}{first + offset + 1}")
            for column, cell in enumerate(row[1:], start=1)
        ]
    _check_shifted(source, wells, n_columns)
    _check_below(source, name, cells, first + n_rows)
    return wells


def _check_shifted(source: SourceFile, wells: list[CountCell], n_columns: int) -> None:
    """A cell taken out of a row moves those behind it and leaves the last one empty, where other rows have one."""
    rows = [wells[n : n + n_columns] for n in range(0, len(wells), n_columns)]
    filled = [row for row in rows if any(cell.text for cell in row)]
    ends = {bool(row[-1].text): row[-1] for row in filled}
    if len(ends) == 2:
        told = f"row {ends[False].well[0]} ends before the last column, so its cells may have been moved"
        raise _refused(source, ends[False].place, told)


def _check_below(source: SourceFile, name: str, cells: Cells, row: int) -> None:
    """Down to the next title there is nothing: rows left over there would belong to the counts above."""
    while row < len(cells) and not (cells[row] and _is_title(cells[row][0])):
        if below := _filled(cells, row):
            told = f"expected nothing between the rows of counts and the next title, found {' '.join(below)[:40]!r}"
            raise _refused(source, f"{name}!A{row + 1}", told)
        row += 1


def _columns(source: SourceFile, name: str, cells: Cells, block: _Block) -> int:
    found = _filled(cells, block.row + 1)
    for n_columns in _ROWS_OF:
        if found == ["", *map(str, range(1, n_columns + 1))]:
            return n_columns
    expected = " or ".join(f"1 to {n}" for n in _ROWS_OF)
    told = f"expected the column numbers {expected} below the title of the block, found {' '.join(found)[:40]!r}"
    raise _refused(source, f"{name}!A{block.row + 2}", told)


def _filled(cells: Cells, row: int) -> list[str]:
    """The cells of a row up to the last filled one; none below the last row."""
    told = list(cells[row]) if row < len(cells) else []
    while told and not told[-1]:
        told.pop()
    return told


def _bad_cell(source: SourceFile, cell: CountCell) -> SourceFileError:
    return source.refuse(
        "aid.count_token",
        place=cell.place,
        problem=f"{cell.text[:20]!r} is neither a count, TNTC, `--` nor empty",
        remedy=_EXPORT_AGAIN,
    )


def _refused(source: SourceFile, place: str, problem: str) -> SourceFileError:
    return source.refuse("aid.count_grid", place=place, problem=problem, remedy=_EXPORT_AGAIN)
