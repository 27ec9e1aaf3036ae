"""Subjects of SDTM: DM to subjects, DM and DS to deaths and dispositions, EX to infusions."""

from __future__ import annotations

import re
from typing import Final

from expectations.clinical_in import DISPOSITIONS, FOLLOW_UP
from expectations.errors import SourceFileError
from expectations.ingested import INFUSION_PRODUCTS, SUBJECTS
from transforms.readers.sdtm_dataset import Dataset, Fault, Rows, is_partial, quoted, together, whole_day

_SEXES: Final = {"F": "female", "M": "male", "U": "", "UNDIFFERENTIATED": "", "INTERSEX": ""}
_YEAR: Final = re.compile(r"(\d{4})(?!\d)")
_ARMS: Final = ("ARMNRS", "ARMCD", "ARM")
_NOT_ENROLLED: Final = ("SCREEN FAIL", "SCRNFAIL")
_DEATH: Final = "DEATH"
_END_OF_PARTICIPATION: Final = "end of participation"
_NOT_THE_STUDY: Final = ("TREATMENT", "DRUG", "THERAPY")


def subjects(dm: Dataset) -> list[Rows]:
    """Rows of subjects, follow_up (deaths) and dispositions (the end of participation) from DM.

    A screen failure was never enrolled and gives none. Raises SourceFileError (sdtm.variables) where the variable of
    the enrolment is not there, or empty throughout.
    """
    variable = dm.settings.clinical.sdtm.enrolment_variable.upper()
    _refuse_without_enrolment(dm, variable)
    known = Rows(SUBJECTS, dm, {"subject_id": "USUBJID", "enrolment_date": variable, "sex": "SEX"})
    deaths = Rows(FOLLOW_UP, dm, {"subject_id": "USUBJID", "contact_date": "DTHDTC"})
    ends = Rows(DISPOSITIONS, dm, {"subject_id": "USUBJID", "disposition_date": "RFPENDTC"})
    for row in range(dm.n_rows):
        if arm := next((name for name in _ARMS if dm.word(row, name).startswith(_NOT_ENROLLED)), None):
            known.reject(row, "row.not_used", arm, dm.text(row, arm), "a screen failure was never enrolled")
            continue
        _add_subject(known, dm, row, variable)
        death, end = dm.day(row, "DTHDTC"), dm.day(row, "RFPENDTC")
        if death:
            deaths.add(row, {"contact_date": death, "vital_status": "dead"})
        elif dm.is_yes(row, "DTHFL"):
            deaths.reject(row, "row.required", "DTHDTC", "", "the day of death is known where DTHFL is Y")
            continue
        if end and not (death and end[: len(death)] >= death):
            ends.add(row, {"disposition_date": end, "disposition": _END_OF_PARTICIPATION, "is_withdrawal": "false"})
    return [known, deaths, ends]


def _add_subject(known: Rows, dm: Dataset, row: int, variable: str) -> None:
    enrolment = dm.day(row, variable)
    year = _YEAR.match(born) if (born := dm.text(row, "BRTHDTC")) else None
    sex = dm.word(row, "SEX")
    cells = {"enrolment_date": enrolment, "sex": _SEXES.get(sex, sex), "birth_year": year[1] if year else ""}
    says = f"{variable}, which clinical.sdtm.enrolment_variable names, is filled; another variable can be named there"
    faults = {} if enrolment else {"enrolment_date": Fault("row.required", variable, "", says)}
    if is_partial(enrolment):
        says = "the day of enrolment is a whole date"
        faults = {"enrolment_date": Fault("row.partial_date", variable, enrolment, says)}
    known.add(row, cells, faults)


def _refuse_without_enrolment(dm: Dataset, variable: str) -> None:
    if dm.filled(variable):
        return
    told = [
        f"{name} ({n})" for name in dm.names if name.endswith("DTC") and name != "BRTHDTC" and (n := dm.filled(name))
    ]
    absent = "is empty in every row" if dm.has(variable) else "is no variable of this dataset"
    raise dm.refuse(
        "sdtm.variables",
        problem=f"{variable}, the day of enrolment by clinical.sdtm.enrolment_variable, {absent}",
        remedy=f"name another one in study.toml; filled dates, with their rows, are {', '.join(told) or 'none'}",
    )


def dispositions(ds: Dataset) -> list[Rows]:
    """Rows of follow_up (deaths) and dispositions (everything else) from DS; the same event of a day once.

    A withdrawal from treatment (DSSCAT) is none from the study.
    """
    ds.need("DSDECOD", "DSSTDTC")
    deaths = Rows(FOLLOW_UP, ds, {"subject_id": "USUBJID", "contact_date": "DSSTDTC", "vital_status": "DSDECOD"})
    others = Rows(
        DISPOSITIONS, ds, {"subject_id": "USUBJID", "disposition_date": "DSSTDTC", "disposition": "DSDECOD"}
    )  # fmt: skip
    told: list[tuple[tuple[str, str, str], int]] = []
    for row in range(ds.n_rows):
        event, whose, day = ds.word(row, "DSDECOD"), ds.text(row, "USUBJID"), ds.day(row, "DSSTDTC")
        if event.startswith(_NOT_ENROLLED):
            others.reject(row, "row.not_used", "DSDECOD", event, "a screen failure was never enrolled")
        else:
            told.append(((whose, day, event), row))
    for (_, day, event), rows in together(told):
        if event == _DEATH:
            deaths.add(rows, {"contact_date": day, "vital_status": "dead"})
            continue
        left = "WITHDR" in event and any(_is_of_study(ds, row) for row in rows)
        cells = {"disposition_date": day, "disposition": event.lower(), "is_withdrawal": str(left).lower()}
        others.add(rows, cells)
    return [deaths, others]


def _is_of_study(ds: Dataset, row: int) -> bool:
    what = ds.word(row, "DSSCAT")
    return not any(name in what for name in _NOT_THE_STUDY)


def infusions(ex: Dataset) -> list[Rows]:
    """Rows of infusion_products from EX: the first day of a declared treatment, with the cells given on it.

    Doses in units that are no number of cells leave total_viable_cells empty. A subject one of whose infusions has no
    whole date is a reject: another could have been the first. Raises SourceFileError (sdtm.treatment).
    """
    ex.need("EXTRT", "EXSTDTC")
    sdtm = ex.settings.clinical.sdtm
    infused = _given(ex, sdtm.infusion_treatments)
    if not infused:
        raise _no_infusion(ex)
    depleted = _given(ex, sdtm.lymphodepletion_treatments)
    columns = {"subject_id": "USUBJID", "infusion_date": "EXSTDTC", "total_viable_cells": "EXDOSE"}
    products = Rows(INFUSION_PRODUCTS, ex, columns)
    every = (((usubjid,), row) for usubjid, rows in infused.items() for row in rows)
    for (usubjid,), rows in together(every):
        if faults := _undated(ex, rows):
            products.add(rows, {}, faults)
            continue
        days = {row: whole_day(ex.day(row, "EXSTDTC")) or "" for row in rows}
        first = min(days.values())
        on_first = [row for row in rows if days[row] == first]
        before = [
            day for row in depleted.get(usubjid, []) if (day := whole_day(ex.day(row, "EXSTDTC"))) and day <= first
        ]
        cells, faults = _cells_given(ex, on_first)
        told = {"infusion_date": first, "lymphodepletion_start": min(before, default=""), "total_viable_cells": cells}
        products.add(on_first, told, faults)
    return [products]


def _given(ex: Dataset, treatments: tuple[str, ...]) -> dict[str, list[int]]:
    """USUBJID to the rows in which one of the treatments was given."""
    wanted = {" ".join(name.upper().split()) for name in treatments}
    found: dict[str, list[int]] = {}
    for row in range(ex.n_rows):
        if ex.word(row, "EXTRT") in wanted and ex.word(row, "EXOCCUR") not in {"N", "NO"}:
            found.setdefault(ex.text(row, "USUBJID"), []).append(row)
    return found


def _undated(ex: Dataset, rows: list[int]) -> dict[str, Fault]:
    for row in rows:
        day = ex.day(row, "EXSTDTC")
        if whole_day(day) is None:
            rule = "row.partial_date" if _YEAR.match(day) else "row.unreadable" if day else "row.required"
            says = "every infusion of a subject has a whole date, for the first of them is day 0"
            return {"infusion_date": Fault(rule, "EXSTDTC", quoted(day), says)}
    return {}


def _cells_given(ex: Dataset, rows: list[int]) -> tuple[str, dict[str, Fault]]:
    """The cells of all doses together; empty where one of them is in another unit or has no number."""
    units = {" ".join(unit.upper().split()): cells for unit, cells in ex.settings.clinical.sdtm.cells_per_unit.items()}
    total = 0.0
    for row in rows:
        dose, cells = ex.text(row, "EXDOSE"), units.get(ex.word(row, "EXDOSU"))
        if cells is None or not dose:
            return "", {}
        if (number := ex.number(dose)) is None:
            says = "a dose in cells is a number"
            return "", {"total_viable_cells": Fault("row.unreadable", "EXDOSE", quoted(dose), says)}
        total += number * cells
    return repr(total), {}


def _no_infusion(ex: Dataset) -> SourceFileError:
    there = list(dict.fromkeys(ex.text(row, "EXTRT") for row in range(ex.n_rows) if ex.text(row, "EXTRT")))
    declared = ex.settings.clinical.sdtm.infusion_treatments
    shown = ", ".join(map(quoted, there[:25])) + (f" and {len(there) - 25} more" if len(there) > 25 else "")
    what = f"none of them is {' or '.join(declared)}" if declared else "study.toml names no treatment as the infusion"
    return ex.refuse(
        "sdtm.treatment",
        problem=f"the treatments are {shown or 'not named'}, and {what}",
        remedy="name the infusion in study.toml under clinical.sdtm.infusion_treatments, or dismiss the file",
    )
