"""Responses derived from lesions under RECIST 1.0 and 1.1, beside those the evaluators reported."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import polars as pl

from expectations.outcome_tables import DERIVED_ASSESSMENTS
from expectations.reasons import reason
from expectations.study import StudySettings
from transforms.evaluators import with_leading
from transforms.recist_agreement import with_agreement
from transforms.recist_course import Baseline, Lesions, Visit, judge
from transforms.recist_lesions import (
    LESION,
    ROOT,
    UM_PER_MM,
    before_day_0_is_no_new_lesion,
    keyed_lesions,
    new_lesions,
    states,
    with_identified,
)
from transforms.recist_visits import ASSESSMENT, BY, dated_by_visit, paired_with_reports

_MM_DECIMALS: Final = 3
_PERCENT_DECIMALS: Final = 9
_COUNTS: Final = {
    "n_missing": "is_missing",
    "n_gone": "is_gone",
    "n_merged": "is_merged",
    "n_there": "is_there",
    "n_progressed": "is_progressed",
    "n_normal_nodes": "is_normal_node",
}
"""Fields of recist_course.Lesions, in order, and the state each counts."""
_JUDGED: Final = {
    "subject_id": pl.String,
    "evaluator": pl.String,
    "assessment_date": pl.Date,
    "nadir_um": pl.Int64,
    "derived_target_response": pl.String,
    "derived_non_target_response": pl.String,
    "derived_response": pl.String,
    "judged_reason": pl.String,
}


def derived_assessments(
    lesions: pl.DataFrame,
    lesion_measurements: pl.DataFrame,
    tumour_assessments: pl.DataFrame,
    infusion_products: pl.DataFrame,
    settings: StudySettings,
) -> pl.DataFrame:
    """DERIVED_ASSESSMENTS: one row for every assessment of every evaluator with lesions or a report.

    Each evaluator's lesions are a course of their own. The baseline is the last assessment on or before day 0 in which
    a target lesion has a diameter (for a course without target lesions, in which a non-target lesion was assessed); a
    target without one there has its latest earlier one, and one that is absent there is no target. The targets of the
    baseline are compared from then on. Sums are whole micrometres, so that -30 %, +20 % and 5 mm are exact. Evaluators
    are written in small letters. transforms/recist_course.py has the criteria.

    Args:
        lesions: LESIONS; mm.
        lesion_measurements: LESION_MEASUREMENTS; mm.
        tumour_assessments: TUMOUR_ASSESSMENTS, as reported.
        infusion_products: INFUSION_PRODUCTS; a subject without one has no baseline.
        settings: for `response`: criteria and evaluator.
    """
    is_1_1 = settings.response.criteria == "RECIST 1.1"
    starts = infusion_products.select("subject_id", "infusion_date")
    keyed = keyed_lesions(lesions)
    dated = dated_by_visit(with_identified(lesion_measurements, keyed, starts))
    assessments = paired_with_reports(dated, tumour_assessments).join(
        starts, on="subject_id", how="left", validate="m:1"
    )
    unknown = dated.join(keyed, on=LESION, how="anti").select(ASSESSMENT).unique().with_columns(has_unknown=True)
    assessments = assessments.join(unknown, on=ASSESSMENT, how="left", validate="1:1")
    state = before_day_0_is_no_new_lesion(states(assessments, keyed, dated, by_nodes=is_1_1), starts)
    courses = _courses(state, keyed, starts)
    counted = _counted(assessments.join(courses, on=BY, how="left", validate="m:1"), state, courses, is_1_1=is_1_1)
    frame = counted.join(_judged(counted, is_1_1=is_1_1), on=ASSESSMENT, how="left", validate="1:1")
    frame = _sums(frame.with_columns(_reason().alias("derived_reason")))
    return DERIVED_ASSESSMENTS.conform(
        with_agreement(with_leading(frame, settings.response.evaluator)).sort(DERIVED_ASSESSMENTS.key)
    )


def _courses(state: pl.DataFrame, keyed: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """Baseline of each course that has one: baseline_date, its targets by name, S0, numbers of lesions."""
    before = state.join(starts, on="subject_id").filter(pl.col("assessment_date") <= pl.col("infusion_date"))
    is_target, is_non_target = (pl.col("category") == of for of in ("target", "non_target"))
    has_targets = keyed.group_by(BY).agg(is_target.any().alias("has_targets"))
    date = pl.col("assessment_date")
    courses = (
        before.join(has_targets, on=BY, validate="m:1")
        .group_by(BY)
        .agg(
            pl.when(pl.col("has_targets").first())
            .then(date.filter(is_target & pl.col("has_some_um")).max())
            .otherwise(date.filter(is_non_target & ~pl.col("is_missing")).max())
            .alias("baseline_date")
        )
        .drop_nulls("baseline_date")
    )
    until_baseline = before.join(courses, on=BY, validate="m:1").filter(date <= pl.col("baseline_date"))
    non_targets = until_baseline.filter(is_non_target & (date == pl.col("baseline_date")))
    return (
        courses.join(_baseline_targets(until_baseline.filter(is_target)), on=BY, how="left", validate="1:1")
        .join(
            non_targets.group_by(BY).agg(
                pl.len().cast(pl.Int32).alias("n_non_targets"),
                (~(pl.col("is_gone") | pl.col("is_merged"))).any().alias("has_non_target_disease"),
            ),
            on=BY,
            how="left",
            validate="1:1",
        )
        .with_columns(
            pl.col("n_targets", "n_non_targets", "baseline_um").fill_null(0),
            pl.col("has_target_disease", "has_non_target_disease").fill_null(value=False),
        )
    )


def _baseline_targets(until_baseline: pl.DataFrame) -> pl.DataFrame:
    """One row a course: the targets of its baseline, each with its latest whole diameter up to then.

    A re-scan of some lesions before day 0 takes no other from the sum. A target whose latest diameter is 0 was taken
    out (absent_roots), unless no target has any disease: nothing else is left to compare with then.

    Args:
        until_baseline: states of target lesions up to baseline_date.
    """
    is_whole = pl.col("has_um")
    latest = (
        until_baseline.sort("assessment_date")
        .group_by(ROOT)
        .agg(
            pl.col("baseline_date").first(),
            *(pl.col(name).filter(is_whole).last() for name in ("um", "is_gone", "is_merged", "assessment_date")),
        )
        .with_columns(
            pl.col("um").is_not_null().alias("is_known"),
            (~(pl.col("is_gone") | pl.col("is_merged"))).fill_null(value=False).alias("is_disease"),
        )
        .with_columns(
            ((pl.col("um") == 0) & ~pl.col("is_merged") & pl.col("is_disease").any().over(BY))
            .fill_null(value=False)
            .alias("is_absent")
        )
    )
    is_target, is_older = pl.col("is_known") & ~pl.col("is_absent"), pl.col("assessment_date") < pl.col("baseline_date")
    return latest.group_by(BY).agg(
        pl.col("root").filter(is_target).alias("target_roots"),
        pl.col("root").filter("is_absent").alias("absent_roots"),
        is_target.sum().cast(pl.Int32).alias("n_targets"),
        pl.col("um").filter(is_target).sum().alias("baseline_um"),
        pl.col("is_disease").any().alias("has_target_disease"),
        (~pl.col("is_known")).any().alias("is_incomplete"),
        (is_target & is_older).any().alias("has_older"),
        pl.col("is_absent").any().alias("has_absent"),
    )


def _counted(assessments: pl.DataFrame, state: pl.DataFrame, courses: pl.DataFrame, *, is_1_1: bool) -> pl.DataFrame:
    """Assessments with their lesions counted: of targets target_*, of non-targets non_target_*, and new lesions."""
    targets, absent = (
        state.filter(pl.col("category") == "target")
        .join(courses.select(*BY, pl.col(roots).alias("root")).explode("root"), on=ROOT, how="semi")
        .group_by(ASSESSMENT)
        for roots in ("target_roots", "absent_roots")
    )
    of_targets = targets.agg(
        *_count("target", ~pl.col("has_um")),
        pl.col("um").sum().alias("measured_um"),
        pl.col("has_some_um").any().alias("has_measured"),
    )
    non_targets = state.filter(pl.col("category") == "non_target").group_by(ASSESSMENT)
    after_day_0 = assessments.filter(pl.col("assessment_date") > pl.col("infusion_date"))
    new = new_lesions(state.join(after_day_0, on=ASSESSMENT, how="semi"), backdated=is_1_1)
    of_non_targets = non_targets.agg(*_count("non_target", pl.col("is_missing")))
    is_back = absent.agg(pl.col("is_there").any().alias("is_absent_back"))
    for part in (of_targets, of_non_targets, is_back, new):
        assessments = assessments.join(part, on=ASSESSMENT, how="left", validate="1:1")
    is_after_baseline = (pl.col("assessment_date") > pl.col("infusion_date")) & pl.col("baseline_date").is_not_null()
    return assessments.with_columns(
        pl.col("n_targets", "n_non_targets").fill_null(0),
        pl.col("has_new_lesion", "is_told_later", "is_absent_back").fill_null(value=False),
        (pl.col("assessment_date") == pl.col("baseline_date")).fill_null(value=False).alias("is_baseline"),
        (is_after_baseline & pl.col("has_lesions")).fill_null(value=False).alias("is_judged"),
    )


def _count(of: str, is_missing: pl.Expr) -> list[pl.Expr]:
    flags = {name: pl.col(flag) for name, flag in _COUNTS.items()} | {"n_missing": is_missing}
    return [flag.sum().cast(pl.Int32).alias(f"{of}_{name}") for name, flag in flags.items()]


def _judged(counted: pl.DataFrame, *, is_1_1: bool) -> pl.DataFrame:
    """The responses of every judged assessment; course by course, because each depends on those before it."""
    rows = counted.filter("is_judged").sort(ASSESSMENT).iter_rows(named=True)
    told: list[tuple[Any, ...]] = []
    for course, of_course in groupby(rows, key=itemgetter(*BY)):
        visits = list(of_course)
        first = visits[0]
        baseline = Baseline(first["baseline_um"], first["has_target_disease"], first["has_non_target_disease"])
        judged = judge(baseline, map(_visit, visits), is_1_1=is_1_1)
        told += [
            (*course, row["assessment_date"], j.nadir_um, j.target, j.non_target, j.overall, j.why)
            for row, j in zip(visits, judged, strict=True)
        ]
    return pl.DataFrame(told, schema=_JUDGED, orient="row")


def _visit(row: dict[str, Any]) -> Visit:
    targets, non_targets = (
        Lesions(row[f"n_{of}s"], *(row[f"{of}_{name}"] or 0 for name in _COUNTS)) for of in ("target", "non_target")
    )
    flags = (row[name] for name in ("has_new_lesion", "is_told_later", "is_absent_back"))
    return Visit(row["measured_um"] or 0, targets, non_targets, *flags)


def _reason() -> pl.Expr:
    """Why a response is what it is, or is none."""
    codes = {
        "recist.no_baseline": pl.col("baseline_date").is_null()
        & pl.col("has_lesions")
        & pl.col("has_unknown").is_null(),
        "recist.unknown_lesion": pl.col("baseline_date").is_null() & pl.col("has_unknown"),
        "recist.no_lesions": ~pl.col("has_lesions"),
        "recist.baseline_incomplete": pl.col("is_baseline") & pl.col("is_incomplete"),
        "recist.baseline_older": pl.col("is_baseline") & pl.col("has_older"),
        "recist.baseline_absent": pl.col("is_baseline") & pl.col("has_absent"),
        "recist.before_day_0": ~pl.col("is_judged") & ~pl.col("is_baseline"),
    }
    why_none = pl.coalesce(pl.when(holds).then(pl.lit(reason(code).code)) for code, holds in codes.items())
    is_unknown = pl.when("has_unknown").then(pl.lit(reason("recist.unknown_lesion").code))
    is_back = pl.when(pl.col("is_judged") & pl.col("is_absent_back")).then(pl.lit(reason("recist.absent_is_back").code))
    return pl.coalesce(pl.when("is_judged").then("judged_reason").otherwise(why_none), is_back, is_unknown)


def _sums(frame: pl.DataFrame) -> pl.DataFrame:
    """From micrometres to millimetres and percent, null where a target is missing or there is none."""
    has_targets = pl.col("n_targets") > 0
    n_missing = pl.when(has_targets).then(pl.col("target_n_missing").fill_null(pl.col("n_targets"))).otherwise(0)
    is_complete = has_targets & (n_missing == 0)
    days = (pl.col("assessment_date") - pl.col("infusion_date")).dt.total_days()
    return frame.with_columns(
        n_missing.alias("n_targets_missing"),
        _mm("measured_um", is_complete).alias("sum_mm"),
        _mm("measured_um", has_targets & pl.col("has_measured")).alias("measured_sum_mm"),
        _mm("baseline_um", has_targets).alias("baseline_sum_mm"),
        _mm("nadir_um", has_targets).alias("nadir_mm"),
        pl.when(has_targets & pl.col("is_baseline") & (pl.col("baseline_um") > 0))
        .then(0.0)
        .otherwise(_percent("baseline_um", is_complete & pl.col("is_judged")))
        .alias("change_from_baseline_percent"),
        _percent("nadir_um", is_complete).alias("change_from_nadir_percent"),
        pl.when("is_judged").then("has_new_lesion").alias("derived_has_new_lesion"),
        days.alias("study_day"),
    )


def _mm(um: str, where: pl.Expr) -> pl.Expr:
    return pl.when(where).then((pl.col(um) / UM_PER_MM).round(_MM_DECIMALS))


def _percent(since: str, where: pl.Expr) -> pl.Expr:
    """Change of the sum, percent; rounded, because a division by a constant column need not give -30 for -30 %."""
    before = pl.col(since)
    return pl.when(where & (before > 0)).then(
        (100 * (pl.col("measured_um") - before) / before).round(_PERCENT_DECIMALS)
    )
