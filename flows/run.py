"""The Prefect flows. `run_study` is what a schedule and the command line start; the others are its parts.

Parameters are plain JSON, so that every flow run can be read and repeated from the Prefect server; frames pass from
flow to flow as versions of Delta tables. Tasks are coarse: a task a row would cost more than the row.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from expectations import suites
from expectations.study_file import Study, read_study
from flows.ingestion import Decision, Ingestion
from flows.prefect_settings import without_heartbeats
from flows.recording import Run, commit, gate, store_analysis
from flows.triggers import pages_folder, what_to_do
from warehouse import lake, ledger
from warehouse.lock import writing
from warehouse.publish import publish as publish_state
from warehouse.publish import published
from warehouse.reports import write_pages

LOG = logging.getLogger("perdure")


@flow(name="run-study", flow_run_name="run {study_folder}")
def run_study(
    study_folder: str,
    decisions: list[dict[str, str]] | None = None,
    asked: str | None = None,
    re_estimate: bool = False,
) -> dict[str, Any]:
    """Ingest, analyse, publish and report one study; nothing new writes nothing.

    Args:
        study_folder: the study folder.
        decisions: what a person decided about files held back (file_sha256, action, decided_by, because).
        asked: a reason to run although nothing is new.
        re_estimate: True makes new versions of estimates whose input has changed.
    """
    LOG.setLevel(logging.INFO)  # a worker's own level would keep perdure's lines out of Prefect's log
    folder = Path(study_folder).resolve()
    read_study(folder)  # a folder that is no study is told so before anything is made in it
    with writing(folder), without_heartbeats():
        todo = what_to_do(folder, date.today(), asked=asked)
        taken: dict[str, Any] = {"waiting": list(todo.seen.unreadable), "versions": None}
        trigger = ", ".join(todo.triggers)
        if todo.triggers:
            run_id = ledger.run_name(1 if todo.head is None else todo.head.number + 1)
            LOG.info("%s: %s", run_id, trigger)
            taken = ingest(
                study_folder=str(folder),
                run_id=run_id,
                decisions=decisions or [],
                only_files=not todo.has_other_triggers,
            )
        if taken["versions"] is not None:
            analyse(study_folder=str(folder), run_id=run_id, taken=taken, trigger=trigger, re_estimate=re_estimate)
        state = ledger.head(folder)
        must_publish = state is not None and (taken["versions"] is not None or not todo.is_published)
        if state is not None and must_publish:
            publish(study_folder=str(folder), run_id=state.run_id)
            report(study_folder=str(folder), run_id=state.run_id)
            lake.tidy(folder, state.versions, todo.study.settings.store.as_of_days)
        did = todo.triggers if taken["versions"] is not None else []
        run = state.run_id if state else None
        return {"run_id": run, "triggers": did, "waiting": taken["waiting"], "published": must_publish}


@flow(name="ingest", flow_run_name="ingest {run_id}")
def ingest(study_folder: str, run_id: str, decisions: list[dict[str, str]], only_files: bool) -> dict[str, Any]:
    """New and unfinished files into the lake; gives the table versions, when it began and which files wait.

    Where new files are the only reason to run and all of them still wait, there are no versions: nothing was written.
    """
    started_at = datetime.now(UTC).replace(tzinfo=None)
    folder = Path(study_folder)
    todo = what_to_do(folder, date.today())
    versions = lake.repair(folder, {} if todo.head is None else todo.head.versions)
    number = ledger.run_number(run_id)
    suites.load()
    work = Ingestion(todo, run_id, number, versions, [Decision(**one) for one in decisions])
    n_files = _task("take in files", work.take_in)
    if only_files and not work.has_seen_anything:
        return {"versions": None, "waiting": work.waiting}
    LOG.info("%d file%s to read", n_files, "" if n_files == 1 else "s")
    _task("read files", work.read)
    n_held = _task("judge files", work.judge)
    n_held += len(work.events.refused)
    LOG.info("%d file%s held back in this run", n_held, "" if n_held == 1 else "s")
    stored = _task("store tables", work.store)
    return {
        "versions": stored,
        "started_at": started_at.isoformat(),
        "n_files": n_files,
        "waiting": work.waiting,
        "study_file": todo.study.raw.decode(),
    }


@flow(name="analyse", flow_run_name="analyse {run_id}")
def analyse(study_folder: str, run_id: str, taken: dict[str, Any], trigger: str, re_estimate: bool) -> None:
    """Every computed table from the versions an ingest gave, then the ledger row that makes all of it visible."""
    study = Study(Path(study_folder), taken["study_file"].encode())  # the one the files were judged by
    run = Run(run_id, datetime.fromisoformat(taken["started_at"]), date.today(), trigger, re_estimate)
    gated = _task("gate cytometry", gate, study, run_id, taken["versions"])
    LOG.info("calling responses, persistence and outcome")
    versions, next_due = _task("compute tables", store_analysis, study, run, gated)
    _task("commit", commit, study, run, versions, taken["n_files"], next_due)


@flow(name="publish", flow_run_name="publish {run_id}")
def publish(study_folder: str, run_id: str) -> str:
    """The published DuckDB file of the newest state."""
    folder = Path(study_folder)
    state = ledger.head(folder)
    if state is None or state.run_id != run_id:
        raise ValueError(f"{run_id} is not the newest state of {folder}")
    LOG.info("publishing %s", published(folder).name)
    return str(_task("publish", publish_state, folder, state))


@flow(name="report", flow_run_name="report {run_id}")
def report(study_folder: str, run_id: str) -> list[str]:
    """The two pages, from the published file."""
    folder = Path(study_folder)
    LOG.info("writing the quality report and the study report")
    return [str(page) for page in _task("write pages", write_pages, published(folder), pages_folder(folder), run_id)]


def _task(name: str, work: Any, *arguments: Any) -> Any:
    """Runs a step as a Prefect task. Its inputs are frames and settings, which are no cache key: nothing is cached."""
    return task(name=name, cache_policy=NO_CACHE)(lambda: work(*arguments))()
