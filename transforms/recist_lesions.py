"""The state of every lesion at every assessment, in whole micrometres, and which lesions are new."""

from __future__ import annotations

from typing import Final

import polars as pl

from transforms.evaluators import EVALUATOR_KEY
from transforms.recist_visits import ASSESSMENT, BY

UM_PER_MM: Final = 1000
TOO_SMALL_UM: Final = 5 * UM_PER_MM
"""Too small to measure counts as 5 mm (Eisenhauer 2009, 4.3.2)."""
NORMAL_NODE_UM: Final = 10 * UM_PER_MM
"""A lymph node with a shorter short axis is no disease under RECIST 1.1."""

DIAMETERS: Final = ["diameter_mm", "short_axis_mm"]
LESION: Final = [*BY, "lesion_id"]
ROOT: Final = [*BY, "root"]

_NODE_WORDS: Final = "lymph node"


def keyed_lesions(lesions: pl.DataFrame) -> pl.DataFrame:
    """Lesions by evaluator in small letters, with is_node and root: the lesion itself, or the one it broke off from.

    A fragment has the category of its root, and is a node where its root is one.
    """
    keyed = (
        lesions.select(
            "subject_id",
            EVALUATOR_KEY.alias("evaluator"),
            "lesion_id",
            "category",
            "split_from",
            "identified_date",
            "visit",
            pl.coalesce(
                "is_lymph_node",
                pl.col("organ").str.to_lowercase().str.contains(_NODE_WORDS, literal=True),
                pl.lit(value=False),
            ).alias("is_node"),
        )
        .sort(pl.all())
        .unique(LESION, keep="first", maintain_order=True)
    )
    keyed = keyed.join(_roots(keyed), on=LESION, how="left", validate="1:1")
    of_root = keyed.select(*BY, pl.col("lesion_id").alias("root"), "category", "is_node")
    return keyed.drop("category", "is_node").join(of_root, on=ROOT, how="left", validate="m:1")


def _roots(keyed: pl.DataFrame) -> pl.DataFrame:
    """LESION and root. Followed lesion by lesion, because few lesions break up; a circle leaves each its own root."""
    known = set(keyed.select(LESION).rows())
    parents = {
        (subject, evaluator, lesion): parent
        for subject, evaluator, lesion, parent in keyed.filter(pl.col("split_from").is_not_null())
        .select(*LESION, "split_from")
        .rows()
        if (subject, evaluator, parent) in known
    }
    roots = []
    for (subject, evaluator, lesion), parent in parents.items():
        passed, at = {lesion}, parent
        while (subject, evaluator, at) in parents and at not in passed:
            passed.add(at)
            at = parents[subject, evaluator, at]
        roots.append((subject, evaluator, lesion, lesion if at in passed else at))
    broken_off = pl.DataFrame(roots, schema=dict.fromkeys((*LESION, "root"), pl.String()), orient="row")
    return (
        keyed.select(LESION)
        .join(broken_off, on=LESION, how="left", validate="1:1")
        .with_columns(pl.coalesce("root", "lesion_id").alias("root"))
    )


def with_identified(measurements: pl.DataFrame, lesions: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """Measurements, and a row `present` for lesions that were identified but never measured when it matters.

    A new lesion without a measurement is there from the day it was identified, or from the first day of its visit; a
    non-target lesion identified on or before day 0 and not assessed by then is there at baseline.
    """
    columns = [*LESION, "assessment_date", "visit", "status", *DIAMETERS, "is_accepted"]
    measured = measurements.with_columns(EVALUATOR_KEY.alias("evaluator")).select(columns)
    label = pl.col("visit").str.strip_chars().str.to_lowercase().alias("label")
    of_visit = measured.group_by(*BY, label).agg(pl.col("assessment_date").min().alias("visit_date"))
    first = measured.group_by(LESION).agg(pl.col("assessment_date").min().alias("first_date"))
    identified = (
        lesions.with_columns(label)
        .join(of_visit.drop_nulls("label"), on=[*BY, "label"], how="left", validate="m:1")
        .join(first, on=LESION, how="left", validate="1:1")
        .join(starts, on="subject_id", how="left", validate="m:1")
        .with_columns(pl.coalesce("identified_date", "visit_date").alias("assessment_date"))
    )
    is_unmeasured_new = (pl.col("category") == "new") & pl.col("first_date").is_null()
    is_at_baseline = (pl.col("assessment_date") <= pl.col("infusion_date")) & (
        pl.col("first_date").is_null() | (pl.col("first_date") > pl.col("infusion_date"))
    )
    told = identified.filter(
        pl.col("assessment_date").is_not_null()
        & (is_unmeasured_new | ((pl.col("category") == "non_target") & is_at_baseline.fill_null(value=False)))
    ).with_columns(
        pl.lit("present").alias("status"),
        *(pl.lit(None, pl.Float64).alias(name) for name in DIAMETERS),
        pl.lit(None, pl.Boolean).alias("is_accepted"),
    )
    return pl.concat([measured, told.select(columns)])


def states(assessments: pl.DataFrame, lesions: pl.DataFrame, dated: pl.DataFrame, *, by_nodes: bool) -> pl.DataFrame:
    """One row for every lesion (fragments added to it) at every assessment of its course.

    um is the diameter, micrometres, of what was measured, and has_um says that all of it was. is_missing: not or not
    wholly assessed. is_gone: absent, or under RECIST 1.1 a lymph node below 10 mm; is_merged: its diameter is part of
    another lesion's; is_normal_node: nothing but nodes below 10 mm, under either criteria; is_there, is_progressed and
    is_equivocal as the records say. A fragment is awaited from the
    assessment on that first shows it, and from then on need not be joined by a row of the lesion it came from.

    Args:
        assessments: subject_id, evaluator, assessment_date.
        lesions: of keyed_lesions.
        dated: measurements with measured_on and assessment_date.
        by_nodes: True for RECIST 1.1.
    """
    latest = (
        dated.sort(pl.col("status") != "not_assessed", "measured_on", "status", *DIAMETERS)
        .unique([*ASSESSMENT, "lesion_id"], keep="last", maintain_order=True)
        .select(*ASSESSMENT, "lesion_id", "status", *DIAMETERS)
    )
    grid = (
        assessments.select(ASSESSMENT)
        .join(lesions.select(*LESION, "root", "is_node", "category"), on=BY, how="inner")
        .join(latest, on=[*ASSESSMENT, "lesion_id"], how="left", validate="1:1")
        .with_columns(_um(by_nodes=by_nodes).alias("um"))
        .with_columns(*_flags(by_nodes=by_nodes))
    )
    is_fragment = pl.col("lesion_id") != pl.col("root")
    is_seen = pl.col("is_there") | pl.col("is_equivocal")
    first_seen = pl.col("assessment_date").filter(is_seen).min().over(LESION)
    is_assessed = ~pl.col("is_missing")
    has_fragments = (is_fragment & is_assessed).any().over(*ASSESSMENT, "root")
    is_awaited = (
        pl.when(is_fragment)
        .then(is_assessed | (pl.col("assessment_date") >= first_seen).fill_null(value=False))
        .otherwise(pl.col("status").is_not_null() | ~has_fragments)
    )
    return (
        grid.filter(is_awaited)
        .group_by(*ASSESSMENT, "root")
        .agg(
            pl.col("category").first(),
            pl.col("um").sum(),
            pl.col("um").is_not_null().all().alias("has_um"),
            pl.col("um").is_not_null().any().alias("has_some_um"),
            pl.col("is_missing").any(),
            ((pl.col("is_gone") | pl.col("is_merged")).all() & pl.col("is_gone").any()).alias("is_gone"),
            pl.col("is_merged").all(),
            pl.col("is_normal_node").all(),
            *(pl.col(name).any() for name in ("is_there", "is_progressed", "is_equivocal")),
        )
    )


def _um(*, by_nodes: bool) -> pl.Expr:
    status, longest = pl.col("status"), pl.col("diameter_mm")
    of_node = pl.coalesce("short_axis_mm", longest) if by_nodes else longest
    mm = pl.when("is_node").then(of_node).otherwise(longest)
    return (
        pl.when(status == "measured")
        .then((mm * UM_PER_MM).round().cast(pl.Int64))
        .when(status == "too_small")
        .then(TOO_SMALL_UM)
        .when(status.is_in(["absent", "merged"]))
        .then(0)
    )


def _flags(*, by_nodes: bool) -> list[pl.Expr]:
    status, um = pl.col("status"), pl.col("um")
    is_normal = pl.col("is_node") & (um > 0) & (um < NORMAL_NODE_UM)
    is_no_disease = (um == 0) | is_normal if by_nodes else um == 0
    is_merged = status == "merged"
    is_gone = is_no_disease & ~is_merged
    is_there = status.is_in(["present", "progressed"]) | ~is_no_disease
    flags = {
        "is_missing": status.is_null() | (status == "not_assessed"),
        "is_gone": is_gone,
        "is_merged": is_merged,
        "is_normal_node": is_normal,
        "is_there": is_there,
        "is_progressed": status == "progressed",
        "is_equivocal": status == "equivocal",
    }
    return [flag.fill_null(value=False).alias(name) for name, flag in flags.items()]


def before_day_0_is_no_new_lesion(state: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """States in which a lesion recorded as new, but seen on or before day 0, is a non-target lesion of the baseline."""
    is_seen_before = pl.col("is_there") & (pl.col("assessment_date") <= pl.col("infusion_date"))
    was_there = is_seen_before.fill_null(value=False).any().over(ROOT)
    return (
        state.join(starts, on="subject_id", how="left", validate="m:1")
        .with_columns(
            pl.when((pl.col("category") == "new") & was_there)
            .then(pl.lit("non_target"))
            .otherwise("category")
            .alias("category")
        )
        .drop("infusion_date")
    )


def new_lesions(state: pl.DataFrame, *, backdated: bool) -> pl.DataFrame:
    """Assessments with a new lesion: has_new_lesion, and is_told_later where only a later one made it unequivocal.

    A new lesion counts from the assessment that first shows it until one that says it is absent. With `backdated` an
    equivocal lesion that later becomes unequivocal, without having been absent between, counts from the first of them:
    progression is dated to the initial scan (Eisenhauer 2009, 4.3.5). Without, from the unequivocal one.
    """
    unequivocal, equivocal = pl.col("is_there"), pl.col("is_equivocal")
    new = state.filter(pl.col("category") == "new").sort(*ROOT, "assessment_date")
    is_absent = pl.col("is_gone") & ~equivocal & ~unequivocal
    run = [*ROOT, "run"]
    counted = new.with_columns(is_absent.cum_sum().over(ROOT).alias("run")).with_columns(
        unequivocal.cum_max().over(run).alias("is_certain"),
        ((unequivocal | equivocal).cum_max() & unequivocal.any()).over(run).alias("is_suspected"),
    )
    counts = pl.col("is_suspected") if backdated else pl.col("is_certain")
    return counted.group_by(ASSESSMENT).agg(
        counts.any().alias("has_new_lesion"), (counts.any() & ~pl.col("is_certain").any()).alias("is_told_later")
    )
