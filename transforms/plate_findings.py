"""What does not fit about a plate: wells, specimens and antigens for which layout, counts and controls disagree."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final

import polars as pl

from expectations.computed import PLATE_FINDINGS
from expectations.study import StudySettings
from transforms.analytes import analyte_names
from transforms.layouts import COMPARED, WELL, Layouts
from transforms.wells import named_control, usual_controls

ALL_ANALYTES: Final = ""
"""Stands for a finding about all of the plate."""

_TESTED: Final = ("plate_id", "specimen_id", "analyte")

_COUNTED: Final = "counted, but no layout says what was in them"
_LAID: Final = "in the layout with a specimen and a stimulus, but without a count"
_NO_CELLS: Final = "the layout does not say how many cells were put into them, so they are not used"
_DONOR: Final = "not used: the donor entered at the instrument, '{}', is the name of no specimen"
_STIMULUS: Final = "not used: the stimulus entered at the instrument, '{}', is not declared in study.toml"


def plate_findings(laid: Layouts, counts: pl.DataFrame, wells: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Everything about received plates that does not fit, wells of one finding named together (A1-A12, B1).

    Args:
        laid: every layout.
        counts: ELISPOT_COUNTS, with the analytes' names as the exports give them.
        wells: ELISPOT_WELLS.
        settings: controls, antigens, analytes and reference samples. A reference sample is run again and again and has
            no call, so neither its plates nor its controls are looked at.

    Returns:
        PLATE_FINDINGS. What is the same for all analytes of a plate that has several is told once, with an empty one.
    """
    study_wells = wells.filter(~pl.col("specimen_id").is_in(settings.elispot.trend.reference_samples))
    of_wells = pl.concat(
        [
            _told(wells_without_layout(wells).drop("analyte"), "layout.well_without_layout", pl.lit(_COUNTED)),
            _told(wells_without_count(laid.effective, wells, settings), "layout.well_without_count", pl.lit(_LAID)),
            _told(_wells_without_cells(laid.effective, settings), "layout.cells_unknown", pl.lit(_NO_CELLS)),
            _told(_disagreements(laid.disputed), "layout.sources_disagree", pl.col("detail")),
            _told(_unknown(laid, "donor"), "layout.donor_unknown", pl.format(_DONOR, "donor")),
            _told(_unknown(laid, "stimulus"), "layout.stimulus_unknown", pl.format(_STIMULUS, "stimulus")),
        ]
    )
    others = (_several_plates(study_wells), _no_control(study_wells), _ambiguous(study_wells, laid.effective, settings))
    found = pl.concat([_by_place(of_wells), *others, _analytes_twice(counts, settings), _unplaced(laid)])
    received = found.join(counts.select("plate_id").unique(), on="plate_id", how="semi")
    return PLATE_FINDINGS.conform(_over_analytes(received, wells)).sort(PLATE_FINDINGS.key)


def wells_without_layout(wells: pl.DataFrame) -> pl.DataFrame:
    """Wells of ELISPOT_WELLS that were counted though no layout speaks of them."""
    return wells.filter(pl.col("layout_source").is_null(), pl.col("status") != "not_counted")


def wells_to_count(effective: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Wells of a layout with a specimen in them and something to test."""
    is_test = ~pl.col("stimulus").is_in(settings.controls.unused)
    return effective.filter(pl.col("specimen_id").is_not_null(), is_test)


def wells_without_count(effective: pl.DataFrame, wells: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """WELL, specimen_id and analyte of wells that a received plate should have a count of and has none."""
    analytes = wells.select("plate_id", "analyte").unique()
    counted = wells.filter(pl.col("status") != "not_counted")
    due = wells_to_count(effective, settings).join(analytes, on="plate_id", how="inner", validate="m:m")
    return due.join(counted, on=[*WELL, "analyte"], how="anti").select(*WELL, "specimen_id", "analyte")


def antigens_without_control(wells: pl.DataFrame) -> pl.DataFrame:
    """plate_id, specimen_id, analyte, antigen and control without an evaluable well of that control beside them."""
    compared = (*_TESTED, "control")
    has_value = pl.col("status").is_in(["counted", "tntc"])
    antigens = wells.filter(pl.col("control").is_not_null(), well_role="antigen").select(*compared, "antigen").unique()
    controls = wells.filter(has_value, well_role="negative_control")
    return antigens.join(controls, on=compared, how="anti").sort(*compared, "antigen")


def _told(found: pl.DataFrame, reason: str, detail: pl.Expr) -> pl.DataFrame:
    """WELL, specimen_id, analyte, reason, detail: one finding a well."""
    for name, value in (("specimen_id", None), ("analyte", ALL_ANALYTES)):
        if name not in found.columns:
            found = found.with_columns(pl.lit(value, dtype=pl.String).alias(name))
    return found.select(*WELL, "specimen_id", "analyte", reason=pl.lit(reason), detail=detail)


def _by_place(of_wells: pl.DataFrame) -> pl.DataFrame:
    """Wells of one plate, reason, analyte and detail together, listed; with their specimen where they share one."""
    found = of_wells.group_by("plate_id", "reason", "analyte", "detail").agg(pl.col("well", "specimen_id").unique())
    places = pl.Series([listed(wells) for wells in found["well"]], dtype=pl.String)
    shared = pl.when(pl.col("specimen_id").list.len() == 1).then(pl.col("specimen_id").list.first())
    return found.with_columns(place=places, specimen_id=shared).select(*PLATE_FINDINGS.schema)


def listed(wells: Iterable[str]) -> str:
    """Wells by row, neighbours of a row as a range: A1-A12, B1, B3."""
    placed = sorted({(well[0], int(well[1:])) for well in wells})
    runs: list[str] = []
    # Along a run of neighbours the column grows as the index does.
    for _, run in groupby(enumerate(placed), key=lambda item: (item[1][0], item[1][1] - item[0])):
        ends = [f"{row}{column}" for _, (row, column) in run]
        runs.append(ends[0] if len(ends) == 1 else f"{ends[0]}-{ends[-1]}")
    return ", ".join(runs)


def _over_analytes(found: pl.DataFrame, wells: pl.DataFrame) -> pl.DataFrame:
    """Findings that stand alike under every analyte of a plate of several become one about all of it."""
    stained = wells.select("plate_id", "analyte").unique().group_by("plate_id").agg(n_stained=pl.len())
    alike = ("plate_id", "reason", "place", "detail", "specimen_id")
    is_about_all = (pl.len().over(alike) == pl.col("n_stained")) & (pl.col("n_stained") > 1)
    return (
        found.join(stained, on="plate_id", how="left", validate="m:1")
        .with_columns(analyte=pl.when(is_about_all).then(pl.lit(ALL_ANALYTES)).otherwise("analyte"))
        .unique(PLATE_FINDINGS.key)
    )


def _wells_without_cells(effective: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    return wells_to_count(effective, settings).filter(pl.col("cells_per_well").is_null())


def _disagreements(disputed: pl.DataFrame) -> pl.DataFrame:
    """WELL and detail: who says what of each field on which layouts disagree."""
    told = disputed.group_by(WELL, maintain_order=True).agg(_who_says_what(field) for field in COMPARED)
    detail = pl.concat_str(COMPARED, separator="; ", ignore_nulls=True)
    return told.select(*WELL, detail=detail).sort(WELL)


def _who_says_what(field: str) -> pl.Expr:
    words = pl.format("{} by {}", field, "told_by").drop_nulls().str.join(", ")
    return pl.when(pl.col(field).min() != pl.col(field).max()).then(pl.format(f"{field}: {{}}", words)).alias(field)


def _unknown(laid: Layouts, entered: str) -> pl.DataFrame:
    """Wells with an unknown donor or stimulus into which no layout puts a specimen: elsewhere nothing hangs on it."""
    filled = laid.effective.filter(pl.col("specimen_id").is_not_null())
    return laid.unknown.drop_nulls(entered).join(filled, on=WELL, how="anti").select(*WELL, entered)


def _several_plates(wells: pl.DataFrame) -> pl.DataFrame:
    """Specimens tested against one antigen on several plates: one row a plate, the antigens by the other plates."""
    tested = (*_TESTED, "antigen")
    plates = wells.filter(pl.col("status") != "not_counted", well_role="antigen").select(tested).unique()
    again = plates.filter(pl.len().over(tested[1:]) > 1)
    others = again.rename({"plate_id": "other"})
    told = (
        again.join(others, on=tested[1:], how="inner", validate="m:m")
        .filter(pl.col("plate_id") != pl.col("other"))
        .group_by(tested)
        .agg(others=pl.col("other").sort().str.join(", "))
        .group_by(*_TESTED, "others")
        .agg(antigens=pl.col("antigen").sort().str.join(", "))
        .with_columns(words=pl.format("{} also on {}", "antigens", "others"))
    )
    return _of_specimens(told, "layout.specimen_on_several_plates", "tested more than once: {}")


def _no_control(wells: pl.DataFrame) -> pl.DataFrame:
    told = (
        antigens_without_control(wells)
        .group_by(*_TESTED, "control")
        .agg(antigens=pl.col("antigen").sort().str.join(", "))
        .with_columns(words=pl.format("{} for {}", "control", "antigens"))
    )
    return _of_specimens(told, "layout.no_control", "no evaluable well of the control: {}")


def _ambiguous(wells: pl.DataFrame, effective: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    named = (
        wells.filter(pl.col("control").is_null(), well_role="antigen")
        .drop("control")
        .join(effective.select(*WELL, "control"), on=WELL, how="left", validate="m:1")
        .with_columns(usual_control=pl.col("antigen").replace_strict(usual_controls(settings), return_dtype=pl.String))
        .with_columns(named=pl.coalesce(named_control(settings), "control"))
        .group_by(*_TESTED, "antigen")
        .agg(pl.col("named").unique().sort().str.join(" and "))
        .with_columns(words=pl.format("{}: {}", "antigen", "named"))
    )
    return _of_specimens(named, "layout.control_ambiguous", "wells of one antigen name different controls; {}")


def _of_specimens(told: pl.DataFrame, reason: str, words: str) -> pl.DataFrame:
    """One finding a specimen, plate and analyte from a frame with the `words` of each part of it."""
    detail = pl.format(words, pl.col("words").sort().str.join("; "))
    found = told.group_by(_TESTED).agg(detail=detail)
    return found.with_columns(reason=pl.lit(reason), place=pl.col("specimen_id")).select(*PLATE_FINDINGS.schema)


def _analytes_twice(counts: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    is_alike = pl.len().over("plate_id", "meant") > 1
    names = analyte_names(counts, settings).filter(is_alike | (pl.col("name") != pl.col("meant")))
    told = names.group_by("plate_id", "meant").agg(place=pl.col("analyte").sort().str.join(", "))
    return told.with_columns(
        reason=pl.lit("layout.analyte_twice"),
        analyte=pl.lit(ALL_ANALYTES),
        specimen_id=pl.lit(None, dtype=pl.String),
        detail=pl.format("would become {}, which another count of this plate is called, and keep their names", "meant"),
    ).select(*PLATE_FINDINGS.schema)


def _unplaced(laid: Layouts) -> pl.DataFrame:
    return laid.unplaced.with_columns(
        reason=pl.lit("layout.slot_unknown"),
        place=pl.format("slot {} of template {}", "slot", "template"),
        analyte=pl.lit(ALL_ANALYTES),
        detail=pl.format("{} is assigned to slot {}, which template {} lacks", "specimen_id", "slot", "template"),
    ).select(*PLATE_FINDINGS.schema)
