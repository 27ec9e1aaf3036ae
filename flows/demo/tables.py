"""The reference tables of the simulated study, as different offices would send them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from expectations import ingested
from expectations.contract import Table
from expectations.identities import SOURCE
from expectations.study import StudySettings
from flows.demo.chance import happens, lognormal, uniform, whole
from flows.demo.immunity import CELLS_PER_WELL
from flows.demo.plates import Plate
from flows.demo.specimens import LYMPHODEPLETION_DAYS, Specimen
from flows.demo.subjects import Subject
from flows.demo.workbooks import write_sheets

Cell = str | int | float | date | None
Row = Mapping[str, Cell]

PLATES_PER_LAYOUT: Final = 12
PRIOR_THERAPIES: Final = ("high-dose interleukin-2", "dacarbazine", "ipilimumab")
LDH_UPPER_LIMIT: Final = 250.0
CONTACT_DAYS: Final = 182
COUNT_DAYS: Final = {-10: 1400.0, 7: 70.0, 14: 480.0, 30: 800.0, 42: 950.0, 90: 1150.0, 180: 1250.0, 365: 1300.0}
"""Study day of a blood count, and the median of its lymphocytes per microlitre."""


def header(table: Table) -> list[str]:
    """The columns a person fills in."""
    return [column.name for column in table.columns if column not in SOURCE]


def write_csv(table: Table, rows: Iterable[Row], *, continental: bool = False, by_spreadsheet: bool = False) -> bytes:
    """Comma-separated UTF-8; `continental` has semicolons and decimal commas, `by_spreadsheet` a BOM and CRLF."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if continental else ",", lineterminator="\r\n" if by_spreadsheet else "\n")
    writer.writerow(header(table))
    writer.writerows([_text(row.get(name), continental=continental) for name in header(table)] for row in rows)
    return text.getvalue().encode("utf-8-sig" if by_spreadsheet else "utf-8")


def _text(cell: Cell, *, continental: bool) -> str:
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    text = "" if cell is None else str(cell)
    return text.replace(".", ",") if continental and isinstance(cell, float) else text


def write_workbook(table: Table, rows: Iterable[Row]) -> bytes:
    """An Excel workbook of one sheet, dates as date cells."""
    lines: list[list[object]] = [list(header(table))]
    lines += [[row.get(name) for name in header(table)] for row in rows]
    return write_sheets({table.name: lines})


def write_tables(seed: int, subjects: list[Subject], tubes: list[Specimen], pieces: list[Specimen]) -> dict[str, bytes]:
    """Every reference table under its path in the inbox."""
    return {
        "clinic/subjects.csv": write_csv(
            ingested.SUBJECTS, (_subject(seed, one) for one in subjects), by_spreadsheet=True
        ),
        "clinic/tumour_assessments.xlsx": write_workbook(ingested.TUMOUR_ASSESSMENTS, _assessments(subjects)),
        "clinic/follow_up.csv": write_csv(ingested.FOLLOW_UP, _contacts(subjects)),
        "clinic/laboratory.csv": write_csv(ingested.LAB_RESULTS, _laboratory(subjects)),
        "clinic/end_of_study.csv": write_csv(ingested.DISPOSITIONS, _dispositions(subjects)),
        "clinic/blood_counts.csv": write_csv(
            ingested.BLOOD_COUNTS, _counts(Random(f"{seed}/blood"), Random(f"{seed}/CD4"), subjects), continental=True
        ),
        "production/infusion_products.csv": write_csv(
            ingested.INFUSION_PRODUCTS, _products(Random(f"{seed}/product CD4"), subjects), continental=True
        ),
        "production/tumour_pieces.csv": write_csv(ingested.SPECIMENS, map(_specimen, pieces)),
        "biobank/specimens.csv": write_csv(ingested.SPECIMENS, map(_specimen, tubes), by_spreadsheet=True),
    }


def write_layouts(plates: list[Plate], settings: StudySettings) -> dict[str, bytes]:
    """The plate layouts, a dozen plates a file: the second a workbook, the third with semicolons and aliases."""
    alias = {antigen.name: antigen.aliases[0] for antigen in settings.antigens if antigen.aliases}
    files: dict[str, bytes] = {}
    for number, start in enumerate(range(0, len(plates), PLATES_PER_LAYOUT), start=1):
        dozen = plates[start : start + PLATES_PER_LAYOUT]
        path = f"layouts/layout_{dozen[0].plate_id}_to_{dozen[-1].plate_id}"
        rows = [row for plate in dozen for row in _layout(plate, alias if number == 3 else {})]
        if number == 2:
            files[f"{path}.xlsx"] = write_workbook(ingested.PLATE_LAYOUTS, rows)
        else:
            files[f"{path}.csv"] = write_csv(ingested.PLATE_LAYOUTS, rows, continental=number == 3)
    return files


def _subject(seed: int, subject: Subject) -> Row:
    history = Random(f"{seed}/history/{subject.subject_id}")
    n_lines = whole(history, 1, 3)
    return {
        "subject_id": subject.subject_id,
        "enrolment_date": subject.enrolled_on,
        "sex": subject.sex,
        "birth_year": subject.birth_year,
        "m_stage": subject.m_stage,
        "ldh_at_baseline": subject.ldh,
        "ecog": int(happens(history, 0.4)),
        "n_prior_therapies": n_lines,
        "prior_therapies": ", ".join(PRIOR_THERAPIES[:n_lines]),
    }


def _assessments(subjects: list[Subject]) -> Iterator[Row]:
    for subject in subjects:
        for assessment in subject.assessments:
            yield {
                "subject_id": subject.subject_id,
                "assessment_date": assessment.assessed_on,
                "overall_response": assessment.response,
                "evaluator": assessment.evaluator,
            }


def _contacts(subjects: list[Subject]) -> Iterator[Row]:
    """A contact every half year, then the last one, which brings all that is known by then."""
    for subject in subjects:
        contact: dict[str, Cell] = {"subject_id": subject.subject_id, "vital_status": "alive"}
        contact |= {"withdrawal_date": None, "new_therapy_date": None}
        day = subject.infused_on + timedelta(days=CONTACT_DAYS)
        while day < subject.last_contact:
            yield {**contact, "contact_date": day}
            day += timedelta(days=CONTACT_DAYS)
        yield {
            **contact,
            "contact_date": subject.last_contact,
            "vital_status": "dead" if subject.died_on else "alive",
            "withdrawal_date": subject.withdrew_on,
            "new_therapy_date": subject.new_therapy_on,
        }


def _laboratory(subjects: list[Subject]) -> Iterator[Row]:
    """Lactate dehydrogenase on the day of enrolment, with the laboratory's upper limit."""
    for subject in subjects:
        yield {
            "subject_id": subject.subject_id,
            "sample_date": subject.enrolled_on,
            "test": "LDH",
            "value": subject.ldh,
            "unit": "U/L",
            "upper_limit": LDH_UPPER_LIMIT,
        }


def _dispositions(subjects: list[Subject]) -> Iterator[Row]:
    """How the study ended for those who left it alive."""
    for subject in subjects:
        if subject.died_on is None:
            yield {
                "subject_id": subject.subject_id,
                "disposition_date": subject.last_contact,
                "disposition": "withdrawal by subject" if subject.withdrew_on else "completed",
                "is_withdrawal": "yes" if subject.withdrew_on else "no",
            }


def _counts(rng: Random, of_cd4: Random, subjects: list[Subject]) -> Iterator[Row]:
    for subject in subjects:
        for day, median in COUNT_DAYS.items():
            lymphocytes, share = lognormal(rng, median, 0.35), uniform(rng, 0.2, 0.6)
            others = (1 - share) * uniform(of_cd4, 0.4, 0.85)
            counted_on = subject.infused_on + timedelta(days=day)
            if counted_on < subject.last_contact:
                yield {
                    "subject_id": subject.subject_id,
                    "count_date": counted_on,
                    "lymphocytes_per_ul": round(lymphocytes, 1),
                    "cd8_per_ul": round(lymphocytes * share, 1),
                    "cd4_per_ul": round(lymphocytes * others, 1),
                }


def _products(rng: Random, subjects: list[Subject]) -> Iterator[Row]:
    for subject in subjects:
        yield {**_product(subject), "cd4_percent": round((100 - subject.product_cd8) * uniform(rng, 0.6, 0.95), 1)}


def _product(subject: Subject) -> Row:
    return {
        "subject_id": subject.subject_id,
        "infusion_date": subject.infused_on,
        "lymphodepletion_start": subject.infused_on - timedelta(days=LYMPHODEPLETION_DAYS),
        "specimen_id": f"{subject.subject_id}-TIL",
        "total_viable_cells": f"{subject.total_viable_cells:.0f}",
        "viability_percent": subject.product_viability,
        "cd8_percent": subject.product_cd8,
    }


def _specimen(tube: Specimen) -> Row:
    return {
        "specimen_id": tube.specimen_id,
        "subject_id": tube.subject.subject_id,
        "collection_date": tube.collected_on,
        "material": tube.material,
        "declared_visit": tube.declared_visit,
        "collected_at": tube.collected_at,
        "processed_at": tube.processed_at,
        "preservation": "fresh" if tube.material == "tumour" else "frozen",
        "viability_percent": tube.viability_percent,
        "recovery_percent": None if tube.material == "tumour" else tube.recovery_percent,
        "operator": tube.operator,
        "lot": f"FM-{tube.collected_on.year}-{(tube.collected_on.month + 2) // 3}",
    }


def _layout(plate: Plate, alias: Mapping[str, str]) -> Iterator[Row]:
    for well in plate.wells:
        yield {
            "plate_id": plate.plate_id,
            "well": well.well,
            "specimen_id": well.specimen.specimen_id,
            "stimulus": alias.get(well.stimulus, well.stimulus),
            "cells_per_well": CELLS_PER_WELL,
            "replicate": well.replicate,
        }
