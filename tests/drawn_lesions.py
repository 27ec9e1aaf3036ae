"""Lesions drawn in tests, one a line, study days across, and what RECIST makes of them.

    lesion | kind       | -5 | 60 | 88
    T1     | target     | 50 | 35 | absent
    N1     | node       | 20 | -  | 9.9

A number is a diameter in mm, `small` too small to measure, `-` not assessed, an empty cell no row; other words are the
status. Kinds: target, node (a target lymph node), non_target, non_target_node, new, new_node; `of T1` is a fragment.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from expectations.clinical_in import LESION_MEASUREMENTS, LESIONS, TUMOUR_ASSESSMENTS
from tests.clinical_study import infused, on, study
from transforms.recist import derived_assessments

KINDS = {
    "target": ("target", False),
    "node": ("target", True),
    "non_target": ("non_target", False),
    "non_target_node": ("non_target", True),
    "new": ("new", False),
    "new_node": ("new", True),
}
WORDS = {"small": "too_small", "-": "not_assessed"}
NO_REPORT = TUMOUR_ASSESSMENTS.empty()


def lesions(
    drawing: str, subject: str = "P1", evaluator: str = "investigator", **constants: Any
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """LESIONS and LESION_MEASUREMENTS of a drawing; constants (visit, is_accepted) go to every measurement."""
    lines = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    who = {"subject_id": subject, "evaluator": evaluator}
    known, measured = [], []
    for name, kind, *cells in lines[1:]:
        lesion = {**who, "lesion_id": name}
        if kind.startswith("of "):
            known.append({**lesion, "category": "new", "split_from": kind.removeprefix("of ")})
        else:
            category, is_node = KINDS[kind]
            known.append({**lesion, "category": category, "is_lymph_node": is_node})
        measured += [
            {**lesion, "assessment_date": on(int(day)), **_told(cell), **constants}
            for day, cell in zip(lines[0][2:], cells, strict=True)
            if cell
        ]
    return (
        pl.DataFrame(known, schema=LESIONS.schema, orient="row"),
        pl.DataFrame(measured, schema=LESION_MEASUREMENTS.schema, orient="row"),
    )


def _told(cell: str) -> dict[str, Any]:
    if cell[0].isdigit():
        return {"status": "measured", "diameter_mm": float(cell)}
    return {"status": WORDS.get(cell, cell)}


def derive(
    *drawn: tuple[pl.DataFrame, pl.DataFrame], reported: pl.DataFrame = NO_REPORT, **response: Any
) -> pl.DataFrame:
    """DERIVED_ASSESSMENTS of drawn lesions; every subject is infused on day 0."""
    known = pl.concat([one[0] for one in drawn]) if drawn else LESIONS.empty()
    measured = pl.concat([one[1] for one in drawn]) if drawn else LESION_MEASUREMENTS.empty()
    products = infused(*sorted({*known["subject_id"], *reported["subject_id"]}))
    return derived_assessments(known, measured, reported, products, study(response=response))


def responses(drawing: str, **response: Any) -> str:
    """`60 PR, 88 CR`: the derived responses of one drawn course after its baseline."""
    return said(derive(lesions(drawing), **response))


def said(frame: pl.DataFrame, column: str = "derived_response") -> str:
    """Study day and one column of the assessments that have one."""
    kept = frame.filter(pl.col(column).is_not_null()).sort("assessment_date")
    return ", ".join(f"{day} {told}" for day, told in kept.select("study_day", column).rows())
