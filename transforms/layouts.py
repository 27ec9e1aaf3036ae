"""What was in each well of each plate, by every layout that says so: tables, templates, what operators entered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from expectations.computed import ELISPOT_WELLS
from expectations.study import StudySettings

WELL: Final = ("plate_id", "well")

_CONTENT: Final = ("specimen_id", "stimulus", "cells_per_well", "replicate", "control")
_ORIGIN: Final = ("layout_source", "layout_sha256", "layout_place")

LAYOUT: Final = {name: ELISPOT_WELLS.schema[name] for name in (*WELL, *_CONTENT, *_ORIGIN)}
"""Columns of a layout of one well; `control` is as written there."""

_SAID: Final = {**LAYOUT, "told_by": pl.String}

NO_SPECIMEN: Final = "no specimen"
"""What a table or template says of a well in which it puts none."""

COMPARED: Final = ("specimen", "stimulus", "cells per well", "control")
"""What two layouts can disagree on. A replicate's number is not among them: it says nothing of what is in the well."""


@dataclass(frozen=True, slots=True)
class Layouts:
    """What the layouts of a study come to."""

    effective: pl.DataFrame
    """LAYOUT: the one layout of each well."""
    disputed: pl.DataFrame
    """WELL, `told_by` in words, and COMPARED under the names of the study file: all that is said of wells of which two
    layouts say different things, in the order of precedence; null where a layout does not say."""
    unknown: pl.DataFrame
    """WELL, `donor` and `stimulus` entered at an instrument that are no specimen and not declared; null where known."""
    unplaced: pl.DataFrame
    """plate_id, template, slot and specimen_id of specimens assigned to a slot that the template does not have."""


def layouts(tables: Mapping[str, pl.DataFrame], settings: StudySettings) -> Layouts:
    """The layout of every well, from every source.

    For each well a layout table goes before the templates its plate follows, and these before what was entered at the
    instrument. A slot without an assigned specimen is a well without one. Where two templates of a plate fill the same
    well differently, neither holds: the well has no specimen. What was entered at an instrument has an effect only
    where the donor is a specimen or a reference sample of the study file, and the stimulus is declared; or where no
    donor is named and the stimulus is one of `controls.unused`.

    Args:
        tables: by contract name `plate_layouts`, `layout_templates`, `plate_templates` (whose cells per well go before
            those of the template), `instrument_layouts` and `specimens`.
        settings: declared stimuli, controls and reference samples.
    """
    templates, assigned = tables["layout_templates"], tables["plate_templates"]
    written = tables["plate_layouts"].with_columns(
        layout_source=pl.lit("plate_layouts"),
        layout_sha256=pl.col("file_sha256"),
        layout_place=pl.col("place"),
        told_by=pl.lit("the layout table"),
    )
    templated = _templated(templates, assigned)
    donors = {*tables["specimens"]["specimen_id"], *settings.elispot.trend.reference_samples}
    entered = _entered(tables["instrument_layouts"], sorted(donors), settings)
    disputed = _disputed((written, templated, entered), settings)
    valid = entered.filter("has_effect")
    slots = templates.select("template", "slot").unique()
    return Layouts(
        effective=_prevailing((written, _undisputed(templated, settings), valid)),
        disputed=disputed,
        unknown=entered.select(*WELL, donor="unknown_donor", stimulus="unknown_stimulus")
        .filter(pl.col("donor").is_not_null() | pl.col("stimulus").is_not_null())
        .sort(WELL),
        unplaced=assigned.join(slots, on=["template", "slot"], how="anti")
        .select("plate_id", "template", "slot", "specimen_id")
        .sort("plate_id", "slot"),
    )


def _prevailing(sources: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """LAYOUT of every well from the first source that speaks of it."""
    first, *others = (_filled(source, LAYOUT) for source in sources)
    for other in others:
        first = pl.concat([first, other.join(first, on=WELL, how="anti")])
    return first.sort(WELL)


def _filled(frame: pl.DataFrame, schema: Mapping[str, Any]) -> pl.DataFrame:
    """The columns of a schema, null where the frame lacks one."""
    given = set(frame.columns)
    return frame.select(pl.col(n).cast(t) if n in given else pl.lit(None, t).alias(n) for n, t in schema.items())


def _disputed(sources: Sequence[pl.DataFrame], settings: StudySettings) -> pl.DataFrame:
    """As `Layouts.disputed`: of wells with a field of which one source says this and another that."""
    said = pl.concat([_filled(source, _SAID).with_columns(rank=pl.lit(n)) for n, source in enumerate(sources)])
    several = said.group_by("plate_id").agg(pl.col("told_by").n_unique()).filter(pl.col("told_by") > 1)
    compared = _compared(said.join(several, on="plate_id", how="semi"), settings)
    differs = pl.any_horizontal(pl.col(name).min() != pl.col(name).max() for name in COMPARED)
    wells = compared.group_by(WELL).agg(differs=differs).filter("differs")
    order = (*WELL, "rank", "told_by")
    return compared.join(wells, on=WELL, how="semi").sort(order).select(*WELL, "told_by", *COMPARED)


def _compared(said: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """COMPARED of every source. A well without a specimen says no more; an empty donor at an instrument, nothing."""
    is_blank = pl.col("specimen_id").is_null() & (pl.col("layout_source") != "instrument_layouts")
    content = {
        "specimen": pl.when(is_blank).then(pl.lit(NO_SPECIMEN)).otherwise("specimen_id"),
        "stimulus": pl.when(~is_blank).then(pl.col("stimulus").replace(stimulus_meanings(settings))),
        "cells per well": pl.when(~is_blank).then(pl.col("cells_per_well").cast(pl.String)),
        "control": pl.when(~is_blank).then(pl.col("control").replace(settings.negative_controls)),
    }
    return said.select(*WELL, "told_by", "rank", **content)


def stimulus_meanings(settings: StudySettings) -> dict[str, str]:
    """Every spelling of a stimulus with the name of the antigen or control that it stands for."""
    unused = dict.fromkeys(settings.controls.unused, settings.controls.unused[0]) if settings.controls.unused else {}
    return {**unused, **settings.negative_controls, **settings.antigen_names}


def _templated(layout_templates: pl.DataFrame, plate_templates: pl.DataFrame) -> pl.DataFrame:
    """Every well of every plate that follows a template. Of several templates, those that fill a well speak of it."""
    filled = plate_templates.select(
        "plate_id",
        "template",
        "slot",
        "specimen_id",
        slot_cells="cells_per_well",
        assigned=pl.format("{} (sha256 {})", "place", pl.col("file_sha256").str.slice(0, 12)),
    )
    follows = plate_templates.select("plate_id", "template").unique()
    follows = follows.with_columns(n_templates=pl.len().over("plate_id"))
    wells = (
        follows.join(layout_templates, on="template", how="inner", validate="m:m")
        .join(filled, on=["plate_id", "template", "slot"], how="left", validate="m:1")
        .with_columns(
            cells_per_well=pl.coalesce("slot_cells", "cells_per_well"),
            layout_source=pl.lit("layout_templates"),
            layout_sha256=pl.col("file_sha256"),
            layout_place=_place_in_template(),
            told_by=pl.format("template {}", "template"),
        )
    )
    is_alone, is_filled = pl.col("n_templates") == 1, pl.col("specimen_id").is_not_null()
    shared = wells.filter(~is_alone)
    return pl.concat([wells.filter(is_alone), shared.filter(is_filled | ~is_filled.any().over(WELL))])


def _undisputed(templated: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """One row a well: of templates that agree the one that says most; where they do not, a well without a specimen."""
    alone = pl.col("n_templates") == 1
    shared = templated.filter(~alone)
    disputed = _disputed([shared], settings).select(WELL).unique().with_columns(is_disputed=pl.lit(value=True))
    says_less = (pl.col(name).is_null() for name in ("control", "cells_per_well"))
    is_clear = pl.col("is_disputed").is_null()
    one = (
        shared.sort(*WELL, *says_less, "told_by")
        .unique(WELL, keep="first", maintain_order=True)
        .join(disputed, on=WELL, how="left", validate="1:1")
        .with_columns(pl.when(is_clear).then(name).alias(name) for name in ("specimen_id", "stimulus", "control"))
    )
    return pl.concat([templated.filter(alone), one.select(templated.columns)])


def _place_in_template() -> pl.Expr:
    """The template's row, and where its slot was filled: another row, often of another file."""
    slot = pl.format("{}: slot {} of template {}", "place", "slot", "template")
    return (
        pl.when(pl.col("slot").is_null())
        .then(pl.format("{}: template {}", "place", "template"))
        .when(pl.col("specimen_id").is_null())
        .then(pl.format("{}, no specimen assigned", slot))
        .otherwise(pl.format("{}, assigned at {}", slot, "assigned"))
    )


def _entered(instrument_layouts: pl.DataFrame, donors: list[str], settings: StudySettings) -> pl.DataFrame:
    """What operators entered: what is known of it as specimen and stimulus, what is not beside it."""
    is_specimen = pl.col("donor").is_in(donors)
    is_declared = pl.col("stimulus").is_in(settings.stimuli)
    is_empty = pl.col("donor").is_null() & pl.col("stimulus").is_in(settings.controls.unused)
    return instrument_layouts.with_columns(
        specimen_id=pl.when(is_specimen).then("donor"),
        stimulus=pl.when(is_declared).then("stimulus"),
        unknown_donor=pl.when(~is_specimen).then("donor"),
        unknown_stimulus=pl.when(~is_declared).then("stimulus"),
        has_effect=(is_declared & (is_specimen | is_empty)).fill_null(value=False),
        layout_source=pl.lit("instrument_layouts"),
        layout_sha256=pl.col("file_sha256"),
        layout_place=pl.col("place"),
        told_by=pl.lit("the instrument"),
    )
