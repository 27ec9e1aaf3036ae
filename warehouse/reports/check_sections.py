"""Quality checks of incoming tables, those that failed first."""

from __future__ import annotations

from typing import Final

from warehouse.reports.blocks import Block, Folded, Mark, Section, Table, Text, Tone
from warehouse.reports.published import Published, Row
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import NOTHING, SPACE, counted, spelled


def _failed(checks: list[Row], severity: str, tone: Tone) -> str | Mark:
    own = [row for row in checks if row["severity"] == severity]
    failed = sum(not row["success"] for row in own)
    return Mark(f"{failed} of {len(own)}", tone if failed else "good") if own else NOTHING


def _severity(row: Row) -> Mark:
    return Mark(row["severity"], "good" if row["success"] else "bad" if row["severity"] == "critical" else "warn")


def _broken(row: Row) -> str:
    return NOTHING if row["n_unexpected"] is None else f"{row['n_unexpected']} of {counted(row['n_rows'], 'row')}"


def _limit(limit: float | None) -> str:
    return NOTHING if limit is None else f"at most {limit:g}{SPACE}%"


_BY_TABLE: Final = (
    Shown("Table", lambda row: spelled(row["table_name"])),
    Shown("Critical failed", lambda row: _failed(row["checks"], "critical", "bad")),
    Shown("Warning failed", lambda row: _failed(row["checks"], "warning", "warn")),
    Shown("Rows looked at", "n_rows", is_numeric=True),
    Shown("Run", "run_id"),
)

_EACH: Final = (
    Shown("Severity", _severity),
    Shown("Table", lambda row: spelled(row["table_name"])),
    Shown("Check", "says"),
    Shown("Broken by", _broken, is_numeric=True),
    Shown("Limit", lambda row: _limit(row["limit_percent"]), is_numeric=True),
    Shown("Examples", "examples"),
    Shown("Attempt", lambda row: f"{row['attempt']} (last)" if row["is_last_attempt"] else str(row["attempt"])),
)


def checks(published: Published) -> Section:
    """Checks by table and severity: those that failed, then those that held."""
    rows = published.view("report_checks")
    last = [row for row in rows if row["is_last_attempt"]]
    failed = [row for row in rows if not row["success"]]
    held = [row for row in last if row["success"]]
    caption = f"{counted(len(failed), 'check')} failed"
    blocks: list[Block] = [
        Text(
            "Each table as last checked. A critical check that fails keeps files out until the rest passes, so a table "
            "can have failed at its first attempt and hold at its last."
        ),
        _by_table(last),
        tabulate(caption, failed, _EACH, "No check failed.", rest_in="report_checks"),
    ]
    if held:
        table = tabulate("Checks that held", held, _EACH, "No check held.", rest_in="report_checks")
        blocks.append(Folded(f"{counted(len(held), 'check')} held", (table,)))
    return Section("checks", "Checks", tuple(blocks))


def _by_table(last: list[Row]) -> Table:
    names = sorted({row["table_name"] for row in last})
    own = {name: [row for row in last if row["table_name"] == name] for name in names}
    rows = [
        {
            "table_name": name,
            "checks": checks,
            "n_rows": max(row["n_rows"] for row in checks),
            "run_id": checks[0]["run_id"],
        }
        for name, checks in own.items()
    ]
    caption = "Checks that fail at the last attempt, by table and severity"
    return tabulate(caption, rows, _BY_TABLE, "No table has been checked yet.")
