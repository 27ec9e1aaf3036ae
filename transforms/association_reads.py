"""How an association is to be read: what it says, and what it does not."""

from __future__ import annotations

from typing import Final

from expectations.analyses import EXPOSURE, OUTCOME
from transforms.association_plan import Question

FEW: Final = 50
"""Subjects below which a p-value that is not small says little."""

_REVERSE: Final = (
    "Association, not prediction: the best response is often reached before the landmark's window closes, so that "
    "either may have come first."
)
_IN_WINDOW: Final = (
    "Whoever died by the end of the landmark's window is left out, whatever was sampled before, and so is whoever "
    "could not be classified by then."
)
_OVER_TIME: Final = (
    "Association, not cause: the exposure changes on the day of each evaluable sample and keeps its value until the "
    "next one, as a time-dependent Cox model takes it. Subjects enter at their first evaluable sample after infusion: "
    "before it nothing is known, and nothing is assumed. Compared are subjects positive and not positive in their "
    "latest sample, on the same day."
)
_DAY_0: Final = (
    "Association, not cause: how many cells could be grown depends on the tumour and on the condition of the subject."
)
_ORDERED: Final = (
    "PD < SD < PR < CR: subjects whose best response is NON-CR/NON-PD or not evaluable have no place in this order and "
    "are left out."
)
_UNADJUSTED: Final = (
    "Not adjusted for confounders: dose, LDH, stage and prior therapy are listed by group in the table of "
    "characteristics."
)
_SMALL: Final = (
    "With fewer than 50 subjects only a large difference can be seen: a p-value that is not small does not say that "
    "there is none."
)
_LEVEL: Final = 0.05
"""What p is compared with, as intervals are of 95 %."""
_IN_A_COX_MODEL: Final = "the interval is that of the profile likelihood of a Cox model"
_NO_ASSOCIATION: Final = {"wilcoxon_exact": 0}
_BUILT: Final = {
    "fisher_exact": (
        "the test adds up all tables no likelier than the one seen, the exact conditional interval has two equal tails"
    ),
    "wilcoxon_exact": "the test counts ties between the groups, which the shifts beside the limits break",
    "logrank_permutation": f"the test permutes who is exposed, {_IN_A_COX_MODEL}",
    "landmark_logrank": f"the test compares observed with expected events, {_IN_A_COX_MODEL}",
    "score_permutation": f"the test permutes the exposures, {_IN_A_COX_MODEL}",
    "score_over_time": f"the test is exact given who is at risk at each event, {_IN_A_COX_MODEL}",
}
"""Methods whose test is not the one their interval inverts: how each is built."""
_EXPLORATORY: Final = (
    "Exploratory: adjusted with all other exploratory analyses (Benjamini-Hochberg); it can suggest a question, not "
    "answer one."
)
_SECONDARY: Final = "Declared secondary analysis: adjusted with the other secondaries (Holm)."


def readings(question: Question, n: int, *, is_estimable: bool) -> list[str]:
    """Sentences that hold of every analysis of this kind, whatever its numbers."""
    kind = OUTCOME[question.outcome].kind
    said = [_timing(question)]
    if EXPOSURE[question.exposure].timing == "landmark":
        said += [] if kind == "time" else [_IN_WINDOW]
    said += [_ORDERED] if kind == "ordered" else []
    said.append(_UNADJUSTED)
    said += [_SMALL] if is_estimable and n < FEW else []
    return said + {"exploratory": [_EXPLORATORY], "secondary": [_SECONDARY]}.get(question.family, [])


def contradiction(method: str, p_value: float | None, lower: float | None, upper: float | None) -> list[str]:
    """The sentence that is due where p is on one side of 0.05 and the interval on the other; [] where both agree.

    Args:
        method: of the analysis; those that invert their own test have no such sentence.
        p_value: two-sided, not adjusted.
        lower: 95 % limit, null where there is none.
        upper: likewise.
    """
    if method not in _BUILT or p_value is None or lower is None or upper is None:
        return []
    nothing = _NO_ASSOCIATION.get(method, 1)
    is_small, is_outside = p_value <= _LEVEL, not lower <= nothing <= upper
    if is_small == is_outside:
        return []
    where, does = "at most" if is_small else "above", "leaves out" if is_outside else "holds"
    return [
        f"Here p is {where} {_LEVEL} and the 95 % interval {does} {nothing}, no association: test and interval are "
        f"built differently ({_BUILT[method]}), and neither is wrong, so that both are to be looked at."
    ]


def _timing(question: Question) -> str:
    timing = EXPOSURE[question.exposure].timing
    if timing == "over_time":
        return _OVER_TIME
    if timing == "day_0":
        return _DAY_0
    if OUTCOME[question.outcome].kind != "time":
        return _REVERSE
    free = ", free of progression" if question.outcome == "PFS" else ""
    return (
        f"Association, not cause: time runs from study day {question.time_zero_day}, the end of the landmark's window. "
        f"Only subjects alive{free} and in follow-up then are compared, classified from samples up to that day; "
        "nothing is said of the others."
    )
