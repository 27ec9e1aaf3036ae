"""The reference donor: one healthy person's cells thawed with every plate, to see how the assay runs over years."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from expectations.study import StudySettings
from flows.demo.chance import lognormal, negative_binomial
from flows.demo.plates import Plate, Strip

BACKGROUND: Final = 1.2
RECALL: Final = 70.0
MITOGEN: Final = 480.0
"""Expected spots per well without antigen, against the viral antigen, and with the mitogen."""
BETWEEN_PLATES: Final = 0.12
"""SD of the natural logarithm of the donor's response from plate to plate."""
WEAK: Final = 0.35
"""Share of the usual response that is left of a vial that thawed badly."""
_WEAK_FROM_THE_END: Final = 6


def reference_wells(settings: StudySettings) -> dict[str, tuple[str, ...]]:
    """Wells of the recurring layout by stimulus: six controls, six of the viral antigen, three of the mitogen."""
    viral = next(antigen.name for antigen in settings.antigens if antigen.role == "viral")
    rows = {settings.controls.negative[0]: "AB", viral: "CD", settings.controls.positive[0]: "E"}
    return {stimulus: tuple(f"{row}{n}" for row in letters for n in (1, 2, 3)) for stimulus, letters in rows.items()}


def run_references(seed: int, plates: list[Plate], settings: StudySettings) -> tuple[list[Strip], Strip]:
    """One reference plate with every study plate, and the one for which a vial thawed badly."""
    (donor,) = settings.elispot.trend.reference_samples
    weak = plates[-_WEAK_FROM_THE_END].plate_id
    told = []
    for plate in plates:
        rng = Random(f"{seed}/donor/{plate.plate_id}")
        spots = dict(_counts(rng, settings, WEAK if plate.plate_id == weak else 1.0))
        told.append(Strip(_name(plate.plate_id), plate.read_on, donor, spots))
    return told, told[-_WEAK_FROM_THE_END]


def _name(plate_id: str) -> str:
    return f"REF-{plate_id.rpartition('-')[2]}"


def _counts(rng: Random, settings: StudySettings, share: float) -> Iterator[tuple[str, int]]:
    vigour = lognormal(rng, 1.0, BETWEEN_PLATES)
    for (_, wells), above in zip(
        reference_wells(settings).items(), (0.0, share * vigour * RECALL, vigour * MITOGEN), strict=True
    ):
        for well in wells:
            yield well, negative_binomial(rng, BACKGROUND, 8.0) + negative_binomial(rng, above, 120.0)
