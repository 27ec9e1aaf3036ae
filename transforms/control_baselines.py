"""The limits of control charts: mean and standard deviation of a reference period, as versioned estimates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import Any, Final

import polars as pl

from expectations.records import CONTROL_BASELINES
from expectations.study import StudySettings
from transforms.censored_normal import mean_and_sd
from transforms.estimates import Estimate

CHART: Final = ("measure", "instrument", "analyte", "sample")
"""Plates of one chart: one control or reference sample, as one reader counts it."""

_PERIOD: Final = ("reference_first", "reference_last")
_QUANTITY: Final = (*CHART, *_PERIOD)
_FRESH: Final = {name: dtype for name, dtype in CONTROL_BASELINES.schema.items() if name not in ("version", "run_id")}


def control_baselines(measures: pl.DataFrame, settings: StudySettings, today: date) -> pl.DataFrame:
    """Mean and standard deviation (n - 1) of log10(x + 1) over the plates of the reference period, a chart a row.

    Plates whose value is a lower bound enter as right-censored (maximum likelihood). Where there are fewer other plates
    than the setting asks for, both are null. Columns of CONTROL_BASELINES without version and run; no rows where the
    settings name no period. `input_sha256` identifies the plates and their values, whatever their order. Source: Levey
    and Jennings 1950.

    Args:
        measures: as `transforms.plate_quality.plate_measures` returns them.
        settings: for `elispot.trend`.
        today: day the estimates are dated with.
    """
    plates = measures.filter(pl.col("is_reference") & pl.col("value_log10").is_not_null()).sort(*CHART, "plate_id")
    rows = list(_estimates(plates, settings, today))
    return pl.DataFrame(rows, schema=_FRESH).sort(_QUANTITY)


def versioned_baselines(existing: pl.DataFrame, fresh: pl.DataFrame, *, re_estimate: bool, run_id: str) -> pl.DataFrame:
    """The rows of CONTROL_BASELINES to add: a first version of a chart's limits, else the next one where asked for.

    The first version is 1, or 0 where there were too few plates. A chart and period that have a version, be it 0, get
    another only with `re_estimate`, and only where the plates or their values differ from those of the latest: so no
    plate moves a limit by itself. Another reference period is another estimate, with versions of its own.
    """
    kind = Estimate(CONTROL_BASELINES, _QUANTITY, "mean_log10")
    return kind.versioned(existing, fresh, re_estimate=re_estimate, run_id=run_id)


def limits_in_force(baselines: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """CHART, `mean_log10`, `sd_log10` and `baseline_version`: the latest version for the settings' reference period."""
    trend = settings.elispot.trend
    first, last = (pl.lit(day, dtype=pl.Date) for day in (trend.reference_first, trend.reference_last))
    return (
        baselines.filter(pl.col("reference_first") == first, pl.col("reference_last") == last)
        .sort("version")
        .group_by(CHART)
        .agg(pl.col("mean_log10", "sd_log10").last(), baseline_version=pl.col("version").last())
    )


def _estimates(plates: pl.DataFrame, settings: StudySettings, today: date) -> Iterator[dict[str, Any]]:
    trend = settings.elispot.trend
    for chart, group in plates.group_by(CHART, maintain_order=True):
        bounds = group.filter("is_bound")["value_log10"].to_list()
        values = group.filter(~pl.col("is_bound"))["value_log10"].to_list()
        mean, sd = mean_and_sd(values, bounds) if len(values) >= trend.min_plates else (None, None)
        yield {
            **dict(zip(CHART, chart, strict=True)),
            "reference_first": trend.reference_first,
            "reference_last": trend.reference_last,
            "mean_log10": mean,
            "sd_log10": sd,
            "n_plates": group.height,
            "n_bounds": len(bounds),
            "input_sha256": _fingerprint(group),
            "estimated_on": today,
        }


def _fingerprint(plates: pl.DataFrame) -> str:
    # Nine digits: the last ones of a mean may differ between machines, and the plates are the same.
    rows = plates.select("plate_id", "value", "is_bound").iter_rows()
    lines = (f"{plate}\t{value:.9g}\t{is_bound}" for plate, value, is_bound in rows)
    return sha256("\n".join(lines).encode()).hexdigest()
