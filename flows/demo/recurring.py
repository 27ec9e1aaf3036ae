"""Layouts that many plates share, and which plates follow them: two small tables in place of a long one."""

from __future__ import annotations

from collections.abc import Iterator

from expectations import ingested
from expectations.study import StudySettings
from flows.demo.immunity import CELLS_PER_WELL
from flows.demo.plates import COLUMNS_PER_SPECIMEN, Plate, Strip
from flows.demo.reference import reference_wells
from flows.demo.tables import Row, write_csv

REFERENCE, STUDY = "reference donor", "four specimens"
"""Names of the layouts."""


def write_recurring(references: list[Strip], plate: Plate, settings: StudySettings) -> dict[str, bytes]:
    """Both layouts, and the plates that follow them: every reference plate, and `plate` with its four specimens."""
    templates = [*_of_reference(settings), *_of_study(plate)]
    followers: list[Row] = [
        {"plate_id": strip.plate_id, "template": REFERENCE, "slot": "1", "specimen_id": strip.person}
        for strip in references
    ]
    followers += [
        {"plate_id": plate.plate_id, "template": STUDY, "slot": slot, "specimen_id": assay.specimen.specimen_id}
        for slot, assay in enumerate(plate.assays, start=1)
    ]
    return {
        "layouts/recurring_layouts.csv": write_csv(ingested.LAYOUT_TEMPLATES, templates),
        "layouts/recurring_layouts_plates.csv": write_csv(ingested.PLATE_TEMPLATES, followers, by_spreadsheet=True),
    }


def _of_reference(settings: StudySettings) -> Iterator[Row]:
    for stimulus, wells in reference_wells(settings).items():
        for replicate, well in enumerate(wells, start=1):
            yield _row(REFERENCE, well, 1, stimulus, replicate)


def _of_study(plate: Plate) -> Iterator[Row]:
    for well in plate.wells:
        slot = (int(well.well[1:]) - 1) // COLUMNS_PER_SPECIMEN + 1
        yield _row(STUDY, well.well, slot, well.stimulus, well.replicate)


def _row(template: str, well: str, slot: int, stimulus: str, replicate: int) -> Row:
    return {
        "template": template,
        "well": well,
        "slot": slot,
        "stimulus": stimulus,
        "cells_per_well": CELLS_PER_WELL,
        "replicate": replicate,
    }
