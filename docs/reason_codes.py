"""Every reason code, from its declaration."""

from __future__ import annotations

from typing import Final

from docs.markdown import code, grid, head
from expectations.reasons import REASONS, Kind

_INTRO: Final = """\
A reason code says why something is not as it should be. Codes are stable: a code is retired, never reused.
"""

_KINDS: Final[dict[Kind, tuple[str, str]]] = {
    "file": (
        "Files",
        "Why a file ended in its state: `files.reason`. A file that came in without some of its rows "
        "(`accepted_with_rejects`) has the code of the rule that most of them broke.",
    ),
    "row": ("Rows", "Why a row was split off: `rejects.rule`."),
    "tube": ("Tubes", "What does not fit about samples of cytometry: `tube_findings.reason`."),
    "plate": ("Plates", "What does not fit about a plate that came in: `plate_findings.reason`."),
    "call": (
        "Calls",
        "Why a call is indeterminate or not evaluable: `responses.reason`. The quality criteria that failed stand in "
        "`responses.quality_flags`, whether or not they changed the call.",
    ),
    "response": (
        "Clinical response",
        "What decided a response derived from lesions (`derived_assessments.derived_reason`), and why it differs from "
        "the one reported (`derived_assessments.difference_reason`).",
    ),
    "metric": (
        "Measures",
        "Why there is no number, or why a better one did not count: the columns named `reason` of "
        "`persistence_at_landmark`, `persistence_by_subject`, `expected_specimens` and `associations`, "
        "`outcomes.best_response_reason` and `infusion_products.reactive_reason`.",
    ),
    "usage": ("The command line", "What the program tells the person who called it, with exit code 2."),
}


def page() -> str:
    """The whole page: one table a kind, in the order of declaration."""
    parts = [head("Reason codes", "expectations/reasons.py"), _INTRO]
    for kind, (title, where) in _KINDS.items():
        rows = [(code(item.code), item.meaning, item.remedy) for item in REASONS.values() if item.kind == kind]
        header: tuple[str, ...] = ("code", "meaning", "what to do")
        if not any(remedy for *_, remedy in rows):
            header, rows = header[:2], [row[:2] for row in rows]  # type: ignore[misc]
        parts.append(f"## {title}\n\n{where}\n\n{grid(header, rows)}")
    return "\n".join(parts)
