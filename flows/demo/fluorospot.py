"""Two FluoroSpot plates of infusion products, as a Mabtech reader writes them: two populations and their overlap.

They are counted as readouts of their own, so nothing of the primary analyte rests on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from expectations.study import StudySettings
from flows.demo.chance import lognormal, negative_binomial, uniform
from flows.demo.immunity import CELLS_PER_WELL, NO_RESPONSE, respond
from flows.demo.plates import COLUMNS, ROWS, SPECIMENS_PER_PLATE, Assay, Plate, Well, weekday
from flows.demo.specimens import Specimen
from flows.demo.workbooks import write_sheets

POPULATIONS: Final = ("LED490 Total", "LED550 Total", "LED490+LED550")
"""Interferon gamma, granzyme B, and spots of both, which are in either total too."""
_LAYOUT: Final = ("Layout-Donor", "Layout-Stimuli", "Layout-Cells/well", "Layout-Replicate#")
_COUNTS: Final = "Spot Forming Units (SFU)"
_HEADER: Final = ("Plate", "Well", "Read Date", "Analyte Secreting Population", "LED Filter", _COUNTS, "Masked")


@dataclass(frozen=True, slots=True)
class FluoroSpotPlate:
    """A plate laid out as any other, and the spots of both colours in every well."""

    plate: Plate
    counts: dict[str, tuple[int, int, int]]
    has_layout: bool
    """True where the operator entered the layout at the reader."""


def run_fluorospot(
    seed: int, plates: list[Plate], tubes: list[Specimen], settings: StudySettings
) -> list[FluoroSpotPlate]:
    """The products of the first eight subjects on two plates, read after the last study plate."""
    products = [tube for tube in tubes if tube.material == "infusion_product"]
    rng = Random(f"{seed}/fluorospot")
    last = max(plate.read_on for plate in plates)
    told = []
    for number in (1, 2):
        group = products[(number - 1) * SPECIMENS_PER_PLATE : number * SPECIMENS_PER_PLATE]
        assays = tuple(Assay(tube, _interferon(rng, seed, tube, settings)) for tube in group)
        plate = Plate(f"FLS-{number:03d}", weekday(last + timedelta(days=2 * number)), assays)
        counts = {well.well: _with_granzyme(rng, well) for well in plate.wells}
        told.append(FluoroSpotPlate(plate, counts, has_layout=number == 1))
    return told


def _interferon(rng: Random, seed: int, tube: Specimen, settings: StudySettings) -> dict[str, list[int]]:
    responses = respond(seed, tube.subject, settings)
    expected = {settings.controls.negative[0]: [0.0] * 6}
    for antigen in (one for one in settings.antigens if one.role != "other"):
        expected[antigen.name] = [responses.get(antigen.name, NO_RESPONSE).at(tube) * CELLS_PER_WELL / 1e6] * 3
    expected[settings.controls.positive[0]] = [lognormal(rng, 400, 0.2)] * 3
    return {
        stimulus: [negative_binomial(rng, 1.2, 8.0) + negative_binomial(rng, above, 120.0) for above in wells]
        for stimulus, wells in expected.items()
    }


def _with_granzyme(rng: Random, well: Well) -> tuple[int, int, int]:
    """Spots of interferon, of granzyme, and of both, the last never more than either."""
    both = int(well.spots * uniform(rng, 0.35, 0.6))
    return well.spots, both + negative_binomial(rng, 0.8 + 0.2 * well.spots, 20.0), both


def workbook_path(fluorospot: FluoroSpotPlate) -> str:
    """Where the reader's computer puts the workbook, relative to the inbox."""
    return f"fluorospot/{fluorospot.plate.plate_id}.xlsx"


def write_mabtech(fluorospot: FluoroSpotPlate) -> bytes:
    """The workbook: facts about the plate, the long list of wells and populations, and the grids of the same counts."""
    return write_sheets(
        {
            "Plate Information": _facts(fluorospot.plate.plate_id, fluorospot.plate.read_on),
            "Plate Database": _listed(fluorospot),
            _COUNTS: _grids(fluorospot),
        }
    )


def _facts(plate_id: str, read_on: date) -> Iterator[list[object]]:
    yield []
    yield [None, "Plate Name:", plate_id]
    yield [None, "Plate Read Date:", f"{read_on} 10:12:31"]
    yield [None, "Machine ID:", "Iris 7"]


def _listed(fluorospot: FluoroSpotPlate) -> Iterator[list[object]]:
    yield [*_HEADER, *_LAYOUT]
    plate, nothing = fluorospot.plate, (None,) * len(_LAYOUT)
    for well in sorted(plate.wells, key=lambda one: (one.well[0], int(one.well[1:]))):
        entered = (well.specimen.specimen_id, well.stimulus, CELLS_PER_WELL, well.replicate)
        for population, count in zip(POPULATIONS, fluorospot.counts[well.well], strict=True):
            row = [plate.plate_id, well.well, None, population, population, count, "NO"]
            yield [*row, *(entered if fluorospot.has_layout else nothing)]


def _grids(fluorospot: FluoroSpotPlate) -> Iterator[list[object]]:
    yield [_COUNTS]
    for number, population in enumerate(POPULATIONS):
        yield [population]
        yield [None, *range(1, COLUMNS + 1)]
        for row in ROWS:
            yield [row, *(fluorospot.counts[f"{row}{column}"][number] for column in range(1, COLUMNS + 1))]
        yield from ([], [], [])
