"""The lesions behind the investigator's assessments: measured so that RECIST 1.0 gives what was reported, but for two.

Every subject draws from a stream of its own, so that no lesion moves the clinical course or the assay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Final

from expectations import clinical_in
from flows.demo.chance import lognormal, uniform, whole
from flows.demo.faults import Fault
from flows.demo.subjects import Assessment, Subject
from flows.demo.tables import Row, write_csv, write_workbook

LESIONS: Final = "radiology/lesions.csv"
MEASUREMENTS: Final = "radiology/lesion_measurements.xlsx"
ORGANS: Final = ("lung", "liver", "inguinal lymph node", "soft tissue", "axillary lymph node", "adrenal gland", "skin")
EVALUATOR: Final = "investigator"
LEAST: Final = 150
"""Smallest diameter of a target at baseline, a node that counts; tenths of a millimetre."""
_TOO_SMALL: Final = 50


@dataclass(slots=True)
class _Disease:
    """The tumour of one subject as it is measured from visit to visit; diameters in tenths of a millimetre."""

    rng: Random
    subject: Subject
    targets: list[Row]
    others: list[Row]
    baseline: list[int]
    sizes: list[int] = field(init=False)
    nadir: int = field(init=False)
    n_new: int = 0
    has_progressed_elsewhere: bool = False

    def __post_init__(self) -> None:
        self.sizes, self.nadir = list(self.baseline), self.whole

    @property
    def whole(self) -> int:
        """The sum at baseline."""
        return sum(self.baseline)

    def go_to(self, total: float) -> None:
        """Scales every target towards a sum; what would be smaller than 5 mm is too small to measure: 5 mm."""
        share = total / self.whole
        self.sizes = [max(_TOO_SMALL, round(size * share)) for size in self.baseline]

    def shrink(self, *, is_planted: bool) -> None:
        """To a sum at most 70 % of the baseline's and below 120 % of the nadir's."""
        if is_planted:
            self.go_to(0.73 * self.whole)
            return
        if not self.subject.answers:  # shrinks once, hardly enough, so that it can be stable afterwards
            self.go_to(0.69 * self.whole)
        else:
            now = min(sum(self.sizes), 0.69 * self.whole)
            self.go_to(max(0.2 * self.whole, now * uniform(self.rng, 0.75, 1.05)))
        if sum(self.sizes) * 10 > self.whole * 7 or sum(self.sizes) * 5 >= self.nadir * 6:
            self.go_to(0.69 * self.whole)

    def stay(self) -> None:
        """To a sum that neither shrinks by 30 % from baseline nor grows by 20 % from the nadir."""
        if self.nadir:
            low, high = 0.72 * self.whole, min(1.1 * self.whole, 1.18 * self.nadir)
            self.go_to(uniform(self.rng, min(low, high), high))

    def progress(self, day: date) -> list[Row]:
        """By growth, a new lesion, or non-target lesions; gives the new lesion."""
        how = self.rng.random()
        if self.nadir == 0 or how < 0.35:
            self.n_new += 1
            organ = ORGANS[whole(self.rng, 0, len(ORGANS) - 1)]
            if self.nadir:
                self.go_to(self.nadir * uniform(self.rng, 1.0, 1.15))
            return [{**_lesion(self.subject, f"X{self.n_new:02d}", "new", organ), "identified_date": day}]
        if how < 0.45 and self.others:
            self.has_progressed_elsewhere = True
        if not self.has_progressed_elsewhere and not self.n_new:
            self.go_to(max(1.25 * self.nadir, sum(self.sizes)) * uniform(self.rng, 1.05, 1.5))
        return []

    def follow(self, number: int, assessment: Assessment, *, is_planted: bool) -> tuple[list[Row], list[Row]]:
        """New lesions, and the measurements of one assessment that amount to what was reported."""
        fresh, missing = list[Row](), None
        if assessment.response == "CR":
            self.sizes = [0] * len(self.sizes)
        elif assessment.response == "PR":
            self.shrink(is_planted=is_planted)
        elif assessment.response == "PD" and not is_planted:
            fresh = self.progress(assessment.assessed_on)
        else:
            self.stay()
        if assessment.response == "NE":
            missing = whole(self.rng, 0, len(self.sizes) - 1)
        else:
            self.nadir = min(self.nadir, sum(self.sizes))
        return fresh, list(self.measured(assessment.assessed_on, f"assessment {number}", missing))

    def measured(self, day: date, visit: str, missing: int | None = None) -> Iterator[Row]:
        """A row a lesion that is known by then."""
        told: Row = {
            "subject_id": self.subject.subject_id,
            "evaluator": EVALUATOR,
            "assessment_date": day,
            "visit": visit,
        }
        for index, (lesion, size) in enumerate(zip(self.targets, self.sizes, strict=True)):
            status, diameter = ("not_assessed", None) if index == missing else _state(size)
            yield {**told, "lesion_id": lesion["lesion_id"], "status": status, "diameter_mm": diameter}
        gone = "present" if any(self.sizes) else "absent"
        state = "progressed" if self.has_progressed_elsewhere else gone
        for lesion in self.others:
            yield {**told, "lesion_id": lesion["lesion_id"], "status": state}
        for number in range(1, self.n_new + 1):
            yield {**told, "lesion_id": f"X{number:02d}", "status": "present"}


def write_lesions(seed: int, subjects: Sequence[Subject]) -> tuple[dict[str, bytes], list[Fault]]:
    """Lesions and measurements under their paths in the inbox, and the two assessments that do not follow from them."""
    lesions: list[Row] = []
    measurements: list[Row] = []
    shrunk = next((s for s in subjects if s.course == "PR" and _first(s, "PR")), None)
    unseen = next((s for s in reversed(subjects) if s.course == "SD" and _first(s, "PD")), None)
    for subject in subjects:
        disease = _drawn(Random(f"{seed}/lesions/{subject.subject_id}"), subject)
        lesions += [*disease.targets, *disease.others]
        scanned_on = subject.infused_on - timedelta(days=whole(disease.rng, 8, 24))
        measurements += disease.measured(scanned_on, "screening")
        planted = _first(subject, "PR") if subject is shrunk else _first(subject, "PD") if subject is unseen else None
        for number, assessment in enumerate(_investigators(subject), start=1):
            fresh, rows = disease.follow(number, assessment, is_planted=assessment is planted)
            lesions += fresh
            measurements += rows
    files = {
        LESIONS: write_csv(clinical_in.LESIONS, lesions),
        MEASUREMENTS: write_workbook(clinical_in.LESION_MEASUREMENTS, measurements),
    }
    return files, list(_planted(shrunk, unseen))


def _planted(shrunk: Subject | None, unseen: Subject | None) -> Iterator[Fault]:
    if shrunk:
        name, why = "partial response reported at less than 30 % shrinkage", "it was compared with another scan"
        yield Fault(name, MEASUREMENTS, why, expected_reason="differs.overall", value=shrunk.subject_id)
    if unseen:
        name, why = "progression by a lesion nobody entered", "a new lesion was seen and not recorded"
        yield Fault(name, LESIONS, why, expected_reason="differs.overall", value=unseen.subject_id)


def _investigators(subject: Subject) -> list[Assessment]:
    return [one for one in subject.assessments if one.evaluator == EVALUATOR]


def _first(subject: Subject, response: str) -> Assessment | None:
    return next((one for one in _investigators(subject) if one.response == response), None)


def _drawn(rng: Random, subject: Subject) -> _Disease:
    start, n_targets, n_others = whole(rng, 0, len(ORGANS) - 1), whole(rng, 1, 5), whole(rng, 0, 2)
    organs = [ORGANS[(start + index) % len(ORGANS)] for index in range(n_targets + n_others)]
    targets = [_lesion(subject, f"T{n:02d}", "target", organ) for n, organ in enumerate(organs[:n_targets], 1)]
    others = [_lesion(subject, f"N{n:02d}", "non_target", organ) for n, organ in enumerate(organs[n_targets:], 1)]
    return _Disease(rng, subject, targets, others, [max(LEAST, round(lognormal(rng, 270, 0.4))) for _ in targets])


def _lesion(subject: Subject, lesion_id: str, category: str, organ: str) -> Row:
    return {
        "subject_id": subject.subject_id,
        "lesion_id": lesion_id,
        "evaluator": EVALUATOR,
        "category": category,
        "organ": organ,
        "is_lymph_node": "yes" if "lymph node" in organ else "no",
        "method": "CT scan",
    }


def _state(size: int) -> tuple[str, float | None]:
    if size == 0:
        return "absent", None
    return ("too_small", None) if size <= _TOO_SMALL else ("measured", size / 10)
