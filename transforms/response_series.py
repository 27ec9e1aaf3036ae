"""A response over time: the evaluable samples of a subject and antigen, their baseline, and the response's origin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from expectations.study import StudySettings
from expectations.study_cytometry import MULTIMER
from expectations.vocabulary import CALLS
from transforms.positivity import at_least

SERIES: Final = ("subject_id", "antigen", "assay", "population", "readout", "rule")
"""What persistence is measured per."""

_SERIES_AT_ONCE: Final = 100_000

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
        is_positive, is_bound (the value is below its LOD or a bound), and what is known of the value (`_known`).
    """
    candidates = visited.lazy().select("specimen_id", "is_baseline_candidate")
    return (
        _counting(responses.lazy(), settings)
        .join(candidates, on="specimen_id", how="left", validate="m:1")
        .sort(*SERIES, "study_day", "specimen_id")
        .unique([*SERIES, "study_day"], keep="first", maintain_order=True)
        .collect()
    )


@dataclass(frozen=True, slots=True)
class Followed:
    """What persistence is measured on: every series, numbered, and the samples of each.

    `series` is `every_series` with `series_id`, in its order; `samples` is `evaluable_samples` with `series_id` in the
    place of SERIES, sorted by it and by day, and `specimen_number`, the place of the specimen among those visited,
    sorted by name; `not_evaluable` has series_id and study_day of reported blood responses
    that do not count. Numbers in the place of names keep many samples small.
    """

    series: pl.DataFrame
    samples: pl.DataFrame
    not_evaluable: pl.DataFrame

    def parts(self) -> Iterator[Followed]:
        """The same in pieces of some series each, so that what is computed on the way stays small."""
        for begin in range(0, max(self.series.height, 1), _SERIES_AT_ONCE):
            series = self.series.slice(begin, _SERIES_AT_ONCE)
            of_samples, of_others = (self._rows(frame, begin) for frame in (self.samples, self.not_evaluable))
            yield Followed(series, of_samples, of_others)

    @staticmethod
    def _rows(frame: pl.DataFrame, begin: int) -> pl.DataFrame:
        first, last = (frame["series_id"].search_sorted(number) for number in (begin, begin + _SERIES_AT_ONCE))
        return frame.slice(first, last - first)


def followed(
    responses: pl.DataFrame, visited: pl.DataFrame, outcomes: pl.DataFrame, settings: StudySettings
) -> Followed:
    """Every series of every infused subject, with its evaluable samples."""
    series = every_series(responses, outcomes, settings).with_row_index("series_id")
    numbers = series.lazy().select(*SERIES, "series_id")
    specimens = visited.lazy().sort("specimen_id").with_row_index("specimen_number")
    specimens = specimens.select("specimen_id", "specimen_number", "is_baseline_candidate")
    samples = (
        _counting(responses.lazy(), settings)
        .join(numbers, on=SERIES, how="inner", validate="m:1")
        .join(specimens, on="specimen_id", how="left", validate="m:1")
        .drop(*SERIES, "specimen_id")
        .with_columns(pl.col("call").cast(pl.Enum(CALLS)))
        .collect(engine="streaming")
        .sort("series_id", "study_day", "specimen_number")
    )
    is_repeated = (pl.col("series_id") == pl.col("series_id").shift(1)) & (
        pl.col("study_day") == pl.col("study_day").shift(1)
    )
    once = samples.filter(~is_repeated.fill_null(value=False))
    others = (
        _reported_blood(responses.lazy())
        .filter(~pl.col("call").is_in(_counted_calls(settings)))
        .join(numbers, on=SERIES, how="inner", validate="m:1")
        .select("series_id", "study_day")
        .collect(engine="streaming")
        .sort("series_id", "study_day")
    )
    return Followed(series, once, others)


def _counted_calls(settings: StudySettings) -> list[str]:
    return ["positive", "negative", *(["indeterminate"] if settings.persistence.indeterminate == "negative" else [])]


def _reported_blood(responses: pl.LazyFrame) -> pl.LazyFrame:
    is_dated_blood = (pl.col("material") == "blood") & pl.col("study_day").is_not_null()
    return responses.filter(pl.col("is_reported") & is_dated_blood)


def _counting(responses: pl.LazyFrame, settings: StudySettings) -> pl.LazyFrame:
    return (
        _reported_blood(responses)
        .filter(pl.col("call").is_in(_counted_calls(settings)))
        .select(
            *SERIES, "study_day", "specimen_id", "call", "net_value", "lod",
            is_positive=pl.col("call") == "positive", **_known(),
        )
    )  # fmt: skip


def _known() -> dict[str, pl.Expr]:
    """What is known of a value: is_bound, is_detected (not below its LOD), is_lower_bound, is_upper_bound.

    An upper bound below the LOD is not one: it says no less than any value below the LOD.
    """
    has_lower, has_upper = pl.col("net_lower").is_not_null(), pl.col("net_upper").is_not_null()
    is_below = pl.col("is_below_lod").fill_null(value=False)
    return {
        "is_bound": ~has_lower | ~has_upper | is_below,
        "is_detected": ~pl.col("is_below_lod").fill_null(value=True),
        "is_lower_bound": ~has_upper,
        "is_upper_bound": ~has_lower & ~is_below,
    }


def baselines(samples: pl.DataFrame) -> pl.DataFrame:
    """The last evaluable baseline candidate of each series: series_id and its columns under the prefix `baseline_`."""
    renamed = {"study_day": "day", "net_value": "value"}
    names = ("study_day", "call", "net_value", "lod", "is_positive", "is_bound", "is_lower_bound", "is_upper_bound")
    return (
        samples.filter("is_baseline_candidate")
        .unique("series_id", keep="last", maintain_order=True)
        .select("series_id", *(pl.col(name).alias(f"baseline_{renamed.get(name, name)}") for name in names))
    )


def with_origin(series: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """Adds the baseline, `n_evaluable`, `n_positive` (post-infusion samples) and `origin`, from the samples given.

    Both as `Followed` has them.

    induced: baseline negative, any positive after; boosted: baseline positive, a later positive at twice its value or
    more; pre_existing: positive before and after, never boosted; lost: baseline positive, evaluable after but never
    positive; never: evaluable after but never positive; unknown_baseline: positive after, no evaluable baseline.
    Nothing evaluable after infusion is not_evaluable.
    """
    after = samples.filter(pl.col("study_day") > 0)
    counts = after.group_by("series_id").agg(
        n_evaluable=pl.len(),
        n_positive=pl.col("is_positive").sum(),
        highest_positive=pl.col("net_value").filter("is_positive").max(),
    )
    return (
        series.join(baselines(samples), on="series_id", how="left", validate="1:1")
        .join(counts, on="series_id", how="left", validate="1:1")
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
