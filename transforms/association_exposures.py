"""Exposures of subjects: what divides or ranks them, known on day 0, by the end of a landmark, or over time."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.study import StudySettings
from transforms.association_plan import Series
from transforms.response_series import asked_antigens, evaluable_samples

SERIES: Final = ("assay", "population", "readout", "rule")

_ARE_ALL_EVALUABLE: Final = pl.col("n_antigens_evaluable") == pl.col("n_antigens_declared")
_IS_PRODUCT_KNOWN: Final = pl.col("n_product_antigens_evaluable") == pl.col("n_antigens_declared")

_AT_LANDMARK: Final = {
    "persistent_at_landmark": pl.col("persistent"),
    "induced_by_landmark": pl.col("induced"),
    "n_persistent_at_landmark": pl.when(_ARE_ALL_EVALUABLE).then(pl.col("n_antigens_persistent").cast(pl.Float64)),
    "product_share_at_landmark": pl.when(
        _ARE_ALL_EVALUABLE & _IS_PRODUCT_KNOWN & (pl.col("n_product_antigens") > 0)
    ).then(pl.col("n_product_antigens_persistent") / pl.col("n_product_antigens")),
    "sum_net_value_at_landmark": pl.col("sum_net_value"),
}


def at_landmark(exposure: str, by_subject: pl.DataFrame) -> pl.DataFrame:
    """subject_id and exposure from PERSISTENCE_BY_SUBJECT of one series and landmark; null where not evaluable.

    A number of antigens, or a share of the product's, exists only where every declared antigen was evaluable: of three
    antigens one of which was not tested, two persistent ones are two or three. A share needs every declared antigen to
    have been evaluable in the product too, and at least one positive there.
    """
    return by_subject.select("subject_id", exposure=_AT_LANDMARK[exposure])


def cells_infused(infused_cells: pl.DataFrame) -> pl.DataFrame:
    """subject_id and exposure (tumour-reactive cells), is_below_lod and lod, is_bounded, from INFUSED_CELLS."""
    return infused_cells.select(
        "subject_id",
        pl.col("is_below_lod", "is_bounded").fill_null(value=False),
        exposure="tumour_reactive_cells",
        lod="tumour_reactive_cells_lod",
    )


def markers(responses: pl.DataFrame, visited: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Whether any tumour antigen is positive, at each day after infusion with a blood sample that tells.

    A sample tells where an antigen is positive, or where every declared tumour antigen was evaluable and none is: with
    an antigen untested, no positive one is not yet a negative subject (the rule of `persistent` at landmarks).

    Returns:
        subject_id, SERIES, study_day, is_positive.
    """
    samples = evaluable_samples(responses, visited, settings).filter(
        (pl.col("study_day") > 0) & pl.col("antigen").is_in(settings.tumour_antigens)
    )
    asked = (
        asked_antigens(samples.select(SERIES).unique(), settings)
        .filter(antigen_role="tumour")
        .group_by(SERIES)
        .agg(n_asked=pl.len())
    )
    return (
        samples.group_by("subject_id", *SERIES, "study_day")
        .agg(is_positive=pl.col("is_positive").any(), n_evaluable=pl.len())
        .join(asked, on=SERIES, how="left", validate="m:1")
        .filter(pl.col("is_positive") | (pl.col("n_evaluable") == pl.col("n_asked")))
        .select("subject_id", *SERIES, "study_day", "is_positive")
        .sort("subject_id", *SERIES, "study_day")
    )


def over_time(marked: pl.DataFrame, series: Series, followed: pl.DataFrame) -> pl.DataFrame:
    """Counting-process intervals (start, stop] in study days: subject_id, start, stop, event, exposure.

    The exposure of an interval is the marker of the sample at its start, kept until the next one: a sample on the day
    of an event changes nothing. A subject enters at its first telling sample after infusion (delayed entry): before it
    the marker is not known, and neither the baseline nor a guess stands for it. Andersen and Gill, Ann Stat
    1982;10:1100.

    Args:
        marked: `markers`.
        series: assay, population, readout and rule.
        followed: subject_id, time_days from day 0 and event; time_days is null for subjects not followed.
    """
    next_day = pl.col("study_day").shift(-1).over("subject_id", order_by="study_day")
    return (
        marked.filter(**dict(zip(SERIES, series, strict=True)))
        .join(followed.select("subject_id", "time_days", "event"), on="subject_id", how="inner", validate="m:1")
        .filter(pl.col("study_day") < pl.col("time_days"))
        .with_columns(next_day=next_day.cast(pl.Float64))
        .select(
            "subject_id",
            start=pl.col("study_day").cast(pl.Float64),
            stop=pl.col("next_day").fill_null(pl.col("time_days")),
            event=pl.col("event") & pl.col("next_day").is_null(),
            exposure="is_positive",
        )
        .sort("subject_id", "start")
    )
