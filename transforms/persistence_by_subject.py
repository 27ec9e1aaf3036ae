"""The primary exposure: whether a subject, not just an antigen, is persistent at a landmark."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.computed import PERSISTENCE_BY_SUBJECT
from expectations.study import StudySettings
from transforms.response_series import SERIES

_SUBJECT: Final = ("subject_id", "assay", "population", "readout", "rule", "landmark_day")


def persistence_by_subject(
    at_landmark: pl.DataFrame, persistence: pl.DataFrame, outcomes: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """PERSISTENCE_BY_SUBJECT: the tumour antigens the study declares, together; viral comparators are left out.

    Each assay, population, readout and rule by itself; with multimers, the tumour antigens that have one.

    Persistent where at least one of them is; not persistent only where every one was evaluable and none is; else null,
    with the antigens' own reason where none was evaluable and all share it, else `not_all_antigens_tested`.
    `sum_net_value` adds the deciding samples, in the unit of the assay; null unless every antigen has one.

    Induced where the origin of at least one antigen by L + w is, and at least one is evaluable in the window; not
    induced only where every one has an evaluable baseline and is evaluable in the window, and none is. A last sample
    long before L does not say that nothing was induced by L; and it must not count where something was, or those who
    are sampled no longer would be among the induced only. Null for whoever died by L + w.

    Args:
        at_landmark: PERSISTENCE_AT_LANDMARK.
        persistence: PERSISTENCE, for the baseline and what was positive in the infusion product.
        outcomes: OUTCOMES, for the day of death.
        settings: for the tumour antigens.
    """
    of_series = persistence.select(*SERIES, "in_product", has_baseline=pl.col("baseline_call").is_not_null())
    antigens = at_landmark.filter(pl.col("antigen").is_in(settings.tumour_antigens)).join(
        of_series, on=SERIES, how="left", validate="m:1"
    )
    is_induced = pl.col("origin_by_landmark") == "induced"
    is_looked_for = pl.col("has_baseline") & pl.col("persistent").is_not_null()
    subjects = (
        antigens.group_by(_SUBJECT)
        .agg(
            pl.col("is_primary_rule", "half_width_days").first(),
            n_antigens_declared=pl.len(),
            n_antigens_evaluable=pl.col("persistent").is_not_null().sum(),
            n_antigens_persistent=pl.col("persistent").sum(),
            n_antigens_induced=is_induced.sum(),
            are_all_looked_for=is_looked_for.all(),
            n_product_antigens_evaluable=pl.col("in_product").is_not_null().sum(),
            n_product_antigens=pl.col("in_product").sum(),
            n_product_antigens_persistent=(pl.col("in_product") & pl.col("persistent")).sum(),
            reasons=pl.col("reason").drop_nulls().unique().sort(),
            sum_net_value=pl.col("net_value").sort().sum(),
        )
        .join(_deaths(outcomes), on="subject_id", how="left", validate="m:1")
    )
    judged = subjects.with_columns(**_judged()).with_columns(reason=_reason())
    return PERSISTENCE_BY_SUBJECT.conform(judged).sort(PERSISTENCE_BY_SUBJECT.key)


def _deaths(outcomes: pl.DataFrame) -> pl.DataFrame:
    """subject_id, death_day."""
    day = (pl.col("death_date") - pl.col("infusion_date")).dt.total_days()
    return outcomes.filter("is_infused").select("subject_id", death_day=day)


def _judged() -> dict[str, pl.Expr]:
    all_evaluable = pl.col("n_antigens_evaluable") == pl.col("n_antigens_declared")
    persistent = (
        pl.when(pl.col("n_antigens_persistent") > 0)
        .then(pl.lit(value=True))
        .when(all_evaluable)
        .then(pl.lit(value=False))
    )
    is_dead = pl.col("death_day") <= pl.col("landmark_day") + pl.col("half_width_days")
    induced = (
        pl.when(is_dead.fill_null(value=False))
        .then(pl.lit(None, dtype=pl.Boolean))
        .when((pl.col("n_antigens_induced") > 0) & (pl.col("n_antigens_evaluable") > 0))
        .then(pl.lit(value=True))
        .when("are_all_looked_for")
        .then(pl.lit(value=False))
    )
    sums = pl.when(all_evaluable).then("sum_net_value")
    return {"persistent": persistent, "induced": induced, "sum_net_value": sums}


def _reason() -> pl.Expr:
    shared = (pl.col("n_antigens_evaluable") == 0) & (pl.col("reasons").list.len() == 1)
    why = pl.when(shared).then(pl.col("reasons").list.first()).otherwise(pl.lit("not_all_antigens_tested"))
    return pl.when(pl.col("persistent").is_null()).then(why)
