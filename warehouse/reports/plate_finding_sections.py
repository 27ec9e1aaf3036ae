"""What does not fit about plates: wells, specimens and antigens by reason, each reason with what to do about it."""

from __future__ import annotations

from typing import Final

from expectations.reasons import reason
from warehouse.reports.blocks import Block, Folded, Section
from warehouse.reports.findings import details, places
from warehouse.reports.published import Published, Row
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import counted, meaning

_BY_REASON: Final = (
    Shown("Reason", "reason"),
    Shown("Meaning", lambda row: meaning(row["reason"])),
    Shown("To mend it", lambda row: reason(row["reason"]).remedy),
    Shown("Plates", lambda row: f"{row['n_plates']} of {row['n_plates_in_all']}", is_numeric=True),
    Shown("Findings", "n_findings", is_numeric=True),
)

_BY_PLATE: Final = (
    Shown("Plate", "plate_id"),
    Shown("Analyte", "analyte"),
    Shown("Findings", "n_findings", is_numeric=True),
    Shown("Where", places),
    Shown("What was found", details),
)


def plate_findings(published: Published) -> Section:
    """Findings about plates: a line a reason with meaning and remedy, and behind it the plates."""
    reasons = published.view("plate_findings_by_reason")
    n_findings = sum(row["n_findings"] for row in reasons)
    caption = f"{counted(n_findings, 'finding')} about plates, by reason"
    by_reason = tabulate(
        caption, reasons, _BY_REASON, "Every counted well has a layout, and every antigen its control."
    )
    blocks: list[Block] = [by_reason, *(_plates(published, row) for row in reasons)]
    return Section("plates", "Plates and layouts", tuple(blocks))


def _plates(published: Published, row: Row) -> Folded:
    code = row["reason"]
    n = f"{counted(row['n_plates'], 'plate')}, {counted(row['n_findings'], 'finding')}"
    plates = published.rows("select * from plate_findings_by_plate where reason = ?", code)
    table = tabulate(f"Plates with {code}", plates, _BY_PLATE, "No plate has it.", rest_in="plate_findings_by_plate")
    return Folded(f"{code}: {n}", (table,))
