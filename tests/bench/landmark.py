"""How long associations at a landmark take with many more subjects than a trial has."""

from __future__ import annotations

import time
from typing import Final

import numpy as np
import polars as pl

from expectations.computed import PERSISTENCE_BY_SUBJECT, RESPONSES, VISITED_SPECIMENS
from expectations.outcome_tables import INFUSED_CELLS, OUTCOMES
from expectations.study import StudySettings
from transforms.association import associations

SUBJECTS: Final = 10_000
SEED: Final = 1
TARGET: Final = "Landmark analysis of 10 000 subjects below 2 s: response and OS from L + w, log-rank and Cox. Seconds."
DECLARED: Final = (
    {"outcome": "responder"},
    {"outcome": "OS", "method": "landmark_logrank"},
    {"outcome": "OS", "method": "landmark_cox"},
)


def measure() -> dict[str, float]:
    """Seconds of each declared analysis alone, and of all of them; the first imports scipy, in a run of its own."""
    tables = simulated(SUBJECTS)
    _seconds(tables, study(DECLARED))
    told = {}
    for one in DECLARED:
        name = f"{one['outcome']}, {one.get('method', 'fisher_exact')}"
        told[f"{name}, {SUBJECTS:,} subjects"] = _seconds(tables, study((one,)))
    told[f"all three, {SUBJECTS:,} subjects"] = _seconds(tables, study(DECLARED))
    return told


def _seconds(tables: dict[str, pl.DataFrame], settings: StudySettings) -> float:
    started = time.perf_counter()
    associations(tables, settings)
    return time.perf_counter() - started


def simulated(subjects: int) -> dict[str, pl.DataFrame]:
    """What associations are made of: a third persistent, exponential survival, deaths before the landmark too."""
    rng = np.random.default_rng(SEED)
    names = pl.Series("subject_id", [f"P{number}" for number in range(subjects)])
    persistent = rng.random(subjects) < 1 / 3
    days, censored = rng.exponential(np.where(persistent, 900, 500)), rng.uniform(100, 1500, subjects)
    is_responder = rng.random(subjects) < np.where(persistent, 0.6, 0.3)
    outcomes = pl.DataFrame(
        {
            "subject_id": names,
            "is_infused": True,
            "is_responder": is_responder,
            "os_days": np.minimum(days, censored).astype(np.int32) + 1,
            "os_event": days < censored,
        }
    )
    series = {"assay": "elispot", "population": "all cells", "readout": "IFNg", "rule": "dfr_eq", "landmark_day": 90}
    by_subject = pl.DataFrame({"subject_id": names, "persistent": persistent}).with_columns(
        **{name: pl.lit(value) for name, value in series.items()}
    )
    return {
        "outcomes": _under(OUTCOMES.schema, outcomes),
        "persistence_by_subject": _under(PERSISTENCE_BY_SUBJECT.schema, by_subject),
        "infused_cells": INFUSED_CELLS.empty(),
        "responses": RESPONSES.empty(),
        "visited_specimens": VISITED_SPECIMENS.empty(),
    }


def _under(schema: dict[str, pl.DataType], frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        (pl.col(n) if n in frame.columns else pl.lit(None, t).alias(n)).cast(t) for n, t in schema.items()
    )


def study(declared: tuple[dict[str, str], ...]) -> StudySettings:
    """The first analysis is primary, the others secondary; nothing is explored."""
    primary, *secondary = declared
    nothing: dict[str, list[str]] = {"exposures": [], "outcomes": []}
    return StudySettings.model_validate(
        {
            "study": {"id": "bench"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [{"name": "A0", "role": "tumour"}],
            "persistence": {"landmarks": [{"day": 90}]},
            "analysis": {"primary": primary, "secondary": secondary, "exploratory": nothing},
        }
    )


def main() -> None:
    """Prints one line a measure."""
    for name, value in measure().items():
        print(f"{value:8.2f} s  {name}")


if __name__ == "__main__":
    main()
