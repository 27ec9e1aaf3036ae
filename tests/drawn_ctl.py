"""CTL ImmunoSpot exports as the instrument writes them, drawn in tests, and real ones read by eye."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tests.drawing import SHARED
from tests.drawn_exports import COUNTS, LETTERS, Wells, workbook

Rows = Sequence[Sequence[str]]

SOFTWARE = "Software version: ImmunoSpot 7.0.30.5"
COUNTED = "Counted: Tue Oct 03 14:44:50 2023; Authenticated user: 'LAB\\kl'"
REVIEWED = "QC review last updated on Tue Mar 05 12:20:51 2024 by ImmunoSpot 7.0.38.8; Authenticated user: 'LAB\\kl'"
SERIAL = "Analyzer Serial number: S6-01-1234; Computer name: READER"
PATH = "D:\\Plates\\2023\\counted\\PL-1.xls"
PARAMETERS = ("Counting window size: 1024x1024", "Sensitivity: 160", "Objects: Normal")
LEGEND = ("-1 = Well is not counted", "-2 = Off scale well", "-3 = Rejected in QC", "-4 = Not Done", "-5 = N/A")
UNDERSCORES = "_" * 60
WIDTH = 40


def ctl_fixed(
    counts: Rows = COUNTS, *, counted: str = COUNTED, path: str = PATH, plate_code: str = "\ufffd", below: str = ""
) -> str:
    """A text of version 7 with grids one below the other; `below` replaces the legend."""
    lines = [SOFTWARE, counted, SERIAL, path, PARAMETERS[0], "", "Assay:\t1", *PARAMETERS[1:], "", plate_code, ""]
    lines += ["\t\t\tUnprocessed Data", "", f"\tC.T.L.\t\t\tImmunoSpot  Plate Code = {plate_code}"]
    lines += [_fixed_header(len(counts[0]), 6), "", *_fixed_rows(counts, 6)]
    lines += [below or "TNTC: Too numerous to count", ""]
    for title in ("Mean spot sizes (Sq.mm)", "Well areas covered by spots (%max)"):
        sizes = [[f"0.{n:04}" for n in range(len(counts[0]))] for _ in counts]
        lines += [f"\t\t\t{title}", _fixed_header(len(counts[0]), 7), "", *_fixed_rows(sizes, 7), "", ""]
    return "\n".join(lines)


def _fixed_header(columns: int, width: int) -> str:
    """Column numbers begin at even distances, so that those of two digits stand one further right."""
    return " " * width + "".join(f"{n:<{width}}" for n in range(1, columns + 1)).rstrip()


def _fixed_rows(rows: Rows, width: int) -> list[str]:
    return [letter + "".join(f"{token:>{width}}" for token in row) for letter, row in zip(LETTERS, rows, strict=False)]


def ctl_cells(
    counts: Rows = COUNTS,
    *,
    counted: str = REVIEWED,
    path: str = PATH,
    title: str = "Spot Counts",
    legend: Sequence[str] = LEGEND,
    has_layout: bool = False,
    has_sizes: bool = True,
    has_histogram: bool = True,
) -> list[list[str]]:
    """Rows of cells of one width: counts beside spot sizes between underscores, legend, histogram, another grid."""
    columns = len(counts[0])
    rows = [[SOFTWARE], [counted], [SERIAL], [path], [PARAMETERS[0]], [], ["Assay: 1", "", "", PARAMETERS[1]], []]
    if has_layout:
        rows += [["", "Assay Layout"], [], *_grid([["1"] * columns for _ in counts])]
        rows += [["", "", "Numbers in this table refer to assay indices"], ["", LEGEND[0]], [], []]
    left = [["", title], [], *_grid(counts)]
    sizes = [["" if token == "" else f"{n}.5" for n, token in enumerate(row)] for row in counts]
    right = [["", "Mean spot sizes (1E-3 Sq.mm)"], [], *_grid(sizes)]
    rows += [[*_padded(a, columns + 3), *b] if has_sizes else a for a, b in zip(left, right, strict=True)]
    rows += [["", "", "QC changes are highlighted"], ["", "  ".join(legend)], [], []]
    if has_histogram:
        rows += [["", "", "", "Histogram Distribution (Log Sq.mm.)"], ["", "", "-1", "-0.8", "0", "1", "1.2"]]
        rows += [["", "", UNDERSCORES], []]
        for letter, row in zip(LETTERS, counts, strict=False):
            wells = [(f"{letter}{n}", token) for n, token in enumerate(row, start=1)]
            rows += [[well, token, "0", "1", "1"] for well, token in wells if token not in ("", "-1")]
        rows += [["", "", UNDERSCORES], []]
    areas = [[f"0.{n:03}" for n in range(columns)] for _ in counts]
    rows += [["", "Well areas covered by spots (%)"], [], *_grid(areas), []]
    return [_padded(row, max(WIDTH, 2 * columns + 6)) for row in rows]


def ctl_tabbed(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as the text of version 7.0.38."""
    return "\n".join("\t".join(row) for row in rows) + "\n"


def _grid(rows: Rows) -> list[list[str]]:
    head = ["", *(str(n) for n in range(1, len(rows[0]) + 1))]
    body = [[letter, *row] for letter, row in zip(LETTERS, rows, strict=False)]
    return [head, ["", UNDERSCORES], [], *body, ["", UNDERSCORES]]


def _padded(row: Sequence[str], width: int) -> list[str]:
    return [*row, *[""] * (width - len(row))]


DRAWN: Wells = {
    f"{letter}{n}": (int(token), "counted")
    for letter, row in zip(LETTERS, COUNTS, strict=False)
    for n, token in enumerate(row, start=1)
}


def as_workbook(rows: list[list[str]]) -> bytes:
    """Rows of cells as a workbook; what is a number is one there."""
    cells = [[float(text) if re.fullmatch(r"-?[\d.]+", text) else text or None for text in row] for row in rows]
    return workbook({"PL-1": cells})


FORMS: dict[str, Callable[..., str | bytes]] = {
    "fixed width": ctl_fixed,
    "cells in text": lambda *a, **k: ctl_tabbed(ctl_cells(*a, **k)),
    "workbook": lambda *a, **k: as_workbook(ctl_cells(*a, **k)),
}


FOLDER = SHARED / "real/elispot/ctl"
REAL_STATUS = {"-1": "not_counted", "-2": "off_scale"}


def by_eye(rows: list[list[str]]) -> Wells:
    """The first eight rows that begin with a letter, by the twelve cells behind it."""
    begin = next(n for n, row in enumerate(rows) if row[0] == "A")
    cells = {f"{row[0]}{n}": row[n] for row in rows[begin : begin + 8] for n in range(1, 13)}
    return {well: (None, REAL_STATUS[c]) if c in REAL_STATUS else (int(c), "counted") for well, c in cells.items()}


def real_cells(name: str) -> list[list[str]]:
    if name.endswith(".xls"):
        from python_calamine import CalamineWorkbook

        sheet = CalamineWorkbook.from_path(FOLDER / name).get_sheet_by_index(0).to_python(skip_empty_area=False)
        return [[f"{c:g}" if isinstance(c, float) else str(c) for c in row[1:14]] for row in sheet]
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[:13] if "QC" in name else line.split() or [""] for line in lines]
