"""Specimens on the study's clock: study day, visit, and what was expected but is not there."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import polars as pl

from expectations.computed import EXPECTED_SPECIMENS, VISITED_SPECIMENS
from expectations.study import StudySettings

UNSCHEDULED: Final = "unscheduled"
PRODUCT_VISIT: Final = "infusion product"


def visited_specimens(
    specimens: pl.DataFrame, infusion_products: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """Every specimen with its study day (collection minus infusion, no +1) and the visit whose window holds it.

    A specimen whose material is not said is the infusion product where `infusion_products` names it, else blood. The
    product's visit is `infusion product`. Outside every window: `unscheduled`. Never infused: no day and no visit.
    A baseline candidate is blood on or before day 0 and, where it is known, before the start of lymphodepletion.
    """
    named = infusion_products.select(pl.col("specimen_id").drop_nulls().unique()).with_columns(is_named=True)
    infusions = infusion_products.select("subject_id", "infusion_date", "lymphodepletion_start")
    assumed = pl.when(pl.col("is_named")).then(pl.lit("infusion_product")).otherwise(pl.lit("blood"))
    visited = (
        specimens.join(named, on="specimen_id", how="left", validate="m:1")
        .join(infusions, on="subject_id", how="left", validate="m:1")
        .with_columns(
            material=pl.col("material").fill_null(assumed),
            study_day=(pl.col("collection_date") - pl.col("infusion_date")).dt.total_days(),
        )
        .with_columns(visit=_visit(settings), is_baseline_candidate=_is_baseline_candidate())
    )
    return VISITED_SPECIMENS.conform(visited).sort(VISITED_SPECIMENS.key)


def expected_specimens(  # noqa: PLR0913, PLR0917 - an absence has its reasons in five tables
    visited: pl.DataFrame,
    outcomes: pl.DataFrame,
    infusion_products: pl.DataFrame,
    responses: pl.DataFrame,
    settings: StudySettings,
    today: date,
) -> pl.DataFrame:
    """Every specimen the study expects of an infused subject: received, not due yet, or absent with the reason.

    Blood at each expected visit, and the infusion product, whose window ends on day 0. A visit is due on the day after
    its window. Absence is explained by, in this order: death or, where the study stops sampling then, progression
    before the window, withdrawal; death and withdrawal count up to the window's last day. A specimen that was received
    has reason `not_assayed` while no accepted plate or tube holds one of that visit, and `assay_failed` while no
    reported response of it, of either assay, could be evaluated under the assay's primary rule.
    """
    ends = outcomes.select("subject_id", "death_date", "progression_date", "withdrawal_date")
    expected = (
        _windows(infusion_products, settings)
        .join(_received(visited, responses), on=["subject_id", "visit", "material"], how="left", validate="1:1")
        .join(ends, on="subject_id", how="left", validate="m:1")
        .with_columns(specimen_status=_status(today))
        .with_columns(reason=_reason(settings))
    )
    return EXPECTED_SPECIMENS.conform(expected).sort(EXPECTED_SPECIMENS.key)


def next_due_date(expected: pl.DataFrame, today: date) -> date | None:
    """The first day after `today` on which a specimen not due yet becomes due; None where nothing is awaited."""
    ends = expected.filter((pl.col("specimen_status") == "not_due") & (pl.col("window_end_date") >= today))[
        "window_end_date"
    ].to_list()
    return min(ends) + timedelta(days=1) if ends else None


def _visit(settings: StudySettings) -> pl.Expr:
    day = pl.col("study_day")
    visit: pl.Expr = pl.lit(UNSCHEDULED)
    for declared in settings.visits:
        visit = pl.when(day.is_between(*declared.window)).then(pl.lit(declared.name)).otherwise(visit)
    visit = pl.when(pl.col("material") == "infusion_product").then(pl.lit(PRODUCT_VISIT)).otherwise(visit)
    return pl.when(day.is_not_null()).then(visit)


def _is_baseline_candidate() -> pl.Expr:
    before_depletion = (pl.col("collection_date") < pl.col("lymphodepletion_start")).fill_null(value=True)
    candidate = (pl.col("material") == "blood") & (pl.col("study_day") <= 0) & before_depletion
    return candidate.fill_null(value=False)


def _windows(infusion_products: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """subject_id, visit, material and the window's dates, one row a specimen expected."""
    schema = {"visit": pl.String, "material": pl.String, "first": pl.Int32, "last": pl.Int32}
    windows: list[tuple[str, str, int | None, int]] = [
        (visit.name, "blood", *visit.window) for visit in settings.visits if visit.expected
    ]
    if settings.sampling.expect_infusion_product:
        windows.append((PRODUCT_VISIT, "infusion_product", None, 0))
    infusions = infusion_products.select("subject_id", "infusion_date")
    return infusions.join(pl.DataFrame(windows, schema=schema, orient="row"), how="cross").with_columns(
        window_start_date=pl.col("infusion_date") + pl.duration(days=pl.col("first")),
        window_end_date=pl.col("infusion_date") + pl.duration(days=pl.col("last")),
    )


def _received(visited: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
    """The earliest specimen of each subject, visit and material; whether any was assayed, and says anything."""
    assayed = responses["specimen_id"].unique().to_list()
    speaks = responses.filter(pl.col("is_reported") & pl.col("is_primary_rule") & (pl.col("call") != "not_evaluable"))[
        "specimen_id"
    ].unique()
    return (
        visited.with_columns(
            speaks=pl.col("specimen_id").is_in(speaks.to_list()), is_assayed=pl.col("specimen_id").is_in(assayed)
        )
        .sort("collection_date", "specimen_id")
        .group_by("subject_id", "visit", "material")
        .agg(pl.col("specimen_id").first(), pl.col("speaks").any(), pl.col("is_assayed").any())
    )


def _status(today: date) -> pl.Expr:
    """A specimen that can no longer come is absent at once; any other once its window has passed."""
    is_gone = pl.min_horizontal("death_date", "withdrawal_date") < pl.col("window_start_date")
    is_due = (pl.lit(today) > pl.col("window_end_date")) | is_gone.fill_null(value=False)
    return (
        pl.when(pl.col("specimen_id").is_not_null())
        .then(pl.lit("received"))
        .when(is_due)
        .then(pl.lit("absent"))
        .otherwise(pl.lit("not_due"))
    )


def _reason(settings: StudySettings) -> pl.Expr:
    stopped = pl.lit(settings.sampling.stops_at_progression) & (
        pl.col("progression_date") < pl.col("window_start_date")
    )
    absent = (
        pl.when(pl.col("death_date") <= pl.col("window_end_date"))
        .then(pl.lit("dead"))
        .when(stopped)
        .then(pl.lit("progressed"))
        .when(pl.col("withdrawal_date") <= pl.col("window_end_date"))
        .then(pl.lit("withdrawn"))
        .otherwise(pl.lit("unknown"))
    )
    silent = (
        pl.when(~pl.col("is_assayed")).then(pl.lit("not_assayed")).when(~pl.col("speaks")).then(pl.lit("assay_failed"))
    )
    return (
        pl.when(pl.col("specimen_status") == "received")
        .then(silent)
        .when(pl.col("specimen_status") == "absent")
        .then(absent)
    )
