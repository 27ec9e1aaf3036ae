"""Is there anything to do? Looked up without Prefect, Polars or Great Expectations: nothing new costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

from expectations.errors import UsageError
from expectations.study_file import Study, read_study
from warehouse import ledger
from warehouse.inbox import Look, Sighting, is_temporary, look, new_sightings
from warehouse.ledger import State
from warehouse.publish import published, published_run
from warehouse.reports import pages_of_run

NEW_FILES = "new files"


def program_version() -> str:
    """Version of perdure as installed."""
    return version("perdure")


@dataclass(frozen=True, slots=True)
class Todo:
    """What a look found: the state to go on from, new files, and every reason to run; none means nothing to do."""

    study: Study
    head: State | None
    seen: Look
    new: list[Sighting]
    triggers: list[str]
    """Reasons to ingest and analyse."""
    has_other_triggers: bool
    """True where there is a reason to run besides new files."""
    is_published: bool
    """False where the newest state is not what people see yet, because a run was killed before it got there."""


def what_to_do(folder: Path, today: date, *, asked: str | None = None) -> Todo:
    """Looks at the study folder. `asked` is a reason the user gave.

    Raises UsageError or StudyFileError where the folder is no study, its ledger is gone, or its study file is at fault.
    """
    study = read_study(folder)
    head = ledger.head(folder)
    if head is None and published(folder).exists():
        raise UsageError(
            str(folder / "lake" / ledger.LEDGER),
            code="study.ledger_missing",
            problem="the study has a published file but its ledger is gone, so which tables belong together is open",
            remedy="restore the folder `lake` from a backup; to begin anew from the inbox, move warehouse.duckdb away",
        )
    seen = look(study.inbox)
    files = [] if head is None else ledger.read_light(folder, "files", "file_sha256, path, reason, arrival", head)
    new = new_sightings(seen, files)
    n_new = sum(not is_temporary(one.path) for one in new)
    triggers = [asked] if asked else []
    if n_new:
        triggers.append(f"{n_new} {NEW_FILES if n_new > 1 else NEW_FILES[:-1]}")
    changes = _changes(study, head, today)
    triggers += changes
    is_published = head is not None and _everything_shows(folder, head.run_id)
    return Todo(study, head, seen, new, triggers, bool(asked or changes), is_published)


def _understood(study: Study) -> None:
    """A study file that no run has read yet is read now, so that its faults are told before anything begins."""
    _ = study.settings


def pages_folder(folder: Path) -> Path:
    """Where the two pages lie."""
    return folder / "reports"


def _everything_shows(folder: Path, run_id: str) -> bool:
    return published_run(folder) == run_id and pages_of_run(pages_folder(folder)) == run_id


def _changes(study: Study, head: State | None, today: date) -> list[str]:
    if head is None:
        _understood(study)
        return ["first run"]
    found = []
    if head.row["study_file_sha256"] != study.sha256:
        _understood(study)
        found.append("study.toml changed")
    if head.row["program_version"] != program_version():
        found.append(f"perdure is now {program_version()}")
    due = head.row["next_due_date"]
    if due is not None and today >= due:
        found.append(f"an expected visit fell due on {due}")
    return found
