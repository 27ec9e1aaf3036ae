"""Running a study from the command line: looking first, then the Prefect flow, then what to tell the person."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

from flows.prefect_settings import check_server, set_defaults, without_heartbeats
from flows.progress import shown
from flows.triggers import pages_folder, what_to_do
from warehouse import ledger
from warehouse.reports import PAGES

HELD_BACK = 3


def run(
    folder: Path,
    title: str,
    *,
    decisions: list[dict[str, str]] | None = None,
    asked: str | None = None,
    re_estimate: bool = False,
) -> dict[str, Any]:
    """Runs the study where there is something to do, and gives what the flow gave.

    Raises UsageError or StudyFileError for what the user has to mend.
    """
    asked = "re-estimation asked for" if re_estimate and not asked else asked
    todo = what_to_do(folder, date.today(), asked=asked)
    if not todo.triggers and todo.is_published and todo.head is not None:
        return {"run_id": todo.head.run_id, "triggers": [], "waiting": list(todo.seen.unreadable)}
    set_defaults(folder)
    check_server()
    with shown(f"perdure {title}"):
        from flows.run import run_study

        Thread(target=_import_ahead, daemon=True).start()
        with without_heartbeats():
            return dict(run_study(str(folder.resolve()), decisions, asked, re_estimate))


def _import_ahead() -> None:
    """Imports what takes seconds while Prefect's server starts, which is a process of its own."""
    from expectations import suites
    from warehouse.reports.pages import chart_bundle

    suites.load()
    for name in ("scipy.stats", "altair"):
        import_module(name)
    chart_bundle()


def exit_code(folder: Path, result: dict[str, Any]) -> int:
    """0 where all is accepted, 3 where a file or a row is held back, a file waits, or a critical check failed."""
    state = ledger.head(folder)
    counts = ("n_files_held", "n_rows_rejected", "n_critical_failures")
    held = state is not None and any(state.row[name] for name in counts)
    return HELD_BACK if held or result["waiting"] else 0


def summary(folder: Path, result: dict[str, Any]) -> str:
    """What a run did, where the pages are and the headline numbers."""
    from flows.status import told_lines

    if not result["triggers"]:
        did = "published what a stopped run had left" if result.get("published") else "nothing was written"
        lines = [f"Nothing new since {result['run_id']}; {did}."]
    else:
        lines = [f"{result['run_id']} done ({', '.join(result['triggers'])})."]
    lines += [f"Waits for the next run, still being copied or not readable: {path}" for path in result["waiting"]]
    lines += told_lines(folder)
    pages = pages_folder(folder).resolve()
    lines += ["", f"Study report:   {pages / PAGES[1]}", f"Quality report: {pages / PAGES[0]}"]
    return "\n".join(lines)
