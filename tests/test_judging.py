"""What comes in and what is held back: whole files, in whatever order they arrive, and nothing rests on a held one."""

from __future__ import annotations

import itertools
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from expectations import suites
from tests import drawn_exports
from tests.drawn_exports import aid_export, candidate, layout, with_count, workbook
from tests.drawn_judging import (
    SPECIMENS,
    SUBJECTS,
    after,
    by_rows,
    empty_store,
    holds,
    judged,
    rejects,
    stored,
)
from transforms.judging import judge, rejects_of

LAYOUT = layout(specimen="B1")
BASE = (SUBJECTS, SPECIMENS, LAYOUT)
PLATE = aid_export()
CORRECTED = aid_export(with_count("A1", "7"))


def test_files_in_order_come_in_whole():
    files = [candidate(text, f"{n}") for n, text in enumerate((*BASE, PLATE))]
    judgement = judged(files)
    assert judgement.holds == {}
    assert rejects_of(judgement).is_empty()
    store = after(empty_store(), judgement)
    heights = {name: frame.height for name, frame in store.items() if frame.height}
    assert heights == {"subjects": 2, "specimens": 2, "plate_layouts": 96, "plates": 1, "elispot_counts": 96}


def test_a_workbook_whose_second_table_fails_leaves_no_row_of_its_first_behind():
    sheets = {
        "subjects": [["subject_id", "enrolment_date"], ["S1", "2012-01-01"]],
        "specimens": [
            ["specimen_id", "subject_id", "collection_date"],
            ["B1", "S1", "soon"],
            ["B2", "S1", "2012-01-02"],
        ],
    }
    book = candidate(workbook(sheets), "both.xlsx")
    rests_on_it = candidate("subject_id,infusion_date\nS1,2012-02-01\n", "infusions.csv")
    judgement = judged([rests_on_it, book])
    assert holds(judgement, book, rests_on_it) == {
        "both.xlsx": "expectation.critical",
        "infusions.csv": "expectation.critical",
    }
    assert all(frame.is_empty() for frame in judgement.new.values())
    assert ("both.xlsx", "specimens!row 2", "row.unreadable") in rejects(judgement, book, rests_on_it)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_runs_in_which_files_arrive_do_not_change_what_is_stored(order):
    texts = (*BASE, PLATE)
    store, waiting = empty_store(), []
    for arrival, index in enumerate(order, start=1):
        waiting.append(candidate(texts[index], f"{index}", arrival))
        judgement = judged(waiting, store)
        store = after(store, judgement)
        waiting = [one for one in waiting if one.file_sha256 in judgement.holds]
    assert waiting == []
    together = stored(*texts)
    assert {name: frame.rows() for name, frame in store.items()} == {n: f.rows() for n, f in together.items()}


def test_a_plate_without_layout_waits_and_comes_in_when_the_layout_does():
    store = stored(SUBJECTS, SPECIMENS)
    plate = candidate(PLATE, "plate.txt", 2)
    first = judged([plate], store)
    assert holds(first, plate) == {"plate.txt": "layout.missing"}
    assert "96 of 96 counted wells" in first.holds[plate.file_sha256].problem
    assert rejects_of(first).is_empty()
    plan = candidate(LAYOUT, "plan.csv", 3)
    assert judged([plate, plan], after(store, first)).holds == {}


def table_of(n: int, n_bad: int) -> str:
    """Subjects, the first of them without a readable date; the names differ with the number."""
    days = ["soon" if number < n_bad else "2012-01-01" for number in range(n)]
    return "\n".join(["subject_id,enrolment_date", *(f"S{n}-{k},{day}" for k, day in enumerate(days)), ""])


def test_a_tenth_of_bad_rows_is_split_off_and_more_hold_the_file():
    good, bad = candidate(table_of(20, 2), "good.csv"), candidate(table_of(30, 4), "bad.csv")
    judgement = judged([good, bad])
    assert holds(judgement, good, bad) == {"bad.csv": "expectation.critical"}
    assert judgement.new["subjects"].height == 18
    hold = judgement.holds[bad.file_sha256]
    assert hold.place == "subjects, first at line 2"
    assert hold.problem.startswith(
        "4 of 30 rows break the rule that every filled cell can be read as its column's type"
    )
    assert hold.problem.endswith("; at most 10 % may")


def test_what_is_to_be_mended_in_a_held_file_is_told_row_by_row():
    bad = candidate(table_of(10, 3), "bad.csv")
    assert rejects(judged([bad]), bad) == [("bad.csv", f"line {n}", "row.unreadable") for n in (2, 3, 4)]


def test_a_small_bad_file_is_no_better_for_lying_beside_a_large_good_one():
    large, small = candidate(table_of(100, 0), "large.csv"), candidate(table_of(4, 1), "small.csv")
    judgement = judged([large, small])
    assert holds(judgement, large, small) == {"small.csv": "expectation.critical"}
    assert judgement.new["subjects"].height == 100
    checks = pl.concat(judgement.checks).filter(pl.col("check_name").str.starts_with("unreadable"))
    told = checks.sort("attempt").select("attempt", "success", "n_rows", "n_unexpected").rows()
    assert told == [(1, True, 104, 1), (2, False, 4, 1), (3, True, 100, 0)]


def test_lines_that_are_too_wide_count_as_bad_rows():
    text = "subject_id,enrolment_date\nS1,2012-01-01\nS2,2012,01,02\n"
    file = candidate(text, "unquoted.csv")
    judgement = judged([file])
    assert holds(judgement, file) == {"unquoted.csv": "expectation.critical"}
    assert rejects(judgement, file) == [("unquoted.csv", "line 3", "row.width")]


def test_lines_that_are_too_wide_are_told_as_such_and_not_as_cells_that_cannot_be_read():
    narrow, wide = ["S1,2012-01-01"], ["S2,2012,01,02"]
    for lines, says in (
        (narrow + wide, "1 of 2 rows break the rule that a line has no more cells than the header; at most 10 % may"),
        (
            [*wide, "S3,soon"],
            "2 of 2 rows break the rule that every filled cell can be read as its column's type, or that a line has no "
            "more cells than the header (1 of them) (such as enrolment_date); at most 10 % may",
        ),
    ):
        file = candidate("\n".join(["subject_id,enrolment_date", *lines, ""]), "unquoted.csv")
        assert judged([file]).holds[file.file_sha256].problem == says


def test_a_warning_holds_nothing_back_and_rejects_no_row():
    text = "specimen_id,subject_id,collection_date,recovery_percent\nB1,S1,2012-01-10,2000\n"
    file = candidate(text, "specimens.csv")
    judgement = judged([file], stored(SUBJECTS))
    assert judgement.holds == {}
    assert rejects_of(judgement).is_empty()
    assert judgement.new["specimens"].height == 1
    failed = pl.concat(judgement.checks).filter(~pl.col("success"))
    assert failed.select("check_name", "severity").rows() == [("range(recovery_percent)", "warning")]


def test_a_released_file_comes_in_without_its_bad_rows():
    bad = candidate(table_of(10, 3), "bad.csv", is_released=True)
    judgement = judged([bad])
    assert judgement.holds == {}
    assert judgement.new["subjects"].height == 7
    assert len(rejects(judgement, bad)) == 3


def test_a_released_plate_without_layout_leaves_no_plate_without_counts():
    plate = candidate(PLATE, "plate.txt", is_released=True)
    judgement = judged([plate], stored(SUBJECTS, SPECIMENS))
    assert judgement.new["plates"].is_empty()
    assert judgement.new["elispot_counts"].is_empty()
    assert len(rejects(judgement, plate)) == 96


def test_two_exports_of_a_plate_are_held_and_a_repetition_of_the_stored_one_is_not_needed():
    store = stored(*BASE, PLATE)
    other, again = candidate(CORRECTED, "other.txt", 2), candidate(PLATE + "\n", "again.txt", 2)
    judgement = judged([other, again], store)
    told = {"other.txt": "conflict.same_plate", "again.txt": "duplicate.same_values"}
    assert holds(judgement, other, again) == told
    assert "plate PL-1 in" in str(judgement.holds[other.file_sha256].place)
    assert after(store, judgement)["elispot_counts"].equals(store["elispot_counts"])


def test_a_corrected_plate_takes_the_place_of_the_old_one_whole_and_empties_its_file():
    store = stored(*BASE, PLATE)
    old = store["plates"].item(0, "file_sha256")
    newer = candidate(CORRECTED.replace("Tuesday, March 13", "Wednesday, March 14"), "newer.txt", 2)
    judgement = judged([newer], store, drawn_exports.settings(plates="newest"))
    now = after(store, judgement)
    assert set(now["elispot_counts"]["file_sha256"]) == set(now["plates"]["file_sha256"]) == {newer.file_sha256}
    assert now["elispot_counts"].filter(pl.col("well") == "A1")["spots"].to_list() == [7]
    assert judgement.emptied == {old}


def long_csv(**plates: int) -> str:
    """Two wells of every plate, the first with this count."""
    rows = [f"{plate},{well},{spots}" for plate, spots in plates.items() for well in ("A1", "A2")]
    return "\n".join(["plate,well,spots", *rows, ""])


LAYOUTS = "plate_id,well,specimen_id,stimulus,cells_per_well\n" + "".join(
    f"{plate},{well},B1,medium,200000\n" for plate in ("P", "Q", "R") for well in ("A1", "A2")
)


def test_a_repetition_of_a_file_that_is_held_comes_in_itself():
    """a and c contradict each other on Q; b repeats P of a, which stays out: b is needed."""
    a, b, c = (candidate(long_csv(**told), name) for name, told in (
        ("a", {"P": 1, "Q": 2}), ("b", {"P": 1}), ("c", {"Q": 3})))  # fmt: skip
    judgement = judged([a, b, c], stored(SUBJECTS, SPECIMENS, LAYOUTS))
    assert holds(judgement, a, b, c) == {"a": "conflict.same_plate", "c": "conflict.same_plate"}
    assert set(judgement.new["elispot_counts"]["file_sha256"]) == {b.file_sha256}


def test_an_older_export_comes_in_where_the_newer_one_is_broken():
    old = candidate("plate,well,spots,read_date\nP,A1,1,2012-03-01\nP,A2,1,2012-03-01\n", "old")
    new = candidate("plate,well,spots,read_date\nP,A1,2,2012-03-02\nP,A2,x,2012-03-02\n", "new")
    judgement = judged([old, new], stored(SUBJECTS, SPECIMENS, LAYOUTS), drawn_exports.settings(plates="newest"))
    assert holds(judgement, old, new) == {"new": "expectation.critical"}
    assert set(judgement.new["elispot_counts"]["file_sha256"]) == {old.file_sha256}


@pytest.mark.parametrize("policy", ["hold", "newest"])
def test_a_broken_export_does_not_stand_in_the_way_of_a_good_one(policy):
    broken = candidate("plate,well,spots\nP,A1,1\nP,A2,x\n", "broken")
    good = candidate("plate,well,spots\nP,A1,1\nP,A2,2\n", "good")
    judgement = judged([broken, good], stored(SUBJECTS, SPECIMENS, LAYOUTS), drawn_exports.settings(plates=policy))
    assert holds(judgement, broken, good) == {"broken": "expectation.critical"}
    assert judgement.new["elispot_counts"]["spots"].to_list() == [1, 2]


def test_an_export_that_is_held_in_a_later_pass_contradicts_nobody():
    """The layout of Q falls with its workbook, and a with it; only then are a and b compared on P."""
    plan = [line.split(",") for line in LAYOUTS.splitlines()]
    sheets = {
        "plan": [plan[0], *(row for row in plan if row[0] == "Q")],
        "infusions": [["subject_id", "infusion_date"], ["S1", "soon"]],
    }
    book = candidate(workbook(sheets), "book.xlsx")
    a, b = candidate(long_csv(P=1, Q=1), "a"), candidate(long_csv(P=2), "b")
    store = stored(SUBJECTS, SPECIMENS, "\n".join(",".join(row) for row in plan if row[0] != "Q"))
    judgement = judged([book, a, b], store)
    assert holds(judgement, book, a, b) == {"book.xlsx": "expectation.critical", "a": "layout.missing"}
    assert set(judgement.new["elispot_counts"]["file_sha256"]) == {b.file_sha256}


def test_a_growing_file_brings_its_new_plates_only():
    store = stored(SUBJECTS, SPECIMENS, LAYOUTS, long_csv(P=1))
    grown = candidate(long_csv(P=1, Q=2), "grown", 2)
    judgement = judged([grown], store)
    assert judgement.holds == {}
    assert set(judgement.new["elispot_counts"]["plate_id"]) == set(judgement.new["plates"]["plate_id"]) == {"Q"}


def test_a_row_without_a_plate_stops_no_run():
    rows = "".join(f"P,{letter}{n},1\n" for letter in "AB" for n in range(1, 11))
    plan = "plate_id,well,specimen_id,stimulus,cells_per_well\nP,A1,B1,medium,200000\n"
    file = candidate(f"plate,well,spots\n{rows},C1,1\n", "long.csv")
    judgement = judged([file], stored(SUBJECTS, SPECIMENS, plan))
    assert judgement.holds == {}
    assert rejects(judgement, file) == [("long.csv", "line 22", "row.required")]
    assert judgement.new["plates"].height == 1


def changed(text: str, old: str, new: str, path: str, **more: object):
    assert old in text
    return candidate(text.replace(old, new), path, 2, **more)


def test_a_changed_row_of_a_reference_table_is_rejected_until_it_is_released():
    store = stored(SUBJECTS)
    edited = changed(SUBJECTS + "S3,2012-01-03\n", "2012-01-02", "2012-01-09", "edited.csv")
    judgement = judged([edited], store)
    assert rejects(judgement, edited) == [("edited.csv", "line 3", "row.conflicting_key")]
    assert judgement.new["subjects"]["subject_id"].to_list() == ["S3"]
    assert judgement.n_known == {edited.file_sha256: 1}
    store = after(store, judgement)
    released = judged([replace(edited, is_released=True)], store)
    day = after(store, released)["subjects"].filter(pl.col("subject_id") == "S2")["enrolment_date"]
    assert day.to_list() == [drawn_exports.day("2012-01-09")]
    assert rejects_of(released).is_empty()


def test_a_table_replaced_by_a_newer_one_is_empty_only_when_its_last_row_is():
    store = stored(SUBJECTS)
    old = store["subjects"].item(0, "file_sha256")
    newest = drawn_exports.settings(tables="newest")
    part = changed(SUBJECTS, "2012-01-02", "2012-01-09", "part.csv")
    assert judged([part], store, newest).emptied == set()
    whole = candidate(SUBJECTS.replace("2012-01-0", "2012-02-0"), "whole.csv", 2)
    assert judged([whole], store, newest).emptied == {old}


def test_a_sheet_no_table_claims_is_a_reject_of_its_file():
    sheets = {"who": [["subject_id", "enrolment_date"], ["S1", "2012-01-01"]], "notes": [["call the clinic"]]}
    book = candidate(workbook(sheets), "book.xlsx")
    judgement = judged([book])
    assert judgement.holds == {}
    assert rejects(judgement, book) == [("book.xlsx", "notes!row 1", "row.sheet_unrecognised")]


def test_columns_nobody_knows_are_a_warning_that_names_column_and_file():
    file = candidate("subject_id,enrolment_date,Shoe size\nS1,2012-01-01,43\n", "who.csv")
    checks = pl.concat(judged([file]).checks).filter(pl.col("check_name") == "known_columns")
    assert checks.select("severity", "success", "examples").rows() == [("warning", False, "Shoe size (who.csv)")]


def test_every_check_stands_once_an_attempt():
    files = [
        candidate(table_of(100, 0), "large"),
        candidate(table_of(4, 1), "small"),
        candidate(SPECIMENS, "specimens"),
    ]
    checks = pl.concat(judged(files).checks)
    assert not checks.select("table_name", "attempt", "check_name").is_duplicated().any()


def test_a_table_is_not_checked_again_where_nothing_about_it_has_changed():
    asked = []

    def counting(table, incoming, known):
        asked.append(table.name)
        return by_rows(table, incoming, known)

    files = [candidate(SUBJECTS, "subjects"), candidate(PLATE, "plate")]
    judgement = judge(files, empty_store(), [], drawn_exports.SETTINGS, counting)
    assert asked.count("subjects") == 1
    told = pl.concat(judgement.checks).filter(table_name="subjects").filter(pl.col("check_name") != "known_columns")
    assert set(told["attempt"]) == {1}


@pytest.mark.filterwarnings("default")
def test_great_expectations_judges_as_the_rows_do():
    files = [candidate(table_of(100, 0), "large"), candidate(table_of(4, 1), "small"), candidate(PLATE, "plate")]
    with_library = judge(files, empty_store(), [], drawn_exports.SETTINGS, suites.check)
    by_hand = judged(files)
    assert with_library.holds == by_hand.holds
    assert {n: f.rows() for n, f in with_library.new.items()} == {n: f.rows() for n, f in by_hand.new.items()}
    told = pl.concat(with_library.checks).filter(pl.col("check_name").str.starts_with("unreadable"))
    assert not told.filter(pl.col("attempt") == 2)["success"].all()


POOL = {
    "subjects": SUBJECTS,
    "more subjects": "subject_id,enrolment_date\nS2,2012-01-09\nS3,2012-01-03\n",
    "bad subjects": table_of(4, 1),
    "specimens": SPECIMENS,
    "layout": LAYOUTS,
    "p": long_csv(P=1),
    "p other": long_csv(P=2),
    "p again": long_csv(P=1, Q=3),
    "q": long_csv(Q=3),
    "r": long_csv(R=1, P=1),
    "r broken": "plate,well,spots\nR,A1,x\nR,A2,1\n",
}


@examples(max_examples=10, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(POOL)), min_size=1, unique=True),
    st.sampled_from(["hold", "newest"]),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_files_are_read_changes_nothing(names, policy, random):
    settings = drawn_exports.settings(plates=policy, tables=policy)
    files = [candidate(POOL[name], name, 1 + len(name) % 2) for name in names]
    mixed = random.sample(files, len(files))
    one, other = judged(files, settings=settings), judged(mixed, settings=settings)
    assert one.holds == other.holds
    assert {n: f.rows() for n, f in one.new.items()} == {n: f.rows() for n, f in other.new.items()}
    assert rejects_of(one).rows() == rejects_of(other).rows()
    for table, frame in one.new.items():
        assert not set(frame["file_sha256"]) & one.holds.keys(), table
    plates = one.new["elispot_counts"].select("plate_id", "file_sha256").unique()
    assert plates["plate_id"].is_unique().all()
