"""Quality criteria of cytometry; `quality.called` makes calls of them."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.study import StudySettings
from expectations.study_cytometry import CytometryRuleName
from transforms.positivity import at_least
from transforms.quality import Criterion

_UNUSABLE: Final = ("counts_conflict", "percent_only", "count_missing")


def criteria(settings: StudySettings, rule: CytometryRuleName) -> tuple[Criterion, ...]:
    """The criteria in order of precedence: the first that fails gives the reason of the call.

    A multimer is interpretable in HLA-matched subjects only; ICS needs a negative control; without counts nothing can
    be tested. Positive controls are judged where the study file gives their limit and declares any. Unknown viability
    passes. A weakly identified mixture is a flag: the call stands.
    """
    limits = settings.cytometry.quality
    of_tubes = ("stimulated",) if rule == "multimer_events" else ("stimulated", "unstimulated")
    own = _of_multimers() if rule == "multimer_events" else (*_of_pairs(), *_of_positive_controls(settings))
    return (
        *own,
        Criterion("low_viability", pl.col("viability_percent") < limits.min_viability_percent, limits.on_viability),
        Criterion("acquisition_failed", _any(of_tubes, "fails"), limits.on_acquisition),
        Criterion("gate_disagreement", _any(of_tubes, "disagrees"), limits.on_gate_disagreement),
        Criterion("below_lod", (pl.col("verdict") == "positive") & pl.col("is_below_lod"), limits.on_below_lod),
        *((Criterion("weak_fit", pl.col("is_weak"), "flag"),) if rule == "mimosa" else ()),
    )


def _of_multimers() -> tuple[Criterion, ...]:
    hla = [Criterion(reason, pl.col("hla") == reason, "not_evaluable") for reason in ("hla_mismatch", "hla_unknown")]
    missing = pl.col("stimulated_missing")
    return (*hla, *(Criterion(reason, missing == reason, "not_evaluable") for reason in _UNUSABLE))


def _of_pairs() -> tuple[Criterion, ...]:
    stimulated, unstimulated = pl.col("stimulated_missing"), pl.col("unstimulated_missing")
    has_control = pl.col("has_control")
    counts = [
        Criterion(reason, (stimulated == reason) | (has_control & (unstimulated == reason)), "not_evaluable")
        for reason in _UNUSABLE
    ]
    return (Criterion("no_negative_control", ~has_control, "not_evaluable"), *counts)


def _of_positive_controls(settings: StudySettings) -> tuple[Criterion, ...]:
    least, consequence = (
        settings.cytometry.quality.min_positive_control_percent,
        settings.cytometry.quality.on_positive_control,
    )
    if least is None or not settings.controls.positive:
        return ()
    return (
        Criterion("no_positive_control", pl.col("positive_percent").is_null(), consequence),
        Criterion("positive_control_low", ~at_least(pl.col("positive_net"), least), consequence),
    )


def _any(of_tubes: tuple[str, ...], trait: str) -> pl.Expr:
    return pl.any_horizontal(f"{tubes}_{trait}" for tubes in of_tubes)
