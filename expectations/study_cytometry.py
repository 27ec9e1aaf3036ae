"""The part of the study file that decides how cytometry samples are matched, named, gated, judged and called."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from expectations.study_elispot import OnFailure
from expectations.study_part import Name, Part

CytometryRuleName = Literal["fisher", "mimosa", "multimer_events"]
GateType = Literal["rectangle", "polygon", "ellipsoid", "quadrant", "boolean", "other"]
Counted = Literal["lymphocytes", "CD8", "CD4"]
MULTIMER = "multimer"
"""Readout of multimer stainings."""


class Population(Part):
    """A population that percentages are of, with the spellings of its path."""

    name: Name = Field(description="Name used everywhere (CD8).")
    paths: tuple[Name, ...] = Field(
        min_length=1,
        description='Spellings of its path: whole gates at the end of a path, as `["CD3+/CD8+", "S/Lv/L/3+/8+"]`; the longest spelling that fits counts.',
    )
    counted_as: Counted | None = Field(
        default=None,
        description="Which column of blood_counts and infusion_products counts these cells; unset: none; cells per microlitre then follow from the lymphocytes of the tube, where a population is counted as these.",
    )


class Multimer(Part):
    """A multimer: the antigen it shows, the HLA allele it needs, and the gates of cells that bind it."""

    antigen: Name = Field(description="Antigen under the name [[antigens]] gives it.")
    hla: str = Field(
        pattern=r"^[A-Z][A-Z0-9]*\*\d{2,4}(:\d{2,4}){0,3}$",
        description="HLA allele of the multimer (A*02:01); only subjects typed for it are called.",
    )
    population: Name = Field(default="CD8", description="Population the percentage is of.")
    gates: tuple[Name, ...] = Field(min_length=1, description="Spellings of the gate below that population.")

    @property
    def subset(self) -> str:
        """Its subset of the population, as tables spell it; each allele's is its own."""
        return f"{self.antigen} {self.hla} {MULTIMER}+"


class Match(Part):
    """How a sample without a row in cytometry_tubes is matched to a specimen and a stimulus."""

    specimen_keywords: tuple[Name, ...] = Field(
        default=(),
        description="Keywords, or keyword columns of a table, that hold the specimen; the first filled counts.",
    )
    stimulus_keywords: tuple[Name, ...] = Field(
        default=(), description="Keywords, or keyword columns of a table, that hold the stimulus."
    )
    file_name: str | None = Field(
        default=None,
        description="Regular expression for the whole sample name without .fcs, with the groups `specimen` and, where there is one, `stimulus`, as `(?P<specimen>.+)_(?P<stimulus>[^_]+)`.",
    )

    @field_validator("file_name")
    @classmethod
    def _has_groups(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            groups = re.compile(pattern).groupindex
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression ({error}); correct it") from None
        if "specimen" not in groups:
            raise ValueError(f"{pattern!r} has no group `specimen`; write (?P<specimen>...) around that part")
        return pattern


class Fisher(Part):
    """Rule `fisher`: one-sided Fisher exact test, Holm over the antigens of a specimen, population and readout."""

    alpha: float = Field(default=1e-5, gt=0, lt=1, description="Largest adjusted p-value of a positive call.")
    min_net_percent: float = Field(default=0.02, ge=0, description="Smallest net response, percentage points.")
    min_positive: int = Field(default=10, ge=0, description="Fewest positive events in the stimulated tube.")
    min_parent: int = Field(
        default=5000, ge=1, description="Fewest events of the population in either tube; fewer: not evaluable."
    )


class Mimosa(Part):
    """Rule `mimosa`: beta-binomial mixture fitted by EM over specimens."""

    max_fdr: float = Field(default=0.01, gt=0, lt=1, description="Largest false discovery rate of a positive call.")
    pool_visits: bool = Field(
        default=False,
        description="True fits all visits of an antigen together, as if repeats of a subject were independent; false fits each visit.",
    )
    min_specimens: int = Field(
        default=12, ge=4, description="Fewest specimens of a fit; with fewer there is no fit and no call."
    )
    max_alpha: float = Field(
        default=1e6, gt=0, description="A fit whose alpha passes this is reported as weakly identified."
    )


class MultimerEvents(Part):
    """Rule `multimer_events`: enough multimer-binding events, in HLA-matched subjects."""

    min_events: int = Field(default=10, ge=1, description="Fewest multimer-binding events.")
    min_percent: float = Field(default=0.01, ge=0, description="Smallest percentage of the population.")
    min_parent: int = Field(default=50_000, ge=1, description="Fewest events of the population; fewer: not evaluable.")


class CytometryRules(Part):
    """Positivity rules of cytometry: all are computed and stored; one of ICS is primary."""

    primary: Literal["fisher", "mimosa"] = Field(default="fisher", description="Rule of ICS the headline numbers use.")
    fisher: Fisher = Field(default_factory=Fisher, description="Settings of `fisher`.")
    mimosa: Mimosa = Field(default_factory=Mimosa, description="Settings of `mimosa`.")
    multimer_events: MultimerEvents = Field(
        default_factory=MultimerEvents, description="Settings of `multimer_events`."
    )


class CytometryQuality(Part):
    """Quality limits of cytometry responses and what a failure does."""

    min_viability_percent: float = Field(
        default=70.0, ge=0, le=100, description="Smallest viability of the specimen; one without passes."
    )
    on_viability: OnFailure = Field(default="indeterminate", description="What a lower viability does.")
    on_below_lod: OnFailure = Field(
        default="indeterminate", description="What a positive below its limit of detection becomes."
    )
    min_positive_control_percent: float | None = Field(
        default=None,
        ge=0,
        le=100,
        description="Smallest net percentage of the positive controls (controls.positive), by population and readout. Unset: they are not judged.",
    )
    on_positive_control: OnFailure = Field(
        default="not_evaluable", description="What a lower positive control, or none, does."
    )
    on_acquisition: OnFailure = Field(
        default="flag", description="What a failed acquisition measure of one of the tubes does."
    )
    on_gate_disagreement: OnFailure = Field(
        default="flag", description="What a stored count that disagrees with the re-gated one does."
    )


class Gating(Part):
    """Counting again from raw FCS files, beside the counts that are stored."""

    enabled: bool = Field(
        default=True, description="True counts again wherever the FCS file of a workspace's sample is there."
    )
    keep_events: bool = Field(
        default=False, description="True keeps the events of every FCS file as Parquet, behind the view `events`."
    )
    tolerance_percent: dict[GateType, float] = Field(
        default={},
        description="Largest difference between stored and re-gated count, percent of the larger, by gate type, as `polygon = 2.0`. Unset: ellipsoid 2, polygon 1, any other 0.1.",
    )
    tolerance_events: int = Field(
        default=2, ge=0, description="A difference of no more events than this always agrees."
    )
    processes: int | None = Field(
        default=None,
        ge=1,
        description="Processes that gate at once. Unset: as many as there are cores for perdure, 8 at most.",
    )

    def tolerance(self, gate_type: GateType) -> float:
        """Largest relative difference of one gate type, percent."""
        usual = {"ellipsoid": 2.0, "polygon": 1.0}
        return self.tolerance_percent.get(gate_type, usual.get(gate_type, 0.1))


class Acquisition(Part):
    """Limits of how FCS files were acquired; beyond them the measure fails."""

    max_time_gap: float = Field(default=5.0, gt=0, description="Longest time without an event, seconds.")
    max_flow_rate_jump: float = Field(
        default=2.0, ge=1, description="Largest ratio of the event rates of neighbouring tenths of the acquisition."
    )
    max_margin_percent: float = Field(
        default=5.0, ge=0, le=100, description="Largest share of events at either end of a channel's range, percent."
    )


class Cytometry(Part):
    """How flow cytometry is read, matched, gated and called."""

    populations: tuple[Population, ...] = Field(
        default=(), description="Populations that percentages are of. Paths that fit none are kept and reported."
    )
    markers: dict[Name, tuple[Name, ...]] = Field(
        default={},
        description='Markers of responses with their spellings in gate names, without sign, as `TNF = ["TNFa", "TNF-a"]`.',
    )
    readouts: tuple[Name, ...] = Field(
        default=(),
        description='What is called: markers, or subsets of them with signs, as `"IFNg"` or `"IFNg+TNF+"`. Empty: every marker.',
    )
    multimers: tuple[Multimer, ...] = Field(default=(), description="Multimers.")
    polyfunctional: tuple[Name, ...] = Field(
        default=(), description="Markers whose boolean subsets make the polyfunctionality scores. Empty: every marker."
    )
    blood_count_days: int = Field(
        default=3,
        ge=0,
        description="Days a blood count may lie before or after the collection to give cells per microlitre.",
    )
    keywords: tuple[Name, ...] = Field(
        default=(),
        description="Keywords to keep besides technical ones, as `EXPERIMENT NAME`; those may name patients and operators.",
    )
    match: Match = Field(default_factory=Match, description="Matching of samples to specimens.")
    rules: CytometryRules = Field(default_factory=CytometryRules, description="Positivity rules.")
    quality: CytometryQuality = Field(default_factory=CytometryQuality, description="Quality limits.")
    gating: Gating = Field(default_factory=Gating, description="Stored and re-gated counts.")
    acquisition: Acquisition = Field(default_factory=Acquisition, description="Quality of FCS files.")

    @property
    def population_names(self) -> tuple[str, ...]:
        """Names of the populations, in the declared order."""
        return tuple(one.name for one in self.populations)

    @property
    def called_readouts(self) -> tuple[str, ...]:
        """Readouts of ICS that are called: as declared, else every marker."""
        return self.readouts or tuple(self.markers)

    @property
    def functions(self) -> tuple[str, ...]:
        """Markers of the polyfunctionality scores."""
        return self.polyfunctional or tuple(self.markers)

    @property
    def kept_keywords(self) -> tuple[str, ...]:
        """Keywords the study asks for besides those that are always kept."""
        return tuple(dict.fromkeys((*self.keywords, *self.match.specimen_keywords, *self.match.stimulus_keywords)))

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = self.population_names
        if len(set(names)) != len(names):
            raise ValueError("populations: two populations have one name; give each once, with all its paths")
        _refuse_twice("populations", [(path, one.name) for one in self.populations for path in one.paths])
        spelled = [(s, name) for name, others in self.markers.items() for s in dict.fromkeys((name, *others))]
        _refuse_twice("markers", spelled)
        _refuse_twice("multimers", [(f"{m.population}/{g}", m.subset) for m in self.multimers for g in m.gates])
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        for index, multimer in enumerate(self.multimers):
            if multimer.population not in self.population_names:
                raise ValueError(
                    f"multimers.{index}.population: {multimer.population!r} is no population; declare it under [[cytometry.populations]]"
                )
        for key in ("readouts", "polyfunctional"):
            for text in getattr(self, key):
                if MULTIMER in (text, *self.markers) or not self._is_of_markers(text, is_subset=key == "readouts"):
                    raise ValueError(
                        f"{key}: {text!r} is not made of declared markers; declare them under [cytometry.markers]"
                    )
        return self

    def _is_of_markers(self, text: str, *, is_subset: bool) -> bool:
        if text in self.markers:
            return True
        names = "|".join(re.escape(name) for name in sorted(self.markers, key=len, reverse=True))
        return is_subset and bool(names) and re.fullmatch(f"(?:(?:{names})[+-])+", text) is not None


def _refuse_twice(key: str, spellings: list[tuple[str, str]]) -> None:
    for (one, meaning), (other, another) in combinations(spellings, 2):
        if one == other and meaning != another:
            raise ValueError(f"{key}: {one!r} stands for both {meaning} and {another}; give each spelling one meaning")
