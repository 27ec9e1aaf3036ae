"""A sample of flow cytometry as one file tells of it: its names, batches, plate, day, and what its keywords say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from expectations.study_cytometry import Match

_NO_BATCH: Final = frozenset({"all samples"})
"""FlowJo's group of every sample tells nothing."""

PLATE: Final = {"plate name": ("$platename", "plate name"), "plate ID": ("$plateid", "plate id")}
"""Keywords of the plate a sample was acquired from."""

Told = tuple[str | None, str | None]
"""Specimen and stimulus."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample as a file tells of it, and what it is found to be; with a `reason` it is no tube."""

    file_sha256: str
    sample_number: int
    sample_name: str
    source: str
    fcs_name: str | None
    batches: frozenset[str]
    keywords: Mapping[str, str]
    n_events: int | None = None
    acquired: date | None = None
    tube_id: str | None = None
    batch: str | None = None
    specimen_id: str | None = None
    stimulus: str | None = None
    replicate: int | None = None
    gates_set_by: str | None = None
    matched_by: str | None = None
    reason: str | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Its file and number there."""
        return self.file_sha256, self.sample_number

    @property
    def bare_name(self) -> str:
        """Its name without a trailing .fcs."""
        return bare(self.sample_name)

    @property
    def names(self) -> frozenset[str]:
        """What it goes by: its name and that of its FCS file, whatever their capitals."""
        return frozenset(bare(name).casefold() for name in (self.sample_name, self.fcs_name) if name) - {""}

    @property
    def is_raw(self) -> bool:
        """It is an FCS file; others are what an analysis says of one."""
        return self.source == "fcs"

    @property
    def plate(self) -> dict[str, str]:
        """What its keywords say of the plate; capitals make no difference."""
        told = {name: first_filled(self.keywords, keywords) for name, keywords in PLATE.items()}
        return {name: value.casefold() for name, value in told.items() if value}


def bare(name: str) -> str:
    """A name without a trailing .fcs, whatever its capitals."""
    return re.sub(r"\.fcs$", "", name.strip(), flags=re.IGNORECASE).strip()


def batches_told(told: str | None) -> frozenset[str]:
    """The batches a sample is told to be in, from CYTOMETRY_SAMPLES.batches; capitals make no difference."""
    return frozenset(part.strip().casefold() for part in (told or "").split(" | ")) - _NO_BATCH - {""}


def told_sample(row: Mapping[str, Any]) -> Sample:
    """The sample of a row of CYTOMETRY_SAMPLES."""
    keywords = json.loads(row["keywords"] or "{}")
    return Sample(
        file_sha256=row["file_sha256"],
        sample_number=row["sample_number"],
        sample_name=row["sample_name"],
        source=row["source"],
        fcs_name=row["fcs_name"],
        batches=batches_told(row["batches"]),
        keywords={name.strip().casefold(): str(value).strip() for name, value in keywords.items() if value is not None},
        n_events=row["n_events"],
        acquired=row["acquisition_date"],
    )


def told_by(sample: Sample, match: Match) -> dict[str, Told]:
    """Specimen and stimulus as keywords, and as the sample's name, give them."""
    parts = re.fullmatch(match.file_name, sample.bare_name) if match.file_name else None
    of_name = {name: (value or "").strip() or None for name, value in parts.groupdict().items()} if parts else {}
    keywords = (match.specimen_keywords, match.stimulus_keywords)
    specimen, stimulus = (first_filled(sample.keywords, names) for names in keywords)
    return {"keywords": (specimen, stimulus), "file_name": (of_name.get("specimen"), of_name.get("stimulus"))}


def first_filled(keywords: Mapping[str, str], names: Iterable[str]) -> str | None:
    """The value of the first of these keywords that has one."""
    return next((value for name in names if (value := keywords.get(name.casefold()))), None)
