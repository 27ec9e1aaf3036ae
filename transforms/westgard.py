"""Westgard's rules on control charts: which plates are out of control, judged from earlier plates alone."""

from __future__ import annotations

from typing import Final

import polars as pl

from transforms.control_baselines import CHART
from transforms.positivity import ROUNDING

WARNS_BEYOND: Final = 2.0
"""Standard deviations of rules 1-2s and 2-2s, by their definition."""

REJECTS_BEYOND: Final = 3.0
"""Standard deviations of rule 1-3s, by its definition."""


def with_verdicts(on_charts: pl.DataFrame) -> pl.DataFrame:
    """Adds `z`, `westgard` and `trend_status` to plate measures beside the limits of their charts.

    1-2s: beyond 2 SD, a warning. 1-3s: beyond 3 SD, rejected. 2-2s: this plate and the one before it on the chart both
    beyond 2 SD on the same side, rejected; plates follow each other by read date, and on one day by name. Exactly 2 or
    3 SD is not beyond. A lower bound breaks upper limits only; where it breaks none it is not judged, and it parts its
    neighbours as any plate does. No SD in the reference period (all its plates alike) is no limit. Source: Westgard et
    al. 1981.

    Args:
        on_charts: CHART, `plate_id`, `read_date`, `value_log10`, `is_bound`, `mean_log10`, `sd_log10`; a measure that
            is on no chart has no `value_log10` or no `read_date`.
    """
    has_spread = pl.col("sd_log10") > ROUNDING
    z = pl.when(has_spread).then((pl.col("value_log10") - pl.col("mean_log10")) / pl.col("sd_log10"))
    return (
        on_charts.sort(*CHART, "read_date", "plate_id")
        .with_columns(z=z)
        .with_columns(is_high=_is_high(WARNS_BEYOND), is_low=_is_low(WARNS_BEYOND))
        .with_columns(
            breaks_12s=pl.col("is_high") | pl.col("is_low"),
            breaks_13s=_is_high(REJECTS_BEYOND) | _is_low(REJECTS_BEYOND),
            breaks_22s=_is_repeated("is_high") | _is_repeated("is_low"),
        )
        .with_columns(westgard=_rules_broken(), trend_status=_status())
    )


def _is_high(limit: float) -> pl.Expr:
    return (pl.col("z") > limit + ROUNDING).fill_null(value=False)


def _is_low(limit: float) -> pl.Expr:
    return ((pl.col("z") < -limit - ROUNDING) & ~pl.col("is_bound")).fill_null(value=False)


def _is_repeated(side: str) -> pl.Expr:
    return pl.col(side) & pl.col(side).shift(1).over(CHART).fill_null(value=False)


def _rules_broken() -> pl.Expr:
    rules = {"1-2s": "breaks_12s", "1-3s": "breaks_13s", "2-2s": "breaks_22s"}
    broken = [pl.when(pl.col(column)).then(pl.lit(rule)) for rule, column in rules.items()]
    joined = pl.concat_str(broken, separator=",", ignore_nulls=True)
    return pl.when(joined != "").then(joined)


def _status() -> pl.Expr:
    is_charted = pl.col("value_log10").is_not_null() & pl.col("read_date").is_not_null()
    return (
        pl.when(~is_charted)
        .then(pl.lit("not_charted"))
        .when(pl.col("z").is_null())
        .then(pl.lit("no_reference"))
        .when(pl.col("breaks_13s") | pl.col("breaks_22s"))
        .then(pl.lit("rejected"))
        .when(pl.col("breaks_12s"))
        .then(pl.lit("warning"))
        .when(pl.col("is_bound"))
        .then(pl.lit("not_judged"))
        .otherwise(pl.lit("in_control"))
    )
