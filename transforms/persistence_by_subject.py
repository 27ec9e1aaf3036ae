"""The primary exposure: whether a subject, not just an antigen, is persistent at a landmark."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.computed import PERSISTENCE_BY_SUBJECT
from expectations.study import StudySettings
from transforms.response_series import SERIES

_SUBJECT: Final = ("subject_id", "assay", "population", "readout", "rule", "landmark_day")


def persistence_by_subject(
    at_landmark: pl.DataFrame, persistence: pl.DataFrame, responses: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """PERSISTENCE_BY_SUBJECT: the tumour antigens the study declares, together; viral comparators are left out.

    Each assay, population, readout and rule by itself; with multimers, the tumour antigens that have one.

    Persistent where at least one of them is; not persistent only where every one was evaluable and none is; else null,
    with the antigens' own reason where none was evaluable and all share it, else `not_all_antigens_tested`.
    `sum_net_value` adds the deciding samples, in the unit of the assay; null unless every antigen has one.

    Args:
        at_landmark: PERSISTENCE_AT_LANDMARK.
        persistence: PERSISTENCE, for what was positive in the infusion product.
        responses: RESPONSES, for the values of the deciding samples.
        settings: for the tumour antigens.
    """
    decided_on = ["specimen_id", *SERIES]
    values = responses.filter("is_reported").select(*decided_on, "net_value")
    antigens = (
        at_landmark.filter(pl.col("antigen").is_in(settings.tumour_antigens))
        .join(persistence.select(*SERIES, "in_product"), on=SERIES, how="left", validate="m:1")
        .join(values, on=decided_on, how="left", validate="m:1")
    )
    subjects = antigens.group_by(_SUBJECT).agg(
        pl.col("is_primary_rule", "half_width_days").first(),
        n_antigens_declared=pl.len(),
        n_antigens_evaluable=pl.col("persistent").is_not_null().sum(),
        n_antigens_persistent=pl.col("persistent").sum(),
        n_antigens_induced=(pl.col("origin_by_landmark") == "induced").sum(),
        n_product_antigens=pl.col("in_product").sum(),
        n_product_antigens_persistent=(pl.col("in_product") & pl.col("persistent")).sum(),
        reasons=pl.col("reason").drop_nulls().unique().sort(),
        sum_net_value=pl.col("net_value").sort().sum(),
    )
    judged = subjects.with_columns(**_judged()).with_columns(reason=_reason())
    return PERSISTENCE_BY_SUBJECT.conform(judged).sort(PERSISTENCE_BY_SUBJECT.key)


def _judged() -> dict[str, pl.Expr]:
    all_evaluable = pl.col("n_antigens_evaluable") == pl.col("n_antigens_declared")
    persistent = (
        pl.when(pl.col("n_antigens_persistent") > 0)
        .then(pl.lit(value=True))
        .when(all_evaluable)
        .then(pl.lit(value=False))
    )
    return {"persistent": persistent, "sum_net_value": pl.when(all_evaluable).then("sum_net_value")}


def _reason() -> pl.Expr:
    shared = (pl.col("n_antigens_evaluable") == 0) & (pl.col("reasons").list.len() == 1)
    why = pl.when(shared).then(pl.col("reasons").list.first()).otherwise(pl.lit("not_all_antigens_tested"))
    return pl.when(pl.col("persistent").is_null()).then(why)
