"""Files and rows that came in: what was held back or split off, where, why and what to do."""

from __future__ import annotations

from typing import Final

from warehouse.reports.blocks import Folded, Mark, Section, Tone
from warehouse.reports.published import Published, Row
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import NOTHING, counted, meaning, spelled

_TONES: Final[dict[str, Tone]] = {"accepted": "good", "accepted_with_rejects": "warn", "quarantined": "bad"}


def _state(row: Row) -> Mark:
    return Mark(spelled(row["state"]), _TONES.get(row["state"], "quiet"))


_HELD: Final = (
    Shown("File", "path"),
    Shown("Reason", lambda row: Mark(row["reason"] or NOTHING, "bad")),
    Shown("Place", "problem_place"),
    Shown("Problem", "problem"),
    Shown("To mend it", "remedy"),
)

_BY_STATE: Final = (
    Shown("State", _state),
    Shown("Reason", "reason"),
    Shown("Meaning", lambda row: meaning(row["reason"]) or NOTHING),
    Shown("Files", lambda row: f"{row['n_files']} of {row['n_files_in_all']}", is_numeric=True),
    Shown("Rows read", "n_rows", is_numeric=True),
    Shown("Rows rejected", "n_rejects", is_numeric=True),
)

_EACH_FILE: Final = (
    Shown("File", "path"),
    Shown("Format", lambda row: spelled(row["format"])),
    Shown("State", _state),
    Shown("Reason", "reason"),
    Shown("Rows", "n_rows", is_numeric=True),
    Shown("Rejected", "n_rejects", is_numeric=True),
    Shown("Read on", "read_date"),
    Shown("Decision", lambda row: f"{row['decided_by']}: {row['decision_reason']}" if row["decided_by"] else NOTHING),
    Shown("SHA-256", lambda row: row["file_sha256"][:12]),
)

_RULES_BROKEN: Final = (
    Shown("Table", lambda row: spelled(row["table_name"])),
    Shown("Column", "column_name"),
    Shown("Rule", "rule"),
    Shown("In words", "says"),
    Shown("Rows", "n_rejects", is_numeric=True),
    Shown("Files", "n_files", is_numeric=True),
)

_EACH_REJECT: Final = (
    Shown("File", "path"),
    Shown("Place", "place"),
    Shown("Table", lambda row: spelled(row["table_name"])),
    Shown("Column", "column_name"),
    Shown("Value", lambda row: "(empty)" if row["value"] is None else row["value"]),
    Shown("Rule", "rule"),
    Shown("Meaning", lambda row: meaning(row["rule"]) or NOTHING),
)


def files_held(published: Published) -> Section:
    """Files held back: the reason, the place, the problem and the remedy."""
    rows = published.view("held_files")
    caption = f"{counted(len(rows), 'file')} held back"
    table = tabulate(caption, rows, _HELD, "No file is held back.", rest_in="held_files")
    return Section("held", "Files held back", (table,))


def all_files(published: Published) -> Section:
    """Every file by state and reason, then each file."""
    rows = published.rows("select * from files order by path, file_sha256")
    empty = "No file has come in yet."
    n_files = counted(len(rows), "file")
    by_state = tabulate(f"{n_files} by state and reason", published.view("report_files"), _BY_STATE, empty)
    if not rows:
        return Section("files", "All files", (by_state,))
    each = tabulate("Each file", rows, _EACH_FILE, empty, rest_in="files")
    return Section("files", "All files", (by_state, Folded(f"All {n_files}", (each,))))


def rejected_rows(published: Published) -> Section:
    """Rows split off: counts by rule, then each with its column, value and place."""
    rows = published.view("report_rejects")
    empty = "No row was rejected."
    by_rule = tabulate("Rules broken, by table and column", published.view("reject_counts"), _RULES_BROKEN, empty)
    if not rows:
        return Section("rejects", "Rejected rows", (by_rule,))
    caption = "Each broken rule; a row that broke two stands twice"
    each = tabulate(caption, rows, _EACH_REJECT, empty, rest_in="report_rejects")
    return Section("rejects", "Rejected rows", (by_rule, each))
