"""Positivity rules, side by side: what each one says of the counts, before quality has its word."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import polars as pl

from expectations.study import StudySettings
from expectations.study_elispot import RuleName
from transforms import resampling, resampling_twofold
from transforms.families import counted, families_of, family_tests
from transforms.replicates import FAMILY, RESPONSE

Rule = Callable[[pl.DataFrame, pl.DataFrame, StudySettings], pl.DataFrame]
"""(summaries, wells at their ceiling, settings) to one row a response: statistic, p_value_adjusted, verdict, reason."""

RULE_VERSIONS: Final[dict[RuleName, str]] = {"threshold": "1", "dfr_eq": "1", "dfr_2x": "1"}
"""Raised whenever the definition of a rule changes, so that a stored call names the definition that made it."""

ROUNDING: Final = 1e-9
"""Floating-point noise of a mean of counts: a limit that is met exactly counts as met."""

MIN_RELABELINGS: Final = 20
"""Fewest relabelings of a family that can be tested; a smaller alpha needs more, as 1 / n is the smallest p-value."""

VERDICT: Final = (*RESPONSE, "statistic", "p_value_adjusted", "verdict", "rule_reason")


def threshold(summaries: pl.DataFrame, wells: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Rule `threshold`: net mean and fold over the control, both in spots per 10^6 cells.

    The statistic is the ratio of the means; null where the control mean is 0, which no fold can fail. Source of the
    default 55 spots and 4-fold: Dubey et al., J Acquir Immune Defic Syndr 2007;45:20, doi 10.1097/QAI.0b013e3180377b5b.
    """
    limits = settings.rules.threshold
    antigen, control = pl.col("antigen_mean"), pl.col("control_mean")
    passes = at_least(antigen - control, limits.min_net) & at_least(antigen, limits.min_fold * control)
    return summaries.with_columns(
        statistic=pl.when(control > 0).then(antigen / control),
        p_value_adjusted=pl.lit(None, dtype=pl.Float64),
        **_verdict(passes, reason=pl.lit(None, dtype=pl.String), negative_holds=pl.lit(value=True)),
    ).select(VERDICT)


def dfr_eq(summaries: pl.DataFrame, wells: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Rule `dfr_eq`: distribution-free resampling of the raw counts, H0 equal means, exact (see `resampling`).

    An antigen is tested with at least 3 antigen and 3 control wells, or 2 and 4, all with as many cells. The family is
    every such antigen of the sample with the same negative control. The statistic is the difference of mean counts per
    well.

    Wells too numerous to count enter at their ceiling. Counts cut at a ceiling are still exchangeable under the null,
    so a positive stands; a negative might be owed to the cut and stays open. A control cut at its ceiling can only
    hide a smaller difference, so a negative stands, unless missing wells change the means a relabeling compares.
    """
    limits = settings.rules.dfr_eq
    fewest = max(MIN_RELABELINGS, math.ceil(1 / limits.alpha - ROUNDING))
    families = families_of(summaries.filter(_is_testable()), wells)
    widths = ("antigen_width", "control_width")
    shapes = counted(families.shapes, widths, resampling.n_relabelings, "n_relabelings")
    n = pl.col("n_relabelings")
    tests = family_tests(families, shapes.filter(n.is_between(fewest, limits.max_relabelings)), resampling.dfr_eq)
    relabelings = families.members.join(shapes, on=FAMILY, how="left", validate="m:1").select(*RESPONSE, n)
    reason = (
        pl.when(~_suffices())
        .then(pl.lit("too_few_replicates"))
        .when(n < fewest)
        .then(pl.lit("too_few_relabelings"))
        .when(n > limits.max_relabelings)
        .then(pl.lit("too_many_relabelings"))
    )
    passes = pl.col("p_value_adjusted") <= limits.alpha
    return (
        summaries.join(relabelings, on=RESPONSE, how="left", validate="1:1")
        .join(tests, on=RESPONSE, how="left", validate="1:1")
        .with_columns(**_verdict(passes, reason=reason, negative_holds=~pl.col("misses_wells")))
        .select(VERDICT)
    )


def dfr_2x(summaries: pl.DataFrame, wells: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Rule `dfr_2x`: distribution-free resampling of log10 counts, H0 at most twice the control, exact.

    An antigen is tested as under `dfr_eq`; the family is the same (see `resampling_twofold`). The statistic is the
    difference of mean log10 counts per well less log10(2).

    An antigen with a well too numerous to count, its own or of its control, has no call, statistic or p-value: raising
    a single well can raise the p-value, so no ceiling settles it. For the others of its family it stays in at its
    ceiling, which can only raise their p-values: a plate is not judged more leniently because of its strongest antigen.
    """
    limits = settings.rules.dfr_2x
    n_wells = ("n_antigen_wells", "n_control_wells")
    sized = counted(summaries, n_wells, resampling_twofold.n_resamples, "n_resamples")
    is_too_large = pl.col("n_resamples") > limits.max_resamples
    families = families_of(sized.filter(_is_testable() & ~is_too_large & ~pl.col("control_has_tntc")), wells)
    tests = family_tests(families, families.shapes, resampling_twofold.dfr_2x)
    has_tntc = pl.col("antigen_has_tntc") | pl.col("control_has_tntc")
    reason = (
        pl.when(~_suffices())
        .then(pl.lit("too_few_replicates"))
        .when(is_too_large)
        .then(pl.lit("too_many_resamples"))
        .when(has_tntc)
        .then(pl.lit("tntc"))
    )
    known = (pl.when(~has_tntc).then(name).alias(name) for name in ("statistic", "p_value_adjusted"))
    passes = pl.col("p_value_adjusted") <= limits.alpha
    return (
        sized.join(tests, on=RESPONSE, how="left", validate="1:1")
        .with_columns(known)
        .with_columns(**_verdict(passes, reason=reason, negative_holds=pl.lit(value=True)))
        .select(VERDICT)
    )


RULES: Final[dict[RuleName, Rule]] = {"threshold": threshold, "dfr_eq": dfr_eq, "dfr_2x": dfr_2x}


def at_least(value: pl.Expr, limit: pl.Expr | float) -> pl.Expr:
    """Whether value >= limit, up to the rounding of a mean."""
    return value >= limit - ROUNDING


def has_unequal_cells() -> pl.Expr:
    """True where antigen and control wells do not all hold the same number of cells."""
    cells = ("antigen_min_cells", "control_min_cells", "antigen_max_cells", "control_max_cells")
    return (pl.min_horizontal(cells) != pl.max_horizontal(cells)).fill_null(value=False)


def _is_testable() -> pl.Expr:
    is_open = pl.col("antigen_is_open") | pl.col("control_is_open")
    return _suffices() & ~has_unequal_cells() & ~is_open


def _suffices() -> pl.Expr:
    antigen, control = pl.col("n_antigen_wells"), pl.col("n_control_wells")
    return ((antigen >= 3) & (control >= 3)) | ((antigen >= 2) & (control >= 4))


def _verdict(passes: pl.Expr, *, reason: pl.Expr, negative_holds: pl.Expr) -> dict[str, pl.Expr]:
    """The verdict of a rule that passes or fails at the ceilings, where the wells too numerous to count leave one."""
    antigen, control = pl.col("antigen_has_tntc"), pl.col("control_has_tntc")
    is_open = pl.col("antigen_is_open") | pl.col("control_is_open") | (antigen & control)
    holds = (
        pl.when(is_open)
        .then(pl.lit(value=False))
        .when(antigen)
        .then(passes)
        .when(control)
        .then(~passes & negative_holds)
        .otherwise(pl.lit(value=True))
    )
    verdict = pl.when(passes).then(pl.lit("positive")).when(~passes).then(pl.lit("negative"))
    unsettled = pl.when(~holds).then(pl.lit("tntc"))
    return {
        "verdict": pl.when(reason.is_null() & holds).then(verdict),
        "rule_reason": pl.coalesce(reason, unsettled),
    }
