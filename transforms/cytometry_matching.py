"""Which tube each sample of a file of flow cytometry is: by the table of tubes, by keywords, or by its name."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from expectations.computed_cytometry import MATCHED_SAMPLES
from expectations.study import StudySettings
from expectations.study_cytometry import Match
from transforms.cytometry_batches import AMBIGUOUS, ONE_BATCH, with_batches
from transforms.cytometry_namesakes import tubes_and_strays, without_shared_fcs_names
from transforms.told_samples import Sample, bare, told_by, told_sample
from transforms.wells import usual_controls

Role = tuple[str, str | None, str | None]


def matched_samples(
    samples: pl.DataFrame, tubes: pl.DataFrame, specimens: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """Every sample with the tube it is, or the reason why it is none.

    By cytometry_tubes where a tube has its name or that of its FCS file. Of several such tubes the one counts whose
    batch the sample is told to be in; a single one counts too where it has no batch or the sample is told to be in
    none. Else the sample is ambiguous, whatever keywords say. Where no tube has its name, keywords give specimen and
    stimulus, and the sample's name gives what they leave open; `matched_by` says what gave the specimen. Two samples of
    one file that are one tube are both none.

    Samples matched by keywords or name are one tube where specimen, stimulus and batch agree and they share a name,
    their own or that of their FCS file; see `cytometry_batches.with_batches` for the batch, which is `one batch` where
    nothing parts them. A sample that shares names with two tubes of one file is ambiguous.

    What a new file can change for old samples of its specimen: a second plate, day or place parts them by what they
    are told and gives their batches names, and a sample that tells too little is ambiguous then; one that has the names
    of two tubes no file tells apart makes them one; an id gets longer where another tube has that name too. It never
    brings together what plate, day or place parted.

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
    read = [told_sample(row) for row in samples.filter(pl.col("source") != "gating_ml").to_dicts()]
    read.sort(key=lambda one: one.key)
    found = [_by_table(one, named) or _by_telling(one, match) for one in read]
    roles = _roles(settings)
    judged = [_judged(one, known, frozenset(roles), settings) for one in found]
    placed = _once_a_file(_with_tubes(judged, frozenset(tubes["tube_id"])))
    frame = pl.DataFrame([_row(one, roles) for one in placed], schema=MATCHED_SAMPLES.schema)
    return MATCHED_SAMPLES.conform(frame).sort(MATCHED_SAMPLES.key)


def _tubes_by_name(tubes: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    named = defaultdict(list)
    for tube in tubes.sort("tube_id").to_dicts():
        named[bare(tube["sample_name"] or tube["tube_id"]).casefold()].append(tube)
    return named


def _by_table(sample: Sample, named: Mapping[str, list[dict[str, Any]]]) -> Sample | None:
    """The sample as its row of cytometry_tubes says; None where no tube has its name."""
    candidates = [tube for name in sorted(sample.names) for tube in named.get(name, [])]
    if not candidates:
        return None
    told = [tube for tube in candidates if tube["batch"] and tube["batch"].strip().casefold() in sample.batches]
    if not told and len(candidates) == 1 and not (candidates[0]["batch"] and sample.batches):
        told = candidates
    if len(told) != 1:
        return replace(sample, matched_by="cytometry_tubes", reason=AMBIGUOUS)
    taken = {name: told[0][name] for name in ("tube_id", "specimen_id", "stimulus", "replicate", "gates_set_by")}
    return replace(sample, **taken, batch=told[0]["batch"] or ONE_BATCH, matched_by="cytometry_tubes")


def _by_telling(sample: Sample, match: Match) -> Sample:
    """The sample as its keywords, then its name, say; without a tube as yet."""
    told = told_by(sample, match)
    by_keywords, by_name = told["keywords"], told["file_name"]
    stimulus = by_keywords[1] or by_name[1]
    for source, (specimen, _) in told.items():
        if specimen:
            return replace(sample, specimen_id=specimen, stimulus=stimulus, matched_by=source)
    return replace(sample, stimulus=stimulus, reason="tube.unmatched")


def _judged(sample: Sample, known: frozenset[str], declared: frozenset[str | None], settings: StudySettings) -> Sample:
    if sample.reason:
        return sample
    if sample.specimen_id not in known:
        return replace(sample, reason="tube.specimen_unknown")
    if sample.stimulus is None and not _may_have_multimers(sample, settings):
        return replace(sample, reason="tube.no_stimulus")
    if sample.stimulus not in declared:
        return replace(sample, reason="tube.stimulus_unknown")
    return sample


def _may_have_multimers(sample: Sample, settings: StudySettings) -> bool:
    """Without a stimulus a tube is stained with multimers, unless there is a place for a stimulus that is empty."""
    match = settings.cytometry.match
    has_place = bool(match.stimulus_keywords) or "stimulus" in re.compile(match.file_name or "").groupindex
    return bool(settings.cytometry.multimers) and (sample.matched_by == "cytometry_tubes" or not has_place)


def _with_tubes(samples: list[Sample], taken: frozenset[str]) -> list[Sample]:
    """Gives samples matched by keywords or name their batch and tube; `taken` are the tubes of the table."""
    of_specimen = defaultdict(list)
    for one in without_shared_fcs_names([one for one in samples if one.reason is None and one.tube_id is None]):
        of_specimen[one.specimen_id].append(one)
    batched = [one for several in of_specimen.values() for one in with_batches(several)]
    tubes, strays = tubes_and_strays([one for one in batched if one.reason is None])
    found = {one.key: one for one in batched if one.reason}
    found |= {one.key: replace(one, reason=AMBIGUOUS) for one in strays}
    found |= {one.key: replace(one, tube_id=name) for name, tube in _with_ids(tubes, taken) for one in tube}
    return [found.get(one.key, one) for one in samples]


def _with_ids(tubes: list[list[Sample]], taken: frozenset[str]) -> list[tuple[str, list[Sample]]]:
    """Each tube with its id: the first of its samples' names, with what else tells it apart where others have it."""
    named = [(min(one.bare_name for one in tube), tube) for tube in tubes]
    n_tubes = Counter(name.casefold() for name, _ in named)
    reserved = {name.casefold() for name in taken}
    return [
        (name if n_tubes[name.casefold()] == 1 and name.casefold() not in reserved else _longer(name, tube[0]), tube)
        for name, tube in named
    ]


def _longer(name: str, of: Sample) -> str:
    parts = (of.specimen_id, of.stimulus or "no stimulus", of.batch)
    return f"{name} ({', '.join(part for part in parts if part and part != ONE_BATCH)})"


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
