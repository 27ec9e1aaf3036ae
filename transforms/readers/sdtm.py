"""CDISC SDTM datasets (DM, EX, DS, RS, TR, TU, LB) as CSV or sheets of a workbook: what each domain gives.

Domains and variables are those of the SDTM Implementation Guide 3.2 to 3.4, terms those of CDISC's controlled
terminology; what is not taken is said in docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import polars as pl

from expectations.errors import SourceFileError
from expectations.study import StudySettings
from transforms.readers import sdtm_laboratory, sdtm_lesions, sdtm_response, sdtm_subjects
from transforms.readers.reference_tables import strange_sheet
from transforms.readers.sdtm_dataset import Dataset, Rows, quoted
from transforms.readers.sheets import Sheet
from transforms.readers.source import BadCell, Reading, SourceFile

FORMAT: Final = "sdtm"

DOMAINS: Final[dict[str, Callable[[Dataset], list[Rows]]]] = {
    "DM": sdtm_subjects.subjects,
    "EX": sdtm_subjects.infusions,
    "DS": sdtm_subjects.dispositions,
    "RS": sdtm_response.assessments,
    "TR": sdtm_lesions.measurements,
    "TU": sdtm_lesions.lesions,
    "LB": sdtm_laboratory.results,
}
_KEYS: Final = {"STUDYID", "USUBJID"}
_SUBJECT: Final = {"USUBJID", "SUBJID"}
_DOMAIN: Final = {"DOMAIN", "RDOMAIN"}
"""Supplemental qualifiers name the domain they belong to."""


def is_dataset(sheet: Sheet) -> bool:
    """True for the header of an SDTM dataset, whatever its domain."""
    names = {cell.strip().upper() for cell in sheet.header}
    return names >= _KEYS and bool(names & _DOMAIN)


def _is_nearly(sheet: Sheet) -> bool:
    """True for a dataset that may lack STUDYID, or has SUBJID for USUBJID: it is refused with what it lacks."""
    names = {cell.strip().upper() for cell in sheet.header}
    return bool(names & _SUBJECT) and "DOMAIN" in names


def recognises(sheets: list[Sheet]) -> bool:
    """True where any sheet has the header of an SDTM dataset, or all have one that lacks a key."""
    return any(is_dataset(sheet) for sheet in sheets) or (bool(sheets) and all(_is_nearly(sheet) for sheet in sheets))


def read(source: SourceFile, sheets: list[Sheet], settings: StudySettings) -> Reading:
    """Incoming frames of the tables that the domains of these sheets fill.

    Raises SourceFileError: sdtm.domain, sdtm.variables, sdtm.subject, sdtm.treatment, table.repeated_column,
    table.empty.
    """
    if not any(is_dataset(sheet) for sheet in sheets):
        raise _without_key(source, sheets[0])
    bad = [strange_sheet(source, sheet) for sheet in sheets if not is_dataset(sheet)]
    frames: dict[str, list[pl.DataFrame]] = {}
    domains: list[str] = []
    for sheet in filter(is_dataset, sheets):
        dataset = Dataset(source, sheet, settings)
        domain = _domain(dataset)
        dataset.refuse_wrong_pattern()
        domains.append(domain)
        for rows in DOMAINS[domain](dataset):
            frame, cells = rows.finished()
            bad += cells
            if not rows.is_empty:
                frames.setdefault(rows.table.name, []).append(frame)
    if not frames:
        raise source.refuse(
            "sdtm.domain",
            problem=f"no row of {' and '.join(domains)} says anything perdure takes{_why(bad)}",
            remedy="dismiss it, or see docs/formats.md for what each domain gives",
        )
    return Reading(FORMAT, {name: pl.concat(parts) for name, parts in frames.items()}, _kept(bad, list(frames)))


def _without_key(source: SourceFile, sheet: Sheet) -> SourceFileError:
    names = {cell.strip().upper() for cell in sheet.header}
    lacking = " and no ".join(sorted(_KEYS - names))
    also = "; SUBJID is none of the study's own, for two sites may give one and the same" if "SUBJID" in names else ""
    return source.refuse(
        "sdtm.variables",
        place=f"header of sheet {sheet.name}" if sheet.name else "header",
        problem=f"it has DOMAIN as an SDTM dataset has, and no variable {lacking}{also}",
        remedy=f"export the dataset with {' and '.join(sorted(_KEYS))}",
    )


def _domain(dataset: Dataset) -> str:
    """The domain of all rows. Raises SourceFileError: sdtm.domain, sdtm.variables, table.empty."""
    known = ", ".join(DOMAINS)
    if not dataset.n_rows:
        raise dataset.refuse(
            "table.empty", problem="there is a header and no row below it", remedy="export the dataset again"
        )
    if not dataset.has("DOMAIN"):
        raise dataset.refuse(
            "sdtm.domain",
            problem="these are supplemental qualifiers (SUPP--), of which perdure takes nothing",
            remedy=f"dismiss it; perdure takes {known}",
        )
    told = list(dict.fromkeys(dataset.word(row, "DOMAIN") for row in range(dataset.n_rows)))
    if len(told) > 1 or told == [""]:
        shown = ", ".join(quoted(domain) or "none" for domain in told[:10])
        raise dataset.refuse(
            "sdtm.variables",
            problem=f"the rows are of more than one domain, or of none ({shown})",
            remedy="export the whole domain, one a file",
        )
    if told[0] not in DOMAINS:
        raise dataset.refuse(
            "sdtm.domain",
            problem=f"perdure takes nothing from the domain {quoted(told[0])}",
            remedy=f"dismiss it; perdure takes {known}",
        )
    return told[0]


def _why(bad: list[BadCell]) -> str:
    return f" (first, {bad[0].place}: {bad[0].column} {bad[0].value or 'empty'})" if bad else ""


def _kept(bad: list[BadCell], tables: list[str]) -> list[BadCell]:
    """Rejects with a table that has rows of this file: those of a table without any would be told nowhere."""
    return [cell if cell.table in (*tables, "-") else replace(cell, table=tables[0]) for cell in bad]
