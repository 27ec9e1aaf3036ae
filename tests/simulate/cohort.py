"""Drawn cohorts of TIL therapy: who dies and progresses when, what responds in their blood, and what of it is seen.

Under no association T-cell responses, cells infused, clinical response and survival are drawn apart from each other.
Only what cannot be otherwise binds them: the dead give no sample, and a response needs time to be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

LANDMARK_DAY: Final = 90
HALF_WIDTH: Final = 14
TIME_ZERO: Final = LANDMARK_DAY + HALF_WIDTH
N_ANTIGENS: Final = 4
NOT_EVALUABLE: Final = -1
PD, SD, PR, CR = range(4)

_VISITS: Final = np.array([-5, 14, 30, 60, 90, 180, 270, 365, 545, 730])
_ASSESSMENTS: Final = 56.0
_POSITIVE_FROM: Final = 55.0
LOD_OF_CELLS: Final = 10**8.4


@dataclass(frozen=True, slots=True)
class World:
    """How cohorts are drawn. All effects are off by default.

    Attributes:
        name: of the world.
        frailty_shape: of the gamma frailty that makes some die and progress early; infinite for none.
        landmark_hazard_ratio: of death for the persistent, from the landmark's L + w on.
        over_time_hazard_ratio: of death while the latest sample is positive.
        odds_ratio: of a response for the persistent; responses are then seen at the first assessment.
        shift: of the number of cells of responders.
        stops_at_progression: whether nobody gives blood after progression has been seen.
    """

    name: str
    frailty_shape: float = 2.0
    landmark_hazard_ratio: float = 1.0
    over_time_hazard_ratio: float = 1.0
    odds_ratio: float = 1.0
    shift: float = 0.0
    stops_at_progression: bool = False


NULL: Final = World("no association")
NULL_STOPPED: Final = World("no association, sampling stops at progression", stops_at_progression=True)
LANDMARK: Final = World(
    "association at the landmark", frailty_shape=inf, landmark_hazard_ratio=0.5, odds_ratio=4.0, shift=1e9
)
OVER_TIME: Final = World("association over time", frailty_shape=inf, over_time_hazard_ratio=0.5)


@dataclass(frozen=True, slots=True)
class Cohort:
    """One drawn study of n infused subjects, in study days.

    Attributes:
        os_days: death or last contact.
        has_died: death was seen.
        pfs_days: progression (the assessment that shows it) or death, else the last assessment.
        has_event: one of them was seen.
        is_progression: the event of PFS is a progression.
        response: best response, PD to CR as 0 to 3, -1 where not evaluable.
        change: smallest change of the target sum, percent; nan where not evaluable.
        sample_days: n x visits, nan where there is no sample; the first is the baseline.
        calls: n x visits x antigens, 1 positive, 0 negative, -1 not evaluable.
        net: the same, net spots per 10^6; meaningless where not evaluable.
        in_product: n x antigens, positive in the infusion product.
        cells: tumour-reactive cells infused.
    """

    os_days: Floats
    has_died: Booleans
    pfs_days: Floats
    has_event: Booleans
    is_progression: Booleans
    response: Integers
    change: Floats
    sample_days: Floats
    calls: Integers
    net: Floats
    in_product: Booleans
    cells: Floats
    persistent: Floats = field(init=False)
    """At the landmark: 1, 0, or nan where not evaluable, as of those who died by the end of its window."""

    def __post_init__(self) -> None:
        seen = any_positive(at_landmark(self.sample_days, self.calls))
        object.__setattr__(self, "persistent", np.where(self.is_dead_at_time_zero, np.nan, seen))

    @property
    def is_dead_at_time_zero(self) -> Booleans:
        """Died by L + w."""
        return self.has_died & (self.os_days <= TIME_ZERO)

    @property
    def n(self) -> int:
        """Subjects."""
        return self.os_days.size

    @property
    def is_responder(self) -> Booleans:
        """CR or PR."""
        return self.response >= PR

    @property
    def is_below_lod(self) -> Booleans:
        """Cells infused below their limit of detection."""
        return self.cells < LOD_OF_CELLS


def at_landmark(days: Floats, calls: Integers) -> Integers:
    """n x antigens: the call of the evaluable sample nearest to the landmark in its window, the earlier of two."""
    distance = np.abs(days - LANDMARK_DAY)
    usable = (calls != NOT_EVALUABLE) & (distance <= HALF_WIDTH)[:, :, None] & (days > 0)[:, :, None]
    ranked = np.where(usable, np.nan_to_num(distance + days / 1e6, nan=np.inf)[:, :, None], np.inf)
    nearest = ranked.argmin(axis=1)
    found = np.take_along_axis(calls, nearest[:, None, :], axis=1)[:, 0, :]
    return np.where(usable.any(axis=1), found, NOT_EVALUABLE)


def any_positive(calls: Integers) -> Floats:
    """1 where an antigen is positive, 0 where all are negative, else nan."""
    return np.where((calls == 1).any(axis=-1), 1.0, np.where((calls == 0).all(axis=-1), 0.0, np.nan))


def draw(world: World, n: int, generator: np.random.Generator) -> Cohort:
    """A cohort of n infused subjects."""
    days, calls, net, induced = _samples(n, generator)
    persistent = np.nan_to_num(any_positive(at_landmark(days, calls)))
    frailty = _frailty(world, n, generator)
    death = _death(world, frailty, persistent, days, calls, generator)
    end = np.floor(np.minimum(generator.uniform(180, 1460, n), generator.exponential(3650, n) + 30))
    response, seen_on = _response(world, persistent, death, generator)
    progression = _progression(frailty, response, seen_on, generator)
    os_days, has_died = np.minimum(death, end), death <= end
    pfs_days, has_event, is_progression = _pfs(progression, death, end)
    response = np.where(is_progression & (pfs_days <= _ASSESSMENTS) & (response < PR), PD, response)
    response = np.where((death <= _ASSESSMENTS) | (end < _ASSESSMENTS), NOT_EVALUABLE, response)
    last_sample = np.minimum(death - 1, end)
    if world.stops_at_progression:
        last_sample = np.minimum(last_sample, np.where(is_progression, pfs_days, np.inf))
    cells = 10 ** generator.normal(9, 0.6, n) + world.shift * (response >= PR)
    return Cohort(
        os_days=os_days,
        has_died=has_died,
        pfs_days=pfs_days,
        has_event=has_event,
        is_progression=is_progression,
        response=response,
        change=_change(response, generator),
        sample_days=np.where(days <= last_sample[:, None], days, np.nan),
        calls=calls,
        net=net,
        in_product=generator.random((n, N_ANTIGENS)) < np.where(induced, 0.75, 0.35),
        cells=cells,
    )


def _samples(n: int, generator: np.random.Generator) -> tuple[Floats, Integers, Floats, Booleans]:
    """Days, calls and net values of all samples that would be taken from a subject who lives; antigens induced."""
    jitter = np.clip(np.rint(generator.normal(0, 4, (n, _VISITS.size))), -7, 7)
    jitter[:, 0] = 0
    is_drawn = generator.random(jitter.shape) < np.where(_VISITS <= 0, 0.95, 0.85)
    days = np.where(is_drawn, _VISITS + jitter, np.nan)
    readiness = generator.normal(0, 1, (n, 1))
    induced = generator.random((n, N_ANTIGENS)) < 1 / (1 + np.exp(1.2 - readiness))
    existing = generator.random((n, N_ANTIGENS)) < 0.05
    peak = 10 ** generator.normal(2.3, 0.35, (n, 1, N_ANTIGENS))
    half_life = 120 * np.exp(generator.normal(0, 1, (n, 1, N_ANTIGENS)))
    since = np.nan_to_num(days)[:, :, None]
    decayed = peak * np.exp2(-np.maximum(since - 14, 0) / half_life) * (since > 0)
    true = decayed * induced[:, None, :] + 120.0 * existing[:, None, :]
    net = true * np.exp(generator.normal(0, 0.3, true.shape)) + generator.normal(0, 15, true.shape)
    failed = (generator.random(jitter.shape) < 0.03)[:, :, None] | (generator.random(true.shape) < 0.01)
    return days, np.where(failed, NOT_EVALUABLE, (net >= _POSITIVE_FROM).astype(np.int64)), net, induced


def _frailty(world: World, n: int, generator: np.random.Generator) -> Floats:
    if world.frailty_shape == inf:
        return np.ones(n)
    return generator.gamma(world.frailty_shape, 1 / world.frailty_shape, n)


def _death(
    world: World,
    frailty: Floats,
    persistent: Floats,
    days: Floats,
    calls: Integers,
    generator: np.random.Generator,
) -> Floats:
    """Study day of death: median about 15 months, the hazard changing at the landmark or at samples."""
    marker = any_positive(calls)
    is_told = ~np.isnan(marker) & (days > 0)
    begin = np.maximum.accumulate(np.where(is_told, days, 0.0), axis=1)
    latest = np.maximum.accumulate(np.where(is_told, np.arange(days.shape[1]), 0), axis=1)
    carried = np.where(begin > 0, np.take_along_axis(np.nan_to_num(marker), latest, axis=1), 0.0)
    rate = 0.0018 * frailty[:, None] * np.exp(log(world.over_time_hazard_ratio) * carried)
    if world.landmark_hazard_ratio != 1:
        begin = np.tile([0.0, TIME_ZERO], (frailty.size, 1))
        later = np.exp(log(world.landmark_hazard_ratio) * persistent)
        rate = 0.0018 * frailty[:, None] * np.column_stack([np.ones(frailty.size), later])
    steps = rate[:, :-1] * np.diff(begin, axis=1)
    reached = np.column_stack([np.zeros(frailty.size), np.cumsum(steps, axis=1)])
    level = generator.exponential(1, (frailty.size, 1))
    last = (reached <= level).sum(axis=1, keepdims=True) - 1
    into = (level - np.take_along_axis(reached, last, axis=1)) / np.take_along_axis(rate, last, axis=1)
    return np.ceil((np.take_along_axis(begin, last, axis=1) + into)[:, 0])


def _response(
    world: World, persistent: Floats, death: Floats, generator: np.random.Generator
) -> tuple[Integers, Floats]:
    """Best response of each subject without progression, and the day it is seen; a response needs to be lived for."""
    n = death.size
    odds = 2 / 3 * np.exp(log(world.odds_ratio) * (persistent - 0.5))
    wanted = generator.random(n) < odds / (1 + odds)
    at = generator.choice([1, 2, 3, 4], size=n, p=[0.4, 0.3, 0.2, 0.1]) if world.odds_ratio == 1 else np.ones(n)
    seen_on = at * _ASSESSMENTS
    complete = generator.random(n) < 0.3
    return np.where(wanted & (death > seen_on), np.where(complete, CR, PR), SD), seen_on


def _progression(frailty: Floats, response: Integers, seen_on: Floats, generator: np.random.Generator) -> Floats:
    """Day of progression: half of those without a response within four months, responders from their response on."""
    waiting = generator.exponential(1, frailty.size) / (0.006 * frailty)
    return np.where(response >= PR, seen_on + 4 * waiting, waiting)


def _pfs(progression: Floats, death: Floats, end: Floats) -> tuple[Floats, Booleans, Booleans]:
    shown = np.ceil(progression / _ASSESSMENTS) * _ASSESSMENTS
    is_progression = (shown < death) & (shown <= end)
    is_death = ~is_progression & (death <= end)
    last = np.floor(end / _ASSESSMENTS) * _ASSESSMENTS
    return np.where(is_progression, shown, np.where(is_death, death, last)), is_progression | is_death, is_progression


def _change(response: Integers, generator: np.random.Generator) -> Floats:
    """Best change in percent, whole ones, so that there are ties."""
    low, high = (np.array(ends)[response] for ends in ([0, -30, -99, -100], [80, 19, -30, -100]))
    drawn = np.rint(generator.uniform(low, np.maximum(high, low + 1e-9)))
    return np.where(response == NOT_EVALUABLE, np.nan, drawn)
