"""The end of a run that changed something: computed tables, settings and checks stored, then the ledger row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import polars as pl

from expectations.ingested import INGESTED
from expectations.records import (
    CONTROL_BASELINES,
    ESTIMATES,
    FILES,
    MIMOSA_FITS,
    QUALITY_CHECKS,
    REGATED_COUNTS,
    REJECTS,
    RUNS,
    SETTINGS,
)
from expectations.study import StudySettings, flatten
from expectations.study_file import Study
from expectations.tables import TABLES
from flows.gating import keep_events, regate
from flows.triggers import program_version
from transforms.analysis import analyse
from transforms.cytometry_analysis import tubes_of
from transforms.file_states import HELD
from warehouse import lake, ledger

_KEPT: Final = (FILES, ESTIMATES, CONTROL_BASELINES, MIMOSA_FITS, REGATED_COUNTS)
"""Records that the analysis goes on from."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run in progress."""

    run_id: str
    started_at: datetime
    today: date
    trigger: str
    re_estimate: bool = False


def store_analysis(study: Study, run: Run, versions: Mapping[str, int]) -> tuple[dict[str, int], date | None]:
    """Computes every table from the named versions and stores it; gives the versions and the next due day."""
    now = dict(versions)
    days = study.settings.store.as_of_days
    stored = {table.name: lake.read(study.folder, table, versions) for table in (*INGESTED, *_KEPT)}
    found = analyse(stored, study.settings, run.today, run.run_id, re_estimate=run.re_estimate)
    for name, frame in found.tables.items():
        now[name] = lake.replace(study.folder, TABLES[name], frame, days)
    estimated = (
        (ESTIMATES, found.new_estimates),
        (CONTROL_BASELINES, found.new_baselines),
        (MIMOSA_FITS, found.new_fits),
    )
    for table, added in estimated:
        if added.height:
            now[table.name] = lake.append(study.folder, table, added, days)
    now["settings"] = lake.replace(study.folder, SETTINGS, settings_table(study.settings), days)
    checks = found.checks.with_columns(pl.lit(run.run_id).alias("run_id"), pl.lit(1, dtype=pl.Int32).alias("attempt"))
    now["quality_checks"] = lake.append(study.folder, QUALITY_CHECKS, checks, days)
    return now, found.next_due_date


def gate(study: Study, run_id: str, versions: Mapping[str, int]) -> dict[str, int]:
    """Counts again what workspaces store, keeps events where the study asks for them, and gives the new versions."""
    names = ("cytometry_samples", "cytometry_files", "cytometry_tubes", "specimens", "regated_counts")
    stored = {name: lake.read(study.folder, TABLES[name], versions) for name in names}
    if stored["cytometry_files"].is_empty():
        return dict(versions)
    stored |= tubes_of(stored, study.settings)
    regated = regate(study.folder, stored, study.settings, run_id)
    keep_events(study.folder, stored["cytometry_files"], study.settings)
    if regated.is_empty():
        return dict(versions)
    days = study.settings.store.as_of_days
    return {**versions, REGATED_COUNTS.name: lake.append(study.folder, REGATED_COUNTS, regated, days)}


def settings_table(settings: StudySettings) -> pl.DataFrame:
    """Every setting in force (SETTINGS)."""
    # The only values that are no JSON are dates.
    rows = [
        (path, json.dumps(value, ensure_ascii=False, default=str), is_default)
        for path, value, is_default in flatten(settings)
    ]
    return pl.DataFrame(rows, schema=SETTINGS.schema, orient="row")


def commit(study: Study, run: Run, versions: Mapping[str, int], n_looked_at: int, next_due: date | None) -> None:
    """Writes the ledger row: from here on the run's tables are what every reader sees."""
    files = lake.read(study.folder, FILES, versions)
    checks = lake.read(study.folder, QUALITY_CHECKS, versions).filter(pl.col("run_id") == run.run_id)
    last = checks.filter(pl.col("attempt") == pl.col("attempt").max().over("table_name", "check_name"))
    failures = last.filter(~pl.col("success") & (pl.col("severity") == "critical"))
    in_tables = files.filter(pl.col("state") == "accepted_with_rejects")["file_sha256"]
    rejects = lake.read(study.folder, REJECTS, versions).filter(pl.col("file_sha256").is_in(in_tables.implode()))
    row = {
        "run_id": run.run_id,
        "started_at": run.started_at,
        "committed_at": datetime.now(UTC).replace(tzinfo=None),
        "program_version": program_version(),
        "study_file_sha256": study.sha256,
        "as_of_date": run.today,
        "next_due_date": next_due,
        "n_files_looked_at": n_looked_at,
        "n_files_held": files.filter(pl.col("state") == HELD)["file_sha256"].n_unique(),
        "n_rows_rejected": rejects.unique(["file_sha256", "table_name", "place"]).height,
        "n_critical_failures": failures.height,
        "trigger": run.trigger,
        "table_versions": json.dumps(dict(versions), sort_keys=True),
    }
    ledger.commit(study.folder, pl.DataFrame([row], schema=RUNS.schema), study.settings.store.as_of_days)
