"""How long MIMOSA takes: one mixture for each readout of many subjects, and one for every boolean subset of a study."""

from __future__ import annotations

import time
from datetime import date
from itertools import product

import numpy as np
import polars as pl

from expectations.records import MIMOSA_FITS
from expectations.study import StudySettings
from transforms.cytometry_pairs import boolean_subsets_of
from transforms.mimosa_fits import mimosa_fits, versioned_fits, with_responses

SEED = 1
TARGET = "200 subjects x 6 readouts in seconds. From pairs of counts to fits, and to z and false discovery rates."
READOUTS = {"subjects": 200, "antigens": 1, "visits": 1, "populations": 1, "subsets": 6}
SUBSETS = {"subjects": 25, "antigens": 6, "visits": 8, "populations": 2, "subsets": 15}
MARKERS = ("IFNg", "TNF", "IL2", "CD107a")


def measure() -> dict[str, float]:
    """Seconds from pairs to fits to probabilities, by what was fitted."""
    told: dict[str, float] = {}
    for shape in (READOUTS, SUBSETS):
        pairs = simulated_pairs(**shape)
        name = (
            "{subjects} subjects, {subsets} subsets x {antigens} antigens x {visits} visits x {populations} populations"
        )
        started = time.perf_counter()
        fresh = mimosa_fits(pairs, study(), date(2021, 1, 1))
        fits = versioned_fits(MIMOSA_FITS.empty(), fresh, re_estimate=False, run_id="bench")
        with_responses(pairs, fits, study())
        told[name.format(**shape)] = time.perf_counter() - started
    return told


def simulated_pairs(subjects: int, antigens: int, visits: int, populations: int, subsets: int) -> pl.DataFrame:
    """Pairs of counts as `cytometry_pairs.stimulated_pairs` has them: subsets from common to rare, some responding."""
    rng = np.random.default_rng(SEED)
    names = list(boolean_subsets_of(study().cytometry))[:subsets]
    shape = (antigens, visits, populations, len(names), subjects)
    background = rng.beta(2, 2 / np.geomspace(5e-4, 2e-6, len(names)))[:, None] * rng.gamma(4, 0.25, size=shape)
    responds = rng.random(shape) < rng.choice([0.0, 0.1, 0.4], size=shape[:-1])[..., None]
    proportion = np.where(responds, background * rng.uniform(2, 20, size=shape), background)
    parents = rng.integers(20_000, 200_000, size=(2, *shape))
    labels = pl.DataFrame(
        list(product(range(antigens), range(visits), range(populations), names, range(subjects))),
        schema=["antigen", "visit", "population", "subset", "subject"],
        orient="row",
    )
    counted = labels.with_columns(
        specimen_id=pl.format("S{}-{}", "subject", "visit"),
        subject_id=pl.format("S{}", "subject"),
        antigen=pl.format("A{}", "antigen"),
        visit=pl.format("W{}", "visit"),
        population=pl.format("P{}", "population"),
        material=pl.lit("blood"),
        collection_date=pl.lit(date(2020, 1, 1)) + pl.duration(weeks=pl.col("visit")),
        is_reported=True,
        is_usable=True,
        stimulated_count=pl.Series(rng.binomial(parents[0], proportion).ravel()),
        stimulated_parent_count=pl.Series(parents[0].ravel()),
        unstimulated_count=pl.Series(rng.binomial(parents[1], background).ravel()),
        unstimulated_parent_count=pl.Series(parents[1].ravel()),
    )
    return counted.with_columns(
        (100 * pl.col(f"{tube}_count") / pl.col(f"{tube}_parent_count")).alias(f"{tube}_percent")
        for tube in ("stimulated", "unstimulated")
    )


def study() -> StudySettings:
    """Four functions, the rules with their defaults."""
    return StudySettings.model_validate(
        {
            "study": {"id": "bench"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [{"name": "A0", "role": "tumour"}],
            "persistence": {"landmarks": [{"day": 30}]},
            "cytometry": {
                "populations": [{"name": "P0", "paths": ["P0"]}],
                "markers": {name: [] for name in MARKERS},
            },
        }
    )


def main() -> None:
    """Prints one line a measure."""
    for name, value in measure().items():
        print(f"{value:8.2f} s  {name}")


if __name__ == "__main__":
    main()
