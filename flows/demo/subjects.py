"""The simulated clinical course: who was enrolled, how the tumour answered, when progression and death came.

All of it comes from one stream of its own, so that a change to the simulated assay never moves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Final

from flows.demo.chance import exponential, happens, lognormal, normal, pick, uniform, whole

N_SUBJECTS: Final = 25
FIRST_ENROLMENT: Final = date(2009, 9, 1)
ENROLMENT_DAYS: Final = 1000
DATA_CUT: Final = date(2014, 9, 30)
ASSESSMENT_DAYS: Final = (49, 90, 135, 180, 270, 360, 450, 540, 720, 900, 1080, 1260, 1440, 1620, 1800)
COURSES: Final = {"CR": 0.12, "PR": 0.29, "SD": 0.27, "PD": 0.28, "early death": 0.04}
SURVIVAL_DAYS: Final = {
    "CR": (500, 1200.0),
    "PR": (300, 800.0),
    "SD": (130, 490.0),
    "PD": (75, 250.0),
    "early death": (10, 15.0),
}
"""Earliest day of death, and median of the exponential time after it. Expectation near a median of 21.8 months."""
CURED: Final = 0.6
"""Share of the complete responders who never progress and do not die within the study."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """One overall response by one evaluator."""

    assessed_on: date
    response: str
    evaluator: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject; `course` is what the simulation aimed at, which confirmation can turn into something else."""

    subject_id: str
    enrolled_on: date
    infused_on: date
    sex: str
    birth_year: int
    m_stage: str
    ldh: float
    total_viable_cells: float
    product_viability: float
    product_cd8: float
    course: str
    progressed_on: date | None
    died_on: date | None
    withdrew_on: date | None
    new_therapy_on: date | None
    last_contact: date
    assessments: tuple[Assessment, ...]

    @property
    def answers(self) -> bool:
        """True where the simulation meant the tumour to shrink."""
        return self.course in {"CR", "PR"}


def enrol(seed: int) -> list[Subject]:
    """The subjects S01 to S25 in the order of their enrolment."""
    rng = Random(f"{seed}/clinical")
    starts = sorted(FIRST_ENROLMENT + timedelta(days=whole(rng, 0, ENROLMENT_DAYS)) for _ in range(N_SUBJECTS))
    return [_follow(rng, f"S{number:02d}", start) for number, start in enumerate(starts, start=1)]


def _follow(rng: Random, subject_id: str, enrolled_on: date) -> Subject:
    infused_on = enrolled_on + timedelta(days=whole(rng, 46, 56))
    course = pick(rng, COURSES)
    is_cured = course == "CR" and happens(rng, CURED)
    earliest, median = SURVIVAL_DAYS[course]
    survival = earliest + exponential(rng, median)
    progression = _progression_day(rng, course, survival)
    subject = Subject(
        subject_id=subject_id,
        enrolled_on=enrolled_on,
        infused_on=infused_on,
        sex=pick(rng, {"female": 0.45, "male": 0.55}),
        birth_year=enrolled_on.year - round(min(max(normal(rng, 52, 11), 22), 74)),
        m_stage=pick(rng, {"M1a": 0.15, "M1b": 0.2, "M1c": 0.65}),
        ldh=round(lognormal(rng, 190 if course in {"CR", "PR"} else 240, 0.35), 1),
        total_viable_cells=round(lognormal(rng, 6.5e10 if course in {"CR", "PR"} else 4e10, 0.4), -8),
        product_viability=round(min(normal(rng, 93, 3), 99.5), 1),
        product_cd8=round(min(max(normal(rng, 68, 17), 12), 98), 1),
        course=course,
        progressed_on=None if is_cured else _later(infused_on, progression),
        died_on=None if is_cured else _later(infused_on, survival),
        withdrew_on=None,
        new_therapy_on=None,
        last_contact=DATA_CUT - timedelta(days=whole(rng, 0, 60)),
        assessments=(),
    )
    subject = _observe(rng, subject)
    subject = replace(subject, assessments=tuple(_assess(rng, subject)))
    return replace(subject, new_therapy_on=_new_therapy(rng, subject))


def _progression_day(rng: Random, course: str, survival: float) -> float:
    share = rng.random()
    if course == "SD":
        return 56 + (survival - 56) * (0.15 + 0.5 * share)
    if course in {"CR", "PR"}:
        return survival * (0.5 + 0.35 * share)
    return 5 + 35 * share


def _observe(rng: Random, subject: Subject) -> Subject:
    """What the trial got to know: nothing after a withdrawal or the data cut."""
    withdrew_on = _later(subject.infused_on, uniform(rng, 200, 900)) if happens(rng, 0.05) else None
    last_contact = min(filter(None, (subject.last_contact, withdrew_on)))
    died_on = subject.died_on if subject.died_on and subject.died_on <= last_contact else None
    last_contact = died_on or last_contact
    return replace(
        subject,
        died_on=died_on,
        withdrew_on=withdrew_on if withdrew_on == last_contact and died_on is None else None,
        last_contact=last_contact,
    )


def _assess(rng: Random, subject: Subject) -> Iterator[Assessment]:
    is_read_twice = happens(rng, 0.3)
    onset, clearing = whole(rng, 0, 2), whole(rng, 2, 4)
    flare = whole(rng, 1, 2) if happens(rng, 0.2) else None
    for index, day in enumerate(ASSESSMENT_DAYS):
        assessed_on = subject.infused_on + timedelta(days=day + whole(rng, -5, 5))
        if assessed_on > subject.last_contact:
            return
        response = _response(rng, subject, index, onset, clearing)
        if subject.course == "SD" and index == flare and response == "SD":
            response = "PR"  # shrinks once and is not confirmed
        if subject.progressed_on and assessed_on >= subject.progressed_on:
            response = "PD"
        yield Assessment(assessed_on, response, "investigator")
        if is_read_twice:
            yield Assessment(assessed_on, "SD" if happens(rng, 0.15) else response, "central")
        if response == "PD" and not happens(rng, 0.3):
            return


def _response(rng: Random, subject: Subject, index: int, onset: int, clearing: int) -> str:
    if happens(rng, 0.03):
        return "NE"
    if not subject.answers or index < onset:
        return "SD"
    return "CR" if subject.course == "CR" and index >= clearing else "PR"


def _new_therapy(rng: Random, subject: Subject) -> date | None:
    """Half of those with a known progression go on to another treatment."""
    is_offered, delay = happens(rng, 0.5), whole(rng, 20, 80)
    known = [a.assessed_on for a in subject.assessments if (a.response, a.evaluator) == ("PD", "investigator")]
    starts_on = known[0] + timedelta(days=delay) if known and is_offered else None
    return starts_on if starts_on and starts_on < subject.last_contact else None


def _later(start: date, days: float) -> date:
    return start + timedelta(days=int(days))
