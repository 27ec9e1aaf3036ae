"""Every file ends in one state with a reason a person can act on, and keeps it until something about it changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl
import pytest

from expectations import vocabulary
from expectations.reasons import REASONS
from expectations.records import FILES
from tests import drawn_exports
from tests.drawn_exports import aid_export, candidate, layout, with_count, workbook
from tests.drawn_judging import SPECIMENS, SUBJECTS, Store, after, empty_store, judged, stored
from transforms.file_states import Events, Row, file_states
from transforms.judging import Candidate, Hold, Judgement

PLATE = aid_export()


def first_seen(sha: str, path: str, arrival: int = 1) -> Row:
    """A row of a file as a run first sees it: its state is still open."""
    empty: Row = dict.fromkeys(FILES.schema)
    return empty | {"file_sha256": sha, "path": path, "size_bytes": 1, "arrival": arrival, "first_run_id": "run-1"}


def states(
    files: Iterable[Candidate] = (),
    judgement: Judgement | None = None,
    previous: Iterable[Row] = (),
    **events: object,
) -> dict[str, Row]:
    """Path to the row of every file after a run; candidates not seen before are new."""
    judged_files = list(files)
    old = list(previous)
    known = {row["file_sha256"] for row in old}
    new = [first_seen(one.file_sha256, one.path, one.arrival) for one in judged_files if one.file_sha256 not in known]
    told = Events(new=[*new, *events.pop("new", [])], **events)  # type: ignore[arg-type, misc]
    frame = file_states(old, told, judged_files, judgement or judged(judged_files))
    assert frame.schema == FILES.schema
    assert not frame.select(FILES.key).is_duplicated().any()
    assert set(frame["state"]) <= set(vocabulary.FILE_STATES)
    assert set(frame["reason"]) <= set(REASONS)
    return {row["path"]: row for row in frame.iter_rows(named=True)}


def run(
    store: Store, *files: Candidate, previous: Iterable[Row] = (), settings=drawn_exports.SETTINGS, **events: object
):
    """A run over these files: the rows of the files table, and the store after it."""
    judgement = judged(files, store, settings)
    return states(files, judgement, previous, **events), after(store, judgement)


def told(row: Row) -> tuple[str, str]:
    return row["state"], row["reason"]


def test_a_file_of_which_every_row_came_in_is_accepted_with_what_was_in_it():
    rows, _ = run(stored(SUBJECTS, SPECIMENS, layout(specimen="B1")), candidate(PLATE, "P.txt", 2))
    row = rows["P.txt"]
    assert told(row) == ("accepted", "accepted.whole")
    assert (row["format"], row["n_rows"], row["n_rejects"]) == ("aid_text", 96, 0)
    assert (row["read_date"], row["plates"], row["arrival"]) == (date(2012, 3, 13), "PL-1", 2)


def test_the_rule_most_rejected_rows_broke_is_the_reason():
    lines = [f"S{n},2012-01-01,female,1950" for n in range(30)]
    lines[3], lines[4], lines[9] = "S3,2012-01-01,f,1950", "S4,2012-01-01,m,1950", "S9,2012-01-01,male,195"
    text = "\n".join(["subject_id,enrolment_date,sex,birth_year", *lines, ""])
    row = run(empty_store(), candidate(text, "who.csv"))[0]["who.csv"]
    assert told(row) == ("accepted_with_rejects", "row.allowed_values")
    assert (row["n_rows"], row["n_rejects"], row["problem_place"]) == (30, 3, "line 5")
    assert row["problem"] == (
        "3 of 30 rows rejected; 2 break the rule that sex is one of female, male, and 1 other rule"
    )
    assert row["remedy"] == REASONS["row.allowed_values"].remedy


def test_rows_of_a_file_of_several_tables_are_counted_as_such():
    days = [["subject_id", "contact_date", "vital_status"], *(["S1", f"2012-01-{n}", "alive"] for n in range(10, 30))]
    days[1][2] = "gone"
    sheets = {"who": [["subject_id", "enrolment_date"], ["S1", "2012-01-01"]], "days": days}
    row = run(empty_store(), candidate(workbook(sheets), "who.xlsx"))[0]["who.xlsx"]
    assert row["problem"].startswith("1 of 21 rows of 2 tables rejected; 1 break the rule that vital_status is one of")


def test_a_row_that_broke_two_rules_is_one_rejected_row():
    lines = [f"S{n},2012-01-01,female,1950" for n in range(20)]
    lines[3] = "S3,2012-01-01,f,195"
    text = "\n".join(["subject_id,enrolment_date,sex,birth_year", *lines, ""])
    assert run(empty_store(), candidate(text, "who.csv"))[0]["who.csv"]["n_rejects"] == 1


def test_a_strange_sheet_is_a_reject_of_a_file_whose_rows_came_in():
    sheets = {"who": [["subject_id", "enrolment_date"], ["S1", "2012-01-01"]], "notes": [["call the clinic"]]}
    row = run(empty_store(), candidate(workbook(sheets), "who.xlsx"))[0]["who.xlsx"]
    assert told(row) == ("accepted_with_rejects", "row.sheet_unrecognised")
    assert (row["n_rows"], row["n_rejects"]) == (2, 1)


def test_a_file_that_broke_an_expectation_is_held_with_place_problem_and_remedy():
    row = run(empty_store(), candidate("subject_id,enrolment_date\nS1,soon\n", "who.csv"))[0]["who.csv"]
    assert told(row) == ("quarantined", "expectation.critical")
    assert row["problem_place"] == "subjects, first at line 2"
    assert "1 of 1 rows break the rule" in row["problem"]
    assert "rejects" in row["remedy"]
    assert (row["format"], row["n_rejects"]) == ("reference_table", 1)


def test_a_plate_without_layout_is_held_until_the_layout_is_there():
    store = stored(SUBJECTS, SPECIMENS)
    plate = candidate(PLATE, "P.txt", 2)
    first, store = run(store, plate)
    assert told(first["P.txt"]) == ("quarantined", "layout.missing")
    plan = candidate(layout(specimen="B1"), "plan.csv", 3)
    second, _ = run(store, plate, plan, previous=first.values())
    assert told(second["P.txt"]) == told(second["plan.csv"]) == ("accepted", "accepted.whole")
    assert second["P.txt"]["problem_place"] is None
    assert second["P.txt"]["arrival"] == 2


def test_a_file_of_which_no_row_came_in_is_held_and_not_accepted_with_rejects():
    store = stored("subject_id,enrolment_date\nS1,2012-01-01\n")
    row = run(store, candidate("subject_id,enrolment_date\nS1,2012-01-02\n", "edited.csv", 2))[0]["edited.csv"]
    assert told(row) == ("quarantined", "row.conflicting_key")
    assert row["problem"].startswith("1 of 1 rows rejected; 1 break the rule that the same key has the same values")


def test_a_file_that_says_what_is_known_is_a_duplicate_and_one_that_adds_a_row_is_not():
    store = stored(SUBJECTS)
    again = candidate(SUBJECTS.replace("\n", "\r\n"), "again.csv", 2)
    more = candidate(SUBJECTS + "S3,2012-01-03\n", "more.csv", 2)
    rows, _ = run(store, again, more)
    assert told(rows["again.csv"]) == ("duplicate", "duplicate.same_values")
    assert told(rows["more.csv"]) == ("accepted", "accepted.whole")


def test_a_plate_exported_again_with_the_same_counts_is_a_duplicate():
    store = stored(SUBJECTS, SPECIMENS, layout(specimen="B1"), PLATE)
    row = run(store, candidate(PLATE + "\n", "again.txt", 2))[0]["again.txt"]
    assert told(row) == ("duplicate", "duplicate.same_values")


def test_two_exports_of_a_plate_that_differ_are_both_held():
    store = stored(SUBJECTS, SPECIMENS, layout(specimen="B1"))
    rows, _ = run(store, candidate(PLATE, "a.txt"), candidate(aid_export(with_count("A1", "9")), "b.txt"))
    assert {told(row) for row in rows.values()} == {("quarantined", "conflict.same_plate")}
    assert {row["problem_place"] for row in rows.values()} == {"plate PL-1 in a.txt, b.txt"}


NEWEST = drawn_exports.settings(plates="newest", tables="newest")


def test_an_export_replaced_by_a_newer_one_is_superseded_and_so_is_an_older_one_arriving_late():
    base = stored(SUBJECTS, SPECIMENS, layout(specimen="B1"))
    old = candidate(PLATE, "old.txt", 1)
    first, store = run(base, old)
    newer = candidate(aid_export(with_count("A1", "9"), read_on="Date: Wednesday, March 14, 2012"), "new.txt", 2)
    second, store = run(store, newer, previous=first.values(), settings=NEWEST)
    assert told(second["old.txt"]) == ("superseded", "superseded.newer_export")
    assert told(second["new.txt"]) == ("accepted", "accepted.whole")
    late = candidate(aid_export(with_count("A1", "5"), read_on="Date: Monday, March 12, 2012"), "late.txt", 3)
    third, _ = run(store, late, previous=second.values(), settings=NEWEST)
    assert told(third["late.txt"]) == ("superseded", "superseded.older_export")
    assert told(third["new.txt"]) == ("accepted", "accepted.whole")


def test_a_table_judged_again_after_a_newer_one_came_in_is_superseded():
    store = stored("subject_id,enrolment_date\nS1,2012-02-02\n")
    store["subjects"] = store["subjects"].with_columns(file_sha256=pl.lit("newer"))
    old = candidate("subject_id,enrolment_date\nS1,2012-02-01\n", "old.csv", 0)
    assert told(run(store, old, settings=NEWEST)[0]["old.csv"]) == ("superseded", "superseded.newer_export")


def test_a_table_of_which_some_rows_are_older_than_those_held_came_in_in_part():
    store = stored("subject_id,enrolment_date\nS1,2012-02-02\n")
    store["subjects"] = store["subjects"].with_columns(file_sha256=pl.lit("newer"))
    old = candidate("subject_id,enrolment_date\nS1,2012-02-01\nS2,2012-02-01\n", "old.csv", 0)
    assert told(run(store, old, settings=NEWEST)[0]["old.csv"]) == ("accepted", "accepted.partly_superseded")


def test_bytes_that_are_known_are_a_duplicate_wherever_they_lie():
    first, store = run(empty_store(), candidate(SUBJECTS, "who.csv"))
    sha = first["who.csv"]["file_sha256"]
    rows, _ = run(store, previous=first.values(), duplicates=[first_seen(sha, "copy.csv", 2)])
    assert told(rows["copy.csv"]) == ("duplicate", "duplicate.same_bytes")
    assert told(rows["who.csv"]) == ("accepted", "accepted.whole")


def test_a_copy_of_a_held_file_stays_a_duplicate_whatever_becomes_of_the_file():
    held = candidate(PLATE, "P.txt")
    copy = first_seen(held.file_sha256, "copy.txt")
    first, store = run(stored(SUBJECTS, SPECIMENS), held, duplicates=[copy])
    assert told(first["copy.txt"]) == ("duplicate", "duplicate.same_bytes")
    second, _ = run(store, held, candidate(layout(specimen="B1"), "plan.csv"), previous=first.values())
    assert (told(second["copy.txt"]), told(second["P.txt"])) == (
        told(first["copy.txt"]),
        ("accepted", "accepted.whole"),
    )


def test_a_temporary_file_is_ignored_and_under_its_real_name_it_is_a_file_of_its_own():
    who = candidate(SUBJECTS, "who.csv", 2)
    first, store = run(empty_store(), ignored=[first_seen(who.file_sha256, "who.csv.part")])
    assert told(first["who.csv.part"]) == ("ignored", "ignored.temporary_file")
    new = [first_seen(who.file_sha256, "who.csv", 2)]
    second, _ = run(store, who, previous=first.values(), new=new)
    assert told(second["who.csv.part"]) == ("ignored", "ignored.temporary_file")
    assert told(second["who.csv"]) == ("accepted", "accepted.whole")


def test_a_renamed_temporary_file_that_says_what_is_known_is_a_duplicate():
    again = candidate(SUBJECTS.replace("\n", "\r\n"), "again.csv", 2)
    part = first_seen(again.file_sha256, "again.csv.part") | {"state": "ignored", "reason": "ignored.temporary_file"}
    new = [first_seen(again.file_sha256, "again.csv", 2)]
    rows, _ = run(stored(SUBJECTS), again, previous=[part], new=new)
    assert told(rows["again.csv"]) == ("duplicate", "duplicate.same_values")


REFUSAL = Hold("aid.count_grid", "line 20", "row C has 11 counts for 12 columns")


def test_a_file_no_reader_could_read_is_held_with_the_readers_words():
    refused = {"a": (None, REFUSAL, "export the plate again")}
    row = states(new=[first_seen("a", "P.txt")], refused=refused)["P.txt"]
    assert told(row) == ("quarantined", "aid.count_grid")
    assert (row["problem_place"], row["problem"]) == ("line 20", "row C has 11 counts for 12 columns")
    assert row["remedy"] == "export the plate again"


def held_row(sha: str = "a", path: str = "P.txt") -> Row:
    return first_seen(sha, path) | {"state": "quarantined", "reason": "aid.count_grid"}


def test_a_dismissed_file_is_ignored_with_who_and_why():
    by = {"decided_by": "tester", "decision_reason": "a note"}
    row = states(previous=[held_row()], refused={"a": (None, REFUSAL, "x")}, dismissed={"a": by})["P.txt"]
    assert told(row) == ("ignored", "ignored.dismissed")
    assert (row["decided_by"], row["decision_reason"]) == ("tester", "a note")


def test_a_released_file_keeps_its_own_state_with_who_and_why():
    bad = candidate("subject_id,enrolment_date\nS1,soon\nS2,2012-01-01\n", "who.csv", is_released=True)
    by = {"decided_by": "tester", "decision_reason": "one is enough"}
    row = run(empty_store(), bad, released={bad.file_sha256: by})[0]["who.csv"]
    assert told(row) == ("accepted_with_rejects", "row.unreadable")
    assert (row["decided_by"], row["decision_reason"]) == ("tester", "one is enough")


INBOX = [
    ("replaced in its place", {"P.txt": "b"}, ("superseded", "superseded.replaced_in_inbox")),
    ("still there", {"P.txt": "a"}, ("quarantined", "aid.count_grid")),
    ("moved", {"sub/P.txt": "a"}, ("quarantined", "aid.count_grid")),
    ("moved, another in its place", {"P.txt": "b", "sub/P.txt": "a"}, ("quarantined", "aid.count_grid")),
    ("taken away", {}, ("quarantined", "aid.count_grid")),
]


@pytest.mark.parametrize(("case", "in_inbox", "expected"), INBOX, ids=[case[0] for case in INBOX])
def test_a_held_file_whose_place_another_has_taken_is_superseded(case, in_inbox, expected):
    refused = {"a": (None, REFUSAL, "x")}
    assert told(states(previous=[held_row()], refused=refused, in_inbox=in_inbox)["P.txt"]) == expected


def test_an_accepted_file_replaced_in_its_place_stays_accepted():
    accepted = first_seen("a", "P.txt") | {"state": "accepted", "reason": "accepted.whole"}
    assert told(states(previous=[accepted], in_inbox={"P.txt": "b"})["P.txt"]) == ("accepted", "accepted.whole")


def test_rejects_that_somebody_mended_in_their_place_are_told_no_more():
    mended = first_seen("a", "who.csv") | {"state": "accepted_with_rejects", "reason": "row.range", "n_rejects": 2}
    row = states(previous=[mended], in_inbox={"who.csv": "b"})["who.csv"]
    assert (told(row), row["n_rejects"]) == (("accepted", "accepted.partly_superseded"), 0)


def test_files_nobody_looked_at_keep_their_rows():
    old = held_row() | {"problem": "as it was", "n_rows": 3}
    assert states(previous=[old])["P.txt"] == FILES.conform(pl.DataFrame([old], schema=FILES.schema)).to_dicts()[0]


def test_a_row_without_a_plate_names_no_plate():
    plan = "plate_id,well,specimen_id,stimulus,cells_per_well\n" + "".join(
        f"P,A{n},B1,medium,200000\n" for n in range(1, 13)
    )
    rows = "".join(f"P,A{n},1\n" for n in range(1, 13))
    file = candidate(f"plate,well,spots\n{rows},B1,1\n", "long.csv")
    row = run(stored(SUBJECTS, SPECIMENS, plan), file)[0]["long.csv"]
    assert (row["plates"], row["n_rows"], row["n_rejects"]) == ("P", 13, 1)
