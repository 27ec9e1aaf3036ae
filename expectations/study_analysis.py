"""The part of the study file that declares analyses before anyone has seen their results."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from expectations.analyses import ExposureName, MethodName, OutcomeName, methods_for, why_immortal, why_refused
from expectations.study_part import Name, Part


class Declared(Part):
    """One declared analysis."""

    exposure: ExposureName = Field(default="persistent_at_landmark", description="Exposure.")
    outcome: OutcomeName = Field(default="responder", description="Outcome.")
    method: MethodName | None = Field(
        default=None,
        description="Method. Unset: the first offered for such an exposure and outcome, exact or by permutation; with more than 200 infused subjects landmark_logrank or landmark_cox against OS and PFS.",
    )
    assay: Literal["elispot", "cytometry"] = Field(
        default="elispot", description="Assay whose responses make the exposure; the rule is the assay's primary one."
    )
    population: Name | None = Field(
        default=None, description="Population of cytometry. Unset: the first under [[cytometry.populations]]."
    )
    readout: Name | None = Field(
        default=None, description="Readout. Unset: elispot.analyte, or the first of cytometry that is called."
    )
    landmark: int | None = Field(
        default=None,
        description="Landmark day of the exposure; must be one of persistence.landmarks. Unset: the first.",
    )

    @model_validator(mode="after")
    def _is_offered(self) -> Self:
        if (why := why_refused(self.exposure, self.outcome)) is not None:
            raise ValueError(f"exposure: {why}")
        offered = methods_for(self.exposure, self.outcome)
        if self.method is not None and self.method not in offered:
            raise ValueError(
                f"method: {self.method} does not fit {self.exposure} against {self.outcome}; use {' or '.join(offered)}"
            )
        return self

    @property
    def chosen_method(self) -> MethodName:
        """The method named, else the default."""
        return self.method or methods_for(self.exposure, self.outcome)[0]


class Exploratory(Part):
    """What is looked at beside the declared analyses: each exposure with each outcome, rule and landmark of each assay."""

    exposures: tuple[ExposureName, ...] = Field(
        default=(
            "persistent_at_landmark",
            "induced_by_landmark",
            "tumour_reactive_cells_infused",
            "positive_over_time",
        ),
        description="Exposures, none of the whole follow-up. Pairs that are not offered are passed over.",
    )
    outcomes: tuple[OutcomeName, ...] = Field(
        default=("responder", "best_response", "OS", "PFS"), description="Outcomes."
    )

    @field_validator("exposures")
    @classmethod
    def _is_known_in_time(cls, exposures: tuple[ExposureName, ...]) -> tuple[ExposureName, ...]:
        whole = [one for one in exposures if why_immortal(one, "the outcome") is not None]
        if whole:
            others = f"; likewise {', '.join(whole[1:])}" if whole[1:] else ""
            raise ValueError(f"{why_immortal(whole[0], 'the outcome')}{others}")
        return exposures


class Analysis(Part):
    """Declared analyses; whatever is not declared is exploratory."""

    primary: Declared = Field(
        default_factory=Declared, description="The one primary analysis: its p-value is not adjusted."
    )
    secondary: tuple[Declared, ...] = Field(
        default=(),
        description="Declared secondary analyses: p-values adjusted together by Holm, over as many as are declared.",
    )
    exploratory: Exploratory = Field(
        default_factory=Exploratory, description="All others: p-values adjusted together by Benjamini-Hochberg."
    )
    permutations: int = Field(
        default=9999, ge=999, description="Random permutations where there are too many to enumerate."
    )
    seed: int = Field(default=1, ge=0, description="Seed of these permutations; the same seed gives the same p-values.")

    @model_validator(mode="after")
    def _declared_once(self) -> Self:
        seen = [self.primary.model_dump()]
        for index, one in enumerate(self.secondary):
            if one.model_dump() in seen:
                raise ValueError(f"secondary.{index}: this analysis is declared before it already; remove one")
            seen.append(one.model_dump())
        return self
