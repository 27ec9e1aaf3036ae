"""Specimens: which the study expects, which came, which are missing and why, and what their dates say."""

from __future__ import annotations

from typing import Final

from warehouse.reports.blocks import Chart, Mark, Section
from warehouse.reports.published import Published, Row
from warehouse.reports.specimen_chart import specimen_matrix
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import NOTHING, counted, meaning, spelled

_BY_VISIT: Final = (
    Shown("Visit", "visit"),
    Shown("Material", lambda row: spelled(row["material"])),
    Shown("Received of due", lambda row: f"{row['n_received']} of {row['n_due']}", is_numeric=True),
    Shown("Received, says nothing", "n_received_silent", is_numeric=True),
    Shown("Absent", "n_absent", is_numeric=True),
    Shown("of these unexplained", "n_absent_unexplained", is_numeric=True),
    Shown("Not due yet", "n_not_due", is_numeric=True),
)

_ABSENCES: Final = (
    Shown("Visit", "visit"),
    Shown("State", "specimen_status"),
    Shown("Reason", lambda row: Mark(spelled(row["reason"]), "warn" if row["reason"] == "unknown" else "quiet")),
    Shown("Meaning", lambda row: meaning(row["reason"]) or NOTHING),
    Shown("Specimens", "n_specimens", is_numeric=True),
    Shown("Subjects", "subjects"),
)

_FINDINGS: Final = (
    Shown("Finding", "finding"),
    Shown("Subject", "subject_id"),
    Shown("Specimen", "specimen_id"),
    Shown("Date", "collection_date"),
    Shown("Study day", "study_day", is_numeric=True),
    Shown("Declared visit", "declared_visit"),
    Shown("Visit by date", "visit"),
)


def specimens(published: Published) -> Section:
    """Expected specimens: the matrix of subjects and visits, counts by visit, absences by reason."""
    matrix = published.view("specimen_matrix")
    received = sum(row["state"].startswith("received") for row in matrix)
    due = sum(row["state"] != "not due yet" for row in matrix)
    subjects = counted(len({row["subject_id"] for row in matrix}), "subject")
    chart = Chart(
        anchor="specimen-matrix",
        caption=f"Expected specimens: {received} of {due} due received, of {subjects}",
        spec=specimen_matrix(matrix),
        when_empty="No specimen is expected yet: no subject has been infused, or the study file expects none.",
    )
    visits, absences = published.view("specimens_by_visit"), published.view("missing_specimens")
    by_visit = tabulate("Specimens by visit", visits, _BY_VISIT, "No specimen is expected yet.")
    caption = "Absent specimens, and received ones that say nothing, by reason"
    by_reason = tabulate(caption, absences, _ABSENCES, "No specimen that is due is missing.")
    return Section("specimens", "Expected and missing specimens", (chart, by_visit, by_reason))


def visit_findings(published: Published) -> Section:
    """Specimens outside every window or of another visit than declared, and baselines judged by day 0 alone."""
    rows = published.view("visit_findings")
    table = tabulate(
        f"{counted(len(rows), 'finding')} about dates",
        rows,
        _FINDINGS,
        "Every blood specimen lies in the window of its declared visit.",
        notes=_baseline_note(rows),
        rest_in="visit_findings",
    )
    return Section("dates", "Visits and dates", (table,))


def _baseline_note(rows: list[Row]) -> tuple[str, ...]:
    if not any(row["finding"] == "lymphodepletion start unknown" for row in rows):
        return ()
    return ("Where the start of lymphodepletion is unknown, baseline is the last evaluable sample on or before day 0.",)
