"""RECIST 1.0 and 1.1: the responses of one course of assessments, in the order of their dates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from expectations.reasons import reason

LEAST_GROWTH_UM: Final = 5000
"""RECIST 1.1: progression is growth by 5 mm at least, besides 20 %."""


@dataclass(frozen=True, slots=True)
class Lesions:
    """Target or non-target lesions at one assessment, counted; of targets those without a diameter are missing."""

    n: int
    n_missing: int
    n_gone: int
    n_merged: int
    n_there: int
    n_progressed: int
    n_normal_nodes: int

    @property
    def only_normal_nodes_left(self) -> bool:
        """None is left but lymph nodes below 10 mm."""
        return self.n_normal_nodes > 0 and self.n_gone + self.n_merged + self.n_normal_nodes == self.n

    @property
    def all_gone(self) -> bool:
        """All gone or merged, and not all merged: what they merged into decides then."""
        return self.n > 0 and self.n_gone > 0 and self.n_gone + self.n_merged == self.n

    @property
    def all_merged(self) -> bool:
        """All of them are part of other lesions."""
        return self.n > 0 and self.n_merged == self.n


@dataclass(frozen=True, slots=True)
class Visit:
    """One assessment after day 0: micrometres of the targets that were assessed, and the lesions counted.

    is_absent_back: a lesion that was gone at baseline, and so is no target, is recorded as there.
    """

    sum_um: int
    targets: Lesions
    non_targets: Lesions
    has_new_lesion: bool
    is_told_later: bool
    is_absent_back: bool


@dataclass(frozen=True, slots=True)
class Baseline:
    """The sum the course is compared with, and whether there was any disease among targets and non-targets."""

    sum_um: int
    has_targets: bool
    has_non_targets: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """Responses of one assessment, the nadir before it, and the code of what decided."""

    nadir_um: int
    target: str
    non_target: str
    overall: str
    why: str | None


def judge(baseline: Baseline, visits: Iterable[Visit], *, is_1_1: bool) -> Iterator[Judged]:
    """Responses at each visit (Therasse, J Natl Cancer Inst 2000;92:205; Eisenhauer, Eur J Cancer 2009;45:228).

    The nadir is the smallest sum before, of those without a missing target, the baseline's included. After a complete
    response a lesion that is there again is progression, whatever its size. A lesion that was gone at baseline already
    is no progression when it is there, but no complete response either: it is for the evaluator to call it new.
    """
    nadir, has_been_complete = baseline.sum_um, False
    for visit in visits:
        target, target_why = _target(baseline, visit, nadir, has_been_complete=has_been_complete, is_1_1=is_1_1)
        non_target, non_target_why = _non_target(baseline, visit, has_been_complete=has_been_complete)
        overall = _overall(target, non_target, has_new_lesion=visit.has_new_lesion)
        why = _why(visit, target, overall, target_why, non_target_why)
        if visit.is_absent_back and overall == "CR":
            overall, why = "PR", reason("recist.absent_is_back").code
        yield Judged(nadir, target, non_target, overall, why)
        has_been_complete |= overall == "CR"
        if visit.targets.n and not visit.targets.n_missing:
            nadir = min(nadir, visit.sum_um)


def _target(
    baseline: Baseline, visit: Visit, nadir: int, *, has_been_complete: bool, is_1_1: bool
) -> tuple[str, str | None]:
    targets = visit.targets
    if targets.n == 0:
        return "NONE", None
    if why := _progression(targets, "target", has_been_complete=has_been_complete):
        return "PD", why
    if targets.all_gone or (targets.all_merged and visit.non_targets.all_gone):
        node_left = reason("recist.node_left").code if visit.sum_um else None
        return ("CR", node_left) if baseline.has_targets else ("NONE", None)
    return _by_sum(baseline, visit, nadir, is_1_1=is_1_1)


def _by_sum(baseline: Baseline, visit: Visit, nadir: int, *, is_1_1: bool) -> tuple[str, str | None]:
    """The response of targets that are not all gone; those assessed may show progression though others are missing."""
    total = visit.sum_um
    has_grown = 5 * total >= 6 * nadir and total > nadir
    if has_grown and not (is_1_1 and total - nadir < LEAST_GROWTH_UM):
        return "PD", None
    if visit.targets.n_missing:
        return "NE", reason("recist.targets_missing").code
    is_response = baseline.has_targets and 10 * total <= 7 * baseline.sum_um
    return ("PR" if is_response else "SD"), _why_no_more(visit.targets, has_grown=has_grown, is_1_1=is_1_1)


def _why_no_more(targets: Lesions, *, has_grown: bool, is_1_1: bool) -> str | None:
    """The code of what the other criteria would have made a progression or complete response."""
    if has_grown:
        return reason("recist.less_than_5_mm").code
    return reason("recist.node_not_gone").code if targets.only_normal_nodes_left and not is_1_1 else None


def _progression(lesions: Lesions, of: str, *, has_been_complete: bool) -> str | None:
    """The code of progression that no sum tells; null for none."""
    if has_been_complete and lesions.n_there:
        return reason("recist.reappeared").code
    return reason(f"recist.{of}_progression").code if lesions.n_progressed else None


def _non_target(baseline: Baseline, visit: Visit, *, has_been_complete: bool) -> tuple[str, str | None]:
    lesions = visit.non_targets
    if lesions.n == 0:
        return "NONE", None
    if why := _progression(lesions, "non_target", has_been_complete=has_been_complete):
        return "PD", why
    if lesions.n_missing:
        return "NE", reason("recist.not_evaluable").code
    if lesions.all_gone or (lesions.all_merged and visit.targets.all_gone):
        return ("CR" if baseline.has_non_targets else "NONE"), None
    return "NON-CR/NON-PD", None


def _overall(target: str, non_target: str, *, has_new_lesion: bool) -> str:
    if has_new_lesion or "PD" in (target, non_target):
        return "PD"
    if target == "NONE":
        return "NE" if non_target == "NONE" else non_target
    if target == "CR":
        return "CR" if non_target in ("CR", "NONE") else "PR"
    return target


def _why(visit: Visit, target: str, overall: str, target_why: str | None, non_target_why: str | None) -> str | None:
    """The code of what decided, null where it was the sum."""
    if overall == "PD":
        of_new = "recist.new_lesion_told_later" if visit.is_told_later else "recist.new_lesion"
        return target_why if target == "PD" else non_target_why or reason(of_new).code
    if target == "NONE":
        return non_target_why if overall != "NE" or non_target_why else reason("recist.nothing_at_baseline").code
    if target == "CR" and overall == "PR":
        return reason("recist.non_target_left").code
    return target_why
