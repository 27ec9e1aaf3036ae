"""Quality criteria of ELISpot, and how criteria of any assay and the rule's verdict become one of four calls."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from expectations.study import StudySettings
from expectations.study_elispot import OnFailure, RuleName
from transforms.positivity import ROUNDING, at_least, has_unequal_cells


@dataclass(frozen=True, slots=True)
class Criterion:
    """A quality criterion: the reason code of its failure, where it fails (null: it does not), and what that does."""

    reason: str
    fails: pl.Expr
    consequence: OnFailure

    @property
    def failed(self) -> pl.Expr:
        """The reason where the criterion fails, else null."""
        return pl.when(self.fails).then(pl.lit(self.reason))


def criteria(settings: StudySettings, rule: RuleName) -> tuple[Criterion, ...]:
    """The criteria in order of precedence: the first that fails gives the reason of the call.

    A missing or ambiguous negative control and too few replicates are never a flag. Unequal numbers of cells forbid a
    comparison of raw counts (`dfr_eq`, `dfr_2x`); `threshold` compares spots per 10^6 cells and flags them. Positive
    controls are judged where the study declares them, all wells together; one too numerous to count passes. Unknown
    viability passes.
    """
    limits = settings.elispot.quality
    is_ambiguous, has_control = pl.col("control").is_null(), pl.col("n_control_wells") > 0
    few = pl.col("n_antigen_wells") < limits.min_replicates
    too_few = pl.col("n_antigen_wells") < limits.min_replicates_evaluable
    too_weak = ~at_least(pl.col("positive_net"), limits.min_positive_control) & ~pl.col("positive_has_tntc")
    positives = (
        Criterion("no_positive_control", pl.col("n_positive_wells") == 0, limits.on_positive_control),
        Criterion("positive_control_low", too_weak, limits.on_positive_control),
    )
    return (
        Criterion("control_ambiguous", is_ambiguous, "not_evaluable"),
        Criterion("no_negative_control", ~is_ambiguous & ~has_control, "not_evaluable"),
        Criterion(
            "negative_control_high",
            _exceeds(pl.col("control_mean"), limits.max_negative_control),
            limits.on_negative_control,
        ),
        *(positives if settings.controls.positive else ()),
        Criterion("unequal_cells", has_unequal_cells(), "flag" if rule == "threshold" else "not_evaluable"),
        Criterion("too_few_replicates", too_few, "not_evaluable"),
        Criterion("low_viability", pl.col("viability_percent") < limits.min_viability_percent, limits.on_viability),
        Criterion(
            "replicate_variability",
            _exceeds(pl.col("antigen_variability"), limits.max_replicate_variability),
            limits.on_replicate_variability,
        ),
        Criterion("below_lod", (pl.col("verdict") == "positive") & pl.col("is_below_lod"), limits.on_below_lod),
        Criterion("few_replicates", few & ~too_few, "flag"),
    )


def called(judged: pl.DataFrame, asked: tuple[Criterion, ...]) -> pl.DataFrame:
    """Adds `quality_flags`, `call` and `reason` to responses with the verdict of one rule.

    Not evaluable by the first criterion that says so, else by the rule itself; a positive becomes indeterminate by the
    first failed criterion that asks for it.

    Args:
        judged: with `verdict`, `rule_reason` and the columns the criteria speak of.
        asked: the criteria, in order of precedence.
    """
    blocking = _first(asked, "not_evaluable", pl.col("rule_reason"))
    doubt = pl.when(pl.col("verdict") == "positive").then(_first(asked, "indeterminate"))
    flags = pl.concat_list(criterion.failed for criterion in asked).list.drop_nulls().list.sort().list.join(",")
    return judged.with_columns(quality_flags=flags, blocking=blocking, doubt=doubt).with_columns(
        call=pl.when(pl.col("blocking").is_not_null())
        .then(pl.lit("not_evaluable"))
        .when(pl.col("doubt").is_not_null())
        .then(pl.lit("indeterminate"))
        .otherwise("verdict"),
        reason=pl.coalesce("blocking", "doubt"),
    )


def _first(asked: tuple[Criterion, ...], consequence: OnFailure, *others: pl.Expr) -> pl.Expr:
    failed = [criterion.failed for criterion in asked if criterion.consequence == consequence]
    return pl.coalesce(*failed, *others, pl.lit(None, dtype=pl.String))


def _exceeds(value: pl.Expr, limit: float) -> pl.Expr:
    return value > limit + ROUNDING
