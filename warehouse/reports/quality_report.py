"""The quality report: its sections in order, one function each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from warehouse.reports.blocks import Section, Tile, Tiles, Tone
from warehouse.reports.call_sections import calls, limits
from warehouse.reports.check_sections import checks
from warehouse.reports.cytometry_quality_sections import acquisition, fits, tubes
from warehouse.reports.file_sections import all_files, files_held, rejected_rows
from warehouse.reports.plate_finding_sections import plate_findings
from warehouse.reports.plate_quality_sections import plate_trends
from warehouse.reports.published import Published, Row
from warehouse.reports.regating_sections import regated
from warehouse.reports.settings_sections import changed_settings
from warehouse.reports.specimen_sections import specimens, visit_findings
from warehouse.reports.tumour_sections import response_differences
from warehouse.reports.wording import counted, number


def glance(published: Published) -> Section:
    """How much came in, was held back, failed a check, or is missing."""
    row = published.only("summary_of_quality")
    return Section("glance", "At a glance", (Tiles((*_files(row), _checks(row), _rows(row), _specimens(row))),))


def _files(row: Row) -> tuple[Tile, Tile]:
    taken_in = row["n_accepted"] + row["n_accepted_with_rejects"]
    details = (
        f"{row['n_accepted_with_rejects']} of them with rejected rows",
        f"{row['n_set_aside']} duplicate, superseded or ignored",
    )
    held = (f"of {counted(row['n_files'], 'file')}",)
    return (
        Tile("Files taken in", f"{taken_in} of {row['n_files']}", details),
        Tile("Files held back", number(row["n_held"]), held, _bad_if(row["n_held"])),
    )


def _checks(row: Row) -> Tile:
    failed = row["n_critical_failed"]
    details = (
        f"{row['n_critical_failing']} of them still after files were held back",
        f"{row['n_warning_failed']} with a warning; {counted(row['n_checks'], 'check')} in all",
    )
    return Tile("Checks failed", f"{failed} critical", details, _bad_if(failed))


def _rows(row: Row) -> Tile:
    return Tile("Rows rejected", number(row["n_rejected_rows"]), ("kept with rule, column, value and place",))


def _specimens(row: Row) -> Tile:
    details = (
        f"of those due; {row['n_not_due']} not due yet",
        f"{row['n_absent']} absent, {row['n_absent_unexplained']} of them unexplained",
    )
    return Tile("Specimens received", f"{row['n_received']} of {row['n_due']}", details)


def _bad_if(count: int) -> Tone:
    return "bad" if count else "good"


QUALITY_SECTIONS: Final[tuple[Callable[[Published], Section | None], ...]] = (
    glance,
    files_held,
    all_files,
    checks,
    rejected_rows,
    specimens,
    visit_findings,
    response_differences,
    plate_findings,
    plate_trends,
    tubes,
    regated,
    acquisition,
    fits,
    calls,
    limits,
    changed_settings,
)
"""In the order of the page; a section that gives None has nothing to do in this study."""
