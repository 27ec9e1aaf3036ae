"""Table 1: who the infused subjects are, all together, by response, and by the exposure of the primary analysis."""

from __future__ import annotations

from math import isfinite, isnan
from typing import Any, Final

import polars as pl

from expectations import vocabulary as v
from expectations.analyses import EXPOSURE
from expectations.association_tables import CHARACTERISTICS
from expectations.study import StudySettings
from transforms.association_exposures import SERIES, at_landmark, cells_infused

_UNITS: Final = {
    "age": "years",
    "n_prior_therapies": "lines",
    "ldh_at_baseline": "U/L",
    "ldh_ratio_to_upper_limit": "times the upper limit",
    "lymphodepletion_days": "days",
    "total_viable_cells": "cells",
    "cd8_percent": "%",
    "tumour_reactive_cells": "cells",
}
"""Characteristics that are numbers."""

_LEVELS: Final[dict[str, tuple[str, ...] | None]] = {
    "sex": ("female", "male"),
    "m_stage": None,
    "ecog": None,
    "ldh_elevated": ("yes",),
    "tumour_reactive_cells_status": ("number", "bound", "below LOD"),
    "best_overall_response": v.RESPONSES,
}
"""Characteristics that are categories; None: those that occur among the infused."""

_ORDER: Final = (
    "age", "sex", "m_stage", "ecog", "n_prior_therapies", "ldh_at_baseline", "ldh_ratio_to_upper_limit", "ldh_elevated",
    "lymphodepletion_days", "total_viable_cells", "cd8_percent", "tumour_reactive_cells",
    "tumour_reactive_cells_status", "best_overall_response",
)  # fmt: skip

_U_PER_L: Final = {"u/l": 1.0, "iu/l": 1.0, "ukat/l": 60.0, "µkat/l": 60.0, "μkat/l": 60.0}
"""One katal is a mole a second, one unit a micromole a minute. Micro has two signs in Unicode."""

_YES_AND_NO: Final = {
    "persistent_at_landmark": ("persistent", "not persistent"),
    "induced_by_landmark": ("induced", "not induced"),
}
_EXPOSURE_UNITS: Final = {"tumour_reactive_cells_infused": " cells"}
_NO_MEDIAN: Final = {True: "nobody evaluable", False: "below LOD"}
_NOT_EVALUABLE: Final = "not evaluable"
_GROUP: Final = ("division", "group")
_BELOW_LOD: Final = float("-inf")


def characteristics(  # noqa: PLR0913, PLR0917 - each table is one argument
    subjects: pl.DataFrame,
    infusion_products: pl.DataFrame,
    infused_cells: pl.DataFrame,
    lab_results: pl.DataFrame,
    outcomes: pl.DataFrame,
    by_subject: pl.DataFrame,
    settings: StudySettings,
) -> pl.DataFrame:
    """CHARACTERISTICS of the infused: a number by its median and quartiles, a category by its count.

    Quartiles interpolate linearly between order statistics (type 7 of Hyndman and Fan, Am Stat 1996;50:361, R's
    default). Tumour-reactive cells below their LOD are known and lie below every detected number; a median, quartile or
    minimum that rests on one of them is null, and `tumour_reactive_cells_status` counts them. Bounds enter with the
    number they bound, and are counted there too.

    Age is the year of infusion minus the year of birth. LDH is the subjects' table's, else the last LDH of LAB_RESULTS
    before lymphodepletion (where that is not known, up to day 0) in a unit of enzyme activity. Its ratio to the upper
    limit is that of the last such result, in any unit, that has a limit.

    Groups by the primary exposure are its own yes and no, for a number the subjects above its median and at or below
    it. An exposure that changes over time divides nobody, and that division has no rows. A group of nobody keeps its
    lines.

    Args:
        subjects: SUBJECTS.
        infusion_products: INFUSION_PRODUCTS.
        infused_cells: INFUSED_CELLS.
        lab_results: LAB_RESULTS.
        outcomes: OUTCOMES.
        by_subject: PERSISTENCE_BY_SUBJECT.
        settings: for the primary analysis.
    """
    described = _described(subjects, infusion_products, infused_cells, lab_results, outcomes)
    names, members = _groups(outcomes.filter("is_infused"), by_subject, infused_cells, settings)
    sizes = members.group_by(_GROUP).agg(n_subjects=pl.len())
    members = members.join(described, on="subject_id", how="left", validate="m:1")
    of_characteristic = [*_GROUP, "characteristic"]
    lines = (
        names.join(sizes, on=_GROUP, how="left", validate="1:1")
        .join(_lines(described), how="cross")
        .join(_numbers(members), on=of_characteristic, how="left", validate="m:1")
        .join(_known(members), on=of_characteristic, how="left", validate="m:1", suffix="_of_category")
        .join(_counts(members), on=[*of_characteristic, "level"], how="left", validate="1:1")
        .with_columns(n_known=pl.coalesce("n_known", "n_known_of_category", pl.lit(0)))
        .with_columns(pl.col("n_subjects").fill_null(0), n_with=pl.when(pl.col("level") != "").then(_or_0("n_with")))
        .with_columns(percent=pl.when(pl.col("n_known") > 0).then(100 * pl.col("n_with") / pl.col("n_known")))
    )
    return CHARACTERISTICS.conform(lines).sort(CHARACTERISTICS.key)


def _or_0(name: str) -> pl.Expr:
    return pl.col(name).fill_null(0)


def _described(
    subjects: pl.DataFrame,
    infusion_products: pl.DataFrame,
    infused_cells: pl.DataFrame,
    lab_results: pl.DataFrame,
    outcomes: pl.DataFrame,
) -> pl.DataFrame:
    """One row an infused subject: subject_id, every number, and every category as text."""
    products = infusion_products.select("subject_id", "lymphodepletion_start", "total_viable_cells", "cd8_percent")
    frame = outcomes.filter("is_infused").select("subject_id", "infusion_date", "best_overall_response")
    for part in (subjects, products, _reactive(infused_cells)):
        frame = frame.join(part, on="subject_id", how="left", validate="1:1")
    frame = frame.join(_ldh(lab_results, frame), on="subject_id", how="left", validate="1:1")
    return frame.with_columns(
        age=pl.col("infusion_date").dt.year() - pl.col("birth_year"),
        ldh_at_baseline=pl.coalesce("ldh_at_baseline", "ldh_measured"),
        ldh_elevated=pl.when(pl.col("ldh_ratio_to_upper_limit") > 1).then(pl.lit("yes")).otherwise(pl.lit("no")),
        lymphodepletion_days=(pl.col("infusion_date") - pl.col("lymphodepletion_start")).dt.total_days(),
    ).select(
        "subject_id",
        pl.col(*_UNITS).cast(pl.Float64),
        pl.col(*(name for name in _LEVELS if name != "ldh_elevated")).cast(pl.String),
        ldh_elevated=pl.when(pl.col("ldh_ratio_to_upper_limit").is_not_null()).then("ldh_elevated"),
    )


def _reactive(infused_cells: pl.DataFrame) -> pl.DataFrame:
    cells, is_below = pl.col("exposure"), pl.col("is_below_lod")
    status = (
        pl.when(is_below)
        .then(pl.lit("below LOD"))
        .when("is_bounded")
        .then(pl.lit("bound"))
        .when(cells.is_not_null())
        .then(pl.lit("number"))
    )
    return cells_infused(infused_cells).select(
        "subject_id",
        tumour_reactive_cells=pl.when(is_below).then(_BELOW_LOD).otherwise(cells),
        tumour_reactive_cells_status=pl.when(cells.is_not_null() | is_below).then(status),
    )


def _ldh(lab_results: pl.DataFrame, infused: pl.DataFrame) -> pl.DataFrame:
    """subject_id, ldh_measured (U/L) and ldh_ratio_to_upper_limit, each of the last LDH at baseline that tells it."""
    days = infused.select("subject_id", "infusion_date", "lymphodepletion_start")
    factor = pl.col("unit").str.strip_chars().str.to_lowercase().replace_strict(_U_PER_L, default=None)
    upper_limit = pl.when(pl.col("upper_limit") > 0).then("upper_limit")
    is_before = (pl.col("sample_date") < pl.col("lymphodepletion_start")).fill_null(value=True)
    return (
        lab_results.filter(pl.col("test").str.strip_chars().str.to_uppercase() == "LDH")
        .join(days, on="subject_id", how="inner", validate="m:1")
        .filter(is_before & (pl.col("sample_date") <= pl.col("infusion_date")))
        .with_columns(
            ldh_measured=pl.col("value") * factor,
            ldh_ratio_to_upper_limit=pl.col("value") / upper_limit,
        )
        .sort("subject_id", "sample_date", "test")
        .group_by("subject_id", maintain_order=True)
        .agg(pl.col("ldh_measured", "ldh_ratio_to_upper_limit").drop_nulls().last())
    )


def _groups(
    infused: pl.DataFrame, by_subject: pl.DataFrame, infused_cells: pl.DataFrame, settings: StudySettings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every division and group there is, and who is in it: division, group, subject_id."""
    responded = pl.col("is_responder")
    by_response = infused.select(
        "subject_id", group=pl.when(responded).then(pl.lit("responder")).when(~responded).then(pl.lit("non-responder"))
    )
    named, by_exposure = _exposed(infused, by_subject, infused_cells, settings)
    divisions: dict[str, tuple[tuple[str, ...], pl.DataFrame]] = {
        "all": (("all",), infused.select("subject_id", group=pl.lit("all"))),
        "response": (("responder", "non-responder", _NOT_EVALUABLE), by_response),
        "primary_exposure": (named, by_exposure),
    }
    names = [(division, group) for division, (groups, _) in divisions.items() for group in groups]
    members = [
        frame.select(pl.lit(division).alias("division"), pl.col("group").fill_null(_NOT_EVALUABLE), "subject_id")
        for division, (_, frame) in divisions.items()
    ]
    return pl.DataFrame(names, schema=dict.fromkeys(_GROUP, pl.String), orient="row"), pl.concat(members)


def _exposed(
    infused: pl.DataFrame, by_subject: pl.DataFrame, infused_cells: pl.DataFrame, settings: StudySettings
) -> tuple[tuple[str, ...], pl.DataFrame]:
    """Names of the groups of the primary exposure, and subject_id with group; null where not evaluable."""
    name = settings.analysis.primary.exposure
    if EXPOSURE[name].timing == "day_0":
        cells = cells_infused(infused_cells)
        known = cells.select("subject_id", exposure=pl.when("is_below_lod").then(_BELOW_LOD).otherwise("exposure"))
    elif EXPOSURE[name].timing == "landmark":
        series = dict(zip(SERIES, settings.primary_series, strict=True))
        known = at_landmark(name, by_subject.filter(landmark_day=settings.primary_landmark, **series))
    else:
        return (), infused.clear().select("subject_id", group=pl.lit(None, pl.String))
    exposed = infused.select("subject_id").join(known, on="subject_id", how="left", validate="1:1")
    exposure = pl.col("exposure")
    if EXPOSURE[name].kind == "binary":
        yes, no = _YES_AND_NO[name]
        is_exposed = exposure
    else:
        median = _median(exposed["exposure"].drop_nulls())
        told = f"{median:.3g}{_EXPOSURE_UNITS.get(name, '')}" if isfinite(median) else _NO_MEDIAN[isnan(median)]
        yes, no = f"above the median ({told})", f"at or below the median ({told})"
        is_exposed = exposure > median
    group = pl.when(is_exposed).then(pl.lit(yes)).when(~is_exposed).then(pl.lit(no))
    return (yes, no, _NOT_EVALUABLE), exposed.select("subject_id", group=group)


def _median(values: pl.Series) -> float:
    """The median; where it lies between a value below the LOD and a detected one, below the LOD. NaN for nobody."""
    ordered = values.cast(pl.Float64).sort()
    middle = [ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]] if len(ordered) else [float("nan")]
    return sum(middle) / len(middle)


def _lines(described: pl.DataFrame) -> pl.DataFrame:
    """characteristic, level, unit and position of every line of the table."""
    lines: list[dict[str, Any]] = []
    for name in _ORDER:
        if name in _UNITS:
            levels: list[str] = [""]
        else:
            levels = list(_LEVELS[name] or described[name].drop_nulls().unique().sort())
        lines += [{"characteristic": name, "level": level, "unit": _UNITS.get(name)} for level in levels]
    schema = {"characteristic": pl.String, "level": pl.String, "unit": pl.String}
    return pl.DataFrame(lines, schema=schema).with_row_index("position", offset=1)


def _numbers(members: pl.DataFrame) -> pl.DataFrame:
    """_GROUP, characteristic, and what is told of a number; null where it rests on a value below the LOD."""
    value = pl.col("value")
    told = {
        "median": value.quantile(0.5, "linear"),
        "lower_quartile": value.quantile(0.25, "linear"),
        "upper_quartile": value.quantile(0.75, "linear"),
        "minimum": value.min(),
        "maximum": value.max(),
    }
    return (
        members.unpivot(list(_UNITS), index=list(_GROUP), variable_name="characteristic")
        .group_by(*_GROUP, "characteristic")
        .agg(value.count().alias("n_known"), **told)
        .with_columns(pl.when(pl.col(name).is_finite()).then(name) for name in told)
    )


def _categories(members: pl.DataFrame) -> pl.DataFrame:
    return members.unpivot(
        list(_LEVELS), index=list(_GROUP), variable_name="characteristic", value_name="level"
    ).drop_nulls("level")


def _known(members: pl.DataFrame) -> pl.DataFrame:
    return _categories(members).group_by(*_GROUP, "characteristic").agg(n_known=pl.len())


def _counts(members: pl.DataFrame) -> pl.DataFrame:
    return _categories(members).group_by(*_GROUP, "characteristic", "level").agg(n_with=pl.len())
