"""Who is compared, and why each of the others is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from expectations.analyses import OUTCOME
from transforms.survival import time_from_landmark

EXCLUSIONS: Final = ("not_infused", "death", "progression", "outcome", "exposure")
"""Reasons in the order in which they are asked: each subject is counted under the first that holds."""

RESPONSES_IN_ORDER: Final = ("PD", "SD", "PR", "CR")

_BEST: Final = pl.col("best_overall_response")
_OUTCOMES: Final = {
    "responder": pl.col("is_responder"),
    "disease_control": pl.col("has_disease_control"),
    "complete_response": pl.when(pl.col("is_responder").is_not_null()).then(_BEST == "CR"),
    "best_response": _BEST.replace_strict(
        RESPONSES_IN_ORDER, list(range(len(RESPONSES_IN_ORDER))), default=None, return_dtype=pl.Int64
    ),
    "best_change_percent": pl.col("best_change_percent"),
}
"""Outcomes without a time, from OUTCOMES; null where not evaluable."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Subjects in a comparison with exposure and outcome (or time_days and event), and counts of all others."""

    subjects: pl.DataFrame
    excluded: dict[str, int]


def asked(outcome: str, outcomes: pl.DataFrame, known_by_day: int | None) -> pl.DataFrame:
    """Every enrolled subject with the outcome, and why it cannot be compared whatever its exposure.

    Whoever died by the day the exposure is known by is in no comparison, also where the outcome has no time: a landmark
    analysis is one of those alive then (Anderson, Cain and Gelber, J Clin Oncol 1983;1:710), and a sample taken before
    that day does not change it.

    Args:
        outcome: one of `expectations.analyses.OUTCOME`.
        outcomes: OUTCOMES.
        known_by_day: L + w; 0 for an outcome with time where nothing precedes day 0; None for one without time against
            an exposure that is known on day 0. Time runs from this day.

    Returns:
        subject_id, excluded (not_infused, death, progression or outcome; null for none), and the outcome: `outcome`,
        or for one with time `time_days` since that day and `event`. Subjects at the end of their follow-up before time
        zero are counted with deaths.
    """
    not_infused = pl.when(~pl.col("is_infused")).then(pl.lit("not_infused"))
    if OUTCOME[outcome].kind != "time":
        measured = outcomes.with_columns(outcome=_OUTCOMES[outcome])
        unmeasured = pl.when(pl.col("outcome").is_null()).then(pl.lit("outcome"))
        why = pl.coalesce(not_infused, _death(known_by_day), unmeasured)
        return measured.select("subject_id", "outcome", excluded=why)
    if known_by_day is None:
        raise ValueError(f"{outcome} needs a day from which time runs")
    at_risk = time_from_landmark(outcomes, known_by_day, "OS" if outcome == "OS" else "PFS")
    before = pl.when(~pl.col("is_at_risk")).then(
        pl.when(pl.col("why_not") == "progression").then(pl.lit("progression")).otherwise(pl.lit("death"))
    )
    return (
        outcomes.select("subject_id", "is_infused")
        .join(at_risk, on="subject_id", how="left", validate="1:1")
        .select("subject_id", "time_days", "event", excluded=pl.coalesce(not_infused, before))
    )


def _death(known_by_day: int | None) -> pl.Expr:
    """`death` where the subject is known to have died by that day; os_days counts both ends."""
    if known_by_day is None:
        return pl.lit(None, dtype=pl.String)
    return pl.when(pl.col("os_event") & (pl.col("os_days") - 1 <= known_by_day)).then(pl.lit("death"))


def compare(asked_of: pl.DataFrame, exposure: pl.DataFrame) -> Compared:
    """The subjects with outcome and exposure, sorted, and how many are left out for each reason, each counted once.

    Args:
        asked_of: `asked`.
        exposure: subject_id, exposure and what else belongs to it; absent subjects are not evaluable.
    """
    unmeasured = pl.when(pl.col("exposure").is_null()).then(pl.lit("exposure"))
    judged = asked_of.join(exposure, on="subject_id", how="left", validate="1:1").with_columns(
        excluded=pl.coalesce("excluded", unmeasured)
    )
    counts = dict(judged["excluded"].drop_nulls().value_counts().rows())
    excluded = {f"n_excluded_{why}": counts.get(why, 0) for why in EXCLUSIONS}
    return Compared(judged.filter(pl.col("excluded").is_null()).drop("excluded").sort("subject_id"), excluded)
