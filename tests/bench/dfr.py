"""How long the exact resampling rules take: many small families, and families as wide as a plate."""

from __future__ import annotations

import time

import numpy as np
import polars as pl

from expectations.computed import ELISPOT_WELLS
from expectations.study import StudySettings
from transforms.positivity import dfr_2x, dfr_eq
from transforms.replicates import at_ceiling, replicate_summaries

SEED = 1
SMALL = {"families": 100_000, "antigens": 8, "antigen_wells": 3, "control_wells": 6}
WIDE = {"families": 1_000, "antigens": 40, "antigen_wells": 6, "control_wells": 6}


def measure() -> dict[str, float]:
    """Seconds of each rule, from wells to verdicts, by what was tested."""
    told: dict[str, float] = {}
    for shape in (SMALL, WIDE):
        wells = at_ceiling(simulated_wells(**shape))
        summaries = replicate_summaries(wells, "medium")
        name = "{families:,} families of {antigens} antigens, {antigen_wells} + {control_wells} wells".format(**shape)
        for rule, test in (("dfr_eq", dfr_eq), ("dfr_2x", dfr_2x)):
            started = time.perf_counter()
            test(summaries, wells, study())
            told[f"{rule}, {name}"] = time.perf_counter() - started
    return told


def simulated_wells(families: int, antigens: int, antigen_wells: int, control_wells: int) -> pl.DataFrame:
    """ELISPOT_WELLS: one specimen a family; most antigens are near the control, some far above it."""
    rng = np.random.default_rng(SEED)
    height = rng.choice([2, 3, 4, 6, 20, 60], size=(families, antigens), p=[0.2, 0.3, 0.2, 0.1, 0.1, 0.1])
    own = rng.poisson(np.repeat(height[:, :, None], antigen_wells, axis=2))
    blank = rng.poisson(3, size=(families, control_wells))
    per_family = antigens * antigen_wells + control_wells
    is_antigen = pl.col("number") < antigens * antigen_wells
    wells = pl.DataFrame(
        {
            "family": np.repeat(np.arange(families), per_family),
            "number": np.tile(np.arange(per_family), families),
            "spots": np.concatenate([own.reshape(families, -1), blank], axis=1).ravel(),
        }
    ).with_columns(
        specimen_id=pl.format("S{}", "family"),
        plate_id=pl.format("P{}", "family"),
        well=pl.format("A{}", pl.col("number") + 1),
        antigen=pl.when(is_antigen).then(pl.format("A{}", pl.col("number") // antigen_wells)),
        well_role=pl.when(is_antigen).then(pl.lit("antigen")).otherwise(pl.lit("negative_control")),
        **{name: pl.lit(value) for name, value in CONSTANTS.items()},
    )
    missing = [pl.lit(None).alias(name) for name in ELISPOT_WELLS.schema if name not in wells.columns]
    return ELISPOT_WELLS.conform(wells.with_columns(missing))


CONSTANTS = {
    "analyte": "IFNg",
    "status": "counted",
    "subject_id": "P",
    "cells_per_well": 200_000,
    "control": "medium",
    "file_sha256": "",
    "place": "",
}


def study() -> StudySettings:
    """The rules with their defaults."""
    return StudySettings.model_validate(
        {
            "study": {"id": "bench"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [{"name": "A0", "role": "tumour"}],
            "persistence": {"landmarks": [{"day": 30}]},
        }
    )


def main() -> None:
    """Prints one line a measure."""
    for name, value in measure().items():
        print(f"{value:8.2f} s  {name}")


if __name__ == "__main__":
    main()
