"""Quality checks of incoming tables, those that failed first."""

from __future__ import annotations

from warehouse.reports.blocks import Block, Folded, Mark, Section, Table, Text, Tone
from warehouse.reports.long_tables import SHOWN, cut_note
from warehouse.reports.published import Published, Row
from warehouse.reports.wording import NOTHING, SPACE, counted, number, spelled


def checks(published: Published) -> Section:
    """Checks by table and severity: those that failed, then those that held."""
    rows = published.view("report_checks")
    last = [row for row in rows if row["is_last_attempt"]]
    failed = [row for row in rows if not row["success"]]
    held = [row for row in last if row["success"]]
    blocks: list[Block] = [
        Text(
            "Each table as last checked. A critical check that fails keeps files out until the rest passes, so a table "
            "can have failed at its first attempt and hold at its last."
        ),
        _by_table(last),
        _checks_table(f"{counted(len(failed), 'check')} failed", failed, "No check failed."),
    ]
    if held:
        blocks.append(Folded(f"{counted(len(held), 'check')} held", (_checks_table("Checks that held", held, ""),)))
    return Section("checks", "Checks", tuple(blocks))


def _by_table(last: list[Row]) -> Table:
    def cell(rows: list[Row], severity: str, tone: Tone) -> str | Mark:
        own = [row for row in rows if row["severity"] == severity]
        failed = sum(not row["success"] for row in own)
        return Mark(f"{failed} of {len(own)}", tone if failed else "good") if own else NOTHING

    names = sorted({row["table_name"] for row in last})
    own = {name: [row for row in last if row["table_name"] == name] for name in names}
    return Table(
        caption="Checks that fail at the last attempt, by table and severity",
        headings=("Table", "Critical failed", "Warning failed", "Rows looked at", "Run"),
        rows=tuple(
            (spelled(name), cell(rows, "critical", "bad"), cell(rows, "warning", "warn"), number(max(row["n_rows"] for row in rows)), rows[0]["run_id"])
            for name, rows in own.items()
        ),
        when_empty="No table has been checked yet.",
        numeric=frozenset({3}),
    )  # fmt: skip


def _checks_table(caption: str, rows: list[Row], when_empty: str) -> Table:
    return Table(
        caption=caption,
        headings=("Severity", "Table", "Check", "Broken by", "Limit", "Examples", "Attempt"),
        rows=tuple(
            (_severity(row), spelled(row["table_name"]), row["says"], _broken(row), _limit(row["limit_percent"]), row["examples"] or NOTHING, _attempt(row))
            for row in rows[:SHOWN]
        ),
        when_empty=when_empty,
        numeric=frozenset({3, 4}),
        notes=cut_note(rows, "report_checks"),
    )  # fmt: skip


def _severity(row: Row) -> Mark:
    tone: Tone = "good" if row["success"] else "bad" if row["severity"] == "critical" else "warn"
    return Mark(row["severity"], tone)


def _broken(row: Row) -> str:
    return NOTHING if row["n_unexpected"] is None else f"{row['n_unexpected']} of {counted(row['n_rows'], 'row')}"


def _limit(limit: float | None) -> str:
    return NOTHING if limit is None else f"at most {limit:g}{SPACE}%"


def _attempt(row: Row) -> str:
    return f"{row['attempt']} (last)" if row["is_last_attempt"] else str(row["attempt"])
