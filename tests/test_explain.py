"""From a response back to its wells, and from these to the layout that says what was in them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from expectations.computed import ELISPOT_WELLS, RESPONSES
from expectations.ingested import LAYOUT_TEMPLATES, PLATE_TEMPLATES
from expectations.records import FILES
from tests.drawing import table
from tests.published_sample import publish
from warehouse.explain import explanation

KEY = "S1/X/gp100/IFNg/dfr_eq"

WELLS = table(
    """
    well | well_role        | antigen | control | stimulus | spots | layout_source      | layout_sha256 | specimen_id
    A1   | antigen          | gp100   | DMSO    | gp100    | 50    | layout_templates   | templatesha   | S1
    A2   | negative_control |         | DMSO    | DMSO     | 1     | layout_templates   | templatesha   | S1
    A3   | negative_control |         | medium  | medium   | 2     | plate_layouts      | tablesha      | S1
    A4   | positive_control |         |         | PHA      | 300   | instrument_layouts | countsha      | S1
    A5   | antigen          | CMV     | medium  | CMV      | 9     | layout_templates   | templatesha   | S1
    B1   | antigen          | gp100   | DMSO    | gp100    | 7     | layout_templates   | templatesha   | S2
    """,
    ELISPOT_WELLS,
    plate_id="X",
    analyte="IFNg",
    status="counted",
    cells_per_well=200000,
    file_sha256="countsha",
    place="grid",
)
TEMPLATES = table(
    "well | slot\n A1 | 1\n A2 | 1\n A5 | 1\n B1 | 2", LAYOUT_TEMPLATES, template="T", file_sha256="templatesha"
)
ASSIGNED = table(
    "plate_id | slot | specimen_id | place\n X | 1 | S1 | line 7\n X | 2 | S2 | line 8\n Y | 1 | S2 | line 9",
    PLATE_TEMPLATES,
    template="T",
    file_sha256="assignedsha",
)
PATHS = table(
    """
    file_sha256 | path
    templatesha | templates.csv
    assignedsha | plates 2012.csv
    tablesha    | layouts.csv
    countsha    | X.xlsx
    """,
    FILES,
)


def explained(folder: Path, control: str | None) -> list[str]:
    response = {"response_key": KEY, "specimen_id": "S1", "plate_id": "X", "antigen": "gp100", "readout": "IFNg"}
    shown = {"call": "positive", "unit": "spots per 10^6 cells", "control": control}
    responses = pl.DataFrame([response | shown], schema=RESPONSES.schema)
    frames = {"responses": responses, "elispot_wells": WELLS, "files": PATHS}
    publish(folder / "warehouse.duckdb", {**frames, "layout_templates": TEMPLATES, "plate_templates": ASSIGNED})
    return explanation(folder, KEY)


@pytest.mark.parametrize(("control", "wells"), [("DMSO", ["A1", "A2", "A4"]), (None, ["A1", "A2", "A3", "A4"])])
def test_a_response_is_explained_by_its_antigens_wells_and_those_of_its_control(
    control: str | None, wells: list[str], tmp_path: Path
):
    told = explained(tmp_path, control)
    assert f"  compared with the control: {control or 'none'}" in told
    assert sorted(line.split()[1] for line in told if line.startswith("  X ")) == wells


def test_a_wells_meaning_leads_to_the_template_the_slot_the_table_and_the_instrument(tmp_path: Path):
    told = [line for line in explained(tmp_path, None) if line.startswith("  layout: ")]
    assert told == [
        "  layout: X.xlsx (sha256 countsha), entered at the instrument",
        "  layout: layouts.csv (sha256 tablesha)",
        "  layout: plates 2012.csv, line 7 (sha256 assignedsha), specimen in slot 1",
        "  layout: templates.csv (sha256 templatesha), template T",
    ]
