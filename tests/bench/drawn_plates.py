"""Exports of the size and shape instruments write, for the benchmark of the readers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.drawn_ctl import ctl_cells, ctl_fixed, ctl_tabbed
from tests.drawn_exports import COUNTS, LETTERS, aid_export, workbook

Rows = list[list[object]]

LIGHTS = ("LED380", "LED490", "LED550", "LED640")
SINGLE = ("White LED",)
MULTIPLEX = (
    *(f"{light} {kind}" for light in LIGHTS[1:] for kind in ("Total", "Single")),
    "LED490+LED550",
    "LED490+LED640",
    "LED550+LED640",
    "LED490+LED550+LED640",
)
WELLS = tuple(f"{letter}{n}" for letter in LETTERS[:8] for n in range(1, 13))
LAYOUT = ("Analyte", "Donor", "Cells/well", "Stimuli", "Detection", "Replicate#")
PRESET = ("Name", "Size", "Intensity", "Brightness", "Contrast", "AOI")


def texts(n: int) -> list[str]:
    """Text plates, AID and both kinds of CTL in turn, no two of them the same plate."""
    drawn = []
    for number in range(n):
        counts = [[str((int(token) + number) % 400) for token in row] for row in COUNTS]
        name = f"PL-{number}"
        path = f"D:\\Plates\\{name}.txt"
        kinds = (
            lambda c=counts, p=name: aid_export(c, name=f"{p}.plt"),
            lambda c=counts, p=path: ctl_fixed(c, path=p),
            lambda c=counts, p=path: ctl_cells_text(c, path=p),
        )
        drawn.append(kinds[number % 3]())
    return drawn


def ctl_cells_text(counts: Sequence[Sequence[str]] = COUNTS, *, path: str = "D:\\Plates\\PL-1.txt") -> str:
    """A reviewed plate of version 7.0.38, grids side by side."""
    return ctl_tabbed(ctl_cells(counts, path=path)).replace("7.0.30.5", "7.0.38.8")


def mabtech(populations: Sequence[str], shift: int = 0, name: str = "PL-1") -> bytes:
    """A workbook of Apex: facts, the long sheet, and a sheet of grids for each of its measures."""
    is_single = populations == SINGLE
    measures = ["Spot Forming Units (SFU)", *(_single() if is_single else _multiplex())]
    header: list[object] = ["Plate", "Well", "Read Date", "Saved Date", "Machine ID", "Analyte Secreting Population"]
    header += [] if is_single else ["LED Filter"]
    columns = [*(f"Layout-{label}" for label in LAYOUT), *_settings("" if is_single else None)]
    listed: Rows = [[*header, *measures, "Masked", *columns, *[None] * 20]]
    for number, well in enumerate(WELLS):
        for at, population in enumerate(populations):
            values: list[object] = [_value(shift, number, at, n) for n in range(len(measures))]
            row: list[object] = [name, well, "2024-01-29 09:06:56", "2024-01-29 09:18:05", 0.0, population]
            row += [] if is_single else [population]
            settings = ["User-Defined" if "Name" in column else 150 for column in columns[len(LAYOUT) :]]
            listed.append([*row, *values, "NO", *[None] * len(LAYOUT), *settings])
    sheets: dict[str, Rows] = {"Plate Information": _facts(name), "Plate Database": listed}
    for n, measure in enumerate(measures):
        if not measure.startswith("Max"):
            sheets[_title(measure)] = _grids(measure, populations, shift, n)
    sheets["Layout"] = sheets["Exposure"] = _grids("", populations, shift, 1)
    return workbook(sheets)


def _title(measure: str) -> str:
    """What the sheet of a measure is called."""
    title = measure.replace("Relative Spot Volume", "RSV").replace("of Spot Volume", "RSV")
    title = re.sub(r"RSV (?:LED\d+ )?\(RSV(\d*)\)", r"RSV\1", title)
    return "Average Sensor Values" if title.startswith("Average Sensor") else title


def _single() -> list[str]:
    return [
        "Average Relative Spot Volume (RSV)",
        "Sum of Spot Volume (RSV)",
        "Max Sensor Value",
        "Average Sensor Value",
    ]


def _multiplex() -> list[str]:
    volumes = [
        f"{what} Relative Spot Volume {light} (RSV{light[3:]})" for what in ("Average", "Sum") for light in LIGHTS
    ]
    return [*volumes, *(f"{what} Sensor Value {light}" for what in ("Max", "Average") for light in LIGHTS)]


def _settings(light: str | None) -> list[str]:
    lights = [f"{of} " for of in LIGHTS] if light is None else [""]
    presets = [f"{of}Preset {what}" for of in lights for what in PRESET]
    return [*presets, *(f"{of}{what}" for what in ("Exposure", "Calibrated Exposure by Mabtech") for of in lights)]


def _value(shift: int, well: int, population: int, measure: int) -> int:
    return (well * 7 + population * 131 + measure * 1009 + shift) % (400 if measure == 0 else 100_000)


def _facts(name: str) -> Rows:
    told = {"Plate Name:": name, "Path:": "E:\\Plates", "Plate Read Date:": "2024-01-29 09:06:56"}
    told |= {"Saved By:": "Admin", "Software Version:": "1.1.58.127", "Machine ID:": "Iris 0"}
    return [[], *([None, label, value] for label, value in told.items())]


def _grids(measure: str, populations: Sequence[str], shift: int, n: int) -> Rows:
    rows: Rows = [[measure]]
    for at, population in enumerate(populations):
        rows += [] if populations == SINGLE else [[population]]
        rows.append([None, *(float(number) for number in range(1, 13))])
        for row, letter in enumerate(LETTERS[:8]):
            rows.append([letter, *(_value(shift, 12 * row + column, at, n) for column in range(12))])
        rows += [[], []]
    return rows
