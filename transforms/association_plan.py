"""Which analyses are made: the declared ones always, beside them every exposure, outcome, rule and landmark."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

from expectations.analyses import EXPOSURE, OUTCOME, methods_for
from expectations.study import ALL_CELLS, InfusionProduct, Landmark, StudySettings
from expectations.study_analysis import Declared
from expectations.study_cytometry import MULTIMER

Series = tuple[str, str, str, str]
"""Assay, population, readout and rule."""

LARGEST_PERMUTED: Final = 200
"""Infused subjects up to which a method that is not named is a permutation test; beyond, its asymptotic form."""

_ASYMPTOTIC: Final = {"logrank_permutation": "landmark_logrank", "score_permutation": "landmark_cox"}


@dataclass(frozen=True, slots=True)
class Question:
    """One analysis to be made; without a landmark for what is known on day 0 or changes over time."""

    exposure: str
    outcome: str
    method: str
    series: Series
    landmark: Landmark | None
    family: str = "exploratory"
    is_robustness: bool = False
    place: int | None = None
    """Place among the declared ones."""

    @property
    def key(self) -> tuple[str | int, ...]:
        """Key of ASSOCIATIONS."""
        return self.exposure, self.outcome, self.method, *self.series, self.landmark_day

    @property
    def landmark_day(self) -> int:
        """L, or 0."""
        return self.landmark.day if self.landmark else 0

    @property
    def known_by_day(self) -> int | None:
        """Study day by which an exposure at a landmark is known, L + w; else 0, None where the outcome has no time."""
        if self.landmark:
            return self.landmark.day + self.landmark.half_width
        return 0 if OUTCOME[self.outcome].kind == "time" else None

    @property
    def time_zero_day(self) -> int | None:
        """Study day from which time runs, `known_by_day`; None where the outcome has no time."""
        return self.known_by_day if OUTCOME[self.outcome].kind == "time" else None

    @property
    def is_over_time(self) -> bool:
        """The exposure changes over time."""
        return EXPOSURE[self.exposure].timing == "over_time"


def plan(occurring: Collection[Series], n_infused: int, settings: StudySettings) -> list[Question]:
    """Every analysis to be made, each key once: the primary, the secondaries, then the exploratory ones.

    A declared analysis is there whether or not anything was measured for it. Exploratory ones are made for the series
    that occur: the declared series, ELISpot's analyte, the first population and readout of cytometry, and multimers,
    each under every rule. The primary question is repeated over all of these and over every landmark.

    Args:
        occurring: assay, population, readout and rule of every series of persistence.
        n_infused: infused subjects; more than LARGEST_PERMUTED make asymptotic tests the default.
        settings: the study file.
    """
    analysis = settings.analysis
    primary = _declared(analysis.primary, "primary", n_infused, settings)
    declared = [primary, *(_declared(one, "secondary", n_infused, settings) for one in analysis.secondary)]
    pairs = [
        (exposure, outcome, _method(exposure, outcome, n_infused))
        for exposure in analysis.exploratory.exposures
        for outcome in analysis.exploratory.outcomes
        if methods_for(exposure, outcome)
    ]
    of_primary = (primary.exposure, primary.outcome, primary.method)
    series = _associated(occurring, [one.series for one in declared], settings)
    every: dict[tuple[str | int, ...], Question] = {}
    placed = [replace(one, place=place) for place, one in enumerate(declared)]
    for one in (*placed, *_spread([of_primary, *pairs], series, settings)):
        every.setdefault(one.key, one)
    return [replace(one, is_robustness=one.key[:3] == of_primary) for one in every.values()]


def _declared(one: Declared, family: str, n_infused: int, settings: StudySettings) -> Question:
    timing = EXPOSURE[one.exposure].timing
    landmarks = {landmark.day: landmark for landmark in settings.persistence.landmarks}
    landmark = landmarks[one.landmark or settings.persistence.landmarks[0].day] if timing == "landmark" else None
    series = _named(settings, settings.infusion_product if timing == "day_0" else one)
    method = one.method or _method(one.exposure, one.outcome, n_infused)
    return Question(one.exposure, one.outcome, method, series, landmark, family)


def _named(settings: StudySettings, part: InfusionProduct | Declared) -> Series:
    assay, population, readout, rule = settings.series_of(part)
    if population is None or readout is None:
        raise ValueError("no population or readout of cytometry is declared")
    return assay, population, readout, rule


def _method(exposure: str, outcome: str, n_infused: int) -> str:
    """The default: the first offered, in its asymptotic form where subjects are too many to permute.

    Numbers of cells are permuted all the same: those below a limit of detection have a rank, and no place in a model.
    """
    first = methods_for(exposure, outcome)[0]
    is_permuted = n_infused <= LARGEST_PERMUTED or EXPOSURE[exposure].timing == "day_0"
    return first if is_permuted else _ASYMPTOTIC.get(first, first)


def _associated(occurring: Collection[Series], declared: list[Series], settings: StudySettings) -> list[Series]:
    """The series that occur of every readout that is associated, sorted."""
    readouts = {one[:3] for one in declared} | {("elispot", ALL_CELLS, settings.elispot.analyte)}
    populations, called = settings.cytometry.population_names, settings.cytometry.called_readouts
    if populations and called:
        readouts.add(("cytometry", populations[0], called[0]))
    return sorted(one for one in occurring if one[:3] in readouts or (one[0] == "cytometry" and one[2] == MULTIMER))


def _spread(pairs: list[tuple[str, str, str]], series: list[Series], settings: StudySettings) -> Iterator[Question]:
    """Each pair with its method over the series and landmarks its exposure has."""
    for exposure, outcome, method in pairs:
        timing = EXPOSURE[exposure].timing
        landmarks = settings.persistence.landmarks if timing == "landmark" else (None,)
        for one in [_named(settings, settings.infusion_product)] if timing == "day_0" else series:
            for landmark in landmarks:
                yield Question(exposure, outcome, method, one, landmark)
