"""The simulated immune response: spots of every well of a specimen.

Responses of subjects whose tumour answers are stronger in the product and mostly last; those of the others mostly
fade within weeks. Neither is certain, so persistence goes with response and does not determine it.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from expectations.study import StudySettings
from flows.demo.chance import happens, lognormal, negative_binomial, uniform
from flows.demo.specimens import Specimen
from flows.demo.subjects import Subject

CELLS_PER_WELL: Final = 200_000
CONTROL_WELLS: Final = 6
ANTIGEN_WELLS: Final = 3
IN_PRODUCT: Final = {"MART-1": 0.6, "gp100": 0.45, "NY-ESO-1": 0.25, "MAGE-A3": 0.2}
"""Probability that a product reacts to the antigen; any other tumour antigen has the last of these."""
LASTING: Final = {True: 0.85, False: 0.25}
"""Probability that the product's responses last in blood, for tumours that answer and those that do not."""
REPLICATE_SIZE: Final = 120.0
"""Size of the negative binomial between replicate wells: a coefficient of variation near 10 % at high counts."""


@dataclass(frozen=True, slots=True)
class Response:
    """One antigen in one subject, in spots per 10^6 cells; blood decays from its peak with the half-life in days."""

    product: float
    baseline: float
    peak: float
    half_life: float

    def at(self, specimen: Specimen) -> float:
        """Expected spots per 10^6 cells above background."""
        if specimen.material == "infusion_product":
            return self.product
        if specimen.study_day <= 0:
            return self.baseline
        return self.baseline + self.peak * min(1.0, specimen.study_day / 10) * 2 ** (
            -specimen.study_day / self.half_life
        )


NO_RESPONSE: Final = Response(0.0, 0.0, 0.0, 1.0)


def respond(seed: int, subject: Subject, settings: StudySettings) -> dict[str, Response]:
    """What a subject's T cells react to, by antigen."""
    rng = Random(f"{seed}/immunity/{subject.subject_id}")
    tumour = settings.tumour_antigens
    reactive = [antigen for antigen in tumour if happens(rng, IN_PRODUCT.get(antigen, min(IN_PRODUCT.values())))]
    lasts = happens(rng, LASTING[subject.answers])
    responses = {
        antigen: _from_product(rng, subject.answers, lasts=lasts and (index == 0 or happens(rng, 0.7)))
        for index, antigen in enumerate(reactive or tumour[:1])
    }
    for antigen in settings.antigens:
        if antigen.role == "viral":
            responses[antigen.name] = _viral(rng)
    return responses


def _from_product(rng: Random, answers: bool, *, lasts: bool) -> Response:
    product = lognormal(rng, 1000 if answers else 330, 0.5)
    baseline = lognormal(rng, 90, 0.4) if happens(rng, 0.15) else 0.0
    if lasts:
        return Response(product, baseline, lognormal(rng, 420, 0.5), uniform(rng, 150, 900))
    return Response(product, 0.0, lognormal(rng, 300, 0.5), uniform(rng, 7, 16))


def _viral(rng: Random) -> Response:
    if not happens(rng, 0.65):
        return NO_RESPONSE
    level = lognormal(rng, 600, 0.7)
    return Response(0.15 * level, level, 0.0, 1.0)


def count_spots(seed: int, specimen: Specimen, run: int, settings: StudySettings) -> dict[str, list[int]]:
    """Spots per well by stimulus: controls, then every antigen but pools (role other), then the positive control."""
    rng = Random(f"{seed}/spots/{specimen.specimen_id}/{run}")
    responses = respond(seed, specimen.subject, settings)
    background = 14.0 if happens(rng, 0.015) else lognormal(rng, 1.2, 0.6)
    vigour = lognormal(rng, 1.0, 0.2)
    mitogen = 6.0 if happens(rng, 0.015) else lognormal(rng, 540, 0.25)

    def wells(n: int, above: float, size: float = REPLICATE_SIZE) -> list[int]:
        return [negative_binomial(rng, background, 8.0) + negative_binomial(rng, above, size) for _ in range(n)]

    spots = {settings.controls.negative[0]: wells(CONTROL_WELLS, 0.0)}
    for antigen in (one for one in settings.antigens if one.role != "other"):
        expected = responses.get(antigen.name, NO_RESPONSE).at(specimen) * CELLS_PER_WELL / 1e6
        spots[antigen.name] = wells(ANTIGEN_WELLS, vigour * expected)
    spots[settings.controls.positive[0]] = wells(ANTIGEN_WELLS, mitogen, size=30.0)
    return spots
