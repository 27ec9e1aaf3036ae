"""`perdure quarantine`: what is held back, and what a person decides about it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import click

from expectations.errors import UsageError
from flows.running import run, summary
from warehouse.query import opened, rows

_FEW = 20
"""Rejected rows shown of one file; the rest stands in the quality report."""

ACTIONS = ("list", "show", "retry", "release", "dismiss")


def act(folder: Path, action: str, name: str | None, because: str | None) -> dict[str, Any] | None:
    """Does one action; gives the run's result where one was needed.

    Raises UsageError for an action that is none, a file that is not held back, or a decision without a reason.
    """
    if action not in ACTIONS:
        raise UsageError(
            f"quarantine {action}",
            code="quarantine.usage",
            problem="there is no such action",
            remedy=f"use one of {', '.join(ACTIONS)}",
        )
    if action == "list":
        _list(folder)
        return None
    if action == "retry" and name is None:
        return _run(folder, "retry asked for", [])
    row = _one(folder, name, any_state=action in ("release", "show"))
    if action == "show":
        _show(folder, row)
        return None
    if action == "retry":
        return _run(folder, f"retry of {row['path']} asked for", [])
    if not (because or "").strip():
        raise UsageError(
            f"quarantine {action}",
            code="quarantine.usage",
            problem="a decision needs its reason",
            remedy='add --because "..."; it is kept with the decision',
        )
    decision = {
        "file_sha256": row["file_sha256"],
        "action": action,
        "decided_by": getpass.getuser(),
        "because": str(because).strip(),
    }
    return _run(folder, f"{action} of {row['path']}", [decision])


def _run(folder: Path, asked: str, decisions: list[dict[str, str]]) -> dict[str, Any]:
    result = run(folder, str(folder), decisions=decisions, asked=asked)
    click.echo(summary(folder, result))
    return result


def _list(folder: Path) -> None:
    with opened(folder) as connection:
        held = rows(connection, "select * from held_files")
        partly = rows(connection, "select * from files where state = 'accepted_with_rejects' order by path")
    if not held and not partly:
        click.echo("Nothing is held back.")
    for row in held:
        click.echo(f"{row['file_sha256'][:12]}  {row['reason']:<24}  {row['path']}")
    for row in partly:
        which = f"{row['n_rejects']} of {row['n_rows']} rows rejected"
        click.echo(f"{row['file_sha256'][:12]}  {row['reason']:<24}  {row['path']} ({which})")
    if held or partly:
        click.echo(
            f"\n{len(held)} held back, {len(partly)} accepted but for some rows. "
            f"`perdure quarantine {folder} show FILE` says what is wrong and what to do."
        )


def _show(folder: Path, row: dict[str, Any]) -> None:
    for label, key in (
        ("File", "path"),
        ("sha256", "file_sha256"),
        ("State", "state"),
        ("Reason", "reason"),
        ("Place", "problem_place"),
        ("Problem", "problem"),
        ("Remedy", "remedy"),
        ("Plates", "plates"),
        ("First seen", "first_run_id"),
        ("Decided by", "decided_by"),
        ("Because", "decision_reason"),
    ):
        if row[key] is not None:
            click.echo(f"{label + ':':<12} {row[key]}")
    digest = row["file_sha256"]
    with opened(folder) as connection:
        for one in rows(connection, f"select * from rejects where file_sha256 = '{digest}' limit {_FEW}"):
            value = f" {one['value']!r}" if one["value"] is not None else ""
            click.echo(f"{'Row:':<12} {one['table_name']}, {one['place']}: {one['column_name']}{value} [{one['rule']}]")
    click.echo(f"{'Kept as:':<12} archive/{digest[:2]}/{digest}")


def _one(folder: Path, name: str | None, *, any_state: bool) -> dict[str, Any]:
    with opened(folder) as connection:
        known = rows(connection, "select * from files where reason is distinct from 'duplicate.same_bytes'")
    fitting = [row for row in known if name and (row["path"] == name or row["file_sha256"].startswith(name))]
    held = [row for row in fitting if any_state or row["state"] == "quarantined"]
    if len(held) == 1:
        return held[0]
    if len(held) > 1:
        choices = ", ".join(f"{row['file_sha256'][:12]} ({row['state']})" for row in held)
        problem, remedy = f"{name} stands for {len(held)} files", f"name one by its sha256: {choices}"
    elif fitting:
        problem, remedy = f"{name} is not held back; it is {fitting[0]['state']}", f"see `perdure quarantine {folder}`"
    else:
        problem, remedy = (
            f"{name or 'no file'} is not known",
            f"name a file of `perdure quarantine {folder}` by path or sha256",
        )
    raise UsageError("quarantine", code="quarantine.no_such_file", problem=problem, remedy=remedy)
