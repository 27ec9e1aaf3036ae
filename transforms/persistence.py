"""Persistence over the whole follow-up: origin, index, peak, and what is known of the loss of a response."""

from __future__ import annotations

import polars as pl

from expectations.computed import PERSISTENCE
from expectations.study import ALL_CELLS, Persistence, StudySettings
from transforms.auc import auc_per_day
from transforms.half_life import half_lives
from transforms.infusion import product_specimens
from transforms.response_series import SERIES, Followed, followed, with_origin


def persistence(
    responses: pl.DataFrame,
    visited: pl.DataFrame,
    outcomes: pl.DataFrame,
    infusion_products: pl.DataFrame,
    settings: StudySettings,
) -> pl.DataFrame:
    """PERSISTENCE: one row an infused subject, antigen, assay, population, readout and rule, measured or not.

    Descriptive only: it looks at the whole follow-up and so favours those who live long (for what may be associated
    with outcome see `landmarks`). Loss is interval-censored: after the last positive day and on or before the first
    negative day after it; right-censored while the last sample is positive; `death` where the subject died so, with the
    day of death on the right. A baseline response never seen again was lost between day 0 and the first negative day. A
    response never detected has no time of loss.
    """
    known = followed(responses, visited, outcomes, settings)
    measured = pl.concat(_measured(part, settings.persistence) for part in known.parts())
    in_product = _in_product(responses, infusion_products, settings)
    keyed = measured.join(in_product, on=SERIES, how="left", validate="1:1").with_columns(persistence_key=_key())
    return PERSISTENCE.conform(keyed).sort(PERSISTENCE.key)


def _measured(part: Followed, settings: Persistence) -> pl.DataFrame:
    """PERSISTENCE of some series, without in_product and key."""
    after = part.samples.filter(pl.col("study_day") > 0)
    measured, peaks = with_origin(part.series, part.samples), _peaks(after)
    found = (peaks, _days(after), auc_per_day(measured, after, settings), half_lives(after, peaks))
    for frame in found:
        measured = measured.join(frame, on="series_id", how="left", validate="1:1")
    judged = measured.with_columns(loss_kind=_loss_kind(), **_fold(), **_without_samples()).with_columns(**_loss_days())
    return judged.select(*(name for name in PERSISTENCE.schema if name not in ("in_product", "persistence_key")))


def _peaks(after: pl.DataFrame) -> pl.DataFrame:
    """The highest net value of each series, the earlier of equals."""
    is_peak = pl.col("net_value") == pl.col("net_value").max().over("series_id")
    return (
        after.filter(is_peak)
        .unique("series_id", keep="first", maintain_order=True)
        .select("series_id", peak_value="net_value", peak_day="study_day", peak_lod="lod", peak_is_bound="is_bound")
    )


def _days(after: pl.DataFrame) -> pl.DataFrame:
    day, is_positive = pl.col("study_day"), pl.col("is_positive")
    found = after.group_by("series_id").agg(
        first_positive_day=day.filter(is_positive).min(),
        last_positive_day=day.filter(is_positive).max(),
        first_negative_day=day.filter(~is_positive).min(),
    )
    later = (
        after.filter(~is_positive)
        .join(found, on="series_id", how="left", validate="m:1")
        .filter(day > pl.col("last_positive_day"))
        .group_by("series_id")
        .agg(negative_after_day=day.min())
    )
    return found.join(later, on="series_id", how="left", validate="1:1")


def _without_samples() -> dict[str, pl.Expr]:
    """A series without a sample after infusion has no peak to fall from."""
    has_peak = pl.col("peak_day").is_not_null()
    return {
        "half_life_reason": pl.when(has_peak).then("half_life_reason").otherwise(pl.lit("too_few_detected")),
        **{name: pl.col(name).fill_null(0) for name in ("half_life_n", "half_life_n_censored")},
    }


def _in_product(responses: pl.DataFrame, infusion_products: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """SERIES and in_product: true where the product, as `product_specimens` has it, is positive, false negative."""
    is_negative = pl.col("call") == "negative"
    if settings.persistence.indeterminate == "negative":
        is_negative = is_negative | (pl.col("call") == "indeterminate")
    verdict = pl.when(pl.col("call") == "positive").then(pl.lit(value=True)).when(is_negative).then(pl.lit(value=False))
    products = responses.filter(pl.col("is_reported") & (pl.col("material") == "infusion_product")).join(
        product_specimens(infusion_products, responses), on=["subject_id", "specimen_id"], how="semi"
    )
    return products.group_by(SERIES).agg(in_product=verdict.max())


def _fold() -> dict[str, pl.Expr]:
    peak = pl.max_horizontal("peak_value", "peak_lod")
    baseline = pl.max_horizontal("baseline_value", "baseline_lod")
    has_both = pl.col("peak_value").is_not_null() & pl.col("baseline_value").is_not_null()
    return {
        "fold_from_baseline_log2": pl.when(has_both).then((peak / baseline).log(2)),
        "fold_is_bound": pl.when(has_both).then(pl.col("peak_is_bound") | pl.col("baseline_is_bound")),
    }


def _loss_kind() -> pl.Expr:
    was_lost = pl.col("negative_after_day").is_not_null() | (pl.col("origin") == "lost")
    return (
        pl.when(pl.col("n_evaluable") == 0)
        .then(pl.lit("no_post_sample"))
        .when(was_lost)
        .then(pl.lit("interval"))
        .when(pl.col("n_positive") == 0)
        .then(pl.lit("never_detected"))
        .when(pl.col("death_day").is_not_null())
        .then(pl.lit("death"))
        .otherwise(pl.lit("right_censored"))
    )


def _loss_days() -> dict[str, pl.Expr]:
    kind = pl.col("loss_kind")
    was_detected_before_only = (kind == "interval") & (pl.col("origin") == "lost")
    return {
        "loss_left_day": pl.when(was_detected_before_only).then(0).otherwise("last_positive_day"),
        "loss_right_day": pl.when(was_detected_before_only)
        .then("first_negative_day")
        .when(kind == "interval")
        .then("negative_after_day")
        .when(kind == "death")
        .then("death_day"),
    }


def _key() -> pl.Expr:
    """Key for `perdure explain`; the population is named where there are several."""
    named = pl.when(pl.col("population") != ALL_CELLS).then("population")
    return pl.concat_str("subject_id", "antigen", named, "readout", "rule", separator="/", ignore_nulls=True)
