"""Quality of plates over time: what the controls of each plate measured, and where that stands on their charts."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.computed import PLATE_QUALITY
from expectations.study import StudySettings
from expectations.study_elispot import Trend
from expectations.vocabulary import CHARTED_MEASURES
from transforms.control_baselines import CHART, limits_in_force
from transforms.replicates import RESPONSE, at_ceiling
from transforms.westgard import with_verdicts

_PLATE_ANALYTE: Final = ("plate_id", "analyte")
_MEASURE: Final = (*_PLATE_ANALYTE, "measure", "sample")


def plate_measures(wells: pl.DataFrame, plates: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Every measure of every plate and analyte, from wells that are counted or too numerous to count.

    Controls (all specimens of the plate together, reference samples apart) and reference samples (by specimen and
    stimulus): mean in spots per 10^6 cells, wells too numerous to count at their ceiling, then a lower bound; null
    where such a plate has no ceiling. Replicate variability: median over the antigens of variance / (median + 1) in
    spots per well, of antigens with two or more counted wells and none too numerous to count, whose variance is not
    known. Share of wells too numerous to count, in percent of the wells that held a test. A measure without a well
    has no row.

    Args:
        wells: ELISPOT_WELLS.
        plates: PLATES, for the instrument.
        settings: for the reference samples and their period.

    Returns:
        The columns of PLATE_QUALITY that come before the limits: CHART, plate, read date, value, `is_bound`, `n_wells`,
        `value_log10` (log10(value + 1)) and `is_reference`.
    """
    trend = settings.elispot.trend
    is_taken = pl.col("status").is_in(["counted", "tntc"]) & (pl.col("well_role") != "unused")
    taken = at_ceiling(wells).filter(is_taken).with_columns(is_tntc=pl.col("status") == "tntc")
    measures = pl.concat([_means(taken, trend), _variability(taken), _tntc_share(taken)])
    instruments = plates.group_by("plate_id").agg(pl.col("instrument").min())
    read_dates = wells.group_by(_PLATE_ANALYTE).agg(pl.col("read_date").max())
    return (
        measures.join(instruments, on="plate_id", how="inner", validate="m:1")
        .join(read_dates, on=_PLATE_ANALYTE, how="left", validate="m:1")
        .with_columns(
            value_log10=pl.when(pl.col("measure").is_in(CHARTED_MEASURES)).then((pl.col("value") + 1).log10()),
            is_reference=_in_reference_period(trend),
        )
        .sort(_MEASURE)
    )


def plate_quality(measures: pl.DataFrame, baselines: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """The measures beside the limits of their chart, with the Westgard rules they break (PLATE_QUALITY).

    Args:
        measures: as `plate_measures` returns them.
        baselines: CONTROL_BASELINES; the latest version for the reference period of the settings counts.
        settings: for the reference period.
    """
    limits = limits_in_force(baselines, settings)
    is_charted = pl.col("value_log10").is_not_null() & pl.col("read_date").is_not_null()
    on_charts = measures.join(limits, on=CHART, how="left", validate="m:1").with_columns(
        pl.when(is_charted).then(pl.col(limit)).alias(limit) for limit in ("mean_log10", "sd_log10", "baseline_version")
    )
    return PLATE_QUALITY.conform(with_verdicts(on_charts)).sort(PLATE_QUALITY.key)


def _in_reference_period(trend: Trend) -> pl.Expr:
    if trend.reference_first is None or trend.reference_last is None:
        return pl.lit(value=False)
    return pl.col("read_date").is_between(trend.reference_first, trend.reference_last).fill_null(value=False)


def _means(taken: pl.DataFrame, trend: Trend) -> pl.DataFrame:
    role, is_reference = pl.col("well_role"), pl.col("specimen_id").is_in(list(trend.reference_samples))
    control = pl.when(role == "negative_control").then("control")
    name = pl.coalesce("antigen", control, "stimulus")
    is_open = (pl.col("is_tntc") & pl.col("known_spots").is_null()).any()
    # Sorted within the group: sums of floats depend on their order in the last digit, and rows come in any order.
    spots_per_million = (pl.col("known_spots") * 1e6 / pl.col("cells_per_well")).sort()
    return (
        taken.filter(is_reference | (role != "antigen"), pl.col("cells_per_well").is_not_null())
        .with_columns(
            measure=pl.when(is_reference).then(pl.lit("reference_sample")).otherwise(role),
            sample=pl.when(is_reference).then(pl.format("{}, {}", "specimen_id", name)).otherwise(name),
        )
        .group_by(_MEASURE)
        .agg(
            value=pl.when(~is_open).then(spots_per_million.mean()),
            is_bound=pl.col("is_tntc").any() & ~is_open,
            n_wells=pl.len(),
        )
    )


def _variability(taken: pl.DataFrame) -> pl.DataFrame:
    spots = pl.col("known_spots").sort()
    return (
        taken.filter(pl.col("well_role") == "antigen")
        .group_by(RESPONSE)
        .agg(
            variability=spots.var() / (spots.median() + 1),
            n_wells=pl.len(),
            has_tntc=pl.col("is_tntc").any(),
        )
        .filter(pl.col("n_wells") > 1, ~pl.col("has_tntc"))
        .group_by(_PLATE_ANALYTE)
        .agg(
            measure=pl.lit("replicate_variability"),
            sample=pl.lit(""),
            value=pl.col("variability").median(),
            is_bound=pl.lit(value=False),
            n_wells=pl.col("n_wells").sum(),
        )
    )


def _tntc_share(taken: pl.DataFrame) -> pl.DataFrame:
    return taken.group_by(_PLATE_ANALYTE).agg(
        measure=pl.lit("tntc_share"),
        sample=pl.lit(""),
        value=100 * pl.col("is_tntc").mean(),
        is_bound=pl.lit(value=False),
        n_wells=pl.len(),
    )
