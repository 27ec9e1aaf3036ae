"""The study file's contract: everything a study decides, with the defaults of the field.

Each setting exists once, here; `docs/study-file.md` is generated from the descriptions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(min_length=1, pattern=r"^\S(.*\S)?$")]
OnFailure = Literal["flag", "indeterminate", "not_evaluable"]
RuleName = Literal["threshold", "dfr_eq"]


_CONTROLS = {"negative": "a negative control", "positive": "a positive control", "unused": "a well without a test"}


def _second(items: Sequence[Any]) -> int:
    """Index of the first item that stands before it already."""
    return next(index for index, item in enumerate(items) if item in items[:index])


class Part(BaseModel):
    """A part of the study file: unknown keys are errors, values never change after reading.

    A rule over several settings raises ValueError as `key: what is wrong; how to mend it`, key counted from this part.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Identity(Part):
    """What the study is called, and whether its data are simulated."""

    id: Name = Field(description="Short name of the study, used in titles and keys.")
    title: str = Field(default="", description="Title shown on the pages.")
    simulated: bool = Field(default=False, description="True writes 'simulated data' on every page.")


class Dates(Part):
    """How dates that could be read two ways are to be read."""

    order: Literal["dmy", "mdy"] | None = Field(
        default=None, description="Order of day and month in dates such as 03/04/2012. Unset: such dates are refused."
    )


class Visit(Part):
    """A visit: its name, nominal study day and window (first and last study day, both included)."""

    name: Name = Field(description="Name of the visit.")
    day: int = Field(description="Nominal study day; day 0 is the day of infusion.")
    window: tuple[int, int] = Field(description="First and last study day of the window, both included.")
    expected: bool = Field(default=True, description="True when a blood specimen is expected of every infused subject.")

    @model_validator(mode="after")
    def _window_holds_day(self) -> Self:
        first, last = self.window
        if not first <= self.day <= last:
            raise ValueError(
                f"window: the window {first} to {last} does not hold the visit's day {self.day}; widen the window or correct the day"
            )
        return self


class Sampling(Part):
    """What the study expects to be sampled besides the visits."""

    expect_infusion_product: bool = Field(
        default=True, description="True when a specimen of the infusion product is expected of every infused subject."
    )
    stops_at_progression: bool = Field(
        default=False,
        description="True when no blood is drawn after progression: such specimens are absent with reason `progressed`.",
    )


class Antigen(Part):
    """An antigen responses are measured against."""

    name: Name = Field(description="Name used everywhere.")
    role: Literal["tumour", "viral", "other"] = Field(
        description="tumour counts for persistence by subject; viral is a comparator."
    )
    aliases: tuple[Name, ...] = Field(default=(), description="Other spellings that layouts use.")


class Controls(Part):
    """The stimuli that are controls."""

    negative: tuple[Name, ...] = Field(
        default=("medium",), min_length=1, description="Stimuli of the negative-control wells."
    )
    positive: tuple[Name, ...] = Field(
        default=(), description="Stimuli of the positive-control wells; empty when the lab runs none."
    )
    unused: tuple[Name, ...] = Field(default=("empty",), description="What layouts write for wells that hold no test.")


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
        default=100.0, ge=0, description="Smallest positive minus negative control, spots per 10^6 cells; TNTC passes."
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


class Rules(Part):
    """Positivity rules: all are computed and stored; one is primary."""

    primary: RuleName = Field(default="dfr_eq", description="The rule the headline numbers use.")
    threshold: Threshold = Field(default_factory=Threshold, description="Settings of `threshold`.")
    dfr_eq: DfrEq = Field(default_factory=DfrEq, description="Settings of `dfr_eq`.")


class Elispot(Part):
    """How ELISpot plates are read and called."""

    analyte: Name = Field(
        default="IFNg", description="Analyte of plates whose export names none; also the primary analyte."
    )
    tntc_ceiling: int | None = Field(
        default=None,
        gt=0,
        description="Ceiling of a well too numerous to count, spots per well. Unset: the highest countable count on that plate.",
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
    quality: Quality = Field(default_factory=Quality, description="Quality limits.")

    @model_validator(mode="after")
    def _sentinels_are_below_zero(self) -> Self:
        for number in self.sentinels:
            if not re.fullmatch(r"-[1-9]\d{0,3}", number, re.ASCII):
                raise ValueError(f"sentinels.{number}: {number!r} is no whole number below zero; write one, as -1")
        return self


class Landmark(Part):
    """A landmark day and the half-width of its window."""

    day: int = Field(gt=0, description="Landmark L, study day.")
    half_width: int = Field(default=14, ge=0, description="Half-width w of the window, days.")


class Persistence(Part):
    """How persistence is measured."""

    landmarks: tuple[Landmark, ...] = Field(min_length=1, description="Landmarks, several where possible.")
    indeterminate: Literal["skip", "negative"] = Field(
        default="skip", description="What an indeterminate call counts as."
    )

    @model_validator(mode="after")
    def _days_differ(self) -> Self:
        days = [landmark.day for landmark in self.landmarks]
        if len(set(days)) != len(days):
            raise ValueError(f"landmarks.{_second(days)}: two landmarks have the same day; give each day once")
        return self


class InfusionProduct(Part):
    """Which response of the product makes a cell tumour-reactive."""

    reactive_stimuli: tuple[Name, ...] = Field(
        default=(),
        description="Antigens whose net responses in the product are summed to the tumour-reactive fraction. Empty: every antigen of role tumour.",
    )


class Response(Part):
    """How investigator-reported assessments become a best overall response."""

    criteria: Literal["RECIST 1.0", "RECIST 1.1"] = Field(
        default="RECIST 1.1", description="Response criteria of the study."
    )
    evaluator: Name = Field(default="investigator", description="Evaluator whose assessments count.")
    confirm: bool = Field(default=True, description="CR and PR need confirmation.")
    confirmation_days: int = Field(
        default=28, ge=0, description="Smallest distance of the confirming assessment, days."
    )
    allow_sd_between: bool = Field(default=False, description="One SD may lie between a PR and its confirmation.")
    min_sd_days: int = Field(default=42, ge=0, description="Smallest study day of an assessment that counts as SD.")
    pfs_censor_at_new_therapy: bool = Field(
        default=True, description="A new anticancer therapy censors PFS at the last assessment before it."
    )


class Primary(Part):
    """The one declared primary analysis; everything else is exploratory until it is declared."""

    exposure: Literal["persistent_at_landmark", "tumour_reactive_cells_infused"] = Field(
        default="persistent_at_landmark", description="Exposure."
    )
    outcome: Literal["responder", "OS"] = Field(default="responder", description="Outcome.")
    landmark: int | None = Field(
        default=None,
        description="Landmark day of the exposure; must be one of persistence.landmarks. Unset: the first.",
    )

    @model_validator(mode="after")
    def _pair_is_offered(self) -> Self:
        if self.exposure == "tumour_reactive_cells_infused" and self.outcome == "OS":
            raise ValueError('outcome: infused cells against OS is not offered; ask for outcome = "responder"')
        return self


class Analysis(Part):
    """Declared analyses."""

    primary: Primary = Field(default_factory=Primary, description="The primary analysis.")


class Corrections(Part):
    """What happens when a later file says something else about the same plate or row."""

    plates: Literal["hold", "newest"] = Field(
        default="hold",
        description="hold: the plate is held as a conflict. newest: by the instrument's read date, else by arrival.",
    )
    reference_tables: Literal["hold", "newest"] = Field(
        default="hold", description="hold: the changed rows are rejected until released. newest: the later file wins."
    )


class Store(Part):
    """How long the past can be queried."""

    as_of_days: int = Field(
        default=3650, ge=1, description="Days for which earlier states stay readable with `perdure query --as-of`."
    )


class StudySettings(Part):
    """The whole study file."""

    study: Identity = Field(description="What the study is.")
    dates: Dates = Field(default_factory=Dates, description="Reading of dates.")
    visits: tuple[Visit, ...] = Field(min_length=1, description="Visits and their windows.")
    sampling: Sampling = Field(default_factory=Sampling, description="Expected specimens besides visits.")
    antigens: tuple[Antigen, ...] = Field(min_length=1, description="Antigens.")
    controls: Controls = Field(default_factory=Controls, description="Control stimuli.")
    elispot: Elispot = Field(default_factory=Elispot, description="ELISpot.")
    rules: Rules = Field(default_factory=Rules, description="Positivity rules.")
    persistence: Persistence = Field(description="Persistence.")
    infusion_product: InfusionProduct = Field(default_factory=InfusionProduct, description="Infusion product.")
    response: Response = Field(default_factory=Response, description="Clinical response.")
    analysis: Analysis = Field(default_factory=Analysis, description="Declared analyses.")
    corrections: Corrections = Field(default_factory=Corrections, description="Corrected exports.")
    store: Store = Field(default_factory=Store, description="Storage.")

    @model_validator(mode="after")
    def _visits_are_apart(self) -> Self:
        names = [visit.name for visit in self.visits]
        if len(set(names)) != len(names):
            raise ValueError(f"visits.{_second(names)}.name: two visits have the same name; rename one")
        for index, name in enumerate(names):
            if name in ("unscheduled", "infusion product"):
                raise ValueError(f"visits.{index}.name: {name!r} is a name perdure gives itself; rename the visit")
        ordered = sorted(enumerate(self.visits), key=lambda numbered: numbered[1].window)
        for (_, before), (index, after) in pairwise(ordered):
            if after.window[0] <= before.window[1]:
                raise ValueError(
                    f"visits.{index}.window: the windows of {before.name!r} and {after.name!r} overlap on day {after.window[0]}; move one of them"
                )
        return self

    @model_validator(mode="after")
    def _stimuli_are_distinct(self) -> Self:
        names = [antigen.name for antigen in self.antigens]
        if len(set(names)) != len(names):
            raise ValueError(
                f"antigens.{_second(names)}.name: the antigen {names[_second(names)]!r} stands twice; give it once, with all its aliases"
            )
        seen: dict[str, str] = {}
        for spelling, meaning, key in self._spellings():
            if seen.setdefault(spelling, meaning) != meaning:
                raise ValueError(
                    f"{key}: {spelling!r} stands for both {seen[spelling]} and {meaning}; give each spelling one meaning"
                )
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        names = {antigen.name for antigen in self.antigens}
        for stimulus in self.infusion_product.reactive_stimuli:
            if stimulus not in names:
                raise ValueError(
                    f"infusion_product.reactive_stimuli: {stimulus!r} is no antigen's name; declare it under [[antigens]]"
                )
        primary = self.analysis.primary.landmark
        days = [landmark.day for landmark in self.persistence.landmarks]
        if primary is not None and primary not in days:
            raise ValueError(
                f"analysis.primary.landmark: {primary} is none of persistence.landmarks ({', '.join(map(str, days))}); use one of these"
            )
        return self

    def _spellings(self) -> list[tuple[str, str, str]]:
        """Every spelling with its meaning and the key that gives it."""
        told = []
        for index, antigen in enumerate(self.antigens):
            told.append((antigen.name, f"the antigen {antigen.name}", f"antigens.{index}.name"))
            told += [(alias, f"the antigen {antigen.name}", f"antigens.{index}.aliases") for alias in antigen.aliases]
        for key, meaning in _CONTROLS.items():
            told += [(name, meaning, f"controls.{key}") for name in getattr(self.controls, key)]
        return told

    @property
    def stimuli(self) -> tuple[str, ...]:
        """Every spelling a layout may use."""
        return tuple(spelling for spelling, _, _ in self._spellings())

    @property
    def tumour_antigens(self) -> tuple[str, ...]:
        """Names of the antigens of role tumour, in the declared order."""
        return tuple(antigen.name for antigen in self.antigens if antigen.role == "tumour")

    @property
    def reactive_stimuli(self) -> tuple[str, ...]:
        """Antigens that make a product cell tumour-reactive."""
        return self.infusion_product.reactive_stimuli or self.tumour_antigens

    @property
    def primary_landmark(self) -> int:
        """Landmark day of the primary analysis."""
        return self.analysis.primary.landmark or self.persistence.landmarks[0].day


def flatten(part: BaseModel, prefix: str = "") -> list[tuple[str, Any, bool]]:
    """Every setting as (path, value, is_default), in the order of the contract."""
    rows: list[tuple[str, Any, bool]] = []
    for name in type(part).model_fields:
        value, path = getattr(part, name), f"{prefix}{name}"
        if isinstance(value, BaseModel):
            rows += [(p, v, d or name not in part.model_fields_set) for p, v, d in flatten(value, f"{path}.")]
        else:
            plain = (
                [item.model_dump() if isinstance(item, BaseModel) else item for item in value]
                if isinstance(value, tuple)
                else value
            )
            rows.append((path, plain, name not in part.model_fields_set))
    return rows
