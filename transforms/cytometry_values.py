"""Values of cytometry responses: net percentages, their limits of detection, and cells per microlitre of blood."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from expectations.study import StudySettings
from transforms.exact import CONFIDENCE

_PER_UL: Final = {"lymphocytes": "lymphocytes_per_ul", "CD8": "cd8_per_ul", "CD4": "cd4_per_ul"}


def with_net(pairs: pl.DataFrame) -> pl.DataFrame:
    """Adds antigen_mean, control_mean, net_value (percent of the population) and lod, of stimulated pairs.

    The LOD is the exact one-sided upper 95 % limit of the unstimulated percentage (Clopper and Pearson, Biometrika
    1934;26:404) minus its estimate: the net percentage that chance alone could pass for. Null without counts.
    """
    upper = pl.struct("unstimulated_count", "unstimulated_parent_count").map_batches(_upper, return_dtype=pl.Float64)
    return pairs.with_columns(
        antigen_mean="stimulated_percent",
        control_mean="unstimulated_percent",
        net_value=pl.col("stimulated_percent") - pl.col("unstimulated_percent"),
        lod=100 * upper - pl.when(pl.col("unstimulated_tubes") > 0).then("unstimulated_percent"),
    )


def with_percent(multimers: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Likewise of multimers, which have no control: the LOD is the smallest percentage that can be called.

    The larger of the smallest percentage and 100 x the fewest events / events of the population (both settings).
    """
    limits = settings.cytometry.rules.multimer_events
    fewest = 100 * limits.min_events / pl.col("stimulated_parent_count")
    is_counted = pl.col("stimulated_parent_count") > 0
    return multimers.with_columns(
        antigen_mean="stimulated_percent",
        control_mean=pl.lit(None, dtype=pl.Float64),
        net_value="stimulated_percent",
        lod=pl.when(is_counted).then(pl.max_horizontal(fewest, pl.lit(limits.min_percent))),
    )


def with_cells_per_ul(valued: pl.DataFrame, blood_counts: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Adds net_per_ul, net cells per microlitre of blood, and the day of the blood count it rests on.

    Where a blood count counts the population: net percentage x cells of the population / 100; else the net share of the
    lymphocytes of the tubes x lymphocytes. From the nearest to the collection of those that hold the cells in question,
    at most as many days away as the study file allows; of two equally near the earlier. Only of blood.

    Args:
        valued: with `stimulated_*` and `unstimulated_*` counts (the latter null for multimers) and net_value.
        blood_counts: BLOOD_COUNTS.
        settings: cytometry.populations and cytometry.blood_count_days.
    """
    counted = valued
    for column in _PER_UL.values():
        near = _nearest(valued, blood_counts, column, settings.cytometry.blood_count_days)
        counted = counted.join(near, on="specimen_id", how="left", validate="m:1")
    cells, day = (
        pl.coalesce(
            *(_of_population(name, f"{_PER_UL[counted_as]}{part}") for name, counted_as in _counted(settings)), None
        )
        for part in ("", "_date")
    )
    is_counted = cells.is_not_null()
    by_population = pl.col("net_value") * cells / 100
    by_lymphocytes = _net_share_of_lymphocytes() * pl.col("lymphocytes_per_ul")
    net_per_ul = pl.when(is_counted).then(by_population).otherwise(by_lymphocytes)
    blood_count_date = pl.when(is_counted).then(day).otherwise("lymphocytes_per_ul_date")
    return counted.with_columns(net_per_ul=net_per_ul.cast(pl.Float64)).with_columns(
        blood_count_date=pl.when(pl.col("net_per_ul").is_not_null()).then(blood_count_date)
    )


def _upper(counts: pl.Series) -> pl.Series:
    from scipy.special import betaincinv

    x, n = (counts.struct.field(name).cast(pl.Float64).fill_null(np.nan).to_numpy() for name in counts.struct.fields)
    known = n > 0
    upper = np.full(len(counts), np.nan)
    inside = known & (x < n)
    upper[inside] = betaincinv(x[inside] + 1, n[inside] - x[inside], CONFIDENCE)
    upper[known & ~inside] = 1.0
    return pl.Series(upper).fill_nan(None)


def _nearest(valued: pl.DataFrame, blood_counts: pl.DataFrame, column: str, days: int) -> pl.DataFrame:
    """specimen_id, a column of BLOOD_COUNTS and `<column>_date`: one row a specimen of blood with one near enough."""
    away = (pl.col("count_date") - pl.col("collection_date")).dt.total_days().abs()
    blood = valued.filter(pl.col("material") == "blood").select("specimen_id", "subject_id", "collection_date").unique()
    return (
        blood.join(blood_counts.filter(pl.col(column).is_not_null()), on="subject_id", how="inner", validate="m:m")
        .with_columns(away=away)
        .filter(pl.col("away") <= days)
        .sort("specimen_id", "away", "count_date")
        .unique("specimen_id", keep="first", maintain_order=True)
        .select("specimen_id", column, pl.col("count_date").alias(f"{column}_date"))
    )


def _counted(settings: StudySettings) -> list[tuple[str, str]]:
    return [(one.name, one.counted_as) for one in settings.cytometry.populations if one.counted_as is not None]


def _of_population(population: str, column: str) -> pl.Expr:
    return pl.when(pl.col("population") == population).then(column)


def _net_share_of_lymphocytes() -> pl.Expr:
    stimulated = _share("stimulated")
    is_multimer = pl.col("unstimulated_tubes").is_null()
    return stimulated - pl.when(is_multimer).then(0.0).otherwise(_share("unstimulated"))


def _share(prefix: str) -> pl.Expr:
    lymphocytes = pl.col(f"{prefix}_lymphocyte_count")
    return pl.when(lymphocytes > 0).then(pl.col(f"{prefix}_count") / lymphocytes)
