"""The part of the study file that decides how ELISpot plates are read, laid out, judged and called."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from expectations.study_part import Name, Part

OnFailure = Literal["flag", "indeterminate", "not_evaluable"]
RuleName = Literal["threshold", "dfr_eq", "dfr_2x"]


class Antigen(Part):
    """An antigen responses are measured against."""

    name: Name = Field(description="Name used everywhere.")
    role: Literal["tumour", "viral", "other"] = Field(
        description="tumour counts for persistence by subject; viral is a comparator."
    )
    aliases: tuple[Name, ...] = Field(default=(), description="Other spellings that layouts use.")
    control: Name | None = Field(
        default=None,
        description="Negative control the antigen is compared with, as its vehicle (DMSO) or an irrelevant tumour line; a name of controls.matched. Unset: the control of controls.negative. A layout's column `control` goes before it.",
    )


class Controls(Part):
    """The stimuli that are controls."""

    negative: tuple[Name, ...] = Field(
        default=("medium",),
        min_length=1,
        description="Spellings of the negative control, the one compared with unless antigen or layout name another; all of them are one control.",
    )
    matched: dict[Name, tuple[Name, ...]] = Field(
        default={},
        description='Further negative controls for antigens of another vehicle, or an irrelevant line for tumour lines, each with its other spellings, as `DMSO = ["DMSO 0.1%"]`.',
    )
    positive: tuple[Name, ...] = Field(
        default=(), description="Stimuli of the positive-control wells; empty when the lab runs none."
    )
    unused: tuple[Name, ...] = Field(default=("empty",), description="What layouts write for wells that hold no test.")

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Every negative control by name with all its spellings; the first of `negative` names the one by default."""
        matched = {name: tuple(dict.fromkeys((name, *spellings))) for name, spellings in self.matched.items()}
        return {self.negative[0]: self.negative, **matched}


class Quality(Part):
    """Quality limits of ELISpot and what a failure does: flag, indeterminate (a positive only), or not_evaluable."""

    min_replicates: int = Field(default=3, ge=1, description="Planned evaluable antigen wells; fewer is flagged.")
    min_replicates_evaluable: int = Field(
        default=2, ge=1, description="Fewer evaluable antigen wells than this: not evaluable."
    )
    max_replicate_variability: float = Field(
        default=10.0, gt=0, description="Largest variance / (median + 1) of the antigen wells, in spots per well."
    )
    on_replicate_variability: OnFailure = Field(default="indeterminate", description="What a larger variability does.")
    max_negative_control: float = Field(
        default=50.0, gt=0, description="Largest mean of the negative control, spots per 10^6 cells."
    )
    on_negative_control: OnFailure = Field(default="not_evaluable", description="What a higher negative control does.")
    min_positive_control: float = Field(
        default=100.0,
        ge=0,
        description="Smallest positive minus negative control, spots per 10^6 cells; TNTC passes. The negative control is that of controls.negative, or the antigen's own where that was not run.",
    )
    on_positive_control: OnFailure = Field(
        default="not_evaluable",
        description="What a missing or lower positive control does, where positive controls are declared.",
    )
    min_viability_percent: float = Field(
        default=70.0, ge=0, le=100, description="Smallest viability; a specimen without one passes."
    )
    on_viability: OnFailure = Field(default="indeterminate", description="What a lower viability does.")
    on_below_lod: OnFailure = Field(
        default="indeterminate", description="What a positive below its limit of detection becomes."
    )


class Threshold(Part):
    """Rule `threshold`: net mean and fold over the control."""

    min_net: float = Field(default=55.0, description="Smallest net mean, spots per 10^6 cells.")
    min_fold: float = Field(
        default=4.0, ge=1, description="Smallest mean of antigen wells as a multiple of the control mean."
    )


class DfrEq(Part):
    """Rule `dfr_eq`: distribution-free resampling, H0 equal means, exact."""

    alpha: float = Field(default=0.05, gt=0, lt=1, description="Largest adjusted p-value of a positive call.")
    max_relabelings: int = Field(
        default=3_000_000, ge=20, description="Families with more relabelings are not evaluable, for memory's sake."
    )


class Dfr2x(Part):
    """Rule `dfr_2x`: distribution-free resampling, H0 at most twice the control on the log scale, exact."""

    alpha: float = Field(default=0.05, gt=0, lt=1, description="Largest adjusted p-value of a positive call.")
    max_resamples: int = Field(
        default=3_000_000,
        ge=20,
        description="Antigens with more pairs of resampled means are not evaluable, for memory's sake.",
    )


class Rules(Part):
    """Positivity rules: all are computed and stored; one is primary."""

    primary: RuleName = Field(default="dfr_eq", description="The rule the headline numbers use.")
    threshold: Threshold = Field(default_factory=Threshold, description="Settings of `threshold`.")
    dfr_eq: DfrEq = Field(default_factory=DfrEq, description="Settings of `dfr_eq`.")
    dfr_2x: Dfr2x = Field(default_factory=Dfr2x, description="Settings of `dfr_2x`.")


class Trend(Part):
    """Control charts of plate quality (Levey-Jennings), and the plates they are measured against."""

    reference_first: date | None = Field(
        default=None,
        description="First read date of the reference period, with reference_last. Unset: no limits are drawn.",
    )
    reference_last: date | None = Field(default=None, description="Last read date of the reference period.")
    min_plates: int = Field(
        default=10, ge=3, description="Plates of an instrument and analyte needed in the period before limits are set."
    )
    reference_samples: tuple[Name, ...] = Field(
        default=(),
        description="Names that layouts use in place of a specimen for a reference sample run again and again; it belongs to no subject.",
    )

    @model_validator(mode="after")
    def _period_is_whole(self) -> Self:
        first, last = self.reference_first, self.reference_last
        if (first is None) != (last is None):
            missing = "reference_first" if first is None else "reference_last"
            raise ValueError(
                f"{missing}: the reference period has one end only; give reference_first and reference_last"
            )
        if first is not None and last is not None and last < first:
            raise ValueError(f"reference_last: {last} is before reference_first {first}; exchange or correct them")
        return self


class Elispot(Part):
    """How ELISpot plates are read and called."""

    analyte: Name = Field(
        default="IFNg", description="Analyte of plates whose export names none; also the primary analyte."
    )
    tntc_ceiling: int | None = Field(
        default=None,
        gt=0,
        description="Ceiling of a well too numerous to count, spots per well. Unset, or below it: the highest countable count on that plate.",
    )
    lod: float | None = Field(
        default=None,
        gt=0,
        description="Fixed limit of detection of net values, spots per 10^6 cells. Unset: from the study's negative controls.",
    )
    min_control_wells: int = Field(
        default=12, ge=2, description="Negative-control wells needed before a limit of blank is estimated."
    )
    sentinels: dict[str, Literal["tntc", "off_scale", "masked", "qc_rejected", "not_counted"]] = Field(
        default={},
        description='What a number below zero in place of a count means, as `-1 = "tntc"`, where the file does not say. Unset: such a file is held back.',
    )
    analytes: dict[Name, Name] = Field(
        default={},
        description='What fluorochromes and populations of exports stand for, as `FITC = "IFNg"` or `"LED490 Total" = "IFNg"`. Others keep their name.',
    )
    quality: Quality = Field(default_factory=Quality, description="Quality limits.")
    trend: Trend = Field(default_factory=Trend, description="Plate quality over time.")

    @model_validator(mode="after")
    def _sentinels_are_below_zero(self) -> Self:
        for number in self.sentinels:
            if not re.fullmatch(r"-[1-9]\d{0,3}", number, re.ASCII):
                raise ValueError(f"sentinels.{number}: {number!r} is no whole number below zero; write one, as -1")
        return self
