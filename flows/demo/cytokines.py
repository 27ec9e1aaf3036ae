"""The simulated cytokine stainings: what CD8 and CD4 T cells of a specimen make when they meet an antigen.

The same immune response as in ELISpot drives them; here it is counted among CD8 or CD4 T cells and by marker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from random import Random
from typing import Final

from expectations.study import StudySettings
from flows.demo.chance import lognormal, negative_binomial, uniform, whole
from flows.demo.immunity import NO_RESPONSE, respond
from flows.demo.plates import weekday
from flows.demo.specimens import Specimen

MARKERS: Final = ("IFNg", "TNF", "CD107a")
POPULATIONS: Final = ("CD8", "CD4")
Subset = tuple[bool, ...]
"""Which of the markers cells have, in the order of MARKERS."""
SUBSETS: Final[tuple[Subset, ...]] = tuple(product((True, False), repeat=len(MARKERS)))
"""All of them, cells without any marker last."""
_PER_SPOT: Final = 8e-6
"""Share of CD8 T cells that react for every spot per 10^6 cells: CD8 T cells are some of these cells, and more of them
stain than leave a spot."""
_OF_CD4: Final = {"tumour": 0.1, "viral": 0.3}
"""Share of that for CD4 T cells by the antigen's role: peptides of nine amino acids are made for CD8 T cells."""
_REACTING: Final = (0.35, 0.10, 0.20, 0.10, 0.08, 0.05, 0.12)
"""How reacting cells divide among SUBSETS but the last."""
_BACKGROUND: Final = (1e-5, 1e-5, 3e-5, 1.5e-4, 2e-5, 2e-4, 5e-4)
"""Share of all cells in each of these without an antigen: IFNg adds up to 0.02 %."""
_BETWEEN_TUBES, _OF_RESPONSE = 40.0, 200.0
"""Sizes of the negative binomials of background and response."""
WELL_THAWED: Final = 70.0
"""Viability from which on a vial gives the usual number of cells, percent."""
_LEFT_OF_BAD_VIAL: Final = 0.06


@dataclass(frozen=True, slots=True)
class Staining:
    """One tube: events of every population by subset; `stimulus` is the antigen or control as declared."""

    specimen: Specimen
    stimulus: str
    events: Mapping[str, Mapping[Subset, int]]

    @property
    def name(self) -> str:
        """What the cytometer's operator calls it."""
        return f"{self.specimen.specimen_id}_{self.stimulus}"

    def parent(self, population: str) -> int:
        """Events of the population."""
        return sum(self.events[population].values())

    def positive(self, population: str, *markers: str) -> int:
        """Events of it that have all these markers, whatever else they have."""
        wanted = [MARKERS.index(marker) for marker in markers]
        return sum(n for subset, n in self.events[population].items() if all(subset[index] for index in wanted))


def stained_on(rng: Random, specimens: Iterable[Specimen]) -> date:
    """Some weeks after the last of them was drawn."""
    return weekday(max(one.collected_on for one in specimens) + timedelta(days=whole(rng, 15, 50)))


def stimuli(settings: StudySettings) -> list[str]:
    """The negative control, then every antigen but peptide pools."""
    return [settings.controls.negative[0], *(one.name for one in settings.antigens if one.role != "other")]


def stain(
    seed: int,
    specimen: Specimen,
    settings: StudySettings,
    wanted: Iterable[str] | None = None,
    usual: Mapping[str, int] | None = None,
) -> list[Staining]:
    """The specimen's tubes, one a stimulus, each drawn from a stream of its own.

    `usual` are the events of a usual tube by population, where they are not 20 000 to 120 000.
    """
    rng = Random(f"{seed}/stainings/{specimen.specimen_id}")
    n_usual = usual or {name: round(min(max(lognormal(rng, 65_000, 0.35), 24_000), 104_000)) for name in POPULATIONS}
    left = 1.0 if specimen.viability_percent >= WELL_THAWED else _LEFT_OF_BAD_VIAL
    noise, vigour = lognormal(rng, 1.0, 0.4), lognormal(rng, 1.0, 0.2)
    roles = {antigen.name: antigen.role for antigen in settings.antigens}
    responses = respond(seed, specimen.subject, settings)
    tubes = []
    for stimulus in wanted or stimuli(settings):
        own = Random(f"{seed}/stainings/{specimen.specimen_id}/{stimulus}")
        share = vigour * _PER_SPOT * responses.get(stimulus, NO_RESPONSE).at(specimen)
        events = {}
        for name in POPULATIONS:
            parent = round(n_usual[name] * left * uniform(own, 0.85, 1.15))
            reacting = share * (1.0 if name == "CD8" else _OF_CD4.get(roles.get(stimulus, ""), 0.0))
            events[name] = _events(own, parent, reacting, noise)
        tubes.append(Staining(specimen, stimulus, events))
    return tubes


def _events(rng: Random, parent: int, reacting: float, noise: float) -> dict[Subset, int]:
    positive = [
        negative_binomial(rng, parent * noise * background, _BETWEEN_TUBES)
        + negative_binomial(rng, parent * reacting * share, _OF_RESPONSE)
        for background, share in zip(_BACKGROUND, _REACTING, strict=True)
    ]
    return dict(zip(SUBSETS, [*positive, parent - sum(positive)], strict=True))
