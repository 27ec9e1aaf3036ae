"""Flow cytometry from what is stored to responses: the order in which its transforms follow each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from expectations.study import StudySettings
from transforms.acquisition_quality import acquisition_quality
from transforms.cytometry_matching import matched_samples
from transforms.cytometry_pairs import stimulated_pairs
from transforms.cytometry_populations import tube_populations
from transforms.cytometry_responses import cytometry_responses
from transforms.gating_agreement import gate_agreement
from transforms.gating_pairs import pairs
from transforms.mimosa_fits import mimosa_fits, versioned_fits
from transforms.polyfunctionality import boolean_subsets, polyfunctionality
from transforms.population_vocabulary import paths
from transforms.tube_findings import tube_findings

Tables = Mapping[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class CytometryAnalysis:
    """Computed tables of cytometry by name, its rows of `responses`, and new mixtures."""

    tables: dict[str, pl.DataFrame]
    responses: pl.DataFrame
    new_fits: pl.DataFrame


def analyse_cytometry(
    stored: Tables, settings: StudySettings, today: date, run_id: str, *, re_estimate: bool
) -> CytometryAnalysis:
    """Every computed table of cytometry.

    Args:
        stored: the ingested tables, `files`, `regated_counts`, `mimosa_fits` and visited_specimens, by contract name.
        settings: the study file.
        today: day of new fits.
        run_id: run that new fits are ascribed to.
        re_estimate: True makes a new version of fits whose input has changed.
    """
    t = dict(stored)
    found = tubes_of(t, settings)
    found |= _populations(t | found, settings)
    t |= found
    told = stimulated_pairs(t, settings)
    known = None if re_estimate else t["mimosa_fits"]
    fresh = mimosa_fits(told, settings, today, known)
    new_fits = versioned_fits(t["mimosa_fits"], fresh, re_estimate=re_estimate, run_id=run_id)
    t["mimosa_fits"] = pl.concat([t["mimosa_fits"], new_fits])
    subsets = boolean_subsets(told, t["mimosa_fits"], settings)
    found["boolean_subsets"] = subsets
    found["polyfunctionality"] = polyfunctionality(told, subsets, settings)
    return CytometryAnalysis(found, cytometry_responses(t, settings), new_fits)


def tubes_of(t: Tables, settings: StudySettings) -> dict[str, pl.DataFrame]:
    """`matched_samples`, which gating needs before anything else is computed."""
    samples, tubes = t["cytometry_samples"], t["cytometry_tubes"]
    return {"matched_samples": matched_samples(samples, tubes, t["specimens"], settings)}


def _populations(stored: Tables, settings: StudySettings) -> dict[str, pl.DataFrame]:
    t = dict(stored)
    samples, matched, regated = t["cytometry_samples"], t["matched_samples"], t["regated_counts"]
    arrivals = t["files"].group_by("file_sha256").agg(pl.col("arrival").min())
    paired = pairs(samples, t["cytometry_files"], t["cytometry_tubes"], matched)
    t["population_paths"] = paths(t["cytometry_counts"], regated, settings.cytometry)
    t["tube_populations"] = tube_populations(t, arrivals, settings)
    t["acquisition_quality"] = acquisition_quality(t["acquisition_measures"], samples, matched, settings)
    t["gate_agreement"] = gate_agreement(t, paired, settings)
    t["tube_findings"] = tube_findings(t | {"paired_samples": paired}, settings)
    return {name: frame for name, frame in t.items() if name not in stored}
