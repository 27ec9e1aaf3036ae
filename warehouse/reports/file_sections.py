"""Files and rows that came in: what was held back or split off, where, why and what to do."""

from __future__ import annotations

from typing import Final

from warehouse.reports.blocks import Block, Folded, Mark, Section, Table, Tone
from warehouse.reports.long_tables import SHOWN, cut_note
from warehouse.reports.published import Published, Row
from warehouse.reports.wording import NOTHING, counted, meaning, number, spelled

_FILE_TONES: Final[dict[str, Tone]] = {"accepted": "good", "accepted_with_rejects": "warn", "quarantined": "bad"}


def files_held(published: Published) -> Section:
    """Files held back: the reason, the place, the problem and the remedy."""
    rows = published.view("held_files")
    table = Table(
        caption=f"{counted(len(rows), 'file')} held back",
        headings=("File", "Reason", "Place", "Problem", "To mend it"),
        rows=tuple(
            (row["path"], Mark(row["reason"] or "", "bad"), row["problem_place"] or NOTHING, row["problem"] or NOTHING, row["remedy"] or NOTHING)
            for row in rows[:SHOWN]
        ),
        when_empty="No file is held back.",
        notes=cut_note(rows, "held_files"),
    )  # fmt: skip
    return Section("held", "Files held back", (table,))


def all_files(published: Published) -> Section:
    """Every file by state and reason, then each file."""
    counts = published.view("report_files")
    rows = published.rows("select * from files order by path, file_sha256")
    by_state = Table(
        caption=f"{counted(len(rows), 'file')} by state and reason",
        headings=("State", "Reason", "Meaning", "Files", "Rows read", "Rows rejected"),
        rows=tuple(
            (_state(row["state"]), row["reason"] or NOTHING, meaning(row["reason"]) or NOTHING,
             f"{row['n_files']} of {row['n_files_in_all']}", number(row["n_rows"]), number(row["n_rejects"]))
            for row in counts
        ),
        when_empty="No file has come in yet.",
        numeric=frozenset({3, 4, 5}),
    )  # fmt: skip
    each = Table(
        caption="Each file",
        headings=("File", "Format", "State", "Reason", "Rows", "Rejected", "Read on", "Decision", "SHA-256"),
        rows=tuple(
            (row["path"], spelled(row["format"]), _state(row["state"]), row["reason"] or NOTHING, number(row["n_rows"]),
             number(row["n_rejects"]), str(row["read_date"] or NOTHING), _decision(row), row["file_sha256"][:12])
            for row in rows[:SHOWN]
        ),
        when_empty="No file has come in yet.",
        numeric=frozenset({4, 5}),
        notes=cut_note(rows, "files"),
    )  # fmt: skip
    folded: tuple[Block, ...] = (Folded(f"All {counted(len(rows), 'file')}", (each,)),) if rows else ()
    return Section("files", "All files", (by_state, *folded))


def _state(state: str) -> Mark:
    return Mark(spelled(state), _FILE_TONES.get(state, "quiet"))


def _decision(row: Row) -> str:
    return f"{row['decided_by']}: {row['decision_reason']}" if row["decided_by"] else NOTHING


def rejected_rows(published: Published) -> Section:
    """Rows split off: counts by rule, then each with its column, value and place."""
    counts = published.view("reject_counts")
    rows = published.view("report_rejects")
    by_rule = Table(
        caption="Rules broken, by table and column",
        headings=("Table", "Column", "Rule", "In words", "Rows", "Files"),
        rows=tuple(
            (spelled(row["table_name"]), row["column_name"], row["rule"], row["says"], number(row["n_rejects"]), number(row["n_files"]))
            for row in counts
        ),
        when_empty="No row was rejected.",
        numeric=frozenset({4, 5}),
    )  # fmt: skip
    each = Table(
        caption="Each broken rule; a row that broke two stands twice",
        headings=("File", "Place", "Table", "Column", "Value", "Rule", "Meaning"),
        rows=tuple(
            (row["path"], row["place"], spelled(row["table_name"]), row["column_name"], _value(row["value"]), row["rule"], meaning(row["rule"]))
            for row in rows[:SHOWN]
        ),
        when_empty="No row was rejected.",
        notes=cut_note(rows, "report_rejects"),
    )  # fmt: skip
    return Section("rejects", "Rejected rows", (by_rule, each) if rows else (by_rule,))


def _value(value: str | None) -> str:
    return "(empty)" if value is None else value
