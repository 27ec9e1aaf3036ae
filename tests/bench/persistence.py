"""Every measure of persistence for a million series of ten samples, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from expectations.computed import VISITED_SPECIMENS
from expectations.contract import Table
from expectations.ingested import INFUSION_PRODUCTS
from expectations.outcome_tables import OUTCOMES
from expectations.study import StudySettings
from tests.bench.scale import peak_kilobytes

SEED: Final = 1
SUBJECTS: Final = 25_000
ANTIGENS: Final = tuple(f"A{n}" for n in range(20))
RULES: Final = ("dfr_eq", "threshold")
DAYS: Final = (-7, 14, 30, 60, 90, 120, 180, 240, 300, 365)
LOD: Final = 10.0
CEILING: Final = 3_000.0
_DAY_0: Final = date(2012, 1, 1)
TARGET: Final = (
    "Origin, index, peak, fold, loss, landmarks, area and half-life with its interval: a million series of 10 samples\n"
    "in at most 60 s and 4 GB on two cores. Memory is that of the whole process, the responses it was given included."
)


class Measured(NamedTuple):
    """Seconds a step, the most memory the process held, and what came out."""

    seconds: dict[str, float]
    peak_gb: float
    n_series: int
    n_half_lives: int


def measure(subjects: int = SUBJECTS) -> Measured:
    """Simulates and measures in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.persistence", str(subjects)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def table(found: Measured) -> str:
    """Steps as rows."""
    rows = [f"| {name} | {seconds:.1f} |" for name, seconds in found.seconds.items()]
    rows.append(f"| peak memory, GB | {found.peak_gb:.2f} |")
    title = f"{found.n_series:,} series, {found.n_half_lives:,} half-lives".replace(",", " ")
    return "\n".join([f"| {title} | seconds |", "|---|---:|", *rows, ""])


def figures(found: Measured) -> dict[str, str]:
    """What the history keeps."""
    return {"persistence, s": f"{sum(found.seconds.values()):.0f}", "persistence, GB": f"{found.peak_gb:.2f}"}


def simulated_responses(subjects: int) -> pl.DataFrame:
    """RESPONSES, the columns that persistence reads: a peak and a decay with scatter, some below the LOD or TNTC."""
    rng = np.random.default_rng(SEED)
    series = subjects * len(ANTIGENS) * len(RULES)
    days = np.array(DAYS, dtype=np.int32)
    peak_day = rng.choice(days[1:4], size=(series, 1))
    rate = np.log(2) / rng.lognormal(4.3, 0.6, size=(series, 1))
    fall = rate * np.maximum(days - peak_day, 0)
    level = rng.normal(6.0, 1.0, size=(series, 1)) - fall + rng.normal(0, 0.5, size=(series, len(days)))
    value = np.where(days < 0, rng.normal(0, 6, size=level.shape), np.exp(level)).ravel()
    is_over = value > CEILING
    place = np.arange(series * len(days)) // len(days)
    at_visit = np.tile(np.arange(len(days)), series)
    subject = place // (len(ANTIGENS) * len(RULES))
    frame = pl.DataFrame(
        {
            "subject": subject.astype(np.int32),
            "antigen": (place // len(RULES) % len(ANTIGENS)).astype(np.int32),
            "rule": (place % len(RULES)).astype(np.int32),
            "study_day": days[at_visit] + (subject % 5).astype(np.int32) * (days[at_visit] > 0),
            "net_value": np.minimum(value, CEILING),
            "is_over": is_over,
            "visit": at_visit.astype(np.int32),
        }
    )
    del level, value, fall, place, at_visit, subject
    is_positive = pl.col("net_value") >= 3 * LOD
    return (
        frame.lazy()
        .select(
            specimen_id=pl.format("S{}-{}", "subject", "visit"),
            subject_id=pl.format("S{}", "subject"),
            material=pl.lit("blood"),
            study_day="study_day",
            antigen=pl.format("A{}", "antigen"),
            assay=pl.lit("elispot"),
            population=pl.lit("all cells"),
            readout=pl.lit("IFNg"),
            rule=pl.when(pl.col("rule") == 0).then(pl.lit(RULES[0])).otherwise(pl.lit(RULES[1])),
            is_primary_rule=pl.col("rule") == 0,
            is_reported=pl.lit(value=True),
            net_value="net_value",
            net_lower="net_value",
            net_upper=pl.when(~pl.col("is_over")).then("net_value"),
            lod=pl.lit(LOD),
            is_below_lod=pl.col("net_value") < LOD,
            call=pl.when(is_positive).then(pl.lit("positive")).otherwise(pl.lit("negative")),
        )
        .collect()
    )


def others(subjects: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """VISITED_SPECIMENS, OUTCOMES and INFUSION_PRODUCTS of these subjects; one in four dies within the year."""
    ids = pl.DataFrame({"subject": range(subjects)}).with_columns(subject_id=pl.format("S{}", "subject"))
    infused = ids.with_columns(is_infused=True, infusion_date=_DAY_0, last_contact_date=_DAY_0 + timedelta(days=1_000))
    is_dead = pl.col("subject") % 4 == 0
    death = pl.col("infusion_date") + pl.duration(days=370 + pl.col("subject") % 600)
    outcomes = infused.with_columns(death_date=pl.when(is_dead).then(death))
    visits = pl.DataFrame({"visit_number": range(len(DAYS)), "is_baseline_candidate": [day <= 0 for day in DAYS]})
    specimens = ids.join(visits, how="cross").with_columns(
        specimen_id=pl.format("S{}-{}", "subject", "visit_number"), material=pl.lit("blood")
    )
    return (
        _declared(specimens, VISITED_SPECIMENS),
        _declared(outcomes, OUTCOMES),
        _declared(infused, INFUSION_PRODUCTS),
    )


def _declared(frame: pl.DataFrame, contract: Table) -> pl.DataFrame:
    missing = [pl.lit(None).alias(name) for name in contract.schema if name not in frame.columns]
    return contract.conform(frame.with_columns(missing))


def study() -> StudySettings:
    """Twenty tumour antigens, landmarks at 90 and 180 days."""
    return StudySettings.model_validate(
        {
            "study": {"id": "bench"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [{"name": name, "role": "tumour"} for name in ANTIGENS],
            "persistence": {"landmarks": [{"day": 90}, {"day": 180}]},
        }
    )


def measures(subjects: int) -> dict[str, Any]:
    """Seconds of each step on simulated responses."""
    from transforms.landmarks import persistence_at_landmark
    from transforms.loss_curves import loss_curves
    from transforms.persistence import persistence
    from transforms.persistence_by_subject import persistence_by_subject

    responses, (visited, outcomes, products) = simulated_responses(subjects), others(subjects)
    seconds: dict[str, float] = {}

    def timed(name: str, started: float) -> None:
        seconds[name] = time.perf_counter() - started

    started = time.perf_counter()
    whole = persistence(responses, visited, outcomes, products, study())
    timed("origin, index, peak, fold, loss, area, half-life", started)
    started = time.perf_counter()
    at_landmark = persistence_at_landmark(responses, visited, outcomes, study())
    timed("at 2 landmarks", started)
    started = time.perf_counter()
    persistence_by_subject(at_landmark, whole, outcomes, study())
    timed("by subject", started)
    started = time.perf_counter()
    loss_curves(whole, outcomes, study())
    timed("loss curves", started)
    return {
        "seconds": seconds,
        "peak_gb": peak_kilobytes() / 1e6,
        "n_series": whole.height,
        "n_half_lives": int(whole["half_life_days"].count()),
    }


if __name__ == "__main__":
    print(json.dumps(measures(int(sys.argv[1]))))
