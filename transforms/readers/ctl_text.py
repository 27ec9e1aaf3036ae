"""CTL ImmunoSpot reader, text of version 7: either grids of fixed width one below the other, or cells parted by tabs.

In the first kind the counts stand under `Unprocessed Data`, and a token stands under the number of its column, however
many there are; only one longer than its place, as TNTC can be, moves what follows. The second kind is that of the
workbooks (`transforms.readers.ctl_cells`), before or after quality control.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Final

from expectations.study import StudySettings
from transforms.readers.ctl_cells import counts_in_cells
from transforms.readers.ctl_plate import Counts, Export, Token, coloured_of, is_first_line, legend_of, reading_of
from transforms.readers.plate_grid import PLATE_SHAPES, ROW_LETTERS
from transforms.readers.source import Reading, SourceFile

FORMAT: Final = "ctl_text"
_TITLE: Final = "unprocessed data"
_PLATE_CODE = re.compile(r"\s*C\.T\.L\.\s+ImmunoSpot\s+Plate Code\s*=\s*(.*?)\s*")
_REPLACED: Final = "\ufffd"
"""What a text holds where bytes were lost before it came here."""


def recognises(text: str) -> bool:
    """True for a text that begins with the version of the ImmunoSpot software."""
    return is_first_line(next((line for line in text.split("\n") if line.strip()), ""))


def read(source: SourceFile, text: str, settings: StudySettings) -> Reading:
    """One plate: a row of `plates` and one row of `elispot_counts` a well.

    Raises SourceFileError (ctl.header, ctl.count_grid, ctl.count_token, sentinel.undeclared): the grid is taken in
    whole or not at all.
    """
    lines = text.split("\n")
    export = Export(source, [line.split("\t") for line in lines])
    is_fixed = any(line.strip().lower() == _TITLE for line in lines)
    counts = _counts_in_lines(export, lines) if is_fixed else counts_in_cells(export)
    return reading_of(FORMAT, [(export, counts)], settings)


def _counts_in_lines(export: Export, lines: list[str]) -> Counts:
    titles = [row for row, line in enumerate(lines) if line.strip().lower() in (_TITLE, "spot counts")]
    if len(titles) != 1:
        raise export.refuse(
            "ctl.count_grid",
            ", ".join(export.place(row) for row in titles),
            f"expected one grid of counts, titled `Unprocessed Data`, found {len(titles)}",
        )
    header, plate_code = _header(export, lines, titles[0])
    columns = _columns(export, lines[header], header)
    begins = next((row for row in range(header + 1, len(lines)) if lines[row].strip()), header + 1)
    tokens: list[Token] = []
    for offset, letter in enumerate(ROW_LETTERS[: PLATE_SHAPES[columns]]):
        row = begins + offset
        texts = _row(export, lines, header, row, letter)
        tokens += [Token(f"{letter}{n}", text, export.place(row)) for n, text in enumerate(texts, start=1)]
    ends = begins + PLATE_SHAPES[columns]
    _check_end(export, lines, ends)
    below = [[line] for line in takewhile(str.strip, lines[ends:])]
    return Counts(tokens, titles[0], legend_of(below), plate_code, coloured_of(below))


def _header(export: Export, lines: list[str], title: int) -> tuple[int, str | None]:
    """The row of the column numbers, and the plate code between it and the title."""
    plate_code = None
    for row in range(title + 1, len(lines)):
        if match := _PLATE_CODE.fullmatch(lines[row]):
            plate_code = match[1].replace(_REPLACED, "").strip() or None
        elif lines[row].strip():
            return row, plate_code
    return len(lines) - 1, plate_code


def _columns(export: Export, line: str, header: int) -> int:
    found = line.split()
    columns = len(found)
    if found != [str(n) for n in range(1, columns + 1)] or columns not in PLATE_SHAPES:
        told = (
            f"expected the column numbers 1 to 12 (or of another plate) above the counts, found {line.strip()[:40]!r}"
        )
        raise export.refuse("ctl.count_grid", export.place(header), told)
    return columns


def _row(export: Export, lines: list[str], header: int, row: int, letter: str) -> list[str]:
    """The tokens of a row, empty ones for wells that are blank."""
    line = lines[row].rstrip("\r") if row < len(lines) else ""
    if not re.match(rf"{letter}(\s|$)", line):
        problem = f"expected row {letter} of the counts, found {line.strip()[:40]!r}: cut short or out of order"
        raise export.refuse("ctl.count_grid", export.place(row), problem)
    columns = len(lines[header].split())
    is_tabbed = "\t" in lines[header] and "\t" in line
    texts = _between_tabs(lines[header], line) if is_tabbed else _under(lines[header], line)
    if len(texts) != columns:
        told = f"row {letter} does not have one count under each of {columns} column numbers"
        raise export.refuse("ctl.count_grid", export.place(row), f"{told}, so which well is which is open")
    return texts


def _between_tabs(header: str, line: str) -> list[str]:
    cells = [text.strip() for text in line.split("\t")]
    numbers = header.split("\t")
    return cells[1:] if len(cells) == len(numbers) and not numbers[0].strip() else []


def _under(header: str, line: str) -> list[str]:
    """Tokens by the column number they stand under; none where one stands under no number or two under one.

    Blank wells are told only where the line is as long as the header: else something may have been cut out of it.
    """
    numbers = [match.end() for match in re.finditer(r"\S+", header)]
    width = numbers[1] - numbers[0]
    ends = [numbers[0] + width * n for n in range(len(numbers))]
    found = [(match.end(), match[0]) for match in re.finditer(r"\S+", line)][1:]
    if len(found) == len(ends):
        return [text for _, text in found] if _stand_under(found, ends) else []
    by_end = dict(found)
    is_whole = len(line) >= ends[-1] and set(by_end) <= set(ends)
    return [by_end.get(end, "") for end in ends] if is_whole else []


def _stand_under(found: list[tuple[int, str]], ends: list[int]) -> bool:
    """Every token ends where its column does, or all of a row are off by as much; a TNTC moves what follows it."""
    off = found[0][0] - ends[0]
    for (at, text), end in zip(found, ends, strict=True):
        is_tntc = text.upper() == "TNTC"
        if at - end != off and not is_tntc:
            return False
        off = at - end
    return True


def _check_end(export: Export, lines: list[str], row: int) -> None:
    """The last row must have ended: of a text cut short in it, its last count may lack digits."""
    below = lines[row].strip() if row < len(lines) else None
    if below is None or (below and not re.match(r"TNTC\s*:|-\d+\s*=", below)):
        found = "the end of the file" if below is None else repr(below[:40])
        problem = f"expected an empty line or a legend below the last row of counts, found {found}"
        raise export.refuse("ctl.count_grid", export.place(row), problem)
