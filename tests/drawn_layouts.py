"""A study of layouts for tests: its settings, and layouts of every source drawn as tables."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from expectations.ingested import (
    ELISPOT_COUNTS,
    INSTRUMENT_LAYOUTS,
    LAYOUT_TEMPLATES,
    PLATE_LAYOUTS,
    PLATE_TEMPLATES,
    PLATES,
    SPECIMENS,
)
from expectations.study import StudySettings
from tests.drawing import table
from transforms.layouts import Layouts, layouts
from transforms.plate_findings import plate_findings
from transforms.wells import elispot_wells

SPECIMENS_HELD: Final = table("specimen_id | subject_id\n S1 | P1\n S2 | P2", SPECIMENS)

TABLES: Final = {
    "plate_layouts": PLATE_LAYOUTS,
    "layout_templates": LAYOUT_TEMPLATES,
    "plate_templates": PLATE_TEMPLATES,
    "instrument_layouts": INSTRUMENT_LAYOUTS,
}


def study(**elispot: Any) -> StudySettings:
    """MART-1 and CMV against medium, gp100 against DMSO; a reference sample REF."""
    trend = {"reference_samples": ["REF"]}
    return StudySettings.model_validate(
        {
            "study": {"id": "T"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [
                {"name": "MART-1", "role": "tumour", "aliases": ["Melan-A"]},
                {"name": "gp100", "role": "tumour", "control": "DMSO"},
                {"name": "CMV", "role": "viral"},
            ],
            "controls": {
                "negative": ["medium", "RPMI"],
                "matched": {"DMSO": ["DMSO 0.1%"], "line X": []},
                "positive": ["PHA"],
                "unused": ["empty"],
            },
            "persistence": {"landmarks": [{"day": 30}]},
            "elispot": {"trend": trend, **elispot},
        }
    )


def laid(**drawings: str) -> Layouts:
    """The layouts of drawn tables; the file of each has the name of its table, and its places are its lines."""
    drawn = {name: lines_of(drawings.get(name, ""), name) for name in TABLES}
    return layouts({**drawn, "specimens": SPECIMENS_HELD}, study())


def lines_of(drawing: str, name: str) -> pl.DataFrame:
    """A drawn table of that name with a file and places."""
    if not drawing:
        return TABLES[name].empty()
    numbered = table(drawing, TABLES[name]).with_row_index("line", offset=2)
    frame = numbered.with_columns(file_sha256=pl.lit(name), place=pl.format("line {}", "line"))
    return TABLES[name].conform(frame)


def counted(drawing: str, settings: StudySettings | None = None, **drawings: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The wells and the findings of drawn counts; a well without a status is counted, without an analyte IFNg."""
    settings = settings or study()
    counts = table(drawing, ELISPOT_COUNTS, file_sha256="counts", place="grid").with_columns(
        pl.col("analyte").fill_null("IFNg"), pl.col("status").fill_null("counted")
    )
    layout = laid(**drawings)
    wells = elispot_wells(counts, PLATES.empty(), layout.effective, SPECIMENS_HELD, settings)
    return wells, plate_findings(layout, counts, wells, settings)
