"""Many replicates of a world on all cores, and what is counted over them."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from math import isnan, sqrt
from typing import Final

import numpy as np

from tests.simulate.cohort import LANDMARK, NULL, NULL_STOPPED, OVER_TIME, Cohort, World, draw
from tests.simulate.intervals import MANY, Truth, covered, over_time_covered, shift_covered, truth
from tests.simulate.questions import (
    LEVEL,
    Answer,
    Asked,
    Permuted,
    answers,
    divided,
    landmark_survivals,
    over_times,
    ranked,
)

SEED: Final = 20260101
SIZES: Final = (25, 200)
WORLDS: Final = (NULL, NULL_STOPPED, LANDMARK, OVER_TIME)
_AT_ONCE: Final = 100
_SMALL: Final = 100
_ONE_IN: Final = 5
"""Of larger studies one in five is asked for the Hodges-Lehmann interval, the one that costs most."""


@dataclass(frozen=True, slots=True)
class Share:
    """How often something happened among the replicates in which it could be told."""

    happened: int
    told: int
    replicates: int

    @property
    def percent(self) -> float:
        """100 happened / told; nan for nothing."""
        return 100 * self.happened / self.told if self.told else float("nan")

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the percentage."""
        share = self.percent / 100
        return 100 * sqrt(share * (1 - share) / self.told) if self.told else float("nan")

    @property
    def not_estimable_percent(self) -> float:
        """Share of replicates that had no number."""
        return 100 * (1 - self.told / self.replicates)


@dataclass(slots=True)
class Tally:
    """Counts over replicates: of p-values at most 5 %, and of intervals that hold the truth."""

    replicates: int = 0
    told: Counter[Asked | str] = field(default_factory=Counter)
    happened: Counter[Asked | str] = field(default_factory=Counter)
    subjects: Counter[Asked] = field(default_factory=Counter)
    seen: set[Asked | str] = field(default_factory=set)

    def add_answer(self, asked: Asked, answer: Answer) -> None:
        """One analysis of one replicate."""
        self.seen.add(asked)
        self.subjects[asked] += answer.n
        if not isnan(answer.p_value):
            self.told[asked] += 1
            self.happened[asked] += answer.p_value <= LEVEL

    def add_interval(self, name: str, is_covered: bool | None) -> None:
        """One interval of one replicate."""
        self.seen.add(name)
        if is_covered is not None:
            self.told[name] += 1
            self.happened[name] += bool(is_covered)

    def add(self, other: Tally) -> None:
        """Another tally of the same world and size."""
        self.replicates += other.replicates
        self.seen |= other.seen
        for mine, theirs in ((self.told, other.told), (self.happened, other.happened), (self.subjects, other.subjects)):
            mine.update(theirs)

    def share(self, of: Asked | str) -> Share:
        """How often."""
        return Share(self.happened[of], self.told[of], self.replicates)

    def mean_subjects(self, asked: Asked) -> float:
        """Subjects compared, on average."""
        return self.subjects[asked] / self.replicates


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was counted, by name of the world and size of the study, and the truth of each world."""

    tallies: dict[tuple[str, int], Tally]
    truths: dict[str, Truth]
    replicates: int
    n_permutations: int
    sizes: tuple[int, ...]

    def of(self, world: World, n: int) -> Tally:
        """The counts of one world and size."""
        return self.tallies[world.name, n]


def cohort_of(world: World, n: int, replicate: int) -> Cohort:
    """The cohort of one replicate: the same whatever else is drawn, and by however many processes."""
    return draw(world, n, np.random.default_rng([SEED, WORLDS.index(world), n, replicate]))


def simulate(
    replicates: int,
    n_permutations: int,
    sizes: tuple[int, ...] = SIZES,
    workers: int = 0,
    subjects: int = MANY,
    tell: Callable[[str], None] = lambda _: None,
) -> Simulated:
    """Counts of every world and size.

    Args:
        replicates: studies drawn of each.
        n_permutations: random permutations of a test that cannot count all of them. The error rate of such a test does
            not depend on their number where 5 % of it plus one is whole, as of 999. Each study has its own seed: with
            one for all, the chance in 999 permutations would be the same in every study, and no error would tell it.
        sizes: subjects infused.
        workers: processes; 0 for one a core.
        subjects: drawn for the truth of a world.
        tell: is told how far it is.
    """
    truths = {world.name: truth(world, subjects) for world in WORLDS}
    jobs = [
        (world, n, first, min(_AT_ONCE, replicates - first), n_permutations, truths[world.name])
        for n in sorted(sizes, reverse=True)
        for world in WORLDS
        for first in range(0, replicates, _AT_ONCE)
    ]
    tallies = {(world.name, n): Tally() for world in WORLDS for n in sizes}
    parts = zip(jobs, _done(jobs, workers or os.cpu_count() or 1), strict=True)
    for done, ((world, n, *_), tally) in enumerate(parts, start=1):
        tallies[world.name, n].add(tally)
        tell(f"{done} of {len(jobs)} parts: {world.name}, {n} subjects")
    return Simulated(tallies, truths, replicates, n_permutations, sizes)


def _done(jobs: list[tuple[World, int, int, int, int, Truth]], workers: int) -> Iterator[Tally]:
    if workers == 1:
        yield from (_counted(*job) for job in jobs)
        return
    # Fresh processes: Polars has threads, which a fork would leave behind.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(_counted, *zip(*jobs, strict=True))


def _counted(world: World, n: int, first: int, count: int, n_permutations: int, true: Truth) -> Tally:
    """One part of the replicates of a world and size."""
    analyses, intervals = _MADE[world.name]
    tally = Tally(replicates=count)
    for replicate in range(first, first + count):
        cohort = cohort_of(world, n, replicate)
        for question, answer in analyses(cohort, {"n_permutations": n_permutations, "seed": replicate}):
            tally.add_answer(question, answer)
        parts = [kind(cohort, true) for kind in intervals]
        if intervals and intervals[0] is covered and (n <= _SMALL or replicate % _ONE_IN == 0):
            parts.append(shift_covered(cohort, true))
        for name, is_covered in chain.from_iterable(parts):
            tally.add_interval(name, is_covered)
    return tally


def _everything(cohort: Cohort, drawn: Permuted) -> Iterator[tuple[Asked, Answer]]:
    yield from answers(cohort, drawn).items()


def _offered(cohort: Cohort, drawn: Permuted) -> Iterator[tuple[Asked, Answer]]:
    yield from divided(cohort)
    yield from ranked(cohort, drawn)
    yield from landmark_survivals(cohort, drawn)
    yield from over_times(cohort)


def _at_landmark(cohort: Cohort, drawn: Permuted) -> Iterator[tuple[Asked, Answer]]:
    yield from divided(cohort)
    yield from landmark_survivals(cohort, drawn)


def _over_time(cohort: Cohort, drawn: Permuted) -> Iterator[tuple[Asked, Answer]]:
    del drawn
    yield from over_times(cohort)


_Analyses = Callable[[Cohort, Permuted], Iterator[tuple[Asked, Answer]]]
_Intervals = Callable[[Cohort, Truth], Iterator[tuple[str, bool | None]]]

_MADE: Final[dict[str, tuple[_Analyses, tuple[_Intervals, ...]]]] = {
    NULL.name: (_everything, (covered, over_time_covered)),
    NULL_STOPPED.name: (_offered, ()),
    LANDMARK.name: (_at_landmark, (covered,)),
    OVER_TIME.name: (_over_time, (over_time_covered,)),
}
"""What is asked of the cohorts of each world."""
