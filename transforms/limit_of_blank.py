"""The limit of blank: how many spots the study's own negative controls show, as a versioned estimate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from statistics import fmean, stdev
from typing import Any, Final

import polars as pl

from expectations.records import ESTIMATES
from expectations.study import StudySettings
from transforms.estimates import Estimate

ONE_SIDED_95: Final = 1.645
"""Standard normal quantile of the limit of blank's definition (CLSI EP17: mean + 1.645 SD of the blank)."""

_QUANTITY: Final = ("estimate", "assay", "readout")
_FRESH: Final = {name: dtype for name, dtype in ESTIMATES.schema.items() if name not in ("version", "run_id")}


def limits_of_blank(wells: pl.DataFrame, settings: StudySettings, today: date) -> pl.DataFrame:
    """The limit of blank of each analyte with counted negative-control wells, in spots per 10^6 cells.

    Antilog of mean + 1.645 SD of log10(x + 1), minus 1, over all such wells of the study's subjects, whatever control
    is in them; a reference sample is nobody's, and its wells would count once for every plate. Columns of ESTIMATES
    without version and run; `input_sha256` identifies the wells and their counts, whatever their order. Where there are
    fewer wells than the setting asks for, the limit is null: one spot is then the LOD.
    """
    is_blank = (pl.col("well_role") == "negative_control") & (pl.col("status") == "counted")
    blanks = wells.filter(is_blank & pl.col("subject_id").is_not_null()).sort("analyte", "plate_id", "well")
    rows = list(_estimates(blanks, settings.elispot.min_control_wells, today))
    return pl.DataFrame(rows, schema=_FRESH).sort(_QUANTITY)


def versioned(existing: pl.DataFrame, fresh: pl.DataFrame, *, re_estimate: bool, run_id: str) -> pl.DataFrame:
    """The rows of ESTIMATES to add: a first version of what was never estimated, else the next one where asked for.

    The first version is 1, or 0 where there were too few wells for a limit. A quantity that has a version, be it 0,
    gets another only with `re_estimate`, and only where its input differs from that of the latest or the latest has no
    limit: so a new sample never changes an old call by itself, nor does the well that makes the wells enough.
    """
    kind = Estimate(ESTIMATES, _QUANTITY, "limit_of_blank")
    return kind.versioned(existing, fresh, re_estimate=re_estimate, run_id=run_id)


def _estimates(blanks: pl.DataFrame, min_wells: int, today: date) -> Iterator[dict[str, Any]]:
    for (analyte,), group in blanks.group_by("analyte", maintain_order=True):
        spots = group["spots_per_million"].to_list()
        logs = [math.log10(x + 1) for x in spots]
        is_enough = len(spots) >= min_wells
        yield {
            "estimate": "limit_of_blank",
            "assay": "elispot",
            "readout": analyte,
            "limit_of_blank": 10 ** (fmean(logs) + ONE_SIDED_95 * stdev(logs)) - 1 if is_enough else None,
            "control_mean": fmean(spots),
            "n_wells": group.height,
            "input_sha256": _fingerprint(group),
            "estimated_on": today,
        }


def _fingerprint(blanks: pl.DataFrame) -> str:
    fields = ("plate_id", "well", "analyte", "spots", "cells_per_well")
    lines = blanks.select(pl.concat_str(pl.col(fields).cast(pl.String), separator="\t"))
    return sha256("\n".join(lines.to_series().to_list()).encode()).hexdigest()


def with_lod(responses: pl.DataFrame, estimates: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Adds `lod` (limit of detection of the net value, spots per 10^6 cells) and `lod_version`.

    The setting where there is one; else limit of blank - mean of the controls it rests on, but never less than one spot
    in the antigen wells, 1e6 / (cells per well x wells), so above 0. Null without an evaluable antigen well.

    Args:
        responses: with `analyte`, `n_antigen_wells` and `antigen_min_cells`.
        estimates: ESTIMATES; the latest version counts.
        settings: for `elispot.lod`.
    """
    if settings.elispot.lod is not None:
        fixed = pl.lit(settings.elispot.lod, dtype=pl.Float64)
        return responses.with_columns(lod=fixed, lod_version=pl.lit(None, dtype=pl.Int32))
    one_spot = 1e6 / (pl.col("antigen_min_cells") * pl.col("n_antigen_wells"))
    blank = pl.col("blank_lod")
    return (
        responses.join(_blank_lods(estimates), on="analyte", how="left", validate="m:1")
        .with_columns(
            lod=pl.when(pl.col("n_antigen_wells") > 0).then(pl.max_horizontal(one_spot, blank)),
            lod_version=pl.when(blank > one_spot).then("blank_version"),
        )
        .drop("blank_lod", "blank_version")
    )


def _blank_lods(estimates: pl.DataFrame) -> pl.DataFrame:
    """analyte, blank_lod, blank_version of the latest estimate."""
    is_blank = (pl.col("estimate") == "limit_of_blank") & (pl.col("assay") == "elispot")
    return (
        estimates.filter(is_blank)
        .sort("version")
        .group_by(pl.col("readout").alias("analyte"))
        .agg(
            blank_lod=(pl.col("limit_of_blank") - pl.col("control_mean")).last(),
            blank_version=pl.col("version").last(),
        )
    )
