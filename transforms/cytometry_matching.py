"""Which tube each sample of a file of flow cytometry is: by the table of tubes, by keywords, or by its name."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from expectations.computed_cytometry import MATCHED_SAMPLES
from expectations.study import StudySettings
from expectations.study_cytometry import Match
from transforms.wells import usual_controls

ONE_BATCH: Final = "one batch"
"""Batch of tubes for which none is named."""

_NO_BATCH: Final = frozenset({"all samples"})
"""FlowJo's group of every sample tells nothing."""

Role = tuple[str, str | None, str | None]

_AMBIGUOUS: Final = "tube.ambiguous"


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
    tube_id: str | None = None
    batch: str | None = None
    specimen_id: str | None = None
    stimulus: str | None = None
    replicate: int | None = None
    gates_set_by: str | None = None
    matched_by: str | None = None
    reason: str | None = None

    @property
    def bare_name(self) -> str:
        """Its name without a trailing .fcs."""
        return bare(self.sample_name)

    @property
    def is_raw(self) -> bool:
        """It is an FCS file; others are what an analysis says of one."""
        return self.source == "fcs"


def bare(name: str) -> str:
    """A name without a trailing .fcs, whatever its capitals."""
    return re.sub(r"\.fcs$", "", name.strip(), flags=re.IGNORECASE).strip()


def batches_told(told: str | None) -> frozenset[str]:
    """The batches a sample is told to be in, from CYTOMETRY_SAMPLES.batches; capitals make no difference."""
    return frozenset(part.strip().casefold() for part in (told or "").split(" | ")) - _NO_BATCH - {""}


def matched_samples(
    samples: pl.DataFrame, tubes: pl.DataFrame, specimens: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """Every sample with the tube it is, or the reason why it is none.

    By cytometry_tubes where a tube has its name or that of its FCS file. Of several such tubes the one counts whose
    batch the sample is told to be in; a single one counts too where it has no batch or the sample is told to be in
    none. Else the sample is ambiguous, whatever keywords say. Where no tube has its name, keywords give specimen and
    stimulus, and the sample's name gives what they leave open; `matched_by` says what gave the specimen. Two samples of
    one file that are one tube are both none.

    Samples matched by keywords or name are one tube where name, specimen and stimulus agree, unless two of them are
    told to be in batches of which neither holds the other: then every batch of that specimen stands for itself, so that
    no tube is counted twice. Otherwise their batch is `one batch`, since a plate may part a tube from its control.

    Args:
        samples: CYTOMETRY_SAMPLES; those of Gating-ML are no tubes and are left out.
        tubes: CYTOMETRY_TUBES.
        specimens: SPECIMENS.
        settings: stimuli, controls, multimers and cytometry.match.

    Returns:
        MATCHED_SAMPLES; `tube_id` and `batch` are null where there is a reason.
    """
    named, match = _tubes_by_name(tubes), settings.cytometry.match
    known = frozenset(specimens["specimen_id"])
    read = [_sample(row) for row in samples.filter(pl.col("source") != "gating_ml").to_dicts()]
    read.sort(key=lambda one: (one.file_sha256, one.sample_number))
    found = [_by_table(one, named) or _by_telling(one, match) for one in read]
    roles = _roles(settings)
    judged = [_judged(one, known, frozenset(roles), settings) for one in found]
    placed = _once_a_file(_with_tubes(judged, frozenset(tubes["tube_id"])))
    frame = pl.DataFrame([_row(one, roles) for one in placed], schema=MATCHED_SAMPLES.schema)
    return MATCHED_SAMPLES.conform(frame).sort(MATCHED_SAMPLES.key)


def _sample(row: Mapping[str, Any]) -> Sample:
    keywords = json.loads(row["keywords"] or "{}")
    return Sample(
        file_sha256=row["file_sha256"],
        sample_number=row["sample_number"],
        sample_name=row["sample_name"],
        source=row["source"],
        fcs_name=row["fcs_name"],
        batches=batches_told(row["batches"]),
        keywords={name.strip().casefold(): str(value).strip() for name, value in keywords.items() if value is not None},
    )


def _tubes_by_name(tubes: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    named = defaultdict(list)
    for tube in tubes.sort("tube_id").to_dicts():
        named[bare(tube["sample_name"] or tube["tube_id"]).casefold()].append(tube)
    return named


def _by_table(sample: Sample, named: Mapping[str, list[dict[str, Any]]]) -> Sample | None:
    """The sample as its row of cytometry_tubes says; None where no tube has its name."""
    names = {bare(name).casefold() for name in (sample.sample_name, sample.fcs_name) if name}
    candidates = [tube for name in sorted(names) for tube in named.get(name, [])]
    if not candidates:
        return None
    told = [tube for tube in candidates if tube["batch"] and tube["batch"].strip().casefold() in sample.batches]
    if not told and len(candidates) == 1 and not (candidates[0]["batch"] and sample.batches):
        told = candidates
    if len(told) != 1:
        return replace(sample, matched_by="cytometry_tubes", reason=_AMBIGUOUS)
    taken = {name: told[0][name] for name in ("tube_id", "specimen_id", "stimulus", "replicate", "gates_set_by")}
    return replace(sample, **taken, batch=told[0]["batch"] or ONE_BATCH, matched_by="cytometry_tubes")


def _by_telling(sample: Sample, match: Match) -> Sample:
    """The sample as its keywords, then its name, say; without a tube as yet."""
    parts = re.fullmatch(match.file_name, sample.bare_name) if match.file_name else None
    of_name = {name: (value or "").strip() or None for name, value in parts.groupdict().items()} if parts else {}
    specimen = _first_filled(sample, match.specimen_keywords)
    stimulus = _first_filled(sample, match.stimulus_keywords) or of_name.get("stimulus")
    if specimen:
        return replace(sample, specimen_id=specimen, stimulus=stimulus, matched_by="keywords")
    if of_name.get("specimen"):
        return replace(sample, specimen_id=of_name["specimen"], stimulus=stimulus, matched_by="file_name")
    return replace(sample, stimulus=stimulus, reason="tube.unmatched")


def _first_filled(sample: Sample, names: Iterable[str]) -> str | None:
    return next((value for name in names if (value := sample.keywords.get(name.casefold()))), None)


def _judged(sample: Sample, known: frozenset[str], declared: frozenset[str | None], settings: StudySettings) -> Sample:
    if sample.reason:
        return sample
    if sample.specimen_id not in known:
        return replace(sample, reason="tube.specimen_unknown")
    if sample.stimulus is None and not settings.cytometry.multimers:
        return replace(sample, reason="tube.no_stimulus")
    if sample.stimulus not in declared:
        return replace(sample, reason="tube.stimulus_unknown")
    return sample


def _with_tubes(samples: list[Sample], taken: frozenset[str]) -> list[Sample]:
    """Gives samples matched by keywords or name their batch and tube; `taken` are the tubes of the table."""
    open_ones = [one for one in samples if one.reason is None and one.tube_id is None]
    of_specimen = defaultdict(list)
    for one in open_ones:
        of_specimen[one.specimen_id].append(one)
    batched = {_key(one): one for several in of_specimen.values() for one in _with_batches(several)}
    ids = _tube_ids([one for one in batched.values() if one.reason is None], taken)
    named = {key: replace(one, tube_id=ids.get(_identity(one))) for key, one in batched.items()}
    return [named.get(_key(one), one) for one in samples]


def _key(sample: Sample) -> tuple[str, int]:
    return sample.file_sha256, sample.sample_number


def _with_batches(of_specimen: list[Sample]) -> list[Sample]:
    """One batch, unless one name and stimulus stands in several places; a sample without any is ambiguous then."""
    places = _places({one.batches for one in of_specimen})
    standing = defaultdict(set)
    for one in of_specimen:
        standing[one.bare_name.casefold(), one.stimulus, one.is_raw].add(places.get(one.batches))
    if all(len(found - {None}) < 2 for found in standing.values()):
        return [replace(one, batch=ONE_BATCH) for one in of_specimen]
    return [
        replace(one, batch=places[one.batches]) if one.batches else replace(one, reason=_AMBIGUOUS)
        for one in of_specimen
    ]


def _places(told: set[frozenset[str]]) -> dict[frozenset[str], str]:
    """Batches as samples are told to be in them, with the place they speak of, named by all that is told of it.

    Where one telling holds all of another both speak of one place; two that only share a folder or experiment do not.
    """
    places: list[set[frozenset[str]]] = []
    for batches in sorted(told - {frozenset()}, key=sorted):
        same = [place for place in places if any(batches >= other or other >= batches for other in place)]
        places = [place for place in places if place not in same] + [{batches}.union(*same)]
    return {batches: " | ".join(sorted(frozenset().union(*place))) for place in places for batches in place}


def _identity(sample: Sample) -> tuple[str, str, str, str]:
    return (
        sample.bare_name.casefold(),
        sample.specimen_id or "",
        sample.stimulus or "no stimulus",
        sample.batch or "",
    )


def _tube_ids(samples: list[Sample], taken: frozenset[str]) -> dict[tuple[str, str, str, str], str]:
    """The name of every tube; with what else tells it apart where several tubes have it."""
    shown: dict[tuple[str, str, str, str], str] = {}
    for one in samples:
        shown[_identity(one)] = min(one.bare_name, shown.get(_identity(one), one.bare_name))
    n_tubes = Counter(name for name, *_ in shown)
    reserved = {name.casefold() for name in taken}
    return {
        identity: shown[identity]
        if n_tubes[identity[0]] == 1 and identity[0] not in reserved
        else f"{shown[identity]} ({', '.join(part for part in identity[1:] if part != ONE_BATCH)})"
        for identity in shown
    }


def _once_a_file(samples: list[Sample]) -> list[Sample]:
    n_samples = Counter((one.file_sha256, one.tube_id) for one in samples if one.reason is None)
    twice = {of for of, n in n_samples.items() if n > 1}
    marked = (
        replace(one, reason="tube.twice_in_file") if (one.file_sha256, one.tube_id) in twice else one for one in samples
    )
    return [one if one.reason is None else replace(one, tube_id=None, batch=None) for one in marked]


def _row(sample: Sample, roles: Mapping[str | None, Role]) -> dict[str, Any]:
    told = {name: getattr(sample, name) for name in MATCHED_SAMPLES.schema if hasattr(sample, name)}
    role, antigen, control = roles[sample.stimulus] if sample.reason is None else (None, None, None)
    return told | {"tube_role": role, "antigen": antigen, "control": control}


def _roles(settings: StudySettings) -> dict[str | None, Role]:
    """Role, antigen and control of a tube by its stimulus."""
    usual = usual_controls(settings)
    return {
        None: ("multimer", None, None),
        **{name: ("unused", None, None) for name in settings.controls.unused},
        **{name: ("positive_control", None, None) for name in settings.controls.positive},
        **{spelling: ("negative_control", None, name) for spelling, name in settings.negative_controls.items()},
        **{spelling: ("antigen", name, usual[name]) for spelling, name in settings.antigen_names.items()},
    }
