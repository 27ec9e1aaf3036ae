"""Stored and re-gated counts side by side, and whether they agree within the tolerance of the gate's type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

import polars as pl

from expectations.computed_cytometry import GATE_AGREEMENT
from expectations.study import StudySettings
from expectations.study_cytometry import GateType
from transforms.gating_plan import FAILED

_PAIR: Final = ("file_sha256", "sample_number", "fcs_sha256")
_POPULATION: Final = ("file_sha256", "sample_number", "population_path")


def gate_agreement(tables: Mapping[str, pl.DataFrame], paired: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Every population counted again, beside what the workspace stores for it.

    They agree where they differ by no more events than `tolerance_events`, or by no more than the tolerance of the
    gate's type in percent of the larger. FlowJo bins polygons and ellipses, so small differences are of its making.
    All events are no gate, and have a row only where nothing of the sample could be counted again. Of several counts
    of one population the one of the latest run is shown.

    Args:
        tables: cytometry_samples, cytometry_counts, matched_samples and regated_counts by name.
        paired: what `gating_pairs.pairs` gives: counts of pairs that are none any more are left out.
        settings: for the tolerances.

    Returns:
        GATE_AGREEMENT.
    """
    stored = tables["cytometry_counts"].select(
        *_POPULATION, stored_status="status", count_stored="count", type_stored="gate_type"
    )
    told = tables["cytometry_samples"].select("file_sha256", "sample_number", "sample_name", "software_version")
    found = (
        _latest(tables["regated_counts"])
        .join(paired.filter(pl.col("fcs_sha256").is_not_null()), on=_PAIR, how="semi")
        .filter((pl.col("population_path") != "") | pl.col("reason").is_not_null())
        .join(stored, on=_POPULATION, how="left", validate="m:1")
        .join(told, on=("file_sha256", "sample_number"), how="inner", validate="m:1")
        .join(_tubes(paired, tables["matched_samples"]), on=_PAIR, how="left", validate="m:1")
        .with_columns(gate_type=pl.coalesce("gate_type", "type_stored"))
        .with_columns(
            difference=pl.col("count_regated") - pl.col("count_stored"), tolerance_percent=_tolerance(settings)
        )
        .with_columns(difference_percent=_percent_of_larger())
        .with_columns(agrees=_agrees(settings))
    )
    return GATE_AGREEMENT.conform(found).sort(GATE_AGREEMENT.key)


def _latest(regated: pl.DataFrame) -> pl.DataFrame:
    """One row a population and FCS file: what the latest run that counted the pair made of it."""
    has_failed = (pl.col("reason") == FAILED).fill_null(value=False)
    told = regated.filter(~has_failed | has_failed.all().over(_PAIR))  # a failure that passes hides no count
    last = pl.col("run_id").max().over(_PAIR)
    same_run = told.filter(pl.col("run_id") == last)
    return same_run.sort("engine").unique([*_POPULATION, "fcs_sha256"], keep="last")


def _tubes(paired: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    """The tube of a pair: that of the workspace's sample, else that of its FCS file."""
    tubes = matched.select("file_sha256", "sample_number", "tube_id")
    of_fcs = tubes.filter(pl.col("sample_number") == 1).select(fcs_sha256="file_sha256", tube_of_fcs="tube_id")
    return (
        paired.select(*_PAIR)
        .filter(pl.col("fcs_sha256").is_not_null())
        .unique()
        .join(tubes, on=("file_sha256", "sample_number"), how="left", validate="m:1")
        .join(of_fcs, on="fcs_sha256", how="left", validate="m:1")
        .select(*_PAIR, tube_id=pl.coalesce("tube_id", "tube_of_fcs"))
    )


def _tolerance(settings: StudySettings) -> pl.Expr:
    gating = settings.cytometry.gating
    of_type: dict[GateType, float] = {name: gating.tolerance(name) for name in get_args(GateType)}
    return pl.col("gate_type").replace_strict(of_type, default=gating.tolerance("other"), return_dtype=pl.Float64)


def _percent_of_larger() -> pl.Expr:
    larger = pl.max_horizontal("count_stored", "count_regated")
    percent = 100 * pl.col("difference").abs() / larger
    return pl.when(pl.col("difference") == 0).then(0.0).otherwise(percent)


def _agrees(settings: StudySettings) -> pl.Expr:
    few = pl.col("difference").abs() <= settings.cytometry.gating.tolerance_events
    return few | (pl.col("difference_percent") <= pl.col("tolerance_percent"))
