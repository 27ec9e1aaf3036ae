"""The simulated plates: which specimens share one, what was pipetted where, and when it was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from statistics import mean
from typing import Final, Protocol

from expectations.study import StudySettings
from flows.demo.chance import whole
from flows.demo.immunity import count_spots
from flows.demo.specimens import Specimen

ROWS: Final = "ABCDEFGH"
COLUMNS: Final = 12
SPECIMENS_PER_PLATE: Final = 4
COLUMNS_PER_SPECIMEN: Final = COLUMNS // SPECIMENS_PER_PLATE


class Counted(Protocol):
    """A plate as a reader sees it."""

    @property
    def plate_id(self) -> str:
        """Name of the plate."""

    @property
    def read_on(self) -> date:
        """Day it was counted."""

    @property
    def persons(self) -> tuple[str, ...]:
        """Whose cells it holds."""

    @property
    def spots(self) -> Mapping[str, int]:
        """Spots of every well that was counted."""


@dataclass(frozen=True, slots=True)
class Assay:
    """One specimen thawed and stimulated once: spots per well by stimulus."""

    specimen: Specimen
    spots: dict[str, list[int]]

    def is_doubtful(self, settings: StudySettings) -> bool:
        """True where a lab would repeat it: a high background or a positive control that did not answer."""
        background = mean(self.spots[settings.controls.negative[0]])
        return background > 10 or mean(self.spots[settings.controls.positive[0]]) - background < 20


@dataclass(frozen=True, slots=True)
class Well:
    """One well as pipetted and counted."""

    well: str
    specimen: Specimen
    stimulus: str
    replicate: int
    spots: int


@dataclass(frozen=True, slots=True)
class Plate:
    """One plate: four specimens side by side, three columns each, stimuli from the top row down."""

    plate_id: str
    read_on: date
    assays: tuple[Assay, ...]

    @property
    def persons(self) -> tuple[str, ...]:
        """Its subjects, each once."""
        return tuple(dict.fromkeys(assay.specimen.subject.subject_id for assay in self.assays))

    @property
    def spots(self) -> dict[str, int]:
        """Spots by well, specimen by specimen."""
        return {well.well: well.spots for well in self.wells}

    @property
    def wells(self) -> Iterator[Well]:
        """Every well, specimen by specimen."""
        for block, assay in enumerate(self.assays):
            pipetted = (
                (stimulus, replicate, count)
                for stimulus, counts in assay.spots.items()
                for replicate, count in enumerate(counts, start=1)
            )
            for index, (stimulus, replicate, count) in enumerate(pipetted):
                row, column = divmod(index, COLUMNS_PER_SPECIMEN)
                well = f"{ROWS[row]}{block * COLUMNS_PER_SPECIMEN + column + 1}"
                yield Well(well, assay.specimen, stimulus, replicate, count)


@dataclass(frozen=True, slots=True)
class Strip:
    """A plate with one person's cells in some of its wells, the only ones counted."""

    plate_id: str
    read_on: date
    person: str
    spots: dict[str, int]

    @property
    def persons(self) -> tuple[str, ...]:
        """The one person."""
        return (self.person,)


def primary_window_end(settings: StudySettings) -> int:
    """Last study day of the window of the primary landmark."""
    (half_width,) = (
        mark.half_width for mark in settings.persistence.landmarks if mark.day == settings.primary_landmark
    )
    return settings.primary_landmark + half_width


def run_plates(seed: int, tubes: list[Specimen], settings: StudySettings) -> list[Plate]:
    """The plates in the order they were read: every specimen once, then repeats of the doubtful ones.

    A subject's specimens up to the primary landmark are thawed together, the later ones in a second series. Further
    specimens are repeated until the last plate is full.
    """
    rng = Random(f"{seed}/plates")
    in_series = sorted(tubes, key=lambda tube: tube.study_day > primary_window_end(settings))
    first = [Assay(tube, count_spots(seed, tube, 1, settings)) for tube in in_series]
    n_full = len(first) // SPECIMENS_PER_PLATE * SPECIMENS_PER_PLATE
    full, waiting = first[:n_full], first[n_full:]
    again = [Assay(tube, count_spots(seed, tube, 2, settings)) for tube in _repeats(rng, full, len(waiting), settings)]
    read = [(_read_on(rng, group), group) for group in _grouped(full)]
    for group in _grouped([*waiting, *again]):
        read.append((weekday(max(day for day, _ in read) + timedelta(days=whole(rng, 3, 9))), group))
    read.sort(key=lambda plate: plate[0])
    return [Plate(f"TIL-{number:03d}", day, group) for number, (day, group) in enumerate(read, start=1)]


def _repeats(rng: Random, full: list[Assay], n_waiting: int, settings: StudySettings) -> list[Specimen]:
    """What is thawed again after the first reading: the doubtful, and others until the last plate is full."""
    doubtful = [assay.specimen for assay in full if assay.is_doubtful(settings)]
    others = [assay.specimen for assay in full if assay.specimen not in doubtful]
    while (n_waiting + len(doubtful)) % SPECIMENS_PER_PLATE:
        doubtful.append(others.pop(whole(rng, 0, len(others) - 1)))
    return doubtful


def _grouped(assays: list[Assay]) -> Iterator[tuple[Assay, ...]]:
    for start in range(0, len(assays), SPECIMENS_PER_PLATE):
        yield tuple(assays[start : start + SPECIMENS_PER_PLATE])


def _read_on(rng: Random, group: tuple[Assay, ...]) -> date:
    """Frozen specimens of a plate wait for the last of them, then some weeks."""
    return weekday(max(assay.specimen.collected_on for assay in group) + timedelta(days=whole(rng, 10, 50)))


def weekday(day: date) -> date:
    """The day, or the Monday after a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)
