"""A response over time: the evaluable samples of a subject and antigen, their baseline, and the response's origin."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.study import StudySettings
from expectations.study_cytometry import MULTIMER
from transforms.positivity import at_least

SERIES: Final = ("subject_id", "antigen", "assay", "population", "readout", "rule")
"""What persistence is measured per."""

BOOST: Final = 2.0
"""A positive at this multiple of a positive baseline is boosted: part of the definition of `boosted`."""


def every_series(responses: pl.DataFrame, outcomes: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Every infused subject and antigen, with each assay, population, readout and rule there are responses of.

    SERIES, antigen_role, is_primary_rule, and the study days of death and last contact (null where not known). An
    antigen is in the series of multimers only where it has one of that population (see `asked_antigens`).
    """
    days = {
        f"{event}_day": (pl.col(f"{event}_date") - pl.col("infusion_date")).dt.total_days()
        for event in ("death", "last_contact")
    }
    occurring = responses.select("assay", "population", "readout", "rule", "is_primary_rule").unique()
    return (
        outcomes.filter("is_infused")
        .select("subject_id", **days)
        .join(asked_antigens(occurring, settings), how="cross")
        .sort(SERIES)
    )


def asked_antigens(series: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """The rows given, once for each antigen that can be measured so, with `antigen` and `antigen_role`.

    Every declared antigen; with multimers those that have one of the population. A multimer that does not exist cannot
    be missing, while an antigen that was not tested by an assay that could have tested it is.

    Args:
        series: assay, population and readout, with whatever else.
        settings: for the antigens and the multimers.
    """
    roles = [(antigen.name, antigen.role) for antigen in settings.antigens]
    antigens = pl.DataFrame(roles, schema={"antigen": pl.String, "antigen_role": pl.String}, orient="row")
    declared = [
        (pl.col("population") == one.population) & (pl.col("antigen") == one.antigen)
        for one in settings.cytometry.multimers
    ]
    is_multimer = (pl.col("assay") == "cytometry") & (pl.col("readout") == MULTIMER)
    return series.join(antigens, how="cross").filter(pl.any_horizontal(~is_multimer, *declared))


def evaluable_samples(responses: pl.DataFrame, visited: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Reported blood responses that count: called positive or negative, one a day.

    An indeterminate call is skipped, or counts as negative where the study file says so. Scheduled or not makes no
    difference. Of two specimens of one day the first by name counts.

    Returns:
        SERIES, study_day, specimen_id, call, net_value and lod (unit of the assay), is_baseline_candidate,
        is_positive, is_bound (the value is below its LOD or a bound).
    """
    counts = ["positive", "negative", *(["indeterminate"] if settings.persistence.indeterminate == "negative" else [])]
    is_bound = pl.col("net_lower").is_null() | pl.col("net_upper").is_null()
    return (
        responses.filter(pl.col("is_reported") & (pl.col("material") == "blood") & pl.col("call").is_in(counts))
        .filter(pl.col("study_day").is_not_null())
        .join(visited.select("specimen_id", "is_baseline_candidate"), on="specimen_id", how="left", validate="m:1")
        .sort(*SERIES, "study_day", "specimen_id")
        .unique([*SERIES, "study_day"], keep="first", maintain_order=True)
        .select(
            *SERIES, "study_day", "specimen_id", "call", "net_value", "lod", "is_baseline_candidate",
            is_positive=pl.col("call") == "positive",
            is_bound=is_bound | pl.col("is_below_lod").fill_null(value=False),
        )
    )  # fmt: skip


def baselines(samples: pl.DataFrame) -> pl.DataFrame:
    """The last evaluable baseline candidate of each series: SERIES and its columns under the prefix `baseline_`."""
    renamed = {"study_day": "day", "net_value": "value"}
    return (
        samples.filter("is_baseline_candidate")
        .sort(*SERIES, "study_day")
        .group_by(SERIES)
        .agg(
            pl.col(name).last().alias(f"baseline_{renamed.get(name, name)}")
            for name in ("study_day", "call", "net_value", "lod", "is_positive", "is_bound")
        )
    )


def with_origin(series: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """Adds the baseline, `n_evaluable`, `n_positive` (post-infusion samples) and `origin`, from the samples given.

    induced: baseline negative, any positive after; boosted: baseline positive, a later positive at twice its value or
    more; pre_existing: positive before and after, never boosted; lost: baseline positive, evaluable after but never
    positive; never: evaluable after but never positive; unknown_baseline: positive after, no evaluable baseline.
    Nothing evaluable after infusion is not_evaluable.
    """
    after = samples.filter(pl.col("study_day") > 0)
    counts = after.group_by(SERIES).agg(
        n_evaluable=pl.len(),
        n_positive=pl.col("is_positive").sum(),
        highest_positive=pl.col("net_value").filter("is_positive").max(),
    )
    return (
        series.join(baselines(samples), on=SERIES, how="left", validate="1:1")
        .join(counts, on=SERIES, how="left", validate="1:1")
        .with_columns(pl.col("n_evaluable", "n_positive").fill_null(0))
        .with_columns(origin=_origin())
    )


def _origin() -> pl.Expr:
    before, any_after = pl.col("baseline_is_positive"), pl.col("n_positive") > 0
    is_boosted = at_least(pl.col("highest_positive"), BOOST * pl.col("baseline_value"))
    return (
        pl.when(pl.col("n_evaluable") == 0)
        .then(pl.lit("not_evaluable"))
        .when(any_after & before & is_boosted)
        .then(pl.lit("boosted"))
        .when(any_after & before)
        .then(pl.lit("pre_existing"))
        .when(any_after & ~before)
        .then(pl.lit("induced"))
        .when(any_after)
        .then(pl.lit("unknown_baseline"))
        .when(before)
        .then(pl.lit("lost"))
        .otherwise(pl.lit("never"))
    )
