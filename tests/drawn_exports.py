"""Exports and tables as they lie in the inbox, written in tests; and what the readers make of them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256

from expectations.study import StudySettings
from expectations.study_file import parse_study
from transforms.judging import Candidate
from transforms.readers import registry
from transforms.readers.source import Reading, SourceFile

STUDY = """
[study]
id = "DRAWN"

[[visits]]
name = "baseline"
day = 0
window = [-30, 0]

[[antigens]]
name = "MART-1"
role = "tumour"
aliases = ["Melan-A"]

[[antigens]]
name = "CMV"
role = "viral"

[controls]
negative = ["medium"]
positive = ["PHA"]

[persistence]
landmarks = [{ day = 90 }]
"""

LETTERS = "ABCDEFGHIJKLMNOP"
Wells = dict[str, tuple[int | None, str]]
"""Well to count and status."""


def settings(
    *, plates: str = "hold", tables: str = "hold", order: str | None = None, sentinels: Mapping[str, str] | None = None
) -> StudySettings:
    """The drawn study with its rules for corrections, dates and numbers below zero."""
    more = f'\n[corrections]\nplates = "{plates}"\nreference_tables = "{tables}"\n'
    more += f'[dates]\norder = "{order}"\n' if order else ""
    more += (
        "".join(["[elispot.sentinels]\n", *(f'{n} = "{status}"\n' for n, status in sentinels.items())])
        if sentinels
        else ""
    )
    return parse_study((STUDY + more).encode())


SETTINGS = settings()


def source(content: str | bytes, path: str = "drawn.txt") -> SourceFile:
    """A file with its true sha256."""
    data = content.encode() if isinstance(content, str) else content
    return SourceFile(path, sha256(data).hexdigest(), data)


def read(content: str | bytes, told: StudySettings = SETTINGS) -> Reading:
    """What the registry's reader makes of a file."""
    return registry.read(source(content), told)


def candidate(content: str | bytes, path: str, arrival: int = 1, **more: object) -> Candidate:
    """A file read and ready to be judged."""
    file = source(content, path)
    return Candidate(file.sha256, path, arrival, registry.read(file, SETTINGS), **more)  # type: ignore[arg-type]


def counted(counts: Sequence[Sequence[str]]) -> Wells:
    """What tokens of a grid stand for, of numbers only."""
    return {
        f"{letter}{n}": (int(token), "counted")
        for letter, row in zip(LETTERS, counts, strict=False)
        for n, token in enumerate(row, start=1)
    }


def wells_of(reading: Reading) -> Wells:
    """Every well of a reading with its count and status."""
    return {
        row["well"]: (row["spots"], row["status"]) for row in reading.tables["elispot_counts"].iter_rows(named=True)
    }


COUNTS = tuple(tuple(str((7 * row + 3 * column) % 97) for column in range(12)) for row in range(8))
"""Tokens of a grid of 96 counts."""


def aid_export(
    counts: Sequence[Sequence[str]] = COUNTS,
    *,
    name: str = "PL-1.plt",
    read_on: str = "Date: Tuesday, March 13, 2012",
    comment: Sequence[str] = ("Comment:", "2x10^5cells/well", "", "Patient: 7"),
) -> str:
    """An AID text export as the instrument writes it: the grid of counts, then three others under the same header."""
    n_rows, n_columns = len(counts), len(counts[0])
    lines = [f"Plate name: {name}", "", read_on, "", f"Column: {n_columns}  Row: {n_rows}", "", *comment, ""]
    lines += ["Spot counts:", *grid(counts, 5), "", "", ""]
    intensity = [[str(200 + 10 * row + column) for column in range(n_columns)] for row in range(n_rows)]
    surface = [["0.125"] * n_columns for _ in range(n_rows)]
    lines += ["Overall surface of spots  Unit = square mm:", *grid(surface, 6), "", "", ""]
    lines += ['"Average surface of spots  Unit = square 0,01 mm:"', *grid(intensity[::-1], 6), "", "", ""]
    lines += ["Average intensity of spots", *grid(intensity, 6), "", "", "", "All Well Comments", ""]
    return "\n".join(lines)


def grid(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Column numbers and rows of fixed width; a TNTC is longer than its place and shifts what follows."""
    head = " " + "".join(f"{column:>{width}}" for column in range(1, len(rows[0]) + 1))
    body = [
        letter + " " + "".join("    TNTC" if token == "TNTC" else f"{token:>{width}}" for token in row)[1:]
        for letter, row in zip(LETTERS, rows, strict=False)
    ]
    return [head, *body]


def with_count(well: str, token: str) -> list[list[str]]:
    """COUNTS with another token in one well."""
    rows = [list(row) for row in COUNTS]
    rows[LETTERS.index(well[0])][int(well[1:]) - 1] = token
    return rows


def zeiss_export(
    counts: Sequence[Sequence[str]] = COUNTS,
    *,
    title: str = "PL-1",
    comment: Sequence[str] = ("ELI 7",),
    read_on: str = "Friday, May 18, 2007",
    parameters: Sequence[str] = ("Time: \t4:09:18 PM", "Diameter: \t[25 ... 500] "),
) -> str:
    """An export as the instrument writes it: counts and their sums parted by tabs, an empty cell adding nothing."""
    numbers = [[int(cell) if cell.isdigit() else 0 for cell in row] for row in counts]
    rows = [
        "\t".join([letter, *(f"{cell:>6}" for cell in row), f"{sum(of_row):>6}"])
        for letter, row, of_row in zip(LETTERS, counts, numbers, strict=False)
    ]
    head = "\t".join(["", *(f"{n:>6}" for n in range(1, len(counts[0]) + 1)), "       S"])
    sums = "\t".join(["S", *(f"{sum(of_column):>8}" for of_column in zip(*numbers, strict=True)), ""])
    told = [f"  {line}" for line in comment]
    return "\n".join(
        [
            title,
            "",
            " Comment",
            *told,
            "",
            " Quantity",
            head,
            *rows,
            sums,
            "",
            " Parameters",
            f"Date: \t{read_on}",
            *parameters,
            "",
        ]
    )


def workbook(sheets: Mapping[str, Sequence[Sequence[object]]], formats: Mapping[str, str] | None = None) -> bytes:
    """An .xlsx with these rows; `formats` gives cells (`subjects!B2`) a number format."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    for place, form in (formats or {}).items():
        title, _, cell = place.partition("!")
        book[title][cell].number_format = form
    told = io.BytesIO()
    book.save(told)
    return told.getvalue()


def column(reading: Reading, table: str, name: str) -> list[object]:
    """One column of one table, in the order of the file."""
    return reading.tables[table][name].to_list()


def layout(plate: str = "PL-1", n: int = 96, specimen: str = "S1", stimulus: str = "medium") -> str:
    """A plate layout of the first n wells."""
    wells = [f"{LETTERS[index // 12]}{index % 12 + 1}" for index in range(n)]
    lines = [f"{plate},{well},{specimen},{stimulus},200000" for well in wells]
    return "\n".join(["plate_id,well,specimen_id,stimulus,cells_per_well", *lines, ""])


def day(text: str) -> date:
    """An ISO date."""
    return date.fromisoformat(text)


def bad_cells(reading: Reading) -> list[tuple[str, str, str, str | None]]:
    """Place, rule, column and value of every cell that could not be read."""
    return [(cell.place, cell.rule, cell.column, cell.value) for cell in reading.bad_cells]
