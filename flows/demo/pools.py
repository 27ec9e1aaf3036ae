"""A matrix of sixteen peptides in eight pools, tested once in one infusion product; two peptides are recognised."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from random import Random
from typing import Final

from expectations import ingested
from expectations.study import StudySettings
from flows.demo.chance import lognormal, negative_binomial
from flows.demo.immunity import ANTIGEN_WELLS, CELLS_PER_WELL, CONTROL_WELLS
from flows.demo.plates import ROWS, Plate, Strip, weekday
from flows.demo.specimens import Specimen
from flows.demo.tables import Row, write_csv

SIZE: Final = 4
RECOGNISED: Final = ((2, 1), (3, 4))
"""Row and column of the peptides that the product reacts to: not in line, so four peptides fit what is measured."""
WELLS: Final = tuple(f"{row}{column}" for row in ROWS for column in range(1, 7))


def run_pools(seed: int, plates: list[Plate], tubes: list[Specimen], settings: StudySettings) -> Strip:
    """The first subject's product against every pool, on a plate read after the last study plate."""
    rng = Random(f"{seed}/pools")
    tube = next(tube for tube in tubes if tube.material == "infusion_product")
    strength = [lognormal(rng, 70, 0.3) for _ in RECOGNISED]
    expected = dict.fromkeys(_stimuli(settings), 0.0) | {settings.controls.positive[0]: 400.0}
    for above, (row, column) in zip(strength, RECOGNISED, strict=True):
        for pool in (f"pool R{row}", f"pool C{column}"):
            expected[pool] += above
    spots = {
        well: negative_binomial(rng, 1.2, 8.0) + negative_binomial(rng, expected[stimulus], 120.0)
        for well, stimulus, _ in _pipetted(settings)
    }
    read_on = weekday(max(plate.read_on for plate in plates) + timedelta(days=9))
    return Strip("POO-001", read_on, tube.subject.subject_id, spots)


def write_pools(strip: Strip, tubes: list[Specimen], settings: StudySettings) -> dict[str, bytes]:
    """The design of the matrix and the layout of its plate."""
    tube = next(tube for tube in tubes if tube.material == "infusion_product")
    layout: list[Row] = [
        {
            "plate_id": strip.plate_id,
            "well": well,
            "specimen_id": tube.specimen_id,
            "stimulus": stimulus,
            "cells_per_well": CELLS_PER_WELL,
            "replicate": replicate,
        }
        for well, stimulus, replicate in _pipetted(settings)
    ]
    return {
        "layouts/peptide_pools.csv": write_csv(ingested.PEPTIDE_POOLS, _design(strip.person)),
        f"layouts/plate_{strip.plate_id}.csv": write_csv(ingested.PLATE_LAYOUTS, layout),
    }


def _design(subject_id: str) -> Iterator[Row]:
    for number, (row, column) in enumerate(product(range(1, SIZE + 1), repeat=2), start=1):
        for pool in (f"pool R{row}", f"pool C{column}"):
            yield {"pool": pool, "peptide": f"{subject_id}-N{number:02d}", "protein": f"mutated gene {number:02d}"}


def _stimuli(settings: StudySettings) -> dict[str, int]:
    """Stimulus to its number of wells: controls, pools, positive control."""
    pools = [antigen.name for antigen in settings.antigens if antigen.role == "other"]
    wells = {settings.controls.negative[0]: CONTROL_WELLS} | dict.fromkeys(pools, ANTIGEN_WELLS)
    return wells | {settings.controls.positive[0]: ANTIGEN_WELLS}


def _pipetted(settings: StudySettings) -> Iterator[tuple[str, str, int]]:
    """Well, stimulus and replicate."""
    wells = iter(WELLS)
    for stimulus, n in _stimuli(settings).items():
        for replicate in range(1, n + 1):
            yield next(wells), stimulus, replicate
