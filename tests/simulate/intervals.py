"""Whether the 95 % intervals of a drawn cohort hold the truth it was drawn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np

from tests.simulate.cohort import NOT_EVALUABLE, Cohort, World, draw
from tests.simulate.exposures import over_time
from tests.simulate.questions import cox_of, firth_of, followed, two_by_two
from transforms.cox import Hazard, cox
from transforms.estimability import NotEstimable
from transforms.exact import clopper_pearson, fisher, hodges_lehmann
from transforms.firth import FirthLogistic
from transforms.survival import kaplan_meier

MANY: Final = 200_000
"""Subjects from whom a world's response rate and median are taken."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What a world's cohorts are drawn from; the rate and the median are those of many subjects of it."""

    odds_ratio: float
    shift: float
    landmark_hazard_ratio: float
    over_time_hazard_ratio: float
    response_rate: float
    median_os: float


def truth(world: World, subjects: int = MANY) -> Truth:
    """The truth of a world."""
    cohort = draw(world, subjects, np.random.default_rng(0))
    evaluable = cohort.response != NOT_EVALUABLE
    return Truth(
        odds_ratio=world.odds_ratio,
        shift=world.shift,
        landmark_hazard_ratio=world.landmark_hazard_ratio,
        over_time_hazard_ratio=world.over_time_hazard_ratio,
        response_rate=float(cohort.is_responder[evaluable].mean()),
        median_os=_median(cohort),
    )


def _median(cohort: Cohort) -> float:
    """First day on which the Kaplan-Meier curve is at or below one half."""
    day = cohort.os_days.astype(np.int64)
    ending, dying = np.bincount(day), np.bincount(day[cohort.has_died], minlength=day.max() + 1)
    at_risk = np.cumsum(ending[::-1])[::-1]
    return float(np.argmax(np.cumprod(1 - dying / at_risk) <= 0.5))


def over_time_covered(cohort: Cohort, true: Truth) -> Iterator[tuple[str, bool | None]]:
    """Intervals of the hazard ratio of an exposure that changes, as `covered`."""
    spans = over_time(cohort, cohort.os_days, cohort.has_died)
    yield from _of_hazard("time-dependent hazard ratio", cox_of(spans), true.over_time_hazard_ratio)


def covered(cohort: Cohort, true: Truth) -> Iterator[tuple[str, bool | None]]:
    """Intervals of what does not change by name, and whether each holds the truth; None where there is no interval.

    An end that an estimate does not have (an empty cell, a curve that does not come down) is infinite.
    """
    at = followed(cohort, "OS", cohort.persistent)
    yield from _of_hazard("landmark hazard ratio", cox(at.time, at.event, at.exposure), true.landmark_hazard_ratio)
    yield from _of_odds(cohort, true.odds_ratio)
    evaluable, responder = cohort.response != NOT_EVALUABLE, cohort.is_responder
    n = int(evaluable.sum())
    lower, upper = clopper_pearson(int(responder.sum()), n)
    yield "response rate, Clopper-Pearson", lower <= true.response_rate <= upper
    median = kaplan_meier(cohort.os_days, cohort.has_died)
    lower, upper = (0.0 if median.lower is None else median.lower), (inf if median.upper is None else median.upper)
    yield "median OS, Kaplan-Meier log-log", lower <= true.median_os <= upper


def shift_covered(cohort: Cohort, true: Truth) -> Iterator[tuple[str, bool | None]]:
    """The Hodges-Lehmann interval of cells infused, none of them taken as below a limit of detection, as `covered`."""
    evaluable, responder = cohort.response != NOT_EVALUABLE, cohort.is_responder
    shift = hodges_lehmann(cohort.cells[evaluable & responder], cohort.cells[evaluable & ~responder])
    is_given = shift is not None and shift.lower is not None
    yield "Hodges-Lehmann shift", shift.lower <= true.shift <= shift.upper if is_given else None


def _of_hazard(name: str, fit: Hazard | NotEstimable, ratio: float) -> Iterator[tuple[str, bool | None]]:
    is_fitted = isinstance(fit, Hazard)
    yield f"{name}, profile likelihood", fit.lower <= ratio <= fit.upper if is_fitted else None
    yield f"{name}, Wald", fit.wald_lower <= ratio <= fit.wald_upper if is_fitted else None


def _of_odds(cohort: Cohort, ratio: float) -> Iterator[tuple[str, bool | None]]:
    known = (cohort.response != NOT_EVALUABLE) & ~np.isnan(cohort.persistent)
    exposed, responder = cohort.persistent[known] == 1, cohort.is_responder[known]
    table = two_by_two(exposed, responder)
    test = fisher(*table)
    yield "odds ratio, conditional exact", None if test is None else test.lower <= ratio <= test.upper
    fit = firth_of(*table)
    is_fitted = isinstance(fit, FirthLogistic) and fit.lower is not None and fit.upper is not None
    yield "odds ratio, Firth profile", fit.lower <= ratio <= fit.upper if is_fitted else None
