"""Running whole studies in tests and looking at what they publish."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb

from expectations.tables import PUBLISHED_AS, TABLES

WHEN = {"runs": ("started_at", "committed_at"), "decisions": ("decided_at",)}
"""Columns that say when: they differ between two runs over the same files."""


def leave_sections_out() -> None:
    """Makes the pages of runs in this process nothing but their header; drawing them is a quarter of a small run."""
    from warehouse.reports import quality_report, study_report

    quality_report.QUALITY_SECTIONS = ()  # type: ignore[misc]
    study_report.STUDY_SECTIONS = ()  # type: ignore[misc]


def run(folder: Path, **asked: Any) -> dict[str, Any]:
    """Runs the study through its Prefect flow in this process."""
    from flows.run import run_study

    return dict(run_study(str(folder), **asked))


def ask(folder: Path, question: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the published file."""
    with duckdb.connect(folder / "warehouse.duckdb", read_only=True) as connection:
        return connection.execute(question).fetchall()


def one(folder: Path, question: str) -> Any:
    """The one value of a query."""
    ((value,),) = ask(folder, question)
    return value


def published(folder: Path, *, leave_out: tuple[str, ...] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Every published table but for the moments in it, rows sorted."""
    told = {}
    for name, table in TABLES.items():
        if name in leave_out:
            continue
        left_out = [*WHEN.get(name, ()), *(["table_versions"] if name == "runs" else [])]
        columns = ", ".join(f'"{column}"' for column in table.schema if column not in left_out)
        told[name] = ask(folder, f'select {columns} from "{PUBLISHED_AS.get(name, name)}" order by all')
    return told


def everything_in(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and mtime of every file of the study."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def copy(folder: Path, to: Path) -> Path:
    """A copy of a study to go on from."""
    shutil.copytree(folder, to)
    return to
