"""What operators enter in a Mabtech workbook: layouts well by well; and how each population was counted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from expectations.errors import SourceFileError
from expectations.ingested import INSTRUMENT_LAYOUTS
from tests.drawing import table
from tests.drawn_exports import LETTERS, column, read, workbook
from tests.drawn_mabtech import (
    DRAWN,
    FACTS,
    GRID,
    HEADER,
    LAYOUT,
    LIST,
    POPULATIONS,
    SETTINGS_USED,
    Rows,
    Sheets,
    changed_by,
    drawn,
    found_in,
    line_of,
    white,
)
from transforms.readers.source import Reading

ALL = (0, 1, 2)


def entered(well: str, values: dict[str, object], populations: tuple[int, ...] = ALL) -> Callable[[Sheets], None]:
    """Layout cells of a well, in the rows of these populations."""

    def change(sheets: Sheets) -> None:
        for population in populations:
            for label, value in values.items():
                sheets[LIST][line_of(population, well)][len(HEADER) + LAYOUT.index(f"Layout-{label}")] = value

    return change


def several(*changes: Callable[[Sheets], None]) -> Callable[[Sheets], None]:
    def change(sheets: Sheets) -> None:
        for one in changes:
            one(sheets)

    return change


def layout_of(reading: Reading) -> list[tuple[object, ...]]:
    return (
        reading.tables["instrument_layouts"].select("well", "donor", "stimulus", "cells_per_well", "replicate").rows()
    )


def test_a_workbook_without_a_layout_gives_none():
    assert set(read(workbook(drawn())).tables) == {"plates", "elispot_counts"}


def test_a_layout_is_one_row_a_well_with_anything_filled_in():
    expected = """
        well | donor | stimulus | cells_per_well | replicate
        A1   | P01-B | medium   | 200000         | 1
        A2   | P01-B | MART-1   | 200000         |
        C4   |       | empty    |                |
    """
    first = {"Donor": "P01-B", "Stimuli": "medium", "Cells/well": 200000.0, "Replicate#": 1}
    second = {"Donor": "P01-B", "Stimuli": "MART-1", "Cells/well": "200000"}
    filled = several(entered("A1", first), entered("A2", second), entered("C4", {"Stimuli": "empty"}))
    reading = read(changed_by(filled))
    assert layout_of(reading) == table(expected, INSTRUMENT_LAYOUTS).select(
        "well", "donor", "stimulus", "cells_per_well", "replicate"
    ).rows()  # fmt: skip
    assert column(reading, "instrument_layouts", "plate_id") == ["PL-1"] * 3
    assert column(reading, "instrument_layouts", "place")[2] == f"{LIST}!row {line_of(0, 'C4') + 1}"
    assert found_in(reading) == DRAWN


def test_a_layout_of_a_plate_of_one_colour_is_read():
    sheets = white()
    sheets[LIST][1][7], sheets[LIST][1][9] = "P01-B", "medium"
    assert layout_of(read(workbook(sheets))) == [("A1", "P01-B", "medium", None, None)]


def test_a_layout_in_the_rows_of_one_population_holds_for_the_well():
    reading = read(changed_by(entered("A1", {"Donor": "P01-B"}, populations=(1,))))
    assert layout_of(reading) == [("A1", "P01-B", None, None, None)]


def test_populations_of_one_well_with_two_layouts_are_refused():
    change = several(entered("B2", {"Stimuli": "CMV"}, (0, 1)), entered("B2", {"Stimuli": "flu"}, (2,)))
    with pytest.raises(SourceFileError, match="well B2 has 'flu' here and 'CMV' in another population") as refused:
        read(changed_by(change))
    assert refused.value.code == "mabtech.wells"
    rows = [line_of(population, "B2") + 1 for population in (2, 0)]
    assert refused.value.place == f"{LIST}!K{rows[0]} and {LIST}!K{rows[1]}"


CELLS = """
    written | cells
    200000  | 200000
    2.0E5   | 200000
    2,5e5   | 250000
    200 000 | 200000
    1'000   | 1000
    200000.0 | 200000
    200,000 |
    200.000 |
    250k    |
    2x10^5  |
    0       |
    -5      |
    1.5     |
    many    |
"""


@pytest.mark.parametrize(("written", "cells"), table(CELLS).cast({"written": str}).rows())
def test_cells_per_well_is_read_where_it_can_be_read_in_one_way_only(written, cells):
    reading = read(changed_by(entered("A1", {"Donor": "P01-B", "Cells/well": written})))
    assert layout_of(reading) == [("A1", "P01-B", None, cells, None)]
    unread = {} if cells else {"instrument_layouts": [f"Layout-Cells/well: {written!r} in 1 wells"]}
    assert reading.unused_columns == unread


def test_a_comma_means_what_it_means_in_the_other_wells_of_the_plate():
    change = several(entered("A1", {"Cells/well": "200,000"}), entered("A2", {"Cells/well": "1,200,000"}))
    assert [cells for *_, cells, _ in layout_of(read(changed_by(change)))] == [200_000, 1_200_000]


def test_a_replicate_that_is_no_number_is_reported_and_costs_no_well():
    change = several(
        entered("A1", {"Donor": "P1", "Replicate#": "a"}), entered("A2", {"Donor": "P1", "Replicate#": "a"})
    )
    reading = read(changed_by(change))
    assert [replicate for *_, replicate in layout_of(reading)] == [None, None]
    assert reading.unused_columns == {"instrument_layouts": ["Layout-Replicate#: 'a' in 2 wells"]}


def test_detection_is_reported_as_not_read_where_somebody_filled_it_in():
    assert read(workbook(drawn())).unused_columns == {}
    filled = entered("C4", {"Detection": "7-B6-1"})
    assert read(changed_by(filled)).unused_columns == {"elispot_counts": ["Layout-Detection"]}


def test_labels_of_the_pick_list_are_no_layout():
    assert {row[-1] for row in drawn()[LIST]} >= set(LAYOUT)
    assert "instrument_layouts" not in read(workbook(drawn())).tables


@pytest.mark.parametrize("label", ["Donor", "Cells/well", "Stimuli", "Replicate#", "Analyte"])
def test_a_layout_column_that_stands_twice_is_refused(label):
    def twice(sheets: Sheets) -> None:
        sheets[LIST][0][2] = f"Layout-{label}"

    with pytest.raises(SourceFileError, match=re.escape(f"expected one column `Layout-{label}`, found 2")) as refused:
        read(changed_by(twice))
    assert refused.value.code == "mabtech.columns"


# --- how spots were counted ---------------------------------------------------------------------------------------


def parameters(reading: Reading) -> dict[str, dict[str, object]]:
    rows = reading.tables["plates"].select("analyte", "counting_parameters").iter_rows()
    return {analyte: json.loads(told) for analyte, told in rows}


def test_settings_of_counting_are_told_in_the_words_of_the_file():
    words = {"LED490 Preset Name": "Neat", "LED490 Preset Size": "150", "Spot Joining Threshold": "4.5"}
    assert parameters(read(workbook(drawn()))) == dict.fromkeys(POPULATIONS, words)


def test_settings_that_differ_among_the_wells_of_a_population_are_a_list():
    at = len(HEADER) + len(LAYOUT) + list(SETTINGS_USED).index("LED490 Preset Size")

    def change(sheets: Sheets) -> None:
        sheets[LIST][line_of(1, "C4")][at] = 200
        sheets[LIST][line_of(2, "C4")][at] = None

    found = parameters(read(changed_by(change)))
    assert [found[population]["LED490 Preset Size"] for population in POPULATIONS] == ["150", ["150", "200"], "150"]


def test_a_plate_without_settings_has_none():
    assert column(read(workbook(white())), "plates", "counting_parameters") == [None]


def test_a_comment_on_the_plate_is_kept():
    def change(sheets: Sheets) -> None:
        sheets[FACTS] += [[None, "Plate Comment:", "read again"], [None, "Comments:", "well A1 dried out"]]

    assert set(column(read(changed_by(change)), "plates", "comment")) == {"read again | well A1 dried out"}


def test_a_fact_told_in_two_ways_is_refused():
    def change(sheets: Sheets) -> None:
        sheets[FACTS].append([None, "Plate Read Date:", "2024-02-29 09:06:56"])

    with pytest.raises(SourceFileError, match="it stands twice") as refused:
        read(changed_by(change))
    assert (refused.value.code, refused.value.place) == ("mabtech.plate", "Plate Info, Plate Read Date:")


def test_a_plate_of_384_wells_is_read():
    names = [f"{letter}{n}" for letter in LETTERS for n in range(1, 25)]
    rows: Rows = [[cell for cell in HEADER if cell != "LED Filter"]]
    rows += [["PL-1", name, None, "White LED", n, "NO"] for n, name in enumerate(names)]
    grid: Rows = [[GRID], [None, *range(1, 25)]]
    grid += [[letter, *range(24 * row, 24 * row + 24)] for row, letter in enumerate(LETTERS)]
    assert found_in(read(workbook({FACTS: drawn()[FACTS], LIST: rows, GRID: grid}))) == {
        ("IFNg", name): (n, "counted") for n, name in enumerate(names)
    }
    grid[3][7] = 1
    with pytest.raises(SourceFileError, match=r"the grid has '1' for well B7, the list has '30'"):
        read(workbook({FACTS: drawn()[FACTS], LIST: rows, GRID: grid}))
