"""What a person wants to know of a study at a glance, from the published file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from flows.triggers import what_to_do
from warehouse.query import opened, rows

Asked = Any
"""An open connection to the published file."""

_FEW = 12


def status_lines(folder: Path) -> list[str]:
    """The whole of `perdure status`."""
    todo = what_to_do(folder, date.today())
    name = folder.resolve().name
    if todo.head is None:
        waiting = f"{len(todo.seen.sightings)} file(s) in the inbox"
        return [f"{name}: never run. {waiting}. Next: `perdure run {folder}`"]
    row = todo.head.row
    lines = [f"{name}: {row['run_id']} of {row['committed_at']:%Y-%m-%d %H:%M} UTC, perdure {row['program_version']}"]
    lines.append(
        f"To do: {', '.join(todo.triggers)}. Next: `perdure run {folder}`" if todo.triggers else "Nothing new."
    )
    if not todo.is_published:
        lines.append("The last run was stopped before it published; `perdure run` finishes it.")
        return lines
    with opened(folder) as asked:
        return [*lines, "", *files_lines(asked, folder), "", *missing_lines(asked), "", *headline_lines(asked)]


def told_lines(folder: Path) -> list[str]:
    """Files and headline numbers, as a run tells them at its end."""
    with opened(folder) as asked:
        return [*files_lines(asked, folder), "", *headline_lines(asked)]


def files_lines(asked: Asked, folder: Path) -> list[str]:
    """Files by state, and those held back with place, problem and remedy."""
    states = rows(asked, "select state, sum(n_files)::bigint as n from report_files group by state order by n desc")
    held = rows(asked, "select * from held_files")
    lines = ["Files: " + (", ".join(f"{row['n']} {row['state'].replace('_', ' ')}" for row in states) or "none")]
    for row in held[:_FEW]:
        place = f", {row['problem_place']}" if row["problem_place"] else ""
        what = f"{row['problem'].rstrip('.')}. {_sentence(row['remedy'])}"
        lines.append(f"  held back [{row['reason']}] {row['path']}{place}: {what}")
    if len(held) > _FEW:
        lines.append(f"  and {len(held) - _FEW} more: perdure quarantine {folder}")
    rejects = rows(asked, "select n_rows_rejected as n from runs order by run_id desc limit 1")[0]["n"]
    if rejects:
        which = f"{rejects} row{'s' if rejects > 1 else ''}"
        lines.append(f"  {which} of accepted files rejected and not in the tables: see the quality report")
    return lines


def missing_lines(asked: Asked) -> list[str]:
    """Expected specimens that are absent, by visit and reason."""
    absent = rows(asked, "select * from missing_specimens where specimen_status = 'absent'")
    if not absent:
        return ["No expected specimen is absent."]
    return [
        "Absent specimens:",
        *(f"  {row['visit']} ({row['material']}): {row['n_specimens']} {row['reason']}" for row in absent),
    ]


def headline_lines(asked: Asked) -> list[str]:
    """The three headline numbers with their denominators and intervals."""
    numbers = {row["headline"]: row for row in rows(asked, "select * from headline where is_lead order by position")}
    simulated = rows(asked, "select value from settings where setting = 'study.simulated'")
    lines = ["Simulated data." if simulated and simulated[0]["value"] == "true" else ""]
    if (rate := numbers.get("objective_response_rate")) and rate["value"] is not None:
        lines.append(
            f"Objective response rate: {rate['n_with']}/{rate['n']} {rate['population']} = {rate['value']:.1f} %"
            f" (95 % interval {rate['lower']:.1f} to {rate['upper']:.1f} %)"
        )
    if (median := numbers.get("median_overall_survival")) and median["value"] is not None:
        lines.append(
            f"Median overall survival: {median['value']:.1f} months (95 % interval {_or(median['lower'])} to"
            f" {_or(median['upper'])}; {median['n_with']} deaths in {median['n']} {median['population']})"
        )
    lines += _primary(numbers.get("primary_association"))
    return [line for line in lines if line]


def _primary(row: dict[str, Any] | None) -> list[str]:
    if row is None:
        return []
    if row["p_value"] is None:
        return [f"Primary association: not estimable ({row['reason']}; n = {row['n']})"]
    estimate = f"{row['unit']} {row['value']:.3g}, " if row["value"] is not None else ""
    return [
        f"Primary association: {estimate}p = {row['p_value']:.3g} (n = {row['n']}); an association, not a prediction"
    ]


def _or(value: float | None) -> str:
    return "not reached" if value is None else f"{value:.1f}"


def _sentence(text: str | None) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}." if text else ""
