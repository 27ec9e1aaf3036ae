"""A REDCap export is read as study.toml says today: a changed mapping reaches exports that came in long ago."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from expectations import suites
from expectations.records import FILES
from expectations.tables import TABLES
from flows.ingestion import Decision, Ingestion
from flows.triggers import what_to_do
from tests import mini_study
from tests.drawn_redcap import exported
from warehouse import lake
from warehouse.inbox import new_sightings

pytestmark = pytest.mark.filterwarnings("default")  # Great Expectations warns of its own dependencies

EXPORT = exported("""
    record_id | redcap_event_name | redcap_repeat_instrument | ldh | drawn_on   | seen_on    | status
    P1        | screening         |                          | 412 | 2012-01-20 |            |
    P9        | follow_up         | contacts                 |     |            | 2013-03-01 | 1
""") + "".join(f"P1,follow_up,contacts,,,2013-04-{day:02},1\n" for day in range(1, 31))
"""One contact of a subject that is in no table yet, and thirty of one that is."""
CONTACTS = """
[[clinical.redcap]]
table = "follow_up"
instrument = "contacts"
columns = { subject_id = "record_id", contact_date = "seen_on", vital_status = "status" }
codes.vital_status = { "1" = "alive", "2" = "dead" }
"""
LABORATORY = """
[[clinical.redcap]]
table = "lab_results"
columns = { subject_id = "record_id", sample_date = "drawn_on", value = "ldh" }
constants = { test = "LDH", unit = "U/L" }
"""


class Inbox:
    """A study that is only ingested, run after run, without a ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.versions, self.head, self.number = folder, {}, None, 0  # type: ignore[var-annotated]

    def run(self, mapping: str, files: dict[str, str] | None = None, decisions: tuple[Decision, ...] = ()) -> None:
        mini_study.write(self.folder, files or {}, mini_study.STUDY + mapping)
        todo = what_to_do(self.folder, date.today())
        new = new_sightings(todo.seen, self.rows("files").select("file_sha256", "path", "reason", "arrival").to_dicts())
        self.number += 1
        todo = replace(todo, head=self.head, new=new)
        work = Ingestion(todo, f"run-{self.number:06}", self.number, self.versions, decisions)
        for step in (work.take_in, work.read, work.judge, work.store):
            step()
        self.versions = work.versions
        self.head: Any = SimpleNamespace(row={"study_file_sha256": todo.study.sha256})

    def rows(self, name: str) -> pl.DataFrame:
        return lake.read(self.folder, TABLES.get(name, FILES), self.versions)

    @property
    def state(self) -> tuple[Any, ...]:
        return self.states("export.csv")[0]

    def states(self, path: str) -> list[tuple[Any, ...]]:
        """State and reason of everything that ever lay at a path, in the order of its arrival."""
        return self.rows("files").filter(path=path).sort("arrival").select("state", "reason").rows()

    def told(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        return self.rows(name).sort("place").select(columns).rows()


def test_a_mapping_written_later_fills_its_tables_and_one_taken_away_empties_them(tmp_path: Path) -> None:
    suites.load()
    inbox = Inbox(tmp_path / "study")
    inbox.run("", {"subjects.csv": mini_study.tables()["subjects.csv"], "export.csv": EXPORT})
    assert inbox.state == ("quarantined", "redcap.unmapped")

    inbox.run(CONTACTS)
    assert inbox.state == ("accepted_with_rejects", "row.unknown_reference")
    assert set(inbox.told("follow_up", "subject_id")) == {("P1",)}
    assert ("P1", date(2013, 4, 30), "line 33") in inbox.told("follow_up", "subject_id", "contact_date", "place")

    inbox.run(CONTACTS, {"later.csv": "subject_id,enrolment_date\nP9,2012-01-09\n"})
    assert inbox.state == ("accepted", "accepted.whole")
    assert len(inbox.told("follow_up", "subject_id")) == 31

    inbox.run(CONTACTS + LABORATORY)
    assert inbox.state == ("accepted", "accepted.whole")
    assert inbox.told("lab_results", "subject_id", "test", "value", "unit") == [("P1", "LDH", 412.0, "U/L")]

    inbox.run(CONTACTS.replace('"1" = "alive"', '"1" = "dead"') + LABORATORY)
    assert inbox.told("follow_up", "vital_status") == [("dead",)] * 31

    inbox.run(LABORATORY)
    assert inbox.told("follow_up", "subject_id") == []
    assert inbox.told("lab_results", "subject_id") == [("P1",)]

    inbox.run("")
    assert inbox.state == ("quarantined", "redcap.unmapped")
    assert inbox.told("lab_results", "subject_id") == []


IN = ("accepted", "accepted.whole")
GONE = ("superseded", "superseded.newer_export")
SUBJECTS = mini_study.tables()["subjects.csv"]


def contacts(drawing: str) -> str:
    """An export of contacts: subject, day and status."""
    return exported("record_id | redcap_event_name | redcap_repeat_instrument | seen_on | status\n" + drawing.strip())


FIRST = """
    P1 | follow_up | contacts | 2013-03-01 | 1
    P1 | follow_up | contacts | 2013-04-01 | 1
    P2 | follow_up | contacts | 2013-03-02 | 1
"""
CORRECTED = """
    P1 | follow_up | contacts | 2013-03-01 | 1
    P1 | follow_up | contacts | 2013-04-11 | 1
"""
"""The same without the row of P2, and with another day of the second contact."""
DAYS_FIRST = [("P1", "2013-03-01"), ("P1", "2013-04-01"), ("P2", "2013-03-02")]
DAYS_CORRECTED = [("P1", "2013-03-01"), ("P1", "2013-04-11")]


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    suites.load()
    return Inbox(tmp_path / "study")


def days(inbox: Inbox) -> list[tuple[str, str]]:
    rows = inbox.rows("follow_up").select("subject_id", pl.col("contact_date").cast(pl.String))
    return sorted(rows.rows())


@pytest.mark.parametrize("policy", ["hold", "newest"])
def test_an_export_saved_over_gives_way_with_rows_whose_date_moved_or_that_were_removed(
    inbox: Inbox, policy: str
) -> None:
    mapping = f'[corrections]\nreference_tables = "{policy}"\n{CONTACTS}'
    inbox.run(mapping, {"subjects.csv": SUBJECTS, "export.csv": contacts(FIRST)})
    assert days(inbox) == DAYS_FIRST
    inbox.run(mapping, {"export.csv": contacts(CORRECTED)})
    assert days(inbox) == DAYS_CORRECTED
    assert inbox.states("export.csv") == [GONE, IN]


def test_a_value_corrected_in_its_place_is_no_conflict(inbox: Inbox) -> None:
    inbox.run(CONTACTS, {"subjects.csv": SUBJECTS, "export.csv": contacts(FIRST)})
    inbox.run(CONTACTS, {"export.csv": contacts(FIRST.replace("2013-04-01 | 1", "2013-04-01 | 2"))})
    assert inbox.told("follow_up", "vital_status") == [("alive",), ("dead",), ("alive",)]
    assert inbox.states("export.csv") == [GONE, IN]


def test_a_changed_study_file_reaches_every_row_of_an_export_that_was_saved_over(inbox: Inbox) -> None:
    inbox.run(CONTACTS, {"subjects.csv": SUBJECTS, "export.csv": contacts(FIRST)})
    more = contacts(FIRST + "    P2 | follow_up | contacts | 2013-09-01 | 1\n")
    inbox.run(CONTACTS, {"export.csv": more})
    inbox.run(CONTACTS.replace('"1" = "alive"', '"1" = "dead"'))
    assert inbox.told("follow_up", "vital_status") == [("dead",)] * 4
    inbox.run("")
    assert days(inbox) == []


def test_an_export_under_another_name_leaves_the_rows_of_the_first(inbox: Inbox) -> None:
    inbox.run(CONTACTS, {"subjects.csv": SUBJECTS, "export.csv": contacts(FIRST)})
    (inbox.folder / "inbox" / "export.csv").unlink()
    inbox.run(CONTACTS, {"later.csv": contacts(CORRECTED)})
    assert days(inbox) == sorted({*DAYS_FIRST, *DAYS_CORRECTED})


@pytest.mark.parametrize(
    "broken",
    [CORRECTED.replace("2013-", "soon "), CORRECTED.replace("P1", "P7")],
    ids=["held for its dates", "no row of it comes in"],
)
def test_an_export_saved_over_by_one_that_does_not_come_in_stands_until_it_does(inbox: Inbox, broken: str) -> None:
    inbox.run(CONTACTS, {"subjects.csv": SUBJECTS, "export.csv": contacts(FIRST)})
    inbox.run(CONTACTS, {"export.csv": contacts(broken)})
    assert days(inbox) == DAYS_FIRST
    assert inbox.states("export.csv")[0] == IN
    assert inbox.states("export.csv")[1][0] == "quarantined"
    inbox.run(CONTACTS, {"export.csv": contacts(CORRECTED)})
    assert days(inbox) == DAYS_CORRECTED
    assert inbox.states("export.csv") == [GONE, ("superseded", "superseded.replaced_in_inbox"), IN]


def test_a_correction_taken_back_brings_the_earlier_export_back(inbox: Inbox) -> None:
    files = {"export.csv": contacts(FIRST)}
    inbox.run(CONTACTS, {"subjects.csv": SUBJECTS} | files)
    inbox.run(CONTACTS, {"export.csv": contacts(CORRECTED)})
    inbox.run(CONTACTS, files)
    assert days(inbox) == DAYS_FIRST
    assert inbox.states("export.csv") == [GONE, IN]
    inbox.run(CONTACTS)
    assert inbox.states("export.csv") == [GONE, IN]
    assert max(inbox.rows("files")["arrival"]) == 3


def test_an_export_over_which_another_known_one_was_copied_gives_way(inbox: Inbox) -> None:
    inbox.run(CONTACTS, {"subjects.csv": SUBJECTS, "export.csv": contacts(FIRST)})
    (inbox.folder / "inbox" / "export.csv").rename(inbox.folder / "inbox" / "first.csv")
    inbox.run(CONTACTS, {"second.csv": contacts(CORRECTED)})
    assert set(days(inbox)) == {*DAYS_FIRST, *DAYS_CORRECTED}
    (inbox.folder / "inbox" / "first.csv").unlink()
    inbox.run(CONTACTS, {"export.csv": contacts(CORRECTED)})
    assert days(inbox) == DAYS_CORRECTED
    assert inbox.states("second.csv") == [IN]


def test_a_dataset_of_sdtm_saved_over_gives_way_as_an_export_does(inbox: Inbox) -> None:
    rows = ["STUDYID,DOMAIN,USUBJID,DSDECOD,DSSTDTC", "S,DS,P1,COMPLETED,2013-03-01", "S,DS,P2,COMPLETED,2013-03-02"]
    inbox.run("", {"subjects.csv": SUBJECTS, "export.csv": "\n".join(rows)})
    inbox.run("", {"export.csv": "\n".join(rows[:2]).replace("-01", "-04")})
    assert inbox.told("dispositions", "subject_id", "disposition_date") == [("P1", date(2013, 3, 4))]
    assert inbox.states("export.csv") == [GONE, IN]


TABLE = "subject_id,contact_date,vital_status\n"


def test_a_row_that_another_file_says_too_stays_when_the_export_it_came_from_gives_way(inbox: Inbox) -> None:
    inbox.run(CONTACTS, {"subjects.csv": SUBJECTS, "export.csv": contacts(FIRST)})
    inbox.run(CONTACTS, {"clinic.csv": TABLE + "P2,2013-03-02,alive\n"})
    assert inbox.states("clinic.csv") == [("duplicate", "duplicate.same_values")]
    inbox.run(CONTACTS, {"export.csv": contacts(CORRECTED)})
    assert days(inbox) == sorted([*DAYS_CORRECTED, ("P2", "2013-03-02")])
    assert inbox.states("clinic.csv") == [IN]


def test_a_correction_in_its_place_stands_against_other_files_as_the_export_stood(inbox: Inbox) -> None:
    inbox.run(CONTACTS, {"subjects.csv": SUBJECTS, "export.csv": contacts(FIRST)})
    inbox.run(CONTACTS, {"clinic.csv": TABLE + "P1,2013-03-01,dead\n"})
    assert inbox.states("clinic.csv") == [("quarantined", "row.conflicting_key")]
    inbox.run(CONTACTS, {"export.csv": contacts(CORRECTED)})
    assert inbox.told("follow_up", "vital_status") == [("alive",)] * 2
    assert inbox.states("clinic.csv") == [("quarantined", "row.conflicting_key")]


def released(inbox: Inbox, path: str, n: int = 0) -> tuple[Decision, ...]:
    sha = inbox.rows("files").filter(path=path).sort("arrival").item(n, "file_sha256")
    return (Decision(sha, "release", "Dr Jensen", "checked against the notes"),)


def test_what_a_person_released_against_an_export_stays_when_it_is_saved_over(inbox: Inbox) -> None:
    inbox.run(CONTACTS, {"subjects.csv": SUBJECTS, "export.csv": contacts(FIRST)})
    inbox.run(CONTACTS, {"clinic.csv": TABLE + "P1,2013-03-01,dead\n"})
    inbox.run(CONTACTS, decisions=released(inbox, "clinic.csv"))
    inbox.run(CONTACTS, {"export.csv": contacts(CORRECTED)})
    told = inbox.rows("follow_up").select("vital_status", pl.col("contact_date").cast(pl.String)).sort("contact_date")
    assert told.rows() == [("dead", "2013-03-01"), ("alive", "2013-04-11")]


def test_an_export_released_after_it_was_saved_over_stays(inbox: Inbox) -> None:
    inbox.run(CONTACTS, {"subjects.csv": SUBJECTS, "export.csv": contacts(FIRST)})
    inbox.run(CONTACTS, {"export.csv": contacts(CORRECTED)})
    inbox.run(CONTACTS, decisions=released(inbox, "export.csv"))
    assert set(days(inbox)) == {*DAYS_FIRST, *DAYS_CORRECTED}
    inbox.run(CONTACTS, {"more.csv": TABLE + "P2,2013-05-01,alive\n"})
    assert set(days(inbox)) >= {*DAYS_FIRST, *DAYS_CORRECTED}


def test_an_export_that_is_refused_on_reading_it_again_keeps_its_rows_and_its_rejects(inbox: Inbox) -> None:
    lines = FIRST + "".join(f"    P1 | follow_up | contacts | 2013-05-{n} | 1\n" for n in range(10, 34))
    inbox.run(CONTACTS, {"subjects.csv": SUBJECTS, "export.csv": contacts(lines)})
    before, rejects = days(inbox), inbox.told("rejects", "place", "value")
    assert len(rejects) == 2
    inbox.run(CONTACTS.replace('"seen_on"', '"sen_on"'))
    assert inbox.state == ("quarantined", "redcap.field")
    assert "rows that came in from it before stay" in inbox.rows("files").filter(path="export.csv").item(0, "problem")
    assert (days(inbox), inbox.told("rejects", "place", "value")) == (before, rejects)
    inbox.run(CONTACTS.replace('"1" = "alive"', '"1" = "dead"'))
    assert set(inbox.told("follow_up", "vital_status")) == {("dead",)}
    inbox.run(CONTACTS.replace('"seen_on"', '"sen_on"'))
    inbox.run("")
    assert days(inbox) == []
