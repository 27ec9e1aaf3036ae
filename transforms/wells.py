"""Counted wells with what was in them: the counts of the instrument joined to the layout of the plate."""

from __future__ import annotations

import polars as pl

from expectations.computed import ELISPOT_WELLS
from expectations.study import StudySettings
from transforms.analytes import PLATE_ANALYTE, analyte_names
from transforms.layouts import WELL


def elispot_wells(
    counts: pl.DataFrame,
    plates: pl.DataFrame,
    layouts: pl.DataFrame,
    specimens: pl.DataFrame,
    settings: StudySettings,
) -> pl.DataFrame:
    """Every counted well with its specimen, stimulus, role, control, cells and spots per 10^6 cells.

    A well without a layout, without a specimen, or of unknown number of cells holds no test: its role is `unused`. The
    ceiling of wells too numerous to count is the setting or, where that is higher or there is none, the highest
    countable count of that plate and analyte; null where there is neither. Only counted wells have spots per 10^6
    cells.

    The control of an antigen's well is the one its layout names, else that of the antigen, else the study's first; null
    for all wells of an antigen, specimen, plate and analyte that name several. A negative control's is its own name.

    Args:
        counts: ELISPOT_COUNTS.
        plates: PLATES.
        layouts: the effective layouts, as `layouts.layouts` gives them.
        specimens: SPECIMENS; the subject of a reference sample is null.
        settings: antigens, controls, and what the names of analytes stand for.
    """
    of_subjects = specimens.filter(~pl.col("specimen_id").is_in(settings.elispot.trend.reference_samples))
    wells = (
        counts.join(layouts, on=WELL, how="left", validate="m:1")
        .join(of_subjects.select("specimen_id", "subject_id"), on="specimen_id", how="left", validate="m:1")
        .join(plates.select(*PLATE_ANALYTE, "read_date"), on=PLATE_ANALYTE, how="left", validate="m:1")
        .join(analyte_names(counts, settings), on=PLATE_ANALYTE, how="left", validate="m:1")
        .join(_meanings(settings), on="stimulus", how="left", validate="m:1")
        .with_columns(
            tntc_ceiling=_ceiling(settings),
            spots_per_million=pl.col("spots") * 1e6 / pl.col("cells_per_well"),
            well_role=pl.when(_holds_test()).then("meant_role").fill_null("unused"),
            analyte=pl.col("name"),
        )
        .with_columns(
            antigen=pl.when(pl.col("well_role") == "antigen").then("antigen"), control=named_control(settings)
        )
        .with_columns(control=pl.when(~_names_several()).then("control"))
    )
    return ELISPOT_WELLS.conform(wells).sort(ELISPOT_WELLS.key)


def named_control(settings: StudySettings) -> pl.Expr:
    """The negative control by name that the layout of a well (`control`, as written) or the study file gives it.

    Of a frame with `well_role`, `control` and `usual_control`; null for wells that are compared with nothing, and for a
    spelling that the study file does not declare.
    """
    written = pl.col("control").replace_strict(settings.negative_controls, default=None, return_dtype=pl.String)
    role = pl.col("well_role")
    return (
        pl.when((role == "antigen") & pl.col("control").is_not_null())
        .then(written)
        .when(role.is_in(["antigen", "negative_control"]))
        .then("usual_control")
    )


def usual_controls(settings: StudySettings) -> dict[str, str]:
    """Antigen to the control it is compared with where no layout names another."""
    return {antigen.name: antigen.control or settings.controls.negative[0] for antigen in settings.antigens}


def _holds_test() -> pl.Expr:
    return pl.col("specimen_id").is_not_null() & pl.col("cells_per_well").is_not_null()


def _names_several() -> pl.Expr:
    n_controls = pl.col("control").n_unique().over("specimen_id", *PLATE_ANALYTE, "antigen")
    return (pl.col("well_role") == "antigen") & (n_controls > 1)


def _meanings(settings: StudySettings) -> pl.DataFrame:
    """stimulus, meant_role, antigen, usual_control: what each spelling of the study file stands for."""
    controls, usual = settings.controls, usual_controls(settings)
    roles: dict[str, tuple[str, str | None, str | None]] = {
        **{name: ("unused", None, None) for name in controls.unused},
        **{spelling: ("negative_control", None, name) for spelling, name in settings.negative_controls.items()},
        **{name: ("positive_control", None, None) for name in controls.positive},
        **{spelling: ("antigen", name, usual[name]) for spelling, name in settings.antigen_names.items()},
    }
    schema = dict.fromkeys(("stimulus", "meant_role", "antigen", "usual_control"), pl.String)
    return pl.DataFrame([(name, *meaning) for name, meaning in roles.items()], schema=schema, orient="row")


def _ceiling(settings: StudySettings) -> pl.Expr:
    highest = pl.col("spots").filter(pl.col("status") == "counted").max().over(PLATE_ANALYTE)
    # A well too numerous to count holds no fewer spots than one of its plate that could be counted.
    return pl.max_horizontal(highest, pl.lit(settings.elispot.tntc_ceiling, dtype=pl.Int64))
