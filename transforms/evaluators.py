"""Who assessed a tumour, and whose assessment leads."""

from __future__ import annotations

from typing import Final

import polars as pl

EVALUATOR_KEY: Final = pl.col("evaluator").str.strip_chars().str.to_lowercase()
"""The evaluator in small letters: capitals make no other one."""

_FAMILY: Final = pl.col("evaluator").str.split(",").list.first().str.strip_chars()


def leading_key(evaluator: str) -> str:
    """The evaluator of the study file in the form EVALUATOR_KEY gives."""
    return evaluator_name(evaluator)


def evaluator_name(told: str) -> str:
    """An evaluator in small letters and with single blanks: neither capitals nor blanks make another one."""
    return " ".join(told.lower().split())


def with_leading(assessments: pl.DataFrame, evaluator: str) -> pl.DataFrame:
    """Adds is_leading_evaluator and is_accepted_twice to assessments of evaluators in small letters.

    The evaluator named in the study file leads. Where that name is what stands before the comma of several assessors
    (`independent assessor, radiologist 1`), it is at each visit the one whose reading was accepted, or the only one the
    subject has. Of two that lead on one day and say the same, the first by name does; where they say different things
    neither does, and both are is_accepted_twice: nothing tells which one counts.

    Args:
        assessments: subject_id, evaluator, assessment_date, is_accepted, reported_response, derived_response; other
            columns are kept.
        evaluator: of the study file.
    """
    key, on_day = leading_key(evaluator), ("subject_id", "assessment_date")
    family = _FAMILY.alias("family")
    is_only_one = pl.col("evaluator").n_unique().over("subject_id", family) == 1
    is_chosen = pl.col("is_accepted") | (pl.col("is_accepted").is_null() & is_only_one)
    marked = assessments.with_columns(
        ((pl.col("evaluator") == key) | ((family == key) & is_chosen)).fill_null(value=False).alias("leads")
    )
    said = pl.struct("reported_response", "derived_response")
    n_said = said.filter(pl.col("leads")).n_unique().over(on_day)
    is_first = pl.col("evaluator") == pl.col("evaluator").filter(pl.col("leads")).min().over(on_day)
    return marked.with_columns(
        (pl.col("leads") & (n_said == 1) & is_first).alias("is_leading_evaluator"),
        (pl.col("leads") & (n_said > 1)).alias("is_accepted_twice"),
    ).drop("leads")
