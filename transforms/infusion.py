"""The study's headline variable: how many tumour-reactive T cells each subject was given."""

from __future__ import annotations

import polars as pl

from expectations.outcome_tables import INFUSED_CELLS
from expectations.study import StudySettings
from transforms.positivity import ROUNDING


def infused_cells(infusion_products: pl.DataFrame, responses: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """INFUSED_CELLS: total viable cells x net response of the product / 10^6, summed over the reactive stimuli.

    The net values are those of the reported responses under the primary rule and analyte, whatever the call, unless it
    is not evaluable; they are stored unclamped. One stimulus without a value leaves no number (`no_product_result`): a
    part of the sum would pass for the whole. The LOD of the sum is the sum of the LODs, which is conservative: however
    the values are correlated, the limit of their sum is no higher. Wells too numerous to count leave a bound.

    The product is the subject's specimen that the infusion table names, else the only one of that material.
    """
    stimuli = settings.reactive_stimuli
    reactive = (
        _product_specimens(infusion_products, responses)
        .join(_reported(responses, settings), on=["subject_id", "specimen_id"], how="inner", validate="1:m")
        .filter(pl.col("antigen").is_in(stimuli) & (pl.col("call") != "not_evaluable"))
        .group_by("subject_id")
        .agg(
            pl.col("net_value", "lod").sort().sum(),
            n_stimuli=pl.len(),
            has_lower=pl.col("net_lower").is_not_null().all(),
            has_upper=pl.col("net_upper").is_not_null().all(),
        )
        .filter(pl.col("n_stimuli") == len(stimuli))
    )
    infused = infusion_products.join(reactive, on="subject_id", how="left", validate="1:1").with_columns(**_cells())
    return INFUSED_CELLS.conform(infused).sort(INFUSED_CELLS.key)


def _product_specimens(infusion_products: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
    """subject_id and specimen_id, one row a subject whose product is known."""
    only = (
        responses.filter(pl.col("material") == "infusion_product")
        .group_by("subject_id")
        .agg(only_specimen=pl.col("specimen_id").unique())
        .filter(pl.col("only_specimen").list.len() == 1)
        .with_columns(pl.col("only_specimen").list.first())
    )
    return (
        infusion_products.select("subject_id", "specimen_id")
        .join(only, on="subject_id", how="left", validate="1:1")
        .select("subject_id", pl.coalesce("specimen_id", "only_specimen").alias("specimen_id"))
        .drop_nulls()
    )


def _reported(responses: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    is_primary = (
        pl.col("is_primary_rule") & (pl.col("assay") == "elispot") & (pl.col("readout") == settings.elispot.analyte)
    )
    return responses.filter(pl.col("is_reported") & is_primary).select(
        "subject_id", "specimen_id", "antigen", "call", "net_value", "net_lower", "net_upper", "lod"
    )


def _cells() -> dict[str, pl.Expr]:
    net, lod = pl.col("net_value"), pl.col("lod")
    per_spot = pl.col("total_viable_cells") / 1e6
    is_below = net < lod - ROUNDING
    is_settled = (is_below & pl.col("has_upper")) | (~is_below & pl.col("has_lower"))
    return {
        "reactive_net_value": net,
        "reactive_assay": pl.lit("elispot"),
        "tumour_reactive_cells_ci_lower": pl.lit(None, dtype=pl.Float64),
        "tumour_reactive_cells_ci_upper": pl.lit(None, dtype=pl.Float64),
        "tumour_reactive_cells": per_spot * net,
        "tumour_reactive_cells_lower": pl.when("has_lower").then(per_spot * net),
        "tumour_reactive_cells_lod": per_spot * lod,
        "is_below_lod": pl.when(is_settled).then(is_below),
        "is_bounded": pl.when(net.is_not_null()).then(~(pl.col("has_lower") & pl.col("has_upper"))),
        "reactive_reason": pl.when(net.is_null())
        .then(pl.lit("no_product_result"))
        .when(pl.col("total_viable_cells").is_null())
        .then(pl.lit("no_cell_count")),
    }
