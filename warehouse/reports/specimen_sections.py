"""Specimens: which the study expects, which came, which are missing and why, and what their dates say."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse.reports.blocks import Chart, Mark, Section, Table
from warehouse.reports.long_tables import SHOWN, cut_note
from warehouse.reports.published import Published, Row
from warehouse.reports.specimen_chart import specimen_matrix
from warehouse.reports.wording import NOTHING, counted, meaning, number, spelled


def specimens(published: Published) -> Section:
    """Expected specimens: the matrix of subjects and visits, counts by visit, absences by reason."""
    matrix = published.view("specimen_matrix")
    subjects = len({row["subject_id"] for row in matrix})
    received = sum(row["specimen_id"] is not None or row["state"].startswith("received") for row in matrix)
    due = sum(row["state"] != "not due yet" for row in matrix)
    chart = Chart(
        anchor="specimen-matrix",
        caption=f"Expected specimens: {received} of {due} due received, of {counted(subjects, 'subject')}",
        spec=specimen_matrix(matrix),
        when_empty="No specimen is expected yet: no subject has been infused, or the study file expects none.",
    )
    return Section("specimens", "Expected and missing specimens", (chart, _by_visit(published), _absences(published)))


def _by_visit(published: Published) -> Table:
    return Table(
        caption="Specimens by visit",
        headings=("Visit", "Material", "Received of due", "Received, says nothing", "Absent", "of these unexplained", "Not due yet"),
        rows=tuple(
            (row["visit"], spelled(row["material"]), f"{row['n_received']} of {row['n_due']}", number(row["n_received_silent"]),
             number(row["n_absent"]), number(row["n_absent_unexplained"]), number(row["n_not_due"]))
            for row in published.view("specimens_by_visit")
        ),
        when_empty="No specimen is expected yet.",
        numeric=frozenset({2, 3, 4, 5, 6}),
    )  # fmt: skip


def _absences(published: Published) -> Table:
    rows = published.view("missing_specimens")
    return Table(
        caption="Absent specimens, and received ones that say nothing, by reason",
        headings=("Visit", "State", "Reason", "Meaning", "Specimens", "Subjects"),
        rows=tuple(
            (row["visit"], row["specimen_status"], Mark(spelled(row["reason"]), "warn" if row["reason"] == "unknown" else "quiet"),
             meaning(row["reason"]), number(row["n_specimens"]), row["subjects"])
            for row in rows
        ),
        when_empty="No specimen that is due is missing.",
        numeric=frozenset({4}),
    )  # fmt: skip


def visit_findings(published: Published) -> Section:
    """Specimens outside every window or of another visit than declared, and baselines judged by day 0 alone."""
    rows = published.view("visit_findings")
    table = Table(
        caption=f"{counted(len(rows), 'finding')} about dates",
        headings=("Finding", "Subject", "Specimen", "Date", "Study day", "Declared visit", "Visit by date"),
        rows=tuple(
            (row["finding"], row["subject_id"], row["specimen_id"] or NOTHING, str(row["collection_date"] or NOTHING),
             number(row["study_day"]), row["declared_visit"] or NOTHING, row["visit"] or NOTHING)
            for row in rows[:SHOWN]
        ),
        when_empty="Every blood specimen lies in the window of its declared visit.",
        numeric=frozenset({4}),
        notes=(*cut_note(rows, "visit_findings"), *_baseline_note(rows)),
    )  # fmt: skip
    return Section("dates", "Visits and dates", (table,))


def _baseline_note(rows: Iterable[Row]) -> tuple[str, ...]:
    if not any(row["finding"] == "lymphodepletion start unknown" for row in rows):
        return ()
    return ("Where the start of lymphodepletion is unknown, baseline is the last evaluable sample on or before day 0.",)
