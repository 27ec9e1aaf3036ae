"""The faults planted in the demo's inbox: what laboratories and offices really send, and what perdure makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from expectations import ingested
from expectations.study import StudySettings
from flows.demo.aid import export_path, with_token, write_aid
from flows.demo.immunity import count_spots
from flows.demo.plates import Assay, Counted, Plate, primary_window_end
from flows.demo.specimens import Specimen
from flows.demo.subjects import Subject
from flows.demo.tables import Row, write_csv

Inbox = dict[str, bytes]
"""Path relative to the inbox, with `/`, to the bytes of the file."""
Cells = dict[str, str]

UNKNOWN_SUBJECT: Final = "S26"


@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault and what must become of it.

    `expected_reason` is the reason code of the file or, where `column` names one, of the rejected row; `value` is what
    stands in that cell. A finding has no file state: `value` names the specimen, plate, tube, path of gates or subject
    it is about, and `expected_reason` is that of a finding about a tube or of a response that differs.
    """

    name: str
    path: str
    explanation: str
    expected_state: str | None = None
    expected_reason: str | None = None
    column: str | None = None
    value: str | None = None


def plant(
    seed: int, files: Inbox, plates: list[Plate], subjects: list[Subject], settings: StudySettings
) -> list[Fault]:
    """Plant every fault that is a file or a row; changes `files`.

    The plates lost to faults hold late specimens where there are enough of these: what a reader sees of the primary
    analysis should not hang on the faults.
    """
    late_first = _late_first(plates, settings)
    return [
        *_damaged_plates(files, late_first),
        *_further_plates(seed, files, late_first[4:], settings),
        *_files_that_are_no_data(files),
        *_bad_rows(files, settings),
        *_bad_tables(files, subjects),
    ]


def findings(stray: Specimen, misnamed: Specimen) -> list[Fault]:
    """The two specimens that are accepted and yet stand in the quality report."""
    path = "biobank/specimens.csv"
    return [
        Fault("drawn outside every window", path, "the visit was kept weeks early", value=stray.specimen_id),
        Fault("declared visit disagrees", path, "the label names the visit after it", value=misnamed.specimen_id),
    ]


def out_of_control(plate: Counted) -> Fault:
    """The reference plate that its control chart rejects."""
    why = "a vial of the reference donor thawed badly"
    return Fault("reference sample out of control", export_path(plate), why, value=plate.plate_id)


def _late_first(plates: list[Plate], settings: StudySettings) -> list[Plate]:
    decides_until = primary_window_end(settings)
    return sorted(plates, key=lambda plate: min(assay.specimen.study_day for assay in plate.assays) <= decides_until)


def _damaged_plates(files: Inbox, plates: list[Plate]) -> Iterator[Fault]:
    twice, cut, short, mistyped = (export_path(plate) for plate in plates[:4])
    corrected = f"elispot/usb_stick/{plates[0].plate_id}_corrected.txt"
    count = next(well.spots for well in plates[0].wells if well.well == "C4")
    files[corrected] = with_token(files[twice], "C4", str(count + 37))
    for path in (twice, corrected):
        why = "exported twice with another count in C4; nobody knows which is right"
        yield Fault("one plate, two exports", path, why, "quarantined", "conflict.same_plate")
    files[cut] = files[cut][: files[cut].index(b"\nE") + 20]
    yield Fault("cut off", cut, "the copy stopped in row E of the counts", "quarantined", "aid.count_grid")
    files[short] = with_token(files[short], "F7", "")
    yield Fault("a count is missing", short, "row F has 11 counts", "quarantined", "aid.count_grid")
    files[mistyped] = with_token(files[mistyped], "G2", "12O")
    yield Fault("no number", mistyped, "G2 is 12O, with a letter", "quarantined", "aid.count_token")


def _further_plates(seed: int, files: Inbox, plates: list[Plate], settings: StudySettings) -> Iterator[Fault]:
    copy = f"elispot/usb_stick/{plates[0].plate_id}.txt"
    files[copy] = files[export_path(plates[0])]
    yield Fault("the same file twice", copy, "copied again by hand", "duplicate", "duplicate.same_bytes")
    leftover = tuple(Assay(a.specimen, count_spots(seed, a.specimen, 3, settings)) for a in plates[0].assays)
    validation = Plate("VAL-003", plates[0].read_on, leftover)
    files[export_path(validation)] = write_aid(seed, validation)
    why = "a validation run; no layout was written"
    yield Fault("no layout", export_path(validation), why, "quarantined", "layout.missing")


def _files_that_are_no_data(files: Inbox) -> Iterator[Fault]:
    lock, notes = "clinic/~$tumour_assessments.xlsx", "elispot/reader_notes.txt"
    files[lock] = b"\x0aStudy desk".ljust(165, b" ")
    yield Fault("office lock file", lock, "the workbook was open", "ignored", "ignored.temporary_file")
    files[notes] = b"Lamp changed, settings as before.\nCounted again after cleaning the lens.\n"
    yield Fault("a note among the exports", notes, "no data in it", "quarantined", "format.unrecognised")


def _bad_rows(files: Inbox, settings: StudySettings) -> Iterator[Fault]:
    path = "production/tumour_pieces.csv"
    stranger = {"specimen_id": f"{UNKNOWN_SUBJECT}-TUM", "subject_id": UNKNOWN_SUBJECT}
    files[path] = _with_row(files[path], stranger)
    yield _row_fault("unknown subject", path, "row.unknown_reference", "subject_id", UNKNOWN_SUBJECT)

    path = "biobank/specimens.csv"
    files[path] = _with_row(files[path], {"specimen_id": "S25-RESERVE", "viability_percent": "120.0"})
    yield _row_fault("impossible viability", path, "row.range", "viability_percent", "120.0")

    path = "clinic/blood_counts.csv"
    files[path], changed = _with_change(files[path], _with_ambiguous_date)
    yield _row_fault("ambiguous date", path, "row.ambiguous_date", "count_date", changed["count_date"])

    path = min(path for path in files if path.startswith("layouts/"))
    antigen, undeclared = settings.tumour_antigens[-1], "Survivin"
    files[path], _ = _with_change(
        files[path], lambda cells: {"stimulus": undeclared} if cells["stimulus"] == antigen else None
    )
    yield _row_fault("undeclared stimulus", path, "row.undeclared", "stimulus", undeclared)


def _row_fault(name: str, path: str, reason: str, column: str, value: str) -> Fault:
    return Fault(name, path, f"one row has {column} {value}", "accepted_with_rejects", reason, column, value)


def _with_ambiguous_date(cells: Cells) -> Cells | None:
    day = date.fromisoformat(cells["count_date"])
    return {"count_date": f"{day:%d/%m/%Y}"} if day.day <= 12 and day.day != day.month else None


def _bad_tables(files: Inbox, subjects: list[Subject]) -> Iterator[Fault]:
    path = "clinic/central_reading.csv"
    files[path] = b"subject_id,assessment_date,overall_response\n" + b"".join(
        f"{subject.subject_id},{subject.infused_on + timedelta(days=60)},SD\n".encode() for subject in subjects[:6]
    )
    why = "the column evaluator is missing"
    yield Fault("a column is missing", path, why, "quarantined", "table.missing_column")

    path = "clinic/telephone_contacts.csv"
    called = [(subject, subject.infused_on + timedelta(days=100)) for subject in subjects]
    reached = [(subject, day) for subject, day in called if day < subject.last_contact][:10]
    rows: list[Row] = [
        {
            "subject_id": subject.subject_id,
            "contact_date": day,
            "vital_status": status,
            "withdrawal_date": None,
            "new_therapy_date": None,
        }
        for (subject, day), status in zip(reached, ("no answer", "alive", "alive") * 4, strict=False)
    ]
    files[path] = write_csv(ingested.FOLLOW_UP, rows)
    why = "four of ten rows give no vital status"
    yield Fault("too many bad rows", path, why, "quarantined", "expectation.critical")


def _with_row(table: bytes, changes: Cells) -> bytes:
    """The table with its last row once more, some cells changed."""
    lines = table.decode().splitlines(keepends=True)
    last = _cells(lines[0], lines[-1])
    return "".join([*lines, _line(lines[0], last | changes)]).encode()


def _with_change(table: bytes, change: Callable[[Cells], Cells | None]) -> tuple[bytes, Cells]:
    """The table with the first row changed for which there is a change, and that row."""
    lines = table.decode().splitlines(keepends=True)
    for index, line in enumerate(lines[1:], start=1):
        cells = _cells(lines[0], line)
        if changes := change(cells):
            lines[index] = _line(lines[0], cells | changes)
            return "".join(lines).encode(), cells | changes
    raise LookupError("no row can be changed so")


def _cells(header: str, line: str) -> Cells:
    separator = ";" if ";" in header else ","
    names = header.removeprefix("\ufeff").strip().split(separator)
    return dict(zip(names, line.rstrip("\r\n").split(separator), strict=True))


def _line(header: str, cells: Cells) -> str:
    separator, end = ";" if ";" in header else ",", header[len(header.rstrip("\r\n")) :]
    return separator.join(cells.values()) + end
