"""The study's headline variable: how many tumour-reactive T cells each subject was given."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.computed_cytometry import REACTIVE_CELLS
from expectations.outcome_tables import INFUSED_CELLS
from expectations.study import StudySettings
from transforms.positivity import ROUNDING
from transforms.proportions import mover_distances
from transforms.replicates import FAMILY, RESPONSE, at_ceiling
from transforms.response_series import asked_antigens

_SERIES: Final = ("assay", "population", "readout")
_PRODUCT: Final = ("subject_id", *_SERIES)
_PER_MILLION: Final = {"elispot": 1.0, "cytometry": 1e4}
"""Times the unit of the assay's values: spots per 10^6 cells, percent of the population."""

RULES_OWN: Final = ("too_few_events", "no_fit", "outside_fit")
"""Reasons for which a rule of cytometry makes no call of counts that are good; their net value stands."""

_MILLION: Final = 1e6


def reactive_cells(
    infusion_products: pl.DataFrame, responses: pl.DataFrame, wells: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """REACTIVE_CELLS of every infusion product under every assay, population and readout products were tested in.

    Cells = total viable cells x share of the product that is the population x net fraction, the net values of the
    reactive stimuli summed as they are: those of the reported responses under the primary rule, whatever the call,
    unless it is not evaluable; in cytometry also where only the rule could not call them (RULES_OWN), for the counts
    are there. One stimulus without a value leaves no number (`no_product_result`): a part of the sum
    would pass for the whole. With multimers only antigens that have one are asked for. ELISpot counts among all cells,
    so that the share is 1; else it is the infusion table's, of the cells the population is counted as.

    The LOD of the sum is the sum of the LODs, which is conservative: however the values are correlated, the limit of
    their sum is no higher. Wells too numerous to count leave a bound.

    The 95 % interval is MOVER's from Wilson limits (see `proportions`): wells or tubes of a control that several
    antigens share enter once, times the number of antigens. It is an interval of sampling cells, spots among them
    taken as binomial, and so the least that can be said of the uncertainty.

    Args:
        infusion_products: INFUSION_PRODUCTS. The product is the subject's specimen named there, else the only one.
        responses: RESPONSES.
        wells: ELISPOT_WELLS, for the number of cells that were plated.
        settings: for the reactive stimuli, the multimers and what populations are counted as.
    """
    reactive = _reactive(infusion_products, responses, wells, settings)
    return REACTIVE_CELLS.conform(reactive).sort(REACTIVE_CELLS.key)


def infused_cells(
    infusion_products: pl.DataFrame, responses: pl.DataFrame, wells: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """INFUSED_CELLS: every infusion product with its number of cells under the assay, population and readout declared.

    Arguments and definitions are those of `reactive_cells`; `infusion_product` of study.toml says which number it is.
    """
    declared = dict(zip(_SERIES, settings.series_of(settings.infusion_product)[:3], strict=True))
    reactive = _reactive(infusion_products, responses, wells, settings).filter(**declared)
    numbers = reactive.select(
        "subject_id", "is_below_lod",
        reactive_net_value="net_per_million",
        tumour_reactive_cells="reactive_cells",
        tumour_reactive_cells_ci_lower="reactive_cells_lower",
        tumour_reactive_cells_ci_upper="reactive_cells_upper",
        tumour_reactive_cells_lower=pl.when("has_lower").then("reactive_cells"),
        tumour_reactive_cells_lod="reactive_cells_lod",
        is_bounded=pl.col("is_lower_bound") | pl.col("is_upper_bound"),
        reactive_reason="reason",
        is_tested=pl.lit(value=True),
    )  # fmt: skip
    untested = pl.when(pl.col("is_tested").is_null()).then(pl.lit("no_product_result"))
    infused = infusion_products.join(numbers, on="subject_id", how="left", validate="1:1").with_columns(
        reactive_assay=pl.lit(declared["assay"]), reactive_reason=pl.coalesce("reactive_reason", untested)
    )
    return INFUSED_CELLS.conform(infused).sort(INFUSED_CELLS.key)


def _reactive(
    infusion_products: pl.DataFrame, responses: pl.DataFrame, wells: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """One row a product and series: REACTIVE_CELLS with `net_per_million`, `has_lower` and `has_upper`."""
    products = product_specimens(infusion_products, responses)
    reported = responses.filter(pl.col("is_reported") & pl.col("is_primary_rule"))
    tested = products.join(reported, on=["subject_id", "specimen_id"], how="inner", validate="1:m")
    series = _tested_series(reported, tested, settings)
    stimuli = series.explode("stimuli").rename({"stimuli": "antigen"}).select(*_SERIES, "antigen", "n_stimuli")
    is_counted = (pl.col("assay") == "cytometry") & pl.col("reason").is_in(RULES_OWN)
    evaluable = tested.filter(
        (pl.col("call") != "not_evaluable") | is_counted.fill_null(value=False), pl.col("net_value").is_not_null()
    )
    asked = evaluable.join(stimuli, on=[*_SERIES, "antigen"], how="inner", validate="m:1")
    whole = asked.filter(pl.len().over(_PRODUCT) == pl.col("n_stimuli"))
    return (
        infusion_products.select("subject_id", "total_viable_cells", "cd8_percent", "cd4_percent")
        .join(products, on="subject_id", how="left", validate="1:1")
        .join(series.select(*_SERIES, antigens=pl.col("stimuli").list.join(", ")), how="cross")
        .join(_sums(whole), on=_PRODUCT, how="left", validate="1:1")
        .join(_distances(_proportions(whole, wells)), on=_PRODUCT, how="left", validate="1:1")
        .with_columns(parent_fraction=_parent_fraction(settings))
        .with_columns(**_fractions(), **_cells())
        .with_columns(_reactive_limit("lower"), _reactive_limit("upper"))
    )


def product_specimens(infusion_products: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
    """subject_id and specimen_id of the infusion product, one row a subject whose product is known.

    The specimen that INFUSION_PRODUCTS names, else the only one of that material that RESPONSES hold of the subject.
    """
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


def _tested_series(reported: pl.DataFrame, tested: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Every series a product was tested in, with the list `stimuli` of the reactive ones asked for, and `n_stimuli`."""
    of_products = reported.filter(pl.col("material") == "infusion_product")
    series = pl.concat([frame.select(_SERIES) for frame in (of_products, tested)]).unique()
    order = {name: place for place, name in enumerate(settings.reactive_stimuli)}
    return (
        asked_antigens(series, settings)
        .filter(pl.col("antigen").is_in(settings.reactive_stimuli))
        .group_by(_SERIES)
        .agg(stimuli=pl.col("antigen").sort_by(pl.col("antigen").replace_strict(order, return_dtype=pl.Int32)))
        .with_columns(n_stimuli=pl.col("stimuli").list.len())
    )


def _sums(whole: pl.DataFrame) -> pl.DataFrame:
    """_PRODUCT, the summed net value and LOD per 10^6 cells of the population, and which bounds the sum has."""
    scale = pl.col("assay").replace_strict(_PER_MILLION)
    return whole.group_by(_PRODUCT).agg(
        net_per_million=(pl.col("net_value") * scale).sort().sum(),
        lod_per_million=pl.when(pl.col("lod").is_not_null().all()).then((pl.col("lod") * scale).sort().sum()),
        has_lower=pl.col("net_lower").is_not_null().all(),
        has_upper=pl.col("net_upper").is_not_null().all(),
    )


def _proportions(whole: pl.DataFrame, wells: pl.DataFrame) -> pl.DataFrame:
    """_PRODUCT and the weighted proportions that make the sum: one a stimulus, and one a control of them.

    `proportion` is per cell of the population, `n` the cells it was seen in, those of all replicates together.
    """
    counted = at_ceiling(wells).filter(pl.col("known_spots").is_not_null())
    plated = pl.col("cells_per_well").sum().cast(pl.Float64)
    antigen = counted.filter(pl.col("well_role") == "antigen").group_by(RESPONSE).agg(antigen_cells=plated)
    control = counted.filter(pl.col("well_role") == "negative_control").group_by(FAMILY).agg(control_cells=plated)
    measured = (
        whole.with_columns(analyte=pl.when(pl.col("assay") == "elispot").then("readout"))
        .join(antigen, on=RESPONSE, how="left", validate="m:1")
        .join(control, on=FAMILY, how="left", validate="m:1")
        .with_columns(
            pl.coalesce("stimulated_parent_count", "antigen_cells").cast(pl.Float64).alias("antigen_n"),
            pl.coalesce("unstimulated_parent_count", "control_cells").cast(pl.Float64).alias("control_n"),
        )
    )
    per_cell = pl.col("assay").replace_strict(_PER_MILLION) / _MILLION
    stimuli = measured.select(
        *_PRODUCT, weight=pl.lit(1.0), proportion=(pl.col("antigen_mean") * per_cell).clip(0, 1), n="antigen_n"
    )
    controls = measured.filter(pl.col("control_mean").is_not_null())
    shared = controls.group_by(*_PRODUCT, "plate_id", "control", "control_mean", "control_n").agg(
        weight=-pl.len().cast(pl.Float64)
    )
    subtracted = shared.select(
        *_PRODUCT, "weight", proportion=(pl.col("control_mean") * per_cell).clip(0, 1), n="control_n"
    )
    return pl.concat([stimuli, subtracted])


def _distances(proportions: pl.DataFrame) -> pl.DataFrame:
    """_PRODUCT and how far the 95 % limits lie below and above the summed net fraction."""
    below, above = mover_distances(pl.col("weight"), pl.col("proportion"), pl.col("n"))
    return proportions.group_by(_PRODUCT).agg(below=below, above=above)


def _parent_fraction(settings: StudySettings) -> pl.Expr:
    """Share of the product's cells that the response is measured in; null where the infusion table does not say."""
    shares = [
        pl.when(pl.col("population") == population.name).then(pl.col(f"{population.counted_as.lower()}_percent") / 100)
        for population in settings.cytometry.populations
        if population.counted_as in ("CD8", "CD4")
    ]
    return pl.when(pl.col("assay") == "elispot").then(1.0).otherwise(pl.coalesce(*shares, pl.lit(None, pl.Float64)))


def _fractions() -> dict[str, pl.Expr]:
    net, lod = pl.col("net_per_million"), pl.col("lod_per_million")
    is_below = net < lod - ROUNDING
    is_settled = (is_below & pl.col("has_upper")) | (~is_below & pl.col("has_lower"))
    return {
        "net_fraction": net / _MILLION,
        "net_fraction_lower": pl.when("has_lower").then(net / _MILLION - pl.col("below")),
        "net_fraction_upper": pl.when("has_upper").then(net / _MILLION + pl.col("above")),
        "lod_fraction": lod / _MILLION,
        "is_below_lod": pl.when(is_settled).then(is_below),
        "is_lower_bound": ~pl.col("has_upper"),
        "is_upper_bound": ~pl.col("has_lower"),
    }


def _cells() -> dict[str, pl.Expr]:
    per_million = pl.col("total_viable_cells") / _MILLION * pl.col("parent_fraction")
    net = pl.col("net_per_million")
    return {
        "reactive_cells": per_million * net,
        "reactive_cells_lod": per_million * pl.col("lod_per_million"),
        "reason": pl.when(net.is_null())
        .then(pl.lit("no_product_result"))
        .when(pl.col("total_viable_cells").is_null())
        .then(pl.lit("no_cell_count"))
        .when(pl.col("parent_fraction").is_null())
        .then(pl.lit("no_parent_fraction")),
    }


def _reactive_limit(end: str) -> pl.Expr:
    """An end of the interval in cells; a number of cells is not below 0."""
    cells = pl.col("total_viable_cells") * pl.col("parent_fraction") * pl.col(f"net_fraction_{end}")
    return cells.clip(lower_bound=0).alias(f"reactive_cells_{end}")
