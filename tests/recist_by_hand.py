"""RECIST once more for tests: slow, over the drawing itself, in tenths of a millimetre, one assessment at a time.

For drawings of tests/drawn_lesions.py without fragments and equivocal lesions, all present at baseline, one new lesion.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NOT_ASSESSED = ("", "-")


@dataclass
class Course:
    """What has been so far."""

    first: int
    nadir: int
    is_1_1: bool
    had_cr: bool = False
    is_new: bool = False
    told: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Seen:
    """One lesion at one assessment."""

    cell: str
    is_node: bool
    is_1_1: bool

    @property
    def size(self) -> int | None:
        if self.cell in (*NOT_ASSESSED, "present", "progressed"):
            return None
        sizes = {"small": 50, "absent": 0, "merged": 0}
        return sizes[self.cell] if self.cell in sizes else round(float(self.cell) * 10)

    @property
    def is_merged(self) -> bool:
        return self.cell == "merged"

    @property
    def is_gone(self) -> bool:
        if self.size is None or self.is_merged:
            return False
        return self.size == 0 or (self.is_node and self.is_1_1 and self.size < 100)

    @property
    def is_back(self) -> bool:
        return self.cell not in NOT_ASSESSED and not self.is_merged and not self.is_gone


def responses_by_hand(drawing: str, criteria: str) -> str:
    """`60 PR, 88 CR`, as tests.drawn_lesions.responses tells it."""
    header, *lines = [[cell.strip() for cell in line.split("|")] for line in drawing.splitlines()]
    is_1_1 = criteria == "RECIST 1.1"
    new = next(cells for _, kind, *cells in lines if kind == "new")
    course: Course | None = None
    for at, day in enumerate(header[2:]):
        targets = [Seen(c[at], k == "node", is_1_1) for _, k, *c in lines if k in ("target", "node")]
        others = [Seen(c[at], k == "non_target_node", is_1_1) for _, k, *c in lines if k.startswith("non_target")]
        total = sum(seen.size or 0 for seen in targets)
        if course is None:
            course = Course(total, total, is_1_1)
        elif any(cells[at] for _, _, *cells in lines):
            if new[at] not in NOT_ASSESSED:
                course.is_new = new[at] != "absent"
            response = _overall(_target(course, targets, others, total), _non_target(course, others), course.is_new)
            course.told.append(f"{day} {response}")
            course.had_cr |= response == "CR"
            if all(seen.size is not None for seen in targets):
                course.nadir = min(course.nadir, total)
    return ", ".join(course.told) if course else ""


def _target(course: Course, targets: list[Seen], others: list[Seen], total: int) -> str:
    if not targets:
        return "NONE"
    if course.had_cr and any(seen.is_back for seen in targets):
        return "PD"
    are_gone = all(seen.is_gone or seen.is_merged for seen in targets)
    if are_gone and (any(seen.is_gone for seen in targets) or all(seen.is_gone for seen in others)):
        return "CR"
    growth = total - course.nadir
    if growth > 0 and 100 * growth >= 20 * course.nadir and (growth >= 50 or not course.is_1_1):
        return "PD"
    if any(seen.size is None for seen in targets):
        return "NE"
    return "PR" if 100 * (course.first - total) >= 30 * course.first else "SD"


def _non_target(course: Course, others: list[Seen]) -> str:
    if any(seen.cell == "progressed" for seen in others) or (course.had_cr and any(seen.is_back for seen in others)):
        return "PD"
    if any(seen.cell in NOT_ASSESSED for seen in others):
        return "NE"
    return "CR" if all(seen.is_gone for seen in others) else "NON-CR/NON-PD"


def _overall(target: str, non_target: str, is_new: bool) -> str:
    if is_new or "PD" in (target, non_target):
        return "PD"
    if target == "NONE":
        return non_target
    if target == "CR" and non_target != "CR":
        return "PR"
    return target
