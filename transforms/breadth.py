"""Breadth of a response: how many of the tumour antigens are recognised in one blood sample."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.computed import BREADTH
from expectations.study import StudySettings
from transforms.response_series import asked_antigens, evaluable_samples

_GROUP: Final = ("assay", "population", "readout", "rule")
_SAMPLE: Final = ("subject_id", *_GROUP, "study_day")


def breadth(responses: pl.DataFrame, visited: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """BREADTH: of the declared tumour antigens, those called positive on each day with blood, baseline included.

    Each assay, population, readout and rule by itself; with multimers the declared antigens are those that have one. A
    day on which nothing could be called is a row with 0 evaluable antigens. Untested antigens are no negative ones, so
    breadth is n_antigens_positive of n_antigens_evaluable, and complete only where that is n_antigens_declared.
    `sum_net_value` (unit of the assay) has values below the LOD as they are and wells too numerous to count at their
    ceiling; null unless every declared antigen is evaluable. Subjects never infused have no study day and no row.
    """
    is_blood = pl.col("is_reported") & (pl.col("material") == "blood") & pl.col("study_day").is_not_null()
    is_tumour = pl.col("antigen").is_in(settings.tumour_antigens)
    of_blood = responses.filter(is_blood)
    samples = (
        of_blood.sort("specimen_id")
        .group_by(_SAMPLE)
        .agg(pl.col("is_primary_rule").first(), pl.col("visit").drop_nulls().first())
    )
    found = (
        evaluable_samples(responses, visited, settings)
        .filter(is_tumour)
        .group_by(_SAMPLE)
        .agg(
            n_antigens_evaluable=pl.len(),
            n_antigens_positive=pl.col("is_positive").sum(),
            sum_net_value=pl.col("net_value").sort().sum(),
        )
    )
    declared = (
        asked_antigens(samples.select(_GROUP).unique(), settings)
        .filter(is_tumour)
        .group_by(_GROUP)
        .agg(n_antigens_declared=pl.len())
    )
    counted = (
        samples.join(declared, on=_GROUP, how="inner", validate="m:1")
        .join(found, on=_SAMPLE, how="left", validate="1:1")
        .with_columns(pl.col("n_antigens_evaluable", "n_antigens_positive").fill_null(0))
    )
    is_complete = pl.col("n_antigens_evaluable") == pl.col("n_antigens_declared")
    return BREADTH.conform(counted.with_columns(sum_net_value=pl.when(is_complete).then("sum_net_value"))).sort(
        BREADTH.key
    )
