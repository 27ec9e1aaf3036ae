"""The study file's contract: everything a study decides, with the defaults of the field.

Each setting exists once, here; `docs/study-file.md` is generated from the descriptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from expectations.analyses import EXPOSURE
from expectations.study_analysis import Analysis, Declared
from expectations.study_clinical import Clinical, Response
from expectations.study_cytometry import MULTIMER, Cytometry
from expectations.study_elispot import Antigen, Controls, Elispot, Rules
from expectations.study_part import Name, Part

ALL_CELLS = "all cells"
"""Population of an ELISpot response: whatever was put into the well."""

_CONTROLS = {"negative": "a negative control", "positive": "a positive control", "unused": "a well without a test"}


def _second(items: Sequence[Any]) -> int:
    """Index of the first item that stands before it already."""
    return next(index for index, item in enumerate(items) if item in items[:index])


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
    partial: Literal["reject", "middle"] = Field(
        default="reject",
        description="Clinical dates without a day (2014-05) or month: reject the row, or take the 15th of the month, 1 July of the year, and say so in is_date_imputed.",
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
    auc_days: int = Field(
        default=365, gt=0, description="tau: the area under the curve runs to this study day, or to death before it."
    )
    auc_hold_days: int = Field(
        default=14, ge=0, description="Days for which the last value before tau may stand for what follows."
    )
    auc_max_gap_days: int = Field(
        default=120, gt=0, description="Longest time between two samples for an area under the curve."
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
    assay: Literal["elispot", "cytometry"] = Field(
        default="elispot",
        description="Assay whose responses make the number of tumour-reactive cells infused; both are stored.",
    )
    population: Name | None = Field(
        default=None,
        description="Population of cytometry for that number. Unset: the first under [[cytometry.populations]].",
    )
    readout: Name | None = Field(
        default=None, description="Readout of cytometry for that number. Unset: the first that is called."
    )


class Corrections(Part):
    """What happens when a later file says something else about the same plate or row."""

    plates: Literal["hold", "newest"] = Field(
        default="hold",
        description="hold: the plate is held as a conflict. newest: by the instrument's read date, else by arrival.",
    )
    cytometry: Literal["hold", "newest"] = Field(
        default="newest",
        description="Where files give one population of a tube different counts. newest: by the day the analysis was saved, else by arrival. hold: the population is not evaluable.",
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
    rules: Rules = Field(default_factory=Rules, description="Positivity rules of ELISpot.")
    cytometry: Cytometry = Field(default_factory=Cytometry, description="Flow cytometry.")
    persistence: Persistence = Field(description="Persistence.")
    infusion_product: InfusionProduct = Field(default_factory=InfusionProduct, description="Infusion product.")
    clinical: Clinical = Field(default_factory=Clinical, description="Clinical data from trial databases.")
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
        for index, antigen in enumerate(self.antigens):
            if antigen.control is not None and antigen.control not in self.controls.names:
                raise ValueError(
                    f"antigens.{index}.control: {antigen.control!r} is no negative control; declare it under controls.negative or [controls.matched]"
                )
        for index, multimer in enumerate(self.cytometry.multimers):
            if multimer.antigen not in names:
                raise ValueError(
                    f"cytometry.multimers.{index}.antigen: {multimer.antigen!r} is no antigen's name; declare it under [[antigens]]"
                )
        declared = [("analysis.primary", self.analysis.primary)]
        declared += [(f"analysis.secondary.{n}", one) for n, one in enumerate(self.analysis.secondary)]
        parts: list[tuple[str, InfusionProduct | Declared]] = [("infusion_product", self.infusion_product), *declared]
        for key, part in parts:
            if part.assay == "cytometry" and None in self.series_of(part)[1:3]:
                raise ValueError(f"{key}.assay: no population or readout of cytometry is declared; see [cytometry]")
        for stimulus in self.infusion_product.reactive_stimuli:
            if stimulus not in names:
                raise ValueError(
                    f"infusion_product.reactive_stimuli: {stimulus!r} is no antigen's name; declare it under [[antigens]]"
                )
        days = [landmark.day for landmark in self.persistence.landmarks]
        for key, one in declared:
            if one.landmark is not None and one.landmark not in days:
                raise ValueError(
                    f"{key}.landmark: {one.landmark} is none of persistence.landmarks ({', '.join(map(str, days))}); use one of these"
                )
        return self

    @model_validator(mode="after")
    def _analyses_differ(self) -> Self:
        asked = [self._asked(one) for one in (self.analysis.primary, *self.analysis.secondary)]
        if len(set(asked)) != len(asked):
            raise ValueError(
                f"analysis.secondary.{_second(asked) - 1}: with its defaults filled in, this analysis is declared before it already; remove one"
            )
        return self

    def _asked(self, one: Declared) -> tuple[object, ...]:
        """What a declaration comes to once its defaults are filled in."""
        timing = EXPOSURE[one.exposure].timing
        series = self.series_of(self.infusion_product if timing == "day_0" else one)
        landmark = (one.landmark or self.persistence.landmarks[0].day) if timing == "landmark" else 0
        return one.exposure, one.outcome, one.chosen_method, series, landmark

    def _spellings(self) -> list[tuple[str, str, str]]:
        """Every spelling with its meaning and the key that gives it."""
        told = []
        for index, antigen in enumerate(self.antigens):
            told.append((antigen.name, f"the antigen {antigen.name}", f"antigens.{index}.name"))
            told += [(alias, f"the antigen {antigen.name}", f"antigens.{index}.aliases") for alias in antigen.aliases]
        for key, meaning in _CONTROLS.items():
            told += [(name, meaning, f"controls.{key}") for name in getattr(self.controls, key)]
        for control, spellings in self.controls.matched.items():
            key, meaning = f"controls.matched.{control}", f"the negative control {control}"
            told += [(name, meaning, key) for name in dict.fromkeys((control, *spellings))]
        return told

    @property
    def stimuli(self) -> tuple[str, ...]:
        """Every spelling a layout may use."""
        return tuple(spelling for spelling, _, _ in self._spellings())

    @property
    def antigen_names(self) -> dict[str, str]:
        """Every spelling of an antigen, with the antigen's name."""
        return {spelling: one.name for one in self.antigens for spelling in (one.name, *one.aliases)}

    @property
    def negative_controls(self) -> dict[str, str]:
        """Every spelling of a negative control, with the name of the control it stands for."""
        return {spelling: name for name, spellings in self.controls.names.items() for spelling in spellings}

    @property
    def tumour_antigens(self) -> tuple[str, ...]:
        """Names of the antigens of role tumour, in the declared order."""
        return tuple(antigen.name for antigen in self.antigens if antigen.role == "tumour")

    @property
    def reactive_stimuli(self) -> tuple[str, ...]:
        """Antigens that make a product cell tumour-reactive."""
        return self.infusion_product.reactive_stimuli or self.tumour_antigens

    def series_of(self, part: InfusionProduct | Declared) -> tuple[str, str | None, str | None, str]:
        """Assay, population, readout and rule a part of the study file speaks of; None where nothing is declared."""
        if part.assay == "elispot":
            return "elispot", ALL_CELLS, part.readout or self.elispot.analyte, self.rules.primary
        populations, readouts = self.cytometry.population_names, self.cytometry.called_readouts
        readout = part.readout or next(iter(readouts), None)
        rule = "multimer_events" if readout == MULTIMER else self.cytometry.rules.primary
        return "cytometry", part.population or next(iter(populations), None), readout, rule

    @property
    def primary_series(self) -> tuple[str, str | None, str | None, str]:
        """Assay, population, readout and rule of the primary analysis."""
        return self.series_of(self.analysis.primary)

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
