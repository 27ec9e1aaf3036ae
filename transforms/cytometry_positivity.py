"""Positivity rules of cytometry: what each one says of the counts, before quality has its word."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from expectations.study import StudySettings
from expectations.study_cytometry import CytometryRuleName
from transforms.positivity import at_least

RULE_VERSIONS: Final[dict[CytometryRuleName, str]] = {"fisher": "1", "mimosa": "1", "multimer_events": "1"}
"""Raised whenever the definition of a rule changes, so that a stored call names the definition that made it."""

FAMILY: Final = ("specimen_id", "batch", "population", "readout")
"""Antigens that are tested together: Holm's correction is over these."""


def fisher(pairs: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Rule `fisher`: Fisher's exact test, one-sided, adjusted by Holm over the antigens of a FAMILY.

    Positive with an adjusted p-value, a net percentage and positive stimulated events within their limits. With fewer
    events of the population than the limit, in either tube, an antigen is not evaluable and in no family. The statistic
    is the odds ratio of the sample; null where it is infinite. Holm, Scand J Stat 1979;6:65.

    Args:
        pairs: FAMILY, antigen, counts, `net_value` and `is_usable`.
        settings: for cytometry.rules.fisher.

    Returns:
        The pairs with `statistic`, `p_value_adjusted`, `verdict` (null where there is none) and `rule_reason`.
    """
    limits = settings.cytometry.rules.fisher
    parents = pl.min_horizontal("stimulated_parent_count", "unstimulated_parent_count")
    is_enough = parents >= limits.min_parent
    tested = pairs.filter(pl.col("is_usable") & is_enough)
    p_values = tested.select(*FAMILY, "antigen", pl.Series("p_value", one_sided_p(tested), dtype=pl.Float64))
    adjusted = p_values.with_columns(p_value_adjusted=_holm("p_value")).drop("p_value")
    passes = (
        (pl.col("p_value_adjusted") <= limits.alpha)
        & at_least(pl.col("net_value"), limits.min_net_percent)
        & (pl.col("stimulated_count") >= limits.min_positive)
    )
    return (
        pairs.join(adjusted, on=[*FAMILY, "antigen"], how="left", validate="1:1")
        .with_columns(statistic=_odds_ratio(), rule_reason=_too_few(~is_enough))
        .with_columns(verdict=_verdict(passes))
    )


def mimosa(pairs: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Rule `mimosa`: positive where the false discovery rate of the fitted mixture is within its limit.

    The statistic is z, the probability of a response. Without a fit for the antigen, population, subset and visit, or
    without a single event of the population in a tube, not evaluable; nor where the fit never saw as large a stimulated
    percentage and so cannot tell (see `mimosa_fits.with_responses`). Finak et al., Biostatistics 2014;15:87.

    Args:
        pairs: as `mimosa_fits.with_responses` returns them.
        settings: for cytometry.rules.mimosa.
    """
    passes = pl.col("fdr") <= settings.cytometry.rules.mimosa.max_fdr
    is_empty = pl.min_horizontal("stimulated_parent_count", "unstimulated_parent_count") == 0
    no_fit = pl.when(pl.col("is_usable") & pl.col("z").is_null()).then(pl.lit("no_fit"))
    outside = pl.when("is_outside").then(pl.lit("outside_fit"))
    return pairs.with_columns(
        statistic="z", p_value_adjusted="fdr", rule_reason=pl.coalesce(_too_few(is_empty), no_fit, outside)
    ).with_columns(verdict=_verdict(passes))


def multimer_events(multimers: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Rule `multimer_events`: enough events that bind the multimer, and a large enough share of the population.

    With fewer events of the population than the limit it is not evaluable. The statistic is the number of events.

    Args:
        multimers: as `multimers.multimer_counts` returns them, with `net_value`.
        settings: for cytometry.rules.multimer_events.
    """
    limits = settings.cytometry.rules.multimer_events
    passes = (pl.col("stimulated_count") >= limits.min_events) & at_least(pl.col("net_value"), limits.min_percent)
    return multimers.with_columns(
        statistic=pl.col("stimulated_count").cast(pl.Float64),
        p_value_adjusted=pl.lit(None, dtype=pl.Float64),
        rule_reason=_too_few(pl.col("stimulated_parent_count") < limits.min_parent),
    ).with_columns(verdict=_verdict(passes))


def one_sided_p(pairs: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """P-value of each pair: as many positive stimulated events, or more, given all four margins.

    Fisher, J R Stat Soc 1922;85:87, with the alternative that the stimulated proportion is the larger.
    """
    from scipy.stats import hypergeom

    n_s, all_s, n_u, all_u = (
        pairs[f"{tube}_{count}"].to_numpy()
        for tube in ("stimulated", "unstimulated")
        for count in ("count", "parent_count")
    )
    return np.asarray(hypergeom.sf(n_s - 1, all_s + all_u, n_s + n_u, all_s), dtype=np.float64)


def _holm(p_value: str) -> pl.Expr:
    """Step-down within the family: the smallest p times all, the next times one fewer, never falling, at most 1."""
    n_left = pl.len() - pl.int_range(pl.len())
    descending = (pl.col(p_value).sort() * n_left).cum_max().clip(upper_bound=1.0)
    rank = pl.col(p_value).rank("ordinal") - 1
    return descending.gather(rank).over(FAMILY)


def _odds_ratio() -> pl.Expr:
    n_s, n_u = pl.col("stimulated_count").cast(pl.Float64), pl.col("unstimulated_count").cast(pl.Float64)
    others_s, others_u = pl.col("stimulated_parent_count") - n_s, pl.col("unstimulated_parent_count") - n_u
    return pl.when(n_u * others_s > 0).then(n_s * others_u / (n_u * others_s))


def _too_few(is_few: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("is_usable") & is_few).then(pl.lit("too_few_events"))


def _verdict(passes: pl.Expr) -> pl.Expr:
    can_tell = pl.col("is_usable") & pl.col("rule_reason").is_null()
    return pl.when(can_tell & passes).then(pl.lit("positive")).when(can_tell & ~passes).then(pl.lit("negative"))
