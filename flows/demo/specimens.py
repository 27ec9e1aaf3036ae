"""The simulated specimens: what was drawn of whom and when, with what a lab writes down about a tube."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from typing import Final

from expectations.study import StudySettings, Visit
from flows.demo.chance import happens, normal, pick, whole
from flows.demo.subjects import Subject

MISSED_VISITS: Final = 0.06
MISSED_VISITS_AFTER_PROGRESSION: Final = 0.15
LYMPHODEPLETION_DAYS: Final = 7
OPERATORS: Final = {"AKL": 0.4, "BMN": 0.35, "": 0.25}


@dataclass(frozen=True, slots=True)
class Specimen:
    """One tube; `study_day` counts from the infusion of its subject."""

    specimen_id: str
    subject: Subject
    collected_at: datetime
    processed_at: datetime
    material: str
    declared_visit: str
    viability_percent: float
    recovery_percent: float
    operator: str

    @property
    def collected_on(self) -> date:
        """Day it was taken."""
        return self.collected_at.date()

    @property
    def study_day(self) -> int:
        """Collection minus infusion, days."""
        return (self.collected_on - self.subject.infused_on).days


def draw(seed: int, subjects: list[Subject], settings: StudySettings) -> list[Specimen]:
    """Product and blood of every subject in order of collection; visits thin out by death, withdrawal and absence."""
    return [
        tube for subject in subjects for tube in _of(Random(f"{seed}/tubes/{subject.subject_id}"), subject, settings)
    ]


def of_visits(tubes: list[Specimen], names: Collection[str], settings: StudySettings) -> list[Specimen]:
    """Blood whose day is in the window of one of these visits."""
    windows = [visit.window for visit in settings.visits if visit.name in names]
    blood = (tube for tube in tubes if tube.material == "blood")
    return [tube for tube in blood if any(first <= tube.study_day <= last for first, last in windows)]


def tumour_pieces(seed: int, subjects: list[Subject]) -> list[Specimen]:
    """The resected tumour each product was grown from; none of them is assayed."""
    pieces = []
    for subject in subjects:
        rng = Random(f"{seed}/tumour/{subject.subject_id}")
        day = (subject.enrolled_on - subject.infused_on).days + whole(rng, 1, 4)
        pieces.append(_tube(rng, f"{subject.subject_id}-TUM", subject, "tumour", (day, "baseline")))
    return pieces


def _of(rng: Random, subject: Subject, settings: StudySettings) -> Iterator[Specimen]:
    drawn = sorted(day for day in (_drawn_on(rng, subject, visit) for visit in settings.visits) if day is not None)
    is_product_due = True
    for number, draw_of_visit in enumerate(drawn, start=1):
        if draw_of_visit[0] > 0 and is_product_due:
            is_product_due = False
            yield _product(rng, subject)
        yield _tube(rng, f"{subject.subject_id}-B{number:02d}", subject, "blood", draw_of_visit)
    if is_product_due:
        yield _product(rng, subject)


def _product(rng: Random, subject: Subject) -> Specimen:
    return _tube(rng, f"{subject.subject_id}-TIL", subject, "infusion_product", (-1, ""))


def _drawn_on(rng: Random, subject: Subject, visit: Visit) -> tuple[int, str] | None:
    """Day of the draw; baseline blood comes before lymphodepletion, later blood near the visit's day."""
    spread = 2 if visit.day < 60 else 9
    day = visit.day + whole(rng, -spread, spread)
    day = min(day, -LYMPHODEPLETION_DAYS - 1) if visit.day <= 0 else day
    drawn_on = subject.infused_on + timedelta(days=day)
    has_progressed = subject.progressed_on is not None and drawn_on > subject.progressed_on
    is_missed = happens(rng, MISSED_VISITS_AFTER_PROGRESSION if has_progressed else MISSED_VISITS)
    return None if is_missed or drawn_on >= subject.last_contact else (day, visit.name)


def _tube(rng: Random, specimen_id: str, subject: Subject, material: str, draw_of_visit: tuple[int, str]) -> Specimen:
    day, visit = draw_of_visit
    drawn = datetime.combine(subject.infused_on + timedelta(days=day), time(8)) + timedelta(minutes=whole(rng, 0, 210))
    is_thawed_badly = happens(rng, 0.02)
    return Specimen(
        specimen_id=specimen_id,
        subject=subject,
        collected_at=drawn,
        processed_at=drawn + timedelta(minutes=whole(rng, 50, 330)),
        material=material,
        declared_visit=visit,
        viability_percent=round(min(normal(rng, 61 if is_thawed_badly else 91, 3.5), 99.0), 1),
        recovery_percent=round(min(max(normal(rng, 78, 14), 25), 118), 1),
        operator=pick(rng, OPERATORS),
    )


def with_findings(tubes: list[Specimen], settings: StudySettings) -> tuple[list[Specimen], Specimen, Specimen]:
    """The tubes with two findings for the quality report put in, and the two tubes they are about.

    One tube is drawn between two windows; one bears the name of a visit that its date contradicts.
    """
    visits = sorted(settings.visits, key=lambda visit: visit.day)
    before, after = next((a, b) for a, b in pairwise(visits) if _gap(a, b) > 100)
    stray = next(tube for tube in tubes if tube.declared_visit == after.name)
    shift = timedelta(days=before.window[1] + _gap(before, after) // 2 - stray.study_day)
    moved = replace(
        stray, collected_at=stray.collected_at + shift, processed_at=stray.processed_at + shift, declared_visit=""
    )
    early, late = [visit.name for visit in visits if visit.day > 0][:2]
    misnamed = next(tube for tube in reversed(tubes) if tube.declared_visit == early)
    renamed = replace(misnamed, declared_visit=late)
    changed = {stray.specimen_id: moved, misnamed.specimen_id: renamed}
    return [changed.get(tube.specimen_id, tube) for tube in tubes], moved, renamed


def _gap(before: Visit, after: Visit) -> int:
    return after.window[0] - before.window[1]
