"""The quality report: its sections in order, one function each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from warehouse.reports.blocks import Section, Tile, Tiles, Tone
from warehouse.reports.call_sections import calls, limits
from warehouse.reports.check_sections import checks
from warehouse.reports.file_sections import all_files, files_held, rejected_rows
from warehouse.reports.published import Published
from warehouse.reports.settings_sections import changed_settings
from warehouse.reports.specimen_sections import specimens, visit_findings
from warehouse.reports.wording import counted, number


def glance(published: Published) -> Section:
    """How much came in, was held back, failed a check, or is missing."""
    row = published.only("summary_of_quality")
    tiles = (
        Tile(
            "Files taken in",
            f"{row['n_accepted'] + row['n_accepted_with_rejects']} of {row['n_files']}",
            (f"{row['n_accepted_with_rejects']} of them with rejected rows", f"{row['n_set_aside']} duplicate, superseded or ignored"),
        ),
        Tile("Files held back", number(row["n_held"]), (f"of {counted(row['n_files'], 'file')}",), _bad_if(row["n_held"])),
        Tile(
            "Checks failed",
            f"{row['n_critical_failed']} critical",
            (f"{row['n_warning_failed']} with a warning", f"of {counted(row['n_checks'], 'check')}"),
            _bad_if(row["n_critical_failed"]),
        ),
        Tile("Rows rejected", number(row["n_rejected_rows"]), ("kept with rule, column, value and place",)),
        Tile(
            "Specimens received",
            f"{row['n_received']} of {row['n_due']} due",
            (f"{row['n_absent']} absent, {row['n_absent_unexplained']} of them unexplained", f"{row['n_not_due']} not due yet"),
        ),
    )  # fmt: skip
    return Section("glance", "At a glance", (Tiles(tiles),))


def _bad_if(count: int) -> Tone:
    return "bad" if count else "good"


QUALITY_SECTIONS: Final[tuple[Callable[[Published], Section], ...]] = (
    glance,
    files_held,
    all_files,
    checks,
    rejected_rows,
    specimens,
    visit_findings,
    calls,
    limits,
    changed_settings,
)
"""In the order of the page."""
