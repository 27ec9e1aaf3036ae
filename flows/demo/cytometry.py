"""The demo's flow cytometry: what is stained in which batch, and the tables FlowJo exports of it.

Raw files and workspaces are in `raw_cytometry.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from random import Random
from typing import Final

from expectations.cytometry_in import CYTOMETRY_TUBES, HLA_TYPING
from expectations.study import StudySettings
from flows.demo.chance import uniform
from flows.demo.cytokines import MARKERS, POPULATIONS, SUBSETS, Staining, stain, stained_on
from flows.demo.faults import Fault, Inbox
from flows.demo.flowjo_tables import COUNT, FREQUENCY, Exported, write_csv_table, write_workbook_table
from flows.demo.multimers import GATES, MultimerTube, stain_multimers, typing
from flows.demo.raw_cytometry import run_raw
from flows.demo.specimens import Specimen, of_visits
from flows.demo.subjects import Subject
from flows.demo.tables import Row, write_csv

VISITS: Final = ("baseline", "week 6", "day 90", "day 180", "day 365")
MULTIMER_VISITS: Final = ("baseline", "day 90")
FOLDER: Final = "cytometry"
N_BLOOD, N_PRODUCT = 7, 3
"""Batches of stainings with cytokines."""
LYMPHOCYTES, T_CELLS = "Lymphocytes", "Lymphocytes/CD3+"
UNMAPPED: Final = f"{T_CELLS}/CD8+/PD-1+"
_GATES: Final = {"IFNg": "IFNg", "TNF": "TNFa", "CD107a": "CD107a"}
"""Markers as this lab spells them."""
_BOTH: Final = f"{COUNT}+{FREQUENCY}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Stainings of one day: the batch's name is that of its folder."""

    name: str
    stained_on: date
    stainings: tuple[Staining, ...]

    @property
    def path(self) -> str:
        """Its table, without an ending."""
        return f"{FOLDER}/{self.name}/{self.name}_table"


def run_cytometry(
    seed: int, subjects: list[Subject], tubes: list[Specimen], settings: StudySettings
) -> tuple[Inbox, list[Fault]]:
    """Every file of cytometry, and the faults among them. All of it draws from streams of its own."""
    blood = _batches(seed, "ICS", N_BLOOD, of_visits(tubes, VISITS, settings), settings)
    products = [tube for tube in tubes if tube.material == "infusion_product"]
    grown = _batches(seed, "PRD", N_PRODUCT, products, settings)
    late = of_visits(tubes, ("day 545",), settings)[:3]
    (percentages,) = _batches(seed, "ICS-late", 1, late, settings)
    files = {f"{batch.path}.csv": _by_subset(batch) for batch in grown}
    faults = list(_export_blood(seed, files, blood))
    files[f"{percentages.path}.csv"] = _percentages(percentages)
    faults.append(_percent_only(percentages))
    multimers = _run_multimers(seed, tubes, settings)
    files |= {f"{FOLDER}/{name}/{name}_table.csv": _multimer_table(*of) for name, of in multimers.items()}
    raw = run_raw(seed, tubes, settings)
    files |= raw.files | _reference_tables(seed, subjects, [*blood[:-1], *grown, percentages], multimers, raw.pilots)
    return files, [*faults, *raw.faults]


def _batches(seed: int, kind: str, n: int, tubes: list[Specimen], settings: StudySettings) -> list[Batch]:
    """All tubes of a subject in one batch, subjects in the order of their enrolment."""
    rng, subjects = Random(f"{seed}/batches/{kind}"), list(dict.fromkeys(tube.subject for tube in tubes))
    edges = pairwise(round(index * len(subjects) / n) for index in range(n + 1))
    batches = []
    for number, (first, last) in enumerate(edges, start=1):
        of_batch = [tube for subject in subjects[first:last] for tube in tubes if tube.subject == subject]
        stainings = tuple(one for tube in of_batch for one in stain(seed, tube, settings))
        name = f"{kind}-{number:02d}" if n > 1 else kind
        batches.append(Batch(name, stained_on(rng, of_batch), stainings))
    return batches


# --- Tables of FlowJo ---------------------------------------------------------------------------------------------


def _export_blood(seed: int, files: Inbox, batches: list[Batch]) -> Iterator[Fault]:
    """A table a batch, each in the way of whoever exported it; adds to `files`."""
    plain, workbook, continental, unmapped, *others, by_keyword = batches
    files[f"{plain.path}.csv"] = write_csv_table(_by_marker(plain), _STATISTICS)
    files[f"{workbook.path}.xlsx"] = write_workbook_table(_by_marker(workbook), _STATISTICS)
    files[f"{continental.path}.csv"] = write_csv_table(_by_marker(continental), _STATISTICS, continental=True)
    for batch in others:
        files[f"{batch.path}.csv"] = write_csv_table(_by_marker(batch), _STATISTICS, percent_sign=False)
    files[f"{unmapped.path}.csv"] = write_csv_table(_with_exhausted(seed, unmapped), _STATISTICS | {UNMAPPED: COUNT})
    why = "nobody told the study file what this gate is"
    yield _finding("a gate without a meaning", f"{unmapped.path}.csv", why, "population.unmapped", UNMAPPED)
    samples, mistyped = _by_typed_keyword(by_keyword)
    files[f"{by_keyword.path}.csv"] = write_csv_table(samples, _STATISTICS)
    why = "the letter O was typed for a zero in a sample's keyword"
    yield _finding("a specimen mistyped", f"{by_keyword.path}.csv", why, "tube.specimen_unknown", mistyped)


def _finding(name: str, path: str, why: str, reason: str, value: str) -> Fault:
    return Fault(name, path, why, expected_reason=reason, value=value)


def _path(population: str, gate: str = "") -> str:
    return f"{T_CELLS}/{population}+" + (f"/{gate}" if gate else "")


_STATISTICS: Final = dict.fromkeys((LYMPHOCYTES, T_CELLS), COUNT) | {
    path: statistics
    for population in POPULATIONS
    for path, statistics in (
        (_path(population), COUNT),
        *((_path(population, f"{_GATES[marker]}+"), _BOTH) for marker in MARKERS),
    )
}


def _by_marker(batch: Batch) -> list[Exported]:
    return [
        Exported(f"{one.name}.fcs", _keywords(batch), _whole_counts(one) | _marker_counts(one))
        for one in batch.stainings
    ]


def _keywords(batch: Batch) -> dict[str, str]:
    return {"$DATE": f"{batch.stained_on:%d-%b-%Y}".upper(), "PLATE NAME": batch.name}


def _whole_counts(staining: Staining) -> dict[str, int]:
    """All events, lymphocytes, T cells, CD8 and CD4 T cells."""
    parents = {_path(name): staining.parent(name) for name in POPULATIONS}
    n_t_cells = sum(parents.values()) * 106 // 100
    return {"": n_t_cells * 2, LYMPHOCYTES: n_t_cells * 14 // 10, T_CELLS: n_t_cells} | parents


def _marker_counts(staining: Staining) -> dict[str, int]:
    return {
        _path(name, f"{_GATES[marker]}+"): staining.positive(name, marker) for name in POPULATIONS for marker in MARKERS
    }


def _with_exhausted(seed: int, batch: Batch) -> list[Exported]:
    """With one more gate than the others."""
    rng = Random(f"{seed}/{UNMAPPED}")
    return [
        Exported(one.sample_name, one.keywords, {**one.counts, UNMAPPED: int(one.counts[_path("CD8")] * share)})
        for one in _by_marker(batch)
        for share in (uniform(rng, 0.05, 0.3),)
    ]


def _by_typed_keyword(batch: Batch) -> tuple[list[Exported], str]:
    """Samples that keywords match to specimens, since no table of tubes names them, and the specimen mistyped."""
    last = batch.stainings[-1].specimen.specimen_id
    mistyped = last.replace("0", "O")
    samples = []
    for one, exported in zip(batch.stainings, _by_marker(batch), strict=True):
        typed = mistyped if one is batch.stainings[-1] else one.specimen.specimen_id
        keywords = {"SAMPLE ID": typed, "STIMULUS": one.stimulus, **_keywords(batch)}
        samples.append(Exported(exported.sample_name, keywords, exported.counts))
    return samples, mistyped


def _by_subset(batch: Batch) -> bytes:
    """Boolean subsets only: how many cells have a marker follows by adding them up."""
    gates = {
        subset: "".join(_GATES[m] + "-+"[has] for m, has in zip(MARKERS, subset, strict=True)) for subset in SUBSETS
    }
    samples = [
        Exported(
            f"{one.name}.fcs",
            _keywords(batch),
            _whole_counts(one)
            | {_path(name, gates[subset]): n for name in POPULATIONS for subset, n in one.events[name].items()},
        )
        for one in batch.stainings
    ]
    return write_csv_table(samples, dict.fromkeys((path for path in samples[0].counts if path), COUNT))


def _percentages(batch: Batch) -> bytes:
    return write_csv_table(_by_marker(batch), dict.fromkeys(_STATISTICS, FREQUENCY))


def _percent_only(batch: Batch) -> Fault:
    why = "whoever exported it forgot the statistic Count"
    return _finding(
        "percentages without counts", f"{batch.path}.csv", why, "count.percent_only", _path("CD8", f"{_GATES['IFNg']}+")
    )


# --- Multimers ----------------------------------------------------------------------------------------------------


def _run_multimers(
    seed: int, tubes: list[Specimen], settings: StudySettings
) -> dict[str, tuple[date, list[MultimerTube]]]:
    """Day and tubes by batch: blood, then products."""
    rng = Random(f"{seed}/batches/MUL")
    groups = {
        "MUL-01": of_visits(tubes, MULTIMER_VISITS, settings),
        "MUL-02": [tube for tube in tubes if tube.material == "infusion_product"],
    }
    return {
        name: (stained_on(rng, group), [stain_multimers(seed, tube, settings) for tube in group])
        for name, group in groups.items()
    }


def _multimer_table(stained_on: date, tubes: list[MultimerTube]) -> bytes:
    samples = []
    for one in tubes:
        n_t_cells = one.parent * 5 // 3
        wholes = {LYMPHOCYTES: n_t_cells * 14 // 10, T_CELLS: n_t_cells, _path("CD8"): one.parent}
        binding = {_path("CD8", gate): one.binding[antigen] for antigen, gate in GATES.items()}
        keywords = {"$DATE": f"{stained_on:%d-%b-%Y}".upper()}
        samples.append(Exported(f"{one.name}.fcs", keywords, wholes | binding))
    gates = dict.fromkeys((_path("CD8", gate) for gate in GATES.values()), _BOTH)
    return write_csv_table(samples, dict.fromkeys((LYMPHOCYTES, T_CELLS, _path("CD8")), COUNT) | gates)


# --- Tables a person writes ---------------------------------------------------------------------------------------


def _reference_tables(
    seed: int,
    subjects: list[Subject],
    batches: list[Batch],
    multimers: Mapping[str, tuple[date, list[MultimerTube]]],
    pilots: list[Row],
) -> Inbox:
    stained = [_tube(batch.name, one) for batch in batches for one in batch.stainings]
    bound: list[Row] = [
        {
            "tube_id": one.name,
            "batch": name,
            "specimen_id": one.specimen.specimen_id,
            "gates_set_by": "negative multimer",
        }
        for name, (_, tubes) in multimers.items()
        for one in tubes
    ]
    return {
        f"{FOLDER}/tubes_cytokines.csv": write_csv(CYTOMETRY_TUBES, [*stained, *pilots]),
        f"{FOLDER}/tubes_multimers.csv": write_csv(CYTOMETRY_TUBES, bound, by_spreadsheet=True),
        "clinic/hla_typing.csv": write_csv(HLA_TYPING, typing(seed, subjects)),
    }


def _tube(batch: str, one: Staining) -> Row:
    return {
        "tube_id": one.name,
        "batch": batch,
        "specimen_id": one.specimen.specimen_id,
        "stimulus": one.stimulus,
        "gates_set_by": "unstimulated",
    }
