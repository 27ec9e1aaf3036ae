"""Runs that die: a process that is killed (SIGKILL) at a chosen step of a run, as a power cut would."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = {
    "new bytes archived": ("warehouse.archive", "keep", 1, "after"),
    "nothing written yet": ("warehouse.lake", "_write", 1, "before"),
    "some ingested tables written": ("warehouse.lake", "_write", 1, "after"),
    "old rows deleted, new ones not yet added": ("warehouse.lake", "append", 2, "before"),
    "all ingested tables and the files written": ("flows.recording", "analyse", 1, "before"),
    "some computed tables written": ("warehouse.lake", "_write", 12, "after"),
    "everything written, ledger not yet": ("warehouse.ledger", "commit", 1, "before"),
    "ledger written, nothing published": ("warehouse.ledger", "commit", 1, "after"),
    "new database built beside the old one": ("warehouse.publish", "_set_stale_log_aside", 1, "before"),
    "database renamed, its marker not yet": ("warehouse.publish", "_set_stale_log_aside", 1, "after_next_replace"),
    "one page written": ("warehouse.reports.pages", "_replace", 1, "after"),
}
"""Step of a run to (module, function, how many calls of it, before or after the last of them)."""


def run_and_die(folder: Path, step: str, context: multiprocessing.context.BaseContext) -> int:
    """Runs the study in a process of its own that dies at the step; gives its exit code (-9 for killed)."""
    process = context.Process(target=_run, args=(str(folder), step))  # type: ignore[attr-defined]
    process.start()
    process.join(120)
    assert process.exitcode is not None, "the run did not end"
    return int(process.exitcode)


def _run(folder: str, step: str) -> None:
    import importlib

    module_name, function_name, count, moment = STEPS[step]
    module = importlib.import_module(module_name)
    real = getattr(module, function_name)
    calls = 0

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        is_last = calls == count
        if is_last and moment == "before":
            die()
        result = real(*arguments, **named)
        if is_last and moment == "after":
            die()
        if is_last and moment == "after_next_replace":
            _die_after(Path, "replace")
        return result

    setattr(module, function_name, counted)
    from flows.run import run_study
    from tests.running import leave_sections_out
    from warehouse import inbox

    inbox.SETTLE_SECONDS = 0.02  # type: ignore[misc]
    leave_sections_out()

    run_study(folder)


def _die_after(owner: type, name: str) -> None:
    real: Callable[..., Any] = getattr(owner, name)

    def last(*arguments: Any) -> None:
        real(*arguments)
        die()

    setattr(owner, name, last)


def die() -> None:
    """As `kill -9` does it: no handler, no clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)
